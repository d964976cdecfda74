"""Texts and bodies with a placeholder where a secret stood.

Owns how things are blanked: within JSON string tokens only, again until nothing changes, so that
all other bytes stay as they were. What cannot be blanked raises `Unredactable`. Which values are
secrets and which rules apply to what part of a message is `redactor`.

A body is looked at up to three times. JSON is made of strings, and most strings of an API come
again and again: where all of them were looked at before and nothing was to be blanked, nothing is
now, and else only the others are looked at. The second look is cheap and may be wrong in one
direction only: it says which rules could find anything in the whole body. The third goes from
string to string with those rules alone, so that its time is linear in the body whatever it holds.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from runreel.errors import Unredactable
from runreel.http import sse, strict_json
from runreel.http.strict_json import NOWHERE, Patterns, steps
from runreel.redaction import rules
from runreel.redaction.names import FLAT, Manner
from runreel.redaction.rules import PatternRule
from runreel.redaction.secrets import Secrets

_PASSES_MAX = 32  # of all rules over one text; one that still finds something will never end
_NESTED_MAX = 6  # JSON texts in strings of JSON texts; their escapes double with each level

# How the names of `names.MEMBERS` end, which one must stand before a quote if one of them is there.
_MEMBER_ENDS = (
    *(
        "word",
        "wd",
        "phrase",
        "ecret",
        "ey",
        "oken",
        "rization",
        "pem",
        "ssertion",
        "tring",
        "eyid",
    ),
    *("ey_id", "ey-id", "eyId", "eyID", "KEY", "OKEN", "ECRET", "WORD", "RIZATION"),
)
_MEMBER_END = re.compile(rf'(?:{"|".join(_MEMBER_ENDS)})["\\\\]')
# Such a member in a text that is not JSON as a whole, with the backslashes of where it came from.
_MEMBER = re.compile(
    r'(\\{0,7})"(?P<name>[A-Za-z][A-Za-z_-]{2,40})\1"\s{0,8}:\s{0,8}\1"'
    r'(?P<value>(?:[^"\\]|\\(?!\1"))*+)\1"'
)
# What stands between the quotes of a string of a JSON text.
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_CALM_MAX = 16_384  # strings that are remembered, of so many characters each
_CALM_CHARS_MAX = 64
_SCHEMA = "properties"  # of a JSON Schema: its members are names of others' members
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_FIELD = re.compile(
    r"(?P<head>(?:^|\n)Content-Disposition:[^\r\n]*?\bname=(?:\"(?P<name>[^\"\r\n]*)\""
    r"|(?P<bare>[^\";\s]+))[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)(?P<value>.*?)(?=\r?\n--)",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Places:
    """What the user wants blanked in JSON bodies: `all` of it, and those with a placeholder of
    their own for each value.
    """

    all: Patterns = NOWHERE
    distinct: Patterns = NOWHERE


class Calm:
    """The strings of JSON texts, as they are written, in which nothing was to be blanked by the
    rules and the secrets that they were looked at with: neither as names nor as values.
    """

    def __init__(self) -> None:
        self.tokens: set[str] = set()

    def learn(self, tokens: Iterable[str]) -> None:
        """Remember some; long ones hardly come again."""
        if len(self.tokens) >= _CALM_MAX:
            self.tokens.clear()
        self.tokens.update(token for token in tokens if len(token) <= _CALM_CHARS_MAX)


@dataclass(frozen=True, slots=True)
class Blanker:
    """What to blank in the message at hand: `secrets`, what `patterns` find, and `places`.

    `parameter` says how the value of a parameter of a form is hidden, `member` that of a member of
    a JSON object; `own` are the user's among the patterns, which may find anything.
    """

    secrets: Secrets
    patterns: Sequence[PatternRule]
    own: Sequence[PatternRule]
    places: Places
    parameter: Callable[[str], Manner | None]
    member: Callable[[str], Manner | None]
    salt: str
    calm: "Calm | None" = None

    def text(self, text: str, more: Sequence[PatternRule] = ()) -> str:
        """A text without secrets; `more` rules come first."""
        members = self.member is not _no_member and '"' in text and may_name_members(text)
        hinted = members or more or self.own or rules.HINTS.stand_in(text)
        if not hinted and not self.secrets.occur_in(text):
            return text
        # Until nothing changes, so that what was redacted once stays as it is for ever.
        for _ in range(_PASSES_MAX):
            before = text
            text = self.secrets.replace_in(text, self._of_secret)
            for rule in (*more, *self.patterns):
                text = rule.replace_in(text, self.salt)
            if members:
                text = _MEMBER.sub(self._of_member, text)
            if text == before:
                return text
        raise Unredactable("a pattern finds something new in each text that it leaves")

    def value(self, value: str, manner: Manner) -> str:
        """What stands for a value whose name is denied; nothing stays nothing.

        What authenticates by its looks is flat whatever its name says: keys decide no match.
        """
        if not value or rules.is_anyones(value):
            return value
        if manner is FLAT:
            return rules.PLACEHOLDER
        clean = self.text(value)
        return clean if rules.is_ours(clean) else rules.distinct(clean, self.salt)

    def body(self, body: bytes, media_type: str = "") -> bytes:
        """A body without secrets: JSON, a form, text or anything."""
        raw = body.decode("latin-1")
        form = media_type in (FORM, MULTIPART)
        if not form and self.calm is not None and self._is_calm(body, self.calm):
            return body
        alert = self.alerted_by(raw)
        if alert is None:
            if not form:
                return body
            alert = replace(self, patterns=(), own=(), secrets=Secrets(), member=_no_member)
        return alert.alert_body(body, raw, media_type)

    def alerted_by(self, raw: str) -> "Blanker | None":
        """A blanker with those rules that may find something in this text; None if none may."""
        escaped = "\\u00" in raw or "\\/" in raw  # which may hide what a rule looks for
        found: tuple[PatternRule, ...] = ()
        if escaped or self.own or rules.HINTS.stand_in(raw):
            found = tuple(rule for rule in self.patterns if escaped or rule.hinted(raw))
        secrets = self.secrets if self.secrets.occur_in(raw) else Secrets()
        member = self.member if escaped or may_name_members(raw) else _no_member
        if not (found or secrets or self.places.all or member is not _no_member):
            return None
        return replace(self, patterns=found, secrets=secrets, member=member)

    def _is_calm(self, body: bytes, calm: "Calm") -> bool:
        """Whether a body is JSON that stays as it is, as its strings tell."""
        if self.places.all or self.own or body[:1] not in (b"{", b"["):
            return False
        try:
            text = body.decode("utf-8")
            strict_json.document(text)
        except ValueError:
            return False
        fresh = [token for token in _STRING.findall(text) if token not in calm.tokens]
        simple = [token for token in fresh if "\\" not in token]
        alert = self.alerted_by('"' + '"'.join(simple) + '"') if simple else None
        if alert is not None and not all(alert.leaves(token) for token in simple):
            return False
        if not all(self.leaves(json.loads(f'"{token}"')) for token in fresh if "\\" in token):
            return False
        calm.learn(fresh)
        return True

    def leaves(self, value: str) -> bool:
        """Whether a string of a JSON text stays as it is, be it a name or a value."""
        return self.member(value) is None and self._of_text(value, 0) == value

    def alert_body(self, body: bytes, raw: str, media_type: str) -> bytes:
        """A body in which something may be found; `raw` is its view in latin-1."""
        try:
            text, encoding = body.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            text, encoding = raw, "latin-1"
        if media_type == FORM:
            text = self.form(text)
        elif media_type == MULTIPART:
            text = _FIELD.sub(self._of_field, text)
        elif encoding == "utf-8" and (clean := self.json(text)) is not None:
            return clean.encode("utf-8")
        elif self.places.all and text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
            raise Unredactable("redaction.body cannot be applied to broken JSON")
        return self.text(text).encode(encoding)

    def escaped(self, text: str) -> str:
        """A segment of a path or a value of a form without what shows when it is unescaped, as a
        key does whose every character is; the rest of it is escaped anew then.
        """
        if "%" not in text:
            return text
        shapes = replace(self, secrets=Secrets())
        plain = shapes.text(text)
        read = unquote_to_bytes(plain.encode("utf-8", "surrogatepass")).decode("latin-1")
        clean = shapes.text(read)
        return plain if clean == read else quote(clean, safe="", encoding="latin-1")

    def form(self, text: str) -> str:
        """A form or a query with a placeholder for each value whose name is denied."""
        return "&".join(map(self._of_pair, text.split("&")))

    def json(self, text: str, nested: int = 0) -> str | None:
        """A JSON text without secrets; None if it is none.

        Only string tokens are replaced, so that every other byte stays as it was.
        """
        try:
            strict_json.loads(text)
        except strict_json.Unreadable:
            return None
        edits: list[tuple[int, int, str]] = []
        seen: dict[str, str] = {}  # lists repeat their members' names
        renamed = False
        for span in strict_json.spans(text):
            if self.places.all and span.kind != "name" and self.places.all.mean(span.at):
                token = text[span.start : span.end]
                edits.append((span.start, span.end, f'"{self._of_place(token, span.at)}"'))
            elif span.kind in ("name", "string"):
                token = text[span.start : span.end]
                value = json.loads(token) if "\\" in token else token[1:-1]
                new = self._of_string(value, span, nested, seen)
                if new != value:
                    edits.append((span.start, span.end, _token(new, token)))
                    renamed = renamed or span.kind == "name"
        clean = apply(text, edits)
        if renamed:
            _check_names(clean)
        return clean

    def _of_string(
        self, value: str, span: strict_json.Span, nested: int, seen: dict[str, str]
    ) -> str:
        if span.kind == "string" and self.member is not _no_member:
            manner = self._manner_of(span.at)
            if manner is not None:
                return self.value(value, manner)
        if value not in seen:
            seen[value] = self._of_text(value, nested)
        return seen[value]

    def _of_text(self, value: str, nested: int) -> str:
        if (
            self.member is not _no_member
            and nested < _NESTED_MAX
            and value.lstrip()[:1] in ("{", "[")
        ):
            inner = replace(self, places=Places()).json(value, nested + 1)
            value = value if inner is None else inner
        return self.text(value)

    def _manner_of(self, at: str) -> Manner | None:
        """How the value of the member at a pointer is hidden, by its name."""
        found, _, name = at.rpartition("/")
        manner = self.member(name)
        return None if manner is None or steps(found)[-1:] == (_SCHEMA,) else manner

    def _of_secret(self, secret: str) -> str:
        if secret in self.secrets.plain:
            return rules.PLACEHOLDER
        return rules.distinct(as_read(secret), self.salt)

    def _of_place(self, token: str, at: str) -> str:
        if not self.places.distinct.mean(at):
            return rules.PLACEHOLDER
        value = json.loads(token)
        if isinstance(value, str):
            return value if rules.is_ours(value) else self._distinct(value)
        return self._distinct(strict_json.canonical_json(token))

    def _distinct(self, value: str) -> str:
        return rules.distinct(value, self.salt)

    def _of_member(self, match: re.Match[str]) -> str:
        manner = self.member(match["name"])
        if manner is None:
            return match[0]
        start, end = match.start("value") - match.start(), match.end("value") - match.start()
        return match[0][:start] + self.value(match["value"], manner) + match[0][end:]

    def _of_field(self, match: re.Match[str]) -> str:
        manner = self.parameter(match["name"] or match["bare"] or "")
        if manner is None or "filename=" in match["head"]:
            return match[0]
        return match["head"] + self.value(match["value"], manner)

    def _of_pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        manner = self.parameter(unquoted(name))
        if manner is FLAT:
            return f"{name}={rules.PLACEHOLDER}"
        if manner is None or not value:
            return name + equals + self.escaped(value)
        if self.secrets.occur_in(value):  # perhaps one with a plus sign
            value = self.text(value)
        return name + equals + self.value(as_read(unquoted(value)), manner)


def _no_member(_: str) -> Manner | None:
    return None


def may_name_members(raw: str) -> bool:
    """Whether the name of a member that is denied may stand in a text."""
    return _MEMBER_END.search(raw) is not None


def _check_names(clean: str) -> None:
    try:
        strict_json.loads(clean)
    except strict_json.Unreadable:
        raise Unredactable("two members of an object would have the same name") from None


def unquoted(text: str) -> str:
    """What a name or a value of a query says, as a view of its bytes."""
    raw = text.replace("+", " ").encode("utf-8", "surrogatepass")
    return unquote_to_bytes(raw).decode("latin-1")


def as_read(text: str) -> str:
    """The characters behind a view of bytes, where those are UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except ValueError:
        return text


