"""One request on its way through the engine, and the answer it gets.

Here is what is known of a request while it is answered, the one event in which it ends, which
calls wait, and when the pieces of a recorded answer go out (`replay.latency`, as a pure plan). What
is done with a request is `engine`.

`Aside` is where work on large bodies is done while everybody else is answered. Python holds its
lock through a whole call into C: reading 4 MB of JSON stops all threads, and with them all clients,
for up to half a second, however carefully the work is put into a thread. So what takes long for a
body of more than `PROCESS_BYTES_MIN` is done in a helper process, one at a time: who sends such
bodies waits for nobody else. The helper starts with the first of them, reads functions with
their arguments from its input, as pickles of ours, and ends with us. Where it cannot be had, a
thread does the work.
"""

import asyncio
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, ParamSpec, TypeVar

from runreel.engine.recorder import Exchange
from runreel.errors import RunreelError
from runreel.http.messages import Interaction, Request, Response, Violation
from runreel.http.sse import split
from runreel.matching.matchers import Fingerprint
from runreel.ports import Clock
from runreel.redaction.redactor import Redacted
from runreel.sessions.events import Event, Outcome
from runreel.sessions.live import LiveSession
from runreel.sessions.modes import Latency
from runreel.sessions.session import Verdict

AT_ONCE_BYTES_MAX = 65_536  # of a body; a larger one is looked at while others are answered
PROCESS_BYTES_MIN = 262_144  # of one that a thread would not be enough for
_HEAD_BYTES = 8  # the length of what follows
_PIECE_BYTES = 65_536  # written at once, so that the loop never copies much
_BUFFER_BYTES = 1_048_576

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


class Aside:
    """Where work on large bodies is done; with `process`, that on the largest in one of its own."""

    def __init__(self, *, process: bool = False) -> None:
        self._process = process
        self._helper: Process | None = None
        self._turn = asyncio.Lock()

    async def run(
        self,
        size: int,
        work: Callable[Arguments, Found],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Found:
        """What `work` gives for a body of that many bytes; it must have no side effects.

        Raises:
            Exception: whatever `work` raises.
        """
        if size <= AT_ONCE_BYTES_MAX:
            return work(*args, **kwargs)
        if self._process and size >= PROCESS_BYTES_MIN:
            try:
                packed = pickle.dumps((work, args, kwargs))
                async with self._turn:
                    answer = await self._asked(packed)
            except (OSError, EOFError, pickle.PicklingError, AttributeError, TypeError):
                pass  # it cannot be had for this; the next work finds a new one
            else:
                worked, found = answer
                if not worked:
                    raise found
                return found  # type: ignore[no-any-return]  # as `work` gave it
        return await asyncio.to_thread(work, *args, **kwargs)

    async def close(self) -> None:
        """End the helper; what it was doing is lost."""
        helper, self._helper = self._helper, None
        if helper is not None:
            with suppress(ProcessLookupError):
                helper.kill()
            await helper.communicate()  # which lets go of its pipes

    async def _asked(self, packed: bytes) -> tuple[bool, Any]:
        helper = self._helper or await self._started()
        assert helper.stdin is not None and helper.stdout is not None  # noqa: S101 - both are pipes
        try:
            helper.stdin.write(len(packed).to_bytes(_HEAD_BYTES))
            for start in range(0, len(packed), _PIECE_BYTES):
                helper.stdin.write(packed[start : start + _PIECE_BYTES])
                await helper.stdin.drain()
            size = int.from_bytes(await helper.stdout.readexactly(_HEAD_BYTES))
            answer: tuple[bool, Any] = pickle.loads(await helper.stdout.readexactly(size))  # noqa: S301 - our own process wrote it
        except BaseException:
            await self.close()  # between two answers nobody knows where it is
            raise
        return answer

    async def _started(self) -> Process:
        program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        self._helper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_BUFFER_BYTES,
            start_new_session=True,  # a ^C is for us
        )
        return self._helper


def serve() -> None:
    """What the helper process does: work until its input ends."""
    said, answers = sys.stdin.buffer, sys.stdout.buffer
    while packed := _read(said):
        work, args, kwargs = pickle.loads(packed)  # noqa: S301 - our own parent wrote it
        try:
            answer = pickle.dumps((True, work(*args, **kwargs)))
        except RunreelError as error:  # any other ends this process, and a thread meets it again
            answer = pickle.dumps((False, error))
        answers.write(len(answer).to_bytes(_HEAD_BYTES) + answer)
        answers.flush()


def _read(source: BinaryIO) -> bytes:
    head = source.read(_HEAD_BYTES)
    return source.read(int.from_bytes(head)) if len(head) == _HEAD_BYTES else b""


