"""Requests here differ in their `stage`; recordings are named after what they answer."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from builders import a_request, a_response, an_interaction
from runreel.errors import Unredactable
from runreel.http.messages import Interaction, Request
from runreel.matching.matchers import MATCH_ON
from runreel.matching.near_miss import Miss, Missed
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Manner, Session, Verdict

REDACTION = Redaction()


def request_to(stage: str) -> Request:
    # A path of which nobody can tell what it changes: it is played by fingerprint and order.
    body = b'{"metadata":{"stage":"%s"}}' % stage.encode()
    return a_request(body, target="/v1/embeddings")


def recording(name: str, stage: str = "a", status: int = 200) -> Redacted[Interaction]:
    return an_interaction(request_to(stage), a_response(name.encode(), status), name)


def a_session(
    mode: Mode, recordings: Iterable[Redacted[Interaction]] = (), **options: Any
) -> Session:
    return Session(recordings, DECISIONS[mode], MATCH_ON, REDACTION, **options)


def ask(session: Session, stage: str = "a") -> Verdict:
    return session.ask(session.arrive(), REDACTION.request(request_to(stage)))


def served(session: Session, stage: str = "a") -> str | None:
    """The name of the recording that answers, or the code of the miss."""
    verdict = ask(session, stage)
    if verdict.hit is not None:
        return verdict.hit.value.id
    return verdict.miss.code if verdict.miss else None


def keep(session: Session, verdict: Verdict, name: str, stage: str = "a") -> None:
    session.keep(verdict, recording(name, stage))


def answers(session: Session, *, final: bool = False) -> list[str]:
    return [item.value.response.body.decode() for item in session.merged(final=final)]


class TestPlaying:
    def test_equal_requests_play_in_recorded_order_each_once(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one"), recording("two")])

        asked = [served(session) for _ in range(4)]

        assert asked == ["one", "two", "interaction_exhausted", "interaction_exhausted"]

    def test_different_requests_have_queues_of_their_own(self) -> None:
        session = a_session(
            Mode.REPLAY, [recording("a1"), recording("b1", "b"), recording("a2"), recording("b2")]
        )

        assert [served(session, stage) for stage in "aabac"] == [
            "a1",
            "a2",
            "b1",
            "b2",
            "no_matching_interaction",
        ]

    def test_a_served_recording_counts_as_played_before_its_answer_is_out(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one"), recording("two"), recording("three")])

        ask(session)

        assert session.unplayed() == ("two", "three")

    def test_a_miss_with_an_equal_recording_has_no_differences(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")])
        ask(session)

        miss = ask(session).miss

        assert miss is not None
        assert miss.nearest is not None
        assert (miss.nearest.interaction.value.id, miss.nearest.played) == ("one", True)
        assert (miss.differences, miss.repeated) == ((), 0)

    def test_recordings_are_compared_under_the_rules_of_today(self) -> None:
        written = an_interaction(a_request(target="/v1/x?api_key=hand-written"), name="one")
        session = a_session(Mode.REPLAY, [written])
        live = REDACTION.request(a_request(target="/v1/x?api_key=another"))

        verdict = session.ask(session.arrive(), live)

        assert verdict.action is Action.SERVE

    def test_a_recording_that_cannot_be_redacted_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise Unredactable("it is everywhere")

        one = an_interaction(a_request(target="/v1/x?a=%20"), name="one")  # what is looked at
        monkeypatch.setattr(Redaction, "request", fail)

        with pytest.raises(Unredactable, match=r"^the recording one cannot be used: it is every"):
            a_session(Mode.REPLAY, [one])

    def test_nothing_is_unplayed_where_nothing_is_served(self) -> None:
        assert a_session(Mode.RECORD, [recording("one")]).unplayed() == ()


class TestRepeatingTheLast:
    def test_the_last_recording_answers_again_a_thousand_times_in_a_row(self) -> None:
        session = a_session(
            Mode.REPLAY, [recording("one"), recording("two")], manner=Manner(repeat=True)
        )

        asked = [served(session) for _ in range(1_003)]

        assert asked[:2] == ["one", "two"]
        assert asked[2:1_002] == ["two"] * 1_000
        assert asked[1_002:] == ["interaction_exhausted"]

    def test_the_miss_after_that_tells_how_often_it_was(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")], manner=Manner(repeat=True))
        for _ in range(1_001):
            ask(session)

        miss = ask(session).miss

        assert miss is not None
        assert miss.repeated == 1_000
        assert served(session) == "interaction_exhausted"

    @pytest.mark.parametrize("between", ["b", "unknown"])
    def test_another_request_in_between_begins_the_count_anew(self, between: str) -> None:
        session = a_session(
            Mode.REPLAY, [recording("one"), recording("two", "b")], manner=Manner(repeat=True)
        )
        for _ in range(1_001):
            ask(session)

        ask(session, between)

        assert [served(session) for _ in range(1_001)] == [
            *(["one"] * 1_000),
            "interaction_exhausted",
        ]

    def test_two_requests_in_turn_never_reach_the_limit(self) -> None:
        session = a_session(
            Mode.REPLAY, [recording("one"), recording("two", "b")], manner=Manner(repeat=True)
        )

        asked = [served(session, stage) for stage in "ab" * 1_500]

        assert asked == ["one", "two"] * 1_500

    def test_nothing_repeats_unless_asked_to(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")])

        assert [served(session) for _ in range(2)] == ["one", "interaction_exhausted"]

    def test_recording_takes_no_notice_of_it(self) -> None:
        session = a_session(Mode.RECORD, [recording("one")], manner=Manner(repeat=True))

        assert [ask(session).counterpart for _ in range(2)] == [0, None]


class TestGivingBack:
    def test_a_recording_that_nobody_saw_plays_again(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one"), recording("two")])
        verdict = ask(session)

        session.release(verdict.arrival)

        assert session.unplayed() == ("one", "two")
        assert [served(session) for _ in range(3)] == ["one", "two", "interaction_exhausted"]

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_recordings_keep_their_order_however_they_come_back(
        self, order: tuple[int, int]
    ) -> None:
        session = a_session(Mode.REPLAY, [recording("one"), recording("two"), recording("three")])
        verdicts = [ask(session), ask(session)]

        for index in order:
            session.release(verdicts[index].arrival)

        assert [served(session) for _ in range(3)] == ["one", "two", "three"]

    def test_giving_back_twice_is_giving_back_once(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")])
        verdict = ask(session)

        session.release(verdict.arrival)
        session.release(verdict.arrival)

        assert [served(session) for _ in range(2)] == ["one", "interaction_exhausted"]

    def test_a_repeated_recording_that_somebody_saw_stays_played(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")], manner=Manner(repeat=True))
        ask(session)

        session.release(ask(session).arrival)

        assert session.unplayed() == ()

    def test_clients_that_leave_again_and_again_do_not_escape_the_limit(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")], manner=Manner(repeat=True))
        ask(session)

        for _ in range(1_000):
            session.release(ask(session).arrival)

        assert served(session) == "interaction_exhausted"

    def test_a_miss_has_nothing_to_give_back(self) -> None:
        session = a_session(Mode.REPLAY, [recording("one")])

        session.release(ask(session, "b").arrival)

        assert session.unplayed() == ("one",)


class Playing(RuleBasedStateMachine):
    """Any run of ask, keep and release over six recordings of two requests."""

    def __init__(self) -> None:
        super().__init__()
        self.names = {"a": ["a1", "a2", "a3"], "b": ["b1", "b2", "b3"]}
        order = ["a1", "b1", "a2", "a3", "b2", "b3"]
        self.session = a_session(Mode.NEW_EPISODES, [recording(name, name[0]) for name in order])
        self.out: list[tuple[Verdict, str]] = []
        self.under_way: list[tuple[Verdict, str]] = []
        self.kept: list[tuple[int, str]] = []

    @rule(stage=st.sampled_from("ab"))
    def asking_gives_the_first_that_is_not_out(self, stage: str) -> None:
        out = {name for _, name in self.out}
        free = [name for name in self.names[stage] if name not in out]

        verdict = ask(self.session, stage)

        if free:
            assert verdict.hit is not None
            assert verdict.hit.value.id == free[0]
            self.out.append((verdict, free[0]))
        else:
            assert verdict.action is Action.CAPTURE
            self.under_way.append((verdict, stage))

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def a_client_leaves(self, data: st.DataObject) -> None:
        leaving = data.draw(st.integers(0, len(self.out) - 1))

        self.session.release(self.out.pop(leaving)[0].arrival)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fails=st.booleans())
    def an_answer_comes(self, data: st.DataObject, fails: bool) -> None:
        at = data.draw(st.integers(0, len(self.under_way) - 1))
        verdict, stage = self.under_way.pop(at)

        if not fails:
            name = f"{stage}-new-{verdict.arrival:04}"
            keep(self.session, verdict, name, stage)
            self.kept.append((verdict.arrival, name))

    @invariant()
    def nothing_is_lost_and_each_request_keeps_its_order(self) -> None:
        stands = answers(self.session)
        new = [name for _, name in sorted(self.kept)]

        assert len(stands) == 6 + len(new)
        for stage in "ab":
            mine = [name for name in stands if name[0] == stage]
            assert mine == self.names[stage] + [name for name in new if name[0] == stage]


TestAnyRun = Playing.TestCase


def test_a_client_in_a_loop_does_not_go_live_in_new_episodes_either() -> None:
    session = a_session(Mode.NEW_EPISODES, [recording("one")], manner=Manner(repeat=True))

    asked = [served(session) for _ in range(1_002)]

    assert asked == ["one"] * 1_001 + ["interaction_exhausted"]


def test_a_miss_of_calls_that_overlapped_names_the_order_in_which_they_came() -> None:
    update, read = a_request(), a_request(b"", method="GET")
    during = an_interaction(read, name="poll")
    during = REDACTION.interaction(read, replace(during.value, during=("write",)))
    recordings = [an_interaction(update, name="write"), during, an_interaction(read, name="last")]
    session = a_session(Mode.REPLAY, recordings)
    verdicts = []
    for request in (update, read, read):
        arrival = session.arrive()
        verdicts.append(session.ask(arrival, REDACTION.request(request)))
        session.began(arrival)
        session.ended(arrival)

    assert [verdict.hit.value.id for verdict in verdicts if verdict.hit] == ["write", "last"]
    miss = verdicts[2].miss
    assert miss is not None
    run = "/v1/threads/thread_abc123/runs/run_abc123"
    assert Missed(miss, REDACTION.request(read), "default").sentence() == (
        f"No recording of GET {run} belongs to this state: poll in cassette 'default' calls "
        f"overlapped when this was recorded (in the order POST {run} (write), GET {run} (poll), "
        f"GET {run} (last)), and came in another now."
    )


def test_a_miss_among_many_recordings_tells_the_progress_as_among_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests = [a_request(b'{"n":%d}' % at, target=f"/v1/threads/t/runs/{at}") for at in range(20)]
    recordings = [an_interaction(one, name=f"w{at}") for at, one in enumerate(requests)]

    def missed() -> Miss | None:
        session = a_session(Mode.REPLAY, recordings)
        for request in requests[:9]:
            arrival = session.arrive()
            assert session.ask(arrival, REDACTION.request(request)).action is Action.SERVE
            session.ended(arrival)
        sent = REDACTION.request(a_request(b'{"n":"x"}', target="/v1/threads/t/runs/3"))
        return session.ask(session.arrive(), sent).miss

    few = missed()
    monkeypatch.setattr("runreel.sessions.session.LOOKED_AT_MAX", 10)
    many = missed()

    assert few is not None
    assert many is not None
    assert few.progress is not None
    assert [item.interaction.value.id for item in few.progress.writes] == [
        f"w{at}" for at in range(3, 9)
    ]
    assert (few.progress.played, few.progress.recordings, few.progress.more_writes) == (9, 20, 3)
    assert (few.compared, many.compared) == (None, 20)
    assert replace(many, compared=None) == few
