"""Uploads and forms are compared by what they say, not by how a client frames it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request
from runreel.http.messages import Headers, Request
from runreel.matching.json_diff import ABSENT, Difference, differences
from runreel.matching.matchers import MATCH_ON, Fingerprint, fingerprint
from runreel.redaction.redactor import Redaction

PURPOSE = b'Content-Disposition: form-data; name="purpose"\r\n\r\nassistants'
FILE = (
    b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\n\xff\x00\r\nhello\r\n"
)


def multipart(*parts: bytes, boundary: str = "b0undary", ending: bytes = b"--\r\n") -> bytes:
    line = b"--" + boundary.encode()
    return b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + ending


def upload(body: bytes, content_type: str = "multipart/form-data; boundary=b0undary") -> Request:
    return a_request(body, "/v1/files", headers=(("content-type", content_type),))


def form(body: str) -> Request:
    return upload(body.encode(), "application/x-www-form-urlencoded")


def print_of(request: Request) -> Fingerprint:
    return fingerprint(Redaction().request(request), MATCH_ON)


def same(one: Request, other: Request) -> bool:
    return print_of(one) == print_of(other)


def between(sent: Request, recorded: Request) -> tuple[Difference, ...]:
    return differences(print_of(sent), print_of(recorded))


class TestMultipart:
    @pytest.mark.parametrize(
        ("boundary", "content_type"),
        [
            ("other", "multipart/form-data; boundary=other"),
            ("other", 'Multipart/Form-Data; boundary="other"'),
            ("other", "multipart/form-data;charset=utf-8; Boundary=other"),
            ("----formdata-undici-012", "multipart/form-data; boundary=----formdata-undici-012"),
            ("a'()+_,-./:=?z", "multipart/form-data; boundary=a'()+_,-./:=?z"),
        ],
    )
    def test_the_boundary_does_not_matter(self, boundary: str, content_type: str) -> None:
        other = upload(multipart(PURPOSE, FILE, boundary=boundary), content_type)

        assert same(upload(multipart(PURPOSE, FILE)), other)

    def test_nor_do_the_order_of_parts_or_the_spelling_of_their_heads(self) -> None:
        respelt = FILE.replace(b"Content-Type: ", b"content-type:\t").replace(
            b'; name="file"; filename="a.txt"', b';filename=a.txt ; name="file"'
        )

        assert same(upload(multipart(PURPOSE, FILE)), upload(multipart(respelt, PURPOSE)))
        assert same(upload(multipart(FILE)), upload(multipart(FILE, ending=b"--")))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"hello", b"hallo"),
            (b"\xff", b"\xfe"),
            (b"hello\r\n", b"hello"),
            (b"a.txt", b"b.txt"),
            (b'name="file"', b'name="image"'),
            (b"text/plain", b"text/html"),
            (b"Content-Type: text/plain\r\n", b""),
            (b"\r\n\r\n\xff", b"\r\nX-More: 1\r\n\r\n\xff"),
        ],
    )
    def test_all_else_does(self, old: bytes, new: bytes) -> None:
        assert FILE.count(old) == 1
        changed = FILE.replace(old, new)

        assert not same(upload(multipart(PURPOSE, FILE)), upload(multipart(PURPOSE, changed)))

    def test_parts_of_one_name_have_an_order_and_a_number(self) -> None:
        one, two = (PURPOSE.replace(b"assistants", text) for text in (b"one", b"two"))

        assert not same(upload(multipart(one, two)), upload(multipart(two, one)))
        assert not same(upload(multipart(one, one)), upload(multipart(one)))

    @pytest.mark.parametrize(
        "body",
        [
            b"preamble\r\n" + multipart(PURPOSE),
            multipart(PURPOSE) + b"epilogue",
            multipart(PURPOSE, ending=b"-- \r\n"),
            multipart(PURPOSE, ending=b""),
            multipart(PURPOSE).replace(b"\r\n", b"\n"),
            multipart(PURPOSE).replace(b"b0undary\r\n", b"b0undary \r\n"),
            multipart(PURPOSE.replace(b'"purpose"', b'"purpose"; more')),
            multipart(b"no head"),
            multipart(b"\r\n\r\nno name"),
            multipart(PURPOSE.replace(b"form-data", b"attachment")),
            multipart(PURPOSE.replace(b"; name=", b"; name=x; name=")),
            multipart(PURPOSE.replace(b"; name=", b" garbage; name=")),
            multipart(PURPOSE.replace(b"\r\n\r\n", b"\r\nno colon\r\n\r\n")),
            multipart(PURPOSE.replace(b"\r\n\r\n", b"\r\nX: 1\r\nX: 1\r\n\r\n")),
            multipart(PURPOSE.replace(b"\r\n\r\n", b"\r\nBody: 1\r\n\r\n")),
            multipart(*[PURPOSE] * 1_001),
        ],
        ids=range(16),
    )
    def test_what_is_not_exactly_multipart_is_compared_byte_for_byte(self, body: bytes) -> None:
        other = body.replace(b"b0undary", b"boundary")

        assert same(upload(body), upload(body))
        assert not same(upload(body), upload(other, "multipart/form-data; boundary=boundary"))

    @pytest.mark.parametrize(
        "headers",
        [
            (),
            (("content-type", "multipart/form-data"),),
            (("content-type", "multipart/form-data; boundary="),),
            (("content-type", "multipart/mixed; boundary=b0undary"),),
            (("content-type", "multipart/form-data; boundary=x"),),
            (("content-type", "multipart/form-data; boundary=b0undary"),) * 2,
        ],
        ids=range(6),
    )
    def test_so_is_what_does_not_say_that_it_is(self, headers: Headers) -> None:
        body = multipart(PURPOSE, FILE)
        plain = a_request(body, "/v1/files", headers=headers)

        assert ("body", "bytes " + body.decode("latin-1")) in print_of(plain)

    @given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.lists(st.binary()))
    def test_different_contents_never_look_the_same(
        self, one: list[bytes], other: list[bytes]
    ) -> None:
        head = b'Content-Disposition: form-data; name="file[]"\r\n\r\n'
        bodies = [multipart(*(head + item for item in items)) for items in (one, other)]

        assert same(*map(upload, bodies)) is (one == other)


class TestUrlEncoded:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("a=1&b=2", "b=2&a=1"), ("a=x+y", "a=x%20y"), ("a[]=1", "a%5B%5D=1"), ("a", "a=")],
    )
    def test_the_spelling_does_not_matter(self, one: str, other: str) -> None:
        assert same(form(one), form(other))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("a=1", "a=2"),
            ("a=1", "a=1&a=1"),
            ("a=1&b=2", "a=2&b=1"),
            ("a b=1&c", "c&a b=1"),
            ('{"a":1,"a":"x&y"}', 'y"}&{"a":1,"a":"x'),
            ("é=1&b", "b&é=1"),
        ],
    )
    def test_all_else_does(self, one: str, other: str) -> None:
        assert not same(form(one), form(other))

    def test_json_under_the_default_type_of_curl_is_json(self) -> None:
        assert same(form('{"a": 1, "b": 2}'), upload(b'{"b":2,"a":1}', "application/json"))


class TestDifferences:
    def test_a_part_that_differs_is_named(self) -> None:
        sent = upload(multipart(PURPOSE, FILE.replace(b"a.txt", b"b.txt")))

        assert between(sent, upload(multipart(PURPOSE, FILE))) == (
            Difference("body", "/file/filename", "b.txt", "a.txt"),
        )

    def test_so_is_one_that_is_missing(self) -> None:
        shown = {"body": "assistants"}

        assert between(upload(multipart(FILE)), upload(multipart(PURPOSE, FILE))) == (
            Difference("body", "/purpose", ABSENT, shown),
        )

    def test_a_part_among_others_of_its_name_is_numbered(self) -> None:
        more, other = PURPOSE.replace(b"assistants", b"x"), PURPOSE.replace(b"assistants", b"y")

        assert between(upload(multipart(PURPOSE, more)), upload(multipart(PURPOSE, other))) == (
            Difference("body", "/purpose/1/body", "x", "y"),
        )

    def test_a_field_that_differs_is_named(self) -> None:
        assert between(form("a=1&b=2&b=3"), form("a=1&b=2&b=4")) == (
            Difference("body", "/b/1", "3", "4"),
        )

    def test_an_upload_and_json_differ_as_a_whole(self) -> None:
        sent = upload(multipart(PURPOSE))

        assert between(sent, upload(b"{}")) == (
            Difference("body", "", {"purpose": {"body": "assistants"}}, {}),
        )


class TestEmptyBodies:
    @pytest.mark.parametrize(
        "headers",
        [
            (("Content-Type", "application/json"),),
            (("Content-Length", "0"),),
            (("Content-Type", "multipart/form-data; boundary=x"), ("Content-Length", "0")),
        ],
    )
    def test_no_body_is_no_body_whatever_its_headers_say(self, headers: Headers) -> None:
        target = "/v1/threads/t/runs/r/cancel"

        assert same(a_request(b"", target, headers=()), a_request(b"", target, headers=headers))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("include[]=a&include[]=b", "include%5B%5D=b&include%5b%5d=a", True),
        ("include[]=a&include[]=b", "include[]=a", False),
        ("include[]=a&include[]=b", "include=a&include=b", False),
        ("include[]=a&include[]=a", "include[]=a", False),
    ],
)
def test_query_arrays_are_bags_of_decoded_values(one: str, other: str, equal: bool) -> None:
    requests = [a_request(b"", f"/v1/threads/t/runs/r/steps?{query}") for query in (one, other)]

    assert same(*requests) is equal
