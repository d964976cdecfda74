"""What a client reads when its call belongs to another state than every recording left."""

from near_misses import HOW_TO, redacted
from runreel.matching.near_miss import Miss, Missed
from runreel.sessions.modes import Mode
from states import RUN, Playing, a_call

GET = f"GET {RUN}"
RULE = (
    "A read is answered by recordings made after as many writes to its resource as were played; "
    "replay.barriers = false plays plain recorded order."
)


def missed(playing: Playing, call: str) -> Miss:
    miss = playing.ask(call).miss
    assert miss is not None
    return miss


def message(playing: Playing, call: str = GET) -> str:
    return Missed(missed(playing, call), redacted(a_call(call)), "default").message()


def test_a_write_that_was_not_played_is_named() -> None:
    playing = Playing(Mode.REPLAY, (GET, "getRun-1"), (f"POST {RUN}", "mod-1"), (GET, "getRun-2"))
    playing.served(GET)

    assert message(playing) == (
        "No recording of GET /v1/threads/thread_abc123/runs/run_abc123 belongs to this state: "
        "getRun-2 in cassette 'default' comes after "
        "POST /v1/threads/thread_abc123/runs/run_abc123 (mod-1), which was not played.\n"
        f"{RULE}\n{HOW_TO}"
    )


def test_so_is_a_write_that_was_played_and_comes_later_in_the_recording() -> None:
    playing = Playing(Mode.REPLAY, (GET, "getRun-1"), (f"POST {RUN}", "mod-1"))
    playing.served(f"POST {RUN}")

    assert message(playing) == (
        "No recording of GET /v1/threads/thread_abc123/runs/run_abc123 belongs to this state: "
        "getRun-1 in cassette 'default' comes before "
        "POST /v1/threads/thread_abc123/runs/run_abc123 (mod-1), which was played already.\n"
        f"{RULE}\n{HOW_TO}"
    )


def test_several_writes_are_counted_and_listed_up_to_a_dozen() -> None:
    writes = [(f"POST {RUN} {number}", f"mod-{number}") for number in range(20)]
    playing = Playing(Mode.REPLAY, *writes, (GET, "getRun-1"))
    playing.served(f"POST {RUN} 0")

    lines = message(playing).split("\n")

    assert lines[0].endswith(f"comes after POST {RUN} (mod-1), which was not played (and 18 more).")
    assert lines[1:13] == [f"  and POST {RUN} (mod-{number})" for number in range(2, 14)]
    assert lines[13:] == [RULE, HOW_TO]


def test_writes_to_something_else_are_no_reason() -> None:
    other = ("POST /v1/threads/other", "mod-1")
    playing = Playing(Mode.REPLAY, other, (f"POST {RUN}", "mod-2"), (GET, "getRun-1"))

    miss = missed(playing, GET)

    assert [item.interaction.value.id for item in miss.barriers] == ["mod-2"]


def test_of_several_recordings_the_one_that_comes_next_is_named() -> None:
    playing = Playing(
        Mode.REPLAY,
        (GET, "getRun-0"),
        (f"POST {RUN} 1", "mod-1"),
        (f"POST {RUN} 2", "mod-2"),
        (GET, "getRun-2"),
        (f"POST {RUN} 3", "mod-3"),
        (GET, "getRun-3"),
    )
    playing.served(f"POST {RUN} 1")

    assert "state: getRun-2 in cassette 'default' comes after" in message(playing)


def test_a_receipt_names_the_recording_and_no_difference() -> None:
    playing = Playing(Mode.REPLAY, (f"POST {RUN}", "mod-1"), (GET, "getRun-1"))

    document = Missed(missed(playing, GET), redacted(a_call(GET)), "default").document()

    assert (document["code"], document["nearest"], document["differences"]) == (
        "interaction_exhausted",
        "getRun-1",
        [],
    )
    assert document["message"] == (
        f"No recording of {GET} belongs to this state: getRun-1 in cassette 'default' comes after "
        f"POST {RUN} (mod-1), which was not played."
    )


def test_a_read_of_which_all_was_played_is_exhausted_as_ever() -> None:
    playing = Playing(Mode.REPLAY, (GET, "getRun-1"))
    playing.served(GET)

    assert message(playing).startswith(f"Every recording of GET {RUN} in cassette 'default' was")
