"""Taking secrets out, before anything is matched, stored or logged.

Owns `Redacted`, the only thing that stores, sessions and logs accept, and `Redaction`, the only
thing that makes one from live traffic. What cannot be redacted raises `Unredactable`: it fails
closed. The rules are in `rules`, the search for a known secret in `secrets`. Knows nothing of
modes or files; the client's own bytes never pass through here on their way.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar
from urllib.parse import unquote_plus

from runreel.core import jsontext
from runreel.core.errors import Unredactable
from runreel.core.messages import Headers, Interaction, Request, Response, Violation, without
from runreel.core.rules import (
    CREDENTIAL_QUERY,
    HEADER_PATTERNS,
    NEVER_STORED,
    PATTERNS,
    PLACEHOLDER,
    SECRET_HEADERS,
    PatternRule,
)
from runreel.core.secrets import Secrets, credentials_of

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Redacted(Generic[T_co]):
    """A value from which every rule has been applied; made here and by the cassette reader only."""

    value: T_co


def renamed(interaction: Redacted[Interaction], name: str) -> Redacted[Interaction]:
    """The same interaction under another id."""
    return Redacted(replace(interaction.value, id=name))


def request_of(interaction: Redacted[Interaction]) -> Redacted[Request]:
    """The request of a redacted interaction, which is as redacted as the whole."""
    return Redacted(interaction.value.request)


@dataclass(frozen=True)
class Redaction:
    """All rules in force: the defaults, plus what the user adds. Defaults cannot be removed.

    `headers` and `query` are names, `body` JSON pointers, `patterns` the user's own rules,
    `known` secrets that are not the client's (those of `upstream_options.headers`).
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
        return SECRET_HEADERS | self.headers

    @cached_property
    def _query(self) -> frozenset[str]:
        return CREDENTIAL_QUERY | self.query

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

    def interaction(self, live: Request, interaction: Interaction) -> Redacted[Interaction]:
        """An interaction without secrets; `live` is the request as the client sent it.

        Raises:
            Unredactable: a secret stands where it cannot be replaced.
        """
        sent = self._secrets_of(live)
        returned = credentials_of(interaction.response.headers, self._headers)
        secrets = Secrets.of((*sent.plain, *returned))
        response = interaction.response
        found = replace(
            interaction,
            request=self._request(interaction.request, sent),
            response=Response(
                response.status,
                self._header_pairs(response.headers, secrets),
                self._body(response.body, secrets),
            ),
            violations=tuple(self._violation(item, secrets) for item in interaction.violations),
        )
        _refuse_leftovers(found, sent, secrets)
        return Redacted(found)

    def text(self, live: Request, text: str) -> Redacted[str]:
        """A short text about a request (for a log line) without that request's secrets."""
        return Redacted(self._text(text, self._secrets_of(live), self._patterns))

    def _secrets_of(self, request: Request) -> Secrets:
        in_query = (
            unquote_plus(value)
            for name, _, value in _query_pairs(request.query)
            if unquote_plus(name).lower() in self._query
        )
        in_headers = credentials_of(request.headers, self._headers)
        return Secrets.of((*in_headers, *in_query, *self.known))

    def _request(self, request: Request, secrets: Secrets) -> Request:
        redacted = Request(
            request.method,
            self._target(request, secrets),
            self._header_pairs(request.headers, secrets),
            self._body(request.body, secrets),
        )
        if secrets.occur_in(redacted.target) or secrets.occur_in(redacted.body.decode("latin-1")):
            raise Unredactable("the request's own credential stands where it cannot be replaced")
        return redacted

    def _target(self, request: Request, secrets: Secrets) -> str:
        target = request.path
        if "?" in request.target:
            pairs = (
                f"{name}={PLACEHOLDER}"
                if unquote_plus(name).lower() in self._query
                else name + equals + value
                for name, equals, value in _query_pairs(request.query)
            )
            target += "?" + "&".join(pairs)
        return self._text(target, secrets, self._patterns)

    def _header_pairs(self, headers: Headers, secrets: Secrets) -> Headers:
        rules = (*HEADER_PATTERNS, *self._patterns)
        return tuple(
            (name, self._text(value, secrets, rules))
            for name, value in without(headers, self._headers | NEVER_STORED)
        )

    def _violation(self, violation: Violation, secrets: Secrets) -> Violation:
        return replace(
            violation,
            at=self._text(violation.at, secrets, self._patterns),
            message=self._text(violation.message, secrets, self._patterns),
        )

    def _body(self, body: bytes, secrets: Secrets) -> bytes:
        raw = body.decode("latin-1")
        if not self.body and not self.patterns and not self._suspicious(raw, secrets):
            return body
        try:
            text = body.decode("utf-8")
            jsontext.loads(text)
        except (UnicodeDecodeError, jsontext.Unreadable):
            return self._text(raw, secrets, self._patterns).encode("latin-1")
        return self._json(text, secrets).encode("utf-8")

    def _suspicious(self, raw: str, secrets: Secrets) -> bool:
        # A cheap look that may be wrong in one direction only: most bodies hold nothing.
        return "\\u" in raw or any(rule.hint in raw for rule in PATTERNS) or secrets.occur_in(raw)

    def _json(self, text: str, secrets: Secrets) -> str:
        """Replace within string tokens only, so that every other byte stays as it was."""
        edits: list[tuple[int, int, str]] = []
        for span in jsontext.spans(text):
            token = text[span.start : span.end]
            if span.kind != "name" and span.at in self.body:
                edits.append((span.start, span.end, f'"{PLACEHOLDER}"'))
            elif span.kind in ("name", "string"):
                value = json.loads(token)
                clean = self._text(value, secrets, self._patterns)
                if clean != value:
                    edits.append((span.start, span.end, _token(clean, token)))
        return _apply(text, edits)

    def _text(self, text: str, secrets: Secrets, rules: Sequence[PatternRule]) -> str:
        text = secrets.replace_in(text, PLACEHOLDER)
        for rule in rules:
            text = rule.replace_in(text)
        return text


def _query_pairs(query: str) -> Iterable[tuple[str, str, str]]:
    return (pair.partition("=") for pair in query.split("&"))


def _token(value: str, like: str) -> str:
    return json.dumps(value, ensure_ascii=like.isascii())


def _apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    # By start; of two that nest, the outer one comes first and swallows the inner.
    pieces: list[str] = []
    done = 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start >= done:
            pieces += (text[done:start], new)
            done = end
    return "".join(pieces) + text[done:]


def _refuse_leftovers(interaction: Interaction, sent: Secrets, secrets: Secrets) -> None:
    """The last gate: nothing that will be written may still hold a known secret."""
    request, response = interaction.request, interaction.response
    written = [(sent, text) for pair in request.headers for text in pair]
    written += [(secrets, text) for pair in response.headers for text in pair]
    written.append((secrets, response.body.decode("latin-1")))
    if any(known.occur_in(text) for known, text in written):
        raise Unredactable("a credential stands where it cannot be replaced")
