"""The run operations of the Assistants API, as a table.

Owns which method and path is which operation. A path is recognised by how it ends, so any prefix
before `/threads/` will do (`/v1`, `/openai`, none); segments are raw, never decoded, and an id may
be anything that is not empty. Names are OpenAI's operationIds, spelling included.
"""

from dataclasses import dataclass

_ID = "{id}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `pattern` is the end of its path, `writes` whether it may change anything."""

    name: str
    method: str
    pattern: tuple[str, ...]
    writes: bool


_RUNS = ("threads", _ID, "runs")
_RUN = (*_RUNS, _ID)

OPERATIONS = (
    Operation("createRun", "POST", _RUNS, writes=True),
    Operation("listRuns", "GET", _RUNS, writes=False),
    Operation("getRun", "GET", _RUN, writes=False),
    Operation("modifyRun", "POST", _RUN, writes=True),
    Operation("cancelRun", "POST", (*_RUN, "cancel"), writes=True),
    Operation("submitToolOuputsToRun", "POST", (*_RUN, "submit_tool_outputs"), writes=True),
    Operation("createThreadAndRun", "POST", ("threads", "runs"), writes=True),
    Operation("listRunSteps", "GET", (*_RUN, "steps"), writes=False),
    Operation("getRunStep", "GET", (*_RUN, "steps", _ID), writes=False),
)
# The longest pattern first: `/threads/runs/runs` is a list of runs of the thread named "runs".
_BY_LENGTH = tuple(sorted(OPERATIONS, key=lambda operation: -len(operation.pattern)))


def recognise(method: str, path: str) -> Operation | None:
    """The operation that a method and a raw path name, or None for any other call."""
    segments = path.split("/")[1:]
    for operation in _BY_LENGTH:
        if operation.method == method and _ends_with(segments, operation.pattern):
            return operation
    return None


def _ends_with(segments: list[str], pattern: tuple[str, ...]) -> bool:
    if len(segments) < len(pattern):
        return False
    tail = segments[len(segments) - len(pattern) :]
    return all(
        bool(segment) if part == _ID else segment == part
        for segment, part in zip(tail, pattern, strict=True)
    )
