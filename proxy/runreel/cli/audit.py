"""`runreel audit`: what the audit log, or a cassette in its place, answers.

`log` shows the entries that a question is about, `show` the metadata of a run, a thread or another
resource now or at a time, `blame` who made each key of it what it is, `stats` how much was changed
by whom and whether it was done. Entries are read one by one, and a table takes no more memory the
longer it is. A text out of the log stands in quotes as soon as it could be taken for several.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
import rfc8785

from runreel.assistants.operations import BY_KIND
from runreel.audit.entries import MEMBERS, NO_HASH, RUN, Entry, entry_document, parse_entry
from runreel.audit.history import moment
from runreel.audit.log_reader import opened
from runreel.audit.queries import (
    NOBODY,
    Question,
    ResourceHistory,
    Selection,
    Setting,
    Statistics,
    entries,
    histories,
    shown,
)
from runreel.audit.verification import Line
from runreel.cassettes.file_store import FileStore
from runreel.cli.cassette_options import configuration, read
from runreel.cli.config import PATH, audit_folder, of_config
from runreel.cli.output import paint, say, say_json
from runreel.errors import AuditDamaged, StartRefused
from runreel.http.strict_json import BadDocument
from runreel.text import counted, cut, safe

if TYPE_CHECKING:
    from collections import Counter

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


as_one_object = click.option("--json", "as_json", is_flag=True, help="As one JSON object.")


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
    seq, seal = (0, NO_HASH) if last is None else (last.seq, last.hash)
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


_KINDS = ", ".join(BY_KIND)
_LOG_TITLES = ("ENTRY", "AT", "OPERATION", "RESOURCE", "ACTOR", "EFFECT", "STATUS", "CHANGES")
_EFFECTS = ("applied", "partly_applied", "not_applied", "refused", "unknown")
_FORMULA = "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
_FORMULA += "\N{FULLWIDTH COMMERCIAL AT}"


@click.command(
    "log",
    help="Show changes of metadata, oldest first: a line for each change with what became of it, "
    "for each read that saw a change nobody made through runreel, and for each change without an "
    "outcome. --all shows every entry.\n\n"
    "Times are ISO 8601, UTC unless they say their zone; a date alone is that whole day.\n\n\b\n"
    "Examples:\n"
    "  runreel audit log --key stage --since 2026-11-01\n"
    "  runreel audit log --run run_abc123 --effect refused --json\n"
    "  runreel audit log --resource conversation",
)
@click.option(
    "--resource",
    metavar="KIND[:ID]",
    help=f"Of this kind, or of this one of it. Kinds: {_KINDS}.",
)
@click.option("--run", metavar="ID", help="Of this run.")
@click.option("--thread", metavar="ID", help="Of this thread, its messages and its runs.")
@click.option("--actor", metavar="HEX", help="By this actor (the first digits do), or by 'none'.")
@click.option("--key", help="That asked for this key, or changed it.")
@click.option("--value", metavar="TEXT", help="That asked for this value, or made it.")
@click.option("--operation", metavar="NAME", help="Such as modifyRun or createRun.")
@click.option("--effect", type=click.Choice(_EFFECTS), help="Of which this became.")
@click.option("--since", metavar="TIME", help="At this time or later.")
@click.option("--until", metavar="TIME", help="At this time or earlier.")
@click.option("--all", "everything", is_flag=True, help="Every entry, reads and intents too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines: the entries as they stand.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV; what looks like a formula gets a '.")
@of_source
def log(
    source: Source, *, everything: bool, as_json: bool, as_csv: bool, **conditions: Any
) -> None:
    """Print the selected entries as they are read."""
    if as_json and as_csv:
        raise StartRefused("give either --json or --csv, not both")
    question = Question(_selection(**conditions))
    found = question.remarkable(source.entries(question.glance), everything=everything)
    if as_json:
        lines: Iterable[str] = map(_json, found)
    elif as_csv:
        lines = _csv(found)
    else:
        lines = table(_LOG_TITLES, (_log_row(entry, raw=everything) for entry in found), COLOURS)
    for line in lines:
        say(line)


def _selection(**given: str | None) -> Selection:
    """The selection of the options; refused if one of them cannot be meant."""
    for option, text in given.items():
        if text is not None and text.encode("utf-8", "replace").decode("utf-8") != text:
            raise StartRefused(f"--{option}: {text!r} is not UTF-8")
    resource, actor = given["resource"], given["actor"]
    if resource is not None and resource.partition(":")[0] not in BY_KIND:
        raise StartRefused(
            f"--resource: {resource!r} begins with no kind of resource; write KIND or KIND:ID, "
            f"where KIND is one of {_KINDS}"
        )
    if actor is not None and actor != NOBODY:
        actor = actor.lower()
        if not re.fullmatch(r"(hmac-sha256:)?[0-9a-f]{1,32}", actor):
            raise StartRefused(
                f"--actor: {actor!r} is no actor; give the first digits of one that runreel audit "
                "log shows, or 'none'"
            )
    times = {
        "since": moment_of("--since", given["since"]),
        "until": moment_of("--until", given["until"], end=True),
    }
    return Selection(**given | times | {"actor": actor})


def _log_row(entry: Entry, *, raw: bool) -> tuple[str, ...]:
    # Without --all an intent is only there because it has no outcome.
    unconcluded = entry.kind if raw else "no outcome"
    effect = "seen" if entry.kind == "observation" else entry.effect or unconcluded

    return (
        str(entry.seq),
        plain(entry.at),
        plain(entry.operation),
        _named(entry),
        actor(entry.actor),
        effect,
        "-" if entry.status is None else str(entry.status),
        changes(entry),
    )


def _named(entry: Entry) -> str:
    """What an entry is about, as `--resource`, `show` and `blame` take it; a run by its id."""
    about = entry.about
    if about.kind == RUN or about.id is None:
        return plain(about.id)
    return plain(f"{about.kind}:{about.id}")


def _json(entry: Entry) -> str:
    return json.dumps(entry_document(entry), ensure_ascii=True)


class _Row:
    """A file for `csv` whose rows come back as what they are written as."""

    def write(self, text: str) -> str:
        return text


def _csv(entries: Iterable[Entry]) -> Iterator[str]:
    writer = csv.writer(_Row(), lineterminator="")
    names = ("seq", *(name for name in MEMBERS if name != "seq"))
    yield writer.writerow(names)
    for entry in entries:
        document = entry_document(entry)
        yield writer.writerow(_cell(document.get(name)) for name in names)


def _cell(value: Any) -> str:
    """A value on one line that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = safe(value if isinstance(value, str) else shown(value))
    return f"'{text}" if text.lstrip().startswith(tuple(_FORMULA)) else text


