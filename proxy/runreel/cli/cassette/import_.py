"""`runreel cassette import`: recordings of other tools become cassettes."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from runreel.cli.cassette.options import PATH, configuration, of_cassettes

FORMATS = ("auto", "vcrpy", "vcr-ruby", "har")
PROGRESS_BYTES_MIN = 4 * 1024 * 1024  # of bodies: less is done before anyone could read of it


@click.command(
    "import",
    help="Turn recordings of VCR (Python, Ruby) and HAR files into cassettes.\n\n\b\n"
    "Example:\n  runreel cassette import tests/cassettes/old.yaml --to mine",
)
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--to", "name", help="Name of the cassette; else that of the file.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="auto", help="[auto]")
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
    from runreel.cassettes import save_all
    from runreel.cli.terminal import safe, say
    from runreel.config import redaction_of
    from runreel.core.adoption import Adoption
    from runreel.core.facets import MATCH_ON
    from runreel.core.profiles import PROFILES
    from runreel.importing import plan, read
    from runreel.stores.files import FileStore

    loaded = configuration(config, cassettes)
    adoption = Adoption(
        redaction=redaction_of(loaded),
        profile=PROFILES[loaded.profile],
        check_request=loaded.validation.request,
        check_response=loaded.validation.response,
        decoded_bytes_max=loaded.limits.decoded_body_bytes_max,
        match_on=loaded.match.match_on or MATCH_ON,
    )
    sources = read(files, kind)
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
