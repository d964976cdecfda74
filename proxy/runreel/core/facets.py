"""Matching is equality after normalisation.

A facet is a function from a request to canonical *text* (text, because in Python `1 == True`); a
fingerprint is the named facets of one request. Index, match and miss report all use these values
and nothing else, so that what is explained is what was compared. Requests come in redacted: two
that differ only in a secret are equal here. Knows nothing of sessions or cassettes.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence

from runreel.core import jsontext
from runreel.core.canonical import canonical_json
from runreel.core.forms import canonical_form, canonical_pairs
from runreel.core.messages import Request, values
from runreel.core.redaction import Redacted

Facet = Callable[[Request], str]
Fingerprint = tuple[tuple[str, str], ...]

MATCH_ON = ("method", "path", "query", "body", "header.openai-beta")
HEADER_PREFIX = "header."


def facet(name: str) -> Facet:
    """The facet of a name in `match_on`: one of `FACETS`, or `header.NAME`.

    Raises:
        ValueError: there is no facet of that name.
    """
    if name in FACETS:
        return FACETS[name]
    header = name.removeprefix(HEADER_PREFIX)
    if header != name and re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", header):
        return lambda request: _header(request, header)
    known = ", ".join((*FACETS, f"{HEADER_PREFIX}NAME (lower case)"))
    raise ValueError(f"unknown facet {name!r}; known are {known}")


def fingerprint(request: Redacted[Request], match_on: Sequence[str]) -> Fingerprint:
    """All facets of a request, in the order of `match_on`."""
    return tuple((name, facet(name)(request.value)) for name in match_on)


def digest(print_: Fingerprint) -> str:
    """8 hex digits that stand for a fingerprint in names; equality is never decided by them."""
    text = json.dumps(print_, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


def _query(request: Request) -> str:
    return canonical_pairs(request.query)


def _body(request: Request) -> str:
    if not request.body:
        return "absent"
    try:
        return "json " + canonical_json(request.body.decode("utf-8"))
    except (UnicodeDecodeError, jsontext.Unreadable):
        types = values(request.headers, "content-type")
        form = canonical_form(types[0], request.body) if len(types) == 1 else None
        return form or "bytes " + request.body.decode("latin-1")


def _header(request: Request, name: str) -> str:
    found = values(request.headers, name)
    return json.dumps(", ".join(found) if found else None)


FACETS: dict[str, Facet] = {
    "method": lambda request: request.method,
    "path": lambda request: request.path,
    "query": _query,
    "body": _body,
}
