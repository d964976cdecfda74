"""What other tools recorded, in one shape, and what the readers and writers of their formats share.

A `Part` is a value of a foreign document together with its place, so that every refusal can name
it: what is not of the kind that is asked for is a `BadDocument`. `_runreel` is the member by which
our own exports carry what their format has no place for.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from runreel.cassettes.format import SIMULATOR, Cassette
from runreel.http import strict_json
from runreel.http.messages import Headers, Interaction
from runreel.http.strict_json import BadDocument


@dataclass(frozen=True, slots=True)
class Part:
    """A value (of JSON or YAML: also bytes) and its JSON pointer in the document."""

    value: Any
    at: str = ""

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error that names this place."""
        raise BadDocument(self.at, reason)

    def has(self, name: str) -> bool:
        """Whether it is an object with this member, and not null."""
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def get(self, name: str) -> "Part":
        """A member; null where there is none."""
        if not isinstance(self.value, dict):
            self.refuse("an object must be here")
        return Part(self.value.get(name), strict_json.pointer(self.at, name))

    def members(self) -> list[tuple[str, "Part"]]:
        """The names and values of an object; none for null."""
        if self.value is None:
            return []
        if not isinstance(self.value, dict):
            self.refuse("an object must be here")
        return [
            (str(name), Part(value, strict_json.pointer(self.at, str(name))))
            for name, value in self.value.items()
        ]

    def items(self) -> list["Part"]:
        """The items of an array; none for null."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            self.refuse("an array must be here")
        return [
            Part(value, strict_json.pointer(self.at, place))
            for place, value in enumerate(self.value)
        ]

    def text(self) -> str:
        """A text; a number that a person left unquoted is one too."""
        value = self.value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if not isinstance(value, str):
            self.refuse("a text must be here")
        return value

    def integer(self) -> int:
        """A whole number, also as a text."""
        value = self.value
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse("a whole number must be here")
        return value

    def amount(self) -> int:
        """A time or size of 0 or more; tools write -1 where they do not know, taken for 0."""
        value = self.value
        if value is None:
            return 0
        if not isinstance(value, int | float) or isinstance(value, bool) or not value < _AMOUNT_MAX:
            self.refuse("a number must be here")
        return max(0, round(value))

    def bytes(self, encoding: str = "utf-8") -> bytes:
        """A body: nothing, a text, or bytes."""
        value = self.value
        if value is None:
            return b""
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            self.refuse("a text must be here")
        try:
            return value.encode(encoding)
        except UnicodeEncodeError:
            self.refuse(f"it holds a character that {encoding} cannot say")


_AMOUNT_MAX = 1e15


def from_base64(part: Part) -> bytes:
    """The bytes of a text in base64, in which there may be white space."""
    try:
        return base64.b64decode("".join(part.text().split()), validate=True)
    except (binascii.Error, ValueError) as error:
        part.refuse(f"base64 that cannot be read: {error}")


def as_sent(text: str) -> str:
    """The view of raw bytes of a header's text that may hold characters no byte can be."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text


_URL = re.compile(
    r"(?i:(https?))://(?:[^/?#@]*@)?([^/?#@\s\x00-\x20\x7f-\x9f]+)(/[^#]*|\?[^#]*)?(?:#.*)?",
    re.DOTALL,
)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Foreign:
    """One exchange as another tool recorded it.

    `place` says where it stands in its file, as in `interaction 3`. Header values are `str` views
    of bytes where they can be. Bodies are as the file has them, coded or not. `recorded_at` is
    in UTC; `at_ms` are the times of a stream's events; both None where the file does not say.
    """

    place: str
    method: str
    upstream: str
    target: str
    request_headers: Headers
    request_body: bytes
    status: int
    response_headers: Headers
    response_body: bytes
    recorded_at: datetime | None = None
    duration_ms: int = 0
    at_ms: tuple[int, ...] | None = None


