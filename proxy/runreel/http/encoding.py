"""Content codings: the decoded copy of a body that a recording holds.

What travels between client and upstream is never touched. Limits are the caller's, in bytes of
decoded output, because a few kilobytes can hold gigabytes. `partial_decode` reads what it can of a
body that `decode` gives up on: not to keep it, but to search it for what must not be kept.
"""

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PIECE = 65_536  # bytes that are read at once of a body that breaks somewhere
_MEMBERS_MAX = 1_000  # of one body: a million empty ones would be copied a million times
# RFC 9659: no content coding may ask for more than 8 MB of memory.
_ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class _Stream(Protocol):
    """One stream being decoded: zlib's interface, and that of zstd."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """What `data` adds to the output; may keep back what is beyond `max_length`."""
        ...

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""
        ...


class _BrotliStream:
    """Brotli in zlib's terms. It fails on what comes after its end, so nothing ever does."""

    unused_data = b""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        # The limit is where its buffer stops growing: up to as much again may come. It may also
        # stop before, and has given all that it has when it gives nothing more.
        out = bytearray()
        while len(out) < max_length:
            piece = self._decoder.process(data, output_buffer_limit=max_length - len(out))
            if not piece:
                break
            out += piece
            data = b""
        return bytes(out)


@dataclass(frozen=True, slots=True)
class _Coding:
    """How to begin a stream, the first way that fits, and how many may stand in one body."""

    ways: tuple[Callable[[], _Stream], ...]
    members_max: int = 1


# zlib is told by a number which header to expect; -15 is none, which some servers send as deflate.
_GZIP = _Coding((partial(zlib.decompressobj, 31),), _MEMBERS_MAX)
_CODINGS = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": _Coding((partial(zlib.decompressobj, 15), partial(zlib.decompressobj, -15))),
    "br": _Coding((_BrotliStream,)),
    "zstd": _Coding((partial(zstd.ZstdDecompressor, options=_ZSTD_OPTIONS),), _MEMBERS_MAX),
}
_BROKEN = (zlib.error, brotli.error, zstd.ZstdError)


def decode(body: bytes, applied: tuple[str, ...], bytes_max: int) -> bytes | None:
    """The body without its codings; None if one is unknown, broken, or decodes beyond the limit."""
    for name in reversed(applied):
        if not body:
            return body  # in any coding: some servers name one and send nothing
        coding = _CODINGS.get(name)
        if coding is None:
            return None
        tries = (_whole(body, begin, coding.members_max, bytes_max) for begin in coding.ways)
        decoded = next((found for found in tries if found is not None), None)
        if decoded is None:
            return None
        body = decoded
    return body


def _whole(
    body: bytes, begin: Callable[[], _Stream], members_max: int, bytes_max: int
) -> bytes | None:
    out = bytearray()
    for _ in range(members_max):
        stream = begin()
        try:
            out += stream.decompress(body, bytes_max + 1 - len(out))
        except _BROKEN:
            return None
        if len(out) > bytes_max or not stream.eof:
            return None
        body = stream.unused_data
        if not body:
            return bytes(out)
    return None


class StreamDecoder:
    """What a coded body says, as it comes: to look at it early, not to keep it.

    It is silent from where it cannot go on, or where there is more than the limit.
    """

    def __init__(self, applied: tuple[str, ...], bytes_max: int) -> None:
        known = all(name in _CODINGS for name in applied)
        self._layers = [_Layer(_CODINGS[name]) for name in reversed(applied)] if known else None
        self._left = bytes_max

    def feed(self, chunk: bytes) -> bytes:
        """What this chunk adds."""
        for layer in self._layers or ():
            chunk = layer.feed(chunk, self._left + 1)
        self._left -= len(chunk)
        if self._left < 0:
            self._layers = None
        return chunk if self._layers else b""


class _Layer:
    """One coding of a body that comes in chunks."""

    def __init__(self, coding: _Coding) -> None:
        self._ways = list(coding.ways)
        self._stream: _Stream | None = None

    def feed(self, chunk: bytes, bytes_max: int) -> bytes:
        while self._stream is not None or self._ways:
            begun = self._stream is not None
            stream = self._stream or self._ways.pop(0)()
            try:
                out = stream.decompress(chunk, bytes_max) if not stream.eof else b""
            except _BROKEN:
                self._stream, self._ways = None, [] if begun else self._ways
            else:
                self._stream = stream
                return out
        return b""


def partial_decode(body: bytes, applied: tuple[str, ...], bytes_max: int) -> bytes:
    """What can be read of a body that `decode` gives up on, as far as it can be read: not to be
    kept, but to be searched for what must not be kept.
    """
    for name in reversed(applied):
        coding = _CODINGS.get(name)
        if coding is None:
            return body
        tries = (_as_far_as_it_goes(body, begin, bytes_max) for begin in coding.ways)
        body = next((found for found in tries if found), b"")
    return body


def _as_far_as_it_goes(body: bytes, begin: Callable[[], _Stream], bytes_max: int) -> bytes:
    out = bytearray()
    at: int | None = 0
    while at is not None and at < len(body) and len(out) <= bytes_max:
        read, at = _one_stream(body, at, begin, bytes_max + 1 - len(out))
        out += read
    return bytes(out)


def _one_stream(
    body: bytes, start: int, begin: Callable[[], _Stream], bytes_max: int
) -> tuple[bytes, int | None]:
    """What can be read of the stream that begins at `start`, and where it ends, if it does."""
    out = bytearray()
    stream, at, size = begin(), start, _PIECE
    while at < len(body) and len(out) < bytes_max:
        piece = body[at : at + size]
        try:
            out += stream.decompress(piece, bytes_max - len(out))
        except _BROKEN:
            if size == 1:
                break
            # A call that fails takes with it what it had read: again, and then byte by byte.
            stream, size = begin(), 1
            stream.decompress(body[start:at], bytes_max)
            continue
        at += len(piece)
        if stream.eof:
            return bytes(out), at - len(stream.unused_data)
    return bytes(out), None
