"""An independent look for a secret: shares no code and no idea with the redaction under test.

It reads whatever it is given in every way it knows (percent, JSON escapes, base64 from any
character on), again and again, and looks for any dozen characters of the secret in a row.
"""

import base64
import binascii
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

_WINDOW = 12
_DEPTH = 5
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_JSON_ESCAPE = re.compile(rb'\\(?:u([0-9A-Fa-f]{4})|(["\\/bfnrt]))')
_SHORT = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))


def leaks(secret: str, data: bytes) -> bool:
    """Whether a part of the secret can be read from the data."""
    raw = secret.encode()
    windows = {raw[at : at + _WINDOW] for at in range(len(raw) - _WINDOW + 1)}
    seen: set[bytes] = set()
    level = {data}
    for _ in range(_DEPTH):
        if any(window in text for text in level for window in windows):
            return True
        seen |= level
        level = {reading for text in level for reading in _readings(text)} - seen
    return any(window in text for text in level for window in windows)


def leaking_files(secret: str, folder: Path) -> list[Path]:
    """The files below a folder, hidden ones too, that hold or are named after the secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, f"nothing to look at in {folder}"
    return [
        path for path in files if leaks(secret, path.read_bytes()) or leaks(secret, bytes(path))
    ]


def _readings(text: bytes) -> set[bytes]:
    plus = text.replace(b"+", b" ")
    return {unquote_to_bytes(text), unquote_to_bytes(plus), _unescaped(text), _decoded(text)}


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
