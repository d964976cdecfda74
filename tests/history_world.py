"""An API that really stores, for the laws of history: what the upstream of a recording is.

Threads with messages and runs, vector stores with files: metadata that merges, lists newest first,
creates with new ids, statuses that move on by polling (and bring a reply), deletes of parents.
"""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from runreel.cassettes.history import Recording
from runreel.cassettes.merge import Rules
from runreel.http.messages import Request
from runreel.matching.resources import Access, Scope, access_of, covers, is_create

Call = tuple[str, str, str]  # method, path, body as JSON
Step = tuple[str, str, dict[str, Any]]  # `$n` in its path is the n-th id that the worker was given
Answer = dict[str, Any]


def access(call: Call) -> Access:
    return access_of(Request(call[0], call[1]))


def created(made: Access, answer: Answer) -> Scope | None:
    if not is_create(made) or made.listed is None or "id" not in answer:
        return None
    return (*made.listed, answer["id"])


RULES: Rules[Answer] = Rules(equal=lambda a, b: a == b, created=created)


class World:
    """The API."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.count = 0
        for path in ("/threads/T0", "/threads/T0/runs/R0", "/threads/X0", "/vector_stores/V0"):
            self.items[path] = self._new(path, {})

    @staticmethod
    def _new(path: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"id": path.rsplit("/", 1)[1], "metadata": dict(body), "polls": 0}

    def call(self, call: Call, force: str | None = None) -> Answer:
        """The answer, after what the call changes; `force` is the id of what it makes."""
        method, path, text = call
        parts = path.strip("/").split("/")
        return copy.deepcopy(
            self._list(method, path, parts, json.loads(text), force)
            if len(parts) % 2
            else self._item(method, path, parts, json.loads(text))
        )

    def _list(
        self, method: str, path: str, parts: list[str], body: dict[str, Any], force: str | None
    ) -> Answer:
        if len(parts) > 1 and "/" + "/".join(parts[:-1]) not in self.items:
            return {"error": 404}
        if method == "POST":
            self.count += 1
            new = f"{path}/{force or parts[-1][0] + str(self.count)}"
            self.items[new] = self._new(new, body)
            return self._shown(new)
        inside = [item for item in self.items if item.rsplit("/", 1)[0] == path]
        return {"list": [self._shown(item) for item in reversed(inside)]}

    def _item(self, method: str, path: str, parts: list[str], body: dict[str, Any]) -> Answer:
        if path not in self.items:
            return {"error": 404}
        if method == "DELETE":
            for below in [one for one in self.items if (one + "/").startswith(path + "/")]:
                del self.items[below]
            return {"id": parts[-1], "deleted": True}
        item = self.items[path]
        if method == "POST":
            item["metadata"].update(body)
        elif parts[-2] == "runs" and item["polls"] < 3:
            item["polls"] += 1
            if item["polls"] == 2:  # the run is done, and the assistant has answered
                reply = f"/threads/{parts[1]}/messages/reply-{parts[-1]}"
                self.items[reply] = self._new(reply, {"by": parts[-1]})
        return self._shown(path)

    def _shown(self, path: str) -> Answer:
        item = self.items[path]
        shown = {"id": item["id"], "metadata": dict(item["metadata"])}
        if "/runs/" in path:
            shown["status"] = item["polls"]
        if path.startswith("/vector_stores/") and path.count("/") == 2:
            shown["files"] = sum(one.startswith(f"{path}/files/") for one in self.items)
        return shown


def resolve(step: Step, ids: list[str]) -> Call | None:
    """The call of a step; None if the id that it names was not given."""
    method, path, body = step
    parts = path.split("/")
    for at, part in enumerate(parts):
        if part.startswith("$"):
            if int(part[1:]) >= len(ids):
                return None
            parts[at] = ids[int(part[1:])]
    return method, "/".join(parts), json.dumps(body, sort_keys=True)


@dataclass
class Origin:
    """How a recording came about: for the oracles alone, no part of a cassette.

    `before` are the calls that had ended when it arrived, `calls` all that had arrived with what
    they were answered, `loose` the covering writes that overlapped it.
    """

    world: World
    before: list[Call]
    calls: list[tuple[Call, Answer]]
    loose: list[Call]


@dataclass
class Cassette:
    """The recordings, and by id how each came about (in every session that recorded it so)."""

    recordings: tuple[Recording[Answer], ...] = ()
    origins: dict[str, list[Origin]] = field(default_factory=dict)

    def ids(self) -> list[str]:
        return [item.id for item in self.recordings]


# ---------------------------------------------------------------- what may be answered


def _shape(calls: list[Call], scope: Scope) -> object:
    """The covering writes with their order, as far as one covers the other or both enter a list."""
    made = [(call, access(call)) for call in calls]
    made = [(call, one) for call, one in made if one.writes and covers(one, scope)]

    def whole(one: Access) -> bool:
        return one.item is not None and scope[: len(one.item)] == one.item

    entering = [call for call, one in made if is_create(one) or whole(one)]
    each: dict[Scope, list[Call]] = {}
    for call, one in made:
        if not whole(one) and one.item is not None:
            each.setdefault(one.item, []).append(call)
    return [call for call, one in made if whole(one)], entering, sorted(each.items())


def letter(call: Call, origin: Origin, made: list[Call], loose_now: list[Call] = ()) -> bool:  # type: ignore[assignment]
    """L2 to the letter: the same covering writes had been made, in the same order where it shows.

    What overlapped then, or is under way now, may have been made or not.
    """
    scope = access(call).scope
    if is_create(access(call)):
        return True
    if not origin.loose and not loose_now:
        return _shape(origin.before, scope) == _shape(made, scope)
    return same_writes(call, origin, made, loose_now)


def same_writes(call: Call, origin: Origin, made: list[Call], loose_now: list[Call]) -> bool:
    """L2 for workers: the same covering writes had been made, give or take what overlapped. In
    which order they were made their own answers tell.
    """
    scope, loose = access(call).scope, [*origin.loose, *loose_now]

    def covering(calls: list[Call]) -> list[Call]:
        return [one for one in calls if access(one).writes and covers(access(one), scope)]

    then, now = covering(origin.before), covering(made)
    return all(one in now or one in loose for one in then) and all(
        one in then or one in loose for one in now
    )


def same_as_live(
    call: Call, answer: Answer, origin: Origin, made: list[tuple[Call, Answer]]
) -> bool:
    """The promise itself: the API, from where the recording began, answers just this here.

    How far a run is does not count, nor its reply: they come with time, not with writes.
    """
    if origin.loose:
        return True
    world = copy.deepcopy(origin.world)
    scope = access(call).scope
    known = [
        (one, said)
        for one, said in origin.calls
        if is_create(access(one)) and said.get("id") in scope and (one, said) not in made
    ]
    for one, said in [*known, *made]:  # an id may be known from elsewhere
        if access(one).writes:
            world.call(one, force=said.get("id"))
    force = answer.get("id") if is_create(access(call)) else None
    return _still(world.call(call, force)) == _still(answer)


def _still(answer: Answer) -> str:
    if "list" in answer:
        inside = [one for one in answer["list"] if not one["id"].startswith("reply-")]
        answer = answer | {"list": inside}
    text = json.dumps(answer)
    for polls in range(4):
        text = text.replace(f', "status": {polls}', "")
    return text
