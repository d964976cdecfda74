"""`runreel cassette import` and `export`: cassettes in the words of other tools."""

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from runreel.assistants import PROFILES
from runreel.cassettes import load, save_all
from runreel.cassettes.file_store import FileStore, read_file
from runreel.cassettes.format import NotACassetteName, check_name
from runreel.cli.cassette_options import PATH, configuration, of_cassettes
from runreel.cli.output import say
from runreel.config.settings import redaction_of
from runreel.errors import CassetteDamaged, StartRefused, StoreFailed
from runreel.importers import curl, har, vcr
from runreel.importers.importer import Adoption, plan, read_sources
from runreel.matching.matchers import MATCH_ON
from runreel.storage.files import replace_file
from runreel.text import safe

IMPORT_FORMATS = ("auto", "vcrpy", "vcr-ruby", "har")
PROGRESS_BYTES_MIN = 4 * 1024 * 1024  # of bodies: less is done before anyone could read of it


@click.command(
    "import",
    help="Turn recordings of VCR (Python, Ruby) and HAR files into cassettes.\n\n\b\n"
    "Example:\n  runreel cassette import tests/cassettes/old.yaml --to mine",
)
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--to", "name", help="Name of the cassette; else that of the file.")
@click.option("--format", "kind", type=click.Choice(IMPORT_FORMATS), default="auto", help="[auto]")
@click.option("--host", help="Import the calls to this host; needed where there are several.")
@click.option("--force", is_flag=True, help="Replace a cassette that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Report as one JSON object.")
@of_cassettes
def import_(
    files: tuple[Path, ...],
    name: str | None,
    kind: str,
    host: str | None,
    *,
    force: bool,
    as_json: bool,
    config: Path | None,
    cassettes: Path | None,
) -> None:
    """Import all files, or none if anything is wrong with one."""
    loaded = configuration(config, cassettes)
    adoption = Adoption(
        redaction=redaction_of(loaded),
        profile=PROFILES[loaded.profile],
        check_request=loaded.validation.request,
        check_response=loaded.validation.response,
        decoded_bytes_max=loaded.limits.decoded_body_bytes_max,
        match_on=loaded.match.match_on or MATCH_ON,
        salt=secrets.token_hex(16),  # one for all files of an import: they may be merged later
    )
    sources = read_sources(files, kind)
    long = sum(source.body_bytes for source in sources) >= PROGRESS_BYTES_MIN
    each = _with_progress if long and sys.stderr is not None and sys.stderr.isatty() else iter
    planned = plan(sources, adoption, name, host, each)
    save_all(FileStore(loaded.cassettes), planned.cassettes, force=force)
    if as_json:
        document = {"files": [report.document() for report in planned.reports]}
        click.echo(json.dumps(document, indent=2))
    else:
        for line in (line for report in planned.reports for line in report.lines()):
            say(safe(line))


def _with_progress(exchanges: Sequence[Any]) -> Iterator[Any]:
    with click.progressbar(exchanges, label="importing", file=sys.stderr) as working:
        yield from working


EXPORT_FORMATS = ("har", "vcrpy", "curl")


@click.command(
    "export",
    help="Write a cassette as a HAR file, as a vcrpy cassette or as curl commands.\n\n\b\n"
    "Example:\n  runreel cassette export mine --format har --output mine.har",
)
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(EXPORT_FORMATS), required=True)
@click.option("--output", type=PATH, help="File to write, or replace; else stdout.")
@click.option(
    "--base-url", default="http://127.0.0.1:8080", show_default=True, help="curl: where to."
)
@of_cassettes
def export(
    name: str,
    kind: str,
    output: Path | None,
    base_url: str,
    config: Path | None,
    cassettes: Path | None,
) -> None:
    """Write the cassette in another format, redacted as it is stored."""
    try:
        check_name(name)
    except NotACassetteName as error:
        raise StartRefused(str(error)) from None
    found = load(configuration(config, cassettes).cassettes / f"{name}.json")
    match kind:
        case "har":
            content, gone = har.write(found)
        case "vcrpy":
            content, gone = vcr.write_vcrpy(found)
        case _:
            content, gone = curl.write(found, base_url.rstrip("/"))
    if output is None:
        click.echo(content, nl=False)
    else:
        _write(output, content)
    for left in gone:
        click.echo(f"runreel: {left} is left out: nobody got its answer", err=True)


def _write(path: Path, content: bytes) -> None:

    try:
        if path.is_file():
            with suppress(CassetteDamaged):
                read_file(path)
                raise StartRefused(f"{path} is a cassette; name another file with --output")
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a pipe or a device stays what it is
        elif path.parent.is_dir():
            replace_file(path.resolve(), content)
        else:
            raise StartRefused(f"{path}: there is no folder {path.parent}; make it first")
    except OSError as error:
        raise StoreFailed(f"{path}: cannot be written: {error.strerror}") from None
