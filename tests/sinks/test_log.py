import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import TARGET, a_request, an_interaction
from runreel.engine.log import Log
from runreel.matching.drift import Drift
from runreel.matching.json_diff import ABSENT, Difference
from runreel.matching.matchers import MATCH_ON, fingerprint
from runreel.matching.near_miss import NO_MATCH, Candidate, Miss, Missed, Progress
from runreel.redaction.redactor import Redaction, request_of
from runreel.sessions.events import Event, Outcome

AT = datetime(2026, 3, 31, 10, 15, 2, 123_456, tzinfo=UTC)


def an_event(outcome: Outcome = Outcome.SERVED, **details: Any) -> Event:
    members: dict[str, Any] = {
        "at": AT,
        "session": "default",
        "outcome": outcome,
        "method": "POST",
        "operation": "modifyRun",
        "status": 200,
        "duration_ms": 7,
        "request": Redaction().request(a_request()),
    }
    return Event(**(members | details))


DRIFT = (
    Drift("status", "", 200, 404),
    Drift("gone", "/a", "Paris", ABSENT),
    Drift("value", "/" + "b" * 200, 1, 2),
    Drift("new", "/c", ABSENT, 1),
)


def a_miss() -> Miss:
    recorded = an_interaction()
    candidate = Candidate(fingerprint(request_of(recorded), MATCH_ON), recorded, played=False)
    return Miss(NO_MATCH, candidate, (Difference("body", "/metadata/stage", "b", "a"),))


def missed(miss: Miss) -> Missed:
    return Missed(miss, Redaction().request(a_request()), "default")


def logged(event: Event, *, as_json: bool = False, quiet: bool = False) -> str:
    out = io.StringIO()
    Log(out, as_json=as_json, quiet=quiet)(event)
    return out.getvalue()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            an_event(interaction="modifyRun-3f2a9c1e"),
            f"10:15:02 served POST {TARGET} 200 7ms modifyRun-3f2a9c1e\n",
        ),
        (
            an_event(session="test-7", interaction="modifyRun-3f2a9c1e"),
            f"10:15:02 served POST {TARGET} 200 7ms session=test-7 modifyRun-3f2a9c1e\n",
        ),
        (
            an_event(Outcome.MISSED, status=424, missed=missed(a_miss())),
            (
                f"10:15:02 missed POST {TARGET} 424 7ms nearest=modifyRun-00000000 "
                '(body /metadata/stage: sent "b", recorded "a")\n'
            ),
        ),
        (
            an_event(
                Outcome.MISSED,
                status=424,
                missed=missed(replace(a_miss(), progress=Progress(6, 11))),
            ),
            (
                f"10:15:02 missed POST {TARGET} 424 7ms nearest=modifyRun-00000000 played=6/11 "
                '(body /metadata/stage: sent "b", recorded "a")\n'
            ),
        ),
        (
            an_event(Outcome.MISSED, status=424, missed=missed(Miss(NO_MATCH))),
            f"10:15:02 missed POST {TARGET} 424 7ms nearest=None\n",
        ),
        (
            an_event(Outcome.RECORDED, interaction="modifyRun-3f2a9c1e", violations=2),
            f"10:15:02 recorded POST {TARGET} 200 7ms modifyRun-3f2a9c1e violations=2\n",
        ),
        (
            an_event(Outcome.COMPARED, interaction="modifyRun-3f2a9c1e"),
            f"10:15:02 compared POST {TARGET} 200 7ms modifyRun-3f2a9c1e\n",
        ),
        (
            an_event(Outcome.COMPARED, interaction="modifyRun-3f2a9c1e", drift=DRIFT[:2]),
            (
                f"10:15:02 compared POST {TARGET} 200 7ms modifyRun-3f2a9c1e "
                "drift 2 (status, gone /a)\n"
            ),
        ),
        (
            an_event(Outcome.COMPARED, drift=DRIFT),
            (
                f"10:15:02 compared POST {TARGET} 200 7ms drift 4 "
                f"(status, gone /a, value /{'b' * 92}\\u2026, \\u2026)\n"
            ),
        ),
        (
            an_event(Outcome.NOT_STORED, reason="it is too large"),
            f"10:15:02 not_stored POST {TARGET} 200 7ms (it is too large)\n",
        ),
        (
            an_event(Outcome.MISSED, status=424, request=None),
            "10:15:02 missed POST (withheld: it repeats its credential) 424 7ms\n",
        ),
    ],
)
def test_a_fact_is_one_line(event: Event, line: str) -> None:
    assert logged(event) == line


