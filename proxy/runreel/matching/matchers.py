"""Matching is equality after normalisation.

A facet is a function from a request to canonical *text* (text, because in Python `1 == True`); a
fingerprint is the named facets of one request. Index, match and miss report all use these values
and nothing else, so that what is explained is what was compared. Requests come in redacted: two
that differ only in a secret are equal here. Knows nothing of sessions or cassettes.

Which facets count is a `match_on`, as a cassette holds it: names of facets, and entries for what of
them does not count (`ignoring`).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial

from runreel.http import strict_json
from runreel.http.messages import Request, values
from runreel.matching.forms import canonical_form, canonical_query
from runreel.matching.ignore_rules import (
    BODY_PREFIX,
    NOTHING,
    QUERY_PREFIX,
    Ignoring,
    ignoring,
    is_ignoring,
)
from runreel.redaction.redactor import Redacted

Facet = Callable[[Request], str]
Fingerprint = tuple[tuple[str, str], ...]
MatchOn = tuple[str, ...]

HEADER_PREFIX = "header."
MATCH_ON: MatchOn = ("method", "path", "query", "body", "header.openai-beta")

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
        ValueError: one is not known, or there is no facet among them.
    """
    for entry in match_on:
        if not is_ignoring(entry):
            facet(entry)
    if all(map(is_ignoring, match_on)):
        raise ValueError("there is no facet here, so that every request would match")


def facet(name: str, ignored: Ignoring = NOTHING) -> Facet:
    """The facet of a name in `match_on`: one of `FACETS`, or `header.NAME`.

    Raises:
        ValueError: there is no facet of that name.
    """
    if name in FACETS:
        read = FACETS[name]
        return lambda request: read(request, ignored)
    header = name.removeprefix(HEADER_PREFIX)
    if header != name and re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", header):
        return partial(_header, name=header)
    known = ", ".join(
        (
            *FACETS,
            f"{HEADER_PREFIX}NAME (lower case)",
            f"{QUERY_PREFIX}NAME",
            f"{BODY_PREFIX}POINTER (as in {BODY_PREFIX}/metadata/trace_id)",
        )
    )
    raise ValueError(f"unknown facet {name!r}; known are {known}")


def fingerprint(request: Redacted[Request], match_on: Sequence[str]) -> Fingerprint:
    """All facets of a request, in the order of `match_on`, less what it ignores."""
    return tuple((name, read(request.value)) for name, read in _facets(tuple(match_on)))


@lru_cache(maxsize=_SETS_OF_RULES_MAX)
def _facets(match_on: MatchOn) -> tuple[tuple[str, Facet], ...]:
    ignored = ignoring(match_on)
    return tuple((name, facet(name, ignored)) for name in match_on if not is_ignoring(name))


def digest(print_: Fingerprint) -> str:
    """8 hex digits that stand for a fingerprint in names; equality is never decided by them."""
    text = json.dumps(print_, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


def _method(request: Request, ignored: Ignoring) -> str:  # noqa: ARG001 - all of it counts
    return request.method


def _path(request: Request, ignored: Ignoring) -> str:  # noqa: ARG001 - all of it counts
    return request.path


def _query(request: Request, ignored: Ignoring) -> str:
    return canonical_query(request.query, ignored)


def _body(request: Request, ignored: Ignoring) -> str:
    if not request.body:
        return "absent"
    try:
        value = strict_json.read_canonical(request.body.decode("utf-8"))
    except (UnicodeDecodeError, strict_json.Unreadable):
        types = values(request.headers, "content-type")
        form = canonical_form(types[0], request.body, ignored) if len(types) == 1 else None
        return form or "bytes " + request.body.decode("latin-1")
    return "json " + strict_json.canonical_text(ignored.value(value))


def _header(request: Request, name: str) -> str:
    found = values(request.headers, name)
    return json.dumps(", ".join(found) if found else None)


FACETS: dict[str, Callable[[Request, Ignoring], str]] = {
    "method": _method,
    "path": _path,
    "query": _query,
    "body": _body,
}
