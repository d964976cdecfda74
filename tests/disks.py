"""A disk that fails, or that a killed process leaves behind, at any one of the calls it is asked.

Owns the counting of the calls and what each kind of trouble does at one of them. What the calls are
for is the test's business.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

CALLS = (
    "open",
    "write",
    "fsync",
    "fdatasync",
    "ftruncate",
    "replace",
    "unlink",
    "mkdir",
    "close",
    "listdir",
    "stat",
)
# What the call does before it fails: nothing, half of it if it is a write, all of it; "for good" is
# refused whenever the same call comes again; after half of it, "killed" does nothing any more.
Trouble = Literal["refused", "half", "done", "for good", "killed"]


class Killed(BaseException):
    """The process is gone; no later call of it reaches the disk."""


@dataclass
class Disk:
    """Trouble at the n-th call (from 1); `met` is the name of that call, once it came."""

    trouble: Trouble
    nth: int
    number: int = errno.EIO
    met: str | None = None
    calls: list[str] = field(default_factory=list)
    held: set[int] = field(default_factory=set)  # descriptors, which end with their process

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """All calls of the package reach this disk."""
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
            patch.setattr(fcntl, "flock", self._wrapped("flock", fcntl.flock))
            with suppress(Killed):
                yield
        for descriptor in self.held if self.killed else ():
            os.close(descriptor)

    @property
    def killed(self) -> bool:
        """Whether the process did not live to see the end."""
        return self.met is not None and self.trouble == "killed"

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if self.killed:
                raise Killed
            self.calls.append(name)
            if len(self.calls) == self.nth:
                self.met = name
                self._trouble(name, real, *args, **options)
            elif self.trouble == "for good" and name == self.met:
                self._fail()
            result = real(*args, **options)
            if name == "open":
                self.held.add(result)
            elif name == "close":
                self.held.discard(args[0])
            return result

        return call

    def _trouble(self, name: str, real: Callable[..., Any], *args: Any, **options: Any) -> None:
        if name == "write" and self.trouble in ("half", "killed"):
            real(args[0], args[1][: len(args[1]) // 2])
        elif name == "close" and not self.killed:
            self.held.discard(args[0])
            real(*args)  # whatever it says, the descriptor is gone
        elif self.trouble == "done" and name != "open":
            real(*args, **options)
        if self.killed:
            raise Killed
        self._fail()

    def _fail(self) -> None:
        raise OSError(self.number, os.strerror(self.number))


def failing(step: str, number: int, times: int = 1) -> Callable[..., Any]:
    """The system's call, but that it fails the first times."""
    real = getattr(os, step)
    left = [number] * times

    def call(*args: Any, **options: Any) -> Any:
        if left:
            raise OSError(left.pop(), os.strerror(number))
        return real(*args, **options)

    return call
