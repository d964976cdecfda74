"""A sample of the proof that the fast lane cannot be told from aiohttp; `equal.py` is all of it."""

from pathlib import Path

import pytest

from lane.equal import tell

REQUESTS = 20_000
PARTS = 4  # so that several workers share them


@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_tells_the_lane_from_aiohttp(tmp_path: Path, part: int) -> None:
    told = tell(REQUESTS // PARTS, 2_026, part, tmp_path, step=PARTS)

    assert told.differences == []
    assert told.requests >= REQUESTS // PARTS
    assert min(told.ways[way] for way in ("at once", "in a task", "left to aiohttp")) > 50
