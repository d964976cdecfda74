"""The minimal cases that shaped `history`, each with what it must answer, written out.

They are those of the reference model's list (`cases.txt`), with all its amendments, and those of
the issue.
"""

from typing import Any

from history_sessions import (
    Live,
    Playing,
    Recorder,
    add,
    prune,
    record,
    replay,
)
from history_world import Call, Cassette, Step, World
from runreel.sessions.session import Manner

T0, X0, R0 = "/threads/T0", "/threads/X0", "/threads/T0/runs/R0"
G, P, D = "GET", "POST", "DELETE"
REPEAT = Manner(repeat=True)
MISS = "miss"


def shown(live: Live) -> list[Any]:
    """For each call the id with the metadata, the ids of a list, or that it is a miss."""
    return [one_shown(answer) for _, answer in live]


def one_shown(answer: Any) -> Any:
    if answer is None or "miss" in answer:
        return MISS
    if "list" in answer:
        return [one["id"] for one in answer["list"]]
    return answer["id"], answer.get("metadata")


def ask_all(session: Playing, calls: list[Call]) -> list[Any]:
    return [one_shown(session.ask(call)[1]) for call in calls]


def test_a_create_recorded_anew_among_other_creates() -> None:
    cassette, world = Cassette(), World()
    record(
        cassette,
        world,
        [[(P, "/threads", {"a": 1}), (P, "/threads", {"b": 1}), (G, "/threads/$1", {})]],
    )
    script: list[Step] = [(P, "/threads", {"b": 1}), (G, "/threads/$0", {})]
    live = record(cassette, world, [script])
    assert shown(live) == [("t3", {"b": 1}), ("t3", {"b": 1})]
    assert replay(cassette, script) == live


def test_a_create_recorded_anew_takes_the_old_list_out() -> None:
    cassette, world = Cassette(), World()
    script: list[Step] = [(P, "/threads", {}), (G, "/threads", {})]
    record(cassette, world, [script])
    record(cassette, world, [script[:1]])
    assert shown(replay(cassette, script)) == [("t2", {}), MISS]


def test_a_write_that_came_out_otherwise_takes_its_readings_out() -> None:
    cassette, world = Cassette(), World()
    script: list[Step] = [(P, T0, {"a": 1}), (G, T0, {})]
    record(cassette, world, [script])
    world.call((P, T0, '{"z": 9}'))
    record(cassette, world, [script[:1]])
    assert shown(replay(cassette, script)) == [("T0", {"a": 1, "z": 9}), MISS]


def test_two_stories_of_one_thread() -> None:
    cassette, world = Cassette(), World()
    one: list[Step] = [(G, T0, {}), (P, T0, {"a": 1}), (G, T0, {})]
    two: list[Step] = [(P, T0, {"b": 1}), (G, T0, {})]
    first = record(cassette, world, [one])
    second = record(cassette, world, [two])
    assert shown(first) == [("T0", {}), ("T0", {"a": 1}), ("T0", {"a": 1})]
    assert replay(cassette, one) == first
    assert shown(second) == [("T0", {"a": 1, "b": 1}), ("T0", {"a": 1, "b": 1})]
    assert replay(cassette, two) == second


def test_a_scope_that_goes_on_where_recordings_have_none_stores_without() -> None:
    cassette, world = Cassette(), World()
    script: list[Step] = [(P, T0, {"a": 1}), (G, T0, {})]
    record(cassette, world, [script[:1]])
    add(cassette, world, script, scope="a test")
    assert [item.scope for item in cassette.recordings] == [None, None]
    assert shown(replay(cassette, script, "a test")) == [("T0", {"a": 1}), ("T0", {"a": 1})]


def test_a_pruned_sibling_does_not_hold_a_create_back() -> None:
    cassette = Cassette()
    runs = T0 + "/runs"
    record(cassette, World(), [[(P, runs, {"x": 1}), (P, runs, {"y": 1}), (G, runs + "/$1", {})]])
    prune(cassette, {cassette.recordings[0].id})
    two: list[Step] = [(P, runs, {"y": 1}), (G, runs + "/$0", {})]
    assert shown(replay(cassette, two)) == [("r2", {"y": 1}), ("r2", {"y": 1})]
    assert [item.after for item in cassette.recordings] == [None, None]


def test_messages_before_and_after_a_run() -> None:
    cassette = Cassette()
    messages: Step = (G, T0 + "/messages", {})
    poll: Step = (G, T0 + "/runs/$0", {})
    run: list[Step] = [(P, T0 + "/runs", {}), poll, poll]
    record(cassette, World(), [[messages, *run, messages]])
    assert shown(replay(cassette, [*run, messages]))[-1] == ["reply-r1"]
    assert shown(replay(cassette, [messages])) == [[]]


def test_the_counts_of_a_store_before_and_after_a_file() -> None:
    cassette = Cassette()
    store: Step = (G, "/vector_stores/V0", {})
    file: Step = (P, "/vector_stores/V0/files", {})
    live = record(cassette, World(), [[store, file, store]])
    assert [answer.get("files") for _, answer in live] == [0, None, 1]
    session = Playing(cassette)
    assert session.ask(live[1][0])[1] == live[1][1]
    assert (session.ask(live[0][0])[1] or {})["files"] == 1


