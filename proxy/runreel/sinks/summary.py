"""A receipt for people: a few lines instead of a document.

Owns the words. Text out of requests and cassettes stands in them as it is: whoever prints them
makes it safe. Knows nothing of live sessions.
"""

from collections.abc import Iterator
from typing import Any

MISSES_MAX = 20  # lines of one session
UNPLAYED_MAX = 10  # ids of one session
SESSIONS_MAX = 20  # besides the default one; those with something wrong come first

# (the receipt's member, the words for it, whether nothing of it is worth telling too)
_COUNTS = (
    ("served", "served", True),
    ("recorded", "recorded", True),
    ("missed", "missed", True),
    ("unplayed", "unplayed", True),
    ("not_stored", "not stored", True),
    ("failed", "failed", False),
    ("compared", "compared", False),
    ("drift", "drifted", False),
    ("new", "new", False),
    ("upstream_calls", "upstream calls", True),
)


def summary(receipt: dict[str, Any]) -> Iterator[str]:
    """The lines for the receipt of a process."""
    yield from _session(receipt, "")
    others = sorted(receipt["sessions"], key=_smooth)
    for other in others[:SESSIONS_MAX]:
        yield from _session(other, f"session {other['session']}: ")
    if len(others) > SESSIONS_MAX:
        yield f"and {len(others) - SESSIONS_MAX:,} sessions more"


def _smooth(receipt: dict[str, Any]) -> bool:
    return not any(_count(receipt, name) for name in ("missed", "not_stored", "failed", "drift"))


def _count(receipt: dict[str, Any], name: str) -> int:
    value = receipt.get(name, 0)
    return value if isinstance(value, int) else len(value)


def _session(receipt: dict[str, Any], name: str) -> Iterator[str]:
    counts = [
        f"{_count(receipt, member):,} {words}"
        for member, words, also_none in _COUNTS
        if also_none or _count(receipt, member)
    ]
    yield f"{name}{receipt['mode']} '{receipt['cassette']}': {', '.join(counts)}"
    missed, unplayed = receipt["missed"], receipt["unplayed"]
    for miss in missed[:MISSES_MAX]:
        yield f"  missed: {miss['message']}"
    if len(missed) > MISSES_MAX:
        yield f"  and {len(missed) - MISSES_MAX:,} misses more"
    if unplayed:
        more = f" and {len(unplayed) - UNPLAYED_MAX:,} more" if len(unplayed) > UNPLAYED_MAX else ""
        yield f"  unplayed: {', '.join(unplayed[:UNPLAYED_MAX])}{more}"
