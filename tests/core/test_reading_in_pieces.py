"""A document read in pieces says what it says as a whole, or is left to the strict reader."""

import copy
import json
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_cassette, an_interaction
from planting import a_document
from runreel.cassettes.format import (
    Cassette,
    dump,
    header_document,
    interaction_document,
    parse,
    read_chunks,
)
from runreel.http.strict_json import BadDocument
from strategies import cassettes


def in_chunks(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def read(text: str, size: int = 1_000_000) -> Cassette | None:
    return read_chunks(in_chunks(text.encode("utf-8", "surrogatepass"), size))


def whole(text: str) -> Cassette | None:
    """What the strict reader says; None where it refuses."""
    try:
        return parse(text)
    except BadDocument:
        return None


@given(cassette=cassettes(), size=st.integers(1, 400))
def test_what_was_written_is_read_in_chunks_of_any_size(cassette: Cassette, size: int) -> None:
    text = dump(cassette)

    found = read(text, size)

    assert found == (parse(text) if cassette.interactions else None)


@given(cassettes())
def test_the_document_is_laid_out_as_one_json_text(cassette: Cassette) -> None:
    head = [
        f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n"
        for name, value in header_document(cassette).items()
    ]
    documents = [interaction_document(item) for item in cassette.interactions]
    listed = json.dumps({"interactions": documents}, indent=2, ensure_ascii=False)

    assert dump(cassette) == "{\n" + "".join(head) + listed.removeprefix("{\n") + "\n"


DOCUMENT = json.loads(dump(a_cassette(an_interaction(), an_interaction(name="two"))))
DOCUMENT["interactions"][0] |= {
    "violations": [{"at": "/a", "rule": "type", "severity": "advice", "message": "m"}],
    "after": ["two"],
    "during": ["x"],
    "scope": "story",
}
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 199, 200, 599, 600, 1.0, 1e5, 2**64, "", "x", "é", "\ud800", []),
    *({}, [""], ["a"], [1], {"a": 1}, {"json": {}, "layout": "compact"}, {"text": "x"}, "gone"),
    *("X: y", ["X: y", "no line"], ["X:y"], "GET", "get", "/x", "/ x", "error", "a_slug", "two"),
    *("2026-03-31T10:15:02Z", "2026-3-31T1:2:3Z", "2026-03-31T10:15:60Z", "2026-03-31T10:15:02"),
    *({"events": []}, {"events": [{"at_ms": 1, "text": "x\n\n"}]}, {"base64": "eA=="}),
    *({"json": 1e-05, "layout": "indent-2"}, {"json": {}, "layout": "x"}, {"blob": "0"}),
]
NAMES = [
    *("id", "operation", "recorded_at", "duration_ms", "scope", "after", "during", "request"),
    *("response", "violations", "client", "failed", "digest", "method", "target", "headers"),
    *("body", "status", "at", "rule", "severity", "message", "json", "layout", "sha256", "other"),
]


def an_object_in(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """One of the objects of an interaction, or the document itself."""
    found = [document]

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.append(value)
            for child in value.values():
                look(child)
        if isinstance(value, list):
            for child in value:
                look(child)

    look(document.get("interactions"))
    return random.choice(found)


def altered_value(document: dict[str, Any], random: Random) -> None:
    place = an_object_in(document, random)
    name = random.choice([*place, *NAMES])
    if random.random() < 0.3:
        place.pop(name, None)
    else:
        place[name] = copy.deepcopy(random.choice(VALUES))


def altered_text(text: str, random: Random) -> str:
    """The text with lines that are doubled, left out or swapped, or other characters."""
    lines = text.splitlines(keepends=True)
    at = random.randrange(len(lines))
    match random.randrange(6):
        case 0:
            lines.insert(at, lines[at])
        case 1:
            del lines[at]
        case 2:
            lines.insert(random.randrange(len(lines)), lines.pop(at))
        case 3:
            lines[at] = lines[at].replace(": ", random.choice([":", " : ", ": \t"]))
        case 4:
            lines[at] = lines[at].replace("0", random.choice(["0.0", "0e0", "00", "-0", "\\u0030"]))
        case 5:
            place = random.randrange(len(lines[at]))
            char = random.choice(['"', "\\", ",", "}", "]", "{", "\n", " ", "x", "\x00", "\x1f"])
            lines[at] = lines[at][:place] + char + lines[at][place + random.randrange(2) :]
    return "".join(lines)


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["values", "text", "both"]))
@settings(max_examples=600)
def test_an_altered_document_is_read_as_the_strict_reader_would_or_left_to_it(
    seed: int, kind: str
) -> None:
    random = Random(seed)  # noqa: S311 - what it draws is no secret
    document = json.loads(json.dumps(DOCUMENT))
    if random.random() < 0.7:  # else the digest says of most changes that something was changed
        for item in document["interactions"]:
            item.pop("digest")
    for _ in range(random.randrange(1, 3) if kind != "text" else 0):
        altered_value(document, random)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    for _ in range(random.randrange(1, 3) if kind != "values" else 0):
        text = altered_text(text, random)

    found = read(text, random.choice([7, 100, 1_000_000]))

    if found is not None:
        assert found == whole(text)


@pytest.mark.parametrize("name", NAMES)
def test_each_member_of_an_interaction_may_hold_what_the_strict_reader_lets_it(name: str) -> None:
    parts = ((), ("request",), ("response",), ("violations", 0), ("response", "body"))
    for part, value in product(parts, VALUES):
        document = json.loads(json.dumps(DOCUMENT))
        place = document["interactions"][0]
        place.pop("digest")
        for step in part:
            place = place[step]
        place[name] = copy.deepcopy(value)
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"

        found = read(text)

        assert found is None or found == whole(text), (part, value)


def test_ordinary_documents_are_read_in_pieces() -> None:
    edited = json.dumps(a_document(), indent=2, ensure_ascii=False) + "\n"

    assert read(dump(a_cassette(an_interaction()))) == a_cassette(an_interaction())
    assert read(edited) == parse(edited)
    assert read(edited.replace(": ", ":\t")) is None  # even the head
    assert read(edited.replace("        ", "\t")) == parse(edited)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"duration_ms": 212', '"duration_ms": 212, "duration_ms": 1'),
        ('"id": "two"', '"id": "modifyRun-00000000"'),
        ('"stage": "a"', '"stage": "b"'),
        ('"interactions"', '"redaction": [],\n  "interactions"'),
    ],
)
def test_what_is_refused_or_laid_out_otherwise_is_left_to_the_strict_reader(
    old: str, new: str
) -> None:
    text = dump(a_cassette(an_interaction(), an_interaction(name="two")))

    assert old in text
    assert read(text.replace(old, new)) is None
