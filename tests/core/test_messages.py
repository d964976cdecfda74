"""Raw header pairs and targets, and what a gateway may pass on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.http.headers import end_to_end
from runreel.http.messages import Headers, Request, values, without
from strategies import headers


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a", "/a", ""),
        ("/a?", "/a", ""),
        ("/a?b=c", "/a", "b=c"),
        ("/a?b=c?d", "/a", "b=c?d"),
        ("/a%3Fb/%2F?c=%3F", "/a%3Fb/%2F", "c=%3F"),
        ("/?", "/", ""),
    ],
)
def test_a_target_is_split_at_its_first_question_mark(target: str, path: str, query: str) -> None:
    request = Request("GET", target)

    assert (request.path, request.query) == (path, query)


def test_values_of_a_header_are_found_in_any_case_and_in_order() -> None:
    pairs = (("X-One", "1"), ("Other", "o"), ("x-one", "2"), ("X-ONE", ""))

    assert values(pairs, "x-One") == ("1", "2", "")
    assert values(pairs, "x-two") == ()


def test_headers_are_taken_out_in_any_case_and_the_rest_stays_in_order() -> None:
    pairs = (("B", "1"), ("X-Out", "2"), ("a", "3"), ("x-out", "4"), ("B", "5"))

    assert without(pairs, frozenset({"x-out"})) == (("B", "1"), ("a", "3"), ("B", "5"))


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Content-Length",
        "Host",
    ],
)
def test_what_describes_one_connection_is_not_passed_on(name: str) -> None:
    pairs = (("Accept", "*/*"), (name, "x"), (name.lower(), "y"), (name.upper(), "z"))

    assert end_to_end(pairs) == (("Accept", "*/*"),)


@pytest.mark.parametrize(
    "connection",
    [
        (("Connection", "X-One"),),
        (("Connection", "close, x-one"),),
        (("connection", ""), ("CONNECTION", " ,\tX-ONE ,")),
    ],
)
def test_what_connection_lists_is_not_passed_on(connection: Headers) -> None:
    pairs = (("X-One", "1"), *connection, ("x-one", "2"), ("X-One-More", "3"))

    assert end_to_end(pairs) == (("X-One-More", "3"),)


@pytest.mark.parametrize("name", ["Authorization", "Via"])
def test_connection_can_take_away_neither_the_credential_nor_the_way_it_came(name: str) -> None:
    pairs = (("Connection", f"{name.lower()}, Host, content-length"), (name, "x"))

    assert end_to_end(pairs) == ((name, "x"),)


@pytest.mark.parametrize("name", ["Content-Length", "Host"])
def test_connection_cannot_keep_framing_in(name: str) -> None:
    assert end_to_end((("Connection", name), (name, "1"))) == ()


@pytest.mark.parametrize(
    "name", ["Set-Cookie", "Content-Encoding", "Location", "Content-Type", "Date", "X-Upgrade"]
)
def test_what_belongs_to_the_message_is_passed_on(name: str) -> None:
    assert end_to_end(((name, "a"), (name, "b"))) == ((name, "a"), (name, "b"))


_HOPS = st.sampled_from(
    [("Connection", "close"), ("TE", "trailers"), ("Host", "x"), ("Transfer-Encoding", "chunked")]
)


@given(headers(), st.lists(_HOPS), st.lists(_HOPS))
def test_what_may_be_passed_on_is_passed_on_unchanged(
    kept: Headers, before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    assert end_to_end((*before, *kept, *after)) == kept
    assert end_to_end(kept) == kept
