"""Which operation a method and a path are.

Owns the table of operations. Segments are compared raw and decoded only where they are ids, which
may be anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from runreel.simulator import objects, runs
from runreel.simulator.errors import Problem
from runreel.simulator.requests import Asked, Told
from runreel.simulator.world import World

Perform = Callable[[World, Asked], Told]
SCRIPT_PATH = "/_simulator/next_run"

_A, _T = "/assistants", "/threads"
_M, _R = f"{_T}/{{thread_id}}/messages", f"{_T}/{{thread_id}}/runs"
_ONE_A, _ONE_T = f"{_A}/{{assistant_id}}", f"{_T}/{{thread_id}}"
_ONE_M, _ONE_R = f"{_M}/{{message_id}}", f"{_R}/{{run_id}}"

_TABLE: tuple[tuple[str, str, str, Perform], ...] = (
    ("createAssistant", "POST", _A, objects.create_assistant),
    ("listAssistants", "GET", _A, objects.list_assistants),
    ("getAssistant", "GET", _ONE_A, objects.get_assistant),
    ("modifyAssistant", "POST", _ONE_A, objects.modify_assistant),
    ("deleteAssistant", "DELETE", _ONE_A, objects.delete_assistant),
    ("createThread", "POST", _T, objects.create_thread),
    ("createThreadAndRun", "POST", f"{_T}/runs", runs.create_thread_and_run),
    ("getThread", "GET", _ONE_T, objects.get_thread),
    ("modifyThread", "POST", _ONE_T, objects.modify_thread),
    ("deleteThread", "DELETE", _ONE_T, objects.delete_thread),
    ("createMessage", "POST", _M, objects.create_message),
    ("listMessages", "GET", _M, objects.list_messages),
    ("getMessage", "GET", _ONE_M, objects.get_message),
    ("modifyMessage", "POST", _ONE_M, objects.modify_message),
    ("deleteMessage", "DELETE", _ONE_M, objects.delete_message),
    ("createRun", "POST", _R, runs.create_run),
    ("listRuns", "GET", _R, runs.list_runs),
    ("getRun", "GET", _ONE_R, runs.get_run),
    ("modifyRun", "POST", _ONE_R, runs.modify_run),
    ("cancelRun", "POST", f"{_ONE_R}/cancel", runs.cancel_run),
    (
        "submitToolOuputsToRun",
        "POST",
        f"{_ONE_R}/submit_tool_outputs",
        runs.submit_tool_outputs,
    ),
    ("listRunSteps", "GET", f"{_ONE_R}/steps", runs.list_steps),
    ("getRunStep", "GET", f"{_ONE_R}/steps/{{step_id}}", runs.get_step),
    ("scriptNextRun", "POST", SCRIPT_PATH, objects.script_next_run),
)


@dataclass(frozen=True, slots=True)
class Route:
    """An operation with the ids of a path: pairs of the parameter's name and its decoded value."""

    operation: str
    method: str
    perform: Perform
    ids: tuple[tuple[str, str], ...]


def routes(path: str) -> list[Route]:
    """The operations that a path below the base path may mean, one a method; words before ids."""
    segments = path.split("/")[1:]
    found: dict[str, Route] = {}
    for name, method, pattern, perform in _TABLE:
        ids = _matched(segments, pattern.split("/")[1:])
        if ids is not None:
            found.setdefault(method, Route(name, method, perform, ids))
    return list(found.values())


def route(method: str, path: str, known: list[Route]) -> Route:
    """The one of that method.

    Raises:
        Problem: there is none.
    """
    for candidate in known:
        if candidate.method == method:
            return candidate
    raise Problem("no_route", method=method, path=path)


def _matched(segments: list[str], pattern: list[str]) -> tuple[tuple[str, str], ...] | None:
    if len(segments) != len(pattern):
        return None
    ids = []
    for segment, part in zip(segments, pattern, strict=True):
        if part.startswith("{"):
            if not segment:
                return None
            ids.append((part.strip("{}"), unquote(segment)))
        elif segment != part:
            return None
    return tuple(ids)
