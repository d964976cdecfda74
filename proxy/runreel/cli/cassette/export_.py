"""`runreel cassette export`: a cassette in the words of other tools."""

from contextlib import suppress
from pathlib import Path

import click

from runreel.cli.cassette.options import PATH, configuration, of_cassettes

FORMATS = ("har", "vcrpy", "curl")


@click.command(
    "export",
    help="Write a cassette as a HAR file, as a vcrpy cassette or as curl commands.\n\n\b\n"
    "Example:\n  runreel cassette export mine --format har --output mine.har",
)
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(FORMATS), required=True)
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
    from runreel.cassettes import load
    from runreel.core.cassette import NotACassetteName, check_name
    from runreel.core.errors import StartRefused
    from runreel.importers import curl, har, vcr

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
    from runreel.core.errors import CassetteDamaged, StartRefused, StoreFailed
    from runreel.stores.durable import replace_file
    from runreel.stores.reading import read_file

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
