"""Content codings taken off a body, within a limit and without ever raising."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.core.coding import codings, decode, legible
from runreel.core.messages import Headers

PLAIN = b'{"id": "run_abc123"}'
LIMIT = 1_000


def gzipped(body: bytes = PLAIN) -> bytes:
    return gzip.compress(body, mtime=0)


def raw_deflated(body: bytes = PLAIN) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), ()),
        ((("Content-Encoding", "gzip"),), ("gzip",)),
        ((("content-encoding", " GZip "),), ("gzip",)),
        ((("Content-Encoding", "identity"),), ()),
        ((("Content-Encoding", ""),), ()),
        ((("Content-Encoding", "deflate, gzip"),), ("deflate", "gzip")),
        ((("Content-Encoding", "br"), ("Content-Encoding", "gzip,")), ("br", "gzip")),
        ((("Transfer-Encoding", "gzip"),), ()),
    ],
)
def test_codings_are_listed_in_the_order_they_were_applied(
    headers: Headers, expected: tuple[str, ...]
) -> None:
    assert codings(headers) == expected


@pytest.mark.parametrize(
    ("body", "applied"),
    [
        (PLAIN, ()),
        (gzipped(), ("gzip",)),
        (gzipped(), ("x-gzip",)),
        (gzipped(PLAIN[:7]) + gzipped(PLAIN[7:]), ("gzip",)),
        (gzipped(b"") + gzipped() + gzipped(b""), ("gzip",)),
        (zlib.compress(PLAIN), ("deflate",)),
        (raw_deflated(), ("deflate",)),
        (gzipped(gzipped()), ("gzip", "gzip")),
        (gzipped(zlib.compress(PLAIN)), ("deflate", "gzip")),
        (zlib.compress(gzipped()), ("gzip", "deflate")),
    ],
    ids=lambda value: None if isinstance(value, bytes) else "-".join(value) or "none",
)
def test_a_coded_body_is_decoded(body: bytes, applied: tuple[str, ...]) -> None:
    assert decode(body, applied, LIMIT) == PLAIN


@pytest.mark.parametrize(
    ("body", "applied"),
    [
        (PLAIN, ("br",)),
        (PLAIN, ("zstd",)),
        (gzipped(), ("br", "gzip")),
        (gzipped(), ("gzip", "br")),
        (PLAIN, ("gzip",)),
        (PLAIN, ("deflate",)),
        (gzipped()[:-1], ("gzip",)),
        (gzipped()[:12], ("gzip",)),
        (gzipped() + gzipped()[:-1], ("gzip",)),
        (gzipped() + b"rest", ("gzip",)),
        (gzipped()[:-8] + b"\0" * 8, ("gzip",)),
        (zlib.compress(PLAIN)[:-1], ("deflate",)),
        (raw_deflated()[:-1], ("deflate",)),
        (raw_deflated() + b"rest", ("deflate",)),
        (zlib.compress(PLAIN), ("gzip",)),
        (raw_deflated(), ("gzip",)),
        (gzipped(), ("deflate",)),
        (zlib.compress(gzipped()), ("deflate", "gzip")),
    ],
)
def test_a_body_that_is_not_what_its_coding_says_is_not_decoded(
    body: bytes, applied: tuple[str, ...]
) -> None:
    assert decode(body, applied, LIMIT) is None


def test_no_bytes_are_no_bytes_in_any_coding() -> None:
    assert decode(b"", ("gzip",), LIMIT) == b""
    assert decode(b"", ("deflate",), LIMIT) == b""
    assert decode(b"", ("br",), LIMIT) == b""
    assert decode(gzipped(b""), ("br", "gzip"), LIMIT) == b""


@pytest.mark.parametrize("coded", [gzipped, zlib.compress, raw_deflated])
def test_a_body_is_decoded_up_to_the_limit_and_not_beyond(coded: Callable[[bytes], bytes]) -> None:
    applied = ("gzip",) if coded is gzipped else ("deflate",)

    assert decode(coded(b"a" * LIMIT), applied, LIMIT) == b"a" * LIMIT
    assert decode(coded(b"a" * (LIMIT + 1)), applied, LIMIT) is None


def test_the_limit_holds_for_all_members_together_and_for_each_coding() -> None:
    half = b"a" * (LIMIT // 2)

    assert decode(gzipped(half) + gzipped(half), ("gzip",), LIMIT) == half + half
    assert decode(gzipped(half) + gzipped(half + b"a"), ("gzip",), LIMIT) is None
    assert decode(gzipped(gzipped(b"a" * 5_000_000)), ("gzip", "gzip"), LIMIT) is None


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzipped(b"\0" * 50_000_000)

    assert decode(bomb, ("gzip",), LIMIT) is None
    assert decode(gzipped(bomb), ("gzip", "gzip"), 100_000) is None


def test_a_body_of_countless_empty_members_is_not_decoded() -> None:
    assert decode(gzipped(b"") * 900 + gzipped(), ("gzip",), LIMIT) == PLAIN
    assert decode(gzipped(b"") * 1_001, ("gzip",), LIMIT) is None


@given(st.binary(max_size=300), st.lists(st.sampled_from(["gzip", "deflate"]), max_size=3))
def test_decoding_undoes_any_chain_of_codings(body: bytes, applied: list[str]) -> None:
    coded = body
    for coding in applied:
        coded = gzipped(coded) if coding == "gzip" else zlib.compress(coded)

    assert decode(coded, tuple(applied), 10_000) == body


@given(st.binary(max_size=300), st.sampled_from(["gzip", "x-gzip", "deflate", "br"]))
def test_bytes_that_nobody_coded_never_raise(body: bytes, coding: str) -> None:
    decoded = decode(body, (coding,), LIMIT)

    assert decoded is None or len(decoded) <= LIMIT


@pytest.mark.parametrize(
    ("body", "applied", "read"),
    [
        (gzip.compress(b"secret", mtime=0) + b"junk", ("gzip",), b"secret"),
        (gzip.compress(b"secret", mtime=0)[:-8], ("x-gzip",), b"secret"),
        (zlib.compress(b"secret")[:-4], ("deflate",), b"secret"),
        (zlib.compress(b"secret")[2:-4] + b"junk", ("deflate",), b"secret"),
        (gzip.compress(gzip.compress(b"secret")[:-8])[:-8], ("gzip", "gzip"), b"secret"),
        (gzip.compress(b"sec") + gzip.compress(b"ret")[:-8], ("gzip",), b"secret"),
        (b"as it is", ("br",), b"as it is"),
        (gzip.compress(b"x" * 9_000), ("gzip",), b"x" * 5_001),
    ],
)
def test_what_cannot_be_decoded_whole_is_read_as_far_as_it_goes(
    body: bytes, applied: tuple[str, ...], read: bytes
) -> None:
    assert legible(body, applied, 5_000).startswith(read)