@click.command(
    "show",
    help="Show the metadata of a run, a thread or another resource as it was last known, or as it "
    "was at a time, and which entries made it so. RESOURCE is its id, or KIND:ID where several "
    "have that id. A time is ISO 8601, UTC unless it says its zone; a date alone is the end of "
    "that day.\n\n\b\n"
    "Examples:\n"
    "  runreel audit show run_abc123 --at 2026-11-22\n"
    "  runreel audit show thread:thread_abc123",
)
@click.argument("resource", metavar="RESOURCE")
@click.option("--at", metavar="TIME", help="As it was then.")
@as_one_object
@of_source
def show(source: Source, resource: str, at: str | None, *, as_json: bool) -> None:
    """Print the metadata, key by key with the entry that made it."""
    until = moment_of("--at", at, end=True)
    kind, name, history = history_of(source, resource, until)
    if as_json:
        say_json(_as_json(kind, name) | _show_document(until, history))
        return
    for line in _show_lines(kind, name, until, history):
        say(line)


def history_of(
    source: Source, resource: str, until: str | None = None
) -> tuple[str, str, ResourceHistory]:
    """What the source knows of a resource, given as `ID` or `KIND:ID`; with its kind and id.

    Raises:
        StartRefused: nothing, at that time; or of several with that id.
    """
    before, _, behind = resource.partition(":")
    kind, name = (before, behind) if behind and before in BY_KIND else (None, resource)
    try:
        needle = rfc8785.dumps(name)
    except ValueError:
        raise StartRefused(f"{resource!r} cannot be an id: it is not UTF-8") from None
    found = histories(name, kind, source.entries(lambda line: needle in line), until)
    if len(found) > 1:
        raise StartRefused(
            f"{source.name}: there are several with the id '{name}'; write "
            f"{' or '.join(f'{each}:{name}' for each in sorted(found))}"
        )
    if not found:
        when = f" until {until}" if until else ""
        raise StartRefused(
            f"{source.name}: there is nothing of '{resource}'{when}; runreel audit log shows what "
            "there is"
        )
    ((kind, history),) = found.items()
    return kind, name, history


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def doubtful(entry: Entry) -> str:
    """The sentence about a change of which nobody knows whether it was made."""
    asked = short(entry.requested)
    return f"entry {entry.seq} asked for {asked} at {entry.at}, and nobody knows what came of it"


