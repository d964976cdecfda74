"""What keeps cassettes: the obligations that `tests/stores/test_contract.py` holds stores to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from runreel.cassettes.format import Cassette
from runreel.cassettes.journal import Pending


@dataclass(frozen=True, slots=True)
class Stored:
    """A cassette with the SHA-256 (hex) of the very file it was read from, None if it has none.

    `notes` are sentences about what a crash had left beside that file.
    """

    cassette: Cassette
    sha256: str | None
    notes: tuple[str, ...] = ()


class Journal(Protocol):
    """The right to record into one cassette, and the place where captures wait for it.

    Methods block; callers on an event loop use a thread, and never two at once. `notes` are
    sentences about what an earlier recorder had left.
    """

    notes: tuple[str, ...]

    def append(self, captures: Sequence[Pending]) -> None:
        """Return once all of them are durable.

        Raises:
            StoreFailed: they may not be. What was appended before is untouched, and the next call
                goes to a place that is not known to be broken.
        """
        ...

    def check(self) -> None:
        """Return once the next `append` can be expected to work; at once if the last one did.

        Raises:
            StoreFailed: it cannot.
        """
        ...

    def commit(self, cassette: Cassette | None) -> str | None:
        """Save the cassette that holds all captures and give up the right to record.

        None throws away what was appended, if anything was.

        It is the last call, whether it works or not. Equal content is not written again. Returns
        the SHA-256 of the file, if one was saved.

        Raises:
            StoreFailed: that could not be done; the captures are still in the journal.
        """
        ...


class Store(Protocol):
    """Keeps cassettes by name. Methods block; callers on an event loop use a thread."""

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        ...

    def load(self, name: str) -> Stored | None:
        """The cassette together with what its journals hold; None if there is neither.

        Never writes.

        Raises:
            CassetteDamaged: something is there but cannot be trusted; names the place.
            NothingReadable: so it is, and a recording may begin without it.
        """
        ...

    def open_journal(self, name: str, header: Cassette) -> Journal:
        """Begin to record: nobody else can, until `commit` or the end of the process.

        What an earlier recorder left in a journal is in the cassette when this returns; what of it
        cannot be read is kept, and told in the journal's notes. `header`
        is that of the cassette to be, without interactions.

        Raises:
            StartRefused: somebody else records into it, or it cannot be written there.
            CassetteDamaged: something is there but cannot be trusted; names the place.
        """
        ...
