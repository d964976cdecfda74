r"""Bodies as people read them, with the exact bytes behind.

Bytes are the truth: a readable form is used only if `restore(render(body)) == body`, and `render`
has tried it.

    b'{"a":1}'        {"json": {"a": 1}, "layout": "compact"}
    b'{"a": 1.50}'    {"text": "{\"a\": 1.50}"}       no layout gives 1.50 back
    b"\xff\x00"       {"base64": "/wA="}

A stream is `events` with their times, each with its data as JSON where that is exact. `parts` and
`blob` are reserved for a newer version. Knows nothing of redaction: what comes in here is what may
be stored.
"""

import base64
import binascii
import json
import re
from typing import Any

from runreel.http import sse, strict_json

_SEPARATORS: dict[str, tuple[int | None, tuple[str, str]]] = {
    "compact": (None, (",", ":")),
    "spaced": (None, (", ", ": ")),
    "indent-2": (2, (",", ": ")),
}
LAYOUTS = tuple(name + suffix for name in _SEPARATORS for suffix in ("", "+ascii"))
_ENCODERS = {
    name + suffix: json.JSONEncoder(
        indent=indent, separators=separators, ensure_ascii=bool(suffix), allow_nan=False
    )
    for name, (indent, separators) in _SEPARATORS.items()
    for suffix in ("", "+ascii")
}
RESERVED = frozenset({"parts", "blob"})
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # controls but for tab, LF and CR
_NATIVE = frozenset({"compact", "indent-2"})  # layouts that orjson writes too
_EVENT_MEMBERS = frozenset({"at_ms", "event", "data", "layout"})
# Longer JSON is kept as text: nobody reads it, and to try its layouts takes everybody's time.
_JSON_CHARS_MAX = 1_000_000
_EVENT_LAYOUT = "compact"  # of data, if a form does not say otherwise
# An event as OpenAI frames it; any other is kept as its text.
_EVENT = re.compile(r"(?:event: ([^\r\n]*)\n)?data: ([^\r\n]*)\n\n")


def render(body: bytes, at_ms: tuple[int, ...] | None = None) -> dict[str, Any] | None:
    """The readable form of a body, or None for an empty one.

    `at_ms` is that of a stream: a time for each event of `sse.split(body)`.
    """
    if not body:
        return None
    if at_ms is None and len(body) <= _JSON_CHARS_MAX and (form := _natively(body)) is not None:
        return form
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _as_base64(body)
    readable = _UNREADABLE.search(text) is None
    if at_ms is not None and readable:
        events = [event.decode("utf-8") for event in sse.split(body)]
        return {"events": [_as_event(*pair) for pair in zip(events, at_ms, strict=True)]}
    as_json = _as_json(text) if len(text) <= _JSON_CHARS_MAX else None
    if as_json is not None:
        return as_json
    return {"text": text} if readable else _as_base64(body)


def plain(body: bytes, at_ms: tuple[int, ...] | None = None) -> dict[str, Any] | None:
    """The form of a body that is made at once, for what nobody reads; else as `render`."""
    if not body:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _as_base64(body)
    if at_ms is None or _UNREADABLE.search(text):
        return {"text": text}
    events = [event.decode("utf-8") for event in sse.split(body)]
    return {
        "events": [{"at_ms": at, "text": event} for at, event in zip(at_ms, events, strict=True)]
    }


def restore(form: dict[str, Any] | None, *, compared: bool = False) -> bytes:
    """The bytes behind a form that `render` made or a person wrote. It takes less time where they
    are `compared` with a digest: then they may be others, if Python writes a float otherwise.

    Raises:
        ValueError: the form is none of them, or its layout, base64 or an event cannot be read.
    """
    if form is None:
        return b""
    match form:
        case {"json": value, "layout": str(layout)} if len(form) == 2 and layout in LAYOUTS:
            return _json_bytes(value, layout, compared=compared)
        case {"events": [_, *_] as events} if len(form) == 1:
            return _restored_events(events)
        case {"text": str(text)} if len(form) == 1:
            return text.encode("utf-8")
        case {"base64": str(text)} if len(form) == 1:
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"base64 that cannot be read: {error}") from None
    for name in RESERVED & form.keys():
        raise ValueError(
            f"a newer version of runreel wrote this body as `{name}`; read the cassette with that"
        )
    raise ValueError(
        "a body is `json` with `layout` (" + ", ".join(LAYOUTS) + "), `events`, `text` or `base64`"
    )


def times(form: dict[str, Any] | None) -> tuple[int, ...] | None:
    """The times of the events of a form that `restore` accepts; None if it is not a stream."""
    if form is None or "events" not in form:
        return None
    return tuple(event["at_ms"] for event in form["events"])


def _natively(body: bytes) -> dict[str, Any] | None:
    """The form of JSON in one of the layouts that can be read natively; None if it is none."""
    found = strict_json.layout_of(body)
    if found is None:
        return None
    value, indent = found
    return {"json": value, "layout": "indent-2" if indent else "compact"}


def _json_bytes(value: Any, layout: str, *, compared: bool = False) -> bytes:
    text = None
    if layout in _NATIVE:
        indent = layout == "indent-2"
        text = strict_json.written_natively(value, indent=indent, any_floats=compared)
    if text is None:
        return write_json(value, layout).encode("utf-8")
    return bytes(memoryview(text))  # what orjson gives keeps all the room that it took to write


def write_json(value: Any, layout: str) -> str:
    """The JSON text of a value in one of `LAYOUTS`.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot say.
    """
    return _ENCODERS[layout].encode(value)


def _as_event(text: str, at_ms: int) -> dict[str, Any]:
    framed = _EVENT.fullmatch(text)
    data = _as_json(framed[2]) if framed else None
    if framed is None or data is None:
        return {"at_ms": at_ms, "text": text}
    form: dict[str, Any] = {"at_ms": at_ms}
    if framed[1] is not None:
        form["event"] = framed[1]
    form["data"] = data["json"]
    if data["layout"] != _EVENT_LAYOUT:
        form["layout"] = data["layout"]
    return form


def _restored_events(forms: list[Any]) -> bytes:
    events = [_restored_event(form) for form in forms]
    body = b"".join(event for event in events if event is not None)
    # Each is one event, neither more nor less, or the times would belong to others.
    found = (*sse.split(body), None)
    wrong = [place for place, event in enumerate(events) if event is None or event != found[place]]
    if wrong:
        raise ValueError(
            f"event {wrong[0]} is not one whole event: `at_ms` (0 or more) with `data`, where need "
            "be `event` and `layout`, or with `text`"
        )
    return body


def _restored_event(form: Any) -> bytes | None:
    match form:
        case {"at_ms": int(at_ms)} if at_ms < 0 or isinstance(at_ms, bool):
            return None
        case {"at_ms": int(), "text": str(text)} if len(form) == 2:
            return text.encode("utf-8")
        case {"at_ms": int(), "data": data} if form.keys() <= _EVENT_MEMBERS:
            name, layout = form.get("event", ""), form.get("layout", _EVENT_LAYOUT)
            if isinstance(name, str) and layout in LAYOUTS:
                named = f"event: {name}\n" if "event" in form else ""
                return f"{named}data: {write_json(data, layout)}\n\n".encode()
    return None


def _as_json(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith(("{", "[")):
        return None  # a bare number or string is better read as the text it is
    try:
        value = strict_json.loads(text)
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