def _as_json(kind: str, name: str) -> dict[str, Any]:
    return {
        "resource": {"kind": kind, "id": name},
        "run_id": name if kind == RUN else None,
    }


def _show_document(until: str | None, history: ResourceHistory) -> dict[str, Any]:
    return {
        "thread_id": history.thread_id,
        "at": until,
        "metadata": history.metadata,
        "seen": history.seen and {"seq": history.seen.seq, "at": history.seen.at},
        "made_by": list(history.made_by),
        "doubts": sorted(history.doubts),
    }


def _show_lines(kind: str, name: str, until: str | None, history: ResourceHistory) -> list[str]:
    when = f"at {until}" if until else "as last known"
    thread = history.thread_id
    place = "" if thread in (None, name) else f" of {safe(plain(thread))}"
    what = "" if kind == RUN else f"{_words(kind)} "
    told = [f"{what}{paint(plain(name), bold=True)}{place}, {when}"]
    if history.seen is None:
        told.append("its metadata is unknown: no answer showed it")
    elif not history.metadata:
        told.append(f"no metadata: entry {history.seen.seq} showed none")
    else:
        current = [each for each in history.settings.values() if not each.gone]
        rows = [
            (plain(each.key), short(each.value), str(each.entry.seq))
            for each in sorted(current, key=lambda each: each.key)
        ]
        told += table(("KEY", "VALUE", "ENTRY"), rows)
        told.append(f"last shown by entry {history.seen.seq} at {safe(history.seen.at)}")
    for _, entry in sorted(history.doubts.items()):
        told.append(paint(doubtful(entry), fg="yellow"))
    return told


_BLAME_TITLES = ("KEY", "VALUE", "HOW", "ENTRY", "AT", "ACTOR", "OPERATION")
_COLOURS = {"set": "green", "removed": "red", "seen": "yellow", "seen gone": "yellow"}


@click.command(
    "blame",
    help="Show for each key of a run, a thread or another resource its value, the entry that set "
    "it, when, and by whom; keys that were removed too. A value that was only seen was set by "
    "nobody known, and before that entry. Setting a key to the value it has does not count. "
    "RESOURCE is its id, or KIND:ID where several have that id.\n\n\b\n"
    "Examples:\n"
    "  runreel audit blame run_abc123\n"
    "  runreel audit blame conversation:conv_abc123",
)
@click.argument("resource", metavar="RESOURCE")
@as_one_object
@of_source
def blame(source: Source, resource: str, *, as_json: bool) -> None:
    """Print a row for each key, in order of the keys."""
    kind, name, history = history_of(source, resource)
    settings = [history.settings[key] for key in sorted(history.settings)]
    if as_json:
        keys = [_blame_document(each) for each in settings]
        say_json(_as_json(kind, name) | {"keys": keys, "doubts": sorted(history.doubts)})
        return
    for line in table(_BLAME_TITLES, map(_blame_row, settings), _COLOURS):
        say(line)
    for _, entry in sorted(history.doubts.items()):
        say(paint(doubtful(entry), fg="yellow"))


def _how(setting: Setting) -> str:
    if setting.changed:
        return "removed" if setting.gone else "set"
    return "seen gone" if setting.gone else "seen"


def _blame_document(setting: Setting) -> dict[str, Any]:
    entry = setting.entry
    return {
        "key": setting.key,
        "value": setting.value,
        "how": _how(setting),
        "entry": entry.seq,
        "at": entry.at,
        "actor": entry.actor if setting.changed else None,
        "operation": entry.operation,
    }


def _blame_row(setting: Setting) -> tuple[str, ...]:
    entry = setting.entry
    return (
        plain(setting.key),
        "-" if setting.gone else short(setting.value),
        _how(setting),
        str(entry.seq),
        plain(entry.at),
        actor(entry.actor) if setting.changed else "-",
        plain(entry.operation),
    )


_OPEN_SHOWN = 10


@click.command(
    "stats",
    help="Count entries by operation, effect, actor and upstream; tell which keys were accepted "
    "and not set as asked, whether each upstream merges or replaces metadata (as it was seen to), "
    "and which changes have no outcome.\n\n\b\n"
    "Example:\n  runreel audit stats --json",
)
@as_one_object
@of_source
def stats(source: Source, *, as_json: bool) -> None:
    """Read everything once, and print the counts."""
    found = Statistics()
    for entry in source.entries():
        found.take(entry)
    if as_json:
        say_json(_stats_document(found))
        return
    for line in _stats_lines(found):
        say(line)


