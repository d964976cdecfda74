"""Taking secrets out, before anything is matched, stored or logged.

Owns `Redacted`, the only thing that stores, sessions and logs accept, and `Redaction`, the only
thing that makes one from live traffic. What cannot be redacted raises `Unredactable`: it fails
closed. The rules are in `rules`, the search for a known secret in `secrets`, how a text or a body
is blanked in `blanking`. Knows nothing of modes or files; the client's own bytes never pass
through here on their way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from runreel.core import jsontext
from runreel.core.blanking import Blanker
from runreel.core.coding import codings, legible
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
from runreel.core.secrets import Secrets, credentials_of, of_authorization

_LEGIBLE_BYTES_MAX = 16 * 1024 * 1024  # of a body whose coding cannot be undone

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
        return SECRET_HEADERS | {name.lower() for name in self.headers}

    @cached_property
    def _query(self) -> frozenset[str]:
        return CREDENTIAL_QUERY | {name.lower() for name in self.query}

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
            for name, value in without(headers, self._headers | NEVER_STORED)
        )

    def _violation(self, violation: Violation, secrets: Secrets) -> Violation:
        blanker = self._blanker(secrets)
        at = ""
        for step in jsontext.steps(violation.at):
            at = jsontext.pointer(at, blanker.text(step))
        return replace(
            violation,
            at=at,
            message=blanker.text(violation.message),
        )

    def _blanker(self, secrets: Secrets) -> Blanker:
        return Blanker(secrets, self._patterns, self.body, self.patterns)


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
    yield from jsontext.steps(violation.at)
    yield violation.message


def _refuse_leftovers(secrets: Secrets, written: Iterable[str]) -> None:
    """The last gate: nothing that will be written may still hold a known secret."""
    if any(secrets.occur_in(text) for text in written):
        raise Unredactable("a credential stands where it cannot be replaced")
