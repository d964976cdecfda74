"""A store in memory, for tests and for sessions that keep nothing."""

import hashlib
from collections.abc import Sequence

from runreel.cassettes.format import Cassette, dump, parse
from runreel.cassettes.journal import Opening, Pending, Record, Stored, recover
from runreel.errors import CassetteBusy, CassetteDamaged
from runreel.http.strict_json import BadDocument


class MemoryStore:
    """Keeps the documents themselves, so that what comes back went through the format."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.journals: dict[str, list[Record]] = {}
        self.recorders: set[str] = set()  # names of the cassettes that are being recorded

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        return sorted({*self.documents, *self.journals})

    def load(self, name: str) -> Stored | None:
        """The cassette with what its journal holds, or None."""
        text = self.documents.get(name)
        try:
            cassette = None if text is None else parse(text)
            found = recover(cassette, None, self.journals.get(name, []))
        except BadDocument as error:
            raise CassetteDamaged(f"{name}: {error}") from None
        digest = None if text is None else _digest(text)
        return None if found is None else Stored(found, digest)

    def mark(self, name: str) -> object:
        """The document itself, and how much its journal holds."""
        return self.documents.get(name), len(self.journals.get(name, []))

    def open_journal(self, name: str, header: Cassette) -> "MemoryJournal":
        """Take in what an earlier recorder left, and begin to record."""
        if name in self.recorders:
            raise CassetteBusy(f"cassette '{name}' is being recorded by another session")
        if (stored := self.load(name)) is not None and name in self.journals:
            self.documents[name] = dump(stored.cassette)
            del self.journals[name]
        self.recorders.add(name)
        return MemoryJournal(self, name, header)


class MemoryJournal:
    """Captures in a list of the store."""

    def __init__(self, store: MemoryStore, name: str, header: Cassette) -> None:
        self._store = store
        self._name = name
        self._opening = Opening(header)
        self.notes: tuple[str, ...] = ()

    def append(self, captures: Sequence[Pending]) -> None:
        """Keep the captures."""
        self._store.journals.setdefault(self._name, [self._opening]).extend(captures)

    def check(self) -> None:
        """Memory can always be written."""

    def commit(self, cassette: Cassette | None) -> str | None:
        """Keep the cassette's document."""
        self.release()
        self._store.journals.pop(self._name, None)
        if cassette is None:
            return None
        text = dump(cassette)
        self._store.documents[self._name] = text
        return _digest(text)

    def release(self) -> None:
        """Give up the right; what is in the journal stays there."""
        self._store.recorders.remove(self._name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
