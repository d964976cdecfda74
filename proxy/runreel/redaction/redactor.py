"""Texts and bodies with a placeholder where a secret or a pattern stood.

Owns how things are blanked: within JSON string tokens only, event by event, again until nothing
changes. Which values are secrets and which rules apply to what part of a message is `redaction`.
What cannot be blanked raises `Unredactable`.

Taking secrets out, before anything is matched, stored or logged.

Owns `Redacted`, the only thing that stores, sessions and logs accept, and `Redaction`, the only
thing that makes one from live traffic. What cannot be redacted raises `Unredactable`: it fails
closed. The rules are in `rules`, the search for a known secret in `secrets`, how a text or a body
is blanked in `blanking`. Knows nothing of modes or files; the client's own bytes never pass
through here on their way.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_to_bytes

from runreel.errors import Unredactable
from runreel.http import sse, strict_json
from runreel.http.encoding import legible
from runreel.http.headers import Trait, codings, drop, named
from runreel.http.messages import Headers, Interaction, Request, Response, Violation, without
from runreel.http.strict_json import Patterns
from runreel.redaction.rules import (
    CREDENTIAL_QUERY,
    HEADER_PATTERNS,
    PATTERNS,
    PLACEHOLDER,
    PatternRule,
)
from runreel.redaction.secrets import Secrets, credentials_of, of_authorization

_PASSES_MAX = 32  # of all rules over one text; one that still finds something will never end


@dataclass(frozen=True, slots=True)
class Blanker:
    """What to blank in the message at hand: `secrets`, what `patterns` find, and `pointers`.

    `pointers` are places in a JSON body; `own` are the user's among the patterns, which may find
    anything in a body that nothing else looks twice at.
    """

    secrets: Secrets
    patterns: Sequence[PatternRule]
    pointers: Patterns
    own: Sequence[PatternRule]

    def text(self, text: str, more: Sequence[PatternRule] = ()) -> str:
        """A text without secrets; `more` rules come first."""
        # Until nothing changes, so that what was redacted once stays as it is for ever.
        for _ in range(_PASSES_MAX):
            before = text
            text = self.secrets.replace_in(text, PLACEHOLDER)
            for rule in (*more, *self.patterns):
                text = rule.replace_in(text)
            if text == before:
                return text
        raise Unredactable("a pattern finds something new in each text that it leaves")

    def body(self, body: bytes) -> bytes:
        """A body without secrets: JSON, text or anything."""
        raw = body.decode("latin-1")
        if not self._suspicious(raw):
            return body
        try:
            text, encoding = body.decode("utf-8"), "utf-8"
            strict_json.loads(text)
        except UnicodeDecodeError:
            text, encoding = raw, "latin-1"
        except strict_json.Unreadable:
            pass
        else:
            return self._json(text).encode("utf-8")
        if self.pointers and text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
            raise Unredactable("redaction.body cannot be applied to broken JSON")
        return self.text(text).encode(encoding)

    def stream(self, body: bytes) -> bytes:
        """A stream of events without secrets, with as many events as before."""
        # First what is said in pieces: blanked piece by piece, half a secret could stay.
        events = self._joined(sse.split(body))
        if self._suspicious(body.decode("latin-1")):
            events = tuple(map(self._event, events))
        clean = b"".join(events)
        if sse.split(clean) != events:
            raise Unredactable("a pattern leaves other events than there were")
        return clean

    def _suspicious(self, raw: str) -> bool:
        # A cheap look that may be wrong in one direction only: most bodies hold nothing.
        return (
            bool(self.pointers or self.own)
            or "\\u" in raw
            or any(rule.hint in raw for rule in PATTERNS)
            or self.secrets.occur_in(raw)
        )

    def _event(self, event: bytes) -> bytes:
        """An event without secrets; JSON data is blanked as a JSON body is."""
        parts = None if sse.is_done(event) else sse.around_data(event)
        return self.body(event) if parts is None else b"".join(map(self.body, parts))

    def _joined(self, events: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The events without what only shows when their parts of one text are put together.

        Where that is so, the first part becomes the whole text, blanked, and the others nothing.
        """
        groups: dict[_Owner, list[_Part]] = {}
        for place, event in enumerate(events):
            for owner, part in _parts(place, event):
                groups.setdefault(owner, []).append(part)
        found = list(events)
        for group in groups.values():
            whole = "".join(part.text for part in group)
            clean = self.text(whole) if len(group) > 1 else whole
            if clean != whole:
                for part, text in zip(group, (clean, *("" for _ in group[1:])), strict=True):
                    found[part.place] = _with_text(found[part.place], part.at, text)
        return tuple(found)

    def _json(self, text: str) -> str:
        """Replace within string tokens only, so that every other byte stays as it was."""
        edits: list[tuple[int, int, str]] = []
        seen: dict[str, str] = {}  # lists repeat their members' names
        for span in strict_json.spans(text):
            token = text[span.start : span.end]
            if span.kind != "name" and self.pointers and self.pointers.mean(span.at):
                edits.append((span.start, span.end, f'"{PLACEHOLDER}"'))
            elif span.kind in ("name", "string"):
                value = json.loads(token)
                if value not in seen:
                    seen[value] = self.text(value)
                if seen[value] != value:
                    edits.append((span.start, span.end, _token(seen[value], token)))
        clean = _apply(text, edits)
        try:
            strict_json.loads(clean)
        except strict_json.Unreadable:
            raise Unredactable("two members of an object would have the same name") from None
        return clean


