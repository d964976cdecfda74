"""Sequential traffic over a few threads and runs, and sessions that it goes through."""

import itertools
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.journal import Opening, Record, dump_records, parse_records, recover
from runreel.http.messages import Interaction, Request
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Manner, Session

REDACTION = Redaction()
Recordings = Sequence[Redacted[Interaction]]
Upstream = Callable[[int], bytes]  # the number of a call in its session -> its answer

CALLS = [
    ("GET", "/threads/t1", b""),
    ("GET", "/threads/t1/runs", b""),
    ("GET", "/threads/t1/runs?limit=1", b""),
    ("GET", "/threads/t1/runs/r1", b""),
    ("GET", "/threads/t1/runs/r1/steps", b""),
    ("GET", "/threads/t2/runs/r1", b""),
    ("POST", "/threads/t1", b"{}"),
    ("POST", "/threads/t1/runs", b"{}"),
    ("POST", "/threads/t1/runs/r1", b'{"a":"1"}'),
    ("POST", "/threads/t1/runs/r1", b'{"a":"2"}'),
    ("POST", "/threads/t1/runs/r1/cancel", b""),
    ("POST", "/threads/t2/runs/r1", b'{"a":"1"}'),
    ("DELETE", "/threads/t1", b""),
]


def calls() -> st.SearchStrategy[Request]:
    """Reads and writes whose resources lie in one another or side by side."""
    requests = [a_request(body, f"/v1{path}", method) for method, path, body in CALLS]
    return st.sampled_from(requests)


def traffics(size: int = 9) -> st.SearchStrategy[list[Request]]:
    """Calls, one after the other."""
    return st.lists(calls(), max_size=size)


def earlier_sessions() -> st.SearchStrategy[list[tuple[Mode, list[Request]]]]:
    """What may have made the cassette that a session finds."""
    modes = st.sampled_from([Mode.RECORD, Mode.NEW_EPISODES])
    return st.lists(st.tuples(modes, traffics()), max_size=3)


def never_the_same() -> Upstream:
    """An upstream that gives every answer only once."""
    numbers = itertools.count()
    return lambda _: b"%d" % next(numbers)


class Played:
    """A session that went through traffic: `answers`, call by call (of a miss, its code)."""

    def __init__(
        self,
        old: Recordings,
        mode: Mode,
        traffic: Sequence[Request],
        upstream: Upstream,
        *,
        barriers: bool = True,
    ) -> None:
        self._old = old
        self._journal: list[Record] = [Opening(a_cassette())]
        self.state = Session(
            old, DECISIONS[mode], MATCH_ON, REDACTION, manner=Manner(barriers=barriers)
        )
        self.answers = [self._answer(at, call, upstream) for at, call in enumerate(traffic)]

    def _answer(self, at: int, request: Request, upstream: Upstream) -> bytes:
        verdict = self.state.ask(self.state.arrive(), REDACTION.request(request))
        if verdict.hit is not None:
            self.state.ended(verdict.arrival)
            return verdict.hit.value.response.body
        if verdict.action is Action.CAPTURE:
            made = an_interaction(request, a_response(upstream(at)))
            pending = self.state.keep(verdict, made)
            self._journal += parse_records(dump_records([pending]))
            self.state.ended(verdict.arrival)
            return made.value.response.body
        if verdict.action is Action.FORWARD:
            self.state.ended(verdict.arrival)
            return upstream(at)
        assert verdict.miss is not None
        return verdict.miss.code.encode()

    def left(self) -> Recordings:
        """The cassette that the session leaves at its end."""
        return self.state.merged(final=True)

    def recovered(self) -> Recordings:
        """The cassette that it leaves if it is killed."""
        found = recover(a_cassette(*self._old), None, self._journal)
        assert found is not None
        return found.interactions


def after(sessions: Sequence[tuple[Mode, Sequence[Request]]], upstream: Upstream) -> Recordings:
    """The cassette after these sessions."""
    found: Recordings = ()
    for mode, traffic in sessions:
        found = Played(found, mode, traffic, upstream).left()
    return found
