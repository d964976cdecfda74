"""The proxy in a process of its own, and the pipe on which the tests tell it what to do.

What tests do to their own process never reaches it: clocks that stand still or jump, files and
sockets that are not real, an event loop or a whole library that is replaced. `ProxyProcess` is the
tests' end and imports nothing that takes time; the other is `Commands`, beside the proxy. A command
is a line of JSON, and so is its answer. Whoever is left alone ends: the proxy when its commands
end, keeping nothing of what is under way, and the tests' end with one sentence, after which
another proxy can be started.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runreel.errors import SessionRefused

_PACKAGES = str(Path(__file__).parents[2])  # where this runreel is, however it was found
# Not beside the tests, whose modules may be named as ours are; warnings are the tests' affair.
_COMMAND = (sys.executable, "-P", "-W", "ignore", "-m", "runreel.server.embedded")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """What tests need to know of the configuration in force; `folder_chosen` says that somebody
    set `cassettes`.
    """

    mode: str
    upstream: str | None
    cassettes: str
    folder_chosen: bool


class ProxyProcess:
    """A process that is to be a proxy on a bound socket, which is its own from now on, until
    `stop`; it gets ready while the tests are imported, and from `start` on it listens.

    All methods may be called from any thread and raise SessionRefused, with a sentence, if the
    proxy refuses or is gone.
    """

    def __init__(self, environment: Mapping[str, str], listener: socket.socket) -> None:
        self._lock = threading.Lock()
        self._untold = b""  # lines that the next command brings along
        self._process: subprocess.Popen[bytes] | None = None
        self._settings: ProxySettings | None = None
        with listener:
            self._listener = self._begin(environment, listener)

    def start(
        self, file: Path | None, environment: Mapping[str, str], asked: Mapping[str, Any]
    ) -> None:
        """Listen; `asked` are settings by dotted keys, as for `load`."""
        try:
            settings = self._ask(
                "start",
                file=None if file is None else str(file),
                environment=dict(environment),
                asked=dict(asked),
                listener=self._listener,
            )
        except SessionRefused:
            self._end()
            raise
        self._settings = ProxySettings(**settings)

    @property
    def started(self) -> bool:
        """Whether it listens, or did."""
        return self._settings is not None

    @property
    def settings(self) -> ProxySettings:
        """The configuration in force, once it is started."""
        assert self._settings is not None  # noqa: S101 - whoever asks knows it
        return self._settings

    @property
    def gone(self) -> bool:
        """Whether it has ended, by itself or at our word."""
        return self._process is None

    def open(
        self,
        id: str,  # noqa: A002 - as in `Embedded`
        cassettes: Path,
        cassette: str,
        mode: str,
        **wanted: Any,
    ) -> tuple[str, bool]:
        """Open or expect a session, and use it; returns its mode, and whether it is open. All is as
        for the command: a cassette that is to be replayed and is not there is an empty one.
        """
        place = {"cassettes": str(cassettes), "cassette": cassette}
        in_mode, is_open = self._ask("open", id=id, mode=mode, **place, **wanted)
        return in_mode, is_open

    def withdraw(self, id: str) -> bool:  # noqa: A002 - as above
        """Expect a session no longer; whether it was opened meanwhile."""
        return bool(self._ask("withdraw", id=id))

    def simulate(self, world: str, story: str) -> None:
        """Make a simulator whose ids are of a story only, and which sessions can call."""
        self._ask("simulate", world=world, story=story)

    def take_in(self, world: str, others: Iterable[str]) -> None:
        """From here on what exists in other simulators exists in this one too."""
        self._ask("take_in", world=world, others=list(others))

    def catch_up(self, world: str, cassettes: Path, name: str, scope: str | None) -> None:
        """A simulator comes to stand where a story in a cassette ends."""
        self._ask("catch_up", world=world, cassettes=str(cassettes), name=name, scope=scope)

    def forget(self, world: str) -> None:
        """Nobody calls a simulator any more."""
        self._ask("forget", world=world)

    def use(self, id: str | None) -> None:  # noqa: A002 - as above
        """Let requests that name no session go to this one: it is told with the next command, which
        is to follow at once, and nobody hears of it if it is refused.
        """
        self._untold += _line("use", {"id": id})

    def receipt(self, id: str) -> dict[str, Any]:  # noqa: A002 - as above
        """What an open session has done so far."""
        return dict(self._ask("receipt", id=id))

    def close(
        self,
        id: str,  # noqa: A002 - as above
        *,
        discard: bool,
        prunes: bool,
    ) -> tuple[dict[str, Any], str | None]:
        """End a session and return its receipt, and why its cassette could not be saved, if so;
        with `discard` nothing of it is kept, and unless it `prunes` all that it did not ask for is.
        """
        receipt, problem = self._ask("close", id=id, discard=discard, prunes=prunes)
        return receipt, problem

    def checked_name(self, name: str) -> str:
        """The name, if a cassette can have it."""
        return str(self._ask("checked_name", name=name))

    def check_match(self, match: Mapping[str, Any]) -> None:
        """Return if rules of a marker can be meant."""
        try:
            self._ask("check_match", match=match)
        except TypeError as error:  # what no JSON can hold
            raise SessionRefused(f"the marker's match: {error}") from None

    def exists(self, file: Path) -> bool:
        """Whether there is such a file or folder."""
        return bool(self._ask("exists", file=str(file)))

    def is_there(self, cassettes: Path, names: Iterable[str]) -> bool:
        """Whether there is one of these cassettes, also if it stands in a journal only."""
        return bool(self._ask("is_there", cassettes=str(cassettes), names=list(names)))

    def first(self, file: Path, text: str) -> str:
        """What the first who asked for a file wrote into it; `text` if that is this caller."""
        return str(self._ask("first", file=str(file), text=text))

    def scopes(self, file: Path) -> set[str | None]:
        """The stories of which a file holds recordings; none if it cannot be read."""
        return set(self._ask("scopes", file=str(file)))

    def drop_scopes(self, file: Path, scopes: Collection[str], *, others: bool) -> None:
        """Drop what belongs to some stories out of a file, or with `others` all that does not."""
        self._ask("drop_scopes", file=str(file), scopes=sorted(scopes), others=others)

    def remove(self, file: Path) -> None:
        """Remove a file, if it is there."""
        self._ask("remove", file=str(file))

    def drop_unfinished(self, cassettes: Path, name: str) -> None:
        """As `FileStore.drop_unfinished`."""
        self._ask("drop_unfinished", cassettes=str(cassettes), name=name)

    def try_upstream(self) -> None:
        """Return if the configured upstream accepts connections; nothing is sent to it."""
        self._ask("try_upstream")

    def stop(self) -> None:
        """End it, keeping nothing of what is under way; a second time does nothing."""
        if not self.gone:
            try:
                if self.started:
                    self._ask("stop")
            finally:
                self._end()

    def _ask(self, command: str, **arguments: Any) -> Any:
        with self._lock:
            if self.gone:
                raise SessionRefused(_GONE)
            lines, self._untold = self._untold + _line(command, arguments), b""
            try:
                answers = self._exchange(lines, lines.count(b"\n"))
            except BaseException:  # its answer would be taken for that of the next command
                self._end()
                raise
            if not answers:
                self._end()
                raise SessionRefused(_GONE)
        told = json.loads(answers[-1])
        if "refused" in told:
            raise SessionRefused(told["refused"])
        return told["answer"]

    def _begin(self, environment: Mapping[str, str], listener: socket.socket) -> int:
        """Start it; the number under which it finds the socket."""
        paths = [environment.get("PYTHONPATH"), _PACKAGES]
        self._process = subprocess.Popen(  # noqa: S603 - Python itself
            _COMMAND,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(listener.fileno(),),
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,  # a Ctrl-C is for the tests, which then end it
        )
        return listener.fileno()

    def _exchange(self, lines: bytes, number: int) -> list[bytes]:
        """Say so many lines; the answers, or none if it is gone."""
        assert self._process is not None  # noqa: S101 - whoever asks knows it
        commands, answers = self._process.stdin, self._process.stdout
        assert commands is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101 - as above
        received = b""
        with suppress(BrokenPipeError):
            while lines:
                lines = lines[commands.write(lines) :]
        while received.count(b"\n") < number:
            if not (more := answers.read(65_536)):
                return []
            received += more
        return received.splitlines()

    def _end(self) -> None:
        """Return when its process is no more."""
        process, self._process = self._process, None
        if process is not None:
            if not self.started:  # it may still be getting ready, and has nothing to save
                process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()  # without a limit: the clock that would tell may stand still


def _line(command: str, arguments: Mapping[str, Any]) -> bytes:
    return json.dumps({"command": command, "arguments": arguments}).encode("ascii") + b"\n"


_GONE = (
    "the proxy of this pytest process has ended, and with it what this test played or recorded; "
    "what it wrote to stderr says why, and the next test has a new one"
)
