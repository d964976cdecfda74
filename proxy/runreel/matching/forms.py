"""Forms as text that can be compared: multipart/form-data and application/x-www-form-urlencoded.

Owns a strict reader of multipart bodies and the text that stands for one, in which neither the
boundary nor the order of differently named parts shows. What is not exactly such a body has no
such text. Knows nothing of requests.
"""

import json
import re
from urllib.parse import unquote_to_bytes

from runreel.http.strict_json import canonical_text
from runreel.matching.ignore_rules import NOTHING, Ignoring

_PARTS_MAX = 1_000
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PARAMETER = re.compile(rf"""[ \t]*;[ \t]*({_NAME})=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""")
_FIELD = re.compile(rf"({_NAME}):[ \t]*(.*?)[ \t]*", re.DOTALL)
_BODY = "body"
_FORM = rb"""(?![{\["])[!-~]+"""


def canonical_form(content_type: str, body: bytes, ignored: Ignoring = NOTHING) -> str | None:
    """One text for all spellings of one form body, or None if it is none of the type it claims.

    `multipart ` and a JSON object with one member for each name of a part, with an array where a
    name comes again; a part is an object of its `body`, its `filename` and its other header fields.
    `form ` and a JSON array of the decoded pairs, sorted. Bytes that are not UTF-8 are surrogates,
    so that different ones stay different.
    """
    type_, parameters = _header(content_type)
    if type_ == "multipart/form-data" and parameters and parameters.get("boundary"):
        parts = _parts(body, b"\r\n--" + parameters["boundary"].encode("latin-1"))
        return None if parts is None else "multipart " + _canonical(parts, ignored)
    # What only looks like a form is the JSON that some clients send under their default type.
    if type_ == "application/x-www-form-urlencoded" and re.fullmatch(_FORM, body):
        return "form " + _listed(ignored.pairs_of_form(_pairs(body.decode("latin-1"))))
    return None


def _parts(body: bytes, delimiter: bytes) -> list[dict[str, str]] | None:
    opening, *pieces = (b"\r\n" + body).split(delimiter, _PARTS_MAX + 1)
    if opening or not pieces or pieces.pop() not in (b"--", b"--\r\n"):
        return None
    parts = [part for part in map(_part, pieces) if part]
    return parts if len(parts) == len(pieces) else None


def _part(piece: bytes) -> dict[str, str] | None:
    """Name, body and all else that a part says, or None if it is not plain."""
    head, end, body = piece.partition(b"\r\n\r\n")
    first, *lines = _readable(head).split("\r\n")
    fields = [field for field in map(_FIELD.fullmatch, lines) if field]
    named = {field[1].lower(): field[2] for field in fields}
    kind, parameters = _header(named.pop("content-disposition", ""))
    if first or not end or kind != "form-data" or parameters is None or "name" not in parameters:
        return None
    part = named | parameters | {_BODY: _readable(body)}
    # Nothing may be said twice, or one of the two would not be compared.
    said = len(lines) - 1 + len(parameters) + 1
    return part if len(part) == said else None


def _canonical(parts: list[dict[str, str]], ignored: Ignoring) -> str:
    named: dict[str, list[dict[str, str]]] = {}
    for part in parts:
        named.setdefault(part.pop("name"), []).append(part)
    document = {name: found if len(found) > 1 else found[0] for name, found in named.items()}
    return canonical_text(ignored.value(document))


def _header(value: str) -> tuple[str, dict[str, str] | None]:
    """What stands before the parameters, in lower case, and these, or None if they are unclear."""
    first = value.partition(";")[0]
    rest = value[len(first) :]
    found = list(_PARAMETER.finditer(rest))
    parameters = {item[1].lower(): item[3] if item[2] is None else item[2] for item in found}
    clear = "".join(item[0] for item in found) == rest.rstrip() and len(parameters) == len(found)
    return first.strip().lower(), parameters if clear else None


def canonical_query(text: str, ignored: Ignoring = NOTHING) -> str:
    """A JSON array of the decoded pairs of a query, sorted."""
    return _listed(ignored.pairs_of_query(_pairs(text)))


def _pairs(text: str) -> list[list[str]]:
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return sorted([_unquote(name), _unquote(value)] for name, _, value in pairs)


def _listed(pairs: list[list[str]]) -> str:
    return json.dumps(pairs, separators=(",", ":"))


def _unquote(text: str) -> str:
    # Clients differ in what they escape (and in `+` or `%20`); bytes that are not UTF-8 stay apart.
    return _readable(unquote_to_bytes(text.replace("+", " ").encode("latin-1")))


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