def test_overlapping_writes_in_another_order() -> None:
    cassette = Cassette()
    one: Step = (P, T0, {"a": 1})
    two: Step = (P, T0, {"b": 1})
    # The first arrives, the second arrives and takes effect, then the first does; both end.
    record(cassette, World(), [[one], [two]], [0, 1, 1, 0, 0, 1])
    first, second = (item.id for item in cassette.recordings)
    assert [item.during for item in cassette.recordings] == [(second,), (first,)]
    both = [("T0", {"b": 1, "a": 1}), ("T0", {"b": 1})]
    assert shown(replay(cassette, [one, two])) == both
    assert shown(replay(cassette, [two, one])) == both[::-1]
    assert shown(replay(cassette, [one])) == both[:1]


def test_a_reading_that_a_later_write_overtook() -> None:
    cassette = Cassette()
    read: Step = (G, T0, {})
    write: Step = (P, T0, {"a": 1})
    # The read arrives; the write arrives, takes effect and ends; then the read is answered.
    record(cassette, World(), [[read], [write]], [0, 1, 1, 1, 0, 0])
    assert shown(replay(cassette, [read])) == [("T0", {"a": 1})]
    # It overlapped the write, so it may answer on either side of it.
    assert shown(replay(cassette, [write, read])) == [("T0", {"a": 1}), ("T0", {"a": 1})]


def again(script: list[Step], cut: int) -> tuple[list[Any], list[Any]]:
    cassette = Cassette()
    live = record(cassette, World(), [script])
    session = Playing(cassette, manner=REPEAT)
    session.play(script[:cut])
    return shown(live), shown(session.play(script))


def test_repeat_last_with_another_resource_first() -> None:
    first, then = again([(P, X0, {"a": 1}), (G, T0, {}), (P, T0, {"b": 1})], 3)
    assert first == [("X0", {"a": 1}), ("T0", {}), ("T0", {"b": 1})]
    assert then == first


def test_repeat_last_with_polls_of_another_run() -> None:
    cassette = Cassette()
    script: list[Step] = [(P, X0, {"a": 1}), (G, R0, {}), (G, R0, {})]
    record(cassette, World(), [script])
    session = Playing(cassette, manner=REPEAT)
    polls = [[answer.get("status") for _, answer in session.play(script)] for _ in range(2)]
    # Nothing that was written covers the run, but the first write begins the program anew.
    assert polls == [[None, 1, 2], [None, 1, 2]]


def test_repeat_last_with_equal_changes_between_which_it_was_cut_off() -> None:
    script: list[Step] = [
        (P, T0, {"a": 1}),
        (P, T0, {"a": 2}),
        (P, T0, {"a": 1}),
        (P, T0, {"b": 1}),
    ]
    first, then = again(script, 2)
    assert first[:3] == [("T0", {"a": 1}), ("T0", {"a": 2}), ("T0", {"a": 1})]
    assert then == [("T0", {"a": 1}), ("T0", {"a": 2}), ("T0", {"a": 1}), MISS]


def test_repeat_last_with_a_reading_before_the_write() -> None:
    first, then = again([(G, T0, {}), (P, T0, {"a": 1})], 2)
    assert first == [("T0", {}), ("T0", {"a": 1})]
    assert then == first


def test_new_episodes_do_not_move_the_upstream() -> None:
    cassette, world = Cassette(), World()
    record(cassette, world, [[(P, T0, {"a": 1})]])
    one = add(cassette, world, [(P, T0, {"a": 2})])
    two = add(cassette, world, [(P, T0, {"a": 1}), (G, T0, {})])
    assert (one.unstored, one.made, two.unstored) == (0, [], 0)
    assert shown(replay(cassette, [(P, T0, {"a": 1}), (G, T0, {})])) == 2 * [("T0", {"a": 1})]


def test_new_episodes_beside_another_scope_store_nothing() -> None:
    cassette, world = Cassette(), World()
    record(cassette, world, [[(P, T0, {"a": 1})]], scope="one")
    record(cassette, world, [[(P, T0, {"b": 2})]], scope="two")
    script: list[Step] = [(P, T0, {"a": 1}), (G, T0, {})]
    session = add(cassette, world, script, "one")
    assert session.unstored == 1
    assert shown(replay(cassette, script, "one")) == [("T0", {"a": 1}), MISS]


def test_a_sequential_program_does_not_go_back_in_time() -> None:
    """The reference model answers a written thread with its reading before (`file_order`). The text
    wants the exact state first: a program that has written reads what it wrote, or is refused.
    With threads the order is restored by waiting: see `test_history_waiting`.
    """
    cassette = Cassette()
    write: Step = (P, T0, {"a": 1})
    read: Step = (G, T0, {})
    # The write arrives, a read comes and is answered, the write takes effect; then a read again.
    live = record(cassette, World(), [[write], [read, read]], [0, 1, 1, 1, 0, 0])
    assert shown(live) == [("T0", {"a": 1}), ("T0", {}), ("T0", {"a": 1})]
    session = Playing(cassette)
    assert ask_all(session, [call for call, _ in live]) == [("T0", {"a": 1})] * 2 + [MISS]