def _stats_document(found: Statistics) -> dict[str, Any]:
    return {
        "entries": found.entries,
        "kinds": _ordered(found.kinds),
        "operations": _ordered(found.operations),
        "effects": _ordered(found.effects),
        "actors": _ordered(found.actors),
        "upstreams": {
            name: {
                "entries": count,
                "manner": found.conclusion(name),
                "merges": found.manners[name, "merges"],
                "replaces": found.manners[name, "replaces"],
            }
            for name, count in _ordered(found.upstreams).items()
        },
        "keys_not_as_asked": _ordered(found.keys),
        "without_outcome": sorted(found.open),
    }


def _ordered(counts: Mapping[Any, int]) -> dict[str, int]:
    """The counts by name, the largest first; nobody is `none`."""
    named = (("none" if name is None else name, count) for name, count in counts.items() if count)
    return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))


def _stats_lines(found: Statistics) -> Iterator[str]:
    kinds = (counted(found.kinds[kind], kind) for kind in ("intent", "outcome", "observation"))
    yield f"{counted(found.entries, 'entry', 'entries')}: {', '.join(kinds)}"
    sections: tuple[tuple[str, Counter[Any]], ...] = (
        ("OPERATION", found.operations),
        ("EFFECT", found.effects),
        ("ACTOR", found.actors),
        ("KEY NOT AS ASKED", found.keys),
    )
    for title, counts in sections:
        rows = [(plain(name), f"{count:,}") for name, count in _ordered(counts).items()]
        yield from table((title, "ENTRIES"), rows, COLOURS)
    upstreams = [
        (plain(name), f"{count:,}", found.conclusion(name))
        for name, count in _ordered(found.upstreams).items()
    ]
    yield from table(("UPSTREAM", "ENTRIES", "METADATA"), upstreams)
    if found.open:
        first = ", ".join(map(str, sorted(found.open)[:_OPEN_SHOWN]))
        more = ", …" if len(found.open) > _OPEN_SHOWN else ""
        yield paint(f"without an outcome: {len(found.open):,} ({first}{more})", fg="yellow")
    else:
        yield "every change has its outcome"


COLOURS = {
    "applied": "green",
    "partly_applied": "yellow",
    "not_applied": "yellow",
    "refused": "red",
    "unknown": "magenta",
    "no outcome": "magenta",
}
_ALIGNED = 1_000  # rows that decide how wide the columns are; later ones may stick out
_VALUE_CHARS_MAX = 80  # characters of a value in a table; --json and --csv have all of them
_ACTOR_DIGITS = 8
_PLAIN = re.compile(r"""[^\s"\x00-\x20\x7f-\U0010ffff]+""")


def table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], colours: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Lines with their cells below each other, painted by what they say; for `say`."""
    written = ([safe(cell) for cell in row] for row in rows)
    first = list(islice(written, _ALIGNED))
    if not first:
        return
    widths = [max(map(len, column)) for column in zip(titles, *first, strict=True)]
    yield paint(_padded(titles, widths), bold=True)
    for row in chain(first, written):
        line = []
        for cell, width in zip(row, widths, strict=True):
            colour = (colours or {}).get(cell)
            space = " " * (width - len(cell))
            line.append((paint(cell, fg=colour) if colour else cell) + space)
        yield "  ".join(line).rstrip()


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def plain(text: str | None) -> str:
    """A text that is one word as it is; else, quotes and all, as JSON."""
    if text is None:
        return "-"
    return text if _PLAIN.fullmatch(text) else shown(text)


def short(value: Any) -> str:
    """A value as JSON; a long one is cut."""
    return cut(shown(value), _VALUE_CHARS_MAX)


def actor(name: str | None) -> str:
    """The beginning of an actor, enough for `--actor`."""
    if name is None:
        return "-"
    return plain(name.removeprefix("hmac-sha256:")[:_ACTOR_DIGITS])


def changes(entry: Entry) -> str:
    """What an entry changed, and asked for where that was not all of it; else why nobody knows."""
    found = []
    for each in entry.changes:
        if each.change == "removed":
            found.append(f"-{plain(each.key)}: {short(each.old)}")
        elif each.change == "added":
            found.append(f"+{plain(each.key)}: {short(each.new)}")
        else:
            old = "?" if entry.before == "unknown" else short(each.old)
            found.append(f"{plain(each.key)}: {old} -> {short(each.new)}")
    if entry.requested is not None and entry.effect != "applied":
        found.append(f"asked for {short(entry.requested)}")
    if found or entry.requested:
        return ", ".join(found) or "no change"
    return short(entry.reason) if entry.reason else ""
