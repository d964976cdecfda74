"""Taking secrets out, before anything is matched, stored or logged.

`Redacted` is the only thing that stores, sessions and logs accept, and `Redaction` the only thing
that makes one from live traffic. What cannot be redacted raises `Unredactable`: it fails closed.
Shapes and placeholders are `rules`, names `names`, the search for a known secret `secrets`, and how
a text, a body or a stream is blanked `blanker`; the client's own bytes never pass through here.

A text is blanked again until nothing changes. In JSON only string tokens are touched, so that every
other byte stays as it was. A stream is blanked event by event, but first what is said in pieces is
put together, for half a secret could stay in each piece:

    data: {"delta": {"text": "sk-ab"}}      data: {"delta": {"text": "cd…"}}
    together "sk-abcd…" is a key: the first piece becomes the placeholder, the other nothing.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Generic, TypeVar

import orjson

from runreel.errors import Unredactable
from runreel.http import strict_json
from runreel.http.encoding import partial_decode
from runreel.http.headers import Trait, codings, has, named
from runreel.http.messages import Headers, Interaction, Request, Response, Violation, values
from runreel.http.strict_json import Patterns
from runreel.redaction import names
from runreel.redaction.blanker import (
    FORM,
    MULTIPART,
    Blanker,
    Calm,
    Places,
    as_read,
    clean_events,
    clean_lines,
    may_name_members,
    unquoted,
)
from runreel.redaction.names import DISTINCT, FLAT, Manner
from runreel.redaction.rules import (
    HEADER_PATTERNS,
    PATTERNS,
    PLACEHOLDER,
    PatternRule,
    is_ours,
    plain_segment,
)
from runreel.redaction.secrets import Secrets, credentials_of, of_authorization

# What the first build wrote for a secret; its recordings still match.
_OF_FIRST_BUILD = b"[redacted]"
_PARTLY_DECODED_BYTES_MAX = 16 * 1024 * 1024  # of a body whose coding cannot be undone
# How bytes begin that are compressed, though nothing says so: gzip, and three ways of zlib.
COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")

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


def asked_with(request: Redacted[Request], other: Redacted[Request]) -> Redacted[Request]:
    """A request with the headers of another: what is redacted apart is redacted together."""
    whole = request.value
    return Redacted(Request(whole.method, whole.target, other.value.headers, whole.body))


def response_of(interaction: Redacted[Interaction]) -> Redacted[Response]:
    """The response of a redacted interaction, likewise."""
    return Redacted(interaction.value.response)


@dataclass(frozen=True)
class Redaction:
    """All rules in force: the defaults, plus what the user adds. Defaults cannot be removed.

    `headers` and `query` are names, `body` JSON pointers, `patterns` the user's own rules;
    `distinct` are those of `query` (`query.NAME`) and `body` (`body.POINTER`) whose values stay
    apart. `known` are values like that of Authorization, but not the client's (those of
    `upstream_options.headers`), `known_names` the same of headers that say who somebody is.
    `allow` are names (lower case) that look suspicious and are not. `salt` is that of the cassette.
    """

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    body: tuple[str, ...] = ()
    patterns: tuple[PatternRule, ...] = ()
    known: tuple[str, ...] = ()
    known_names: tuple[str, ...] = ()
    distinct: frozenset[str] = frozenset()
    allow: frozenset[str] = frozenset()
    salt: str = ""

    def __reduce__(self) -> tuple[type["Redaction"], tuple[object, ...]]:
        """For another process: what it was made of, and nothing that was worked out since."""
        return Redaction, tuple(getattr(self, each.name) for each in fields(self))

    def salted(self, salt: str) -> "Redaction":
        """The same rules for a cassette of that salt (hex digits)."""
        return self if salt == self.salt else replace(self, salt=salt)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The rules in force by name, as a cassette lists them."""
        return (
            "credential",
            *(f"header.{name}" for name in sorted(named(Trait.SECRET) | self._own_headers)),
            *(f"query.{name}" for name in sorted(names.SECRET_PARAMETERS.keys() | self._own_query)),
            *(f"body.{at}" for at in self.body),
            *(f"pattern.{rule.name}" for rule in self._patterns),
        )

    @cached_property
    def _own_headers(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.headers)

    @cached_property
    def _own_query(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.query)

    @cached_property
    def _places(self) -> Places:
        apart = (at for at in self.body if f"body.{at}" in self.distinct)
        return Places(Patterns.of(self.body), Patterns.of(apart))

    @cached_property
    def _patterns(self) -> tuple[PatternRule, ...]:
        return (*PATTERNS, *self.patterns)

    def header(self, name: str) -> Manner | None:
        """How the value of a header is hidden wherever it turns up; None if the header is stored,
        else it is left out.
        """
        lower = name.lower()
        if lower in self._own_headers:
            return FLAT
        found = names.of_header(name)
        excused = found is not None and lower in self.allow and lower not in _FIXED_HEADERS
        return None if excused else found

    def parameter(self, name: str) -> Manner | None:
        """How the value of a parameter of a query or a form is hidden; None if it is not."""
        lower = name.lower()
        if lower in self._own_query:
            return DISTINCT if f"query.{lower}" in self.distinct else FLAT
        found = names.of_parameter(name)
        excused = lower in self.allow and lower not in names.SECRET_PARAMETERS
        return None if excused else found

    def member(self, name: str) -> Manner | None:
        """The same of a member of a JSON object whose value is a string."""
        return None if name.lower() in self.allow else names.of_member(name)

    def text(self, text: str) -> str:
        """A text of ours, such as the upstream's URL, without what is secret in it."""
        return self._blanker(self._known()).text(text)

    def request(self, request: Request, live: Request | None = None) -> Redacted[Request]:
        """A request without its secrets; the credential that `live`, the request as the client
        sent it, carries itself is one of them.

        Raises:
            Unredactable: a secret stands where it cannot be replaced.
        """
        return Redacted(self._request(request, self.secrets_of(live or request)))

    def leaves(self, request: Request) -> bool:
        """Whether a request certainly comes out of `request` as it is: a cheap look, for the many
        requests of a cassette. False where it would have to look closer.
        """
        if self.patterns or self.body or request.target[:1] != "/":
            return False
        if self._changes_target(request) or not self._leaves_headers(request.headers):
            return False
        text = _searched(request)
        if text is None or self._known_secrets.occur_in(text):
            return False
        if not _may_be_hinted(text):
            return True
        return not any(rule.pattern.search(text) for rule in PATTERNS if rule.hinted(text))

    def _changes_target(self, request: Request) -> bool:
        """Whether anything but a shape may be found in a target."""
        target = request.target
        if any(map(target.__contains__, _SPELT_OTHERWISE)):
            return True
        if "?" not in target:
            return False
        names = (pair.partition("=")[0] for pair in request.query.split("&") if pair)
        return any(self.parameter(name) is not None for name in names)

    def _leaves_headers(self, headers: Headers) -> bool:
        """The same of headers; those of one cassette are much alike."""
        known = self._left_headers.get(headers)
        if known is None:
            text = "\n".join(text for pair in headers for text in pair)
            known = (
                not codings(headers)
                and not any(has(name.lower(), Trait.NEVER_STORED) for name, _ in headers)
                and not any(media_type in text.lower() for media_type in (FORM, MULTIPART))
                and self._header_pairs(headers, self._known_secrets) == headers
            )
            _keep(self._left_headers, headers, known)
        return known

    @cached_property
    def _left_headers(self) -> dict[Headers, bool]:
        return {}

    @cached_property
    def _known_secrets(self) -> Secrets:
        return self._known()

    def rule_of_place(self, facet: str, at: str) -> str | None:
        """The name of the rule that blanks a parameter of the `query` or a place of the `body`."""
        if facet == "query" and self.parameter(at) is not None:
            return f"query.{at.lower()}"
        named = (text for text in self.body if Patterns.of((text,)).mean(at))
        found = next(named, None) if facet == "body" else None
        if found is None and facet == "body" and self.member(at.rpartition("/")[2]) is not None:
            return f"member.{at.rpartition('/')[2]}"
        return None if found is None else f"body.{found}"

    def found_in(self, text: str, live: Request, *, header: bool = False) -> tuple[str, ...]:
        """The `names` of the rules that blank something in a text that a request holds, perhaps as
        the value of a `header`; `live` is as for `request`.
        """
        secrets = self.secrets_of(live)
        found = ["credential"] if secrets.occur_in(text) else []
        text = secrets.replace_in(text, lambda _: PLACEHOLDER)
        for rule in (*(HEADER_PATTERNS if header else ()), *self._patterns):
            before, text = text, rule.replace_in(text)
            if text != before:
                found.append(f"pattern.{rule.name}")
        return tuple(found)

    def interaction(
        self, live: Request, interaction: Interaction, sent: Redacted[Request] | None = None
    ) -> Redacted[Interaction]:
        """An interaction without secrets; `live` is the request as the client sent it, `sent` that
        of the interaction if it was redacted before.

        Raises:
            Unredactable: a secret stands where it cannot be replaced.
        """
        known = self.secrets_of(live)
        response = interaction.response
        secrets = _with(known, credentials_of(response.headers, self.header))
        body = self._body_of(response, secrets)
        headers = self._header_pairs(response.headers, secrets)
        found = replace(
            interaction,
            request=self._request(interaction.request, known) if sent is None else sent.value,
            response=Response(response.status, headers, body, response.at_ms),
            violations=tuple([self._violation(item, secrets) for item in interaction.violations]),
        )
        _refuse_leftovers(secrets, _of_body(found.response))
        _refuse_leftovers(secrets, (text for item in found.violations for text in _said(item)))
        return Redacted(found)

    def finding(self, live: Request, violation: Violation) -> Violation:
        """A finding that may be told to anyone; what cannot be redacted is left out of it."""
        secrets = self.secrets_of(live)
        try:
            found = self._violation(violation, secrets)
            _refuse_leftovers(secrets, _said(found))
        except Unredactable:
            return replace(violation, at="", message=f"Not shown, it holds a secret: {PLACEHOLDER}")
        return found

    def _known(self) -> Secrets:
        plain = (secret for value in self.known for secret in of_authorization(value))
        return Secrets.of(plain, self.known_names)

    def secrets_of(self, request: Request) -> Secrets:
        """What must be found nowhere else in a request, the credentials that it carries; `request`
        is as the client sent it.
        """
        secrets = self._credentials.get(request.headers)
        if secrets is None:
            secrets = _with(self._known(), credentials_of(request.headers, self.header))
            _keep(self._credentials, request.headers, secrets)
        for pair in request.query.split("&") if request.query else ():
            name, _, value = pair.partition("=")
            manner = self.parameter(unquoted(name))
            if manner is not None and not secrets.occur_in(value):
                secrets = _with(secrets, [(unquoted(value), manner)])
        return secrets

    def _request(self, request: Request, secrets: Secrets) -> Request:
        redacted = Request(
            request.method,
            self._target(request, secrets),
            self._header_pairs(request.headers, secrets),
            self._body_of(request, secrets).replace(_OF_FIRST_BUILD, PLACEHOLDER.encode()),
        )
        _refuse_leftovers(secrets, (redacted.method, redacted.target, *_of_body(redacted)))
        return redacted

    def _body_of(self, message: Request | Response, secrets: Secrets) -> bytes:
        blanker = self._blanker(secrets)
        if not message.body:
            return message.body
        if isinstance(message, Response) and message.at_ms is not None:
            return clean_events(message.body, blanker)
        types = values(message.headers, "content-type")
        media_type = types[0].partition(";")[0].strip().lower() if types else ""
        body = clean_lines(message.body, blanker) if isinstance(message, Response) else message.body
        return blanker.body(body, media_type)

    def _target(self, request: Request, secrets: Secrets) -> str:
        blanker = self._blanker(secrets)
        segments = map(plain_segment, request.path.split("/"))
        target = "/".join(map(blanker.escaped, segments))
        if "?" in request.target:
            target += "?" + blanker.form(_plain_values(request.query))
        target = blanker.text(target)
        if target.startswith("/"):
            return target
        target = "/" + target  # a user's pattern ate it, and without it no target is one
        if blanker.text(target) != target:
            raise Unredactable("a pattern leaves no target of the request")
        return target

    def _header_pairs(self, headers: Headers, secrets: Secrets) -> Headers:
        """The headers of a message as they may be written.

        Raises:
            Unredactable: a secret stands where it cannot be replaced.
        """
        seen = self._seen(secrets)
        known = seen.blocks.get(headers)
        if known is None:
            pairs = (self._header_pair(pair, secrets, seen) for pair in headers)
            known = tuple([pair for pair in pairs if pair is not None])
            _keep(seen.blocks, headers, known)
        return known

    def _header_pair(
        self, pair: tuple[str, str], secrets: Secrets, seen: "_Seen"
    ) -> tuple[str, str] | None:
        if pair in seen.pairs:
            return seen.pairs[pair]
        name, value = pair
        found = None
        shapes = self._blanker(Secrets())
        if (
            not has(name.lower(), Trait.NEVER_STORED)
            and self.header(name) is None
            and shapes.text(name) == name
        ):
            found = name, self._blanker(secrets).text(value, HEADER_PATTERNS)
            _refuse_leftovers(secrets, found)
        _keep(seen.pairs, pair, found)
        return found

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
        return self._seen(secrets).blanker

    def _seen(self, secrets: Secrets) -> "_Seen":
        found = self._by_secrets.get(secrets)
        if found is None:
            blanker = Blanker(
                secrets,
                self._patterns,
                self.patterns,
                self._places,
                self.parameter,
                self.member,
                self.salt,
                Calm(),
            )
            found = _Seen(blanker)
            _keep(self._by_secrets, secrets, found, _SECRETS_MAX)
        return found

    @cached_property
    def _by_secrets(self) -> "dict[Secrets, _Seen]":
        return {}

    @cached_property
    def _credentials(self) -> dict[Headers, Secrets]:
        return {}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was looked at with some secrets in mind, and may come again: whole blocks of headers and
    single ones (None: one that is left out), as they are written.
    """

    blanker: Blanker
    blocks: dict[Headers, Headers] = field(default_factory=dict)
    pairs: dict[tuple[str, str], tuple[str, str] | None] = field(default_factory=dict)


_SECRETS_MAX = 64  # of which something is remembered at once
_REMEMBERED_MAX = 1_024  # blocks, and single headers
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _keep(cache: dict[_Key, _Value], key: _Key, value: _Value, most: int = _REMEMBERED_MAX) -> None:
    if len(cache) >= most:
        cache.clear()
    cache[key] = value


_FIXED_HEADERS = named(Trait.SECRET)


def _with(secrets: Secrets, more: Iterable[tuple[str, Manner]]) -> Secrets:
    """These secrets and more of them; what is a placeholder already is none."""
    found = tuple(
        [(text, FLAT if _is_a_key(text) else manner) for text, manner in more if not is_ours(text)]
    )
    if not found:
        return secrets
    flat = Secrets.of((*secrets.plain, *(text for text, manner in found if manner is FLAT)))
    apart = (text for text, manner in found if manner is DISTINCT and not flat.occur_in(text))
    return Secrets.of(flat.plain, (*secrets.named, *apart))


@lru_cache(maxsize=1024)
def _is_a_key(text: str) -> bool:
    """Whether a value authenticates by its looks, whatever its name says."""
    for rule in PATTERNS:
        text = rule.replace_in(text)
    return text == PLACEHOLDER


def _plain_values(query: str) -> str:
    """The query with each value that is a placeholder in its one spelling."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(name + equals + plain_segment(value) for name, equals, value in pairs)


