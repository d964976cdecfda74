"""Receipts in their shape, with defaults for what a test is not about."""

from typing import Any


def a_receipt(**members: Any) -> dict[str, Any]:
    """Of a session that played one call and left nothing."""
    return {
        "mode": "replay",
        "cassette": "mine",
        "served": 1,
        "redacted": 0,
        "recorded": 0,
        "not_stored": 0,
        "missed": [],
        "unplayed": [],
        "not_rerecorded": [],
        "upstream_calls": 0,
    } | members


def a_miss(**members: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "target": "/v1/threads/t/runs/r",
        "nearest": "modifyRun-1",
        "differences": [],
        "message": "No recording matches POST /v1/threads/t/runs/r.",
        "details": [],
        "remedy": None,
    } | members
