"""The digest of an interaction: what it covers, and that no edit of that goes unnoticed."""

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from difflib import unified_diff
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.format import Cassette, digest_of, dump, parse
from runreel.http.messages import NO_RESPONSE, Interaction, Request, Response, Violation
from runreel.http.strict_json import BadDocument
from runreel.redaction.redactor import Redacted

_STREAM = b'event: thread.run.created\ndata: {"id":"run_1"}\n\ndata: [DONE]\n\n'


def changed(**changes: Any) -> Redacted[Interaction]:
    return Redacted(replace(an_interaction().value, **changes))


EVERYTHING = a_cassette(
    changed(
        id="plain",
        violations=(Violation("/instructions", "type", "advice", "got null"),),
        after=(),
        during=("gone",),
        scope="a test",
    ),
    changed(
        id="stream",
        request=Request("GET", "/v1/x?a=b", (("X-Empty", ""),)),
        response=Response(200, (("Content-Type", "text/event-stream"),), _STREAM, (3, 120)),
    ),
    changed(id="gone", request=a_request(b"\xff"), response=a_response(b"text"), client_gone=True),
    changed(id="lost", response=NO_RESPONSE, failed="upstream_timeout", after=("plain",)),
)
TEXT = dump(EVERYTHING)


def replayed(cassette: Cassette) -> list[tuple[object, ...]]:
    """What a replay stands on: all that a digest covers."""
    return [
        (
            one.request,
            one.client_gone,
            one.failed,
            replace(one.response, at_ms=None),  # how fast it came is not covered
        )
        for one in (item.value for item in cassette.interactions)
    ]


def silent(text: str) -> bool:
    """Whether a changed cassette is accepted and replays another thing."""
    try:
        return replayed(parse(text)) != replayed(EVERYTHING)
    except BadDocument:
        return False


def test_it_is_the_sha256_of_netstrings() -> None:
    request = Request("POST", "/v1/é", (("X-A", "é"), ("X-B", "")), b"\x00\xff")
    interaction = changed(request=request, response=Response(201, (("X-C", "d"),), b"ok")).value
    covered = (
        b"4:POST,5:/v1/\xe9,1:2,3:X-A,1:\xe9,3:X-B,0:,2:\x00\xff,"
        b"8:answered,3:201,1:1,3:X-C,1:d,2:ok,"
    )
    unanswered = b"4:POST,5:/v1/\xe9,1:2,3:X-A,1:\xe9,3:X-B,0:,2:\x00\xff,16:upstream_timeout,"
    lost = replace(interaction, response=NO_RESPONSE, failed="upstream_timeout")

    assert digest_of(interaction) == hashlib.sha256(covered).hexdigest()
    assert digest_of(replace(interaction, client_gone=True)) == (
        hashlib.sha256(covered.replace(b"8:answered", b"4:gone")).hexdigest()
    )
    assert digest_of(lost) == hashlib.sha256(unanswered).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other"},
        {"operation": None},
        {"recorded_at": an_interaction().value.recorded_at.replace(year=2020)},
        {"duration_ms": 1},
        {"violations": (Violation("", "type", "error", "m"),)},
        {"after": ("one",)},
        {"during": ("one",)},
        {"scope": "a test"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_says_nothing_of_request_and_response_is_not_covered(changes: dict[str, Any]) -> None:
    assert digest_of(changed(**changes).value) == digest_of(an_interaction().value)


def test_the_same_stream_that_came_at_other_times_has_the_same_digest() -> None:
    streams = [Response(200, (), _STREAM, at_ms) for at_ms in ((1, 2), (30, 40))]

    first, second = (digest_of(changed(response=response).value) for response in streams)

    assert first == second


def test_no_member_can_be_changed_or_deleted_in_silence() -> None:
    document = json.loads(TEXT)
    tried = 0
    for path in _paths(document["interactions"]):
        for mutated in _mutations(document, ("interactions", *path)):
            tried += 1
            assert not silent(json.dumps(mutated)), path

    assert tried > 1_000


@given(st.data())
def test_no_slip_of_the_keyboard_is_silent(data: st.DataObject) -> None:
    begin = TEXT.index('"interactions"')
    at = data.draw(st.integers(begin, len(TEXT) - 1))
    typed = data.draw(st.sampled_from('0129aAzZ"\\{}[]:, .-_/\n') | st.characters())
    length = data.draw(st.integers(0, 3))

    assert not silent(TEXT[:at] + typed * data.draw(st.integers(0, 1)) + TEXT[at + length :])


@given(st.data())
def test_no_two_lines_that_change_places_are_silent(data: st.DataObject) -> None:
    lines = TEXT.split("\n")
    one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]

    assert not silent("\n".join(lines))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for step, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(child, (*path, step))


