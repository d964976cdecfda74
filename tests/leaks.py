"""An independent look for a secret: shares no code and no idea with the redaction under test.

It reads whatever it is given in every way it knows (percent, JSON escapes, base64, base32 and hex
from any character on, UTF-16, gzip), again and again, and looks for any dozen characters of the
secret in a row.
"""

import base64
import binascii
import re
import zlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

_WINDOW = 12
_DEPTH = 5
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX_RUN = re.compile(rb"[0-9A-Fa-f]{24,}")
_BASE32_RUN = re.compile(rb"[A-Za-z2-7]{20,}")
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x9c\xda]")
_JSON_ESCAPE = re.compile(rb'\\(?:u([0-9A-Fa-f]{4})|(["\\/bfnrt]))')
_SHORT = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))


def leaks(secret: str, data: bytes) -> bool:
    """Whether a part of the secret can be read from the data."""
    return found_in(data, windows(secret))


def windows(secret: str) -> set[bytes]:
    """All of the secret that nobody may read: each dozen of its characters in a row."""
    raw = secret.encode()
    return {raw[at : at + _WINDOW] for at in range(len(raw) - _WINDOW + 1)}


def found_in(data: bytes, parts: set[bytes]) -> bool:
    """Whether one of the parts can be read from the data, in whatever way."""
    return any(part in text for text in _all_readings(data) for part in parts)


@lru_cache(maxsize=8)
def _all_readings(data: bytes) -> frozenset[bytes]:
    seen: set[bytes] = set()
    level = {data}
    for _ in range(_DEPTH):
        seen |= level
        level = {reading for text in level for reading in _readings(text)} - seen
    return frozenset(seen | level)


def leaking_files(secret: str, folder: Path) -> list[Path]:
    """The files below a folder, hidden ones too, that hold or are named after the secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, f"nothing to look at in {folder}"
    return [
        path for path in files if leaks(secret, path.read_bytes()) or leaks(secret, bytes(path))
    ]


def _readings(text: bytes) -> set[bytes]:
    plus = text.replace(b"+", b" ")
    return {
        *(unquote_to_bytes(text), unquote_to_bytes(plus), _unescaped(text), _decoded(text)),
        *(_from_base32(text), _from_hex(text), text.replace(b"\0", b""), _unpacked(text)),
    }


def _from_hex(text: bytes) -> bytes:
    found = (run[start:] for run in _HEX_RUN.findall(text) for start in range(2))
    return b"\n".join(bytes.fromhex(run[: len(run) // 2 * 2].decode()) for run in found)


def _from_base32(text: bytes) -> bytes:
    found = []
    for run in _BASE32_RUN.findall(text):
        for start in range(8):
            part = run[start:]
            part = part[: len(part) // 8 * 8]
            found.append(base64.b32decode(part, casefold=True))
            tail = run[start + len(part) :]
            if len(tail) in (2, 4, 5, 7):
                found[-1] += base64.b32decode(tail + b"=" * (8 - len(tail)), casefold=True)
    return b"\n".join(found)


def _unpacked(text: bytes) -> bytes:
    found = []
    for start in [match.start() for match in _PACKED.finditer(text)][:8]:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            found.append(unpacker.decompress(text[start:], 1_000_000))
        except zlib.error:
            continue
    return b"\n".join(found)


def _unescaped(text: bytes) -> bytes:
    def char(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return chr(int(match[1], 16)).encode("utf-8", "surrogatepass")
        return bytes([_SHORT[match[2][0]]])

    return _JSON_ESCAPE.sub(char, text)


def _decoded(text: bytes) -> bytes:
    found: list[bytes] = []
    for run in _RUN.findall(text):
        for start in range(4):
            part = run[start:].replace(b"-", b"+").replace(b"_", b"/")
            part = part[: len(part) // 4 * 4 + (0 if len(part) % 4 == 1 else len(part) % 4)]
            try:
                found.append(base64.b64decode(part + b"=" * (-len(part) % 4)))
            except binascii.Error:
                continue
    return b"\n".join(found)
