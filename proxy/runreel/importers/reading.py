"""Files of other tools, from bytes to recordings.

Owns the limits, which format a file is in, and the naming of file and place in every refusal. What
a format means is its own module's business.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runreel.core.document import BadDocument, read_json
from runreel.core.errors import BadFile, StartRefused
from runreel.importers import har, vcr
from runreel.importers.recordings import Recording

FILE_BYTES_MAX = 64 * 1024 * 1024
AUTO = "auto"

# format -> (what it is called, the member by which it is known, its reader); in order of search
_FORMATS = {
    "har": ("a HAR file", "log", har.read),
    "vcr-ruby": ("a cassette of Ruby's VCR", "http_interactions", vcr.read_ruby),
    "vcrpy": ("a cassette of vcrpy", "interactions", vcr.read_vcrpy),
}
FORMATS = tuple(_FORMATS)


def read(path: Path) -> tuple[bytes, datetime]:
    """The content of a file, and when it was last changed.

    Raises:
        StartRefused: it is not there, or not a file.
        BadFile: it is too large, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        raise StartRefused(f"{path}: there is no such file") from None
    except OSError as error:
        raise BadFile(str(path), "", f"cannot be read: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise BadFile(str(path), "", f"larger than {FILE_BYTES_MAX:,} bytes; split it")
    return content, changed


def parse(content: bytes, kind: str, file: str) -> Recording:
    """The recordings in a file of a format in `FORMATS`, or of any with `auto`.

    Raises:
        BadFile: it is not of that format, or something in it cannot be what it says.
    """
    try:
        document = _document(content)
        return _FORMATS[_format(document, kind)][2](document)
    except BadDocument as error:
        raise BadFile(file, "", str(error)) from None


def _format(document: Any, kind: str) -> str:
    found = next((name for name in FORMATS if _is(name, document)), None)
    if found is None:
        known = ", ".join(called for called, _, _ in _FORMATS.values())
        raise BadDocument("", f"it is none of these: {known}")
    if kind not in (AUTO, found):
        raise BadDocument("", f"it is {_FORMATS[found][0]}; see --format")
    return found


def _is(name: str, document: Any) -> bool:
    if name == "vcrpy" and isinstance(document, list):
        return True  # as vcrpy wrote before 1.0
    return isinstance(document, dict) and _FORMATS[name][1] in document


def _document(content: bytes) -> Any:
    if not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        from runreel.importers import safe_yaml  # noqa: PLC0415 - HAR files need no YAML

        return safe_yaml.load(content)
    try:
        return read_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadDocument("", f"not UTF-8 at byte {error.start}") from None
