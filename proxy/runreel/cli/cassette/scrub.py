"""`runreel cassette scrub`: today's redaction for what was recorded before."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runreel.cli.cassette.options import configuration, of_cassettes
from runreel.core.errors import Unredactable

if TYPE_CHECKING:
    from runreel.core.cassette import Cassette
    from runreel.core.redaction import Redaction
    from runreel.core.scrubbing import Scrubbed
    from runreel.ports import Stored


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
    from runreel.cassettes import rewrite
    from runreel.cli.cassette.sources import named, read
    from runreel.cli.terminal import counted, safe, say
    from runreel.config import redaction_of
    from runreel.core.keyshapes import discreet
    from runreel.core.spotting import shown_pointer
    from runreel.stores.files import FileStore

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

    def __init__(self, name: str, redaction: "Redaction") -> None:
        self._name = name
        self._redaction = redaction
        self.scrubbed: Scrubbed

    def __call__(self, stored: "Stored") -> "Cassette | None":
        from runreel.core.scrubbing import scrub

        try:
            self.scrubbed = scrub(stored.cassette, self._redaction)
        except Unredactable as error:
            raise Unredactable(f"{self._name}: {error}") from None
        return self.scrubbed.cassette if self.scrubbed.changed else None
