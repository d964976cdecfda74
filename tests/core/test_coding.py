"""Content codings taken off a body, within a limit and without ever raising."""

import tracemalloc
from collections.abc import Callable
from hashlib import shake_256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coded import CODED, SKIPPABLE, brotlied, deflated, gzipped, raw_deflated, zstd_frame
from runreel.http.encoding import decode, partial_decode
from runreel.http.headers import codings
from runreel.http.messages import Headers

PLAIN = b'{"id": "run_abc123"}'
LIMIT = 1_000


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
        (gzipped(PLAIN), ("gzip",)),
        (gzipped(PLAIN), ("x-gzip",)),
        (gzipped(PLAIN[:7]) + gzipped(PLAIN[7:]), ("gzip",)),
        (gzipped(b"") + gzipped(PLAIN) + gzipped(b""), ("gzip",)),
        (deflated(PLAIN), ("deflate",)),
        (raw_deflated(PLAIN), ("deflate",)),
        (gzipped(gzipped(PLAIN)), ("gzip", "gzip")),
        (gzipped(deflated(PLAIN)), ("deflate", "gzip")),
        (deflated(gzipped(PLAIN)), ("gzip", "deflate")),
        (brotlied(PLAIN), ("br",)),
        (zstd_frame(PLAIN), ("zstd",)),
        (zstd_frame(PLAIN[:7]) + zstd_frame(PLAIN[7:]), ("zstd",)),
        (SKIPPABLE + zstd_frame(PLAIN) + SKIPPABLE, ("zstd",)),
        (zstd_frame(PLAIN, window_log=23), ("zstd",)),
        (zstd_frame(brotlied(PLAIN)), ("br", "zstd")),
        (brotlied(gzipped(PLAIN)), ("gzip", "br")),
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
        (PLAIN, ("compress",)),
        (brotlied(PLAIN), ("dcb",)),
        (gzipped(PLAIN), ("br", "gzip")),
        (gzipped(PLAIN), ("gzip", "br")),
        (brotlied(PLAIN)[:-1], ("br",)),
        (brotlied(PLAIN) + b"rest", ("br",)),
        (brotlied(PLAIN) + brotlied(PLAIN), ("br",)),
        (brotlied(PLAIN), ("zstd",)),
        (zstd_frame(PLAIN)[:-1], ("zstd",)),
        (zstd_frame(PLAIN)[:3], ("zstd",)),
        (zstd_frame(PLAIN) + b"rest", ("zstd",)),
        (zstd_frame(PLAIN) + zstd_frame(PLAIN)[:-1], ("zstd",)),
        (zstd_frame(PLAIN)[:-4] + b"\0" * 4, ("zstd",)),
        (zstd_frame(PLAIN, window_log=24), ("zstd",)),
        (zstd_frame(PLAIN), ("br",)),
        (PLAIN, ("gzip",)),
        (PLAIN, ("deflate",)),
        (gzipped(PLAIN)[:-1], ("gzip",)),
        (gzipped(PLAIN)[:12], ("gzip",)),
        (gzipped(PLAIN) + gzipped(PLAIN)[:-1], ("gzip",)),
        (gzipped(PLAIN) + b"rest", ("gzip",)),
        (gzipped(PLAIN)[:-8] + b"\0" * 8, ("gzip",)),
        (deflated(PLAIN)[:-1], ("deflate",)),
        (raw_deflated(PLAIN)[:-1], ("deflate",)),
        (raw_deflated(PLAIN) + b"rest", ("deflate",)),
        (deflated(PLAIN), ("gzip",)),
        (raw_deflated(PLAIN), ("gzip",)),
        (gzipped(PLAIN), ("deflate",)),
        (deflated(gzipped(PLAIN)), ("deflate", "gzip")),
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


@pytest.mark.parametrize(("coding", "coded"), CODED)
def test_a_body_is_decoded_up_to_the_limit_and_not_beyond(
    coding: str, coded: Callable[[bytes], bytes]
) -> None:
    assert decode(coded(b"a" * LIMIT), (coding,), LIMIT) == b"a" * LIMIT
    assert decode(coded(b"a" * (LIMIT + 1)), (coding,), LIMIT) is None


