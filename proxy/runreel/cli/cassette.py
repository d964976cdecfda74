"""`runreel cassette list`, `show`, `diff`, `check`, `upgrade` and `scrub`."""

import hashlib
import json
import re
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from runreel.cassettes import rewrite
from runreel.cassettes.check import Finding, Scrubbed, check_bytes
from runreel.cassettes.check import scrub as scrubbed_of
from runreel.cassettes.diff import Comparison, compare
from runreel.cassettes.file_store import FileStore, content_of, parts_of
from runreel.cassettes.format import Cassette, dump, interaction_document, read_header_line
from runreel.cassettes.journal import Stored
from runreel.cassettes.secret_scan import discreet, shown_pointer
from runreel.cli.cassette_options import configuration, is_file, missing, named, of_cassettes, read
from runreel.cli.output import columns, paint, say, say_json
from runreel.config.settings import redaction_of
from runreel.errors import CassetteDamaged, StartRefused, Unredactable
from runreel.http.messages import Interaction
from runreel.http.strict_json import loads
from runreel.matching.json_diff import ABSENT, Difference
from runreel.matching.near_miss import shown
from runreel.ports import SystemClock
from runreel.redaction.redactor import Redacted, Redaction
from runreel.redaction.rules import count
from runreel.text import counted, safe

