"""Hypothesis strategies for what travels: JSON and its spellings, bytes, requests, responses."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from runreel.cassettes.format import Cassette
from runreel.http.messages import NO_RESPONSE, Headers, Interaction, Request, Response, Violation
from runreel.redaction.names import of_header
from runreel.redaction.redactor import Redacted

Json = Any  # None, bool, int, float, str, or lists and dicts of them

_WHITESPACE = ("", "", "", " ", "\n", "\t", "\r\n  ")
_SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!#$%&'*+^`|~"
_VISIBLE = [chr(code) for code in range(0x21, 0x7F)]
_HEADER_CHARS = [" ", "\t", *_VISIBLE, *map(chr, range(0x80, 0x100))]


def json_values() -> st.SearchStrategy[Json]:
    """Any JSON value whose integers fit 64 bits; strings are Unicode without lone surrogates."""
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda children: (
            st.lists(children, max_size=4)
            | st.dictionaries(st.text(max_size=8), children, max_size=4)
        ),
        max_leaves=12,
    )


def json_objects() -> st.SearchStrategy[dict[str, Json]]:
    """Any JSON object, as request bodies of the API are."""
    return st.dictionaries(st.text(max_size=8), json_values(), max_size=5)


def spellings(value: Json) -> st.SearchStrategy[str]:
    """JSON texts that all say `value`: member order, whitespace, escapes and numbers vary."""
    return st.randoms(use_true_random=False).map(lambda random: _spelt(value, random))


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies as bytes: none, JSON in the layouts of real clients and servers, text, anything."""
    return st.one_of(
        st.just(b""),
        json_objects().map(lambda value: json.dumps(value).encode()),
        json_objects().map(lambda value: json.dumps(value, indent=2, ensure_ascii=False).encode()),
        json_values().flatmap(spellings).map(str.encode),
        st.text().map(str.encode),
        st.binary(max_size=200),
    )


def headers() -> st.SearchStrategy[Headers]:
    """Header pairs that are legal on the wire, none of which frames or routes the message."""
    names = st.text(_NAME_CHARS, min_size=1, max_size=12).map(lambda name: f"x-t-{name}")
    names = names.filter(lambda name: of_header(name) is None)
    values = st.text(_HEADER_CHARS, max_size=20).map(lambda value: value.strip(" \t"))
    return st.lists(st.tuples(names, values), max_size=5).map(tuple)


def targets() -> st.SearchStrategy[str]:
    """Origin-form targets of visible ASCII, as the edge lets in; many are those of runs."""
    segment = st.text([char for char in _VISIBLE if char not in "/?#"], min_size=1, max_size=10)
    path = st.one_of(
        st.tuples(segment, segment).map(lambda ids: f"/v1/threads/{ids[0]}/runs/{ids[1]}"),
        st.lists(segment, max_size=4).map(lambda segments: "/" + "/".join(segments)),
    )
    query = st.text([char for char in _VISIBLE if char != "#"], max_size=20)
    return st.one_of(path, st.tuples(path, query).map("?".join))


def requests() -> st.SearchStrategy[Request]:
    """Requests as the edge hands them in."""
    methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"])
    return st.builds(Request, methods, targets(), headers(), bodies())


def responses() -> st.SearchStrategy[Response]:
    """Complete responses with a body, as an upstream gives them."""
    statuses = st.sampled_from([200, 201, 202, 400, 401, 404, 409, 422, 429, 500, 503])
    return st.builds(Response, statuses, headers(), bodies())


def _spelt(value: Json, random: Random) -> str:
    def gap() -> str:
        return random.choice(_WHITESPACE)

    if isinstance(value, dict):
        members = [
            f"{gap()}{_string(name, random)}{gap()}:{_spelt(child, random)}"
            for name, child in value.items()
        ]
        random.shuffle(members)
        text = "{" + ",".join(members) + gap() + "}"
    elif isinstance(value, list):
        text = "[" + ",".join(_spelt(child, random) for child in value) + gap() + "]"
    elif isinstance(value, str):
        text = _string(value, random)
    elif value is None or isinstance(value, bool):
        text = json.dumps(value)
    else:
        text = _number(value, random)
    return gap() + text + gap()


def _string(value: str, random: Random) -> str:
    return '"' + "".join(_char(char, random) for char in value) + '"'


def _char(char: str, random: Random) -> str:
    must = char in '"\\' or char < " " or "\ud800" <= char <= "\udfff"
    if not must and random.random() < 0.7:
        return char
    if char in _SHORT_ESCAPES and random.random() < 0.5:
        return _SHORT_ESCAPES[char]
    units = char.encode("utf-16-be", "surrogatepass").hex()
    if random.random() < 0.5:
        units = units.upper()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _number(value: float, random: Random) -> str:
    """`1` may come out as 1, 1.0, 1.00, 10e-1, 0.1E+1 and so on: always the same decimal value."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    shift = random.choice((0, 0, 0, -3, -1, 1, 2, 25))
    text = format(Decimal((sign, digits, exponent - shift)), "f")
    beyond_64_bits = not -(2**63) <= value < 2**64  # as an integer it would be no plain number
    if random.random() < 0.3 or (beyond_64_bits and not shift):
        text += "0" if "." in text else ".0"
    if shift or random.random() < 0.2:
        text += random.choice("eE") + (random.choice(("", "+", "+0")) if shift >= 0 else "-0")
        text += str(abs(shift))
    return text


def cassettes() -> st.SearchStrategy[Cassette]:
    """Cassettes of up to four interactions, with all that a document has a place for."""
    ids = st.text(min_size=1, max_size=20)
    recorded = st.builds(
        Interaction,
        id=ids,
        operation=st.none() | st.sampled_from(["modifyRun", "getRun"]),
        recorded_at=st.integers(0, 4_000_000_000).map(
            lambda seconds: datetime.fromtimestamp(seconds, UTC)
        ),
        duration_ms=st.integers(0, 600_000),
        request=requests(),
        response=responses() | st.builds(Response, st.integers(200, 599), headers(), bodies()),
        violations=st.lists(
            st.builds(
                Violation, st.text(), st.text(), st.sampled_from(["error", "advice"]), st.text()
            ),
            max_size=2,
        ).map(tuple),
        client_gone=st.booleans(),
        after=st.none() | st.lists(ids, max_size=2).map(tuple),
        during=st.lists(ids, max_size=2).map(tuple),
        scope=st.none() | ids,
    )
    unanswered = recorded.map(
        lambda found: replace(found, response=NO_RESPONSE, failed="upstream_timeout")
    )
    interactions = st.lists(
        (recorded | unanswered).map(Redacted),
        max_size=4,
        unique_by=lambda interaction: interaction.value.id,
    )
    return st.builds(
        Cassette,
        upstream=st.text(),
        profile=st.text(),
        match_on=st.just(("method", "header.x-team")),
        salt=st.sampled_from(["", "5f0c" * 8]),
        interactions=interactions.map(tuple),
        incomplete=st.none() | st.text(min_size=1),
    )
