"""Any script of operations on the messages of a thread, against a plain list."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulating import Said, talk

METADATA = st.dictionaries(st.sampled_from("abc"), st.text(max_size=3), max_size=3)
WHICH = st.integers(0, 5)


class _Messages(RuleBasedStateMachine):
    """`model` holds the messages in the order of their creation, as plain values."""

    def __init__(self) -> None:
        super().__init__()
        self.said = talk()
        self.run = {"assistant_id": self.said.assistant(), "stream": True}
        self.path = f"/threads/{self.said.post('/threads', {}).json['id']}/messages"
        self.model: list[dict[str, Any]] = []

    @initialize()
    def begin_with_three_messages(self) -> None:
        for text in ("1", "2", "3"):
            self.create("user", text, {})

    @rule(role=st.sampled_from(["user", "assistant"]), text=st.text(max_size=3), metadata=METADATA)
    def create(self, role: str, text: str, metadata: dict[str, str]) -> None:
        sent = {"role": role, "content": text, "metadata": metadata}
        answer = self.said.post(self.path, sent)
        assert answer.status == 200
        self._note(answer.json["id"], role, text, metadata)

    @rule(text=st.text(min_size=1, max_size=3), ends=st.sampled_from(["completed", "failed"]))
    def let_a_run_write(self, text: str, ends: str) -> None:
        script = {"runreel.text": text, "runreel.outcome": ends}
        sent = self.run | {"metadata": script}
        events = self.said.post(self.path.replace("messages", "runs"), sent).events
        written = [data["id"] for name, data in events if name == "thread.message.completed"]
        assert len(written) == (ends == "completed")
        for message in written:
            self._note(message, "assistant", text, {})

    @rule(which=WHICH, metadata=METADATA)
    def modify(self, which: int, metadata: dict[str, str]) -> None:
        message = self._message(which)
        answer = self.said.post(f"{self.path}/{message['id']}", {"metadata": metadata})
        if message in self.model:
            message["metadata"] = metadata
        self._agrees(answer, message)

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        message = self._message(which)
        answer = self.said.ask("DELETE", f"{self.path}/{message['id']}")
        if message in self.model:
            self.model.remove(message)
            assert answer.json["deleted"] is True
        else:
            assert answer.status == 404

    @rule(which=WHICH)
    def get(self, which: int) -> None:
        message = self._message(which)
        self._agrees(self.said.get(f"{self.path}/{message['id']}"), message)

    @rule(
        limit=st.integers(1, 3),
        ascending=st.booleans(),
        after=st.none() | WHICH,
        before=st.none() | WHICH,
    )
    def page(self, limit: int, *, ascending: bool, after: int | None, before: int | None) -> None:
        ids = [item["id"] for item in self.model][:: 1 if ascending else -1]
        query = f"?limit={limit}&order={'asc' if ascending else 'desc'}"
        begin, end = 0, len(ids)
        if after is not None and after < len(ids):
            query, begin = f"{query}&after={ids[after]}", after + 1
        if before is not None and before < len(ids):
            query, end = f"{query}&before={ids[before]}", before

        answer = self.said.get(f"{self.path}{query}").json

        between = ids[begin:end]
        wanted = between[-limit:] if begin == 0 and end < len(ids) else between[:limit]
        assert [item["id"] for item in answer["data"]] == wanted
        assert answer["has_more"] == (len(between) > limit)

    @invariant()
    def the_list_holds_them_newest_first(self) -> None:
        listed = self.said.get(f"{self.path}?limit=100").json["data"]
        assert [_plain(item) for item in listed] == self.model[::-1]

    def _note(self, name: str, role: str, text: str, metadata: dict[str, str]) -> None:
        self.model.append({"id": name, "role": role, "text": text, "metadata": metadata})

    def _message(self, which: int) -> dict[str, Any]:
        return self.model[which] if which < len(self.model) else {"id": "msg_nowhere"}

    def _agrees(self, answer: Said, message: dict[str, Any]) -> None:
        if message in self.model:
            assert _plain(answer.json) == message
        else:
            assert (answer.status, answer.message) == (
                404,
                "No message found with id 'msg_nowhere'.",
            )


def _plain(message: Any) -> dict[str, Any]:
    (part,) = message["content"]
    return {
        "id": message["id"],
        "role": message["role"],
        "text": part["text"]["value"],
        "metadata": message["metadata"],
    }


TestMessages = _Messages.TestCase
TestMessages.settings = settings(
    max_examples=settings().max_examples // 2, stateful_step_count=30, deadline=None
)
