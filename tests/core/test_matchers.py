"""What decides whether a request matches a recording, and what does not."""

import pytest

from builders import FAKE_KEY, TARGET, a_request
from runreel.http.headers import recordable_request
from runreel.http.messages import Headers, Request
from runreel.matching.matchers import MATCH_ON, Fingerprint, digest, fingerprint, matcher
from runreel.redaction.redactor import Redaction

DECODED_MAX = 1_000_000


def fingerprint_of(request: Request, match_on: tuple[str, ...] = MATCH_ON) -> Fingerprint:
    """The fingerprint of a request as it came, as the engine takes it."""
    plain = recordable_request(request, DECODED_MAX)
    return fingerprint(Redaction().request(plain, request), match_on)


def same(one: Request, other: Request) -> bool:
    return fingerprint_of(one) == fingerprint_of(other)


def test_a_fingerprint_names_its_facets_in_order() -> None:
    request = Request(
        "POST",
        "/v1/threads/t/runs/r?b=2&a=1",
        (("OpenAI-Beta", "assistants=v2"),),
        b'{"metadata": {"b": "2", "a": 1.0}}',
    )

    assert fingerprint_of(request) == (
        ("method", "POST"),
        ("path", "/v1/threads/t/runs/r"),
        ("query", '[["a","1"],["b","2"]]'),
        ("body", 'json {"metadata":{"a":1,"b":"2"}}'),
        ("header.openai-beta", '"assistants=v2"'),
    )


def test_match_on_chooses_the_facets() -> None:
    assert fingerprint_of(a_request(), ("path", "method")) == (("path", TARGET), ("method", "POST"))


@pytest.mark.parametrize("method", ["GET", "PATCH", "post"])
def test_another_method_is_another_request(method: str) -> None:
    assert not same(a_request(), a_request(method=method))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/threads/a%2Fb/runs/r", "/threads/a%2fb/runs/r"),
        ("/threads/a%2Fb/runs/r", "/threads/a/b/runs/r"),
        ("/threads/%61/runs/r", "/threads/a/runs/r"),
        ("/threads/a/runs/r", "/threads/a/runs/r/"),
        ("/threads/a/runs/r", "//threads/a/runs/r"),
        ("/threads/a/runs/r", "/threads/A/runs/r"),
        ("/threads/a/./runs/r", "/threads/a/runs/r"),
        ("/threads/a+b/runs/r", "/threads/a%20b/runs/r"),
    ],
)
def test_paths_are_compared_byte_for_byte(one: str, other: str) -> None:
    assert not same(a_request(target=one), a_request(target=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("limit=1&order=asc", "order=asc&limit=1"),
        ("a=1&a=2", "a=2&a=1"),
        ("include%5B%5D=x", "include[]=x"),
        ("q=a+b", "q=a%20b"),
        ("q=%c3%bc", "q=%C3%BC"),
        ("q=a%2db", "q=a-b"),
        ("a=1&", "a=1"),
        ("a", "a="),
        ("", "&"),
        ("a==1", "a=%3d1"),
    ],
)
def test_a_query_is_a_bag_of_readable_pairs(one: str, other: str) -> None:
    assert same(a_request(target=f"/x?{one}"), a_request(target=f"/x?{other}"))


