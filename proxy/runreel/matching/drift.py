"""How an answer that came now differs from the one that was recorded: verify mode.

Compared are status, headers that say something of the API, and bodies, by JSON pointer. Streams are
compared event by event, where consecutive pieces of one text (`PIECES`) are one event, since their
number is the model's. What says nothing of the API that gave an answer (ids, times, what a model
wrote) is in the tables, which README and `runreel verify --help` show, and in the `Rule` that a
configuration adds to them. Sees redacted values only.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any, Literal

from runreel.http import sse, strict_json
from runreel.http.headers import Trait, named
from runreel.http.messages import Headers, Interaction, Response, values
from runreel.http.strict_json import Patterns
from runreel.matching.json_diff import (
    ABSENT,
    JsonDifference,
    Lens,
    item_of,
    json_differences,
    kind_of,
    plain,
)
from runreel.redaction.redactor import Redacted
from runreel.text import cut

# A member of such a name does not count if both its values have the shape of an id, or of a time.
# Below `metadata` it does: that is the client's own.
IDS = ("id", "*_id", "*_ids")
TIMES = ("created", "*_at")
CLIENTS_OWN = "metadata"
# What a model wrote, and what it cost: of these, and of all below, only names and types count.
OUTPUT = (
    "usage",
    "text/value",
    "text/annotations",
    "refusal",
    "message/content",
    "function/arguments",
    "function/output",
    "code_interpreter/input",
    "code_interpreter/outputs",
    "file_search/results",
)
# Events of such names come in as many pieces as the model pleases.
PIECES = (".delta", ".chunk")
# All other headers belong to the moment or to the machines in between.
HEADERS = tuple(sorted(named(Trait.COMPARED)))

_LETTERS_AND_DIGITS = r"[A-Za-z0-9]"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# run_abc123, file-abc123, 65f1c0ffee65f1c0ffee65f1, UUIDs with or without a prefix; not gpt-4o.
_ID = re.compile(
    rf"(?:[A-Za-z]+[_-])+{_LETTERS_AND_DIGITS}{{6,}}|{_LETTERS_AND_DIGITS}{{16,}}"
    rf"|(?:[A-Za-z]+[_-])*{_UUID}"
)
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_OUTPUT_ENDS = tuple(f"/{end}" for end in OUTPUT)
_UNIX_TIME = (10**8, 10**14)  # 1973 in seconds to the year 5138 in milliseconds


@dataclass(frozen=True)
class Rule:
    """What a configuration adds to the tables.

    `ignore` are JSON pointers (`*` for any one step) to what is not compared at all, `volatile`
    names of members whose values do not count whatever they are, `headers` more to compare.
    """

    ignore: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    @cached_property
    def compared_headers(self) -> tuple[str, ...]:
        """The names of the headers that are compared, in lower case and in order."""
        return tuple(sorted({*HEADERS, *(name.lower() for name in self.headers)}))

    @cached_property
    def _ignored(self) -> Patterns:
        return Patterns.of(self.ignore)

    def ignores(self, at: str) -> bool:
        """Whether what stands at a JSON pointer is not compared."""
        return self._ignored.mean(at)


@dataclass(frozen=True, slots=True)
class Place(Lens):
    """Where in a document a value stands, and so whether it counts: the lens of verify.

    `at` is its JSON pointer, `name` that of the member it is in. It is `free` if its value does not
    count, and the client's `own` below `metadata`.
    """

    rule: Rule
    at: str = ""
    name: str = ""
    free: bool = False
    own: bool = False

    def skips(self, one: Any, other: Any) -> bool:  # noqa: ARG002 - as `Lens`
        """Whether the rule ignores this place."""
        return self.rule.ignores(self.at)

    def compared(self, one: int, other: int) -> int:
        """How many items count: of what a model wrote, as many as both have."""
        return min(one, other) if self.free else max(one, other)

    def alike(self, one: Any, other: Any) -> bool:
        """Whether two values of one type may stand for each other here."""
        return bool(one == other) or self.varies(one, other)

    def member(self, name: str) -> "Place":
        """The place of a member of the object here."""
        at = strict_json.pointer(self.at, name)
        own = self.own or name == CLIENTS_OWN
        written = at.endswith(_OUTPUT_ENDS) and not own
        free = self.free or written or name in self.rule.volatile
        return Place(self.rule, at, name, free, own)

    def item(self, index: int) -> "Place":
        """The place of an item of the list here: it has the name of the list."""
        return replace(self, at=strict_json.pointer(self.at, index))

    def varies(self, recorded: object, live: object) -> bool:
        """Whether two values of one type may differ here."""
        if self.free:
            return True
        if self.own:
            return False
        return (_named(self.name, IDS) and is_id(recorded) and is_id(live)) or (
            _named(self.name, TIMES) and is_time(recorded) and is_time(live)
        )


def _named(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern
        for pattern in patterns
    )


def is_id(value: object) -> bool:
    """Whether a value has the shape of an id."""
    if isinstance(value, str):
        return _ID.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def is_time(value: object) -> bool:
    """Whether a value has the shape of a time."""
    if isinstance(value, str):
        return _ISO_TIME.fullmatch(value) is not None
    return isinstance(value, int | Decimal) and _UNIX_TIME[0] <= value < _UNIX_TIME[1]


DIFFERENCES_MAX = 100  # of one answer
VALUE_CHARS_MAX = 1_000  # of one side's JSON text; what is longer is told by its beginning

Kind = Literal["status", "header", "new", "gone", "type", "value", "unrecordable"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: what was `recorded` beside what came `live`, both plain JSON or `ABSENT`.

    `at` is a JSON pointer into the body (into that of a stream: the number of the event as
    recorded, or of a new one as it came, then `data`), for a header its name, else empty.
    """

    kind: Kind
    at: str
    recorded: Any
    live: Any


