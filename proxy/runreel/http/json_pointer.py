"""JSON pointers (RFC 6901), and patterns of them in which `*` stands for any one step.

A pointer says where something stands in a JSON document: `/data/0/metadata`. A pattern says it of
several places at once: `/data/*/metadata/email` is the address in each item of a list. All that a
user may write where places are named (`match.ignore_body`, `redaction.body`, `verify.ignore`) is
read here and nowhere else, so it means the same everywhere. `*` has no escape: a member of that
name is one of those it stands for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ANY_STEP = "*"
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+", re.DOTALL)

Steps = tuple[str, ...]


def pointer(parent: str, step: str | int) -> str:
    """The pointer of a child."""
    return f"{parent}/{str(step).replace('~', '~0').replace('/', '~1')}"


def steps(at: str) -> Steps:
    """The unescaped steps of a pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in at.split("/")[1:])


def is_pointer(text: str) -> bool:
    """Whether a text is a pointer, or a pattern, of something within a document."""
    return _POINTER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Patterns:
    """Some patterns, seen from one place of a document: the steps that each has still to go."""

    left: tuple[Steps, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Patterns":
        """The patterns of some texts, seen from the document itself."""
        return cls(tuple(map(steps, texts)))

    def __bool__(self) -> bool:
        """Whether there is anything to look for from here on."""
        return bool(self.left)

    @property
    def here(self) -> bool:
        """Whether one of them means this very place."""
        return not all(self.left)

    def below(self, step: str) -> "Patterns":
        """Those that go on through a member or an item of this place, seen from there."""
        if not self.left:
            return self
        return Patterns(
            tuple(left[1:] for left in self.left if left and left[0] in (ANY_STEP, step))
        )

    def mean(self, at: str) -> bool:
        """Whether one of them means the place of a pointer."""
        found = self
        for step in steps(at):
            found = found.below(step)
        return found.here


NOWHERE = Patterns()
