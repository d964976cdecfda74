"""A crash makes no difference to what a session has kept."""

from hypothesis import given
from hypothesis import strategies as st

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.journal import Opening, Pending, Record, dump_records, parse_records, recover
from runreel.http.messages import Interaction
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Session, Verdict

OPENING = Opening(a_cassette())
REDACTION = Redaction()
SHA256 = "ab" * 32


def recording(name: str, stage: str) -> Redacted[Interaction]:
    return an_interaction(a_request(stage.encode()), a_response(name.encode()), name)


class Recording:
    """A session with its journal, over a cassette of recordings a0, b1, ..."""

    def __init__(self, mode: Mode, stages: str) -> None:
        old = [recording(f"{stage}{at}", stage) for at, stage in enumerate(stages)]
        self.cassette = a_cassette(*old)
        self.state = Session(old, DECISIONS[mode], MATCH_ON, REDACTION)
        self.verdicts: dict[int, tuple[str, Verdict]] = {}
        self.journal: list[Record] = [OPENING]

    def ask(self, arrival: int, stage: str) -> None:
        request = REDACTION.request(a_request(stage.encode()))
        self.verdicts[arrival] = stage, self.state.ask(arrival, request)

    def finish(self, arrival: int, answer: str, end: str) -> None:
        stage, verdict = self.verdicts[arrival]
        if end != "done":
            self.state.give_back(verdict)  # the client left, or the upstream failed
        if verdict.action is Action.CAPTURE and end != "failed":
            pending = self.state.keep(verdict, recording(answer, stage))
            self.journal += parse_records(dump_records([pending]))

    def recovered(self) -> tuple[Redacted[Interaction], ...]:
        found = recover(self.cassette, SHA256, self.journal)
        assert found is not None
        return found.interactions


def test_a_capture_follows_what_arrived_before_it_whatever_was_asked_later() -> None:
    playing = Recording(Mode.NEW_EPISODES, "abc")
    first, second, third, fourth = (playing.state.arrive() for _ in range(4))

    playing.ask(fourth, "c")
    playing.ask(third, "x")
    playing.ask(second, "b")
    playing.ask(first, "a")
    playing.finish(third, "new", "done")

    played = ((first, "a0"), (second, "b1"), (fourth, "c2"))
    assert playing.journal[1:] == [Pending(third, recording("new", "x"), None, played)]
    found = [item.value.id for item in playing.state.merged()]
    assert found == ["a0", "b1", "new", "c2"]


def test_a_capture_does_not_follow_what_was_given_back() -> None:
    playing = Recording(Mode.NEW_EPISODES, "ab")
    first, second, third = (playing.state.arrive() for _ in range(3))
    playing.ask(first, "a")
    playing.ask(second, "b")
    playing.ask(third, "x")

    playing.finish(second, "", "left")
    playing.finish(third, "new", "done")

    played = ((first, "a0"),)
    assert playing.journal[1:] == [Pending(third, recording("new", "x"), None, played)]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Mode, str, list[tuple[str, str, str]], list[int]]:
    """Mode, what stands in the cassette, what is asked, and the order of asking and finishing."""
    mode = draw(st.sampled_from([Mode.RECORD, Mode.NEW_EPISODES]))
    stages = draw(st.text("abc", max_size=5))
    ends = st.sampled_from(["done", "done", "left", "failed"])
    calls = draw(
        st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), ends), max_size=7)
    )
    steps = draw(st.permutations([*range(len(calls)), *range(len(calls))]))
    return mode, stages, calls, steps


@given(recordings())
def test_after_a_crash_at_any_moment_the_cassette_is_what_the_session_had(
    given_: tuple[Mode, str, list[tuple[str, str, str]], list[int]],
) -> None:
    mode, stages, calls, steps = given_
    playing = Recording(mode, stages)
    arrivals = [playing.state.arrive() for _ in calls]

    for at in steps:
        stage, answer, end = calls[at]
        if arrivals[at] not in playing.verdicts:
            playing.ask(arrivals[at], stage)
        else:
            playing.finish(arrivals[at], answer, end)

        assert playing.recovered() == playing.state.merged()