def drift(
    recorded: Redacted[Interaction], live: Redacted[Interaction], rule: Rule
) -> tuple[Drift, ...]:
    """The differences between two answers, `DIFFERENCES_MAX` at most; none if they say the same."""
    found = _differences(recorded.value.response, live.value.response, rule)
    return tuple(islice(found, DIFFERENCES_MAX))


def unrecordable(reason: str) -> tuple[Drift, ...]:
    """The drift of an answer that cannot be kept at all, where one was that could."""
    return (Drift("unrecordable", "", ABSENT, reason),)


def drift_document(item: Drift) -> dict[str, Any]:
    """A difference as a receipt lists it; an absent side is left out."""
    sides = {"recorded": item.recorded, "live": item.live}
    shown = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"kind": item.kind, "at": item.at, **shown}


def _differences(was: Response, live: Response, rule: Rule) -> Iterator[Drift]:
    if was.status != live.status:
        yield Drift("status", "", was.status, live.status)
    yield from _headers(was.headers, live.headers, rule)
    if was.status != live.status:
        # It is about something else; member by member it would be told as noise.
        mine, theirs = _document(was.body), _document(live.body)
        if mine != theirs:
            yield _told("value", "", mine, theirs)
    elif was.at_ms is not None and live.at_ms is not None:
        yield from _streams(_events(was.body), _events(live.body), rule)
    else:
        yield from _walk(Place(rule), _document(was.body), _document(live.body))


def _headers(was: Headers, live: Headers, rule: Rule) -> Iterator[Drift]:
    for name in rule.compared_headers:
        sides = (values(was, name), values(live, name))
        comparable = _COMPARABLE.get(name, str)
        mine, theirs = ([comparable(text) for text in side] for side in sides)
        if mine != theirs:
            yield _told("header", name, *(", ".join(side) if side else ABSENT for side in sides))


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _without_origin(value: str) -> str:
    _, slashes, rest = value.partition("//")
    return "/" + rest.partition("/")[2] if slashes else value


def _presence(_: str) -> str:
    return ""


_COMPARABLE: dict[str, Callable[[str], str]] = {
    "content-type": _media_type,
    "location": _without_origin,  # recorded answers come from another place
    "retry-after": _presence,
}


@dataclass(frozen=True, slots=True)
class _Raw:
    """A body, or the data of an event, that is no JSON."""

    body: bytes


def _document(body: bytes) -> Any:
    """The JSON value of a body, else its bytes; nothing for an empty one."""
    if not body:
        return ABSENT
    try:
        return strict_json.loads(body.decode("utf-8"), parse_float=Decimal)
    except ValueError:
        return _Raw(body)


