"""Streams of records without secrets: events (SSE), or lines of JSON.

A secret may come in pieces, a string in each of several records, in whatever dialect: deltas of
OpenAI's and Anthropic's, `choices[].text`, `response`, `parts[].text`. So the strings at one place
of all records are put together and looked at as one text. Where that shows what no record shows by
itself, the first piece that holds some of it gets the placeholder and the others lose their part.
After that each record is blanked as a body is.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runreel.errors import Unredactable
from runreel.http import sse, strict_json
from runreel.redaction.blanker import Blanker, apply
from runreel.redaction.placeholders import FLAT

_RECORDS_MIN = 2  # of one stream; a single one is a body


@dataclass(frozen=True, slots=True)
class Part:
    """A string of a record's data: the record's place, its JSON pointer and itself."""

    place: int
    at: str
    text: str


# Whose text a part belongs to; with several ways to tell, each is tried.
_Owner = tuple[object, ...]
# Members that say which of several texts an object goes on with, whatever its place in a list.
_NAMES = ("id", "index", "item_id", "output_index", "content_index")


def clean_events(body: bytes, blanker: Blanker) -> bytes:
    """A stream of events without secrets, with as many events as before.

    Raises:
        Unredactable: a rule leaves other events than there were.
    """
    events = _joined(sse.split(body), blanker, sse.around_data)
    if alert := blanker.alerted_by(body.decode("latin-1")):
        events = tuple(_event(event, alert) for event in events)
    clean = b"".join(events)
    if sse.split(clean) != events:
        raise Unredactable("a pattern leaves other events than there were")
    return clean


def clean_lines(body: bytes, blanker: Blanker) -> bytes:
    """Lines of JSON without secrets; the same for a body that is no such thing."""
    lines = tuple(body.splitlines(keepends=True))
    starts = sum(line.lstrip()[:1] == b"{" for line in lines[:8])
    if len(lines) < _RECORDS_MIN or starts < min(len(lines), 8):
        return body
    found = _joined(lines, blanker, _around_line)
    alert = blanker.alerted_by(body.decode("latin-1"))
    return b"".join(found if alert is None else (alert.body(line) for line in found))


def _around_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    data = line.rstrip(b"\r\n")
    return b"", data, line[len(data) :]


def _event(event: bytes, blanker: Blanker) -> bytes:
    """An event without secrets; JSON data is blanked as a JSON body is."""
    parts = None if sse.is_done(event) else sse.around_data(event)
    return blanker.body(event) if parts is None else b"".join(map(blanker.body, parts))


_Around = Callable[[bytes], tuple[bytes, bytes, bytes] | None]


def _joined(records: tuple[bytes, ...], blanker: Blanker, around: _Around) -> tuple[bytes, ...]:
    """The records without what only shows when their parts of one text are put together."""
    if len(records) < _RECORDS_MIN:
        return records
    found = list(records)
    # First by what records say of themselves, for two texts may come in turns; then by place alone,
    # for some number each record anew.
    for owner_of in (_said, _placed):
        groups: dict[_Owner, list[Part]] = {}
        for place, record in enumerate(found):
            for owner, part in _parts(place, record, around, owner_of):
                groups.setdefault(owner, []).append(part)
        for group in groups.values():
            for part, text in _changed(group, blanker):
                found[part.place] = _with_text(found[part.place], part.at, text, around)
    return tuple(found)


def _changed(group: Sequence[Part], blanker: Blanker) -> Iterator[tuple[Part, str]]:
    """The parts of one text that hold a piece of a secret, each with what stays of it."""
    alert = blanker.alerted_by("".join(part.text for part in group)) if len(group) > 1 else None
    if alert is None:
        return
    for run in _runs(group, alert):
        whole = "".join(part.text for part in run)
        clean = alert.text(whole)
        if clean == whole or clean == "".join(alert.text(part.text) for part in run):
            continue
        yield from _spread(run, whole, clean)


def _runs(group: Sequence[Part], blanker: Blanker) -> Iterator[list[Part]]:
    """The parts in runs that may go on one in the other: where a part begins with a whole secret,
    the one before it has ended.
    """
    run: list[Part] = []
    for part in group:
        begins = part.text and blanker.text(part.text) != part.text
        if run and begins and blanker.text(part.text).startswith(FLAT):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _spread(run: Sequence[Part], whole: str, clean: str) -> Iterator[tuple[Part, str]]:
    """The parts of a text that has changed from `start` to `end`, with what they say now."""
    start = _common(whole, clean)
    tail = _common(whole[start:][::-1], clean[start:][::-1])
    end = len(whole) - tail
    new = clean[start : len(clean) - tail]
    at = 0
    for part in run:
        first, last = at, at + len(part.text)
        at = last
        if last <= start or first >= max(end, start + 1):
            continue
        head, rest = part.text[: max(0, start - first)], part.text[max(0, end - first) :]
        yield part, head + new + rest
        new = ""


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


_OwnerOf = Callable[[bytes, _Owner, str], _Owner]


def _said(before: bytes, owner: _Owner, _: str) -> _Owner:
    return (sse.name_of(before), owner)


def _placed(_: bytes, __: _Owner, at: str) -> _Owner:
    return (at,)


def _parts(
    place: int, record: bytes, around: _Around, owner_of: _OwnerOf
) -> Iterable[tuple[_Owner, Part]]:
    """The strings of a record that may go on in another one, by whose they are."""
    parts = around(record)
    if parts is None or not parts[1]:
        return
    before, data, _ = parts
    try:
        text = data.decode("utf-8")
        document = strict_json.loads(text) if text.lstrip()[:1] in ("{", "[", '"') else None
    except ValueError:
        return
    if document is None:
        if not sse.is_done(record):
            yield owner_of(before, (), ""), Part(place, "", text)
        return
    for owner, at, string in _strings(document, (), ""):
        yield owner_of(before, owner, at), Part(place, at, string)


def _strings(value: Any, owner: _Owner, at: str) -> Iterator[tuple[_Owner, str, str]]:
    """Every string in a document: whose it is, its JSON pointer, itself."""
    match value:
        case str():
            yield owner, at, value
        case dict():
            named = tuple((name, str(value[name])) for name in _NAMES if name in value)
            for name, member in value.items():
                yield from _strings(member, (*owner, named, name), strict_json.pointer(at, name))
        case list():
            for index, item in enumerate(value):
                own = isinstance(item, dict) and "index" in item
                inner = owner if own else (*owner, index)
                yield from _strings(item, inner, strict_json.pointer(at, index))


def _with_text(record: bytes, at: str, text: str, around: _Around) -> bytes:
    """The record with another text at a place of its data."""
    parts = around(record)
    assert parts is not None  # noqa: S101 - only such records have parts
    before, data, after = (part.decode("utf-8") for part in parts)
    if data.lstrip()[:1] not in ("{", "[", '"'):
        return (before + text + after).encode()
    edits = [
        (span.start, span.end, json.dumps(text))
        for span in strict_json.spans(data)
        if span.kind == "string" and span.at == at
    ]
    return (before + apply(data, edits) + after).encode()