def test_an_empty_query_is_no_query() -> None:
    assert same(a_request(target="/x?"), a_request(target="/x"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a=1", "a=2"),
        ("a=1", "b=1"),
        ("a=1", ""),
        ("a=1", "a=1&a=1"),
        ("a=1&b=2", "a=2&b=1"),
        ("a=1", "A=1"),
        ("a=1%26b=2", "a=1&b=2"),
        ("a%3D1", "a=1"),
        ("a=%2B", "a=+"),
        ("a=%FF", "a=%FE"),
        ("a=%FF", "a=%5CxFF"),
        ("a=%ED%A0%80", "a=%ED%A0%81"),
        ("a=%C3%A9", "a=e%CC%81"),
        ("a=%C3%A9", "a=%E9"),
        ("a=x%00", "a=x"),
    ],
)
def test_queries_that_say_something_else_differ(one: str, other: str) -> None:
    assert not same(a_request(target=f"/x?{one}"), a_request(target=f"/x?{other}"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":"1","b":"2"}', '{"b":"2","a":"1"}'),
        ('{"metadata":{"a":"é"}}', '{"metadata": {"a": "\\u00e9"}}'),
        ('{"metadata":{"a":"\N{GRINNING FACE}"}}', '{"metadata":{"a":"\\uD83D\\ude00"}}'),
        ('{"temperature":1}', '{"temperature":1.0}'),
        ('{"temperature":1}', '{"temperature":10e-1}'),
        ('{"n":0}', '{"n":-0.0}'),
        ('{"n":100000}', '{"n":1e5}'),
        ('{"url":"a/b"}', '{"url":"a\\/b"}'),
        ('{"a":[{"x":1,"y":2}]}', '{\r\n\t"a": [ {"y":2, "x":1} ]\n}'),
        ('{"a":"\\ud800"}', '{"a":"\\uD800"}'),
    ],
)
def test_the_spelling_of_a_body_never_matters(one: str, other: str) -> None:
    assert same(a_request(one.encode()), a_request(other.encode()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1}', b'{"a":true}'),
        (b'{"a":0}', b'{"a":false}'),
        (b'{"a":1}', b'{"a":"1"}'),
        (b'{"a":1}', b'{"a":[1]}'),
        (b'{"a":null}', b'{"a":"null"}'),
        (b'{"metadata":null}', b"{}"),
        (b'{"metadata":{}}', b"{}"),
        (b'{"metadata":{}}', b'{"metadata":null}'),
        (b"", b"null"),
        (b"", b"{}"),
        (b"", b" "),
        (b"null", b"{}"),
        (b'{"metadata":{"a":"1"}}', b'{"metadata":{"a":"1","b":""}}'),
        (b'{"metadata":{"a":"1"}}', b'{"metadata":{"A":"1"}}'),
        (b'{"metadata":{"a":"1"}}', b'{"metadata":{"a":"1 "}}'),
        (b'{"metadata":{"a":"1"}}', b'{"metadata":{"":"1"}}'),
        ('{"a":"é"}'.encode(), '{"a":"e\u0301"}'.encode()),
        (b'{"a":["x","y"]}', b'{"a":["y","x"]}'),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992}'),
        (b'{"a":"\\ud800"}', b'{"a":"\\udc00"}'),
        (b'"absent"', b""),
        (b"{}", b"json {}"),
    ],
)
def test_bodies_that_say_something_else_differ(one: bytes, other: bytes) -> None:
    assert not same(a_request(one), a_request(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1,"a":2}', b'{"a":1, "a":2}'),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a":1,"a":1}', b'{"a":1}'),
        (b'{"a":1', b'{ "a":1'),
        (b'{"a":NaN}', b'{"a": NaN}'),
        (b'{"a":Infinity}', b'{"a": Infinity}'),
        (b'{"a":18446744073709551616}', b'{"a": 18446744073709551616}'),
        (b'{"a":18446744073709551616}', b'{"a":18446744073709551617}'),
        (b'{"a":-9223372036854775809}', b'{"a": -9223372036854775809}'),
        (b"[" * 129 + b"]" * 129, b"[ " + b"[" * 128 + b"]" * 129),
        (b'\xef\xbb\xbf{"a":1}', b'{"a":1}'),
        (b'{"a":"\xff"}', b'{"a": "\xff"}'),
        (b'{"a":"\xe9"}', '{"a":"é"}'.encode()),
        ('{"a":1}'.encode("utf-16-le"), b'{"a":1}'),
    ],
)
def test_bodies_that_are_not_plain_json_are_compared_byte_for_byte(
    one: bytes, other: bytes
) -> None:
    assert same(a_request(one), a_request(one))
    assert not same(a_request(one), a_request(other))


def test_a_body_is_deep_json_up_to_the_limit() -> None:
    deepest = b"[" * 128 + b"1" + b"]" * 128
    respelt = b"[" * 128 + b" 1.0 " + b"]" * 128

    assert same(a_request(deepest), a_request(respelt))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ((("OpenAI-Beta", "assistants=v2"),), (("openai-beta", "assistants=v2"),), True),
        ((("OpenAI-Beta", "assistants=v2"),), (("OpenAI-Beta", "assistants=v1"),), False),
        ((("OpenAI-Beta", "assistants=v2"),), (), False),
        ((("OpenAI-Beta", ""),), (), False),
        ((("OpenAI-Beta", "null"),), (), False),
        ((("OpenAI-Beta", "a"), ("OpenAI-Beta", "b")), (("OpenAI-Beta", "a, b"),), True),
        (
            (("OpenAI-Beta", "a"), ("OpenAI-Beta", "b")),
            (("OpenAI-Beta", "b"), ("OpenAI-Beta", "a")),
            False,
        ),
    ],
)
def test_the_openai_beta_header_counts(one: Headers, other: Headers, equal: bool) -> None:
    assert same(a_request(headers=one), a_request(headers=other)) == equal


def test_a_header_counts_when_match_on_names_it() -> None:
    match_on = (*MATCH_ON, "header.accept")
    one, other = (a_request(headers=(("Accept", kind),)) for kind in ("a/json", "text/plain"))

    assert fingerprint_of(one, match_on)[-1] == ("header.accept", '"a/json"')
    assert fingerprint_of(other, match_on)[-1] == ("header.accept", '"text/plain"')


@pytest.mark.parametrize("name", ["", "Body", "header.", "header.OpenAI-Beta", "header.a b", "url"])
def test_an_unknown_facet_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(ValueError, match=r"known are method, path, query, body, header\.NAME"):
        matcher(name)


def test_a_secret_in_the_body_does_not_tell_requests_apart() -> None:
    other_key = "sk-" + "0tHeR" * 8
    one, other = (f'{{"metadata":{{"key":"{key}"}}}}' for key in (FAKE_KEY, other_key))

    assert same(a_request(one.encode()), a_request(other.encode()))


def test_a_digest_is_eight_hex_digits_of_the_fingerprint() -> None:
    one = digest((("method", "GET"), ("path", "/x")))
    other = digest((("method", "GET"), ("path", "/y")))

    assert (one, other) == ("d23c897d", "65954e77")


@pytest.mark.parametrize(
    "request_",
    [
        a_request(b'{"metadata":{"\\ud800":"\\udfff"}}'),
        a_request(b"", target="/x?a=%ED%A0%80&%FF=%FE"),
        a_request(b"\xff\xfe", target="/\xff?\xe9=\xff"),
        a_request(headers=(("OpenAI-Beta", "\xff"),)),
    ],
    ids=["body", "query", "raw bytes", "header"],
)
def test_what_is_not_unicode_has_a_fingerprint_and_a_digest(request_: Request) -> None:
    print_ = fingerprint_of(request_)

    assert len(digest(print_)) == 8
    assert print_ != fingerprint_of(a_request())
