"""The profile `openai_v1`: OpenAI's first Assistants API, 2023 to early 2024.

Owns its refusals: a server on pydantic 1 behind OpenAI's envelope, which puts everything that is
wrong into one text.
"""

from typing import Any

from runreel.core.messages import Violation
from runreel.core.profiles import openai, pydantic1
from runreel.core.profiles.profile import Deviation, Finding, Profile, Refusal, Shape, listed
from runreel.core.schemas import openai_v1


def _word(finding: Finding) -> str:
    return openai.word(finding) if finding.rule == "json" else pydantic1.word(finding)


def _refuse(*violations: Violation) -> Refusal:
    if violations[0].rule == "json":
        return openai.refusal(violations[0].message, None, None)
    number = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''}"
    lines = [_lines(pydantic1.entry(item)) for item in violations]
    return openai.refusal("\n".join([f"{number} for Request", *lines]), None, None)


def _lines(entry: pydantic1.Entry) -> str:
    place = " -> ".join(str(step) for step in entry.loc)
    limits: dict[str, Any] = {"type": entry.type, **entry.ctx}
    shown = "; ".join(f"{name}={value}" for name, value in limits.items())
    return f"{place}\n  {entry.msg} ({shown})"


_RUN = Shape(
    openai_v1.Run,
    frozenset(  # runs of v2, which began in April 2024, in recordings of that month
        {Deviation("/file_ids", "missing"), Deviation("/status", "enum", ("incomplete",))}
    ),
)
_STEP = Shape(openai_v1.RunStep)

OPENAI_V1 = Profile(
    name="openai_v1",
    requests={
        "createRun": Shape(openai_v1.CreateRunRequest),
        "modifyRun": Shape(openai_v1.ModifyRunRequest),
        "cancelRun": Shape(openai_v1.CancelRunRequest),
        "submitToolOuputsToRun": Shape(openai_v1.SubmitToolOutputsRequest),
        "createThreadAndRun": Shape(openai_v1.CreateThreadAndRunRequest),
    },
    responses={
        "createRun": _RUN,
        "listRuns": listed(openai_v1.RunList, _RUN, *openai.EMPTY_PAGE),
        "getRun": _RUN,
        "modifyRun": _RUN,
        "cancelRun": _RUN,
        "submitToolOuputsToRun": _RUN,
        "createThreadAndRun": _RUN,
        "listRunSteps": listed(openai_v1.RunStepList, _STEP, *openai.EMPTY_PAGE),
        "getRunStep": _STEP,
    },
    events=(("thread.run.step.delta", None), ("thread.run.step.", _STEP), ("thread.run.", _RUN)),
    empty_bodies={"cancelRun": b"{}"},
    reads_json=lambda _: True,
    ordered=pydantic1.ordered,
    word=_word,
    refuse=_refuse,
)
