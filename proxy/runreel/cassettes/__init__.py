"""Cassettes for scripts and commands: load one, look at its interactions, save it.

Owns saving outside of a recording: under the same lock, and whole or not at all, so that a live
recorder is never overwritten. Scripts may call all of this; what else is in the package may change.

    from dataclasses import replace
    from runreel import cassettes

    mine = cassettes.load("cassettes/mine.json")
    failed = [one.id for one in cassettes.interactions(mine) if one.response.status >= 400]
    good = tuple(kept for kept in mine.interactions if kept.value.id not in failed)
    cassettes.save(replace(mine, interactions=good), "cassettes/good.json")
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette, NotACassetteName, check_name
from runreel.cassettes.journal import Journal, Store, Stored
from runreel.errors import StartRefused
from runreel.http.messages import Interaction


def load(path: Path | str) -> Cassette:
    """The cassette in a file, with what a recorder has left in the journal beside it.

    Raises:
        StartRefused: there is none, or the path is not that of a cassette.
        CassetteDamaged: it is there but cannot be trusted; names the place.
    """
    store, name = _place(Path(path))
    stored = store.load(name)
    if stored is None:
        raise StartRefused(f"{path}: there is no such cassette")
    return stored.cassette


def save(cassette: Cassette, path: Path | str, *, force: bool = False) -> None:
    """Write a cassette; one that is there already is only replaced with `force`.

    Its interactions are `Redacted`: they come from `load`, or from `Redaction.interaction`.

    Raises:
        StartRefused: there is one already, it is being recorded, or the path cannot be written.
        StoreFailed: it could not be written; what was there is untouched.
    """
    store, name = _place(Path(path))
    save_all(store, {name: cassette}, force=force)


def interactions(cassette: Cassette) -> tuple[Interaction, ...]:
    """The interactions of a cassette in order, as plain values; bodies are decoded bytes."""
    return tuple(redacted.value for redacted in cassette.interactions)


def save_all(store: Store, cassettes: Mapping[str, Cassette], *, force: bool) -> None:
    """Write cassettes by name; nothing is written before all may be.

    Raises:
        StartRefused: one is there already and `force` is not given, or one cannot be written.
        CassetteDamaged: what is there cannot be trusted.
        StoreFailed: one could not be written; what was there is untouched.
    """
    with ExitStack() as stack:
        journals: dict[str, Journal] = {}
        for name, cassette in cassettes.items():
            journals[name] = store.open_journal(name, replace(cassette, interactions=()))
            stack.callback(_let_go, journals, name)
            if not force and store.load(name) is not None:
                raise StartRefused(
                    f"there is a cassette '{name}' already; give another name, or replace it with "
                    "--force"
                )
        for name, cassette in cassettes.items():
            journals.pop(name).commit(cassette)


def rewrite(store: Store, name: str, change: Callable[[Stored], Cassette | None]) -> bool:
    """Put what `change` makes of a cassette in its place, and return whether there was anything to
    change; where it makes None of it nothing is touched, and nothing locked.

    Raises:
        StartRefused: there is no such cassette, it is being recorded, or it cannot be written.
        CassetteDamaged: what is there cannot be trusted.
        StoreFailed: it could not be written; what was there is untouched.
    """
    stored = _known(store, name)
    if change(stored) is None:
        return False
    with ExitStack() as stack:
        journals = {name: store.open_journal(name, replace(stored.cassette, interactions=()))}
        stack.callback(_let_go, journals, name)
        changed = change(_known(store, name))  # what it was under the lock is what counts
        if changed is not None:
            journals.pop(name).commit(changed)
    return True


def _known(store: Store, name: str) -> Stored:
    stored = store.load(name)
    if stored is None:
        raise StartRefused(
            f"there is no cassette '{name}'; runreel cassette list shows those there are"
        )
    return stored


def _let_go(journals: dict[str, Journal], name: str) -> None:
    if name in journals:
        journals.pop(name).commit(None)


def _place(path: Path) -> tuple[FileStore, str]:
    name = path.name.removesuffix(".json")
    try:
        fits = path.suffix == ".json" and bool(check_name(name))
    except NotACassetteName:
        fits = False
    if not fits:
        raise StartRefused(f"{path}: not the file of a cassette, as cassettes/mine.json is")
    return FileStore(path.parent), name
