"""What a profile is: the seam between the dialects of the API.

Owns the shape of a dialect: models by operation and by event, known deviations, wording, order and
refusals. Knows no dialect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from runreel.assistants.dialect import Dialect
from runreel.http import strict_json
from runreel.http.messages import Violation

# Before each tag of a union, so that no member of a document is called like one: pydantic puts
# tags among the steps of an error's location, and they have to be told from the steps.
TAG = "tag:"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a body: where, which rule, in plain words, and the offending value.

    `kind` is pydantic's name for it and `context` what pydantic says of the limit, so that a
    dialect can find its own words; both are empty for what is no JSON.
    """

    at: str
    rule: str
    message: str
    value: Any = None
    kind: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the real API answers to an invalid request: a status and a JSON body."""

    status: int
    body: dict[str, Any]


class Deviation(NamedTuple):
    """Where real messages are known to differ from the document: worth advice, never an error.

    `at` is a JSON pointer with `*` for any index; `only` names the values meant, all if empty.
    """

    at: str
    rule: str
    only: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A model of what travels on the wire, and what is known of it beyond its document."""

    model: type[BaseModel]
    deviations: frozenset[Deviation] = frozenset()


class AnyMetadata(BaseModel):
    """A request of which nothing is known but that metadata is an object, if there is any."""

    model_config = ConfigDict(extra="allow", strict=True, defer_build=True)

    metadata: dict[str, Any] | None = None


def listed(model: type[BaseModel], item: Shape, *own: Deviation) -> Shape:
    """The shape of a page whose `data` are items of the given shape."""
    inner = {
        Deviation(f"/data/*{deviation.at}", deviation.rule, deviation.only)
        for deviation in item.deviations
    }
    return Shape(model, frozenset(inner | set(own)))


class Refuse(Protocol):
    """Makes the refusal of a request out of its findings; the first is the one that counts."""

    def __call__(self, *violations: Violation) -> Refusal:
        """The refusal; a dialect that lists every finding uses them all."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A dialect of the API.

    `requests` and `responses` hold the shapes by operation; `metadata` is that of a request which
    may name metadata and has none of its own; `events` those of the data of a stream's events, by
    the beginning of the event's name, where the first that fits counts and None says that there is
    no model. `empty_bodies` tells what an empty request body is read as, by operation; elsewhere it
    is no JSON. `reads_json` tells whether a body of that content type (None: no such header) is
    read as JSON at all. `ordered` puts the findings of a request, given its document, into the
    order in which the API meets them; `word` gives the sentence of one. `dialect` is how the
    simulator speaks as such a server.
    """

    name: str
    requests: Mapping[str, Shape]
    responses: Mapping[str, Shape]
    events: tuple[tuple[str, Shape | None], ...]
    empty_bodies: Mapping[str, bytes]
    reads_json: Callable[[str | None], bool]
    ordered: Callable[[Any, list[Finding]], list[Finding]]
    word: Callable[[Finding], str]
    refuse: Refuse
    dialect: Dialect
    metadata: Shape = Shape(AnyMetadata)

    def __reduce__(self) -> tuple[Callable[[str], "Profile"], tuple[str]]:
        """For another process, which has the same profiles: its name."""
        return _named, (self.name,)


def _named(name: str) -> Profile:
    from runreel.assistants import PROFILES  # noqa: PLC0415 - which are made of what stands here

    return PROFILES[name]


_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
}


def kind_of(value: Any) -> str:
    """A JSON value's type in words, with its article."""
    return _KINDS.get(type(value), "an object")


# The members of requests that hold arrays: below them, and only there, a number is an index.
_ARRAYS = frozenset(
    {
        "additional_messages",
        "attachments",
        "content",
        "file_ids",
        "messages",
        "tool_outputs",
        "tools",
        "vector_store_ids",
        "vector_stores",
    }
)


def located(at: str) -> tuple[str | int, ...]:
    """The steps of a pointer into a request, with the indices of arrays as numbers."""
    found: list[str | int] = []
    for step in strict_json.steps(at):
        in_array = bool(found) and found[-1] in _ARRAYS
        found.append(int(step) if in_array and step.isdecimal() else step)
    return tuple(found)
