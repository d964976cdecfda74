"""Every error that was recorded of the real API: the simulator says the same, byte for byte."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from documents import DATA, needs
from simulating import FUNCTION, Said, Talk, talk


def _without_a_user(said: Talk) -> Said:
    helper = said.assistant(instructions=None)
    thread = said.post("/threads", {}).json["id"]
    return said.post(f"/threads/{thread}/runs", {"assistant_id": helper})


def _outputs_too_early(said: Talk) -> Said:
    path = said.run(tools=[FUNCTION])
    said.get(path)
    return said.post(f"{path}/submit_tool_outputs", {"tool_outputs": []})


def _update_too_early(said: Talk) -> Said:
    path = said.run()
    said.get(path)
    return said.post(path, {"metadata": {"modified": "true"}})


def _no_string(said: Talk) -> Said:
    return said.post(said.ended(), {"metadata": {"modified": True}})


def _no_step(said: Talk) -> Said:
    return said.get(f"{said.ended()}/steps/step_123")


ASKED: dict[str, Callable[[Talk], Said]] = {  # by the beginning of the message
    "Run creation requires": _without_a_user,
    "Runs in status": _outputs_too_early,
    "Cannot update run": _update_too_early,
    "Invalid type for": _no_string,
    "No run step found": _no_step,
}


def _recorded() -> list[dict[str, Any]]:
    path = DATA / "real_errors.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _message(real: dict[str, Any]) -> str:
    return str(real["body"]["error"]["message"])


@needs("real_errors.json")
@pytest.mark.parametrize(
    "real", _recorded(), ids=lambda real: real["body"]["error"]["message"][:21]
)
def test_a_real_error_is_answered_as_it_was(real: dict[str, Any]) -> None:
    message = _message(real)
    (ask,) = [ask for beginning, ask in ASKED.items() if message.startswith(beginning)]

    said = ask(talk())

    assert (said.status, said.json) == (real["status"], real["body"])


@needs("real_errors.json")
def test_all_real_errors_are_among_them() -> None:
    assert len(_recorded()) == len(ASKED) == 5
