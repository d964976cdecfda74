"""A proxy for as long as a command runs, and the exit code of both.

What the command finds in its environment, and what its exit code becomes; the process itself is
`child`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from runreel.cassettes.format import SIMULATOR
from runreel.config.settings import Config
from runreel.engine.receipt import summary
from runreel.server.app import EXIT_DRIFT, Default, Running, serving
from runreel.server.listener import RunOptions
from runreel.sessions.modes import DECISIONS, Mode
from runreel.tls.trust import trusting
from runreel.wrap import bypass
from runreel.wrap.child import GRACE_S, Child, found

EXIT_MISSED = 3
EXIT_UNPLAYED = 4
PLACEHOLDER_KEY = "runreel-replays-without-a-key"  # the SDKs refuse to start without one

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - told apart, not listened on
_SILENT = (
    "WARNING: the command sent no request to runreel. If it made any, they went LIVE, past the "
    "proxy: does it read OPENAI_BASE_URL? --env NAME sets another variable, --base-path its path."
)
_LEFT = "what the command had left running was ended"


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A command with its arguments and environment; `variables` get the URL of the proxy too.

    `grace_s` is what it may take to end after SIGTERM.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    variables: tuple[str, ...] = ()
    fail_on_unplayed: bool = False
    grace_s: float = GRACE_S


async def wrapped(
    config: Config, options: RunOptions, wrapping: Wrapping, tell: Callable[[str], None]
) -> int:
    """Run a command behind a proxy; `tell` gets a line at a time for people.

    Where no cassette is named and there is none by the name that is meant then, the command's tests
    open their own sessions, and a request that names none is refused.

    Returns the exit code of both, as `exit_code` has it.

    Raises:
        RunreelError: proxy or command cannot start, or at the end a cassette could not be saved.
    """
    path = found(wrapping.command[0])
    child = Child(wrapping.grace_s)
    code = None
    with child.in_charge():
        try:
            named = "cassette" in config.model_fields_set
            default = Default.NEEDED if named else Default.IF_THERE
            async with serving(config, options, default) as running:
                tell(running.ready_line)
                try:
                    with _environment(wrapping, config, running) as given:
                        code = await child.run(path, wrapping.command, given)
                    if code:
                        running.sessions.failed = f"the command ended with exit code {code}"
                finally:
                    if await child.clear():
                        tell(f"runreel: {_LEFT}")
        finally:
            if code is not None:
                for line in summary(running.receipt()):
                    tell(f"runreel: {line}")
    receipt = running.receipt()
    if child.started and not any(item["requests"] for item in _all(receipt)):
        tell(f"runreel: {_SILENT}")
    ours = exit_code(code, receipt, fail_on_unplayed=wrapping.fail_on_unplayed)
    if ours != code:
        tell(f"runreel: exit code {ours}, since {_REASONS[ours]}")
    return ours


@contextmanager
def _environment(wrapping: Wrapping, config: Config, running: Running) -> Iterator[dict[str, str]]:
    """The environment of the command, for as long as the files that it names are there."""
    given = _given(wrapping, config, running)
    if running.pem is None:
        yield given
        return
    with TemporaryDirectory(prefix="runreel-") as folder:
        yield given | trusting(wrapping.environment, running.pem, Path(folder))


def _given(wrapping: Wrapping, config: Config, running: Running) -> dict[str, str]:
    session = running.session
    live = DECISIONS[session.mode if session else running.mode].live
    upstream = session.upstream if session else config.upstream
    no_key = not live or upstream == SIMULATOR
    url = _for_clients(running.url) + config.base_path
    given = environment(wrapping, url, any_key=no_key)
    # The proxy asks its clients for this token in place of the upstream's key.
    token = config.listen.client_token
    return given if token is None else given | {"OPENAI_API_KEY": token}


def environment(wrapping: Wrapping, url: str, *, any_key: bool) -> dict[str, str]:
    """The environment of the command; `any_key` says whether any will do."""
    given = dict(wrapping.environment)
    given |= bypass(wrapping.environment, urlsplit(url).hostname or "")
    if any_key and not given.get("OPENAI_API_KEY"):
        given["OPENAI_API_KEY"] = PLACEHOLDER_KEY
    return given | dict.fromkeys(("OPENAI_BASE_URL", *wrapping.variables), url)


def exit_code(command: int, receipt: dict[str, Any], *, fail_on_unplayed: bool) -> int:
    """The command's own, except that 0 becomes the lowest of what the receipt gives reason for."""
    if command:
        return command
    every = _all(receipt)
    reasons = (
        (EXIT_MISSED, any(item["missed"] or _unstored(item) for item in every)),
        (EXIT_UNPLAYED, fail_on_unplayed and any(item["unplayed"] for item in every)),
        (EXIT_DRIFT, any(item.get("drift") for item in every)),
    )
    return min((code for code, holds in reasons if holds), default=0)


_REASONS = {
    EXIT_MISSED: "a call was missed or could not be recorded",
    EXIT_UNPLAYED: "recordings were left unplayed",
    EXIT_DRIFT: "answers drifted from their recordings",
}


def _unstored(receipt: dict[str, Any]) -> bool:
    return DECISIONS[Mode(receipt["mode"])].captures and bool(
        receipt["not_stored"] or receipt["failed"]
    )


def _all(receipt: dict[str, Any]) -> list[dict[str, Any]]:
    return [receipt, *receipt["sessions"]]


def _for_clients(url: str) -> str:
    """A URL that can be called, also of a proxy that listens on all addresses."""
    host = urlsplit(url).hostname or ""
    if host not in _ANY_ADDRESS:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{_ANY_ADDRESS[host]}:{parts.port}"