# What may stand for something else in a target: escapes, and placeholders of other tools.
_SPELT_OTHERWISE = ("%", "+", "/<", "/[", "=<", "=[")
_UNHINTED = any(not rule.hints for rule in PATTERNS)
_COMMON = frozenset("abcdefghijklmnopqrstuvwxyz0123456789/_")  # characters of targets


def _by_sign() -> tuple[dict[int, list[str]], dict[str, list[str]], list[str]]:
    """The hints by a piece of each that few texts hold, so that most are never looked for: a rare
    character (by its byte), the one before an underscore, or else all of it.
    """
    rare: dict[int, list[str]] = {}
    before: dict[str, list[str]] = {}
    words = []
    for hint in dict.fromkeys(hint for rule in PATTERNS for hint in rule.hints):
        if isinstance(hint, str):
            at, signs = hint.find("_", 1), [char for char in hint if char not in _COMMON]
            if signs:
                rare.setdefault(ord(signs[0]), []).append(hint)
            elif at > 0:
                before.setdefault(hint[at - 1], []).append(hint)
            else:
                words.append(hint)
    return rare, before, words


_RARE, _BEFORE, _WORDS = _by_sign()
_SHAPES = tuple(hint for rule in PATTERNS for hint in rule.hints if not isinstance(hint, str))
_OF_SHAPES = frozenset(b".AS")  # whatever a shape finds has one of them
_PASSED_OVER = bytes(set(range(256)) - _OF_SHAPES - _RARE.keys())


