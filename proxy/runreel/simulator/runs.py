"""What can be done with runs and their steps.

Owns these operations; each takes the world and a request and gives an answer. Raises `Problem` for
what is refused.
"""

from runreel.simulator import documents, lifecycle, listing, scripts
from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem
from runreel.simulator.lifecycle import ACTIVE, Event
from runreel.simulator.objects import (
    active_run,
    add_message,
    new_metadata,
    new_thread,
    no_cursor,
    the_assistant,
    the_thread,
)
from runreel.simulator.requests import Asked, Told
from runreel.simulator.world import Run, World, steps_of

_NO_UPDATE = frozenset({"queued", "in_progress", "cancelling"})


def create_run(world: World, asked: Asked) -> Told:
    """Start a run on a thread on which no other is active."""
    listing.check_include(asked.query)
    thread: str = the_thread(world, asked.ids[0])["id"]
    helper = the_assistant(world, asked.body["assistant_id"])
    if active := active_run(world, thread):
        raise Problem("active_run", thread=thread, run=active)
    added = asked.body.get("additional_messages") or []
    said = [*world.all("message", thread).values(), *added]
    document = documents.run(world.ids.new("run", thread), world.now, thread, helper, asked.body)
    if not (world.settings.free or document["instructions"] or _by_user(said)):
        raise Problem("no_user_message")
    script = scripts.next_one(world, document)
    for message in added:
        add_message(world, thread, message)
    return _told(world, thread, lifecycle.begin(world, thread, document, script), asked)


def create_thread_and_run(world: World, asked: Asked) -> Told:
    """Make a thread and start a run on it."""
    sent: Json = asked.body.get("thread") or {}
    helper = the_assistant(world, asked.body["assistant_id"])
    spoken = _by_user(sent.get("messages") or [])
    instructed = asked.body.get("instructions") or helper["instructions"]
    if not (world.settings.free or spoken or instructed):
        raise Problem("no_user_message")
    script = scripts.next_one(world, documents.run("", world.now, "", helper, asked.body))
    thread = new_thread(world, sent)
    name = world.ids.new("run", thread["id"])
    document = documents.run(name, world.now, thread["id"], helper, asked.body)
    events = [
        ("thread.created", thread),
        *lifecycle.begin(world, thread["id"], document, script),
    ]
    return _told(world, thread["id"], events, asked)


def _by_user(messages: list[Json]) -> bool:
    return any(message["role"] == "user" for message in messages)


def _told(world: World, thread: str, events: list[Event], asked: Asked) -> Told:
    """The run as it is after these events, or, in a stream, all events until it stops."""
    document = events[-1][1]
    if not asked.streams:
        return Told(document)
    return Told(events=(*events, *lifecycle.to_the_end(world, thread, document["id"])))


def _the_run(world: World, asked: Asked) -> tuple[str, Run]:
    name = asked.ids[1]
    thread: str = the_thread(world, asked.ids[0], name)["id"]
    if world.settings.lenient and name not in world.all("run", thread):
        helper = documents.assistant("asst_lenient", world.now, {})
        document = documents.run(name, world.now, thread, helper, {})
        lifecycle.begin(world, thread, document, scripts.next_one(world, document))
    run: Run = world.find("run", name, thread)
    return thread, run


def list_runs(world: World, asked: Asked) -> Told:
    """Show a page of a thread's runs."""
    thread: str = the_thread(world, asked.ids[0])["id"]
    records, unknown = world.all("run", thread), no_cursor(world, "run", thread)
    return Told(listing.page(records, listing.read(asked.query), unknown, lambda run: run.document))


def get_run(world: World, asked: Asked) -> Told:
    """Show a run; where polls move runs, this is the poll."""
    thread, run = _the_run(world, asked)
    if world.settings.status_s is None:
        lifecycle.move(world, thread, run)
    return Told(world.find("run", asked.ids[1], thread).document)


def modify_run(world: World, asked: Asked) -> Told:
    """Change the metadata of a run that is not under way."""
    thread, run = _the_run(world, asked)
    status = run.document["status"]
    if status in _NO_UPDATE and not world.settings.free:
        raise Problem("update_status", status=status)
    metadata = new_metadata(world, run.document["metadata"], asked.body)
    world.put("run", run.changed(metadata=metadata), thread)
    return Told(run.document | {"metadata": metadata})


def cancel_run(world: World, asked: Asked) -> Told:
    """Cancel a run that is active."""
    thread, run = _the_run(world, asked)
    status = run.document["status"]
    refused = status not in ACTIVE or status == "cancelling"
    if refused and not world.settings.free:
        raise Problem("cancel_status", status=status)
    lifecycle.cancel(world, thread, run)
    return Told(world.find("run", asked.ids[1], thread).document)


def submit_tool_outputs(world: World, asked: Asked) -> Told:
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
    return _told(world, thread, lifecycle.answer_calls(world, thread, run, outputs), asked)


def list_steps(world: World, asked: Asked) -> Told:
    """Show a page of a run's steps."""
    listing.check_include(asked.query)
    thread, run = _the_run(world, asked)
    place = steps_of(thread, run.document["id"])
    unknown = no_cursor(world, "step", place)
    sent = listing.read(asked.query)
    return Told(listing.page(world.all("step", place), sent, unknown, lambda step: step))


def get_step(world: World, asked: Asked) -> Told:
    """Show a step."""
    listing.check_include(asked.query)
    thread, run = _the_run(world, asked)
    name, of = asked.ids[2], steps_of(thread, run.document["id"])
    if world.settings.lenient and name not in world.all("step", of):
        details: Json = {"type": "tool_calls", "tool_calls": []}
        world.put("step", documents.step(name, world.now, run.document, details), of)
    return Told(world.find("step", name, of))