def test_as_json_a_fact_is_one_object_with_all_it_holds() -> None:
    event = an_event(
        Outcome.MISSED, status=424, missed=missed(a_miss()), violations=1, upstream_called=True
    )

    assert json.loads(logged(event, as_json=True)) == {
        "at": "2026-03-31T10:15:02.123+00:00",
        "session": "default",
        "outcome": "missed",
        "method": "POST",
        "target": TARGET,
        "operation": "modifyRun",
        "status": 424,
        "duration_ms": 7,
        "interaction": None,
        "miss": "no_matching_interaction",
        "message": (
            f'No recording matches POST {TARGET}: body /metadata/stage: sent "b", recorded "a"; '
            "nearest in cassette 'default' is modifyRun-00000000."
        ),
        "reason": None,
        "upstream_called": True,
        "violations": 1,
        "drift": [],
    }


def test_as_json_a_drift_has_its_places_and_no_values() -> None:
    document = json.loads(logged(an_event(Outcome.COMPARED, drift=DRIFT[:2]), as_json=True))

    assert document["drift"] == [{"kind": "status", "at": ""}, {"kind": "gone", "at": "/a"}]


@pytest.mark.parametrize("quiet", [False, True])
class TestRefused:
    """What was refused at the door has no fact: there is only its method, and not always that."""

    def test_it_is_one_line_however_quiet(self, quiet: bool) -> None:
        out = io.StringIO()

        Log(out, as_json=False, quiet=quiet).refused(AT, "POST", "body_too_large")
        Log(out, as_json=False, quiet=quiet).refused(AT, None, "bad_request")

        assert out.getvalue() == (
            "10:15:02 refused POST (body_too_large)\n10:15:02 refused - (bad_request)\n"
        )

    def test_as_json_it_is_one_object(self, quiet: bool) -> None:
        out = io.StringIO()

        Log(out, as_json=True, quiet=quiet).refused(AT, None, "bad_request")

        assert json.loads(out.getvalue()) == {
            "at": "2026-03-31T10:15:02.123+00:00",
            "outcome": "refused",
            "method": None,
            "reason": "bad_request",
        }


@pytest.mark.parametrize(
    ("outcome", "loud"),
    [
        (Outcome.SERVED, False),
        (Outcome.RECORDED, False),
        (Outcome.FORWARDED, False),
        (Outcome.MISSED, True),
        (Outcome.NOT_STORED, True),
        (Outcome.REFUSED, True),
        (Outcome.FAILED, True),
        (Outcome.COMPARED, False),
        (Outcome.NOT_COMPARED, True),
        (Outcome.NEW, True),
    ],
)
def test_quiet_leaves_only_what_went_wrong(outcome: Outcome, loud: bool) -> None:
    line = logged(an_event(outcome), quiet=True)

    assert bool(line) is loud


def test_quiet_leaves_what_drifted() -> None:
    assert " drift 1 (status)" in logged(an_event(Outcome.COMPARED, drift=DRIFT[:1]), quiet=True)


_HOSTILE = st.text(st.characters(exclude_categories=()), max_size=30)
_RAW = st.text(st.characters(max_codepoint=255), max_size=30)  # bytes, as targets are kept


@given(text=_HOSTILE, raw=_RAW, as_json=st.booleans())
def test_nothing_in_a_request_can_make_a_line_or_colour_a_terminal(
    text: str, raw: str, as_json: bool
) -> None:
    event = an_event(
        Outcome.NOT_STORED,
        method=text,
        interaction=text,
        reason=text,
        request=Redaction().request(a_request(target="/" + raw)),
    )

    line = logged(event, as_json=as_json)

    assert re.fullmatch(r"[\x20-\x7e]+\n", line)


@given(text=_HOSTILE, as_json=st.booleans())
def test_nothing_in_a_method_or_a_problem_can_either(text: str, as_json: bool) -> None:
    out = io.StringIO()
    log = Log(out, as_json=as_json, quiet=True)

    log.refused(AT, text, text)
    log.problem(AT, text)

    assert re.fullmatch(r"([\x20-\x7e]+\n){2}", out.getvalue())


class _Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_log_that_nobody_reads_fails_no_request() -> None:
    closed = io.StringIO()
    closed.close()

    for out in (_Broken(), closed):
        Log(out, as_json=False, quiet=False)(an_event())