def _walk(place: Place, recorded: Any, live: Any) -> Iterator[Drift]:
    for item in json_differences(recorded, live, place, place.at):
        yield _told(_kind(item), item.at, item.one, item.other)


def _kind(item: JsonDifference) -> Kind:
    if item.one is ABSENT or item.other is ABSENT:
        return "new" if item.one is ABSENT else "gone"
    return "value" if kind_of(item.one) == kind_of(item.other) else "type"


def _told(kind: Kind, at: str, recorded: Any, live: Any) -> Drift:
    return Drift(kind, at, _shown(recorded), _shown(live))


def _shown(value: Any) -> Any:
    if value is ABSENT:
        return value
    value = plain(_text_or_json(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= VALUE_CHARS_MAX else cut(text, VALUE_CHARS_MAX)


def _text_or_json(value: Any) -> Any:
    return value.body.decode("utf-8", "backslashreplace") if isinstance(value, _Raw) else value


@dataclass(frozen=True, slots=True)
class _Event:
    """An event of a stream; one that is `piece` stands for all those of its name in a row."""

    index: int
    name: str
    data: Any

    @property
    def piece(self) -> bool:
        return self.name.endswith(PIECES)

    @property
    def shown(self) -> Any:
        named = {"event": self.name}
        return named if self.data is ABSENT else named | {"data": _text_or_json(self.data)}


def _events(body: bytes) -> list[_Event]:
    found: list[_Event] = []
    for index, text in enumerate(sse.split(body)):
        if all(line.startswith(b":") for line in text.splitlines() if line):
            continue  # a sign of life
        event = _event(index, text)
        if found and event.piece and found[-1].name == event.name:
            found[-1] = replace(found[-1], data=_joined(found[-1].data, event.data))
        else:
            found.append(event)
    return found


def _event(index: int, text: bytes) -> _Event:
    parts = sse.around_data(text)
    data = _document(parts[1]) if parts else _Raw(text)
    name = sse.name_of(text)
    if not name and isinstance(data, dict):
        name = str(data.get("object", ""))  # as chat completions name their chunks
    return _Event(index, name, data)


def _joined(first: Any, second: Any) -> Any:
    """Every member that is in either of two pieces; of two values, the second that is not null."""
    if isinstance(first, dict) and isinstance(second, dict):
        names = dict.fromkeys((*first, *second))
        return {name: _joined(first.get(name, ABSENT), second.get(name, ABSENT)) for name in names}
    if isinstance(first, list) and isinstance(second, list):
        length = max(len(first), len(second))
        return [_joined(item_of(first, index), item_of(second, index)) for index in range(length)]
    if first is ABSENT:
        return second
    return first if second is None or second is ABSENT else second


def _streams(recorded: list[_Event], live: list[_Event], rule: Rule) -> Iterator[Drift]:
    begin = _alike(recorded, live)
    end = _alike(recorded[begin:][::-1], live[begin:][::-1])
    yield from _pairs(recorded[:begin], live[:begin], rule)
    for event in recorded[begin : len(recorded) - end]:
        if not rule.ignores(at := strict_json.pointer("", event.index)):
            yield _told("gone", at, event.shown, ABSENT)
    for event in live[begin : len(live) - end]:
        if not rule.ignores(at := strict_json.pointer("", event.index)):
            yield _told("new", at, ABSENT, event.shown)
    yield from _pairs(recorded[len(recorded) - end :], live[len(live) - end :], rule)


def _alike(recorded: list[_Event], live: list[_Event]) -> int:
    """How many events have equal names, from the first on."""
    pairs = zip(recorded, live, strict=False)
    return next(
        (at for at, (mine, theirs) in enumerate(pairs) if mine.name != theirs.name),
        min(len(recorded), len(live)),
    )


def _pairs(recorded: list[_Event], live: list[_Event], rule: Rule) -> Iterator[Drift]:
    for mine, theirs in zip(recorded, live, strict=True):
        at = strict_json.pointer(strict_json.pointer("", mine.index), "data")
        yield from _walk(Place(rule, at, free=mine.piece), mine.data, theirs.data)
