"""Stores that give no right to record, as read-only media do."""

from memory_store import MemoryJournal, MemoryStore
from runreel.cassettes.format import Cassette
from runreel.errors import StartRefused


class NoJournals(MemoryStore):
    def open_journal(self, name: str, header: Cassette) -> MemoryJournal:
        raise StartRefused(f"{name} of {header.upstream} cannot be written")
