"""`runreel cassette diff`: what tells two cassettes apart.

`runreel cassette check`: is everything right, and no secret in it? For pre-commit and CI.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from runreel.cassettes.check import Finding, check_bytes
from runreel.cassettes.diff import Comparison, compare
from runreel.cassettes.file_store import FileStore, content_of
from runreel.cassettes.format import dump
from runreel.cli.cassette_options import configuration, is_file, missing, named, of_cassettes, read
from runreel.cli.output import paint, say, say_json
from runreel.config.settings import redaction_of
from runreel.errors import CassetteDamaged, StartRefused
from runreel.http.messages import Interaction
from runreel.matching.json_diff import ABSENT, Difference
from runreel.matching.near_miss import shown
from runreel.redaction.redactor import Redaction
from runreel.text import counted, safe

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
