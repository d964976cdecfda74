"""A sample of the proof that the fast lane cannot be told from aiohttp; `equal.py` is all of it."""

import pytest

from lane.equal import tell
from lane.stories import Shelf, shelf

REQUESTS = 20_000
PARTS = 8  # so that several workers share them


@pytest.fixture(scope="module")
def cassettes(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return shelf(tmp_path_factory.mktemp("shelf"))


@pytest.mark.timeout(300)  # what is cut off looks like a difference
@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_tells_the_lane_from_aiohttp(cassettes: Shelf, part: int) -> None:
    told = tell(REQUESTS // PARTS, 2_026, part, cassettes, step=PARTS)

    assert told.differences == []
    assert told.requests >= REQUESTS // PARTS
    assert min(told.ways[way] for way in ("at once", "in a task", "left to aiohttp")) > 0
