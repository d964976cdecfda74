"""Pages: `order`, `limit`, `after`, `before`, and what a list answers.

Owns the rules of every list of the API.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem

Unknown = Callable[[str], Problem]
INCLUDABLE = "step_details.tool_calls[*].file_search.results[*].content"
LIMIT_DEFAULT, LIMIT_MAX = 20, 100


def read(query: str) -> dict[str, str]:
    """The parameters of a raw query; of those that are repeated, the last."""
    return dict(parse_qsl(query, keep_blank_values=True))


def check_include(query: str) -> None:
    """Refuse what cannot be included.

    Raises:
        Problem: there is only one thing that can.
    """
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("include[]", "include") and value != INCLUDABLE:
            raise Problem(
                "invalid_value", value=value, supported=f"'{INCLUDABLE}'", param="include"
            )


def page(
    records: Mapping[str, Any],
    sent: Mapping[str, str],
    unknown: Unknown | None,
    shown: Callable[[Any], Json],
) -> Json:
    """One page of records, which come oldest first.

    `unknown` says what is wrong with an `after` or `before` that is none of them. If it is None,
    nothing is refused: such a cursor is passed over, and a limit is brought into its range.

    Raises:
        Problem: a parameter is wrong.
    """
    order, limit = _order(sent), _limit(sent, clamped=unknown is None)
    names = list(records)
    if order == "desc":
        names.reverse()
    begin, end = 0, len(names)
    for side in ("after", "before"):
        cursor = sent.get(side)
        if not cursor:
            continue
        if cursor not in records:
            if unknown is None:
                continue
            raise unknown(cursor)
        at = names.index(cursor)
        begin, end = (at + 1, end) if side == "after" else (begin, at)
    names = names[begin:end]
    # The page before an item is the one next to it; every other one begins at the beginning.
    last = bool(sent.get("before")) and not sent.get("after")
    chosen = names[-limit:] if last else names[:limit]
    return {
        "object": "list",
        "data": [shown(records[name]) for name in chosen],
        "first_id": chosen[0] if chosen else None,
        "last_id": chosen[-1] if chosen else None,
        "has_more": len(names) > limit,
    }


def _order(sent: Mapping[str, str]) -> str:
    order = sent.get("order", "desc")
    if order not in ("asc", "desc"):
        raise Problem("invalid_value", value=order, supported="'asc' and 'desc'", param="order")
    return order


def _limit(sent: Mapping[str, str], *, clamped: bool) -> int:
    text = sent.get("limit", str(LIMIT_DEFAULT))
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise Problem("not_integer", param="limit")
    limit = int(text)
    if clamped:
        return min(max(limit, 1), LIMIT_MAX)
    if limit < 1:
        raise Problem("below", param="limit", limit=1, value=limit)
    if limit > LIMIT_MAX:
        raise Problem("above", param="limit", limit=LIMIT_MAX, value=limit)
    return limit