def _token(value: str, like: str) -> str:
    lone_surrogates = any("\ud800" <= char <= "\udfff" for char in value)
    return json.dumps(value, ensure_ascii=like.isascii() or lone_surrogates)


def apply(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text with its spans replaced; of two that nest, the outer one swallows the inner."""
    pieces: list[str] = []
    done = 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start >= done:
            pieces += (text[done:start], new)
            done = end
    return "".join(pieces) + text[done:]


_RECORDS_MIN = 2  # of one stream; a single one is a body


@dataclass(frozen=True, slots=True)
class Part:
    """A string of a record's data: the record's place, its JSON pointer and itself."""

    place: int
    at: str
    text: str


# Whose text a part belongs to; with several ways to tell, each is tried.
_Owner = tuple[object, ...]
# Members that say which of several texts an object goes on with, whatever its place in a list.
_NAMES = ("id", "index", "item_id", "output_index", "content_index")


def clean_events(body: bytes, blanker: Blanker) -> bytes:
    """A stream of events without secrets, with as many events as before.

    Raises:
        Unredactable: a rule leaves other events than there were.
    """
    came = sse.split(body)
    read = tuple(map(_read, came))
    events = _joined(read, blanker, sse.around_data)
    if alert := blanker.alerted_by(b"".join(read).decode("latin-1")):
        events = tuple(_event(event, alert) for event in events)
    # What holds no secret stays as it came, on however many lines.
    events = tuple(
        old if new == one else new for old, one, new in zip(came, read, events, strict=True)
    )
    clean = b"".join(events)
    if sse.split(clean) != events:
        raise Unredactable("a pattern leaves other events than there were")
    return clean


def _read(event: bytes) -> bytes:
    """An event as it is searched: JSON on several lines is put on one."""
    one = sse.on_one_line(event)
    if one == event:
        return event
    parts = sse.around_data(one)
    try:
        strict_json.loads(parts[1].decode("utf-8") if parts else "")
    except ValueError:
        return event
    return one


def clean_lines(body: bytes, blanker: Blanker) -> bytes:
    """Lines of JSON without secrets; the same for a body that is no such thing."""
    lines = tuple(body.splitlines(keepends=True))
    starts = sum(line.lstrip()[:1] == b"{" for line in lines[:8])
    if len(lines) < _RECORDS_MIN or starts < min(len(lines), 8):
        return body
    found = _joined(lines, blanker, _around_line)
    alert = blanker.alerted_by(body.decode("latin-1"))
    return b"".join(found if alert is None else (alert.body(line) for line in found))


def _around_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    data = line.rstrip(b"\r\n")
    return b"", data, line[len(data) :]


def _event(event: bytes, blanker: Blanker) -> bytes:
    """An event without secrets; JSON data is blanked as a JSON body is."""
    parts = None if sse.is_done(event) else sse.around_data(event)
    return blanker.body(event) if parts is None else b"".join(map(blanker.body, parts))


_Around = Callable[[bytes], tuple[bytes, bytes, bytes] | None]


def _joined(records: tuple[bytes, ...], blanker: Blanker, around: _Around) -> tuple[bytes, ...]:
    """The records without what only shows when their parts of one text are put together."""
    if len(records) < _RECORDS_MIN:
        return records
    found = list(records)
    # First by what records say of themselves, for two texts may come in turns; then by place alone,
    # for some number each record anew.
    for owner_of in (_said, _placed):
        groups: dict[_Owner, list[Part]] = {}
        for place, record in enumerate(found):
            for owner, part in _parts(place, record, around, owner_of):
                groups.setdefault(owner, []).append(part)
        for group in groups.values():
            for part, text in _changed(group, blanker):
                found[part.place] = _with_text(found[part.place], part.at, text, around)
    return tuple(found)


def _changed(group: Sequence[Part], blanker: Blanker) -> Iterator[tuple[Part, str]]:
    """The parts of one text that hold a piece of a secret, each with what stays of it."""
    alert = blanker.alerted_by("".join(part.text for part in group)) if len(group) > 1 else None
    if alert is None:
        return
    for run in _runs(group, alert):
        whole = "".join(part.text for part in run)
        clean = alert.text(whole)
        if clean == whole or clean == "".join(alert.text(part.text) for part in run):
            continue
        yield from _spread(run, whole, clean)


def _runs(group: Sequence[Part], blanker: Blanker) -> Iterator[list[Part]]:
    """The parts in runs that may go on one in the other: where a part begins with a whole secret,
    the one before it has ended.
    """
    run: list[Part] = []
    for part in group:
        begins = part.text and blanker.text(part.text) != part.text
        if run and begins and blanker.text(part.text).startswith(rules.PLACEHOLDER):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _spread(run: Sequence[Part], whole: str, clean: str) -> Iterator[tuple[Part, str]]:
    """The parts of a text that has changed from `start` to `end`, with what they say now."""
    start = _common(whole, clean)
    tail = _common(whole[start:][::-1], clean[start:][::-1])
    end = len(whole) - tail
    new = clean[start : len(clean) - tail]
    at = 0
    for part in run:
        first, last = at, at + len(part.text)
        at = last
        if last <= start or first >= max(end, start + 1):
            continue
        head, rest = part.text[: max(0, start - first)], part.text[max(0, end - first) :]
        yield part, head + new + rest
        new = ""


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


_OwnerOf = Callable[[bytes, _Owner, str], _Owner]


def _said(before: bytes, owner: _Owner, _: str) -> _Owner:
    return (sse.name_of(before), owner)


def _placed(_: bytes, __: _Owner, at: str) -> _Owner:
    return (at,)


def _parts(
    place: int, record: bytes, around: _Around, owner_of: _OwnerOf
) -> Iterable[tuple[_Owner, Part]]:
    """The strings of a record that may go on in another one, by whose they are."""
    parts = around(record)
    if parts is None or not parts[1]:
        return
    before, data, _ = parts
    try:
        text = data.decode("utf-8")
        document = strict_json.loads(text) if text.lstrip()[:1] in ("{", "[", '"') else None
    except ValueError:
        return
    if document is None:
        if not sse.is_done(record):
            yield owner_of(before, (), ""), Part(place, "", text)
        return
    for owner, at, string in _strings(document, (), ""):
        yield owner_of(before, owner, at), Part(place, at, string)


def _strings(value: Any, owner: _Owner, at: str) -> Iterator[tuple[_Owner, str, str]]:
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


def _with_text(record: bytes, at: str, text: str, around: _Around) -> bytes:
    """The record with another text at a place of its data."""
    parts = around(record)
    assert parts is not None  # noqa: S101 - only such records have parts
    before, data, after = (part.decode("utf-8") for part in parts)
    if data.lstrip()[:1] not in ("{", "[", '"'):
        return (before + text + after).encode()
    edits = [
        (span.start, span.end, json.dumps(text))
        for span in strict_json.spans(data)
        if span.kind == "string" and span.at == at
    ]
    return (before + apply(data, edits) + after).encode()