@dataclass(frozen=True, slots=True)
class _Part:
    """A string of an event's data: the event's place, its JSON pointer and itself."""

    place: int
    at: str
    text: str


# Whose text a part belongs to: the event's head, and what names its containers and members.
_Owner = tuple[bytes, tuple[object, ...]]
# Members that say which of several texts an object goes on with, whatever its place in a list.
_NAMES = ("id", "index", "item_id", "output_index", "content_index")


def _parts(place: int, event: bytes) -> Iterable[tuple[_Owner, _Part]]:
    """The strings of an event that may go on in another one, by whose they are."""
    parts = sse.around_data(event) if b'"delta"' in event else None
    if parts is None:
        return
    try:
        document = strict_json.loads(parts[1].decode("utf-8"))
    except ValueError:
        return
    for owner, at, text in _strings(document, (), ""):
        if "delta" in owner:
            yield (parts[0], owner), _Part(place, at, text)


def _strings(
    value: Any, owner: tuple[object, ...], at: str
) -> Iterator[tuple[tuple[object, ...], str, str]]:
    """Every string in a document: whose it is, its JSON pointer, itself."""
    match value:
        case str():
            yield owner, at, value
        case dict():
            named = tuple((name, str(value[name])) for name in _NAMES if name in value)
            for name, member in value.items():
                yield from _strings(member, (*owner, named, name), strict_json.pointer(at, name))
        case list():
            for index, item in enumerate(value):
                own = isinstance(item, dict) and "index" in item
                inner = owner if own else (*owner, index)
                yield from _strings(item, inner, strict_json.pointer(at, index))


def _with_text(event: bytes, at: str, text: str) -> bytes:
    """The event with another text at a place of its data."""
    parts = sse.around_data(event)
    assert parts is not None  # noqa: S101 - only such events have parts
    before, data, after = (part.decode("utf-8") for part in parts)
    edits = [
        (span.start, span.end, json.dumps(text))
        for span in strict_json.spans(data)
        if span.kind == "string" and span.at == at
    ]
    return (before + _apply(data, edits) + after).encode()


def _token(value: str, like: str) -> str:
    lone_surrogates = any("\ud800" <= char <= "\udfff" for char in value)
    return json.dumps(value, ensure_ascii=like.isascii() or lone_surrogates)


def _apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    # By start; of two that nest, the outer one comes first and swallows the inner.
    pieces: list[str] = []
    done = 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start >= done:
            pieces += (text[done:start], new)
            done = end
    return "".join(pieces) + text[done:]


