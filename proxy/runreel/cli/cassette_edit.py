"""`runreel cassette edit` and `accept`: recordings that people change on purpose."""

import sys
from pathlib import Path

import click

from runreel.cassettes import rewrite
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette
from runreel.cassettes.hand_edits import accepted, edited, secrets_in, text_of
from runreel.cassettes.journal import Stored
from runreel.cassettes.secret_scan import discreet
from runreel.cli.cassette import one_of
from runreel.cli.cassette_options import configuration, named, of_cassettes, read
from runreel.cli.output import say
from runreel.config.settings import redaction_of
from runreel.errors import CassetteDamaged, StartRefused
from runreel.http.strict_json import BadDocument
from runreel.redaction.redactor import Redaction
from runreel.text import counted, safe


@click.command(
    "accept",
    help="Take over what was edited by hand in cassette files: the digests are written anew, and "
    "the interactions that changed are named. An edit that brings a secret in is refused.\n\n\b\n"
    "Example:\n  runreel cassette accept mine",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@of_cassettes
def accept(names: tuple[str, ...], config: Path | None, cassettes: Path | None) -> None:
    """Print a line for each interaction that was edited, and one for each cassette."""
    settings = configuration(config, cassettes)
    store = FileStore(settings.cassettes)
    for name in [named(text) for text in names]:
        taken = _Accepting(name, redaction_of(settings))
        try:
            store.take_over(name, taken)
        except BadDocument as error:
            raise CassetteDamaged(f"{name}: {error}") from None
        for id_ in taken.ids:
            say(safe(f"{name}: {discreet(id_)}: accepted as it is"))
        done = counted(len(taken.ids), "interaction") + " accepted"
        say(safe(f"runreel: {name}: {done if taken.ids else 'nothing was edited'}"))


class _Accepting:
    """What accepting makes of the text of a cassette."""

    def __init__(self, name: str, redaction: Redaction) -> None:
        self._name = name
        self._redaction = redaction
        self.ids: tuple[str, ...] = ()

    def __call__(self, text: str) -> Cassette | None:
        cassette, self.ids = accepted(text)
        _refuse_secrets(self._name, cassette, self.ids, self._redaction)
        return cassette if self.ids else None


def _refuse_secrets(
    name: str, cassette: Cassette, ids: tuple[str, ...], redaction: Redaction
) -> None:
    found = secrets_in(cassette, ids, redaction) if ids else []
    for one in found:
        say(safe(f"{name}: {one.id}: {one.at}: {one.rule}: {one.message}"), err=True)
    if found:
        raise StartRefused(
            f"the edit of cassette '{name}' holds what looks like a secret; write *** in its place"
        )


@click.command(
    "edit",
    help="Open one interaction of a cassette in $VISUAL or $EDITOR, as JSON, and put what you make "
    "of it in its place, with its digest. What cannot be read is refused with line and column, and "
    "opened again.\n\n\b\n"
    "Example:\n  runreel cassette edit mine modifyRun-55f2ed47",
)
@click.argument("name", metavar="NAME")
@click.argument("wanted", metavar="ID")
@of_cassettes
def edit(name: str, wanted: str, config: Path | None, cassettes: Path | None) -> None:
    """Print what came of it."""
    settings = configuration(config, cassettes)
    store = FileStore(settings.cassettes)
    before = read(store, named(name))
    text = text_of(one_of(before.cassette, name, wanted))
    changed = _asked_for(text, before.cassette, wanted)
    if changed is None:
        say(safe(f"runreel: {name}: nothing was changed"))
        return
    _refuse_secrets(name, changed, (wanted,), redaction_of(settings))

    def change(stored: Stored) -> Cassette | None:
        if stored.sha256 != before.sha256:
            raise StartRefused(
                f"cassette '{name}' was written by somebody else while you edited it; edit it again"
            )
        return changed

    rewrite(store, name, change)
    say(safe(f"runreel: {name}: {wanted} is as you wrote it"))


def _asked_for(text: str, cassette: Cassette, wanted: str) -> Cassette | None:
    """What the user makes of an interaction; None if that is what it was."""
    asked = text
    while True:
        written = click.edit(asked, extension=".json")
        if written is None or written == text:
            return None
        try:
            return edited(cassette, wanted, written)
        except BadDocument as error:
            if not sys.stdin.isatty():
                raise StartRefused(f"{error}; nothing was written") from None
            say(safe(f"runreel: {error}"), err=True)
            asked = written
            if not click.confirm("Open it again?", default=True, err=True):
                return None
