"""What to do with a request, as a table.

A mode is a row: what happens when a recording matches, and when none does. `once` is not a row:
it is resolved to `replay` or `record` when a session opens. Nothing else asks for the mode.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Literal

# At once, as it was recorded, or so many milliseconds before an answer and each event of a stream.
Latency = Literal["none", "recorded"] | int


class Action(Enum):
    """The five things that can be done with a request."""

    SERVE = "serve"
    REFUSE = "refuse"
    FORWARD = "forward"
    CAPTURE = "capture"
    COMPARE = "compare"

    @property
    def live(self) -> bool:
        """Whether it needs an upstream."""
        return self in (Action.FORWARD, Action.CAPTURE, Action.COMPARE)


class Mode(Enum):
    """The modes a session can be in."""

    REPLAY = "replay"
    RECORD = "record"
    NEW_EPISODES = "new_episodes"
    PASSTHROUGH = "passthrough"
    VERIFY = "verify"


@dataclass(frozen=True)
class Decision:
    """One row: what to do with a request that a recording matches, and with one that none does."""

    on_hit: Action
    on_miss: Action

    @cached_property
    def live(self) -> bool:
        """Whether the row can reach the upstream at all."""
        return self.on_hit.live or self.on_miss.live

    @cached_property
    def captures(self) -> bool:
        """Whether the row can change the cassette."""
        return Action.CAPTURE in (self.on_hit, self.on_miss)

    @cached_property
    def compares(self) -> bool:
        """Whether the row looks at what the upstream answers to what is recorded."""
        return self.on_hit is Action.COMPARE

    @cached_property
    def plays(self) -> bool:
        """Whether the row goes through the recordings, each in its turn and its state."""
        return self.on_hit in (Action.SERVE, Action.COMPARE)


DECISIONS = {
    Mode.REPLAY: Decision(on_hit=Action.SERVE, on_miss=Action.REFUSE),
    Mode.RECORD: Decision(on_hit=Action.CAPTURE, on_miss=Action.CAPTURE),
    Mode.NEW_EPISODES: Decision(on_hit=Action.SERVE, on_miss=Action.CAPTURE),
    Mode.PASSTHROUGH: Decision(on_hit=Action.FORWARD, on_miss=Action.FORWARD),
    Mode.VERIFY: Decision(on_hit=Action.COMPARE, on_miss=Action.FORWARD),
}

ONCE = "once"
# What people may write: our names, `once`, and VCR's words for two of them.
SPELLINGS = {mode.value: mode.value for mode in Mode} | {
    ONCE: ONCE,
    "none": Mode.REPLAY.value,
    "all": Mode.RECORD.value,
}


def resolve(name: str, cassette_exists: bool) -> Mode:
    """The mode that a canonical name (a value of `SPELLINGS`) means for this cassette now."""
    if name == ONCE:
        return Mode.REPLAY if cassette_exists else Mode.RECORD
    return Mode(name)
