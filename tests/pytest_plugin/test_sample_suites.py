"""Suites as people write them, in a sample of the orders of `benchmarks/suites_replayed.py`."""

from pathlib import Path

import pytest

from benchmarks.suites_replayed import STILL, TESTS, bytes_of, copied, green, run
from suites import ONCE, RECORD

pytestmark = pytest.mark.timeout(240)


def test_what_is_recorded_once_plays_in_any_order_and_recording_it_again_changes_nothing(
    tmp_path: Path,
) -> None:
    folder = copied(tmp_path)

    code, said = run(folder, *ONCE, *STILL)
    recorded = bytes_of(folder)
    alone, _ = run(folder, *RECORD, *STILL, "--only", "9")
    seed = sum(map(ord, tmp_path.name)) % 1000

    assert code == 0, said
    assert f"{TESTS - 2} passed, 1 skipped, 1 xfailed" in said
    assert green(folder, "random", seed)
    assert alone == 0
    assert bytes_of(folder) == recorded
