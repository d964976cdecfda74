"""What exists in a simulator: assistants, threads, their messages and runs, the steps of runs.

Owns the shelves that hold it, how much fits, and the time. Everything is in memory. A record is
replaced, never changed in place, so what was answered stays as it was.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem
from runreel.simulator.ids import Ids
from runreel.simulator.rendering import compact

FIRST_SECOND = 1_774_963_200  # 2026-03-31T13:20:00Z, when the time is a count of requests
DEFAULT_TEXT = "This is the runreel simulator: no model wrote this."
SCRIPTS_MAX = 100  # that wait for their runs
_BELOW = {"thread": ("message", "run"), "run": ("step",)}


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
    """

    merges: bool = False
    lenient: bool = False
    free: bool = False
    calls: bool = True
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
        name = _document(record)["id"]
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


def _document(record: Any) -> Json:
    document: Json = record.document if isinstance(record, Run) else record
    return document


def _size(record: Any) -> int:
    script = repr(record.script) if isinstance(record, Run) else ""
    return len(compact(_document(record))) + len(script)
