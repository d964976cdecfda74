"""What a change came to: metadata before, asked for, and after.

Owns the changes by key, the effect, and what a change shows of its upstream: whether keys that it
did not name are kept. Nothing is assumed of an upstream: only what an answer shows counts. Values
are compared as they are written, that is after redaction.
"""

from typing import Any, Literal

import rfc8785

from runreel.core.audit.entries import UNKNOWN, Change, Effect, Known, Metadata
from runreel.core.rules import PLACEHOLDER

Manner = Literal["merges", "replaces"]


def changes(before: Known, requested: Metadata | None, after: Known) -> tuple[Change, ...]:
    """What changed from `before` (None: a run that was not there) to `after`, sorted by key.

    If nobody knows what was before, these are the requested keys that stand in `after` as asked.
    """
    if not isinstance(after, dict):
        return ()
    if before == UNKNOWN:
        stands = (key for key in sorted(requested or {}) if key in after)
        named = requested or {}
        return tuple(
            Change(key, "changed", None, after[key])
            for key in stands
            if same(named[key], after[key])
        )
    old = before if isinstance(before, dict) else {}
    found: list[Change] = []
    for key in sorted(old.keys() | after.keys()):
        if key not in old:
            found.append(Change(key, "added", None, after[key]))
        elif key not in after:
            found.append(Change(key, "removed", old[key], None))
        elif not same(old[key], after[key]):
            found.append(Change(key, "changed", old[key], after[key]))
    return tuple(found)


def effect(requested: Metadata | None, status: int | None, after: Known) -> Effect:
    """What became of a change; `status` is None if there was no answer.

    Where no metadata is asked for, the status alone decides, and a 5xx decides nothing.
    """
    if status is None or status < 200 or 300 <= status < 400:
        return "unknown"
    if status >= 400:
        return "refused" if requested is not None or status < 500 else "unknown"
    if requested is None:
        return "applied"
    if not isinstance(after, dict):
        return "unknown"
    stands = [_stands(key, asked, after) for key, asked in requested.items()]
    if all(stands):
        return "applied"
    return "partly_applied" if any(stands) else "not_applied"


def manner(before: Known, requested: Metadata | None, after: Known) -> Manner | None:
    """Whether a change that was answered well kept the keys that it did not name.

    None if there were none, or if some were kept and others not.
    """
    if not isinstance(before, dict) or not isinstance(after, dict) or requested is None:
        return None
    others = before.keys() - requested.keys()
    kept = {key for key in others if key in after and same(before[key], after[key])}
    if others and kept == others:
        return "merges"
    return "replaces" if others and not others & after.keys() else None


def blanked(requested: Metadata | None) -> tuple[str, ...]:
    """The requested keys whose values are not all there: two secrets look the same."""
    return tuple(
        key for key, value in sorted((requested or {}).items()) if PLACEHOLDER in str(value)
    )


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same one: 1 and true are not, 1 and 1.0 are."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return rfc8785.dumps(one) == rfc8785.dumps(other)


def _stands(key: str, asked: Any, after: Metadata) -> bool:
    if asked is None or asked == "":  # to go
        return after.get(key) in (None, "")
    return key in after and same(asked, after[key])
