"""A command as a child process that hardly notices it is one.

Owns its process group, its signals, the terminal it may need, its exit code, and that nothing it
forked outlives it. Knows nothing of proxies.

The command is a process group of its own, so that all of it can be reached and ended and nothing
else is: not this process, which has a receipt to write, and not what it is piped into. The group
stays in the background of the terminal, whose Ctrl-C and Ctrl-Z come here and are passed on. As
soon as something in it asks for the terminal, as a debugger does, the kernel stops it and it gets
the terminal lent, as sudo does it. Lent at once, it would be taken from a pager behind a pipe.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from runreel.errors import StartRefused

GRACE_S = 5.0  # that a command may take to end after SIGTERM; then it is killed
LEFT_GRACE_S = 1.0  # the same, for what it left behind
_KILL_S = 2.0  # that the kernel may take to end what was killed
_POLL_S = 0.02  # the end of a process that is nobody's child here is not told

_PASSED_ON = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTSTP),
)
_ENDS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
_ASKS_FOR_TERMINAL = frozenset({signal.SIGTTIN, signal.SIGTTOU})
_IGNORED_HERE = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTOU)  # the first two by Python
_PR_SET_CHILD_SUBREAPER = 36


def found(name: str) -> str:
    """The file of a command, as a shell finds it.

    Raises:
        StartRefused: there is none of that name that may be executed.
    """
    path = shutil.which(name)
    if path is None:
        raise StartRefused(
            f"the command {name!r} was not found or may not be executed; give a program of "
            "PATH or the path of one after --"
        )
    return path


class Child:
    """A command that is run once, `in_charge` of signals; it may take `grace_s` after SIGTERM.

    `late` is called for each signal to end that comes when the command has ended.
    """

    def __init__(self, grace_s: float = GRACE_S, late: Callable[[], object] = lambda: None) -> None:
        self._grace_s = grace_s
        self._late = late
        self.interrupted = False  # whether it was told to end
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._changed = asyncio.Event()  # something about a process
        self._terminal = _Terminal()
        self._group: int | None = None  # also the id of the process
        self._asked: int | None = None  # the signal that came before there was a process
        self._deadline: asyncio.TimerHandle | None = None
        self._lent = False  # the terminal, when the command was stopped
        self._to_stop = False  # it was told to
        self._held = False  # it asked for a terminal that it could not have, until we go on

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """While it lasts signals are for the command, and orphans of its own come to us.

        What is ignored, as SIGHUP under nohup, stays ignored.
        """
        took: list[signal.Signals] = []
        for number in _PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._loop.add_signal_handler(number, self._pass_on, number)
                took.append(number)
        self._loop.add_signal_handler(signal.SIGCONT, self._go_on)
        self._loop.add_signal_handler(signal.SIGCHLD, self._look)
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # to take the terminal back
        _adopt_orphans(yes=True)
        try:
            yield
        finally:
            _adopt_orphans(yes=False)
            signal.signal(signal.SIGTTOU, before)
            for number in (*took, signal.SIGCONT, signal.SIGCHLD):
                self._loop.remove_signal_handler(number)
            self._terminal.close()

    @property
    def started(self) -> bool:
        """Whether there was ever a process; there was none if a signal came first."""
        return self._group is not None

    async def run(self, path: str, command: tuple[str, ...], environment: Mapping[str, str]) -> int:
        """Start a file as a command and return its exit code, 128+n if signal n ended it.

        Raises:
            StartRefused: it cannot be started.
        """
        if self._asked is not None:
            return 128 + self._asked
        self._group = group = _started(path, command, environment)
        code = await self._ended
        if self._deadline is not None:
            self._deadline.cancel()
        self._terminal.take_back(group)
        return 128 - code if code < 0 else code

    async def clear(self) -> bool:
        """End what the command left behind; returns whether there was anything."""
        some = False
        for number, patience_s in ((signal.SIGTERM, LEFT_GRACE_S), (signal.SIGKILL, _KILL_S)):
            told: set[int] = set()
            end = self._loop.time() + patience_s
            while (left := self._left()) and self._loop.time() < end:
                some = True
                for process in left - told:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(process, number)
                told |= left
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await self._changed.wait()
        return some

    def _left(self) -> set[int]:
        """The processes to end, and -n for the process group n."""
        left: set[int] = set()
        if self._group is not None and _exists(-self._group):
            left.add(-self._group)
        return left | set(_children()) if self._look() else left

    def _pass_on(self, number: int) -> None:
        if self._ended.done():
            if number in _ENDS:
                self._late()
            return
        self.interrupted = self.interrupted or number in _ENDS
        if self._group is None:
            self._asked = self._asked or (number if number in _ENDS else None)
            return
        self._to_stop = self._to_stop or number == signal.SIGTSTP
        _send(self._group, number)
        if number == signal.SIGTERM and self._deadline is None:
            self._deadline = self._loop.call_later(self._grace_s, self._pass_on, signal.SIGKILL)

    def _look(self) -> bool:
        """Take note of what became of our children; returns whether there are any left."""
        self._changed.set()
        with suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
                if process == 0:
                    return True
                # Others were forked by the command and became ours when it ended.
                if process == self._group and not self._ended.done():
                    if os.WIFSTOPPED(status):
                        self._stopped(process, os.WSTOPSIG(status))
                    else:
                        self._ended.set_result(os.waitstatus_to_exitcode(status))
        return False

    def _stopped(self, group: int, number: int) -> None:
        """Lend the terminal if it asks for that; else stop like it, as a shell expects of a job.

        Without a terminal there is no such shell, and nobody who would let us go on.
        """
        if not self._terminal.is_there:
            return
        asks = number in _ASKS_FOR_TERMINAL and not self._to_stop  # or Ctrl-Z would be lost
        self._to_stop = False
        if asks and self._terminal.lend(group):
            _send(group, signal.SIGCONT)
            return
        self._lent = self._terminal.take_back(group)
        if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(0, signal.SIGTSTP)  # here we stop, unless nobody could ever let us go on
            self._loop.add_signal_handler(signal.SIGTSTP, self._pass_on, signal.SIGTSTP)
        self._held = asks
        if not asks:
            self._resume()

    def _go_on(self) -> None:
        if self._held:
            self._held = False
            self._resume()

    def _resume(self) -> None:
        if self._group is None or self._ended.done():
            return
        if self._lent:
            self._terminal.lend(self._group)
        _send(self._group, signal.SIGCONT)


class _Terminal:
    """The controlling terminal, if there is one, and who has it."""

    def __init__(self) -> None:
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY)

    @property
    def is_there(self) -> bool:
        """Whether there is one at all."""
        return self._file is not None

    def close(self) -> None:
        """Have no terminal any more."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def lend(self, group: int) -> bool:
        """Give it to a process group, if it is ours to give; returns whether it was."""
        return self._pass(os.getpgrp(), group)

    def take_back(self, group: int) -> bool:
        """Have it again, if that group has it; returns whether it had."""
        return self._pass(group, os.getpgrp())

    def _pass(self, giver: int, taker: int) -> bool:
        if self._file is None:
            return False
        try:
            if os.tcgetpgrp(self._file) != giver:
                return False
            os.tcsetpgrp(self._file, taker)
        except OSError:  # it hung up
            return False
        return True


def _adopt_orphans(*, yes: bool) -> None:
    if sys.platform == "linux":  # elsewhere only the command's process group is known
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def _started(path: str, command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    try:
        return os.posix_spawn(path, command, environment, setpgroup=0, setsigdef=_IGNORED_HERE)
    except OSError as error:
        raise StartRefused(
            f"the command {command[0]!r} cannot be started ({error.strerror}); is it a program?"
        ) from None


def _send(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # on macOS also of what has ended
        return False
    return True


def _children() -> Iterator[int]:
    """Our own, also those that came to us as orphans; Linux only."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The parent is the second field behind the name, in which anything may stand.
            if int(path.read_bytes().rpartition(b")")[2].split()[1]) == os.getpid():
                yield int(path.parent.name)
