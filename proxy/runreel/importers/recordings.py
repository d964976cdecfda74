"""What the readers and writers of foreign formats have in common.

Owns the shape of a file that was read, and `_runreel`, the member by which our own exports carry
what their format has no place for.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runreel.core.cassette import SIMULATOR, Cassette
from runreel.core.foreign import Foreign, split_url
from runreel.core.messages import Interaction
from runreel.importers.parts import Part

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
    gone = [interaction.id for interaction in found if interaction.client_gone]
    return [interaction for interaction in found if not interaction.client_gone], gone


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
