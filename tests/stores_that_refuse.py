"""Stores that give no right to record, as read-only media do."""

from runreel.core.cassette import Cassette
from runreel.core.errors import StartRefused
from runreel.stores.memory import MemoryJournal, MemoryStore


class NoJournals(MemoryStore):
    def open_journal(self, name: str, header: Cassette) -> MemoryJournal:
        raise StartRefused(f"{name} of {header.upstream} cannot be written")
