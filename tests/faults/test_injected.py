"""Each call that makes a recording durable, failed or killed: what was acknowledged is there.

All that a 20-interaction recording does to its files is counted in a run without faults; then one
run for some of them. `kill.py --injected` fails every call in every way.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from faults.injecting import (
    EIO,
    ENOSPC,
    INTERACTIONS,
    KILL,
    STRACE,
    Case,
    Fault,
    Start,
    calls_of,
    faults_of,
    recording,
    sweep,
)

pytestmark = pytest.mark.timeout(240)  # a hundred processes under strace; a slow machine has time

# Opening and first captures; some between; the last capture, the result and the cassette.
SOME_WRITES = (1, 2, 3, 8, 13, 18, 21, 22, 23)
SOME_SYNCS = (1, 2, 11, 20)  # the first ones, one between, and that of the last capture


@pytest.fixture(autouse=True)
def _strace() -> None:
    if STRACE is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have strace")
        pytest.skip("strace is not installed")


async def test_a_recording_makes_the_calls_that_are_failed_here(tmp_path: Path) -> None:
    """If this changes, the sweeps below change with it; none of them may come to be empty."""
    calls = await calls_of(tmp_path, Start(1, requests=INTERACTIONS))

    assert calls == {"write": 23, "fdatasync": 21, "fsync": 5, "rename": 1, "unlink": 2}


async def test_a_recorder_killed_at_a_write_leaves_what_was_acknowledged(tmp_path: Path) -> None:
    kills = [Fault("write", nth, KILL) for nth in SOME_WRITES]

    assert await sweep(tmp_path, [recording(kill) for kill in kills]) == []


async def test_a_recorder_killed_at_a_sync_of_the_journal_leaves_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    kills = [Fault("fdatasync", nth, KILL) for nth in (*SOME_SYNCS, 21)]

    assert await sweep(tmp_path, [recording(kill) for kill in kills]) == []


async def test_a_recorder_killed_anywhere_else_leaves_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    kills = faults_of(Counter(fsync=5, rename=1, unlink=2), KILL)

    assert await sweep(tmp_path, [recording(kill) for kill in kills]) == []


async def test_a_write_of_the_journal_that_fails_is_told_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    faults = [Fault("write", nth, ENOSPC) for nth in SOME_WRITES if nth <= 21]

    assert await sweep(tmp_path, [recording(fault, unacknowledged=1) for fault in faults]) == []


async def test_a_sync_of_the_journal_that_fails_is_told_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    opening = [Fault("fsync", nth, EIO) for nth in (1, 2)]
    faults = opening + [Fault("fdatasync", nth, EIO) for nth in SOME_SYNCS]

    assert await sweep(tmp_path, [recording(fault, unacknowledged=1) for fault in faults]) == []


async def test_a_stop_that_fails_leaves_what_was_acknowledged(tmp_path: Path) -> None:
    result_and_cassette = [Fault("write", 22, ENOSPC), Fault("write", 23, ENOSPC)]
    syncs = [Fault("fdatasync", 21, EIO), *(Fault("fsync", nth, EIO) for nth in (3, 4, 5))]
    names = faults_of(Counter(rename=1, unlink=2), EIO)

    faults = result_and_cassette + syncs + names

    assert await sweep(tmp_path, [recording(fault, unacknowledged=0) for fault in faults]) == []


async def test_a_failed_write_that_cannot_be_taken_back_is_told_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    pairs = [(Fault("write", nth, ENOSPC), Fault("ftruncate", 1, EIO)) for nth in (2, 11, 21)]

    assert await sweep(tmp_path, [recording(*pair, unacknowledged=1) for pair in pairs]) == []


async def test_a_recorder_killed_when_it_takes_back_a_write_leaves_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    pairs = [(Fault("write", nth, ENOSPC), Fault("ftruncate", 1, KILL)) for nth in (2, 11, 21)]

    assert await sweep(tmp_path, [recording(*pair) for pair in pairs]) == []


# It removes what the killed one had written beside the cassette, two journals and the lock.
CALLS_OF_A_START = Counter(write=3, fdatasync=1, fsync=6, rename=1, unlink=4)


class TestNextStart:
    """What comes after a recorder that was killed when all twenty were acknowledged."""

    @staticmethod
    def killed(number: int) -> Start:
        return Start(number, requests=INTERACTIONS, faults=(Fault("write", 22, KILL),))

    async def test_it_makes_the_calls_that_are_failed_here(self, tmp_path: Path) -> None:
        assert await calls_of(tmp_path, self.killed(1), Start(2)) == CALLS_OF_A_START

    @pytest.mark.parametrize("effect", [KILL, EIO])
    async def test_a_start_that_dies_or_fails_at_any_call_loses_nothing_and_doubles_nothing(
        self, tmp_path: Path, effect: str
    ) -> None:
        starts = [Start(2, faults=(fault,)) for fault in faults_of(CALLS_OF_A_START, effect)]

        assert await sweep(tmp_path, [Case((self.killed(1), start)) for start in starts]) == []

    async def test_two_starts_killed_while_they_remove_journals_double_nothing(
        self, tmp_path: Path
    ) -> None:
        """What is left of the journals must still say that the cassette holds what they hold. The
        first start has the name that is sorted last, as random names may have it.
        """
        second = Start(2, faults=(Fault("unlink", 2, KILL),))  # after what was beside the cassette
        thirds = [Start(1, faults=(Fault("unlink", nth, KILL),)) for nth in (1, 2, 3)]

        cases = [Case((self.killed(3), second, third)) for third in thirds]

        assert await sweep(tmp_path, cases) == []
