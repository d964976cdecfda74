"""Values for tests: what a test is not about has a default."""

from datetime import UTC, datetime

from runreel.cassettes.format import Cassette
from runreel.cassettes.journal import Pending
from runreel.http.messages import Headers, Interaction, Request, Response
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction

# Obviously fake, and in pieces, so that scanners of this repository stay quiet.
FAKE_KEY = "sk-" + "FaKe0" * 8
BARE_KEY = "FaKe0" * 8  # which only a request that it comes with says to be one

SALT = "5f0c" * 8
TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
JSON_HEADERS: Headers = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))


def a_request(
    body: bytes = b'{"metadata":{"stage":"a"}}',
    target: str = TARGET,
    method: str = "POST",
    headers: Headers = JSON_HEADERS,
) -> Request:
    return Request(method, target, headers, body)


def a_response(
    body: bytes = b'{"id": "run_abc123"}',
    status: int = 200,
    headers: Headers = (("Content-Type", "application/json"),),
) -> Response:
    return Response(status, headers, body)


def an_interaction(
    request: Request | None = None,
    response: Response | None = None,
    name: str = "modifyRun-00000000",
) -> Redacted[Interaction]:
    interaction = Interaction(
        id=name,
        operation="modifyRun",
        recorded_at=datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC),
        duration_ms=212,
        request=request or a_request(),
        response=response or a_response(),
    )
    return Redaction().interaction(interaction.request, interaction)


def a_cassette(*interactions: Redacted[Interaction]) -> Cassette:
    return Cassette(
        upstream="https://api.openai.com",
        profile="openai",
        match_on=MATCH_ON,
        salt=SALT,
        interactions=interactions,
    )


def a_pending(arrival: int = 1, answer: bytes = b"new", replaces: str | None = None) -> Pending:
    """A capture on its way into a cassette; it is named after what it answers."""
    interaction = an_interaction(response=a_response(answer), name=answer.decode())
    return Pending(arrival, interaction, replaces)
