"""The profile `rubra`: rubra v0.0, an Assistants-compatible server on FastAPI and pydantic 1.

Owns its refusals: status 422 with a list of everything that is wrong. What it never read as
a mistake (metadata of any JSON and any size, an empty list for an object) is none here.
"""

import re
from typing import Any

from runreel.core.messages import Violation
from runreel.core.profiles import pydantic1
from runreel.core.profiles.profile import Profile, Refusal, Shape
from runreel.core.schemas import rubra

_READ = re.compile(r"(?P<error>.*): line \d+ column \d+ \(char (?P<char>\d+)\)")


def _refuse(*violations: Violation) -> Refusal:
    return Refusal(422, {"detail": [_detail(item) for item in violations]})


def _detail(violation: Violation) -> dict[str, Any]:
    if violation.rule == "json":
        return _no_json(violation.message.removeprefix(pydantic1.NO_JSON))
    loc, msg, name, ctx = pydantic1.entry(violation)
    detail = {"loc": list(loc), "msg": msg, "type": name}
    return detail | {"ctx": ctx} if ctx else detail


def _no_json(error: str) -> dict[str, Any]:
    read = _READ.fullmatch(error)
    return {
        "type": "json_invalid",
        "loc": ["body", int(read["char"]) if read else 0],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": read["error"] if read else error},
    }


def _reads_json(content_type: str | None) -> bool:
    """FastAPI's rule: no content type at all will do, one that is not JSON's will not."""
    if not content_type:
        return True
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )


_RUN, _STEP = Shape(rubra.Run), Shape(rubra.RunStep)
_REQUESTS = {
    "createRun": Shape(rubra.CreateRunRequest),
    "modifyRun": Shape(rubra.ModifyRunRequest),
}

RUBRA = Profile(
    name="rubra",
    requests=_REQUESTS,
    responses={
        "createRun": _RUN,
        "getRun": _RUN,
        "modifyRun": _RUN,
        "listRunSteps": Shape(rubra.RunStepList),
        "getRunStep": _STEP,
    },
    events=(),
    empty_bodies=dict.fromkeys(_REQUESTS, b"null"),
    reads_json=_reads_json,
    ordered=pydantic1.ordered,
    word=pydantic1.word,
    refuse=_refuse,
)
