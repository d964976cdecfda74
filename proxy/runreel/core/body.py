"""Bodies as people read them, with the exact bytes behind.

Owns the forms of a body in a cassette: `json` with a `layout`, `text`, `base64`. Bytes are the
truth: a readable form is used only if `restore(render(body)) == body`, and `render` has tried it.
Knows nothing of redaction: what comes in here is what may be stored.
"""

import base64
import binascii
import json
from typing import Any

from runreel.core import jsontext

_SEPARATORS: dict[str, tuple[int | None, tuple[str, str]]] = {
    "compact": (None, (",", ":")),
    "spaced": (None, (", ", ": ")),
    "indent-2": (2, (",", ": ")),
}
LAYOUTS = tuple(name + suffix for name in _SEPARATORS for suffix in ("", "+ascii"))
_TEXT_CONTROLS = frozenset("\t\n\r")


def render(body: bytes) -> dict[str, Any] | None:
    """The readable form of a body, or None for an empty one."""
    if not body:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _as_base64(body)
    as_json = _as_json(text)
    if as_json is not None:
        return as_json
    readable = all(char >= " " or char in _TEXT_CONTROLS for char in text)
    return {"text": text} if readable else _as_base64(body)


def restore(form: dict[str, Any] | None) -> bytes:
    """The bytes behind a form that `render` made or a person wrote.

    Raises:
        ValueError: the form is not one of the three, or its layout or base64 is unknown.
    """
    if form is None:
        return b""
    match form:
        case {"json": value, "layout": str(layout)} if len(form) == 2 and layout in LAYOUTS:
            return write_json(value, layout).encode("utf-8")
        case {"text": str(text)} if len(form) == 1:
            return text.encode("utf-8")
        case {"base64": str(text)} if len(form) == 1:
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"base64 that cannot be read: {error}") from None
    raise ValueError(
        "a body is `json` with `layout` (" + ", ".join(LAYOUTS) + "), `text` or `base64`"
    )


def write_json(value: Any, layout: str) -> str:
    """The JSON text of a value in one of `LAYOUTS`.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot say.
    """
    style, _, ascii_only = layout.partition("+")
    indent, separators = _SEPARATORS[style]
    return json.dumps(
        value,
        indent=indent,
        separators=separators,
        ensure_ascii=bool(ascii_only),
        allow_nan=False,
    )


def _as_json(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith(("{", "[")):
        return None  # a bare number or string is better read as the text it is
    try:
        value = jsontext.loads(text)
        layout = _layout_of(text, value)
    except ValueError:  # not plain JSON, or a number that a float takes for infinite
        return None
    if layout is None or not _utf8_can_hold(value, text):
        return None
    return {"json": value, "layout": layout}


def _layout_of(text: str, value: Any) -> str | None:
    for layout in LAYOUTS:
        if layout.startswith("indent") == ("\n" in text) and write_json(value, layout) == text:
            return layout
    return None


def _utf8_can_hold(value: Any, text: str) -> bool:
    # An escaped lone surrogate is fine in ASCII JSON, but the cassette's own UTF-8 cannot hold it.
    if "\\ud" not in text.lower():
        return True
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _as_base64(body: bytes) -> dict[str, Any]:
    return {"base64": base64.b64encode(body).decode("ascii")}
