"""What of a message goes into a recording."""

import gzip

import pytest

from runreel.http.headers import (
    has_body,
    recordable_request,
    recordable_response,
    response_headers,
    simulated,
)
from runreel.http.messages import Headers, Request, Response

LIMIT = 1_000
JSON = ("Content-Type", "application/json")
GZIP = ("Content-Encoding", "gzip")
PLAIN = b'{"metadata": {}}'
GZIPPED = gzip.compress(PLAIN, mtime=0)


@pytest.mark.parametrize(
    "name",
    [
        "Accept-Encoding",
        "Expect",
        "Idempotency-Key",
        "Max-Forwards",
        "traceparent",
        "tracestate",
        "Via",
        "X-Runreel-Session",
        "X-Stainless-Lang",
        "x-stainless-retry-count",
        "Connection",
        "Host",
        "Content-Length",
    ],
)
def test_noise_of_a_request_is_not_recorded(name: str) -> None:
    request = Request("POST", "/x?y=1", (JSON, (name, "1"), ("OpenAI-Beta", "v2")), PLAIN)

    assert recordable_request(request, LIMIT) == Request(
        "POST", "/x?y=1", (JSON, ("OpenAI-Beta", "v2")), PLAIN
    )


@pytest.mark.parametrize("name", ["X-Stainlesss", "x-stainless", "Accept", "User-Agent", "X-Trace"])
def test_other_headers_of_a_request_are_recorded(name: str) -> None:
    request = Request("POST", "/x", ((name, "1"),))

    assert recordable_request(request, LIMIT) == request


def test_a_gzipped_request_is_recorded_as_what_it_says() -> None:
    request = Request("POST", "/x", (JSON, GZIP), GZIPPED)

    assert recordable_request(request, LIMIT) == Request("POST", "/x", (JSON,), PLAIN)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("compress", b"\x1f\x9d\x90hello"),
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b"a" * (LIMIT + 1), mtime=0)),
        ("compress, gzip", GZIPPED),
    ],
    ids=["unknown", "broken", "too large", "unknown within"],
)
def test_a_body_that_cannot_be_decoded_is_recorded_as_it_came(coding: str, body: bytes) -> None:
    headers = (JSON, ("Content-Encoding", coding))

    assert recordable_request(Request("POST", "/x", headers, body), LIMIT) == Request(
        "POST", "/x", headers, body
    )
    assert recordable_response("GET", Response(200, headers, body), LIMIT) == Response(
        200, headers, body
    )


def test_identity_is_a_coding_that_does_nothing() -> None:
    request = Request("POST", "/x", (("Content-Encoding", "identity"),), PLAIN)

    assert recordable_request(request, LIMIT) == request


def test_a_gzipped_response_is_recorded_decoded_and_without_framing() -> None:
    came: Headers = (
        JSON,
        GZIP,
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("x-request-id", "req_1"),
    )

    recorded = recordable_response("POST", Response(200, came, GZIPPED), LIMIT)

    assert recorded == Response(200, (JSON, ("x-request-id", "req_1")), PLAIN)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ["Via", "X-Runreel-Source", "x-runreel-recorded"])
def test_what_proxies_say_of_themselves_is_not_recorded(method: str, name: str) -> None:
    response = Response(200, ((name, "1"), JSON, (name.upper(), "2")))

    assert recordable_response(method, response, LIMIT) == Response(200, (JSON,))
    assert response_headers(method, response) == response.headers


@pytest.mark.parametrize(
    "said",
    [
        ("x-runreel-source", "simulator"),
        ("server", "runreel-simulator/0.1.0"),
    ],
)
def test_what_the_simulator_made_says_so_wherever_it_is_stored(said: tuple[str, str]) -> None:
    recorded = recordable_response("GET", Response(200, (said, JSON)), LIMIT)

    assert simulated(Response(200, (said,)))
    assert simulated(recorded)
    assert recorded.headers.count(("X-Runreel-Source", "simulator")) == 1


@pytest.mark.parametrize(
    "said",
    [
        ("x-runreel-source", "upstream"),
        ("x-runreel-source", "simulators"),
        ("server", "simulator"),
        ("x-server", "runreel-simulator/0.1.0"),
    ],
)
def test_other_answers_are_not_taken_for_the_simulators(said: tuple[str, str]) -> None:
    assert not simulated(Response(200, (said,)))


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 200, True),
        ("POST", 500, True),
        ("HEAD", 200, False),
        ("HEAD", 404, False),
        ("GET", 204, False),
        ("GET", 304, False),
        ("DELETE", 205, True),
    ],
)
def test_some_answers_have_no_body(method: str, status: int, expected: bool) -> None:
    assert has_body(method, status) == expected


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("HEAD", 200, (JSON, ("Content-Length", "16"))),
        ("GET", 304, (JSON,)),
        ("HEAD", 304, (JSON,)),
        ("GET", 204, (JSON,)),
        ("HEAD", 204, (JSON,)),
        ("GET", 200, (JSON,)),
    ],
)
def test_a_length_is_kept_only_where_a_head_has_it_instead_of_a_body(
    method: str, status: int, expected: Headers
) -> None:
    response = Response(status, (("content-length", "16"), JSON))

    assert response_headers(method, response) == expected


def test_a_length_said_twice_is_passed_on_once() -> None:
    response = Response(200, (("Content-Length", "16"), ("Content-Length", "17")))

    assert response_headers("HEAD", response) == (("Content-Length", "16"),)


def test_an_answer_without_a_body_is_recorded_with_the_headers_of_the_body_not_sent() -> None:
    head = Response(200, (JSON, GZIP, ("Content-Length", "36")), b"")

    recorded = recordable_response("HEAD", head, LIMIT)

    assert recorded == Response(200, (JSON, GZIP, ("Content-Length", "36")), b"")
    assert response_headers("HEAD", recorded) == recorded.headers


def test_bytes_after_an_answer_that_has_no_body_are_not_recorded() -> None:
    assert recordable_response("GET", Response(204, (JSON,), b"stray"), LIMIT) == Response(
        204, (JSON,), b""
    )


EVENTS = ("Content-Type", "text/event-stream; charset=utf-8")
STREAM = b"data: 1\n\ndata: 2\n\n"


def test_a_stream_keeps_the_times_of_its_events() -> None:
    came = Response(200, (EVENTS,), STREAM, (5, 7))

    assert recordable_response("POST", came, LIMIT) == came


def test_a_stream_of_which_nobody_saw_the_times_has_none_but_zeros() -> None:
    came = Response(200, (EVENTS, GZIP), gzip.compress(STREAM))

    assert recordable_response("POST", came, LIMIT) == Response(200, (EVENTS,), STREAM, (0, 0))


@pytest.mark.parametrize(
    "came",
    [
        Response(200, (EVENTS, GZIP), b"not gzip at all"),
        Response(200, (EVENTS,), b""),
        Response(200, (JSON,), STREAM),
    ],
)
def test_what_shows_no_events_has_no_times(came: Response) -> None:
    assert recordable_response("POST", came, LIMIT).at_ms is None
