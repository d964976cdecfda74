"""`runreel cassette check`: is everything right, and no secret in it? For pre-commit and CI."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.cassette.options import configuration, of_cassettes
from runreel.core.errors import CassetteDamaged, StartRefused

if TYPE_CHECKING:
    from runreel.core.checking import Finding
    from runreel.core.redaction import Redaction
    from runreel.stores.files import FileStore


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
    from runreel.cli.terminal import counted, paint, safe, say, say_json
    from runreel.config import redaction_of
    from runreel.stores.files import FileStore

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
    store: "FileStore", folder: Path, text: str, redaction: "Redaction"
) -> list[tuple[str, "Finding"]]:
    """The findings of one cassette, each with its file."""
    from runreel.cli.cassette.sources import is_file, missing, named
    from runreel.core.cassette import dump
    from runreel.core.checking import Finding, check_bytes
    from runreel.stores.reading import content_of

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
