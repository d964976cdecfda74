import json
from typing import TYPE_CHECKING, Any

from receipts import a_miss, a_receipt
from runreel.pytest_plugin.report import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_a_run_that_nobody_used_it_in_says_nothing() -> None:
    assert Totals().lines() == []


def test_the_counts_of_all_tests_and_processes_are_one_line() -> None:
    here, there = Totals(), Totals()
    here.add("a", [a_receipt(served=2), a_receipt(unplayed=["x"])], passed=True)
    there.add("b", [a_receipt(recorded=4, upstream_calls=4)], passed=True)
    there.add("c", [a_receipt(missed=[a_miss()])], passed=True)

    here.take_in(json.loads(json.dumps(there.document())))

    assert here.lines() == [
        "runreel: 5 replayed, 4 recorded, 1 missed, 1 unplayed, 4 live calls",
    ]


def test_what_a_failed_test_recorded_is_counted_apart() -> None:
    totals = Totals()
    totals.add("a", [a_receipt(served=0, discarded=3, upstream_calls=3)], passed=False)

    (line,) = totals.lines()
    assert line == (
        "runreel: 0 replayed, 0 recorded, 0 missed, 0 unplayed, 3 live calls "
        "(3 more discarded, of tests that did not pass)"
    )


def test_what_verify_did_not_compare_is_not_called_unplayed() -> None:
    totals = Totals()
    totals.add("a", [a_receipt(mode="verify", unplayed=["x"])], passed=True)

    assert "0 unplayed" in totals.lines()[0]


def test_tests_that_sent_nothing_are_warned_about_by_name() -> None:
    totals = Totals()
    for number in range(12):
        totals.add(f"t{number:02}", [a_receipt(served=0)] * 2, passed=True)
    totals.add("failed", [a_receipt(served=0)], passed=False)

    warning = totals.lines()[1]

    assert warning.startswith("runreel: WARNING: 12 of 13 tests sent no request. ")
    assert warning.endswith(" t00, t01, t02, t03, t04, t05, t06, t07, t08, t09 and 2 more")


def test_tests_that_left_old_recordings_are_warned_about_by_name() -> None:
    totals, other = Totals(), Totals()
    left: list[Mapping[str, Any]] = [a_receipt(mode="record", not_rerecorded=["x"]), a_receipt()]
    other.add("a", left, passed=True, whole=True)
    other.add("failed", left, passed=False, whole=True)
    other.add("allowed", left, passed=True)

    totals.take_in(other.document())

    assert totals.lines()[1:] == [
        (
            "runreel: WARNING: 1 of 3 tests have recordings that they did not make again, and will "
            "fail when these are not played; --runreel-prune drops them: a"
        )
    ]
