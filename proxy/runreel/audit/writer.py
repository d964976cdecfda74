"""The one writer of the audit log: what is said of metadata, in the order in which it is said.

An intent is on disk when what `say` gives is done, and an outcome that cannot be written is held
until it can. Actors are named here, by an HMAC of their credential under the log's key. Knows the
log as a port, and nothing of requests on their way.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from runreel.audit.entries import Entry, Known
from runreel.audit.history import ChangeResult, MetadataHistory, Occasion
from runreel.audit.observation import ChangeRequest
from runreel.errors import StoreFailed
from runreel.http.messages import Headers, values
from runreel.redaction.secrets import of_authorization
from runreel.storage.group_commit import GroupCommit

_HEX_DIGITS = 32
_HEADERS = ("authorization", "api-key", "x-api-key")  # the first that is there decides


def actor(secret: bytes, headers: Headers) -> str | None:
    """The name of whoever sent these headers; None if they hold no credential.

    A key is the same actor in whichever header it comes.
    """
    for name in _HEADERS:
        for value in values(headers, name):
            credential = of_authorization(value)[0] if name == "authorization" else value.strip()
            if credential:
                digest = hmac.new(secret, credential.encode("latin-1", "replace"), hashlib.sha256)
                return f"hmac-sha256:{digest.hexdigest()[:_HEX_DIGITS]}"
    return None


class AuditLog(Protocol):
    """The audit log, and the right to append to it.

    Methods block; callers on an event loop use a thread, and never two at once. `notes` are
    sentences for whoever runs it; who tells them empties the list.
    """

    notes: list[str]

    def key(self) -> bytes:
        """The secret under which actors are named; the same for as long as the log is kept.

        Raises:
            StoreFailed: there is none.
        """
        ...

    def append(self, drafts: Sequence[Entry], *, durable: bool) -> tuple[Entry, ...]:
        """The drafts as entries of the chain, in order; `durable`: they and all before are on disk.

        Raises:
            StoreFailed: none of them is in the log; the next call may work.
        """
        ...

    def close(self) -> None:
        """Make all durable and give up the right to append; the last call.

        Raises:
            StoreFailed: not all of it is durable.
        """
        ...


WAITING_MAX = 1_000  # things said; then whoever has more to say waits


@dataclass(frozen=True, slots=True)
class Intended:
    """A change that is to be forwarded once it is written."""

    headers: Headers
    occasion: Occasion
    asked: ChangeRequest


@dataclass(frozen=True, slots=True)
class Concluded:
    """What became of a change."""

    intent: Entry
    asked: ChangeRequest
    result: ChangeResult


@dataclass(frozen=True, slots=True)
class Observed:
    """What an answer showed."""

    headers: Headers
    occasion: Occasion
    result: ChangeResult


Said = Intended | Concluded | Observed


class AuditWriter:
    """Writes what is said; `tell` gets a sentence when something is wrong, or newly known."""

    def __init__(self, log: AuditLog, tell: Callable[[str], None]) -> None:
        self._log = log
        self._tell = tell
        self._history = MetadataHistory()
        self._commits: GroupCommit[Said, Entry | None] = GroupCommit("the audit log", self._append)
        self._held: list[Said] = []  # outcomes that could not be written yet
        self._failing = False

    def known(self, asked: ChangeRequest) -> Known:
        """The metadata that a resource was last seen with."""
        return self._history.known(asked.resource, asked.thread_id)

    def say(self, said: Said) -> "asyncio.Future[Entry | None]":
        """Have something written, soon and after all that was said before; of an intent, done once
        its entry is durable.
        """
        return self._commits.add(said)

    async def room(self) -> None:
        """Return once there is room for more."""
        await self._commits.room(WAITING_MAX)

    async def close(self) -> None:
        """Write all that waits, and give up the log.

        Raises:
            StoreFailed: not all of it is on disk.
        """
        await self._commits.idle()
        try:
            if self._held:
                await asyncio.to_thread(self._written, [])
        finally:
            await asyncio.to_thread(self._log.close)
            self._tell_news()

    async def _append(self, batch: list[Said]) -> list[Entry | None]:
        """The entries of the intents in a batch, each in its place."""
        try:
            entries = await asyncio.to_thread(self._written, batch)
        except StoreFailed as error:
            if not self._failing:
                self._tell(f"{error}; until it can, changes are refused and reads are not logged")
            self._failing = True
            raise
        finally:
            self._tell_news()
        if self._failing:
            self._tell("the audit log can be written again")
        self._failing = False
        intents = (entry for entry in entries if entry.kind == "intent")
        return [next(intents) if isinstance(said, Intended) else None for said in batch]

    def _written(self, batch: list[Said]) -> tuple[Entry, ...]:
        """In a thread. What fails is none of it written, but what was concluded is held."""
        batch = [*self._held, *batch]
        durable = any(isinstance(said, Intended) for said in batch)
        try:
            named = any(not isinstance(said, Concluded) for said in batch)
            key = self._log.key() if named else b""
            drafts = [draft for said in batch for draft in self._drafts(said, key)]
            entries = self._log.append(drafts, durable=durable)
        except BaseException:
            self._history.undo()
            self._held = [said for said in batch if isinstance(said, Concluded)]
            raise
        self._history.keep()
        self._held = []
        return entries

    def _drafts(self, said: Said, key: bytes) -> tuple[Entry, ...]:
        if isinstance(said, Concluded):
            return (self._history.outcome(said.intent, said.asked, said.result),)
        named = replace(said.occasion, actor=actor(key, said.headers))
        if isinstance(said, Intended):
            return (self._history.intent(named, said.asked),)
        return self._history.observations(named, said.result)

    def _tell_news(self) -> None:
        for sentence in (*self._log.notes, *self._history.news):
            self._tell(sentence)
        self._log.notes.clear()
        self._history.news.clear()
