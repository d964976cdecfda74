"""What exists in a simulator: assistants, threads, their messages and runs, the steps of runs.

Everything is in memory. A record is replaced, never changed in place, so what was answered stays
as it was. How a run goes is scripted, by its metadata (`runreel.outcome`, `runreel.text`,
`runreel.tool_calls`) or by an admin call; without that, a run that may call functions calls the
first one, once, with arguments of the right shape; then it completes.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from runreel.assistants.dialect import Json, compact
from runreel.http import strict_json
from runreel.simulator.errors import Problem

FIRST_SECOND = 1_774_963_200  # 2026-03-31T13:20:00Z, when the time is a count of requests
DEFAULT_TEXT = "This is the runreel simulator: no model wrote this."
SCRIPTS_MAX = 100  # that wait for their runs
_BELOW = {"thread": ("message", "run"), "run": ("step",)}


@dataclass(slots=True)
class Ids:
    """Makes ids, the same in every run of the same script.

    Each is made of the seed (any text), the kind of thing, what it belongs to and its number there,
    so threads that are used at the same time do not change each other's ids. `spell` makes an id of
    a prefix and a large number.
    """

    seed: str
    spell: Callable[[str, int], str]
    _made: dict[str, Counter[str]] = field(default_factory=dict)

    def new(self, prefix: str, parent: str = "") -> str:
        """The next id of a kind (`run`) below a parent (`thread_…`)."""
        made = self._made.setdefault(parent, Counter())
        made[prefix] += 1
        name = f"{self.seed}\n{prefix}\n{parent}\n{made[prefix]}"
        number = int.from_bytes(hashlib.sha512(name.encode("utf-8", "backslashreplace")).digest())
        return self.spell(prefix, number)

    def forget(self, parent: str) -> None:
        """Nothing will be made below that parent any more."""
        self._made.pop(parent, None)


@dataclass(frozen=True, slots=True)
class Script:
    """What becomes of a run: how it ends, what it says, and which functions it calls before.

    `calls` are pairs of a function's name and its arguments as JSON text.
    """

    outcome: str = "completed"
    text: str = DEFAULT_TEXT
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run: the document that is answered, its script, and since when it has its status (s)."""

    document: Json
    script: Script
    since: float

    def changed(self, **members: Any) -> "Run":
        """The run with other members in its document."""
        return replace(self, document=self.document | members)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a simulator behaves.

    `status_s` is how long a status lasts; None: until the run is asked for once more. `merges` is
    what modify does with metadata. `lenient`: everything exists as soon as it is named, `free`: no
    state refuses an operation. `calls`: there are runs that wait for the outputs of functions.
    `gaps`: a run without steps has no list of them. `dated`: a thread tells when it was changed.
    """

    merges: bool = False
    lenient: bool = False
    free: bool = False
    calls: bool = True
    gaps: bool = False
    dated: bool = False
    status_s: float | None = None
    objects_max: int = 100_000
    bytes_max: int = 67_108_864


@dataclass(slots=True)
class World:
    """Everything there is, and what time it is in it (Unix seconds)."""

    settings: Settings
    ids: Ids
    time: float = FIRST_SECOND
    scripts: list[Script] = field(default_factory=list)
    _shelves: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _objects: int = 0
    _bytes: int = 0
    _before: tuple[int, int, list[Script]] = (0, 0, [])
    _replaced: list[tuple[tuple[str, str], str, Any]] = field(default_factory=list)

    @property
    def now(self) -> int:
        """The time as documents hold it."""
        return int(self.time)

    def begin(self) -> None:
        """From here on what is kept can be taken back."""
        self._before = self._objects, self._bytes, [*self.scripts]
        self._replaced.clear()

    def take_back(self) -> None:
        """All is as it was at `begin`; what was dropped since then is not."""
        self._objects, self._bytes, self.scripts = self._before
        for place, name, record in reversed(self._replaced):
            if record is None:
                del self._shelves[place][name]
            else:
                self._shelves[place][name] = record
        self._replaced.clear()

    def take_in(self, other: "World") -> None:
        """From here on what exists in another world exists here too; it is no earlier than there.

        What is here already stays as it is.
        """
        for place, records in other._shelves.items():  # noqa: SLF001 - of its own kind
            here = self._shelves.setdefault(place, {})
            for name, record in records.items():
                if name not in here:
                    here[name] = record
                    self._objects += 1
                    self._bytes += _size(record)
        self.time = max(self.time, other.time)

    def all(self, kind: str, parent: str = "") -> dict[str, Any]:
        """The records of a kind below a parent, oldest first, by id; not to be changed."""
        return self._shelves.get((kind, parent), {})

    def find(self, kind: str, name: str, parent: str = "") -> Any:
        """A record.

        Raises:
            Problem: there is none.
        """
        found = self.all(kind, parent).get(name)
        if found is None:
            raise Problem(f"no_{kind}", id=name, thread=parent, run=None)
        return found

    def put(self, kind: str, record: Any, parent: str = "") -> None:
        """Keep a record under the id of its document, in place of the one that has it.

        Raises:
            Problem: there is no room for it.
        """
        name = document_of(record)["id"]
        before = self.all(kind, parent).get(name)
        objects = self._objects + (before is None)
        size = self._bytes + _size(record) - (0 if before is None else _size(before))
        if objects > self.settings.objects_max:
            raise Problem("full", what=f"it holds {self._objects:,} objects")
        if size > self.settings.bytes_max and (before is None or size > self._bytes):
            raise Problem("full", what=f"it holds {self._bytes:,} bytes")
        self._replaced.append(((kind, parent), name, before))
        self._shelves.setdefault((kind, parent), {})[name] = record
        self._objects, self._bytes = objects, size

    def drop(self, kind: str, name: str, parent: str = "") -> None:
        """Forget a record and everything below it."""
        self._objects -= 1
        self._bytes -= _size(self._shelves[kind, parent].pop(name))
        if kind not in _BELOW:
            return
        place = name if kind == "thread" else steps_of(parent, name)
        self.ids.forget(place)
        for below in _BELOW[kind]:
            for child in list(self.all(below, place)):
                self.drop(below, child, place)
            self._shelves.pop((below, place), None)


def steps_of(thread: str, run: str) -> str:
    """The parent of a run's steps: in a lenient world runs of two threads may have one id."""
    return f"{thread}\n{run}"


def document_of(record: Any) -> Json:
    """What is answered of a record."""
    document: Json = record.document if isinstance(record, Run) else record
    return document


def _size(record: Any) -> int:
    script = repr(record.script) if isinstance(record, Run) else ""
    return len(compact(document_of(record))) + len(script)


OUTCOMES = ("completed", "failed", "expired", "incomplete", "requires_action")
SCRIPT_KEYS = ("outcome", "text", "tool_calls")
PREFIX = "runreel."
_SAMPLES: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "null": None}
_DEPTH_MAX = 16  # of objects in a sample


def next_script(world: World, run: Json) -> Script:
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
            told["tool_calls"] = strict_json.loads(calls)
        except strict_json.Unreadable:
            raise _wrong("tool_calls", calls, "a JSON array", f"metadata.{PREFIX}") from None
    return read_script(told, run, f"metadata.{PREFIX}", calls=world.settings.calls)


def read_script(told: Json, run: Json | None, place: str = "", *, calls: bool) -> Script:
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