def test_the_limit_holds_for_all_members_together_and_for_each_coding() -> None:
    half = b"a" * (LIMIT // 2)

    assert decode(gzipped(half) + gzipped(half), ("gzip",), LIMIT) == half + half
    assert decode(gzipped(half) + gzipped(half + b"a"), ("gzip",), LIMIT) is None
    assert decode(zstd_frame(half) + zstd_frame(half), ("zstd",), LIMIT) == half + half
    assert decode(zstd_frame(half) + zstd_frame(half + b"a"), ("zstd",), LIMIT) is None
    assert decode(gzipped(gzipped(b"a" * 5_000_000)), ("gzip", "gzip"), LIMIT) is None


@pytest.mark.parametrize(("coding", "coded"), CODED)
def test_a_bomb_is_not_unpacked(coding: str, coded: Callable[[bytes], bytes]) -> None:
    bomb = coded(b"\0" * 50_000_000)
    tracemalloc.start()
    decoded = decode(bomb, (coding,), LIMIT)
    read = partial_decode(bomb, (coding,), LIMIT)
    bytes_at_most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert decoded is None
    assert len(read) <= 100_000
    assert bytes_at_most < 1_000_000


def test_a_bomb_in_a_bomb_is_not_unpacked() -> None:
    bomb = gzipped(gzipped(b"\0" * 50_000_000))

    assert decode(bomb, ("gzip", "gzip"), 100_000) is None


def test_a_body_of_countless_empty_members_is_not_decoded() -> None:
    assert decode(gzipped(b"") * 900 + gzipped(PLAIN), ("gzip",), LIMIT) == PLAIN
    assert decode(gzipped(b"") * 1_001, ("gzip",), LIMIT) is None
    assert decode(SKIPPABLE * 900 + zstd_frame(PLAIN), ("zstd",), LIMIT) == PLAIN
    assert decode(SKIPPABLE * 1_001, ("zstd",), LIMIT) is None


@given(st.binary(max_size=300), st.lists(st.sampled_from(CODED), max_size=3))
def test_decoding_undoes_any_chain_of_codings(
    body: bytes, chain: list[tuple[str, Callable[[bytes], bytes]]]
) -> None:
    coded = body
    for _, code in chain:
        coded = code(coded)

    assert decode(coded, tuple(name for name, _ in chain), 10_000) == body


@given(st.binary(max_size=300), st.sampled_from(["gzip", "x-gzip", "deflate", "br", "zstd"]))
def test_bytes_that_nobody_coded_never_raise(body: bytes, coding: str) -> None:
    decoded = decode(body, (coding,), LIMIT)

    assert decoded is None or len(decoded) <= LIMIT


@pytest.mark.parametrize(
    ("body", "applied", "read"),
    [
        (gzipped(b"secret") + b"junk", ("gzip",), b"secret"),
        (gzipped(b"secret")[:-8], ("x-gzip",), b"secret"),
        (deflated(b"secret")[:-4], ("deflate",), b"secret"),
        (deflated(b"secret")[2:-4] + b"junk", ("deflate",), b"secret"),
        (gzipped(gzipped(b"secret")[:-8])[:-8], ("gzip", "gzip"), b"secret"),
        (gzipped(b"sec") + gzipped(b"ret")[:-8], ("gzip",), b"secret"),
        (b"as it is", ("compress",), b"as it is"),
        (brotlied(b"secret, and what follows it")[:-1], ("br",), b"secret"),
        (brotlied(b"secret") + b"junk", ("br",), b"secret"),
        (zstd_frame(b"secret")[:-1], ("zstd",), b"secret"),
        (zstd_frame(b"secret") + b"junk", ("zstd",), b"secret"),
        (zstd_frame(b"sec") + SKIPPABLE + zstd_frame(b"ret")[:-4], ("zstd",), b"secret"),
        (zstd_frame(b"secret")[:-4] + b"\0" * 4, ("zstd",), b"secret"),
        (brotlied(zstd_frame(b"secret")[:-1])[:-1], ("zstd", "br"), b"secret"),
        (gzipped(b"x" * 9_000), ("gzip",), b"x" * 5_001),
    ],
)
def test_what_cannot_be_decoded_whole_is_read_as_far_as_it_goes(
    body: bytes, applied: tuple[str, ...], read: bytes
) -> None:
    assert partial_decode(body, applied, 5_000).startswith(read)


@pytest.mark.parametrize(("coding", "coded"), CODED)
def test_a_long_body_that_breaks_late_is_read_up_to_there(
    coding: str, coded: Callable[[bytes], bytes]
) -> None:
    noise = shake_256(b"noise").digest(150_000)  # does not compress
    body = coded(noise) + b"junk"

    assert decode(body, (coding,), 1_000_000) is None
    assert partial_decode(body, (coding,), 1_000_000).startswith(noise)
