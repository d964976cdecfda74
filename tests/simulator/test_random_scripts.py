"""Any script of operations, against a plain model: metadata, order of lists, statuses, errors."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from simulating import Said, talk

METADATA = st.dictionaries(st.sampled_from("abc"), st.text(max_size=3), max_size=3)
OUTCOMES = st.sampled_from(["completed", "failed", "expired", "incomplete"])
NEXT = {"queued": "in_progress", "cancelling": "cancelled"}
ACTIVE = {"queued", "in_progress", "requires_action", "cancelling"}


class _Scripts(RuleBasedStateMachine):
    """`model` holds, by thread, the runs in the order of their creation, as plain values."""

    merges = False
    threads = Bundle("threads")
    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.said = talk(merges=self.merges)
        self.helper = self.said.assistant()
        self.model: dict[str, list[dict[str, Any]]] = {}

    @rule(target=threads)
    def create_thread(self) -> str:
        path = f"/threads/{self.said.thread()}"
        self.model[path] = []
        return path

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

    @invariant()
    def every_list_holds_the_runs_newest_first(self) -> None:
        for thread, runs in self.model.items():
            listed = self.said.get(f"{thread}/runs?limit=100").json["data"]
            assert [(run["id"], run["status"], run["metadata"]) for run in listed] == [
                (run["id"], run["status"], run["metadata"]) for run in reversed(runs)
            ]

    def _find(self, of: tuple[str, int]) -> tuple[str, dict[str, Any] | None]:
        thread, index = of
        runs = self.model.get(thread)
        run = runs[index] if runs and index >= 0 else None
        return f"{thread}/runs/{run['id'] if run else 'run_nowhere'}", run

    def _agrees(self, answer: Said, run: dict[str, Any]) -> None:
        told = answer.json
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
TestReplacing.settings = TestMerging.settings = settings(stateful_step_count=30, deadline=None)
