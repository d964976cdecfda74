"""A live session: pure state (`session`) with the cassette it records into.

Owns when captures are durable: a reply goes after its capture was written (`GroupCommit`). Knows
its journal as a port only; how a session is opened is `manager`, what is done with a request is
`engine`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from runreel.cassettes.format import SIMULATOR, Cassette
from runreel.cassettes.journal import Journal, Pending, Stored
from runreel.cassettes.upstreams import UpstreamId, same_upstream, upstream_of
from runreel.errors import StoreFailed
from runreel.http.headers import simulated
from runreel.http.location import place_of, relocated
from runreel.http.messages import Request, Response, values
from runreel.matching.near_miss import Miss, Missed, Origin, Rerun
from runreel.ports import Upstream
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.events import Event
from runreel.sessions.modes import Mode
from runreel.sessions.session import Session
from runreel.storage.group_commit import GroupCommit

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Recording:
    """How a session that captures, from the URL `upstream`, makes it durable; `relaxed` does not
    wait. `upstream_id` is that upstream as a cassette tells it.

    `warn` is told a sentence when something was answered, as kept, that is not on disk.
    """

    journal: Journal
    upstream: str
    upstream_id: UpstreamId
    relaxed: bool
    warn: Callable[[str], None]


SAVING_TOLD_S = 1.0  # that saving may take before somebody is told
SAVING_TOLD_AGAIN_S = 5.0
OTHERS_S_MAX = 1.0  # a connection that was silent for longer is not at work


@dataclass(slots=True)
class _At:
    """The last request of a connection: whether that has closed since, and when it came."""

    connection: object
    gone: Callable[[], bool]
    at_s: float


def _takes(header: Cassette, live: UpstreamId) -> dict[bool, bool]:
    """Whether an answer comes into a cassette: one that is made up, and one of `live`."""
    found = upstream_of(header)
    return {
        made_up: same_upstream(found, UpstreamId(SIMULATOR) if made_up else live)
        for made_up in (True, False)
    }


def _origin(
    left: Journal | Stored | None, header: Cassette, rerun: Rerun | None, *, known: bool
) -> Origin:
    return Origin(
        file=left.place if left else None,
        upstream=header.upstream if known else None,
        match_on=header.match_on,
        rerun=rerun,
    )


class LiveSession:
    """One session; `recording` is None if it cannot capture, `header` is its cassette's. `name` is
    what people call it (None: its id), `own_upstream` where its calls go, if not where all others'.
    At its end `dropped` recordings went out of the cassette, or all that it captured, if that was
    `discarded`.
    """

    def __init__(  # noqa: PLR0913 - keyword-only wiring, each of them a part of the session
        self,
        *,
        id: str,  # noqa: A002 - it is the session's id everywhere else too
        mode: Mode,
        cassette: str,
        state: Session,
        header: Cassette,
        stored: Stored | None,
        recording: Recording | None,
        redaction: Redaction,
        tell: Callable[[Event], None],
        rerun: Rerun | None = None,
        name: str | None = None,
        own_upstream: Upstream | None = None,
    ) -> None:
        self.id = id
        self.name = name or id
        self.own_upstream = own_upstream
        self.mode = mode
        self.cassette = cassette
        # Where its answers come from, or came from when they were recorded.
        self.upstream = recording.upstream if recording else header.upstream
        self._upstream_id = recording.upstream_id if recording else upstream_of(header)
        self._takes = _takes(header, self._upstream_id)
        self.redaction = redaction  # for this cassette: its salt is in it
        self.state = state
        self.tell = tell
        self.sha256 = stored.sha256 if stored else None
        left = recording.journal if recording else stored
        self.notes = left.notes if left else ()
        self.origin = _origin(left, header, rerun, known=bool(recording or state.interactions))
        self._header = header
        self._keeping: set[asyncio.Task[Any]] = set()
        self._journal = recording.journal if recording else None
        self.undurable = 0  # captures that no reply waited for, and that could not be put on disk
        self.dropped, self.discarded = 0, False
        # None: a reply waits until its capture is durable, and says itself if it is not.
        self._warn = recording.warn if recording and recording.relaxed else None
        self._say = recording.warn if recording else None
        self._commits = GroupCommit("the journal", self._append, self._not_durable)
        # A task of its own, since a call in its thread outlasts a caller that is gone.
        self._probe: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()  # a journal takes one call at a time
        self._unsure = recording is not None  # whether the journal can be written now
        self._turns: list[asyncio.Future[None]] = []  # calls that wait for others to come
        # Streams being recorded, by arrival: whether the client has left, the name to keep it by.
        self._streams: dict[int, tuple[Callable[[], bool], str | None]] = {}
        self._last: _At | None = None
        self._other: _At | None = None  # the last one on another connection than the last

    @property
    def interactions(self) -> int:
        """How many interactions the cassette holds now."""
        return self.state.interactions

    def missed(
        self, miss: Miss, request: Redacted[Request] | None, opaque: str | None = None
    ) -> Missed:
        """A miss of this session, as it is told; `opaque` says why there is no `request`."""
        return Missed(miss, request, self.cassette, opaque, self.origin)

    def others_at_work(self, connection: object, gone: Callable[[], bool], at_s: float) -> bool:
        """Whether another connection, which is still open, has carried a request of this session
        within the last second; from now on this one has.
        """
        last, other = self._last, self._other
        if last is None:
            self._last = _At(connection, gone, at_s)
        elif last.connection is connection:
            last.gone, last.at_s = gone, at_s
        else:
            new = other or _At(connection, gone, at_s)
            new.connection, new.gone, new.at_s = connection, gone, at_s
            self._last, self._other = new, last
            other = last
        return other is not None and at_s - other.at_s <= OTHERS_S_MAX and not other.gone()

    async def changed(self, seconds: float) -> None:
        """Return when a call of this session came or was answered, at the latest after a time."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        await asyncio.wait([turn], timeout=max(seconds, 0))
        if turn in self._turns:
            self._turns.remove(turn)

    def wake(self) -> None:
        """Those who wait for others look again."""
        turns, self._turns = self._turns, []
        for turn in turns:
            if not turn.done():
                turn.set_result(None)

    def arrive(self) -> int:
        """A place in the order of arrival, after the streams that their clients have left."""
        for arrival, (gone, name) in [*self._streams.items()]:
            if gone():
                del self._streams[arrival]
                self.state.left(arrival, name)
                self.wake()
        return self.state.arrive()

    @contextmanager
    def streaming(self, arrival: int, gone: Callable[[], bool], name: str | None) -> Iterator[None]:
        """While a stream is recorded whose head is out, its client may leave it: it is over then
        for all that come later. `name` as in `SessionHistory.left`.
        """
        self._streams[arrival] = gone, name
        try:
            yield
        finally:
            self._streams.pop(arrival, None)

    def began(self, arrival: int) -> None:
        """The first byte of an answer was passed on."""
        self.state.began(arrival)
        self.wake()

    def ended(self, arrival: int) -> None:
        """The last byte of an answer is passed on; a second time is harmless."""
        self.state.ended(arrival)
        self.wake()

    def release(self, arrival: int) -> None:
        """A call came to nothing, or its client left before the first byte."""
        self.state.release(arrival)
        self.wake()

    async def check(self) -> None:
        """Return if a capture can be expected to become durable.

        Raises:
            StoreFailed: it cannot: nothing should be forwarded that will not be kept.
        """
        if self._unsure:
            if self._probe is None or self._probe.done():
                self._probe = asyncio.create_task(self._check())
            await asyncio.shield(self._probe)

    def refuses(self, response: Response) -> str | None:
        """Why an answer cannot come into this cassette, if it is one of another upstream.

        The simulator may stand behind any URL. The first answer tells, if the cassette is new.
        """
        made_up = simulated(response)
        if made_up and not self.interactions:
            self._header = replace(self._header, upstream=SIMULATOR, upstream_name=None)
            self._takes = _takes(self._header, self._upstream_id)
        if self._takes[made_up]:
            return None
        maker = "the simulator" if made_up else self._upstream_id.url
        return (
            f"{maker} made this answer, and cassette '{self.cassette}' was recorded from "
            f"{self._header.upstream}: recordings of different upstreams are never merged; record "
            "into another one with --cassette NAME"
        )

    @property
    def recorded_from(self) -> str:
        """The URL that its recordings stand for, or `SIMULATOR`; `upstream` may be another one."""
        return self._header.upstream

    def as_recorded(self, response: Response) -> Response:
        """An answer of the upstream as its cassette has it: redirects lead to the URL there."""
        there = self.recorded_from
        if there in (self._upstream_id.url, SIMULATOR) or not values(response.headers, "location"):
            return response
        headers = relocated(response.headers, self.upstream, place_of(there))
        return replace(response, headers=headers)

    async def persist(self, capture: Pending) -> None:
        """Return once the capture is durable; with relaxed durability, at once.

        Raises:
            StoreFailed: it is not, though it may still come into the cassette at the end.
        """
        written = self._commits.add(capture)
        if self._warn is None:
            await written

    async def shielded(self, keeping: Coroutine[None, None, Kept]) -> Kept:
        """What comes of keeping an answer, which goes on to its end even if the caller is stopped:
        `close` waits for it.
        """
        task = asyncio.create_task(keeping)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return await asyncio.shield(task)

    async def close(
        self,
        *,
        discard: bool = False,
        prunes: bool = True,
        incomplete: str | None = None,
        alone: bool = False,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Put what was captured into the cassette, or with `discard` throw it away, and give up the
        right to record. Unless it `prunes`, no recording goes that was only not asked for.
        `incomplete` says why it is half a recording, if it is. `alone`: no call is under way that
        could change anything, so that the cassette is put together beside the event loop. `note`
        is told a sentence now and then while that takes long.

        Raises:
            StoreFailed: that could not be done; the journal has it, for the next start.
        """
        while self._keeping:
            await asyncio.wait(self._keeping)
        await self._commits.idle()
        async with self._lock:
            journal, self._journal = self._journal, None
            if journal is None:
                return
            self.discarded = discard
            keeps = self.state.captured and not discard
            if keeps:
                self._tell_of_equal_creates()

            def merged() -> Cassette | None:
                return self._final(incomplete, prunes=prunes) if keeps else None

            ready = None if alone else merged()

            def put_away() -> str | None:
                return journal.commit(merged() if alone else ready)

            self.sha256 = await self._saved(put_away, note) or self.sha256
            self.undurable = 0

    def _final(self, incomplete: str | None, *, prunes: bool) -> Cassette:
        merged = self.state.merged(final=True, prunes=prunes)
        self.dropped = self.interactions - len(merged)
        return replace(
            self._header,
            interactions=merged,
            incomplete=incomplete or self._still_incomplete(),
        )

    async def _saved(
        self, put_away: Callable[[], str | None], note: Callable[[str], None]
    ) -> str | None:
        """What putting a recording away returns; told if it takes long."""
        saving = asyncio.create_task(asyncio.to_thread(put_away))
        told_s = SAVING_TOLD_S
        while not (await asyncio.wait([saving], timeout=told_s))[0]:
            told_s = SAVING_TOLD_AGAIN_S
            note(f"cassette '{self.cassette}' is being saved, {self.interactions:,} interactions")
        return await saving

    def _still_incomplete(self) -> str | None:
        """What was said before of the cassette, if this session did not go through all of it."""
        whole = not self.state.decision.plays or not self.state.unplayed()
        return None if whole else self._header.incomplete

    def _tell_of_equal_creates(self) -> None:
        equal = self.state.equal_creates()
        if equal and self._say is not None:
            self._say(
                f"{', '.join(equal[:5])}: other recordings of cassette '{self.cassette}' begin "
                "with an equal request, and a replay may take one for the other; give each story "
                "a scope, or a cassette of its own"
            )

    async def _check(self) -> None:
        async with self._lock:
            if self._journal is not None:
                await asyncio.to_thread(self._journal.check)
                self._unsure = False

    async def _append(self, captures: list[Pending]) -> list[None]:
        async with self._lock:
            if self._journal is None:
                raise StoreFailed("the recording has ended")
            worked = False
            try:
                kept = await asyncio.to_thread(self._journal.append, captures)
                worked = True
            finally:
                self._unsure = not worked
            if kept is not None:
                self.state.let_go(captures, kept)
        return [None] * len(captures)

    def _not_durable(self, count: int, failed: StoreFailed) -> None:
        if self._warn is None:  # who waits says it itself
            return
        self.undurable += count
        were = "1 interaction was" if count == 1 else f"{count} interactions were"
        self._warn(
            f"{were} answered but not put on disk: {failed}; runreel tries again when it stops"
        )
