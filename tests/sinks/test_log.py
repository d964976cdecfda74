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
from runreel.http.messages import Violation
from runreel.matching.drift import Drift
from runreel.matching.json_diff import ABSENT, Difference
from runreel.matching.matchers import MATCH_ON, fingerprint
from runreel.matching.near_miss import EXHAUSTED, NO_MATCH, Candidate, Miss, Missed, Progress
from runreel.redaction.redactor import Redaction, request_of
from runreel.sessions.events import Event, Outcome, Refusal

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


THREAD = "/v1/threads/thread_abc123"
LONG = "/v1/threads/thread_6TdVFtDJrXGzPNpZ1bO8Wq/runs/run_QJq1fBXOYCdLJrPNpZ1bO8Wq"
FINDINGS = (
    Violation("/metadata/k", "maxLength", "error", "has more than 512 characters"),
    Violation("", "json", "advice", "is not needed"),
)
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
            "10:15:02 served modifyRun run_abc123 200 7ms modifyRun-3f2a9c1e\n",
        ),
        (
            an_event(
                operation="listRunSteps",
                method="GET",
                request=Redaction().request(a_request(target=f"{LONG}/steps?limit=2")),
            ),
            "10:15:02 served listRunSteps run_QJq1fBXO... 200 7ms\n",
        ),
        (
            an_event(
                operation="createRun",
                request=Redaction().request(a_request(target=f"{THREAD}/runs")),
            ),
            "10:15:02 served createRun thread_abc123 200 7ms\n",
        ),
        (
            an_event(
                operation="createThreadAndRun",
                request=Redaction().request(a_request(target="/v1/threads/runs?a=b")),
            ),
            "10:15:02 served createThreadAndRun 200 7ms\n",
        ),
        (
            an_event(
                operation=None,
                request=Redaction().request(a_request(target=f"{THREAD}/messages?x=1")),
            ),
            "10:15:02 served POST /v1/threads/thread_abc123/messages?x=1 200 7ms\n",
        ),
        (
            an_event(operation=None, request=Redaction().request(a_request(target=LONG))),
            ("10:15:02 served POST /v1/threads/thread_6TdVF.../runs/run_QJq1fBXO... 200 7ms\n"),
        ),
        (
            an_event(session="test-7", interaction="modifyRun-3f2a9c1e"),
            "10:15:02 served modifyRun run_abc123 200 7ms session=test-7 modifyRun-3f2a9c1e\n",
        ),
        (
            an_event(Outcome.MISSED, status=424, missed=missed(a_miss())),
            (
                '10:15:02 missed modifyRun run_abc123 424 7ms body /metadata/stage: sent "b", '
                'recorded "a"; nearest modifyRun-00000000\n'
            ),
        ),
        (
            an_event(
                Outcome.MISSED,
                status=424,
                missed=missed(replace(a_miss(), progress=Progress(6, 11))),
            ),
            (
                '10:15:02 missed modifyRun run_abc123 424 7ms body /metadata/stage: sent "b", '
                'recorded "a"; nearest modifyRun-00000000; 6 of 11 played\n'
            ),
        ),
        (
            an_event(Outcome.MISSED, status=424, missed=missed(Miss(NO_MATCH))),
            "10:15:02 missed modifyRun run_abc123 424 7ms cassette 'default' is empty\n",
        ),
        (
            an_event(
                Outcome.MISSED,
                status=424,
                missed=missed(replace(a_miss(), code=EXHAUSTED, differences=())),
            ),
            (
                "10:15:02 missed modifyRun run_abc123 424 7ms every recording of it was played; "
                "nearest modifyRun-00000000\n"
            ),
        ),
        (
            an_event(Outcome.RECORDED, interaction="modifyRun-3f2a9c1e", violations=FINDINGS),
            "10:15:02 recorded modifyRun run_abc123 200 7ms modifyRun-3f2a9c1e (2 findings)\n",
        ),
        (
            an_event(Outcome.COMPARED, interaction="modifyRun-3f2a9c1e"),
            "10:15:02 compared modifyRun run_abc123 200 7ms modifyRun-3f2a9c1e\n",
        ),
        (
            an_event(Outcome.COMPARED, interaction="modifyRun-3f2a9c1e", drift=DRIFT[:2]),
            (
                "10:15:02 compared modifyRun run_abc123 200 7ms modifyRun-3f2a9c1e "
                "drifted in 2 places: status, gone /a\n"
            ),
        ),
        (
            an_event(Outcome.COMPARED, drift=DRIFT),
            (
                "10:15:02 compared modifyRun run_abc123 200 7ms drifted in 4 places: "
                f"status, gone /a, value /{'b' * 92}..., ...\n"
            ),
        ),
        (
            an_event(Outcome.NOT_STORED, reason="it is too large"),
            "10:15:02 not stored modifyRun run_abc123 200 7ms (it is too large)\n",
        ),
        (
            an_event(Outcome.MISSED, status=424, request=None),
            "10:15:02 missed modifyRun (withheld: it repeats its credential) 424 7ms\n",
        ),
        (an_event(Outcome.SIMULATED), "10:15:02 simulated modifyRun run_abc123 200 7ms\n"),
    ],
)
def test_a_fact_is_one_line(event: Event, line: str) -> None:
    assert logged(event) == line


