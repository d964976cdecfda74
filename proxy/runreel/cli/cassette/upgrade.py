"""`runreel cassette upgrade`: cassettes as this version writes them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runreel.cli.cassette.options import configuration, of_cassettes

if TYPE_CHECKING:
    from runreel.core.cassette import Cassette
    from runreel.ports import Stored


@click.command(
    "upgrade",
    help="Write cassettes as this version does: format 1, the only one so far, with members in "
    "order and all digests. What is written so already is not touched.\n\n\b\n"
    "Example:\n  runreel cassette upgrade mine",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@of_cassettes
def upgrade(names: tuple[str, ...], config: Path | None, cassettes: Path | None) -> None:
    """Print a line for each cassette: rewritten, or right as it is."""
    from runreel.cassettes import rewrite
    from runreel.cli.cassette.sources import named
    from runreel.cli.terminal import safe, say
    from runreel.stores.files import FileStore

    store = FileStore(configuration(config, cassettes).cassettes)
    for name in [named(text) for text in names]:
        done = "rewritten as format 1" if rewrite(store, name, _as_written) else "format 1 already"
        say(f"runreel: {safe(name)}: {done}")


def _as_written(stored: "Stored") -> "Cassette | None":
    """The cassette, if its file is not what this version makes of it."""
    import hashlib

    from runreel.core.cassette import dump

    written = hashlib.sha256(dump(stored.cassette).encode("utf-8")).hexdigest()
    return stored.cassette if written != stored.sha256 else None
