"""The store that everybody writes first: each capture rewrites the cassette, in place.

It syncs all the time, which does not help. Kept to show that the tests of this folder find it. As a
script it is the `runreel` command with this store in the place of ours.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from runreel.cassettes.file_store import FileJournal, FileStore
from runreel.cassettes.format import Cassette, dump
from runreel.cassettes.journal import Opening, Pending, recover
from runreel.cli.main import main
from runreel.server import app

PIECE_BYTES = 512


class RewritingJournal(FileJournal):
    """No journal at all."""

    def __init__(self, path: Path, header: Cassette, found: Cassette | None) -> None:
        self._path = path
        self.place = str(path)
        self._opening = Opening(header)
        self._found = found
        self._captures: list[Pending] = []
        self.notes = ()

    def append(self, captures: Sequence[Pending]) -> None:
        self._captures += captures
        self.commit(recover(self._found, None, [self._opening, *self._captures]))

    def check(self) -> None:
        pass

    def commit(self, cassette: Cassette | None) -> str | None:
        if cassette is not None:
            content = dump(cassette).encode()
            with self._path.open("wb", buffering=0) as file:
                for at in range(0, len(content), PIECE_BYTES):
                    file.write(content[at : at + PIECE_BYTES])
                    os.fsync(file.fileno())
        return None


class RewritingStore(FileStore):
    """Without lock, journal or temporary file."""

    def open_journal(self, name: str, header: Cassette) -> RewritingJournal:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = self.load(name)
        return RewritingJournal(path, header, stored.cassette if stored else None)


if __name__ == "__main__":
    vars(app)["FileStore"] = RewritingStore  # where the composition root looks it up
    main()
