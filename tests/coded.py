"""Bodies in content codings, as servers send them."""

import gzip
import sys
import zlib
from collections.abc import Callable

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# A zstd frame that says nothing, for the use of applications (RFC 8878 3.1.2).
SKIPPABLE = b"\x50\x2a\x4d\x18" + b"\x03\0\0\0" + b"abc"


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def deflated(body: bytes) -> bytes:
    return zlib.compress(body)


def raw_deflated(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def brotlied(body: bytes) -> bytes:
    return bytes(brotli.compress(body))


def zstd_frame(body: bytes, window_log: int = 20) -> bytes:
    """One frame with a checksum, which asks for a window of 2 ** `window_log` bytes."""
    options: dict[int, int] = {
        zstd.CompressionParameter.checksum_flag: 1,
        zstd.CompressionParameter.window_log: window_log,
    }
    stream = zstd.ZstdCompressor(options=options)  # a stream does not shrink its window
    return stream.compress(body) + stream.flush()


CODED: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("gzip", gzipped),
    ("deflate", deflated),
    ("deflate", raw_deflated),
    ("br", brotlied),
    ("zstd", zstd_frame),
)
