"""Content codings: the decoded copy of a body that a recording holds.

Owns `decode`, and `legible` for what that gives up on; what travels between client and upstream is
never touched. Limits are the caller's, in bytes of decoded output, because a few kilobytes of gzip
can hold gigabytes.
"""

import zlib

from runreel.core.messages import Headers, values

# zlib's "wbits": which header it expects.
_GZIP = 31
_ZLIB = 15
_RAW = -15  # none, which some servers send as `deflate`
_PIECE = 65_536  # bytes that are read at once of a body that breaks somewhere
_MEMBERS_MAX = 1_000  # of one gzip body: a million empty ones would be copied a million times


def codings(headers: Headers) -> tuple[str, ...]:
    """The codings applied to a body, in the order they were applied, without `identity`."""
    listed = (
        token.strip().lower()
        for value in values(headers, "content-encoding")
        for token in value.split(",")
    )
    return tuple(token for token in listed if token not in ("", "identity"))


def decode(body: bytes, applied: tuple[str, ...], bytes_max: int) -> bytes | None:
    """The body without its codings; None if one is unknown, broken, or decodes beyond the limit."""
    for coding in reversed(applied):
        if not body:
            return body  # in any coding: some servers name one and send nothing
        decoder = _DECODERS.get(coding)
        if decoder is None:
            return None
        try:
            decoded = decoder(body, bytes_max)
        except zlib.error:
            return None
        if decoded is None:
            return None
        body = decoded
    return body


def _gunzip(body: bytes, bytes_max: int) -> bytes | None:
    out = bytearray()
    for _ in range(_MEMBERS_MAX):
        if not body:
            return bytes(out)
        member = zlib.decompressobj(_GZIP)
        out += member.decompress(body, bytes_max + 1 - len(out))
        if len(out) > bytes_max or not member.eof:
            return None
        body = member.unused_data
    return None


def _inflate(body: bytes, bytes_max: int) -> bytes | None:
    try:
        return _one_stream(body, _ZLIB, bytes_max)
    except zlib.error:
        return _one_stream(body, _RAW, bytes_max)


def _one_stream(body: bytes, wbits: int, bytes_max: int) -> bytes | None:
    stream = zlib.decompressobj(wbits)
    out = stream.decompress(body, bytes_max + 1)
    whole = stream.eof and not stream.unused_data and len(out) <= bytes_max
    return out if whole else None


_DECODERS = {"gzip": _gunzip, "x-gzip": _gunzip, "deflate": _inflate}


def legible(body: bytes, applied: tuple[str, ...], bytes_max: int) -> bytes:
    """What can be read of a body that `decode` gives up on, as far as it can be read: not to be
    kept, but to be searched for what must not be kept.
    """
    for coding in reversed(applied):
        wbits = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}.get(coding)
        if wbits is None:
            return body
        read = _as_far_as_it_goes(body, wbits, bytes_max)
        if not read and coding == "deflate":
            read = _as_far_as_it_goes(body, _RAW, bytes_max)
        body = read
    return body


def _as_far_as_it_goes(body: bytes, wbits: int, bytes_max: int) -> bytes:
    out = bytearray()
    stream = zlib.decompressobj(wbits)
    size = _PIECE
    at = 0
    while at < len(body) and len(out) <= bytes_max:
        before, piece = stream.copy(), body[at : at + size]
        try:
            out += stream.decompress(piece, bytes_max + 1 - len(out))
        except zlib.error:
            if size == 1:
                break
            # A call that fails takes with it what it had read: again, byte by byte.
            stream, size = before, 1
            continue
        at += len(piece) - len(stream.unused_data)
        if stream.eof:
            stream = zlib.decompressobj(wbits)
    return bytes(out)
