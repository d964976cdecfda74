"""What all commands of `runreel audit` share: where the log is.

Where the questions of `runreel audit` find their entries: the log, or a cassette.

Owns the options that select it, reading them one by one, and the sentences for what is not there
or cannot be read.

Times as people write them, as entries have them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import click
import orjson

from runreel.audit.entries import Entry, parse_entry
from runreel.audit.history import moment
from runreel.audit.log_reader import opened
from runreel.audit.queries import entries
from runreel.audit.verification import Line
from runreel.cassettes.file_store import FileStore
from runreel.cli.cassette_options import configuration, read
from runreel.cli.config import PATH, audit_folder, of_config
from runreel.errors import AuditDamaged, StartRefused
from runreel.http.strict_json import BadDocument

_REMEDY = "runreel audit verify says what is wrong with the log"


@dataclass(frozen=True)
class Source:
    """The options that select a source; None is an option that was not given."""

    audit: Path | None
    cassette: str | None
    cassettes: Path | None
    config: Path | None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        if self.cassette is not None:
            return f"cassette '{self.cassette}'"
        return str(audit_folder(self.config, self.audit))

    def entries(self, glance: Callable[[bytes], bool] | None = None) -> Iterator[Entry]:
        """The entries in their order; those at whose line `glance` says no may be left out.

        Raises:
            StartRefused: there is no such source.
            AuditDamaged, CassetteDamaged: it cannot be read; names the place.
        """
        if self.cassette is not None:
            return self._recorded(self.cassette)
        if self.cassettes is not None:
            raise StartRefused("--cassettes goes with --cassette NAME")
        return self._logged(glance)

    def _recorded(self, name: str) -> Iterator[Entry]:

        if self.audit is not None:
            raise StartRefused("give either --audit DIR or --cassette NAME, not both")
        store = FileStore(configuration(self.config, self.cassettes).cassettes)
        cassette = read(store, name).cassette
        return entries(cassette.interactions, cassette.upstream, name)

    def _logged(self, glance: Callable[[bytes], bool] | None) -> Iterator[Entry]:

        with opened(audit_folder(self.config, self.audit)) as log:
            if log.gap is not None:
                raise AuditDamaged(f"{log.gap}: this file is not there; {_REMEDY}")
            last: Entry | None = None
            for line in log.entries:
                if glance is not None and not glance(line.content):
                    _looks_whole(line)
                    continue
                entry = _entry(line)
                if glance is None:
                    _follows(line, last, entry)
                last = entry
                yield entry


def of_source(function: Callable[..., None]) -> Callable[..., None]:
    """The options that select what is asked, given on as one `Source`."""

    def command(
        audit: Path | None,
        cassette: str | None,
        cassettes: Path | None,
        config: Path | None,
        **rest: Any,
    ) -> None:
        function(source=Source(audit, cassette, cassettes, config), **rest)

    command.__doc__ = function.__doc__
    for option in (
        of_config,
        click.option("--cassettes", type=PATH, help="Folder of the cassettes [cassettes]."),
        click.option(
            "--cassette", metavar="NAME", help="Ask the recordings of a cassette, not the log."
        ),
        click.option("--audit", type=PATH, help="Folder of the log [audit]."),
    ):
        command = option(command)
    return command


def _entry(line: Line) -> Entry:

    try:
        return parse_entry(orjson.loads(line.content))
    except (orjson.JSONDecodeError, BadDocument):
        raise _damaged(line) from None


def _looks_whole(line: Line) -> None:
    """Check what can be checked at a glance: a damaged line may hide what was asked for."""
    if not (line.content.startswith(b'{"actor":') and line.content.endswith(b"}\n")):
        raise _damaged(line)


def _damaged(line: Line) -> AuditDamaged:
    return AuditDamaged(
        f"{line.file}:{line.number}: this line is no entry of an audit log; {_REMEDY}"
    )


def _follows(line: Line, last: Entry | None, entry: Entry) -> None:
    seq, seal = (0, "0" * 64) if last is None else (last.seq, last.hash)
    if (entry.seq, entry.prev) != (seq + 1, seal):
        raise AuditDamaged(
            f"{line.file}:{line.number}: this entry does not follow from the one before; {_REMEDY}"
        )


def moment_of(option: str, text: str | None, *, end: bool = False) -> str | None:
    """The moment of an ISO 8601 time or date; UTC unless it says its zone.

    A date alone is the beginning of that day, or with `end` the end of it.

    Raises:
        StartRefused: it is none; names the option.
    """
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return moment(datetime.combine(day, time.max if end else time.min, UTC))
    try:
        found = datetime.fromisoformat(text)
        return moment(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise StartRefused(
            f"{option}: {text!r} is no time; write 2026-11-22, 2026-11-22T15:04:05Z or "
            "2026-11-22T16:04:05+01:00"
        ) from None
