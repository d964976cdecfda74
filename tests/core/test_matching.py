"""The laws of matching: what a client may change at will, and what it may not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import FAKE_KEY, TARGET, a_request
from runreel.http.headers import recordable_request
from runreel.http.messages import Headers, Request
from runreel.matching.matchers import MATCH_ON, Fingerprint, digest, fingerprint
from runreel.redaction.redactor import Redaction
from strategies import Json, headers, json_objects, requests, spellings


def fingerprint_of(request: Request) -> Fingerprint:
    """The fingerprint of a request as it came, as the engine takes it."""
    plain = recordable_request(request, bytes_max=1_000_000)
    return fingerprint(Redaction().request(plain, request), MATCH_ON)


NOISE: Headers = (
    ("Authorization", "Bearer " + FAKE_KEY),
    ("api-key", FAKE_KEY),
    ("X-Stainless-Lang", "python"),
    ("x-stainless-package-version", "3.54.0"),
    ("x-stainless-retry-count", "2"),
    ("x-stainless-read-timeout", "600"),
    ("x-stainless-poll-helper", "true"),
    ("User-Agent", "OpenAI/Python 3.54.0"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Cookie", "__cf_bm=abcdefghijklmnopqrstuvwxyz"),
    ("Connection", "keep-alive"),
    ("Host", "127.0.0.1:8080"),
    ("Content-Length", "26"),
    ("OpenAI-Organization", "org-FaKe0FaKe0"),
    ("OpenAI-Project", "proj_FaKe0FaKe0"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("Idempotency-Key", "stainless-python-retry-1"),
    ("X-Runreel-Session", "tests"),
)


@pytest.mark.parametrize("pair", NOISE, ids=lambda pair: str(pair[0]))
def test_noise_never_matters(pair: tuple[str, str]) -> None:
    plain = a_request()
    noisy = replace(plain, headers=(pair, *plain.headers))

    assert fingerprint_of(plain) == fingerprint_of(noisy)


@given(requests())
@example(Request("GET", "/?%ED%B2%80=%F0%9F%98%80", (), b'"\\ude00\\ud83d"'))
def test_any_request_has_a_fingerprint_and_a_digest(request_: Request) -> None:
    print_ = fingerprint_of(request_)

    assert [name for name, _ in print_] == list(MATCH_ON)
    assert len(digest(print_)) == 8


_PAIRS = st.lists(st.sampled_from(["a=1", "a=2", "b=%C3%BC", "c", "include%5B%5D=x"]), max_size=4)
_NOISES = st.lists(st.sampled_from(NOISE), max_size=4, unique=True)


@given(st.data(), json_objects(), _PAIRS, headers())
def test_a_request_is_the_same_however_a_client_writes_it(
    data: st.DataObject, body: dict[str, Json], pairs: list[str], extra: Headers
) -> None:
    beta = ("OpenAI-Beta", "assistants=v2")

    def written() -> Request:
        query = "&".join(data.draw(st.permutations(pairs)))
        noise = data.draw(_NOISES)
        sent = tuple(data.draw(st.permutations([beta, *noise, *extra])))
        return Request("POST", f"{TARGET}?{query}", sent, data.draw(spellings(body)).encode())

    assert fingerprint_of(written()) == fingerprint_of(written())


CHANGES: dict[str, Callable[[Request], Request]] = {
    "method": lambda request: replace(request, method=request.method + "X"),
    "path": lambda request: replace(
        request, target=f"{request.path}/x" + request.target[len(request.path) :]
    ),
    "query": lambda request: replace(
        request, target=f"{request.target}{'&' if '?' in request.target else '?'}extra=1"
    ),
    "body": lambda request: replace(request, body=b"x" + request.body),
    "header.openai-beta": lambda request: replace(
        request, headers=(*request.headers, ("OpenAI-Beta", "another"))
    ),
}


@pytest.mark.parametrize("name", MATCH_ON)
@given(original=requests())
def test_a_change_of_one_facet_changes_that_facet_alone(name: str, original: Request) -> None:
    before = fingerprint_of(original)
    after = fingerprint_of(CHANGES[name](original))

    assert [one[0] for one, other in zip(before, after, strict=True) if one != other] == [name]


@given(st.data(), json_objects())
def test_one_more_or_another_metadata_value_is_another_request(
    data: st.DataObject, metadata: dict[str, Json]
) -> None:
    more = {**metadata, "one more name": "x"}
    other = {**metadata, "one more name": "y"}

    prints = [
        fingerprint_of(a_request(data.draw(spellings({"metadata": value})).encode()))
        for value in (metadata, more, other)
    ]

    assert len(set(prints)) == 3
