"""Where the questions of `runreel audit` find their entries: the log, or a cassette.

Owns the options that select it, reading them one by one, and the sentences for what is not there
or cannot be read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.audit.options import PATH, audit_folder, of_config
from runreel.core.errors import AuditDamaged, StartRefused

if TYPE_CHECKING:
    from runreel.core.audit.entries import Entry
    from runreel.core.audit.findings import Line

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

    def entries(self, glance: Callable[[bytes], bool] | None = None) -> Iterator["Entry"]:
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

    def _recorded(self, name: str) -> Iterator["Entry"]:
        from runreel.cli.cassette.options import configuration
        from runreel.cli.cassette.sources import read
        from runreel.core.audit.recorded import entries
        from runreel.stores.files import FileStore

        if self.audit is not None:
            raise StartRefused("give either --audit DIR or --cassette NAME, not both")
        store = FileStore(configuration(self.config, self.cassettes).cassettes)
        cassette = read(store, name).cassette
        return entries(cassette.interactions, cassette.upstream, name)

    def _logged(self, glance: Callable[[bytes], bool] | None) -> Iterator["Entry"]:
        from runreel.stores.audit_lines import opened

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


def _entry(line: "Line") -> "Entry":
    import orjson

    from runreel.core.audit.entries import parse_entry
    from runreel.core.document import BadDocument

    try:
        return parse_entry(orjson.loads(line.content))
    except (orjson.JSONDecodeError, BadDocument):
        raise _damaged(line) from None


def _looks_whole(line: "Line") -> None:
    """Check what can be checked at a glance: a damaged line may hide what was asked for."""
    if not (line.content.startswith(b'{"actor":') and line.content.endswith(b"}\n")):
        raise _damaged(line)


def _damaged(line: "Line") -> AuditDamaged:
    return AuditDamaged(
        f"{line.file}:{line.number}: this line is no entry of an audit log; {_REMEDY}"
    )


def _follows(line: "Line", last: "Entry | None", entry: "Entry") -> None:
    seq, seal = (0, "0" * 64) if last is None else (last.seq, last.hash)
    if (entry.seq, entry.prev) != (seq + 1, seal):
        raise AuditDamaged(
            f"{line.file}:{line.number}: this entry does not follow from the one before; {_REMEDY}"
        )