_UNITS = (("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_TITLES = ("NAME", "INTERACTIONS", "AGE", "PROFILE", "SIZE", "VIOLATIONS")


@click.command(
    "list",
    help="List cassettes: interactions, age of the newest one, profile, size, violations.\n\n\b\n"
    "Example:\n  runreel cassette list --json",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@of_cassettes
def list_(config: Path | None, cassettes: Path | None, *, as_json: bool) -> None:
    """Print a row for each cassette; exit with 1 if one is damaged."""
    folder = configuration(config, cassettes).cassettes
    store = FileStore(folder)
    now = SystemClock().now()
    rows = [_list_row(store, folder, name, now) for name in store.names()]
    if as_json:
        say_json(rows)
    elif rows:
        whole = iter(columns([_TITLES, *(_cells(row) for row in rows if "damaged" not in row)]))
        say(next(whole))
        for row in rows:
            damaged = f"{row['name']}  damaged: {row.get('damaged')}"
            half = f"  incomplete: {row['incomplete']}" if row.get("incomplete") else ""
            say(safe(damaged if "damaged" in row else next(whole) + half))
    else:
        say(f"runreel: there are no cassettes in {safe(str(folder))}", err=True)
    if any("damaged" in row for row in rows):
        sys.exit(1)


def _list_row(store: FileStore, folder: Path, name: str, now: datetime) -> dict[str, Any]:

    path = folder / f"{name}.json"
    files = [path, *(part.path for part in parts_of(path))]
    size = sum(file.stat().st_size for file in files if file.exists())
    try:
        stored = store.load(name)
    except CassetteDamaged as error:
        return {"name": name, "bytes": size, "damaged": str(error)}
    if stored is None:
        return {"name": name, "bytes": size, "damaged": "an empty journal and no cassette"}
    found = [item.value for item in stored.cassette.interactions]
    newest = max((item.recorded_at for item in found), default=None)
    severities = Counter(violation.severity for item in found for violation in item.violations)
    return {
        "name": name,
        "interactions": len(found),
        "newest": newest and newest.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "age_s": newest and max(0, int((now - newest).total_seconds())),
        "profile": stored.cassette.profile,
        "bytes": size,
        "violations": {"error": severities["error"], "advice": severities["advice"]},
        "incomplete": stored.cassette.incomplete,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:

    errors, advice = row["violations"]["error"], row["violations"]["advice"]
    told = [counted(errors, "error")] * bool(errors) + [f"{advice:,} advice"] * bool(advice)
    return (
        row["name"],
        f"{row['interactions']:,}",
        _age(row["age_s"]),
        row["profile"],
        _size(row["bytes"]),
        ", ".join(told) or "none",
    )


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "-"
    unit, length = next((pair for pair in _UNITS if seconds >= pair[1]), _UNITS[-1])
    return f"{seconds // length} {unit}"


def _size(count: int) -> str:
    for unit, length in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count} B"


_WIDTH = 76  # of a line of base64
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(:?)|([^"]+)')


@click.command(
    "show",
    help="Show the interactions of a cassette, a line each, or one in full: metadata first, then "
    "request and response.\n\n\b\n"
    "Example:\n  runreel cassette show examples/modify-run modifyRun-55f2ed47",
)
@click.argument("name", metavar="NAME")
@click.argument("wanted", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As in the cassette, in ASCII.")
@of_cassettes
def show(
    name: str,
    wanted: str | None,
    config: Path | None,
    cassettes: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print what the cassette holds; nothing in it can steer the terminal."""
    store = FileStore(configuration(config, cassettes).cassettes)
    cassette = read(store, name).cassette
    if cassette.incomplete is not None:
        say(safe(f"runreel: cassette '{name}' is incomplete: {cassette.incomplete}"), err=True)
    if wanted is not None:
        item = one_of(cassette, name, wanted)
        if as_json:
            say_json(interaction_document(item))
            return
        for line in _in_full(interaction_document(item)):
            say(line)
    elif as_json:
        say_json([interaction_document(item) for item in cassette.interactions])
    elif cassette.interactions:
        for line in columns([_show_row(item.value) for item in cassette.interactions]):
            say(safe(line))


def one_of(cassette: Cassette, name: str, wanted: str) -> Redacted[Interaction]:
    """The interaction of an id.

    Raises:
        StartRefused: there is none; names the nearest.
    """
    found = {item.value.id: item for item in cassette.interactions}
    if wanted in found:
        return found[wanted]
    near = get_close_matches(wanted, found, n=1, cutoff=0)
    hint = f"; the nearest is '{near[0]}'" if near else ""
    raise StartRefused(
        f"there is no interaction '{wanted}' in cassette '{name}'{hint}, and runreel cassette show "
        f"{name} lists all"
    )


def _show_row(item: Interaction) -> tuple[str, ...]:
    metadata = _metadata(item.request.body)
    return (
        item.id,
        item.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        str(item.response.status),
        item.request.method,
        item.request.target,
        "" if metadata is None else json.dumps(metadata, ensure_ascii=False),
    )


def _metadata(body: bytes) -> Any:
    """The metadata that a body carries, or None."""
    try:
        value = loads(body.decode("utf-8"))
    except ValueError:
        return None
    return value.get("metadata") if isinstance(value, dict) else None


def _in_full(document: dict[str, Any]) -> Iterator[str]:

    request, response = document["request"], document.get("response", {})
    took = f"{document['recorded_at']}, {document['duration_ms']} ms"
    yield f"{paint(document['id'], bold=True)}  {paint(took)}"
    for said, message in (("sent", request), ("returned", response)):
        value = message.get("body", {}).get("json")
        if isinstance(value, dict) and value.get("metadata") is not None:
            text = json.dumps(value["metadata"], ensure_ascii=False)
            yield f"metadata {said}: {_coloured(text)}"
    for item in document.get("violations", []):
        where = f"{item['severity']}: {item['at'] or 'the body'}: {item['message']}"
        yield paint(where, fg="red" if item["severity"] == "error" else "yellow")
    if altered := count(json.dumps(response.get("body", {})).encode()):
        yield paint(f"redacted: {altered} in the answer's body", fg="yellow")
    if "client" in document:
        yield paint("client gone: this answer reached nobody and is never played", fg="yellow")
    if "failed" in document:
        told = f"{document['failed']}: there was no answer, so this is never played"
        yield paint(told, fg="yellow")
    for name in ("scope", "after", "during"):
        if name in document:
            yield paint(f"{name}: {_listed(document[name])}")
    yield ""
    yield paint(f"{request['method']} {request['target']}", bold=True)
    yield from _message(request)
    if response:
        yield ""
        good = response["status"] < 400
        yield paint(str(response["status"]), bold=True, fg="green" if good else "red")
        yield from _message(response)


def _listed(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value) or "nothing"


def _message(message: dict[str, Any]) -> Iterator[str]:

    for line in message["headers"]:
        name, value = read_header_line(line)
        yield f"{paint(name, fg='cyan')}: {paint(value)}"
    match message.get("body"):
        case {"json": value}:
            yield ""
            yield from _pretty(value)
        case {"events": list(events)}:
            for event in events:
                yield ""
                yield from _event(event)
        case {"text": str(text)}:
            yield ""
            yield from map(paint, text.split("\n"))
        case {"base64": str(text)}:
            yield ""
            yield from (paint(text[at : at + _WIDTH]) for at in range(0, len(text), _WIDTH))


def _event(event: dict[str, Any]) -> Iterator[str]:

    head = f"+{event['at_ms']} ms  {event.get('event', '')}".rstrip()
    yield paint(head, fg="magenta")
    if "text" in event:
        yield from map(paint, event["text"].split("\n"))
    else:
        yield from _pretty(event["data"])


def _pretty(value: Any) -> Iterator[str]:
    return map(_coloured, json.dumps(value, indent=2, ensure_ascii=False).split("\n"))


def _coloured(line: str) -> str:

    return "".join(
        paint(match[1], fg="blue" if match[2] else "green") + match[2]
        if match[1]
        else paint(match[3])
        for match in _TOKEN.finditer(line)
    )


@click.command(
    "upgrade",
    help="Write cassettes as this version does: format 1, also what the first build wrote, with "
    "members in order, all digests and a salt. What is written so already is not touched.\n\n\b\n"
    "Example:\n  runreel cassette upgrade mine",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@of_cassettes
def upgrade(names: tuple[str, ...], config: Path | None, cassettes: Path | None) -> None:
    """Print a line for each cassette: rewritten, or right as it is."""
    store = FileStore(configuration(config, cassettes).cassettes)
    for name in [named(text) for text in names]:
        done = "rewritten as format 1" if rewrite(store, name, _as_written) else "format 1 already"
        say(f"runreel: {safe(name)}: {done}")


def _as_written(stored: Stored) -> Cassette | None:
    """The cassette with a salt, if its file is not what this version makes of it."""
    cassette = stored.cassette
    if not cassette.salt:
        cassette = replace(cassette, salt=secrets.token_hex(16))
    written = hashlib.sha256(dump(cassette).encode("utf-8")).hexdigest()
    return cassette if written != stored.sha256 else None


@click.command(
    "scrub",
    help="Apply today's redaction to cassettes, and take out what check takes for a secret. One "
    "that needs nothing is not touched.\n\n\b\nExample:\n  runreel cassette scrub mine --dry-run",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@of_cassettes
def scrub(
    names: tuple[str, ...], config: Path | None, cassettes: Path | None, *, dry_run: bool
) -> None:
    """Print a line for each place that changes; exit with 1 if a secret stays."""
    settings = configuration(config, cassettes)
    store = FileStore(settings.cassettes)
    redaction = redaction_of(settings)
    left = 0
    for name in [named(text) for text in names]:
        plan = _Plan(name, redaction)
        if dry_run:
            plan(read(store, name))
        else:
            rewrite(store, name, plan)
        scrubbed = plan.scrubbed
        for place in scrubbed.changed:
            say(safe(f"{name}: {discreet(place.id)}: {shown_pointer(place.at)}"))
        for place in scrubbed.left:
            remedy = "looks like a secret that no rule can take out; delete it by hand"
            where = f"{name}: {discreet(place.id)}: {shown_pointer(place.at)}"
            say(safe(f"{where}: {remedy}"), err=True)
        count = counted(len(scrubbed.changed), "place")
        verb = "would be" if dry_run else "was" if len(scrubbed.changed) == 1 else "were"
        outcome = f"{count} {verb} scrubbed" if scrubbed.changed else "nothing to scrub"
        if scrubbed.left:
            outcome += f", {counted(len(scrubbed.left), 'place')} left to delete by hand"
        say(safe(f"runreel: {name}: {outcome}"))
        left += len(scrubbed.left)
    if left:
        sys.exit(1)


class _Plan:
    """What scrubbing makes of a cassette: called once to look, and again under the lock."""

    def __init__(self, name: str, redaction: Redaction) -> None:
        self._name = name
        self._redaction = redaction
        self.scrubbed: Scrubbed

    def __call__(self, stored: Stored) -> Cassette | None:

        try:
            self.scrubbed = scrubbed_of(stored.cassette, self._redaction)
        except Unredactable as error:
            raise Unredactable(f"{self._name}: {error}") from None
        return self.scrubbed.cassette if self.scrubbed.changed else None


_VALUE_CHARS_MAX = 200  # of one value on the screen; --json has it whole
_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


@click.command(
    "diff",
    help="Compare two cassettes, by name or file: calls that were added or removed, and per call "
    "what differs in query, body, status and headers. Exit code 1 if anything does.\n\n\b\n"
    "Example:\n  runreel cassette diff mine examples/modify-run",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_cassettes
def diff(
    first: str, second: str, config: Path | None, cassettes: Path | None, *, as_json: bool
) -> None:
    """Print what differs; nothing if nothing does."""
    store = FileStore(configuration(config, cassettes).cassettes)
    found = compare(read(store, first).cassette, read(store, second).cassette)
    if as_json:
        say_json(_document(found))
    else:
        _print(found)
    if not found.equal:
        sys.exit(1)


def _document(found: Comparison) -> dict[str, Any]:
    return {
        "equal": found.equal,
        "head": [_side_by_side("head", item) for item in found.head],
        "changed": [
            {
                **_call(pair.first),
                "b": pair.second.id,
                "differences": [
                    *(_side_by_side("request", item) for item in pair.request),
                    *(_side_by_side("response", item) for item in pair.response),
                ],
            }
            for pair in found.changed
        ],
        "removed": [_call(item) for item in found.removed],
        "added": [_call(item, "b") for item in found.added],
    }


def _call(item: Interaction, side: str = "a") -> dict[str, Any]:
    return {side: item.id, "method": item.request.method, "target": item.request.target}


def _side_by_side(part: str, item: Difference) -> dict[str, Any]:

    sides = {"a": item.sent, "b": item.recorded}
    shown = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"part": part, "facet": item.facet, "at": item.at, **shown}


def _print(found: Comparison) -> None:
    for item in found.head:
        _line("~", f"{item.facet}: {_values(item)}")
    for gone in found.removed:
        _line("-", _named(gone))
    for new in found.added:
        _line("+", _named(new))
    for pair in found.changed:
        other = f" (there {pair.second.id})" if pair.second.id != pair.first.id else ""
        _line("~", _named(pair.first) + other)
        for part, items in (("request", pair.request), ("response", pair.response)):
            for item in items:
                where = f"{part} {item.facet} {item.at}".rstrip()
                _line(" ", f"  {where}: {_values(item)}")


def _line(sign: str, text: str) -> None:

    say(paint(f"{sign} {text}", fg=_COLOURS.get(sign)))


def _named(item: Interaction) -> str:
    return f"{item.id}  {item.request.method} {item.request.target}"


def _values(item: Difference) -> str:
    return f"{shown(item.sent, _VALUE_CHARS_MAX)} -> {shown(item.recorded, _VALUE_CHARS_MAX)}"


@click.command(
    "check",
    help="Check cassettes, all or those named: format, digests, redaction, secrets in any "
    "disguise, recorded errors of validation. Exit code 1 on any finding.\n\n\b\n"
    "Example:\n  runreel cassette check cassettes/examples/modify-run.json",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE.json]...")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_cassettes
def check(
    names: tuple[str, ...], config: Path | None, cassettes: Path | None, *, as_json: bool
) -> None:
    """Print a line for each finding: file, id, place, rule; never a secret."""
    settings = configuration(config, cassettes)
    if not names and not settings.cassettes.is_dir():
        raise StartRefused(
            f"{settings.cassettes}: there is no such folder; name that of the cassettes with "
            "--cassettes DIR"
        )
    store = FileStore(settings.cassettes)
    redaction = redaction_of(settings)
    checked = names or tuple(store.names())
    findings = [
        (file, finding)
        for name in checked
        for file, finding in _checked(store, settings.cassettes, name, redaction)
    ]
    if as_json:
        listed: list[dict[str, Any]] = [{"file": file} | asdict(item) for file, item in findings]
        say_json({"checked": len(checked), "findings": listed})
    else:
        for file, found in findings:
            where = ": ".join(safe(part) for part in (file, found.id, found.at) if part)
            say(f"{where}: {paint(found.rule, fg='red', bold=True)}: {safe(found.message)}")
        count = counted(len(findings), "finding")
        say(f"runreel: {counted(len(checked), 'cassette')} checked, {count}", err=bool(findings))
    if findings:
        sys.exit(1)


def _checked(
    store: FileStore, folder: Path, text: str, redaction: Redaction
) -> list[tuple[str, Finding]]:
    """The findings of one cassette, each with its file."""
    by_file = is_file(text)
    path = Path(text) if by_file else folder / f"{named(text)}.json"
    content, damaged = None, []
    try:
        content = content_of(path)
        stored = None if by_file else store.load(text)
    except CassetteDamaged as error:
        stored, damaged = None, [Finding("", None, "damaged", str(error))]
    if stored is not None and stored.notes:
        content = dump(stored.cassette).encode("utf-8")  # as file and journal hold it together
    if content is None and not damaged:
        raise missing(text)
    found = check_bytes(content, redaction) if content is not None else ()
    told = any(finding.rule in ("format", "digest") for finding in found)
    return [(str(path), finding) for finding in (*found, *([] if told else damaged))]