def _mutations(document: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    """The document with one value deleted or changed; a digest that goes is an edit on purpose, and
    so is an interaction that goes as a whole.
    """
    *above, last = path
    whole = len(path) == 2
    if last != "digest" and not whole:
        deleted = copy.deepcopy(document)
        del _at(deleted, above)[last]
        yield deleted
    for other in () if whole else _others(_at(document, path)):
        mutated = copy.deepcopy(document)
        _at(mutated, above)[last] = other
        yield mutated
    if last != "digest" and isinstance(last, str):
        renamed = copy.deepcopy(document)
        parent = _at(renamed, above)
        parent[f"{last}x"] = parent.pop(last)
        yield renamed


def _others(value: Any) -> Iterator[Any]:
    match value:
        case str():
            yield from (f"{value}x", value[:-1], value.swapcase(), f" {value}")
        case bool() | None:
            yield not value
        case int():
            yield from (value + 1, value - 1, -value, float(value))
        case list():
            yield from (value[::-1], value[1:], [*value, *value[:1]])
        case dict():
            yield from ({**value, "x": 1}, {})
    if value is not None:  # as good as absent, which is tried too
        yield from (None, 0, 7, "", "x", [], {})


def _at(document: Any, path: Any) -> Any:
    for step in path:
        document = document[step]
    return document


def test_a_changed_metadata_value_changes_six_lines_of_two_recordings() -> None:
    def recorded(stage: str, name: str, second: int) -> str:
        at = an_interaction().value.recorded_at.replace(second=second)
        body = json.dumps({"metadata": {"stage": stage, "user": "u"}}, separators=(",", ":"))
        answer = json.dumps({"id": "run_abc123", "metadata": {"stage": stage, "user": "u"}})
        one = changed(
            id=name,
            recorded_at=at,
            duration_ms=200 + second,
            request=a_request(body.encode()),
            response=a_response(answer.encode()),
        )
        return dump(a_cassette(an_interaction(), one))

    first = recorded("a", "modifyRun-11111111", 1)
    second = recorded("b", "modifyRun-22222222", 2)

    lines = list(unified_diff(first.splitlines(), second.splitlines(), lineterm="", n=0))
    removed = [line.strip("-, ").partition(":")[0] for line in lines if line[:2] == "- "]
    added = [line for line in lines if line[:2] == "+ "]
    # The fingerprint, when it was, how long it took, what was sent, what came, and the digest.
    assert removed == ['"id"', '"recorded_at"', '"duration_ms"', '"stage"', '"stage"', '"digest"']
    assert len(added) == 6


def test_a_value_that_only_the_answer_has_changes_two_lines() -> None:
    first, second = (
        dump(a_cassette(an_interaction(response=a_response(b'{"status": "%b"}' % status))))
        for status in (b"queued", b"completed")
    )

    lines = list(unified_diff(first.splitlines(), second.splitlines(), lineterm="", n=0))

    assert len([line for line in lines if line[:2] == "+ "]) == 2
    assert len([line for line in lines if line[:2] == "- "]) == 2
