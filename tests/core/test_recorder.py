"""What is kept of an exchange, and what is not, with the reason."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from builders import BARE_KEY, FAKE_KEY, TARGET, a_request, a_response
from runreel.assistants.openai import OPENAI
from runreel.cassettes.format import digest_of, interaction_document
from runreel.engine.recorder import Check, Exchange, Recorder
from runreel.http.messages import Headers, Interaction, Request, Response, Violation
from runreel.matching.matchers import MATCH_ON, fingerprint
from runreel.redaction.redactor import Redacted, Redaction

BEARER: Headers = (("Authorization", "Bearer " + FAKE_KEY),)
WRONG = a_response(b'{"id": 7}')


def recorder(check_response: Check = "off", decoded_bytes_max: int = 1_000) -> Recorder:
    return Recorder(OPENAI, check_response, decoded_bytes_max)


def an_exchange(
    response: Response | None = None,
    request: Request | None = None,
    operation: str | None = "modifyRun",
    checks: tuple[Violation, ...] = (),
) -> Exchange:
    live = request or a_request()
    return Exchange(
        live=live,
        sent=Redaction().request(live),
        operation=operation,
        fingerprint=fingerprint(Redaction().request(live), MATCH_ON),
        checks=checks,
        response=response or a_response(),
        recorded_at=datetime(2026, 3, 31, 10, 15, 2, 999_999, tzinfo=UTC),
        duration_ms=212,
        redaction=Redaction(),
    )


def kept(found: Redacted[Interaction] | str) -> Interaction:
    assert not isinstance(found, str)
    return found.value


def test_an_exchange_is_kept_with_whole_seconds_and_all_that_was_said() -> None:
    found = recorder().interaction(an_exchange())

    assert not isinstance(found, str)
    assert found.value.recorded_at == datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
    document = interaction_document(found)
    assert document.pop("id").startswith("modifyRun-")
    assert document.pop("response")["status"] == 200
    assert document.pop("digest") == digest_of(found.value)
    assert document == {
        "operation": "modifyRun",
        "recorded_at": "2026-03-31T10:15:02Z",
        "duration_ms": 212,
        "request": {
            "method": "POST",
            "target": TARGET,
            "headers": ["Content-Type: application/json", "OpenAI-Beta: assistants=v2"],
            "body": {"json": {"metadata": {"stage": "a"}}, "layout": "compact"},
        },
    }


def test_equal_requests_have_equal_names_and_other_requests_have_others() -> None:
    one, again, other = (
        kept(recorder().interaction(an_exchange(request=a_request(body)))).id
        for body in (b"one", b"one", b"other")
    )

    assert one == again
    assert one != other


def test_an_unknown_operation_is_named_by_its_method() -> None:
    found = kept(recorder().interaction(an_exchange(operation=None)))

    assert found.id.startswith("POST-")
    assert found.operation is None


def test_a_secret_that_the_client_sent_is_kept_nowhere() -> None:
    request = a_request(FAKE_KEY.encode(), headers=BEARER)
    response = a_response(FAKE_KEY.encode(), headers=(("X-Echo", FAKE_KEY),))

    found = kept(recorder().interaction(an_exchange(response, request)))

    assert FAKE_KEY not in str(found)
    assert found.response.body == b"REDACTED"


def test_a_compressed_answer_is_kept_decoded() -> None:
    packed = a_response(gzip.compress(b"plain"), headers=(("Content-Encoding", "gzip"),))

    found = kept(recorder().interaction(an_exchange(packed)))

    assert found.response.body == b"plain"
    assert found.response.headers == ()


def test_what_cannot_be_redacted_is_not_kept_and_the_reason_does_not_tell_it() -> None:
    response = a_response(headers=(("X-" + BARE_KEY, "1"),))
    bearer = (("Authorization", "Bearer " + BARE_KEY),)

    reason = recorder().interaction(an_exchange(response, a_request(headers=bearer)))

    assert isinstance(reason, str)
    assert reason.startswith("it cannot be redacted: ")
    assert BARE_KEY not in reason


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (a_response(status=999), "/response/status: this number must be 599 or less"),
        (a_response(status=101), "/response/status: this number must be 200 or more"),
        (
            a_response(headers=(("X-One", "a\x01"),)),
            "/response/headers/0: the value of 'X-One' holds a character that no header may hold",
        ),
    ],
)
def test_what_could_not_be_read_back_is_not_kept(response: Response, why: str) -> None:
    assert recorder().interaction(an_exchange(response)) == f"no cassette may hold it: {why}"


class TestValidation:
    def test_strict_keeps_no_answer_with_an_error_and_names_the_first(self) -> None:
        reason = recorder("strict").interaction(an_exchange(WRONG))

        assert reason == "strict response validation: /id: type"

    def test_strict_says_so_of_a_whole_body_too(self) -> None:
        reason = recorder("strict").interaction(an_exchange(a_response(b"[]")))

        assert isinstance(reason, str)
        assert reason.startswith("strict response validation: the body: ")

    def test_a_warning_is_kept_beside_those_of_the_request(self) -> None:
        of_request = Violation("/metadata", "type", "error", "odd")

        found = kept(recorder("warn").interaction(an_exchange(WRONG, checks=(of_request,))))

        assert found.violations[0] == of_request
        assert ("/id", "type") in [(item.at, item.rule) for item in found.violations]

    def test_off_finds_nothing(self) -> None:
        assert kept(recorder("off").interaction(an_exchange(WRONG))).violations == ()

    def test_advice_stops_nothing(self) -> None:
        good = a_response(b'{"error": {"message": "no"}}', status=404)

        found = recorder("strict").interaction(an_exchange(good))

        assert kept(found).response.status == 404


def test_an_answer_that_nobody_received_is_marked() -> None:
    exchange = an_exchange()

    gone = recorder().interaction(replace(exchange, client_gone=True))

    assert kept(gone).client_gone
    assert not kept(recorder().interaction(exchange)).client_gone
