"""An application as people wrote them: a helpdesk whose tickets are threads, answered by runs."""

from collections.abc import Iterator
from typing import Any

LOOK_UP: Any = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {
            "type": "object",
            "properties": {"order": {"type": "string"}},
            "required": ["order"],
        },
    },
}


class Helpdesk:
    """Answers questions with an assistant; notes are the metadata of runs."""

    def __init__(self, client: Any) -> None:
        self._api = client.beta

    def open(self, question: str) -> str:
        """The id of a new ticket."""
        sent = [{"role": "user", "content": question}]
        return str(self._api.threads.create(messages=sent).id)

    def close(self, ticket: str) -> bool:
        return bool(self._api.threads.delete(ticket).deleted)

    def clerk(self, *tools: Any) -> str:
        made = self._api.assistants.create(model="gpt-4o", instructions="Be kind.", tools=tools)
        return str(made.id)

    def begin(self, ticket: str, clerk: str, **notes: str) -> Any:
        return self._api.threads.runs.create(ticket, assistant_id=clerk, metadata=notes)

    def finish(self, run: Any) -> Any:
        return self._api.threads.runs.poll(run.id, thread_id=run.thread_id)

    def look_at(self, run: Any) -> Any:
        return self._api.threads.runs.retrieve(run.id, thread_id=run.thread_id)

    def note(self, run: Any, **notes: str) -> Any:
        return self._api.threads.runs.update(run.id, thread_id=run.thread_id, metadata=notes)

    def give_up(self, run: Any) -> Any:
        return self._api.threads.runs.cancel(run.id, thread_id=run.thread_id)

    def tell_order(self, run: Any, answer: str) -> Any:
        calls = run.required_action.submit_tool_outputs.tool_calls
        outputs = [{"tool_call_id": call.id, "output": answer} for call in calls]
        return self._api.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs
        )

    def runs(self, ticket: str, **options: Any) -> list[str]:
        return [run.id for run in self._api.threads.runs.list(ticket, **options)]

    def answer(self, ticket: str) -> str:
        newest = next(iter(self._api.threads.messages.list(ticket, limit=1)))
        return str(newest.content[0].text.value)

    def stream(self, ticket: str, clerk: str) -> Iterator[str]:
        for event in self._api.threads.runs.create(ticket, assistant_id=clerk, stream=True):
            yield event.event
