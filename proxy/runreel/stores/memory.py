"""A store in memory, for tests and for sessions that keep nothing."""

import hashlib

from runreel.core.cassette import Cassette, dump, parse
from runreel.core.document import BadDocument
from runreel.core.errors import CassetteDamaged
from runreel.ports import Stored


class MemoryStore:
    """Keeps the documents themselves, so that what comes back went through the format."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        return sorted(self.documents)

    def load(self, name: str) -> Stored | None:
        """The cassette, or None."""
        text = self.documents.get(name)
        if text is None:
            return None
        try:
            return Stored(parse(text), _digest(text))
        except BadDocument as error:
            raise CassetteDamaged(f"{name}: {error}") from None

    def check_writable(self, name: str) -> None:
        """Memory is always writable."""

    def save(self, name: str, cassette: Cassette) -> str:
        """Keep the cassette's document."""
        text = dump(cassette)
        self.documents[name] = text
        return _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
