"""Scripted outcomes: what a run's metadata or an admin call say about how it goes.

Owns the keys `runreel.outcome`, `runreel.text`, `runreel.tool_calls`, and what happens without
them: a run that may call functions calls the first one, once, with arguments of the right
shape; then it completes.
"""

import json
from typing import Any

from runreel.core import jsontext
from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem
from runreel.simulator.world import DEFAULT_TEXT, Script, World

OUTCOMES = ("completed", "failed", "expired", "incomplete", "requires_action")
KEYS = ("outcome", "text", "tool_calls")
PREFIX = "runreel."
_SAMPLES: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "null": None}
_DEPTH_MAX = 16  # of objects in a sample


def next_one(world: World, run: Json) -> Script:
    """The script of a new run: the one that waits, else that of its metadata and its tools.

    Raises:
        Problem: a key says what cannot be.
    """
    if world.scripts:
        return world.scripts.pop(0)
    told: Json = {
        name.removeprefix(PREFIX): value
        for name, value in run["metadata"].items()
        if name.startswith(PREFIX) and isinstance(value, str)
    }
    if isinstance(calls := told.get("tool_calls"), str):
        try:
            told["tool_calls"] = jsontext.loads(calls)
        except jsontext.Unreadable:
            raise _wrong("tool_calls", calls, "a JSON array", f"metadata.{PREFIX}") from None
    return read(told, run, f"metadata.{PREFIX}", calls=world.settings.calls)


def read(told: Json, run: Json | None, place: str = "", *, calls: bool) -> Script:
    """The script that a mapping of `KEYS` tells; `run` is the one it is for, if that is known.

    Without `calls` nobody could give outputs, so no script may ask for them.

    Raises:
        Problem: a value is not what it can be; `place` stands before its name.
    """
    outcome, text = told.get("outcome"), told.get("text", DEFAULT_TEXT)
    if outcome is not None and outcome not in OUTCOMES:
        supported = ", ".join(f"'{name}'" for name in OUTCOMES)
        raise _wrong("outcome", outcome, supported, place)
    if not isinstance(text, str):
        raise _wrong("text", text, "a string", place)
    asked = _calls(told["tool_calls"], place) if "tool_calls" in told else None
    if not calls and (asked or outcome == "requires_action"):
        wrong = ("tool_calls", told["tool_calls"]) if asked else ("outcome", outcome)
        raise _wrong(*wrong, "others, for there is no submit_tool_outputs in this dialect", place)
    if asked is None:
        asked = _default(outcome, run) if calls else ()
    return Script("completed" if outcome in (None, "requires_action") else outcome, text, asked)


def _calls(told: Any, place: str) -> tuple[tuple[str, str], ...]:
    shape = 'an array of {"name": …, "arguments": …}'
    if not isinstance(told, list):
        raise _wrong("tool_calls", told, shape, place)
    calls = []
    for item in told:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise _wrong("tool_calls", told, shape, place)
        given = item.get("arguments", {})
        calls.append((item["name"], given if isinstance(given, str) else _text(given)))
    return tuple(calls)


def _default(outcome: str | None, run: Json | None) -> tuple[tuple[str, str], ...]:
    functions = [tool["function"] for tool in (run or {}).get("tools", []) if "function" in tool]
    choice = (run or {}).get("tool_choice")
    if isinstance(choice, dict):
        named = (choice.get("function") or {}).get("name")
        functions = [item for item in functions if named is None or item["name"] == named]
    if outcome in (None, "requires_action") and functions and choice != "none":
        return ((functions[0]["name"], _text(_sample(functions[0].get("parameters") or {}, 0))),)
    return (("simulated", "{}"),) if outcome == "requires_action" else ()


def _sample(schema: Any, depth: int) -> Any:
    """A value that a simple JSON schema describes: required members only, first of choices."""
    if not isinstance(schema, dict) or depth > _DEPTH_MAX:
        return {}
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    kind = schema.get("type", "object" if depth == 0 or "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    if kind != "object":
        return _SAMPLES.get(kind, "text") if isinstance(kind, str) else "text"
    members = schema.get("properties")
    required = schema.get("required")
    if not isinstance(members, dict) or not isinstance(required, list):
        return {}
    return {
        name: _sample(members.get(name, {}), depth + 1)
        for name in required
        if isinstance(name, str)
    }


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _wrong(name: str, value: Any, supported: str, place: str) -> Problem:
    shown = value if isinstance(value, str) else _text(value)
    return Problem("invalid_value", value=shown[:200], supported=supported, param=place + name)
