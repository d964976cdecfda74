"""`runreel demo`: record, replay, miss and audit, once through, with no key and no network.

It uses what the commands use, and each step names the command that does the same for real.
"""

import http.client
import io
import json
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from runreel.cassettes.format import SIMULATOR
from runreel.cli.audit import log
from runreel.cli.output import paint, say
from runreel.config.loading import load
from runreel.config.settings import Config
from runreel.errors import StartRefused
from runreel.server.embedded import Embedded
from runreel.text import safe

_HELP = """Show what runreel does: record, stop the upstream, replay, miss, audit.

Everything happens on this machine, with the simulator in the place of the API: no key, no network.
Each step names the command that does it for real. What is written is removed again, unless --keep
names a folder for it.

\b
Example:
  runreel demo
  runreel demo --keep tryout
"""


@click.command("demo", help=_HELP)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to keep what is written in.")
def demo(keep: Path | None) -> None:
    """Tell the story as it happens."""
    if keep is not None:
        _make(keep)
        _tell(keep, kept=True)
        return
    with tempfile.TemporaryDirectory(prefix="runreel-demo-") as folder:
        _tell(Path(folder), kept=False)


def _tell(folder: Path, *, kept: bool) -> None:
    for number, step in enumerate(story(folder, kept=kept), start=1):
        if number > 1:
            say()
        say(paint(f"{number}. {step.title}", bold=True))
        say(f"   {paint(f'$ {step.command}', fg='cyan')}")
        for line in step.seen:
            say(f"   {safe(line)}")
    log.main(["--audit", str(folder / AUDIT)], standalone_mode=False)


def _make(folder: Path) -> None:
    """Make the folder that is kept, with a folder in it: so that it can be written is known now."""
    remedy = "name an empty or a new folder with --keep"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StartRefused(f"{folder}: is there already; {remedy}")
        (folder / "cassettes").mkdir(parents=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartRefused(f"{folder}: cannot be written: {reason}; {remedy}") from None


CASSETTE = "demo"
SESSION = "demo"
AUDIT = "audit"  # the folder below the demo's
_TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
_KEY = "none-needed"


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was taken: its title, the command that does it for real, and what was seen."""

    title: str
    command: str
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    source: str
    recorded: str | None
    body: bytes


def story(folder: Path, *, kept: bool) -> Iterator[Step]:
    """Take the steps, one after the other; what is written goes below the folder.

    Commands name the folder if it is `kept`: then they work where it was named.

    Raises:
        RunreelError: a step could not be taken.
    """
    cassettes = folder / "cassettes"
    place = f"--cassettes {shlex.quote(str(cassettes))} " if kept else ""
    written = f"kept in {cassettes / CASSETTE}.json"
    if not kept:
        written = "kept until the demo ends, as is all it writes; --keep FOLDER keeps it for you"
    with _running(_config(folder, SIMULATOR), "passthrough") as simulator:
        yield Step(
            "A stand-in for the API runs, with no key and no network",
            f"runreel simulate --lenient --port {urlsplit(simulator.url).port}",
            (f"listening at {simulator.url}",),
        )
        with _running(_config(folder, simulator.url), "record") as proxy:
            recorded = _modify(proxy.url, "review")
            proxy.close(SESSION)
    yield Step(
        "A run's metadata is changed through runreel, which records it",
        f"runreel record {place}--cassette {CASSETTE} --upstream {simulator.url}",
        (_asked("review"), _answered(recorded), written),
    )
    with _running(_config(folder, None), "replay") as proxy:
        replayed = _modify(proxy.url, "review")
        missed = _modify(proxy.url, "done")
        receipt = proxy.close(SESSION)
    same = "the very same bytes" if replayed.body == recorded.body else "other bytes"
    calls = receipt["upstream_calls"]
    yield Step(
        "The stand-in is stopped; the recording answers in its place",
        f"runreel replay {place}--cassette {CASSETTE}",
        (_asked("review"), f"{_answered(replayed)}, {same}", f"calls to any upstream: {calls}"),
    )
    message = str(json.loads(missed.body)["error"]["message"]).splitlines()[0]
    yield Step(
        "What nobody recorded is refused, and the client's exception says why",
        f"runreel replay {place}--cassette {CASSETTE}",
        (_asked("done"), f"{missed.status}: {message}"),
    )
    place = f" --audit {shlex.quote(str(folder / AUDIT))}" if kept else ""
    yield Step("Every change stands in the audit log", f"runreel audit log{place}", ())


@contextmanager
def _running(config: Config, mode: str) -> Iterator[Embedded]:
    """A proxy whose clients are in the session of the demo."""
    proxy = Embedded(config, io.StringIO())
    try:
        proxy.open(SESSION, config.cassettes, CASSETTE, mode)
        proxy.use(SESSION)
        yield proxy
    finally:
        proxy.stop()


def _config(folder: Path, upstream: str | None) -> Config:
    settings = {
        "cassettes": folder / "cassettes",
        "upstream": upstream,
        "simulator.lenient": True,
        "listen.tls": False,  # whatever the configuration beside it says
    }
    # The stand-in is no proxy that anybody would audit.
    audit = {"audit.enabled": upstream != SIMULATOR, "audit.path": folder / AUDIT}
    return load(None, {}, settings | audit)


def _modify(url: str, stage: str) -> _Reply:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    headers = {
        "Authorization": f"Bearer {_KEY}",
        "Content-Type": "application/json",
        "OpenAI-Beta": "assistants=v2",
    }
    with closing(connection):
        connection.request("POST", _TARGET, _body(stage), headers)
        reply = connection.getresponse()
        told = reply.headers
        return _Reply(
            reply.status, told["X-Runreel-Source"], told["X-Runreel-Recorded"], reply.read()
        )


def _body(stage: str) -> str:
    return json.dumps({"metadata": {"stage": stage}})


def _asked(stage: str) -> str:
    return f"POST {_TARGET} {_body(stage)}"


def _answered(reply: _Reply) -> str:
    metadata = json.dumps(json.loads(reply.body)["metadata"])
    kept = "" if reply.recorded is None else f", recorded: {reply.recorded}"
    return f"{reply.status} from {reply.source}{kept}; metadata is now {metadata}"
