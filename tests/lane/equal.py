"""Whether the fast lane can be told from aiohttp: the same stories, told to a proxy with it and to
one without.

    python tests/lane/equal.py [--requests 1000000] [--seed 1] [--from 0] [--processes 2]

Compared are the bytes of all answers, where connections end, the receipt, the log, the audit log,
the cassettes and what was forwarded. A story that makes a difference is made as short as it can be
and printed, and the command ends with 1.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

from lane.stories import Shelf, a_story, shelf
from lane.world import Seen, Story, fed_by_bytes, told
from runreel.server import lane as lanes

LINES_MAX = 5  # of each thing that is seen
TRIES_MAX = 200  # to make a story shorter
SOCKETS_EVERY = 20  # of so many stories one goes over real sockets


@dataclass
class Told:
    """How much was compared, and how it was answered with the lane."""

    stories: int = 0
    requests: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


@contextmanager
def counted(ways: Counter[str]) -> Iterator[None]:
    """While the context lasts it is counted what is answered at once, in a task, and by aiohttp."""
    hit, call, give = lanes.Lane.hit, lanes.LaneConnection._call, lanes.LaneConnection._asked

    def hits(*args: Any) -> bytes | None:
        answer = hit(*args)
        ways["at once"] += answer is not None
        return answer

    async def calls(*args: Any) -> None:
        ways["in a task"] += 1
        await call(*args)

    def asked(*args: Any) -> Any:
        found = give(*args)
        ways["left to aiohttp"] += found is None
        return found

    with (
        mock.patch.object(lanes.Lane, "hit", hits),
        mock.patch.object(lanes.LaneConnection, "_call", calls),
        mock.patch.object(lanes.LaneConnection, "_asked", asked),
    ):
        yield


@contextmanager
def rarely_collected() -> Iterator[None]:
    """While the context lasts the collector of cycles runs less often: much is made here."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def differences(story: Story, shelf: Shelf, folder: Path, *, sockets: bool = False) -> list[str]:
    """What is seen of one proxy and not of the other, in lines.

    If a good request came in one piece with a bad one after it, aiohttp has lost the good one, and
    the lane has not; so where there is a difference it counts if it is there too when aiohttp gets
    all bytes one by one.
    """
    if not story.by_bytes and not _differences(story, shelf, folder, sockets=sockets):
        return []
    with fed_by_bytes():
        return _differences(story, shelf, folder, sockets=sockets)


def _differences(story: Story, shelf: Shelf, folder: Path, *, sockets: bool) -> list[str]:
    with_lane, without = (
        told(story, lane=lane, cassettes=shelf.folder, folder=folder / name, sockets=sockets)
        for lane, name in ((True, "a"), (False, "b"))
    )
    return [
        f"{each.name}: {line}"
        for each in fields(Seen)
        for line in islice(
            _unequal(getattr(with_lane, each.name), getattr(without, each.name)), LINES_MAX
        )
    ]


def _unequal(lane: Any, none: Any) -> Iterator[str]:
    if lane == none:
        return
    if isinstance(lane, dict):
        for name in sorted(lane.keys() | none.keys()):
            yield from (f"{name}: {line}" for line in _unequal(lane.get(name), none.get(name)))
    elif isinstance(lane, list) and len(lane) == len(none):
        for at, pair in enumerate(zip(lane, none, strict=True)):
            yield from (f"{at}: {line}" for line in _unequal(*pair))
    elif isinstance(lane, list):
        at = _first_unequal(lane, none)
        yield f"{len(lane)} and {len(none)}, from {at} on\n" + _both(lane, none, at, at + 3)
    elif isinstance(lane, str | bytes):
        at = _first_unequal(lane, none or lane[:0])
        yield f"at {at}\n" + _both(lane, none or lane[:0], max(0, at - 200), at + 500)
    else:
        yield f"\n  lane {lane!r}\n  none {none!r}"


def _first_unequal(lane: Sequence[Any], none: Sequence[Any]) -> int:
    pairs = enumerate(zip(lane, none, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(lane), len(none)))


def _both(lane: Sequence[Any], none: Sequence[Any], start: int, end: int) -> str:
    return f"  lane {lane[start:end]!s:.1500}\n  none {none[start:end]!s:.1500}"


def shortest(story: Story, shelf: Shelf, folder: Path, *, sockets: bool = False) -> Story:
    """The story without most of what the difference does without."""
    size, tries = max(1, len(story.turns) // 2), 0
    while size and tries < TRIES_MAX:
        at = 0
        while at + size < len(story.turns) and tries < TRIES_MAX:  # the last one is a wait
            tries += 1
            shorter = replace(story, turns=(*story.turns[:at], *story.turns[at + size :]))
            if differences(shorter, shelf, folder, sockets=sockets):
                story = shorter
            else:
                at += size
        size //= 2
    return story


def tell(
    requests: int, seed: int, first: int, shelf_: Shelf, *, step: int = 1, differences_max: int = 1
) -> Told:
    """Compare stories until so many requests were sent; every `step`th from the first on."""
    found, number, folder = Told(), first, shelf_.folder.parent
    with counted(found.ways), rarely_collected():
        while found.requests < requests and len(found.differences) < differences_max:
            sockets = number % SOCKETS_EVERY == SOCKETS_EVERY - 1
            story, count = a_story(seed, number, shelf_)
            if lines := differences(story, shelf_, folder, sockets=sockets):
                story = shortest(story, shelf_, folder, sockets=sockets)
                lines = differences(story, shelf_, folder, sockets=sockets) or lines
                found.differences.append(_report(seed, number, story, lines))
            found.stories += 1
            found.requests += count
            number += step
    return found


def _report(seed: int, number: int, story: Story, lines: list[str]) -> str:
    steps = "\n".join(f"    {step!r}"[:3_000] for turn in story.turns for step in turn)
    return f"seed {seed}, story {number}: {story.settings} {story.half_s}\n{steps}\n" + "\n".join(
        lines
    )


def _part(job: tuple[int, int, int, int, int]) -> Told:
    requests, seed, first, step, most = job
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - fsync costs nothing there
    with tempfile.TemporaryDirectory(dir=place) as folder:
        made = shelf(Path(folder))
        return tell(requests, seed, first, made, step=step, differences_max=most)


def main() -> int:
    """Tell stories and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--differences", type=int, default=1, help="after which a process stops")
    args = parser.parse_args()
    began, count = time.process_time(), args.processes
    jobs = [
        (args.requests // count, args.seed, args.first + at, count, args.differences)
        for at in range(count)
    ]
    if count == 1:
        parts = [_part(jobs[0])]
    else:
        with get_context("spawn").Pool(count) as pool:
            parts = pool.map(_part, jobs)
    ways = sum((part.ways for part in parts), Counter[str]())
    for text in (text for part in parts for text in part.differences):
        print(text, end="\n\n")
    found = sum(len(part.differences) for part in parts)
    print(
        f"{sum(part.requests for part in parts):,} requests in "
        f"{sum(part.stories for part in parts):,} stories, seed {args.seed}: {found} differences; "
        f"with the lane {', '.join(f'{ways[way]:,} {way}' for way in sorted(ways))}; "
        f"{time.process_time() - began:.0f} s"
    )
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
