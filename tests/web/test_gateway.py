"""The first look at a request, without sockets: a decision from raw values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.http.messages import Headers, Response
from runreel.server.gateway import Admitted, Head, Identity, Refused, look, via

US = Identity("runreel-0a1b2c3d", frozenset({"localhost", "127.0.0.1", "::1", "api.test"}))
HOST = ("Host", "localhost:8080")
OUR_VIA = ("Via", "1.1 runreel-0a1b2c3d")


def a_head(
    *headers: tuple[str, str],
    method: str = "POST",
    target: str = "/v1/x",
    version: tuple[int, int] = (1, 1),
    host: Headers = (HOST,),
) -> Head:
    return Head(method, target, version, (*host, *headers))


def admitted(head: Head) -> Admitted:
    seen = look(head, US)
    assert isinstance(seen, Admitted)
    return seen


def slug_of(head: Head) -> str:
    with pytest.raises(Refused) as refusal:
        look(head, US)
    return refusal.value.slug


def test_a_request_is_admitted_as_it_is_and_signed() -> None:
    head = a_head(("X-A", "1"), ("x-a", ""), target="/v1/x?y=%20")

    assert look(head, US) == Admitted(
        "/v1/x?y=%20", "localhost:8080", (HOST, ("X-A", "1"), ("x-a", ""), OUR_VIA), waits=False
    )


def test_the_signature_names_the_version_that_was_received() -> None:
    assert via("us") == ("Via", "1.1 us")
    assert admitted(a_head(version=(1, 0))).headers[-1] == ("Via", "1.0 runreel-0a1b2c3d")


@pytest.mark.parametrize("version", [(0, 9), (1, 2), (2, 0), (3, 0)])
def test_other_versions_of_http_are_refused_first_of_all(version: tuple[int, int]) -> None:
    assert slug_of(a_head(method="TRACE", version=version)) == "http_version_not_supported"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_trace_and_connect_are_refused_whatever_the_host(method: str) -> None:
    assert slug_of(a_head(method=method, host=())) == "method_not_allowed"


@pytest.mark.parametrize(
    ("codings", "slug"),
    [
        (["gzip"], "bad_framing"),
        ([""], "bad_framing"),
        ([","], "bad_framing"),
        (["chunked, gzip"], "bad_framing"),
        (["chunked, chunked"], "bad_framing"),
        (["chunked", "chunked"], "bad_framing"),
        (["chunked;q=1"], "bad_framing"),
        (["gzip, chunked"], "unknown_transfer_coding"),
        (["gzip", "CHUNKED"], "unknown_transfer_coding"),
        (["identity ,\tchunked"], "unknown_transfer_coding"),
    ],
)
def test_a_framing_that_others_may_read_differently_is_refused(
    codings: list[str], slug: str
) -> None:
    assert slug_of(a_head(*(("Transfer-Encoding", coding) for coding in codings))) == slug


@pytest.mark.parametrize("codings", [["chunked"], ["Chunked"], [" , chunked"], ["", "chunked,"]])
def test_chunked_alone_is_admitted(codings: list[str]) -> None:
    assert admitted(a_head(*(("transfer-encoding", coding) for coding in codings)))


def test_the_old_version_has_no_transfer_codings() -> None:
    head = a_head(("Transfer-Encoding", "chunked"), version=(1, 0))

    assert slug_of(head) == "bad_framing"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "127.0.0.1:1", "[::1]", "[::1]:80", "Api.Test:443"],
)
def test_a_host_of_ours_is_admitted_with_any_port(host: str) -> None:
    assert admitted(a_head(host=(("host", host),))).authority == host


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["localhost", "localhost"],
        [""],
        ["localhost:"],
        ["localhost:x"],
        ["localhost:80:80"],
        ["local host"],
        ["localhost,a"],
        ["a@localhost"],
        ["localhost@a"],
        ["localhost.a"],
        ["[::1"],
        ["localhost/"],
        ["xlocalhost"],
    ],
)
def test_anything_but_one_host_of_ours_is_refused(hosts: list[str]) -> None:
    assert slug_of(a_head(host=tuple(("Host", host) for host in hosts))) == "misdirected_host"


def test_the_old_version_needs_no_host_but_no_wrong_one_either() -> None:
    assert admitted(a_head(host=(), version=(1, 0))).authority is None
    assert slug_of(a_head(host=(("Host", "a"),), version=(1, 0))) == "misdirected_host"


@pytest.mark.parametrize(
    ("target", "expected", "authority"),
    [
        ("http://localhost/v1/x?y", "/v1/x?y", "localhost"),
        ("HTTP://LocalHost:80/v1/x", "/v1/x", "LocalHost:80"),
        ("http://[::1]:80//v1", "//v1", "[::1]:80"),
        ("http://api.test", "/", "api.test"),
        ("http://api.test?a=http://b/", "/?a=http://b/", "api.test"),
    ],
)
@pytest.mark.parametrize("host", ["localhost", "evil.example", ""])
def test_the_authority_of_an_absolute_target_counts_and_the_host_does_not(
    target: str, expected: str, authority: str, host: str
) -> None:
    seen = admitted(a_head(target=target, host=(("Host", host),)))

    assert (seen.target, seen.authority) == (expected, authority)


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/v1/x",
        "https://localhost/v1/x",
        "ftp://localhost/v1/x",
        "http://user@localhost/v1/x",
        "http://localhost@evil.example/",
        "http://localhost.evil.example/",
        "http:///v1/x",
        "http://localhost\\@evil.example/",
    ],
)
def test_an_absolute_target_of_others_is_refused_for_any_host(target: str) -> None:
    assert slug_of(a_head(target=target)) == "misdirected_host"


def test_over_tls_an_absolute_target_is_of_https() -> None:
    secure = Identity(US.name, US.hosts, scheme="https")
    seen = look(a_head(target="HTTPS://localhost:8443/v1/x"), secure)

    assert isinstance(seen, Admitted)
    assert (seen.target, seen.origin) == ("/v1/x", "https://localhost:8443")
    with pytest.raises(Refused) as refusal:
        look(a_head(target="http://localhost:8443/v1/x"), secure)
    assert refusal.value.slug == "misdirected_host"


@pytest.mark.parametrize(
    "target", ["*", "", "v1/x", "/v1/x#a", "/v1 x", "/v1/\xe9", "http:/v1", "http://localhost/#a"]
)
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    assert slug_of(a_head(target=target)) == "bad_request_target"


def test_bytes_that_cannot_be_passed_on_as_they_are_are_refused() -> None:
    assert slug_of(a_head(("X-A", "caf\xe9"))) == "bad_header"
    assert admitted(a_head(("X-A", "caf\xc3\xa9"))).headers[1] == ("X-A", "caf\xc3\xa9")


@pytest.mark.parametrize(
    ("expects", "waits"),
    [
        ([], False),
        ([""], False),
        (["100-continue"], True),
        (["100-Continue"], True),
        (["", "100-continue, 100-continue"], True),
    ],
)
def test_a_body_may_have_to_be_called_for(expects: list[str], waits: bool) -> None:
    assert admitted(a_head(*(("Expect", value) for value in expects))).waits == waits


@pytest.mark.parametrize("expects", [["x"], ["100-continue, x"], ["100-continue", "x"]])
def test_any_other_expectation_is_refused_unless_the_version_knows_none(
    expects: list[str],
) -> None:
    fields = [("Expect", value) for value in expects]

    assert slug_of(a_head(*fields)) == "expectation_failed"
    assert not admitted(a_head(*fields, version=(1, 0))).waits


@pytest.mark.parametrize(
    "fields",
    [
        ["1.1 runreel-0a1b2c3d"],
        ["1.0 before, 1.1 runreel-0a1b2c3d (a comment), 1.1 behind"],
        ["1.0 before", "1.1\trunreel-0a1b2c3d"],
    ],
)
def test_our_own_name_in_via_is_a_loop(fields: list[str]) -> None:
    assert slug_of(a_head(*(("via", value) for value in fields))) == "loop_detected"


@pytest.mark.parametrize("field", ["1.1 runreel-0a1b2c3e", "1.1 runreel-0a1b2c3d0", "runreel"])
def test_another_runreel_before_us_is_none(field: str) -> None:
    assert admitted(a_head(("Via", field))).headers[1:] == (("Via", field), OUR_VIA)


@pytest.mark.parametrize("target", ["/v1/x", "*", "http://localhost"])
def test_options_that_may_go_no_further_are_answered_with_nothing(target: str) -> None:
    head = a_head(("Max-Forwards", "0"), method="OPTIONS", target=target)

    assert look(head, US) == Response(204)


@pytest.mark.parametrize(
    ("sent", "passed"), [("1", "0"), ("10", "9"), ("007", "6"), ("x", "x"), ("-1", "-1"), ("", "")]
)
def test_options_go_on_with_one_forward_less(sent: str, passed: str) -> None:
    head = a_head(("max-forwards", sent), method="OPTIONS")

    assert admitted(head).headers[1] == ("max-forwards", passed)


def test_max_forwards_means_nothing_in_other_requests_or_said_twice() -> None:
    twice = (("Max-Forwards", "0"), ("Max-Forwards", "1"))

    assert admitted(a_head(("Max-Forwards", "0"))).headers[1] == ("Max-Forwards", "0")
    assert admitted(a_head(*twice, method="OPTIONS")).headers[1:3] == twice


def test_a_foreign_host_is_refused_before_anything_is_answered() -> None:
    foreign: Headers = (("Host", "evil.example"),)

    assert slug_of(a_head(("Max-Forwards", "0"), method="OPTIONS", host=foreign)) == (
        "misdirected_host"
    )
    assert slug_of(a_head(("Expect", "x"), host=foreign)) == "misdirected_host"


_LATIN1 = st.text(st.characters(max_codepoint=255), max_size=20)


@given(
    st.text(max_size=8),
    _LATIN1,
    st.tuples(st.integers(0, 3), st.integers(0, 9)),
    st.lists(
        st.tuples(
            st.sampled_from(["Host", "Via", "Expect", "Transfer-Encoding", "Max-Forwards", "X-A"]),
            _LATIN1,
        )
    ),
)
def test_whatever_comes_there_is_a_decision_and_what_is_admitted_is_a_path(
    method: str, target: str, version: tuple[int, int], headers: list[tuple[str, str]]
) -> None:
    try:
        seen = look(Head(method, target, version, tuple(headers)), US)
    except Refused as refusal:
        assert refusal.response.status in {400, 405, 417, 421, 501, 505, 508}
    else:
        assert isinstance(seen, Response) or seen.target.startswith("/")