def _may_be_hinted(text: str) -> bool:
    """Whether any rule may find something in a text."""
    if _UNHINTED:
        return True
    signs = set(text.encode("utf-8", "replace").translate(None, _PASSED_OVER))
    hints = [hint for sign in signs for hint in _RARE.get(sign, ())]
    for char in {piece[-1:] for piece in text.split("_")}:
        hints += _BEFORE.get(char, ())
    for hint in (*hints, *_WORDS):
        if hint in text:
            return True
    return not signs.isdisjoint(_OF_SHAPES) and any(shape.search(text) for shape in _SHAPES)


def _searched(request: Request) -> str | None:
    """All that a pattern may be found in, of a request whose target is as it reads: where it stands
    in a string of the body, the string is there as it reads too. None where that is not sure.
    """
    body = request.body
    if not body:
        return request.target
    if _OF_FIRST_BUILD in body or body.startswith(COMPRESSED):
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if may_name_members(text):
        return None
    if "\\" not in text:
        return f"{request.target}\n{text}"
    try:
        strings = strict_json.strings_of(orjson.loads(body))
    except orjson.JSONDecodeError:
        return None
    return "\n".join((request.target, text, *strings))


def _of_body(message: Request | Response) -> Iterator[str]:
    yield message.body.decode("latin-1")
    if applied := codings(message.headers):
        yield partial_decode(message.body, applied, _PARTLY_DECODED_BYTES_MAX).decode("latin-1")
    elif message.body.startswith(COMPRESSED):
        yield _unpacked(message.body).decode("latin-1")


def _unpacked(body: bytes) -> bytes:
    """What compressed bytes say, as far as that goes."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib
    try:
        return unpacker.decompress(body, _PARTLY_DECODED_BYTES_MAX)
    except zlib.error:
        return b""


def _said(violation: Violation) -> Iterator[str]:
    yield from strict_json.steps(violation.at)
    yield violation.message


def _refuse_leftovers(secrets: Secrets, written: Iterable[str]) -> None:
    """The last gate: nothing that will be written may still hold a known secret."""
    if any(secrets.occur_in(text) for text in written):
        raise Unredactable("a credential stands where it cannot be replaced")


__all__ = ["PLACEHOLDER", "Redacted", "Redaction", "as_read"]
