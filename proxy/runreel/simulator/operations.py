"""How a run goes on: queued, in_progress, perhaps requires_action, then its end.

Owns the moves from status to status, what each leaves behind (steps, messages, times, usage), and
the events that a stream tells of it. Who asks for a move, and when, is not its business.

What can be asked of a simulator: the table of operations, and what each does.

An operation takes the world and a request with a valid body and gives an answer; it raises
`Problem` for what is refused. Segments of a path are compared raw and decoded only where they are
ids, which may be anything.
"""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from runreel.assistants.dialect import Json
from runreel.simulator import documents
from runreel.simulator.errors import Problem
from runreel.simulator.world import (
    SCRIPT_KEYS,
    SCRIPTS_MAX,
    Run,
    Script,
    World,
    document_of,
    next_script,
    read_script,
    steps_of,
)

Event = tuple[str, Json]

ACTIVE = frozenset({"queued", "in_progress", "requires_action", "cancelling"})
DELTAS_MAX = 100  # of one message
_ERROR: Json = {"code": "server_error", "message": "Sorry, something went wrong."}


def begin(world: World, thread: str, document: Json, script: Script) -> list[Event]:
    """A run comes into being."""
    _put(world, thread, Run(document, script, world.time))
    return [("thread.run.created", document), ("thread.run.queued", document)]


def move(world: World, thread: str, run: Run) -> list[Event]:
    """The run gets its next status, if there is one that it gets by itself."""
    match run.document["status"]:
        case "queued":
            moved = run.changed(status="in_progress", started_at=world.now)
            return [_put(world, thread, moved)]
        case "in_progress" if run.script.calls:
            return _call_tools(world, thread, run)
        case "in_progress" if run.script.outcome in ("completed", "incomplete"):
            return _write(world, thread, run)
        case "in_progress" if run.script.outcome == "failed":
            ended = run.changed(
                status="failed", failed_at=world.now, expires_at=None, last_error=_ERROR
            )
            return [_put(world, thread, _used(ended, "", ""))]
        case "in_progress":
            return _expire(world, thread, run)
        case "cancelling":
            events = _close_steps(world, run, "cancelled", cancelled_at=world.now)
            ended = run.changed(status="cancelled", cancelled_at=world.now, expires_at=None)
            return [*events, _put(world, thread, ended)]
    return []


def to_the_end(world: World, thread: str, name: str) -> list[Event]:
    """All moves that a run makes by itself, a second each."""
    events: list[Event] = []
    while more := move(world, thread, world.find("run", name, thread)):
        events += more
        if world.settings.status_s is None:
            world.time += 1
    return events


def catch_up(world: World, thread: str) -> None:
    """The runs of a thread get the status that is due by now, where time moves them."""
    lasts = world.settings.status_s
    if lasts is None:
        return
    now = world.time
    for name in list(world.all("run", thread)):
        while (run := world.find("run", name, thread)).since + lasts <= now:
            expires = run.document["expires_at"]
            if run.document["status"] == "requires_action" and expires and expires <= now:
                _expire(world, thread, run)
                break
            world.time = run.since + lasts
            moved = move(world, thread, run)
            world.time = now
            if not moved:
                break


def cancel(world: World, thread: str, run: Run) -> None:
    """The run will be cancelled."""
    _put(world, thread, run.changed(status="cancelling", required_action=None), since=world.time)


def answer_calls(world: World, thread: str, run: Run, outputs: dict[str, str]) -> list[Event]:
    """The outputs of the functions that a run called have come; it goes on after them."""
    events: list[Event] = []
    place = steps_of(thread, run.document["id"])
    for step in list(world.all("step", place).values()):
        if step["type"] != "tool_calls" or step["status"] != "in_progress":
            continue
        calls = [
            call | {"function": call["function"] | {"output": outputs.get(call["id"])}}
            for call in step["step_details"]["tool_calls"]
        ]
        done = step | {
            "status": "completed",
            "completed_at": world.now,
            "step_details": step["step_details"] | {"tool_calls": calls},
            "usage": documents.usage("", "".join(outputs.values())),
        }
        world.put("step", done, place)
        events.append(("thread.run.step.completed", done))
    asked = run.changed(status="queued", required_action=None)
    asked = replace(asked, script=replace(run.script, calls=()))
    return [*events, _put(world, thread, asked, since=world.time)]


