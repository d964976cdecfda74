"""Laws of drift over any two answers."""

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import a_response
from drifting import a_stream, between
from runreel.http.messages import Response
from runreel.matching.drift import Drift
from runreel.matching.json_diff import ABSENT
from strategies import Json, json_values, responses, spellings

_SWAPPED = {"new": "gone", "gone": "new"}
_NAMES = ["thread.run.created", "thread.message.delta", "thread.message.completed", "done"]


def streams() -> st.SearchStrategy[Response]:
    events = st.tuples(st.sampled_from(_NAMES), json_values().map(json.dumps)).map(
        lambda event: f"event: {event[0]}\ndata: {event[1]}"
    )
    return st.lists(events, min_size=1, max_size=8).map(lambda found: a_stream(*found))


def answers() -> st.SearchStrategy[Response]:
    documents = json_values().map(json.dumps).map(str.encode)
    return st.one_of(responses(), documents.map(a_response), streams())


def told(found: tuple[Drift, ...], *, swapped: bool = False) -> Counter[Any]:
    """Kinds and both sides, in no order; the places of events are those of one side only."""
    return Counter(
        (_SWAPPED.get(item.kind, item.kind), _text(item.live), _text(item.recorded))
        if swapped
        else (item.kind, _text(item.recorded), _text(item.live))
        for item in found
    )


def _text(side: Any) -> str | None:
    return None if side is ABSENT else json.dumps(side, sort_keys=True)


@given(answers())
def test_an_answer_never_drifts_from_itself(answer: Response) -> None:
    assert between(answer, answer) == ()


@given(json_values().flatmap(lambda value: st.tuples(spellings(value), spellings(value))))
def test_a_document_never_drifts_from_another_spelling_of_itself(texts: tuple[str, str]) -> None:
    recorded, live = (a_response(text.encode()) for text in texts)

    assert between(recorded, live) == ()


@given(answers(), answers())
def test_what_is_found_one_way_is_found_the_other_way_with_the_sides_swapped(
    recorded: Response, live: Response
) -> None:
    assert told(between(live, recorded), swapped=True) == told(between(recorded, live))


@given(json_values(), json_values())
def test_every_difference_of_documents_has_the_values_that_stand_there(
    recorded: Json, live: Json
) -> None:
    mine, theirs = (a_response(json.dumps(value).encode()) for value in (recorded, live))

    for item in between(mine, theirs):
        for side, value in ((item.recorded, recorded), (item.live, live)):
            assert _stands(value, item.at) == (side is not ABSENT)


def _stands(value: Any, at: str) -> bool:
    for step in at.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return False
    return True
