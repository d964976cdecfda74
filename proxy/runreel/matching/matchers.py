"""Matching is equality after normalisation.

A matcher is a function from a request to canonical *text* (text, because in Python `1 == True`); a
fingerprint is the named texts of one request. Index, match and miss report all use these values and
nothing else, so that what is explained is what was compared. Requests come in redacted: two that
differ only in a secret are equal here.

    POST /v1/threads/t/runs/r?b=2&a=1   {"metadata": {"k": "v"}}
    -> (("method", "POST"), ("path", "/v1/threads/t/runs/r"),
        ("query", [["a","1"],["b","2"]]), ("body", json {"metadata":{"k":"v"}}), …)

Which matchers count is a `match_on`, as a cassette holds it: their names, and *ignore rules*,
`-query.NAME` and `-body.POINTER`, for what of query and body does not count. A form is compared as
what it says: neither a boundary nor the order of differently named parts shows; what is not exactly
such a body has no such text, and counts byte by byte.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii
from typing import Any
from urllib.parse import unquote_to_bytes

from runreel.http import strict_json
from runreel.http.messages import Headers, Request, values
from runreel.http.strict_json import HOLE, NOWHERE, Patterns, canonical_text, is_pointer
from runreel.redaction.redactor import Redacted

QUERY_PREFIX = "-query."
BODY_PREFIX = "-body."


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """What is ignored: `query` are names of parameters, `body` places in a JSON body."""

    query: frozenset[str] = frozenset()
    body: Patterns = NOWHERE

    def pairs_of_query(self, pairs: Sequence[list[str]]) -> list[list[str]]:
        """The pairs of a query without every repetition of what is ignored."""
        return [pair for pair in pairs if pair[0] not in self.query]

    def pairs_of_form(self, pairs: Sequence[list[str]]) -> list[list[str]]:
        """The pairs of a form without the fields that a pointer of one step names."""
        return [pair for pair in pairs if not self.body.below(pair[0]).here]

    def value(self, value: Any) -> Any:
        """A JSON value without the members that are ignored; an item of an array leaves a `HOLE`,
        so that the others stay in their places, unless nothing else follows.
        """
        return _without(value, self.body) if self.body else value


NOTHING = IgnoreRules()


def is_ignore_rule(entry: str) -> bool:
    """Whether an entry of `match_on` names something that does not count."""
    if entry.startswith(BODY_PREFIX):
        return is_pointer(entry.removeprefix(BODY_PREFIX))
    return entry.startswith(QUERY_PREFIX) and entry != QUERY_PREFIX


def ignore_rules(entries: Iterable[str]) -> IgnoreRules:
    """What all those entries of a `match_on` name that are `is_ignoring`; others are not for us."""
    named = [entry for entry in entries if is_ignore_rule(entry)]
    return IgnoreRules(
        frozenset(
            entry.removeprefix(QUERY_PREFIX) for entry in named if entry.startswith(QUERY_PREFIX)
        ),
        Patterns.of(
            entry.removeprefix(BODY_PREFIX) for entry in named if entry.startswith(BODY_PREFIX)
        ),
    )


def _without(value: Any, ignored: Patterns) -> Any:
    match value:
        case dict():
            found = {name: _child(child, ignored.below(name)) for name, child in value.items()}
            return {name: child for name, child in found.items() if child is not HOLE}
        case list():
            items = [_child(item, ignored.below(str(at))) for at, item in enumerate(value)]
            while items and items[-1] is HOLE:
                items.pop()
            return items
    return value


def _child(value: Any, ignored: Patterns) -> Any:
    if ignored.here:
        return HOLE
    return _without(value, ignored) if ignored else value


_PARTS_MAX = 1_000
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PARAMETER = re.compile(rf"""[ \t]*;[ \t]*({_NAME})=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""")
_FIELD = re.compile(rf"({_NAME}):[ \t]*(.*?)[ \t]*", re.DOTALL)
_BODY = "body"
_FORM = rb"""(?![{\["])[!-~]+"""


def canonical_form(content_type: str, body: bytes, ignored: IgnoreRules = NOTHING) -> str | None:
    """One text for all spellings of one form body, or None if it is none of the type it claims.

    `multipart ` and a JSON object with one member for each name of a part, with an array where a
    name comes again; a part is an object of its `body`, its `filename` and its other header fields.
    `form ` and a JSON array of the decoded pairs, sorted. Bytes that are not UTF-8 are surrogates,
    so that different ones stay different.
    """
    type_, parameters = _type_and_parameters(content_type)
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
    kind, parameters = _type_and_parameters(named.pop("content-disposition", ""))
    if first or not end or kind != "form-data" or parameters is None or "name" not in parameters:
        return None
    part = named | parameters | {_BODY: _readable(body)}
    # Nothing may be said twice, or one of the two would not be compared.
    said = len(lines) - 1 + len(parameters) + 1
    return part if len(part) == said else None


def _canonical(parts: list[dict[str, str]], ignored: IgnoreRules) -> str:
    named: dict[str, list[dict[str, str]]] = {}
    for part in parts:
        named.setdefault(part.pop("name"), []).append(part)
    document = {name: found if len(found) > 1 else found[0] for name, found in named.items()}
    return canonical_text(ignored.value(document))


def _type_and_parameters(value: str) -> tuple[str, dict[str, str] | None]:
    """What stands before the parameters, in lower case, and these, or None if they are unclear."""
    first = value.partition(";")[0]
    rest = value[len(first) :]
    found = list(_PARAMETER.finditer(rest))
    parameters = {item[1].lower(): item[3] if item[2] is None else item[2] for item in found}
    clear = "".join(item[0] for item in found) == rest.rstrip() and len(parameters) == len(found)
    return first.strip().lower(), parameters if clear else None


def canonical_query(text: str, ignored: IgnoreRules = NOTHING) -> str:
    """A JSON array of the decoded pairs of a query, sorted."""
    if not text:
        return "[]"
    return _listed(ignored.pairs_of_query(_pairs(text)))


def _pairs(text: str) -> list[list[str]]:
    if not text:
        return []
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return sorted([_unquote(name), _unquote(value)] for name, _, value in pairs)


def _listed(pairs: list[list[str]]) -> str:
    return json.dumps(pairs, separators=(",", ":"))


def _unquote(text: str) -> str:
    # Clients differ in what they escape (and in `+` or `%20`); bytes that are not UTF-8 stay apart.
    return _readable(unquote_to_bytes(text.replace("+", " ").encode("latin-1")))


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


Matcher = Callable[[Request], str]
Fingerprint = tuple[tuple[str, str], ...]
MatchOn = tuple[str, ...]

HEADER_PREFIX = "header."
MATCH_ON: MatchOn = ("method", "path", "query", "body", "header.openai-beta")

_LARGE_BODY_BYTES = 65_536
_REMEMBERED_MAX = 8  # fingerprints of large bodies
_SETS_OF_RULES_MAX = 64  # kept ready at once; a process has as many as its cassettes differ in


def match_on_of(
    headers: Iterable[str] = (), query: Iterable[str] = (), body: Iterable[str] = ()
) -> MatchOn:
    """The default rules with more: names of `headers` (lower case) that count too, parameters of
    the `query` and JSON pointers into the `body` that do not.
    """
    return in_order(
        (
            *MATCH_ON,
            *(HEADER_PREFIX + name for name in headers),
            *(QUERY_PREFIX + name for name in query),
            *(BODY_PREFIX + at for at in body),
        )
    )


def in_order(match_on: Iterable[str]) -> MatchOn:
    """The same rules in the one order in which they are written, each once."""
    return tuple(sorted(set(match_on), key=_rank))


def _rank(entry: str) -> tuple[int, int, str]:
    if entry in MATCH_ON:
        return 0, MATCH_ON.index(entry), ""
    kinds = (HEADER_PREFIX, QUERY_PREFIX, BODY_PREFIX)
    return 1, next(at for at, kind in enumerate(kinds) if entry.startswith(kind)), entry


def check_match_on(match_on: Sequence[str]) -> None:
    """Return if a text can be matched by these entries.

    Raises:
        ValueError: one is not known, or there is no matcher among them.
    """
    for entry in match_on:
        if not is_ignore_rule(entry):
            matcher(entry)
    if all(map(is_ignore_rule, match_on)):
        raise ValueError("there is no matcher here, so that every request would match")


def matcher(name: str, ignored: IgnoreRules = NOTHING) -> Matcher:
    """The matcher of a name in `match_on`: one of `MATCHERS`, or `header.NAME`.

    Raises:
        ValueError: there is no matcher of that name.
    """
    if name in MATCHERS:
        read = MATCHERS[name]
        return lambda request: read(request, ignored)
    header = name.removeprefix(HEADER_PREFIX)
    if header != name and re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", header):
        return partial(_header, name=header)
    known = ", ".join(
        (
            *MATCHERS,
            f"{HEADER_PREFIX}NAME (lower case)",
            f"{QUERY_PREFIX}NAME",
            f"{BODY_PREFIX}POINTER (as in {BODY_PREFIX}/metadata/trace_id)",
        )
    )
    raise ValueError(f"unknown matcher {name!r}; known are {known}")


def fingerprint(request: Redacted[Request], match_on: Sequence[str]) -> Fingerprint:
    """All matchers of a request, in the order of `match_on`, less what it ignores."""
    if len(request.value.body) > _LARGE_BODY_BYTES:
        ready = _remembered.get((request.value, tuple(match_on)))
        if ready is not None:
            return ready
    value = request.value
    return tuple([(name, read(value)) for name, read in _matchers(tuple(match_on))])


def said_in_headers(request: Redacted[Request], match_on: Sequence[str]) -> bytes:
    """What of the headers of a request can decide its fingerprint, beside its first line and body.

    A body counts as what its media type says, unless that is JSON.
    """
    named = (name for name in match_on if name.startswith(HEADER_PREFIX))
    texts = [_header(request.value, name.removeprefix(HEADER_PREFIX)) for name in named]
    return repr((texts, values(request.value.headers, "content-type"))).encode()


def exact_key(start: bytes, in_headers: bytes, body: bytes) -> int:
    """A number that is equal for requests which are equal byte for byte in all that decides their
    fingerprint, and hardly ever for others: whoever finds one by it has to look.

    `start` is the first line of the request, `in_headers` as `said_in_headers`.
    """
    return hash((start, in_headers, body))


def start_line(request: Request) -> bytes:
    """The first line of a request, as it comes over the wire."""
    return f"{request.method} {request.target} HTTP/1.1".encode("latin-1")


def remember(request: Redacted[Request], match_on: Sequence[str], print_: Fingerprint) -> None:
    """Have a fingerprint ready that somebody else has worked out, as that of a large body takes
    long; `fingerprint` finds it.
    """
    while len(_remembered) >= _REMEMBERED_MAX:
        del _remembered[next(iter(_remembered))]
    _remembered[request.value, tuple(match_on)] = print_


_remembered: dict[tuple[Request, MatchOn], Fingerprint] = {}


@lru_cache(maxsize=_SETS_OF_RULES_MAX)
def _matchers(match_on: MatchOn) -> tuple[tuple[str, Matcher], ...]:
    ignored = ignore_rules(match_on)
    return tuple((name, matcher(name, ignored)) for name in match_on if not is_ignore_rule(name))


def digest(print_: Fingerprint) -> str:
    """8 hex digits that stand for a fingerprint in names; equality is never decided by them."""
    pairs = [f"[{_quoted(name)},{_quoted(said)}]" for name, said in print_]
    text = f"[{','.join(pairs)}]"
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


_quoted = encode_basestring_ascii


def _method(request: Request, ignored: IgnoreRules) -> str:  # noqa: ARG001 - all of it counts
    return request.method


def _path(request: Request, ignored: IgnoreRules) -> str:  # noqa: ARG001 - all of it counts
    return request.path


def _query(request: Request, ignored: IgnoreRules) -> str:
    return canonical_query(request.query, ignored)


def _body(request: Request, ignored: IgnoreRules) -> str:
    if not request.body:
        return "absent"
    plain = None if ignored.body else strict_json.canonical_natively(request.body)
    if plain is not None:
        return "json " + plain
    try:
        value = strict_json.read_canonical(request.body.decode("utf-8"))
    except (UnicodeDecodeError, strict_json.Unreadable):
        types = values(request.headers, "content-type")
        form = canonical_form(types[0], request.body, ignored) if len(types) == 1 else None
        return form or "bytes " + request.body.decode("latin-1")
    return "json " + strict_json.canonical_text(ignored.value(value))


def _header(request: Request, name: str) -> str:
    return _header_text(request.headers, name)


@lru_cache(maxsize=1024)  # many requests have the same headers
def _header_text(headers: Headers, name: str) -> str:
    found = values(headers, name)
    return encode_basestring_ascii(", ".join(found)) if found else "null"


MATCHERS: dict[str, Callable[[Request, IgnoreRules], str]] = {
    "method": _method,
    "path": _path,
    "query": _query,
    "body": _body,
}