def test_a_line_taken_out_by_hand_never_happened() -> None:
    cassette = Cassette()
    record(cassette, World(), [[(P, T0, {"a": 1}), (P, T0, {"b": 2}), (G, T0, {})]])
    cassette.recordings = (cassette.recordings[0], cassette.recordings[2])
    script: list[Step] = [(P, T0, {"a": 1}), (G, T0, {})]
    assert shown(replay(cassette, script)) == [("T0", {"a": 1}), ("T0", {"a": 1, "b": 2})]


def test_equal_creates_of_two_stories_without_scopes() -> None:
    cassette, world = Cassette(), World()
    one: list[Step] = [(P, "/threads", {}), (P, "/threads/$0", {"t": 1})]
    two: list[Step] = [(P, "/threads", {}), (P, "/threads/$0", {"t": 2})]
    record(cassette, world, [one])
    record(cassette, world, [two])
    assert shown(replay(cassette, one)) == [("t2", {}), MISS]
    assert shown(replay(cassette, two)) == [("t2", {}), ("t2", {"t": 2})]


def test_one_program_recorded_twice_and_five_times() -> None:
    cassette, world = Cassette(), World()
    script: list[Step] = [
        (P, "/threads", {"n": "A"}),
        (P, "/threads/$0", {"a": 1}),
        (P, "/threads", {"n": "B"}),
        (G, "/threads/$1", {}),
    ]
    record(cassette, world, [script])
    for _ in range(4):
        live = record(cassette, world, [script])
        assert replay(cassette, script) == live
        assert len(cassette.recordings) == 4


def test_pruned_and_then_gone_on_with() -> None:
    cassette, world = Cassette(), World()
    record(cassette, world, [[(P, T0, {"a": 1}), (P, T0, {"b": 2})]])
    prune(cassette, {cassette.recordings[1].id})
    script: list[Step] = [(P, T0, {"a": 1}), (G, T0, {})]
    add(cassette, world, script)
    assert shown(replay(cassette, script)) == [("T0", {"a": 1}), ("T0", {"a": 1, "b": 2})]


# ---------------------------------------------------------------- the issue's own


def test_the_second_half_of_a_scenario_is_refused() -> None:
    cassette = Cassette()
    one: Step = (P, T0, {"a": 1})
    two: Step = (P, T0, {"b": 2})
    read: Step = (G, T0, {})
    record(cassette, World(), [[one, read, two, read]])
    assert shown(replay(cassette, [two, read])) == [MISS]
    assert shown(replay(cassette, [two])) == [MISS]


def test_an_added_scenario_breaks_no_older_one() -> None:
    cassette, world = Cassette(), World()
    script: list[Step] = [(G, T0, {}), (P, T0, {"a": 1}), (G, T0, {})]
    live = record(cassette, world, [script])
    add(cassette, world, [(P, T0, {"a": 2}), (G, T0, {})])
    assert replay(cassette, script) == live
    add(cassette, world, [(P, T0, {"a": 1}), (P, T0, {"a": 2}), (G, T0, {})])
    assert replay(cassette, script) == live


def test_a_deletion_before_the_update_is_refused() -> None:
    cassette = Cassette()
    update: Step = (P, R0, {"a": 1})
    delete: Step = (D, T0, {})
    read: Step = (G, R0, {})
    record(cassette, World(), [[update, delete, read]])
    # The thread's deletion shows nothing of its run; the update after it was never made.
    assert shown(replay(cassette, [delete, update, read])) == [("T0", None), MISS]


def test_a_write_whose_client_left_and_that_was_sent_again() -> None:
    cassette, world = Cassette(), World()
    write: Call = (P, T0, '{"a": 1}')
    read: Call = (G, T0, "{}")
    session = Recorder(cassette, world)
    for call, received in ((write, False), (write, True), (read, True)):
        session.arrive(0, call)
        session.act(0)
        session.end(0, received=received)
    session.finish()
    assert [item.received for item in cassette.recordings] == [False, True, True]
    assert ask_all(Playing(cassette), [write, read]) == 2 * [("T0", {"a": 1})]
    assert ask_all(Playing(cassette), [write, write]) == [("T0", {"a": 1}), MISS]


def test_paths_without_a_known_root_are_played_in_order_and_go_live() -> None:
    cassette = Cassette()
    calls: list[Call] = [(P, "/embeddings/a/b", text) for text in ('{"a": 1}', '{"b": 1}')]
    session = Recorder(cassette, World())
    for call in calls:
        session.arrive(0, call)
        session.flights[0].answer = {"id": call[2]}
        session.end(0)
    session.finish()
    played = Playing(cassette)
    assert [played.ask(call)[1] for call in reversed(calls)] == [
        {"id": call[2]} for call in reversed(calls)
    ]
    live = Playing(cassette, None, World())
    assert live.ask((P, "/embeddings/a/b", '{"c": 1}'))[1] is not None
    assert live.unstored == 0
