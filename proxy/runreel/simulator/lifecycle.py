"""How a run goes on: queued, in_progress, perhaps requires_action, then its end.

Owns the moves from status to status, what each leaves behind (steps, messages, times, usage), and
the events that a stream tells of it. Who asks for a move, and when, is not its business.
"""

from dataclasses import replace

from runreel.simulator import documents
from runreel.simulator.documents import Json
from runreel.simulator.world import Run, Script, World, steps_of

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
