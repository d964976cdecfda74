"""The receipt in a few lines: what is worth a line, and how many at most."""

from typing import Any

from runreel.engine.receipt import summary


def a_receipt(session: str = "default", **members: Any) -> dict[str, Any]:
    """A receipt of a session that was not used."""
    nothing = {"served": 0, "recorded": 0, "missed": [], "unplayed": [], "not_stored": 0}
    named = {"session": session, "mode": "replay", "cassette": "mine", "upstream_calls": 0}
    return {**named, **nothing, "failed": 0, "sessions": [], **members}


def test_long_lists_end_with_how_much_more_there_is() -> None:
    missed = [
        {
            "message": f"No recording matches {number}.",
            "details": ["0 of 1 played"],
            "remedy": "Do.",
        }
        for number in range(22)
    ]
    unplayed = [f"getRun-{number}" for number in range(12)]
    calls = [{"id": each, "method": "GET", "target": "/v1/x"} for each in unplayed]

    first, *rest = summary(a_receipt(missed=missed, unplayed=unplayed, unplayed_calls=calls))

    assert first.startswith("replay 'mine': 0 served, 0 recorded, 22 missed, 12 unplayed, ")
    assert rest[:7] == [
        "  missed: No recording matches 0.",
        "    0 of 1 played",
        "  missed: No recording matches 1.",
        "    0 of 1 played",
        "  missed: No recording matches 2.",
        "    0 of 1 played",
        "  missed: No recording matches 3.",
    ]
    assert rest[22:25] == ["  missed: No recording matches 19.", "  and 2 misses more", "  Do."]
    assert rest[25:] == [
        *(f"  unplayed: GET /v1/x (getRun-{number})" for number in range(10)),
        "  and 2 unplayed more",
    ]


UNPLAYED = {"id": "getRun-1", "method": "GET", "target": "/v1/x"}


def test_without_a_default_session_all_are_one_line_and_those_with_something_wrong_more() -> None:
    others = [a_receipt(f"s{number}", served=2) for number in range(21)]
    wrong = [a_receipt("one", served=1, missed=[{"message": "No."}]), a_receipt("two")]
    wrong[1] |= {"unplayed": ["getRun-1"], "unplayed_calls": [UNPLAYED]}
    stray = {"message": "7 requests named no session."}
    top = a_receipt(cassette=None, missed=[stray], missed_in_all=7, sessions=[*others, *wrong])

    assert list(summary(top)) == [
        (
            "replay, 23 sessions: 43 served, 0 recorded, 8 missed, 1 unplayed, 0 not stored, "
            "0 upstream calls"
        ),
        "  missed: 7 requests named no session.",
        (
            "session one: replay 'mine': 1 served, 0 recorded, 1 missed, 0 unplayed, 0 not stored, "
            "0 upstream calls"
        ),
        "  missed: No.",
        (
            "session two: replay 'mine': 0 served, 0 recorded, 0 missed, 1 unplayed, 0 not stored, "
            "0 upstream calls"
        ),
        "  unplayed: GET /v1/x (getRun-1)",
    ]


def test_a_default_session_that_nobody_used_gives_its_line_to_all_sessions_together() -> None:
    others = [a_receipt("one", recorded=1), a_receipt("two", recorded=2)]

    left: dict[str, Any] = {"unplayed": ["getRun-1"], "unplayed_calls": [UNPLAYED]}
    unused = [*summary(a_receipt(mode="record", requests=0, sessions=others))]
    unplayed = [*summary(a_receipt(**left, requests=0, sessions=others))]

    assert unused == [
        (
            "record, 2 sessions: 0 served, 3 recorded, 0 missed, 0 unplayed, 0 not stored, "
            "0 upstream calls"
        )
    ]
    assert [line.partition(" '")[0] for line in unplayed] == [
        *(
            "replay",
            "  unplayed: GET /v1/x (getRun-1)",
            "session one: replay",
            "session two: replay",
        )
    ]


def test_of_many_sessions_those_with_something_wrong_are_told() -> None:
    others = [a_receipt(f"s{number}") for number in range(21)]
    wrong = [a_receipt("one", not_stored=1), a_receipt("two", drift=[{}])]

    _, one, two, *rest, more = summary(a_receipt(sessions=[*others, *wrong]))

    assert one.startswith("session one: replay 'mine': ")
    assert two.startswith("session two: replay 'mine': ")
    assert "1 drifted" in two
    assert [line.partition(":")[0] for line in rest] == [f"session s{n}" for n in range(18)]
    assert more == "and 3 sessions more"