def _put(world: World, thread: str, run: Run, since: float | None = None) -> Event:
    moved = replace(run, since=world.time if since is None else since)
    world.put("run", moved, thread)
    return f"thread.run.{run.document['status']}", run.document


def _call_tools(world: World, thread: str, run: Run) -> list[Event]:
    place = steps_of(thread, run.document["id"])
    calls: list[Json] = [
        {
            "id": world.ids.new("call", place),
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for name, arguments in run.script.calls
    ]
    details: Json = {"type": "tool_calls", "tool_calls": []}
    new = documents.step(world.ids.new("step", place), world.now, run.document, details)
    called = [{**call, "function": {**call["function"], "output": None}} for call in calls]
    world.put("step", new | {"step_details": details | {"tool_calls": called}}, place)
    deltas = [
        _delta(new, {"step_details": details | {"tool_calls": [{"index": index, **call}]}})
        for index, call in enumerate(called)
    ]
    required = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    waiting = run.changed(status="requires_action", required_action=required)
    return [*_begun(new), *deltas, _put(world, thread, waiting)]


def _begun(step: Json) -> list[Event]:
    return [("thread.run.step.created", step), ("thread.run.step.in_progress", step)]


def _delta(of: Json, delta: Json) -> Event:
    kind = f"{of['object']}.delta"
    return kind, {"id": of["id"], "object": kind, "delta": delta}


def _write(world: World, thread: str, run: Run) -> list[Event]:
    """The run writes its message, and ends."""
    name, text, now = run.document["id"], run.script.text, world.now
    outcome, place = run.script.outcome, steps_of(thread, name)
    author = {"assistant_id": run.document["assistant_id"], "run_id": name, "role": "assistant"}
    content = [documents.text_part(text)]
    message = documents.message(
        world.ids.new("msg", thread), now, thread, author | {"content": content}
    )
    details = {"type": "message_creation", "message_creation": {"message_id": message["id"]}}
    step = documents.step(world.ids.new("step", place), now, run.document, details)
    read = _said(world, thread, run)
    used = documents.usage(read, text)
    done = step | {"status": "completed", "completed_at": now, "usage": used}
    ended = run.changed(status=outcome, completed_at=now, expires_at=None)
    if outcome == "incomplete":
        ended = ended.changed(incomplete_details={"reason": "max_completion_tokens"})
    world.put("message", message, thread)
    world.put("step", done, place)
    at_work = documents.streamed(message, "in_progress", None)
    return [
        *_begun(step),
        ("thread.message.created", at_work),
        ("thread.message.in_progress", at_work),
        *(_delta(message, {"content": [part]}) for part in _parts(text)),
        (f"thread.message.{outcome}", documents.streamed(message, outcome, now)),
        ("thread.run.step.completed", done),
        _put(world, thread, _used(ended, read, text)),
    ]


def _parts(text: str) -> list[Json]:
    """The text in pieces of whole words, as a stream brings it."""
    words = text.split(" ")
    size = -(-len(words) // DELTAS_MAX)
    pieces = [" ".join(words[at : at + size]) for at in range(0, len(words), size)]
    first: Json = {"index": 0, "type": "text", "text": {"value": pieces[0], "annotations": []}}
    rest = [{"index": 0, "type": "text", "text": {"value": f" {piece}"}} for piece in pieces[1:]]
    return [first, *rest]


def _said(world: World, thread: str, run: Run) -> str:
    """What a model would have read."""
    texts = [
        part["text"]["value"]
        for message in world.all("message", thread).values()
        for part in message["content"]
        if part["type"] == "text"
    ]
    return " ".join([run.document["instructions"], *texts])


def _used(run: Run, read: str, written: str) -> Run:
    return run.changed(usage=documents.usage(read, written))


def _expire(world: World, thread: str, run: Run) -> list[Event]:
    events = _close_steps(world, run, "expired")
    ended = run.changed(status="expired", required_action=None)
    return [*events, _put(world, thread, _used(ended, "", ""))]


def _close_steps(world: World, run: Run, status: str, **members: int) -> list[Event]:
    place = steps_of(run.document["thread_id"], run.document["id"])
    events = []
    for step in list(world.all("step", place).values()):
        if step["status"] == "in_progress":
            closed = step | {"status": status} | members
            world.put("step", closed, place)
            events.append((f"thread.run.step.{status}", closed))
    return events


Unknown = Callable[[str], Problem]
INCLUDABLE = "step_details.tool_calls[*].file_search.results[*].content"
LIMIT_DEFAULT, LIMIT_MAX = 20, 100


def read(query: str) -> dict[str, str]:
    """The parameters of a raw query; of those that are repeated, the last."""
    return dict(parse_qsl(query, keep_blank_values=True))


def check_include(query: str) -> None:
    """Refuse what cannot be included.

    Raises:
        Problem: there is only one thing that can.
    """
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("include[]", "include") and value != INCLUDABLE:
            raise Problem(
                "invalid_value", value=value, supported=f"'{INCLUDABLE}'", param="include"
            )


def page(
    records: Mapping[str, Any],
    sent: Mapping[str, str],
    unknown: Unknown | None,
) -> Json:
    """One page of records, which come oldest first.

    `unknown` says what is wrong with an `after` or `before` that is none of them. If it is None,
    nothing is refused: such a cursor is passed over, and a limit is brought into its range.

    Raises:
        Problem: a parameter is wrong.
    """
    order, limit = _order(sent), _limit(sent, clamped=unknown is None)
    names = list(records)
    if order == "desc":
        names.reverse()
    begin, end = 0, len(names)
    for side in ("after", "before"):
        cursor = sent.get(side)
        if not cursor:
            continue
        if cursor not in records:
            if unknown is None:
                continue
            raise unknown(cursor)
        at = names.index(cursor)
        begin, end = (at + 1, end) if side == "after" else (begin, at)
    names = names[begin:end]
    # The page before an item is the one next to it; every other one begins at the beginning.
    last = bool(sent.get("before")) and not sent.get("after")
    chosen = names[-limit:] if last else names[:limit]
    return {
        "object": "list",
        "data": [document_of(records[name]) for name in chosen],
        "first_id": chosen[0] if chosen else None,
        "last_id": chosen[-1] if chosen else None,
        "has_more": len(names) > limit,
    }


def _order(sent: Mapping[str, str]) -> str:
    order = sent.get("order", "desc")
    if order not in ("asc", "desc"):
        raise Problem("invalid_value", value=order, supported="'asc' and 'desc'", param="order")
    return order


def _limit(sent: Mapping[str, str], *, clamped: bool) -> int:
    text = sent.get("limit", str(LIMIT_DEFAULT))
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise Problem("not_integer", param="limit")
    limit = int(text)
    if clamped:
        return min(max(limit, 1), LIMIT_MAX)
    if limit < 1:
        raise Problem("below", param="limit", limit=1, value=limit)
    if limit > LIMIT_MAX:
        raise Problem("above", param="limit", limit=LIMIT_MAX, value=limit)
    return limit


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request: the ids of its path in order, decoded; its raw query; its body as an object."""

    ids: tuple[str, ...]
    query: str = ""
    body: Json = field(default_factory=dict)

    @property
    def streams(self) -> bool:
        """Whether events are asked for."""
        return self.body.get("stream") is True


@dataclass(frozen=True, slots=True)
class ApiReply:
    """An answer with status 200: a document, or the events of a stream."""

    document: Json = field(default_factory=dict)
    events: tuple[Event, ...] | None = None


Perform = Callable[[World, ApiRequest], ApiReply]
Find = Callable[[World, ApiRequest], Json]


def _exists(world: World, kind: str, name: str, made: Callable[[], Json], parent: str = "") -> Json:
    """A record that is no run; in a lenient world there is every one, as it would be made."""
    if world.settings.lenient and name not in world.all(kind, parent):
        world.put(kind, made(), parent)
    found: Json = world.find(kind, name, parent)
    return found


def the_assistant(world: World, name: str) -> Json:
    """An assistant; in a lenient world there is every one."""
    return _exists(world, "assistant", name, lambda: documents.assistant(name, world.now, {}))


def the_thread(world: World, name: str, run: str | None = None) -> Json:
    """A thread, its runs up to date; in a lenient world there is every one."""
    _there(world, name, run)
    catch_up(world, name)
    found: Json = world.find("thread", name)
    return found


def _there(world: World, name: str, run: str | None = None) -> Json:
    if name not in world.all("thread"):
        if not world.settings.lenient:
            raise Problem("no_thread_of_run" if run else "no_thread", id=name, run=run)
        world.put("thread", documents.thread(name, world.now, {}))
    found: Json = world.find("thread", name)
    return found


def new_metadata(world: World, before: Json, sent: Json) -> Json:
    """The metadata after a modify: all new ones, or the old ones with the new over them."""
    if "metadata" not in sent:
        return before
    given = sent["metadata"] or {}
    return {**before, **given} if world.settings.merges else given


def create_assistant(world: World, asked: ApiRequest) -> ApiReply:
    """Make an assistant."""
    made = documents.assistant(world.ids.new("asst"), world.now, asked.body)
    world.put("assistant", made)
    return ApiReply(made)


def modify_assistant(world: World, asked: ApiRequest) -> ApiReply:
    """Change members of an assistant."""
    before = the_assistant(world, asked.ids[0])
    metadata = new_metadata(world, before["metadata"], asked.body)
    sent = before | asked.body | {"metadata": metadata}
    after = documents.assistant(before["id"], before["created_at"], sent)
    world.put("assistant", after)
    return ApiReply(after)


def new_thread(world: World, sent: Json) -> Json:
    """A new thread with its messages."""
    made = documents.thread(sent.get("thread_id") or world.ids.new("thread"), world.now, sent)
    world.put("thread", made)
    for message in sent.get("messages") or []:
        add_message(world, made["id"], message)
    return made


def create_thread(world: World, asked: ApiRequest) -> ApiReply:
    """Make a thread; one that brings an id of its own may be there already."""
    there = world.all("thread").get(asked.body.get("thread_id") or "")
    if there is None:
        return ApiReply(new_thread(world, asked.body))
    if asked.body.get("if_exists") == "do_nothing":
        return ApiReply(there)
    raise Problem("thread_exists", id=there["id"])


def modify_thread(world: World, asked: ApiRequest) -> ApiReply:
    """Change the metadata of a thread, or what its tools work on."""
    before = the_thread(world, asked.ids[0])
    after = before | {"metadata": new_metadata(world, before["metadata"], asked.body)}
    if "tool_resources" in asked.body:
        after["tool_resources"] = asked.body["tool_resources"] or {}
    if world.settings.dated:
        after["updated_at"] = world.now
    world.put("thread", after)
    return ApiReply(after)


def add_message(world: World, thread: str, sent: Json) -> Json:
    """A new message at the end of a thread."""
    made = documents.message(world.ids.new("msg", thread), world.now, thread, sent)
    world.put("message", made, thread)
    return made


def create_message(world: World, asked: ApiRequest) -> ApiReply:
    """Add a message to a thread on which no run is active."""
    thread: str = the_thread(world, asked.ids[0])["id"]
    if active := active_run(world, thread):
        raise Problem("busy_thread", thread=thread, run=active)
    return ApiReply(add_message(world, thread, asked.body))


def active_run(world: World, thread: str) -> str | None:
    """The id of the run that keeps others away from a thread, where states count."""
    if world.settings.free:
        return None
    runs = reversed(world.all("run", thread).items())
    return next((name for name, run in runs if run.document["status"] in ACTIVE), None)


def _the_message(world: World, asked: ApiRequest) -> Json:
    thread, name = the_thread(world, asked.ids[0])["id"], asked.ids[1]

    def made() -> Json:
        return documents.message(name, world.now, thread, {})

    return _exists(world, "message", name, made, thread)


def modify_message(world: World, asked: ApiRequest) -> ApiReply:
    """Change the metadata of a message."""
    before = _the_message(world, asked)
    after = before | {"metadata": new_metadata(world, before["metadata"], asked.body)}
    world.put("message", after, before["thread_id"])
    return ApiReply(after)


def _page(world: World, kind: str, parent: str, asked: ApiRequest) -> ApiReply:
    """A page of what is below a parent; of messages, perhaps only those that one run wrote."""
    sent, records = read(asked.query), world.all(kind, parent)
    if kind == "message" and (run := sent.get("run_id")):
        records = {name: record for name, record in records.items() if record["run_id"] == run}
    return ApiReply(page(records, sent, no_cursor(world, kind, parent)))


def _showing(find: Find) -> Perform:
    """The operation that shows what is found."""
    return lambda world, asked: ApiReply(find(world, asked))


def _listing(kind: str) -> Perform:
    """The operation that shows a page of what is in a thread."""
    return lambda world, asked: _page(world, kind, the_thread(world, asked.ids[0])["id"], asked)


def _deleting(kind: str, find: Find) -> Perform:
    """The operation that forgets what is found, and everything in it."""

    def delete(world: World, asked: ApiRequest) -> ApiReply:
        found = find(world, asked)
        world.drop(kind, found["id"], found.get("thread_id", ""))
        return ApiReply(documents.deleted(found))

    return delete


def no_cursor(world: World, kind: str, parent: str) -> Unknown | None:
    """What is wrong with a cursor that names nothing; None in a lenient world."""
    if world.settings.lenient:
        return None
    return lambda name: Problem(f"no_{kind}", id=name, thread=parent, run=None)


def script_next_run(world: World, asked: ApiRequest) -> ApiReply:
    """Keep a script for the next run that is made, whatever its metadata say."""
    if len(world.scripts) >= SCRIPTS_MAX:
        raise Problem("full", what=f"{SCRIPTS_MAX} scripts wait for their runs")
    unknown = sorted(asked.body.keys() - set(SCRIPT_KEYS))
    if unknown:
        supported = ", ".join(f"'{name}'" for name in SCRIPT_KEYS)
        raise Problem("invalid_value", value=unknown[0], supported=supported, param=unknown[0])
    world.scripts.append(read_script(asked.body, None, calls=world.settings.calls))
    return ApiReply({"object": "runreel.script", "waiting": len(world.scripts)})


_NO_UPDATE = frozenset({"queued", "in_progress", "cancelling"})


def create_run(world: World, asked: ApiRequest) -> ApiReply:
    """Start a run on a thread on which no other is active."""
    check_include(asked.query)
    thread: str = the_thread(world, asked.ids[0])["id"]
    helper = the_assistant(world, asked.body["assistant_id"])
    if active := active_run(world, thread):
        raise Problem("active_run", thread=thread, run=active)
    added = asked.body.get("additional_messages") or []
    said = [*world.all("message", thread).values(), *added]
    document = documents.run(world.ids.new("run", thread), world.now, thread, helper, asked.body)
    if not (world.settings.free or document["instructions"] or _by_user(said)):
        raise Problem("no_user_message")
    script = next_script(world, document)
    for message in added:
        add_message(world, thread, message)
    return _told(world, thread, begin(world, thread, document, script), asked)


def create_thread_and_run(world: World, asked: ApiRequest) -> ApiReply:
    """Make a thread and start a run on it."""
    sent: Json = asked.body.get("thread") or {}
    helper = the_assistant(world, asked.body["assistant_id"])
    spoken = _by_user(sent.get("messages") or [])
    instructed = asked.body.get("instructions") or helper["instructions"]
    if not (world.settings.free or spoken or instructed):
        raise Problem("no_user_message")
    script = next_script(world, documents.run("", world.now, "", helper, asked.body))
    thread = new_thread(world, sent)
    name = world.ids.new("run", thread["id"])
    document = documents.run(name, world.now, thread["id"], helper, asked.body)
    events = [
        ("thread.created", thread),
        *begin(world, thread["id"], document, script),
    ]
    return _told(world, thread["id"], events, asked)


def _by_user(messages: list[Json]) -> bool:
    return any(message["role"] == "user" for message in messages)


def _told(world: World, thread: str, events: list[Event], asked: ApiRequest) -> ApiReply:
    """The run as it is after these events, or, in a stream, all events until it stops."""
    document = events[-1][1]
    if not asked.streams:
        return ApiReply(document)
    return ApiReply(events=(*events, *to_the_end(world, thread, document["id"])))


def _the_run(world: World, asked: ApiRequest) -> tuple[str, Run]:
    name = asked.ids[1]
    thread: str = the_thread(world, asked.ids[0], name)["id"]
    if world.settings.lenient and name not in world.all("run", thread):
        helper = documents.assistant("asst_lenient", world.now, {})
        document = documents.run(name, world.now, thread, helper, {})
        begin(world, thread, document, next_script(world, document))
    run: Run = world.find("run", name, thread)
    return thread, run


def get_run(world: World, asked: ApiRequest) -> ApiReply:
    """Show a run; where polls move runs, this is the poll."""
    thread, run = _the_run(world, asked)
    if world.settings.status_s is None:
        move(world, thread, run)
    return ApiReply(world.find("run", asked.ids[1], thread).document)


def modify_run(world: World, asked: ApiRequest) -> ApiReply:
    """Change the metadata of a run that is not under way."""
    thread, run = _the_run(world, asked)
    status = run.document["status"]
    if status in _NO_UPDATE and not world.settings.free:
        raise Problem("update_status", status=status)
    metadata = new_metadata(world, run.document["metadata"], asked.body)
    world.put("run", run.changed(metadata=metadata), thread)
    return ApiReply(run.document | {"metadata": metadata})


def cancel_run(world: World, asked: ApiRequest) -> ApiReply:
    """Cancel a run that is active."""
    thread, run = _the_run(world, asked)
    status = run.document["status"]
    refused = status not in ACTIVE or status == "cancelling"
    if refused and not world.settings.free:
        raise Problem("cancel_status", status=status)
    cancel(world, thread, run)
    return ApiReply(world.find("run", asked.ids[1], thread).document)


def submit_tool_outputs(world: World, asked: ApiRequest) -> ApiReply:
    """Take the outputs of all functions that a run called."""
    thread, run = _the_run(world, asked)
    status = run.document["status"]
    outputs = {
        item.get("tool_call_id", ""): item.get("output", "") for item in asked.body["tool_outputs"]
    }
    if not world.settings.free:
        if status != "requires_action":
            raise Problem("outputs_status", status=status)
        required = run.document["required_action"]["submit_tool_outputs"]["tool_calls"]
        expected = [call["id"] for call in required]
        if set(expected) != outputs.keys():
            raise Problem("missing_outputs", expected=expected, got=list(outputs))
    return _told(world, thread, answer_calls(world, thread, run, outputs), asked)


def list_steps(world: World, asked: ApiRequest) -> ApiReply:
    """Show a page of a run's steps."""
    check_include(asked.query)
    thread, run = _the_run(world, asked)
    place = steps_of(thread, run.document["id"])
    if world.settings.gaps and not world.all("step", place):
        raise Problem("no_steps", id=run.document["id"], thread=thread)
    return _page(world, "step", place, asked)


def get_step(world: World, asked: ApiRequest) -> ApiReply:
    """Show a step."""
    check_include(asked.query)
    thread, run = _the_run(world, asked)
    name = asked.ids[2]

    def made() -> Json:
        details: Json = {"type": "tool_calls", "tool_calls": []}
        return documents.step(name, world.now, run.document, details)

    return ApiReply(_exists(world, "step", name, made, steps_of(thread, run.document["id"])))


def _the_conversation(world: World, asked: ApiRequest) -> Json:
    name = asked.ids[0]
    return _exists(world, "conversation", name, lambda: documents.conversation(name, world.now, {}))


def create_conversation(world: World, asked: ApiRequest) -> ApiReply:
    """Make a conversation; its items are not kept."""
    made = documents.conversation(world.ids.new("conv"), world.now, asked.body)
    world.put("conversation", made)
    return ApiReply(made)


def update_conversation(world: World, asked: ApiRequest) -> ApiReply:
    """Change the metadata of a conversation."""
    before = _the_conversation(world, asked)
    after = before | {"metadata": new_metadata(world, before["metadata"], asked.body)}
    world.put("conversation", after)
    return ApiReply(after)


def create_file(world: World, asked: ApiRequest) -> ApiReply:
    """Take a file; its content is not kept."""
    made = documents.file(world.ids.new("file"), world.now, asked.body)
    world.put("file", made)
    return ApiReply(made)


SCRIPT = "scriptNextRun"
SCRIPT_PATH = "/_simulator/next_run"


def _asked_assistant(world: World, asked: ApiRequest) -> Json:
    return the_assistant(world, asked.ids[0])


def _asked_thread(world: World, asked: ApiRequest) -> Json:
    return the_thread(world, asked.ids[0])


def _thread_to_drop(world: World, asked: ApiRequest) -> Json:
    # Not `the_thread`: in a full world its runs cannot go on, and a delete has to make room.
    return _there(world, asked.ids[0])


_A, _T, _C = "/assistants", "/threads", "/conversations"
_M, _R = f"{_T}/{{thread_id}}/messages", f"{_T}/{{thread_id}}/runs"
_ONE_A, _ONE_T = f"{_A}/{{assistant_id}}", f"{_T}/{{thread_id}}"
_ONE_M, _ONE_R = f"{_M}/{{message_id}}", f"{_R}/{{run_id}}"
_ONE_C = f"{_C}/{{conversation_id}}"

_TABLE: tuple[tuple[str, str, str, Perform], ...] = (
    ("createAssistant", "POST", _A, create_assistant),
    ("listAssistants", "GET", _A, lambda world, asked: _page(world, "assistant", "", asked)),
    ("getAssistant", "GET", _ONE_A, _showing(_asked_assistant)),
    ("modifyAssistant", "POST", _ONE_A, modify_assistant),
    ("deleteAssistant", "DELETE", _ONE_A, _deleting("assistant", _asked_assistant)),
    ("createThread", "POST", _T, create_thread),
    ("listThreads", "GET", _T, lambda world, asked: _page(world, "thread", "", asked)),
    ("createThreadAndRun", "POST", f"{_T}/runs", create_thread_and_run),
    ("getThread", "GET", _ONE_T, _showing(_asked_thread)),
    ("modifyThread", "POST", _ONE_T, modify_thread),
    ("patchThread", "PATCH", _ONE_T, modify_thread),
    ("deleteThread", "DELETE", _ONE_T, _deleting("thread", _thread_to_drop)),
    ("createMessage", "POST", _M, create_message),
    ("listMessages", "GET", _M, _listing("message")),
    ("getMessage", "GET", _ONE_M, _showing(_the_message)),
    ("modifyMessage", "POST", _ONE_M, modify_message),
    ("deleteMessage", "DELETE", _ONE_M, _deleting("message", _the_message)),
    ("createRun", "POST", _R, create_run),
    ("listRuns", "GET", _R, _listing("run")),
    ("getRun", "GET", _ONE_R, get_run),
    ("modifyRun", "POST", _ONE_R, modify_run),
    ("cancelRun", "POST", f"{_ONE_R}/cancel", cancel_run),
    ("submitToolOuputsToRun", "POST", f"{_ONE_R}/submit_tool_outputs", submit_tool_outputs),
    ("listRunSteps", "GET", f"{_ONE_R}/steps", list_steps),
    ("getRunStep", "GET", f"{_ONE_R}/steps/{{step_id}}", get_step),
    ("createConversation", "POST", _C, create_conversation),
    ("getConversation", "GET", _ONE_C, _showing(_the_conversation)),
    ("updateConversation", "POST", _ONE_C, update_conversation),
    ("deleteConversation", "DELETE", _ONE_C, _deleting("conversation", _the_conversation)),
    ("createFile", "POST", "/files", create_file),
    (SCRIPT, "POST", SCRIPT_PATH, script_next_run),
)
OPERATIONS = frozenset(name for name, *_ in _TABLE)
_PATTERNS = [re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)) for _, _, path, _ in _TABLE]


@dataclass(frozen=True, slots=True)
class Route:
    """An operation with the ids of a path: pairs of the parameter's name and its decoded value."""

    operation: str
    method: str
    perform: Perform
    ids: tuple[tuple[str, str], ...]


def routes(path: str, known: Container[str]) -> list[Route]:
    """What a path below the base path may mean of the known operations, one a method; words
    before ids.
    """
    found: dict[str, Route] = {}
    for (name, method, _, perform), pattern in zip(_TABLE, _PATTERNS, strict=True):
        if name in known and (match := pattern.fullmatch(path)):
            ids = tuple((param, unquote(value)) for param, value in match.groupdict().items())
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