def test_as_json_a_fact_is_one_object_with_all_it_holds() -> None:
    event = an_event(
        Outcome.MISSED,
        status=424,
        missed=missed(a_miss()),
        violations=FINDINGS[:1],
        upstream_called=True,
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
        "difference": 'body /metadata/stage: sent "b", recorded "a"',
        "nearest": "modifyRun-00000000",
        "played": None,
        "recordings": None,
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

        log = Log(out, as_json=False, quiet=quiet)
        log.refused(AT, Refusal("body_too_large", "POST", "/v1/threads?a=…"))
        log.refused(AT, Refusal("misdirected_host", "GET", "/v1/x", "elsewhere.example"))
        log.refused(AT, Refusal("client_gone", "POST"))
        log.refused(AT, Refusal("preflight", "OPTIONS", "/v1/x"))
        log.refused(AT, Refusal("bad_request"))

        assert out.getvalue() == (
            "10:15:02 refused POST /v1/threads?a=... 413 (body_too_large)\n"
            '10:15:02 refused GET /v1/x of Host "elsewhere.example" 421 (misdirected_host)\n'
            "10:15:02 left POST (client_gone)\n"
            "10:15:02 answered OPTIONS /v1/x (preflight)\n"
            "10:15:02 refused what is no HTTP 400 (bad_request)\n"
        )

    def test_as_json_it_is_one_object(self, quiet: bool) -> None:
        out = io.StringIO()

        refusal = Refusal("misdirected_host", "GET", "/v1/x", "elsewhere.example")
        Log(out, as_json=True, quiet=quiet).refused(AT, refusal)

        assert json.loads(out.getvalue()) == {
            "at": "2026-03-31T10:15:02.123+00:00",
            "outcome": "refused",
            "method": "GET",
            "target": "/v1/x",
            "host": "elsewhere.example",
            "status": 421,
            "reason": "misdirected_host",
        }


@pytest.mark.parametrize(
    ("outcome", "loud"),
    [
        (Outcome.SERVED, False),
        (Outcome.RECORDED, False),
        (Outcome.FORWARDED, False),
        (Outcome.SIMULATED, False),
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
    assert " drifted in 1 place: status" in logged(
        an_event(Outcome.COMPARED, drift=DRIFT[:1]), quiet=True
    )


def test_a_verbose_log_has_target_headers_findings_and_details_below_the_line() -> None:
    out = io.StringIO()
    event = an_event(
        Outcome.MISSED,
        status=424,
        missed=missed(replace(a_miss(), diff=("+b", "-a"))),
        violations=FINDINGS,
    )

    Log(out, as_json=False, quiet=False, verbose=True)(event)

    assert out.getvalue().splitlines()[1:] == [
        f"  POST {TARGET}",
        "  Content-Type: application/json",
        "  OpenAI-Beta: assistants=v2",
        "  error: /metadata/k: has more than 512 characters",
        "  advice: the body: is not needed",
        "  +b",
        "  -a",
    ]


def test_a_verbose_log_as_json_holds_them_too() -> None:
    out = io.StringIO()

    Log(out, as_json=True, quiet=False, verbose=True)(an_event(violations=FINDINGS[:1]))

    document = json.loads(out.getvalue())
    assert document["headers"] == [
        ["Content-Type", "application/json"],
        ["OpenAI-Beta", "assistants=v2"],
    ]
    assert document["findings"] == [
        {
            "at": "/metadata/k",
            "rule": "maxLength",
            "severity": "error",
            "message": "has more than 512 characters",
        }
    ]


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.SERVED, "\x1b[32mserved\x1b[0m"),
        (Outcome.MISSED, "\x1b[31mmissed\x1b[0m"),
        (Outcome.NOT_STORED, "\x1b[33mnot stored\x1b[0m"),
        (Outcome.FORWARDED, "forwarded"),
    ],
)
def test_on_a_terminal_the_outcome_has_its_colour(outcome: Outcome, word: str) -> None:
    out = io.StringIO()

    Log(out, as_json=False, quiet=False, colour=True)(an_event(outcome))

    assert out.getvalue() == f"10:15:02 {word} modifyRun run_abc123 200 7ms\n"


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

    log.refused(AT, Refusal(text, text, text, text))
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
