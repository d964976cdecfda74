"""A reread after a write must not lie: which recording answers a read, state by state."""

from hypothesis import given
from hypothesis import strategies as st

from runreel.sessions.modes import Action, Mode
from states import RUN, THREAD, Playing, recording

MODIFY = f"POST {RUN}"
GET = f"GET {RUN}"
RETRIEVE_MODIFY_RETRIEVE = [(GET, "old"), (MODIFY, "modified"), (GET, "new")]


def test_retrieve_modify_retrieve_gives_the_old_state_and_then_the_new_one() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE)

    assert [playing.served(call) for call in (GET, MODIFY, GET)] == ["old", "modified", "new"]
    assert playing.state.unplayed() == ()


def test_a_read_that_the_test_skipped_does_not_shift_the_others() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE)

    assert [playing.served(call) for call in (MODIFY, GET)] == ["modified", "new"]


def test_a_modify_that_the_test_skipped_is_noticed() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE)

    assert [playing.served(GET) for _ in range(2)] == ["old", "interaction_exhausted"]


def test_a_read_of_the_state_before_does_not_answer_after_a_write() -> None:
    playing = Playing(Mode.REPLAY, (GET, "old"), (MODIFY, "modified"))

    assert [playing.served(call) for call in (MODIFY, GET)] == ["modified", "interaction_exhausted"]


def test_polls_within_one_state_come_in_recorded_order() -> None:
    polls = ["queued", "in_progress", "completed"]
    create = (f"POST {THREAD}/runs", "created")
    playing = Playing(Mode.REPLAY, create, *((GET, status) for status in polls))

    playing.served(f"POST {THREAD}/runs")

    assert [playing.served(GET) for _ in range(4)] == [*polls, "interaction_exhausted"]


def test_every_kind_of_write_is_a_barrier_for_what_it_covers() -> None:
    for write, read in [
        (f"POST {RUN}/cancel", GET),
        (f"POST {RUN}/submit_tool_outputs", GET),
        (f"POST {RUN}/submit_tool_outputs", f"GET {RUN}/steps"),
        (f"POST {THREAD}/runs", f"GET {THREAD}/runs"),
        (f"DELETE {THREAD}", f"GET {THREAD}"),
        (f"POST {THREAD}", GET),
        (MODIFY, f"GET {THREAD}/runs?limit=1"),
    ]:
        playing = Playing(Mode.REPLAY, (read, "before"), (write, "written"), (read, "after"))

        assert [playing.served(call) for call in (write, read)] == ["written", "after"], write


def test_a_write_to_something_else_is_none() -> None:
    for write in (f"POST {THREAD}/runs", f"POST {THREAD}/runs/other", f"POST {THREAD}/messages"):
        playing = Playing(Mode.REPLAY, (GET, "one"), (write, "written"), (GET, "two"))

        assert [playing.served(call) for call in (write, GET, GET)] == ["written", "one", "two"]


def test_a_write_counts_whatever_its_status() -> None:
    playing = Playing(Mode.REPLAY, (GET, "old"), (MODIFY, "refused"), (GET, "same"), status=400)

    assert [playing.served(call) for call in (MODIFY, GET)] == ["refused", "same"]


def test_a_missed_write_does_not_count() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE)

    assert playing.served(f"POST {RUN}/cancel") == "no_matching_interaction"
    assert playing.served(GET) == "old"


def test_a_write_that_was_given_back_no_longer_counts() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE)

    playing.state.give_back(playing.ask(MODIFY))

    assert [playing.served(call) for call in (GET, MODIFY, GET)] == ["old", "modified", "new"]


def test_a_write_counts_from_its_arrival_on() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE)
    before, writing, behind = (playing.state.arrive() for _ in range(3))

    playing.ask(MODIFY, writing)

    assert playing.served(GET, behind) == "new"
    assert playing.served(GET, before) == "old"


def test_a_write_whose_client_left_while_it_was_recorded_is_no_barrier() -> None:
    gone = recording(MODIFY, "lost", gone=True)
    playing = Playing(Mode.REPLAY, recording(GET, "one"), gone, recording(GET, "two"))

    assert [playing.served(GET) for _ in range(2)] == ["one", "two"]


def test_without_barriers_recorded_order_is_all_that_counts() -> None:
    playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE, barriers=False)

    assert [playing.served(call) for call in (MODIFY, GET, GET)] == ["modified", "old", "new"]


class TestRepeatingTheLast:
    def test_a_used_up_recording_of_the_same_state_answers_again(self) -> None:
        playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE, repeat_last=True)

        asked = [playing.served(call) for call in (GET, GET, MODIFY, GET, GET)]

        assert asked == ["old", "old", "modified", "new", "new"]

    def test_a_write_that_answers_again_leaves_the_state_as_it_made_it(self) -> None:
        playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE, repeat_last=True)

        asked = [playing.served(call) for call in (MODIFY, GET, MODIFY, GET)]

        assert asked == ["modified", "new", "modified", "new"]

    def test_it_counts_until_nobody_has_it(self) -> None:
        playing = Playing(Mode.REPLAY, *RETRIEVE_MODIFY_RETRIEVE, repeat_last=True)
        first, again = playing.ask(MODIFY), playing.ask(MODIFY)

        playing.state.give_back(first)
        still = playing.served(GET)
        playing.state.give_back(again)

        assert (still, playing.served(GET)) == ("new", "old")


class TestANewWrite:
    def test_after_it_reads_of_what_it_covers_go_live(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, *RETRIEVE_MODIFY_RETRIEVE)

        playing.answered(f"POST {RUN}/cancel", "cancelled")

        assert playing.ask(GET).action is Action.CAPTURE
        assert playing.ask(f"GET {THREAD}/messages").action is Action.CAPTURE

    def test_it_leaves_others_alone(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, (GET, "one"), (f"GET {THREAD}", "two"))

        playing.answered(f"POST {THREAD}/messages", "created")

        assert [playing.served(call) for call in (GET, f"GET {THREAD}")] == ["one", "two"]

    def test_given_back_it_does_not_count(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, (GET, "one"))

        playing.state.give_back(playing.ask(MODIFY))

        assert playing.served(GET) == "one"


THREADS = {
    f"/v1/threads/{name}": [
        (f"GET /v1/threads/{name}", f"{name} old"),
        (f"POST /v1/threads/{name}", f"{name} modified"),
        (f"GET /v1/threads/{name}", f"{name} new"),
        (f"GET /v1/threads/{name}", f"{name} newer"),
    ]
    for name in ("one", "two")
}
turns = st.permutations(list(THREADS) * 4)


@given(turns, turns)
def test_a_second_thread_in_parallel_never_disturbs_the_first(
    recorded: list[str], played: list[str]
) -> None:
    calls = {name: iter(found) for name, found in THREADS.items()}
    playing = Playing(Mode.REPLAY, *(next(calls[name]) for name in recorded))
    asked = {name: iter(found) for name, found in THREADS.items()}

    for name in played:
        call, answer = next(asked[name])
        assert playing.served(call) == answer


def test_ten_thousand_interactions_on_one_run_load_and_replay() -> None:
    calls = [f"POST {RUN} {at}" if at % 2 else GET for at in range(10_000)]
    playing = Playing(Mode.REPLAY, *((call, str(at)) for at, call in enumerate(calls)))

    assert [playing.served(call) for call in calls] == [str(at) for at in range(10_000)]