def split_url(url: str) -> tuple[str, str] | None:
    """The upstream (scheme://host[:port]) and the target of a URL; None if it is not HTTP."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, target = found[1].lower(), found[2].lower(), found[3] or "/"
    if not target.startswith("/"):
        target = "/" + target
    # What is not ASCII went over the wire percent-encoded, whatever the tool shows.
    sent = "".join(char if char.isascii() else quote(char) for char in target)
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORT[scheme])}", sent


NO_CALL = "it is no HTTP call"
OURS = "_runreel"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A recording that is not taken over: its place in the file, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A recording that cannot be what it says, which matters if its upstream is the one wanted."""

    place: str
    upstream: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds, in the order in which it happened."""

    exchanges: tuple[Foreign, ...]
    skipped: tuple[Skipped, ...] = ()
    broken: tuple[Broken, ...] = ()


def recorded(
    listed: Part,
    read_one: Callable[[Part, str], Foreign | str],
    upstream_of: Callable[[Part], str | None] = lambda _: None,
) -> Recording:
    """What `read_one` makes of each item and its place: an exchange, or why it is none.

    `upstream_of` tells of an item that cannot be read where it went to, if at least that can be.

    Raises:
        BadDocument: an item cannot be what it says, wherever it went.
    """
    found: list[Foreign] = []
    skipped: list[Skipped] = []
    broken: list[Broken] = []
    for number, item in enumerate(listed.items(), start=1):
        place, part = f"interaction {number}", Part(item.value)
        try:
            read = read_one(part, place)
        except BadDocument as error:
            went_to = upstream_of(part)
            if went_to is None:
                raise BadDocument(place, str(error)) from None
            broken.append(Broken(place, went_to, str(error)))
            continue
        if isinstance(read, str):
            skipped.append(Skipped(place, read))
        else:
            found.append(read)
    return Recording(tuple(found), tuple(skipped), tuple(broken))


@dataclass(frozen=True, slots=True)
class Ours:
    """What an export says of an interaction beside its format."""

    upstream: str | None = None
    recorded_at: datetime | None = None
    duration_ms: int = 0
    at_ms: tuple[int, ...] | None = None


def exported(cassette: Cassette) -> tuple[list[Interaction], list[str]]:
    """The interactions that leave, and the ids of those that do not: nobody got their answer."""
    found = [interaction.value for interaction in cassette.interactions]
    gone = [interaction.id for interaction in found if interaction.never_served]
    return [interaction for interaction in found if not interaction.never_served], gone


def in_utc(time: datetime) -> datetime:
    """A time in UTC, which it is in if it does not say otherwise.

    Raises:
        OverflowError: no calendar has it there.
    """
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def url_of(upstream: str, target: str) -> str:
    """The URL of a call; one to a simulator gets a host that it never had."""
    return (upstream if split_url(upstream) else f"http://{SIMULATOR}") + target


def write_ours(interaction: Interaction, upstream: str) -> dict[str, Any]:
    """The member `_runreel` of an interaction."""
    member: dict[str, Any] = {
        "upstream": upstream,
        "recorded_at": interaction.recorded_at.strftime(_TIME),
        "duration_ms": interaction.duration_ms,
    }
    if interaction.response.at_ms is not None:
        member["at_ms"] = list(interaction.response.at_ms)
    return member


def read_ours(part: Part) -> Ours:
    """What the member `_runreel` says; nothing where there is none.

    Raises:
        BadDocument: it is not what `write_ours` writes.
    """
    if part.value is None:
        return Ours()
    upstream = part.get("upstream").text()
    if upstream != SIMULATOR and split_url(upstream) is None:
        part.get("upstream").refuse("this is no upstream")
    recorded_at = part.get("recorded_at")
    try:
        found = datetime.strptime(f"{recorded_at.text()}+0000", f"{_TIME}%z").astimezone(UTC)
    except ValueError:
        recorded_at.refuse("a time is written as 2026-03-31T10:15:02Z")
    at_ms = None
    if part.has("at_ms"):
        at_ms = tuple(item.amount() for item in part.get("at_ms").items())
    return Ours(upstream, found, part.get("duration_ms").amount(), at_ms)


def place_of(url: Part, ours: Ours) -> tuple[str, str] | None:
    """The upstream and the target of a URL; None if it is not HTTP.

    Raises:
        BadDocument: an export says that the URL belongs to another upstream.
    """
    text = url.text()
    if ours.upstream is None:
        return split_url(text)
    base = url_of(ours.upstream, "")
    if not text.startswith(base):
        url.refuse(f"it does not begin with {base}, its upstream")
    return ours.upstream, text.removeprefix(base)
