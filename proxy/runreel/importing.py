"""From files of other tools to cassettes: everything is read and adopted first, nothing written.

Owns which file becomes which cassette, which of its calls are taken, and what is reported. How a
file is read is `importers`, how a cassette is saved `cassettes`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runreel.core.adoption import Adopted, Adoption, assemble
from runreel.core.cassette import SIMULATOR, Cassette, NotACassetteName, check_name
from runreel.core.document import BadDocument
from runreel.core.errors import BadFile, StartRefused
from runreel.core.foreign import Foreign
from runreel.core.recordable import simulated
from runreel.importers import reading
from runreel.importers.recordings import Broken, Recording, Skipped

_NAME_CHARS_MAX = 81


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: what it holds, and when it was last changed."""

    path: Path
    changed: datetime
    recording: Recording

    @property
    def body_bytes(self) -> int:
        """How much there is to do."""
        return sum(len(one.request_body + one.response_body) for one in self.recording.exchanges)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file."""

    file: str
    cassette: str
    imported: int
    skipped: tuple[Skipped, ...]
    violations: int
    credential_headers: int
    blanked: int

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "file": self.file,
            "cassette": self.cassette,
            "imported": self.imported,
            "skipped": [{"at": item.place, "reason": item.reason} for item in self.skipped],
            "violations": self.violations,
            "credential_headers": self.credential_headers,
            "blanked": self.blanked,
        }

    def lines(self) -> list[str]:
        """The report for people."""
        summary = (
            f"{self.file} -> '{self.cassette}': {self.imported} imported, "
            f"{len(self.skipped)} skipped; violations: {self.violations}, credential headers left "
            f"out: {self.credential_headers}, places blanked: {self.blanked}"
        )
        return [summary, *(f"  skipped {item.place}: {item.reason}" for item in self.skipped)]


@dataclass(frozen=True, slots=True)
class Plan:
    """The cassettes to write, by name, and what to say of each file."""

    cassettes: dict[str, Cassette]
    reports: list[Report]


def read(files: Sequence[Path], kind: str) -> list[Source]:
    """What the files hold.

    Raises:
        StartRefused: one is not there.
        BadFile: one cannot be read.
    """
    sources = []
    for path in files:
        content, changed = reading.read(path)
        sources.append(Source(path, changed, reading.parse(content, kind, str(path))))
    return sources


def plan(
    sources: Sequence[Source],
    adoption: Adoption,
    name: str | None,
    host: str | None,
    each: Callable[[Sequence[Foreign]], Iterable[Foreign]] = iter,
) -> Plan:
    """What to write: all files as the cassette `name`, or each as one named after it.

    `host` selects one of several; `each` is told of every exchange that is worked on.

    Raises:
        StartRefused: files do not fit together, or a name or a host is missing.
        BadFile: something in a file cannot be taken over.
    """
    names = _names(sources, name)
    adopted: dict[tuple[str, str], list[Adopted]] = {}
    reports = []
    for source, target in zip(sources, names, strict=True):
        upstream, chosen, skipped = _of_one_upstream(source, host)
        kept: list[Adopted] = []
        for foreign in each(chosen):
            taken = _adopted(adoption, source, foreign)
            if isinstance(taken, str):
                skipped.append(Skipped(foreign.place, taken))
            else:
                kept.append(taken)
        if not kept:
            raise BadFile(str(source.path), "", f"nothing in it can be imported{_why(skipped)}")
        for one in kept:
            made_up = simulated(one.interaction.value.response)
            adopted.setdefault((target, SIMULATOR if made_up else upstream), []).append(one)
        reports.append(_report(source, target, kept, skipped))
    if len(adopted) > len(set(names)):
        found = " and ".join(sorted({upstream for _, upstream in adopted}))
        raise StartRefused(
            f"the files are of different upstreams ({found}), and these are never merged into one "
            "cassette; import them one by one"
        )
    cassettes = {
        target: assemble(upstream, adoption.redaction, several, adoption.match_on)
        for (target, upstream), several in adopted.items()
    }
    return Plan(cassettes, reports)


def _adopted(adoption: Adoption, source: Source, foreign: Foreign) -> Adopted | str:
    try:
        return adoption.adopt(foreign, source.changed)
    except BadDocument as error:
        raise BadFile(str(source.path), foreign.place, str(error)) from None


def _names(sources: Sequence[Source], name: str | None) -> list[str]:
    if name is not None:
        try:
            return [check_name(name)] * len(sources)
        except NotACassetteName as error:
            raise StartRefused(f"--to: {error}") from None
    names = [legal_name(source.path.stem) for source in sources]
    twice = next((found for found in names if names.count(found) > 1), None)
    if twice is not None:
        raise StartRefused(
            f"several files would become the cassette '{twice}'; put them into one with --to NAME, "
            "or import them one by one"
        )
    return names


def legal_name(stem: str) -> str:
    """A cassette's name as near to that of a file as one can be."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")
    # A name that ends in .json would be taken for a file.
    return name[:_NAME_CHARS_MAX].removesuffix(".json").rstrip("._-") or "imported"


def _of_one_upstream(source: Source, host: str | None) -> tuple[str, list[Foreign], list[Skipped]]:
    """The exchanges of the one upstream that is asked for, and what is left of the file."""
    skipped = list(source.recording.skipped)
    everything: list[Foreign | Broken] = [
        *source.recording.exchanges,
        *source.recording.broken,
    ]
    found = dict.fromkeys(one.upstream for one in everything)
    wanted = [upstream for upstream in found if host is None or _is_at(upstream, host)]
    if len(wanted) != 1:
        file = str(source.path)
        if not found:
            raise BadFile(file, "", f"nothing in it can be imported{_why(skipped)}")
        there = ", ".join(found)
        if not wanted:
            raise StartRefused(f"{file}: no call went to {host}; there are calls to {there}")
        raise StartRefused(
            f"{file}: there are calls to several upstreams ({there}); choose one with --host"
        )
    for one in source.recording.broken:
        if one.upstream == wanted[0]:
            raise BadFile(str(source.path), one.place, one.reason)
    chosen = [one for one in source.recording.exchanges if one.upstream == wanted[0]]
    skipped += [
        Skipped(one.place, f"it went to {one.upstream}")
        for one in everything
        if one.upstream != wanted[0]
    ]
    return wanted[0], chosen, skipped


def _is_at(upstream: str, host: str) -> bool:
    place = upstream.rpartition("://")[2]
    wanted = host.lower()
    return wanted in (
        upstream,
        place,
        place.partition("/")[0],
        re.sub(r"(:\d+)?(/.*)?$", "", place),
    )


def _why(skipped: Sequence[Skipped]) -> str:
    return f": {skipped[0].place}: {skipped[0].reason}" if skipped else ""


def _report(
    source: Source, target: str, kept: Sequence[Adopted], skipped: Sequence[Skipped]
) -> Report:
    return Report(
        file=str(source.path),
        cassette=target,
        imported=len(kept),
        skipped=tuple(skipped),
        violations=sum(len(one.interaction.value.violations) for one in kept),
        credential_headers=sum(one.left_out for one in kept),
        blanked=sum(one.blanked for one in kept),
    )
