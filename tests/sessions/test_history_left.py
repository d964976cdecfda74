"""Streams that their clients left: to a program that goes on, what it asked for is done."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_cassette, a_request, a_response, an_interaction
from history_scripts import laws
from runreel.cassettes.journal import Opening, Record, dump_records, parse_records, recover
from runreel.http.messages import Request
from runreel.matching.matchers import MATCH_ON
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Session, Verdict
from traffic import REDACTION, Recordings, traffics

CREATE = a_request(b"{}", "/v1/threads/t1/runs")
READ = a_request(b"", "/v1/threads/t1/runs", "GET")
NAME = "createRun-066387a5"


class Recording:
    """A session of a program with one thread, which leaves some of its streams."""

    def __init__(self, mode: Mode = Mode.RECORD, old: Recordings = ()) -> None:
        self.session = Session(old, DECISIONS[mode], MATCH_ON, REDACTION)
        self.old = old
        self.journal: list[Record] = [Opening(a_cassette())]
        self.streams: list[tuple[Verdict, Request, bytes]] = []  # left, and not yet kept

    def ask(self, request: Request, said: bytes, *, leaves: bool = False) -> bytes | None:
        """What the program was told, which in a stream that it leaves is the beginning."""
        verdict = self.session.ask(self.session.arrive(), REDACTION.request(request))
        if verdict.hit is not None:
            self.session.ended(verdict.arrival)
            return verdict.hit.value.response.body
        if verdict.action is not Action.CAPTURE:
            self.session.ended(verdict.arrival)
            return None
        self.session.began(verdict.arrival)
        if leaves:
            self.session.left(verdict.arrival, NAME)
            self.streams.append((verdict, request, said))
        else:
            self.keep(verdict, request, said)
        return said

    def keep(self, verdict: Verdict, request: Request, said: bytes) -> None:
        """The upstream has ended its answer."""
        pending = self.session.keep(verdict, an_interaction(request, a_response(said), NAME))
        self.journal += parse_records(dump_records([pending]))
        self.session.ended(verdict.arrival)

    def tear(self) -> None:
        """The upstream has torn the stream that was left longest ago."""
        self.session.release(self.streams.pop(0)[0].arrival)

    def finish(self) -> Recordings:
        """The cassette, after all streams have come to their ends."""
        while self.streams:
            self.keep(*self.streams.pop(0))
        return self.session.merged(final=True)

    def recovered(self) -> Recordings:
        """The cassette if the session is killed now."""
        found = recover(a_cassette(*self.old), None, self.journal)
        assert found is not None
        return found.interactions


def replayed(cassette: Recordings, requests: Sequence[Request]) -> list[bytes | None]:
    session, answers = Session(cassette, DECISIONS[Mode.REPLAY], MATCH_ON, REDACTION), []
    for request in requests:
        verdict = session.ask(session.arrive(), REDACTION.request(request))
        session.ended(verdict.arrival)
        answers.append(verdict.hit.value.response.body if verdict.hit else None)
    return answers


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.NEW_EPISODES])
def test_a_program_that_leaves_streams_gets_its_answers_again(mode: Mode) -> None:
    live = Recording(mode)
    live.ask(CREATE, b"1", leaves=True)
    live.ask(READ, b"in progress")
    live.ask(CREATE, b"2", leaves=True)
    live.keep(*live.streams.pop(0))
    live.ask(READ, b"done")
    live.ask(CREATE, b"3", leaves=True)
    cassette = live.finish()

    program = [CREATE, READ, CREATE, READ, CREATE]
    answers = [b"1", b"in progress", b"2", b"done", b"3"]
    assert replayed(cassette, program) == replayed(live.recovered(), program) == answers
    assert [item.value.during for item in cassette] == [(), (), (), (), ()]
    assert replayed(cassette, [READ, CREATE, CREATE]) == [None, b"1", b"2"]


def test_a_stream_that_is_left_while_its_capture_is_put_on_disk_is_that_capture() -> None:
    live = Recording()
    verdict = live.session.ask(live.session.arrive(), REDACTION.request(CREATE))
    live.session.began(verdict.arrival)
    live.session.keep(verdict, an_interaction(CREATE, a_response(b"1"), NAME))
    live.session.left(verdict.arrival, NAME)
    live.ask(READ, b"one")

    assert replayed(live.finish(), [CREATE, READ]) == [b"1", b"one"]


@laws
@given(
    traffics(8),
    st.sampled_from([Mode.RECORD, Mode.NEW_EPISODES]),
    st.lists(st.integers(0, 4), min_size=8, max_size=8),
)
def test_whatever_is_left_and_whenever_it_ends_it_is_replayed(
    traffic: list[Request], mode: Mode, lasts: list[int]
) -> None:
    """`lasts` are the calls that come before a stream ends; with 0 it was not left."""
    live, told = Recording(mode), []  # type: Recording, list[bytes | None]
    ends: dict[int, int] = {}
    for number, (request, last) in enumerate(zip(traffic, lasts, strict=False)):
        stays = len(live.streams)
        told.append(live.ask(request, b"%d" % number, leaves=last > 0))
        if len(live.streams) > stays:
            ends[live.streams[-1][0].arrival] = number + last
        for stream in [one for one in live.streams if ends[one[0].arrival] <= number]:
            live.streams.remove(stream)
            live.keep(*stream)

    cassette = live.finish()
    assert replayed(cassette, traffic) == replayed(live.recovered(), traffic) == told


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.NEW_EPISODES])
def test_what_saw_a_stream_that_was_torn_after_its_client_left_is_refused(mode: Mode) -> None:
    live = Recording(mode)
    live.ask(READ, b"before")
    live.ask(CREATE, b"torn", leaves=True)
    live.ask(READ, b"after")
    live.tear()

    for cassette in (live.finish(), live.recovered()):
        assert replayed(cassette, [READ, READ]) == [b"before", None]
        assert replayed(cassette, [READ, CREATE, READ]) == [b"before", None, None]


def test_recording_anew_leaves_nothing_of_the_streams_before() -> None:
    first = Recording()
    first.ask(CREATE, b"1", leaves=True)
    first.ask(READ, b"one")
    second = Recording(Mode.RECORD, first.finish())
    second.ask(CREATE, b"2", leaves=True)
    second.ask(READ, b"two")

    cassette = second.finish()
    assert [item.value.response.body for item in cassette] == [b"2", b"two"]
    assert replayed(cassette, [CREATE, READ]) == [b"2", b"two"]


def test_a_torn_stream_costs_none_of_the_recordings_before() -> None:
    first = Recording()
    first.ask(CREATE, b"1", leaves=True)
    first.ask(READ, b"one")
    second = Recording(Mode.RECORD, first.finish())
    second.ask(CREATE, b"2", leaves=True)
    second.ask(READ, b"two")
    second.tear()

    assert replayed(second.finish(), [CREATE, READ]) == [b"1", b"one"]
