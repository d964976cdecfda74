"""One request as an operation takes it, and what an operation gives back.

Owns these two values. A request that gets here has a valid body.
"""

from dataclasses import dataclass, field

from runreel.simulator.documents import Json
from runreel.simulator.lifecycle import Event


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the ids of its path in order, decoded; its raw query; its body as an object."""

    ids: tuple[str, ...]
    query: str = ""
    body: Json = field(default_factory=dict)

    @property
    def streams(self) -> bool:
        """Whether events are asked for."""
        return self.body.get("stream") is True


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with status 200: a document, or the events of a stream."""

    document: Json = field(default_factory=dict)
    events: tuple[Event, ...] | None = None