Source = Literal["replay", "upstream", "simulator", "proxy"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A call of a session that is being answered; whoever sends the answer tells how far it is.

    `served` says that a recording answers: it is unplayed again if its client has left before the
    first byte. What came from the upstream has happened all the same.
    """

    session: LiveSession
    arrival: int
    served: bool = False

    def began(self) -> None:
        """The first byte has been passed on."""
        self.session.began(self.arrival)

    def ended(self) -> None:
        """The last byte is passed on; a second time is harmless."""
        self.session.ended(self.arrival)

    def unsent(self) -> None:
        """The client left before the first byte."""
        if self.served:
            self.session.release(self.arrival)
        else:
            self.session.ended(self.arrival)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets. `recorded` is None unless the session captures, and for a stream.

    `body` is the whole body, or with `tail` its beginning; then `length` is its length in bytes if
    that is known. A tail is read to its end even if the client has left, for it may be recorded.
    `turn` is None where nothing was taken of the session. `redacted` counts the placeholders in
    the body of a recording.
    """

    response: Response
    source: Source
    recorded: bool | None = None
    tail: AsyncGenerator[bytes, None] | None = None
    length: int | None = None
    turn: Turn | None = None
    redacted: int = 0


@dataclass(slots=True, eq=False)
class Call:
    """One request: `sent` is None if it cannot be redacted, and `opaque` says why.

    `plain` is what would be stored of it, but for its secrets. `client_disconnected` tells whether
    the client has left; once it has, it stays so. `connection` is what it came by.
    """

    session: LiveSession
    arrival: int
    live: Request
    sent: Redacted[Request] | None
    plain: Request
    operation: str | None
    clock: Clock
    started: float
    client_disconnected: Callable[[], bool]
    connection: object = None
    opaque: str | None = None
    checks: tuple[Violation, ...] = ()
    aside: Aside = field(default_factory=Aside)  # where work on its bodies is done
    kept: Redacted[Interaction] | None = None  # what is recorded of it, but for its number

    def elapsed_ms(self) -> int:
        """Milliseconds since it came in."""
        return round((self.clock.monotonic() - self.started) * 1000)

    def exchange(
        self,
        fingerprint: Fingerprint,
        response: Response,
        *,
        client_gone: bool = False,
        failed: str | None = None,
    ) -> Exchange:
        """It and its answer, now that this has come or has `failed` to."""
        assert self.sent is not None  # noqa: S101 - what cannot be redacted has no fingerprint
        return Exchange(
            live=self.live,
            sent=self.sent,
            operation=self.operation,
            fingerprint=fingerprint,
            checks=self.checks,
            response=response,
            recorded_at=self.clock.now(),
            duration_ms=self.elapsed_ms(),
            redaction=self.session.redaction,
            client_gone=client_gone,
            failed=failed,
        )

    async def wait_until(self, at_ms: int) -> None:
        """Return when it is so many milliseconds old; at once if it is already."""
        left_ms = at_ms - (self.clock.monotonic() - self.started) * 1000
        if left_ms > 0:
            await self.clock.sleep(left_ms / 1000)

    def tell(
        self, outcome: Outcome, status: int, *, upstream: bool = False, **details: object
    ) -> None:
        """Say what became of it; `details` are the optional members of `Event`, by name.

        Unless they say more, its violations are the findings of the request.
        """
        details = {"violations": len(self.checks)} | details
        self.session.tell(
            Event(
                at=self.clock.now(),
                session=self.session.name,
                outcome=outcome,
                method=self.live.method,
                operation=self.operation,
                status=status,
                duration_ms=self.elapsed_ms(),
                request=self.sent,
                upstream_called=upstream,
                **details,  # type: ignore[arg-type]  # see above
            )
        )


Plan = tuple[tuple[int, bytes], ...]


def plan(interaction: Interaction, latency: Latency) -> Plan:
    """The pieces of the body, each with the milliseconds after the request when it is due."""
    response = interaction.response
    if latency == "none":
        return ((0, response.body),)
    if response.at_ms is None:
        wait = interaction.duration_ms if latency == "recorded" else latency
        return ((wait, response.body),)
    events = split(response.body)
    if latency == "recorded":
        return tuple(zip(response.at_ms, events, strict=True))
    return tuple((latency * place, event) for place, event in enumerate(events, start=1))


class Waiting:
    """The calls that wait for their answers, with what they took."""

    def __init__(self) -> None:
        self.calls: dict[Call, Verdict] = {}

    @contextmanager
    def waits(self, call: Call, verdict: Verdict | None) -> Iterator[None]:
        """While a call waits, what it has taken is free if its client leaves."""
        if verdict is not None:
            self.calls[call] = verdict
        try:
            yield
        finally:
            self.calls.pop(call, None)

    def free_what_clients_left(self, session: LiveSession) -> None:
        """Give back what calls under way would replace if nobody waits for them any more.

        A client that timed out asks again at once, and its answer is the one to keep.
        """
        for call in self.calls:
            if call.session is session and call.client_disconnected():
                session.state.abandon(call.arrival)