_LEGIBLE_BYTES_MAX = 16 * 1024 * 1024  # of a body whose coding cannot be undone

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Redacted(Generic[T_co]):
    """A value from which every rule has been applied; made here and by the cassette reader only."""

    value: T_co


def renamed(interaction: Redacted[Interaction], name: str) -> Redacted[Interaction]:
    """The same interaction under another id."""
    return Redacted(replace(interaction.value, id=name))


def placed(
    interaction: Redacted[Interaction],
    name: str,
    *,
    after: tuple[str, ...] | None,
    during: tuple[str, ...],
    scope: str | None,
) -> Redacted[Interaction]:
    """The same interaction under another id and with another place in its cassette's history."""
    value = replace(interaction.value, id=name, after=after, during=during, scope=scope)
    return Redacted(value)


def request_of(interaction: Redacted[Interaction]) -> Redacted[Request]:
    """The request of a redacted interaction, which is as redacted as the whole."""
    return Redacted(interaction.value.request)


def response_of(interaction: Redacted[Interaction]) -> Redacted[Response]:
    """The response of a redacted interaction, likewise."""
    return Redacted(interaction.value.response)


@dataclass(frozen=True)
class Redaction:
    """All rules in force: the defaults, plus what the user adds. Defaults cannot be removed.

    `headers` and `query` are names, `body` JSON pointers, `patterns` the user's own rules, `known`
    values like that of Authorization, but not the client's (those of `upstream_options.headers`).
    """

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    body: tuple[str, ...] = ()
    patterns: tuple[PatternRule, ...] = ()
    known: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The rules in force by name, as a cassette lists them."""
        return (
            "credential",
            *(f"header.{name}" for name in sorted(self._headers)),
            *(f"query.{name}" for name in sorted(self._query)),
            *(f"body.{at}" for at in self.body),
            *(f"pattern.{rule.name}" for rule in self._patterns),
        )

    @cached_property
    def _headers(self) -> frozenset[str]:
        return named(Trait.SECRET) | {name.lower() for name in self.headers}

    @cached_property
    def _query(self) -> frozenset[str]:
        return CREDENTIAL_QUERY | {name.lower() for name in self.query}

    @cached_property
    def _pointers(self) -> Patterns:
        return Patterns.of(self.body)

    @cached_property
    def _patterns(self) -> tuple[PatternRule, ...]:
        return (*PATTERNS, *self.patterns)

    def request(self, request: Request, live: Request | None = None) -> Redacted[Request]:
        """A request without its secrets; the credential that `live`, the request as the client
        sent it, carries itself is one of them.

        Raises:
            Unredactable: a secret stands where it cannot be replaced.
        """
        return Redacted(self._request(request, self._secrets_of(live or request)))

    def rule_of_place(self, facet: str, at: str) -> str | None:
        """The name of the rule that blanks a parameter of the `query` or a place of the `body`."""
        if facet == "query" and at.lower() in self._query:
            return f"query.{at.lower()}"
        named = (text for text in self.body if Patterns.of((text,)).mean(at))
        found = next(named, None) if facet == "body" else None
        return None if found is None else f"body.{found}"

    def found_in(self, text: str, live: Request, *, header: bool = False) -> tuple[str, ...]:
        """The `names` of the rules that blank something in a text that a request holds, perhaps as
        the value of a `header`; `live` is as for `request`.
        """
        secrets = self._secrets_of(live)
        found = ["credential"] if secrets.occur_in(text) else []
        text = secrets.replace_in(text, PLACEHOLDER)
        for rule in (*(HEADER_PATTERNS if header else ()), *self._patterns):
            before, text = text, rule.replace_in(text)
            if text != before:
                found.append(f"pattern.{rule.name}")
        return tuple(found)

    def interaction(self, live: Request, interaction: Interaction) -> Redacted[Interaction]:
        """An interaction without secrets; `live` is the request as the client sent it.

        Raises:
            Unredactable: a secret stands where it cannot be replaced.
        """
        sent = self._secrets_of(live)
        returned = credentials_of(interaction.response.headers, self._headers)
        secrets = Secrets.of((*sent.plain, *returned))
        response = interaction.response
        blanker = self._blanker(secrets)
        body = blanker.body if response.at_ms is None else blanker.stream
        found = replace(
            interaction,
            request=self._request(interaction.request, sent),
            response=Response(
                response.status,
                self._header_pairs(response.headers, secrets),
                body(response.body),
                response.at_ms,
            ),
            violations=tuple(self._violation(item, secrets) for item in interaction.violations),
        )
        _refuse_leftovers(secrets, _written(found.response))
        _refuse_leftovers(secrets, (text for item in found.violations for text in _said(item)))
        return Redacted(found)

    def finding(self, live: Request, violation: Violation) -> Violation:
        """A finding that may be told to anyone; what cannot be redacted is left out of it."""
        secrets = self._secrets_of(live)
        try:
            found = self._violation(violation, secrets)
            _refuse_leftovers(secrets, _said(found))
        except Unredactable:
            return replace(violation, at="", message=f"Not shown, it holds a secret: {PLACEHOLDER}")
        return found

    def _secrets_of(self, request: Request) -> Secrets:
        in_query = (
            _unquoted(value)
            for name, _, value in _query_pairs(request.query)
            if _unquoted(name).lower() in self._query
        )
        in_headers = credentials_of(request.headers, self._headers)
        known = (secret for value in self.known for secret in of_authorization(value))
        return Secrets.of((*in_headers, *in_query, *known))

    def _request(self, request: Request, secrets: Secrets) -> Request:
        redacted = Request(
            request.method,
            self._target(request, secrets),
            self._header_pairs(request.headers, secrets),
            self._blanker(secrets).body(request.body),
        )
        _refuse_leftovers(secrets, (redacted.method, redacted.target, *_written(redacted)))
        return redacted

    def _target(self, request: Request, secrets: Secrets) -> str:
        target = request.path
        if "?" in request.target:
            pairs = (
                f"{name}={PLACEHOLDER}"
                if _unquoted(name).lower() in self._query
                else name + equals + value
                for name, equals, value in _query_pairs(request.query)
            )
            target += "?" + "&".join(pairs)
        blanker = self._blanker(secrets)
        target = blanker.text(target)
        if target.startswith("/"):
            return target
        target = "/" + target  # a user's pattern ate it, and without it no target is one
        if blanker.text(target) != target:
            raise Unredactable("a pattern leaves no target of the request")
        return target

    def _header_pairs(self, headers: Headers, secrets: Secrets) -> Headers:
        blanker = self._blanker(secrets)
        return tuple(
            (name, blanker.text(value, HEADER_PATTERNS))
            for name, value in without(drop(headers, Trait.NEVER_STORED), self._headers)
        )

    def _violation(self, violation: Violation, secrets: Secrets) -> Violation:
        blanker = self._blanker(secrets)
        at = ""
        for step in strict_json.steps(violation.at):
            at = strict_json.pointer(at, blanker.text(step))
        return replace(
            violation,
            at=at,
            message=blanker.text(violation.message),
        )

    def _blanker(self, secrets: Secrets) -> Blanker:
        return Blanker(secrets, self._patterns, self._pointers, self.patterns)


def _unquoted(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("latin-1")


def _query_pairs(query: str) -> Iterable[tuple[str, str, str]]:
    return (pair.partition("=") for pair in query.split("&"))


def _written(message: Request | Response) -> Iterable[str]:
    yield from (text for pair in message.headers for text in pair)
    yield message.body.decode("latin-1")
    if applied := codings(message.headers):
        yield legible(message.body, applied, _LEGIBLE_BYTES_MAX).decode("latin-1")


def _said(violation: Violation) -> Iterable[str]:
    yield from strict_json.steps(violation.at)
    yield violation.message


def _refuse_leftovers(secrets: Secrets, written: Iterable[str]) -> None:
    """The last gate: nothing that will be written may still hold a known secret."""
    if any(secrets.occur_in(text) for text in written):
        raise Unredactable("a credential stands where it cannot be replaced")
