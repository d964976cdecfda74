"""Any script of operations, against a plain model: metadata, order of lists, statuses, errors.

Whatever is answered on the way has the shape of the real thing, and a second simulator answers the
same script with the same bytes.
"""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from runreel.assistants.openai import OPENAI
from runreel.assistants.operations import recognise
from runreel.assistants.validation import check_event, check_response
from runreel.simulator.server import Options
from runreel.simulator.world import Settings
from simulating import PAGE_ADVICE, RUN_MEMBERS, Said, Talk

METADATA = st.dictionaries(st.sampled_from("abc"), st.text(max_size=3), max_size=3)
OUTCOMES = st.sampled_from(["completed", "failed", "expired", "incomplete"])
NEXT = {"queued": "in_progress", "cancelling": "cancelled"}
ACTIVE = {"queued", "in_progress", "requires_action", "cancelling"}


class _Noted(Talk):
    """A talk of which every word is noted."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.noted: list[tuple[str, str, bytes, Said]] = []

    def ask(self, method: str, path: str, body: bytes = b"") -> Said:
        said = super().ask(method, path, body)
        self.noted.append((method, path, body, said))
        return said


def _findings(method: str, path: str, said: Said) -> set[tuple[str, str]]:
    """Where the profile finds something in an answer, and which rule; items count as one."""
    if said.header("content-type") == "application/json":
        operation = recognise(method, path.partition("?")[0])
        name = operation.name if operation else None
        items = check_response(OPENAI, name, said.status, said.body)
        found = {(f"/{item.at.rpartition('/')[2]}", item.rule) for item in items}
        return found - (PAGE_ADVICE if name and name.startswith("list") else set())
    return {
        (f"/{item.at.rpartition('/')[2]}", item.rule)
        for name, data in said.events
        for item in check_event(OPENAI, 0, name, json.dumps(data).encode())
        if not name.startswith("thread.run.step.") or item.severity == "error"
    }


class _Scripts(RuleBasedStateMachine):
    """`model` holds, by thread, the runs in the order of their creation, as plain values."""

    merges = False
    threads = Bundle("threads")
    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.said = self._new()
        self.helper = self.said.assistant()
        self.model: dict[str, list[dict[str, Any]]] = {}

    def _new(self) -> _Noted:
        return _Noted(Options(settings=Settings(merges=self.merges)))

    def teardown(self) -> None:
        again = self._new()
        for method, path, body, said in self.said.noted:
            assert again.ask(method, path, body).reply == said.reply
            assert _findings(method, path, said) == set()

    @rule(target=threads)
    def create_thread(self) -> str:
        path = f"/threads/{self.said.thread()}"
        self.model[path] = []
        return path

    @initialize(target=threads)
    def begin_with_a_thread_of_four_runs(self) -> str:
        thread = str(self.create_thread())
        for _ in range(4):
            self.create_run(thread, {}, "completed", calls=False, streamed=True)
        return thread

    @rule(thread=consumes(threads))
    def delete_thread(self, thread: str) -> None:
        assert self.said.ask("DELETE", thread).status == (200 if thread in self.model else 404)
        self.model.pop(thread, None)

    @rule(
        target=runs,
        thread=threads,
        metadata=METADATA,
        outcome=OUTCOMES,
        calls=st.booleans(),
        streamed=st.booleans(),
    )
    def create_run(
        self, thread: str, metadata: dict[str, str], outcome: str, *, calls: bool, streamed: bool
    ) -> tuple[str, int]:
        told = metadata | {"runreel.outcome": outcome}
        if calls:
            told["runreel.tool_calls"] = '[{"name":"f"}]'
        sent = {"assistant_id": self.helper, "metadata": told, "stream": streamed}
        answer = self.said.post(f"{thread}/runs", sent)
        runs = self.model.get(thread)
        active = [run for run in runs or [] if run["status"] in ACTIVE]
        if runs is None or active:
            self._refused(answer, 404 if runs is None else 400, "already has an active run")
            return thread, -1
        run = answer.events[-1][1] if streamed else answer.json
        status = ("requires_action" if calls else outcome) if streamed else "queued"
        assert (run["status"], run["metadata"]) == (status, told)
        runs.append(
            {
                "id": run["id"],
                "status": status,
                "metadata": told,
                "outcome": outcome,
                "calls": calls,
            }
        )
        return thread, len(runs) - 1

    @rule(of=runs)
    def poll(self, of: tuple[str, int]) -> None:
        path, run = self._find(of)
        answer = self.said.get(path)
        if run is None:
            return self._refused(answer, 404, "found with id")
        if run["status"] == "in_progress":
            run["status"] = "requires_action" if run["calls"] else run["outcome"]
        else:
            run["status"] = NEXT.get(run["status"], run["status"])
        return self._agrees(answer, run)

    @rule(of=runs, metadata=METADATA)
    def modify(self, of: tuple[str, int], metadata: dict[str, str]) -> None:
        path, run = self._find(of)
        answer = self.said.post(path, {"metadata": metadata})
        if run is None:
            return self._refused(answer, 404, "found with id")
        if run["status"] in ACTIVE - {"requires_action"}:
            return self._refused(answer, 400, f"Cannot update run with status '{run['status']}'.")
        run["metadata"] = (run["metadata"] | metadata) if self.merges else metadata
        return self._agrees(answer, run)

    @rule(of=runs)
    def cancel(self, of: tuple[str, int]) -> None:
        path, run = self._find(of)
        answer = self.said.post(f"{path}/cancel")
        if run is None:
            return self._refused(answer, 404, "found with id")
        if run["status"] not in ACTIVE - {"cancelling"}:
            return self._refused(answer, 400, f"Cannot cancel run with status '{run['status']}'.")
        run["status"] = "cancelling"
        return self._agrees(answer, run)

    @rule(of=runs)
    def submit(self, of: tuple[str, int]) -> None:
        path, run = self._find(of)
        outputs = []
        if run is not None and run["status"] == "requires_action":
            required = self.said.get(path).json["required_action"]
            calls = required["submit_tool_outputs"]["tool_calls"]
            outputs = [{"tool_call_id": call["id"], "output": "1"} for call in calls]
        answer = self.said.post(f"{path}/submit_tool_outputs", {"tool_outputs": outputs})
        if run is None:
            return self._refused(answer, 404, "found with id")
        if not outputs:
            text = f'Runs in status "{run["status"]}" do not accept tool outputs.'
            return self._refused(answer, 400, text)
        run["status"], run["calls"] = "queued", False
        return self._agrees(answer, run)

    @rule(
        thread=threads,
        limit=st.integers(1, 4),
        ascending=st.booleans(),
        after=st.none() | st.integers(0, 3),
        before=st.none() | st.integers(0, 3),
    )
    def page(
        self, thread: str, limit: int, *, ascending: bool, after: int | None, before: int | None
    ) -> None:
        ids = [run["id"] for run in self.model.get(thread, [])][:: 1 if ascending else -1]
        query = f"?limit={limit}&order={'asc' if ascending else 'desc'}"
        begin, end = 0, len(ids)
        if after is not None and after < len(ids):
            query += f"&after={ids[after]}"
            begin = after + 1
        if before is not None and before < len(ids):
            query += f"&before={ids[before]}"
            end = before
        answer = self.said.get(f"{thread}/runs{query}")
        if thread not in self.model:
            return self._refused(answer, 404, "found with id")
        between = ids[begin:end]
        wanted = between[-limit:] if begin == 0 and end < len(ids) else between[:limit]
        listed = [run["id"] for run in answer.json["data"]]
        assert (listed, answer.json["has_more"]) == (wanted, len(between) > limit)
        return None

    @rule(of=runs)
    def steps(self, of: tuple[str, int]) -> None:
        path, run = self._find(of)
        answer = self.said.get(f"{path}/steps")
        if run is None:
            return self._refused(answer, 404, "found with id")
        assert all(step["run_id"] == run["id"] for step in answer.json["data"])
        return None

    @invariant()
    def every_list_holds_the_runs_newest_first(self) -> None:
        for thread, runs in self.model.items():
            listed = self.said.get(f"{thread}/runs?limit=100").json["data"]
            assert [(run["id"], run["status"], run["metadata"]) for run in listed] == [
                (run["id"], run["status"], run["metadata"]) for run in reversed(runs)
            ]
            assert all(list(run) == RUN_MEMBERS for run in listed)

    def _find(self, of: tuple[str, int]) -> tuple[str, dict[str, Any] | None]:
        thread, index = of
        runs = self.model.get(thread)
        run = runs[index] if runs and index >= 0 else None
        return f"{thread}/runs/{run['id'] if run else 'run_nowhere'}", run

    def _agrees(self, answer: Said, run: dict[str, Any]) -> None:
        told = answer.json
        assert list(told) == RUN_MEMBERS
        assert answer.body.decode() == json.dumps(told, indent=2, ensure_ascii=False)
        assert {name: told[name] for name in ("id", "status", "metadata")} == {
            name: run[name] for name in ("id", "status", "metadata")
        }

    def _refused(self, answer: Said, status: int, text: str) -> None:
        assert answer.status == status
        assert (text if status == 400 else "found with id") in answer.message


class _Merging(_Scripts):
    merges = True


TestReplacing = _Scripts.TestCase
TestMerging = _Merging.TestCase
TestReplacing.settings = TestMerging.settings = settings(
    max_examples=settings().max_examples // 2, stateful_step_count=30, deadline=None
)
