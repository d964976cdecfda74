"""What can be done with assistants, threads and messages.

Owns these operations; each takes the world and a request and gives an answer. Raises `Problem` for
what is refused.
"""

from runreel.simulator import documents, listing, scripts
from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem
from runreel.simulator.lifecycle import ACTIVE, catch_up
from runreel.simulator.requests import Asked, Told
from runreel.simulator.world import SCRIPTS_MAX, World


def the_assistant(world: World, name: str) -> Json:
    """An assistant; in a lenient world there is every one."""
    if world.settings.lenient and name not in world.all("assistant"):
        world.put("assistant", documents.assistant(name, world.now, {}))
    found: Json = world.find("assistant", name)
    return found


def the_thread(world: World, name: str, run: str | None = None) -> Json:
    """A thread, its runs up to date; in a lenient world there is every one."""
    _there(world, name, run)
    catch_up(world, name)
    found: Json = world.find("thread", name)
    return found


def _there(world: World, name: str, run: str | None = None) -> Json:
    if name not in world.all("thread"):
        if not world.settings.lenient:
            raise Problem("no_thread", id=name, run=run)
        world.put("thread", documents.thread(name, world.now, {}))
    found: Json = world.find("thread", name)
    return found


def new_metadata(world: World, before: Json, sent: Json) -> Json:
    """The metadata after a modify: all new ones, or the old ones with the new over them."""
    if "metadata" not in sent:
        return before
    given = sent["metadata"] or {}
    return {**before, **given} if world.settings.merges else given


def create_assistant(world: World, asked: Asked) -> Told:
    """Make an assistant."""
    made = documents.assistant(world.ids.new("asst"), world.now, asked.body)
    world.put("assistant", made)
    return Told(made)


def get_assistant(world: World, asked: Asked) -> Told:
    """Show an assistant."""
    return Told(the_assistant(world, asked.ids[0]))


def list_assistants(world: World, asked: Asked) -> Told:
    """Show a page of assistants."""
    return Told(_page(world, "assistant", "", asked))


def modify_assistant(world: World, asked: Asked) -> Told:
    """Change members of an assistant."""
    before = the_assistant(world, asked.ids[0])
    metadata = new_metadata(world, before["metadata"], asked.body)
    sent = before | asked.body | {"metadata": metadata}
    after = documents.assistant(before["id"], before["created_at"], sent)
    world.put("assistant", after)
    return Told(after)


def delete_assistant(world: World, asked: Asked) -> Told:
    """Forget an assistant."""
    found = the_assistant(world, asked.ids[0])
    world.drop("assistant", found["id"])
    return Told(documents.deleted(found))


def new_thread(world: World, sent: Json) -> Json:
    """A new thread with its messages."""
    made = documents.thread(world.ids.new("thread"), world.now, sent)
    world.put("thread", made)
    for message in sent.get("messages") or []:
        add_message(world, made["id"], message)
    return made


def create_thread(world: World, asked: Asked) -> Told:
    """Make a thread."""
    return Told(new_thread(world, asked.body))


def get_thread(world: World, asked: Asked) -> Told:
    """Show a thread."""
    return Told(the_thread(world, asked.ids[0]))


def modify_thread(world: World, asked: Asked) -> Told:
    """Change the metadata of a thread, or what its tools work on."""
    before = the_thread(world, asked.ids[0])
    after = before | {"metadata": new_metadata(world, before["metadata"], asked.body)}
    if "tool_resources" in asked.body:
        after["tool_resources"] = asked.body["tool_resources"] or {}
    world.put("thread", after)
    return Told(after)


def delete_thread(world: World, asked: Asked) -> Told:
    """Forget a thread and everything in it."""
    # Not `the_thread`: in a full world its runs cannot go on, and a delete has to make room.
    found = _there(world, asked.ids[0])
    world.drop("thread", found["id"])
    return Told(documents.deleted(found))


def add_message(world: World, thread: str, sent: Json) -> Json:
    """A new message at the end of a thread."""
    made = documents.message(world.ids.new("msg", thread), world.now, thread, sent)
    world.put("message", made, thread)
    return made


def create_message(world: World, asked: Asked) -> Told:
    """Add a message to a thread on which no run is active."""
    thread: str = the_thread(world, asked.ids[0])["id"]
    if active := active_run(world, thread):
        raise Problem("busy_thread", thread=thread, run=active)
    return Told(add_message(world, thread, asked.body))


def active_run(world: World, thread: str) -> str | None:
    """The id of the run that keeps others away from a thread, where states count."""
    if world.settings.free:
        return None
    runs = reversed(world.all("run", thread).items())
    return next((name for name, run in runs if run.document["status"] in ACTIVE), None)


def _the_message(world: World, asked: Asked) -> Json:
    thread, name = the_thread(world, asked.ids[0])["id"], asked.ids[1]
    if world.settings.lenient and name not in world.all("message", thread):
        world.put("message", documents.message(name, world.now, thread, {}), thread)
    found: Json = world.find("message", name, thread)
    return found


def get_message(world: World, asked: Asked) -> Told:
    """Show a message."""
    return Told(_the_message(world, asked))


def list_messages(world: World, asked: Asked) -> Told:
    """Show a page of a thread's messages, or of those that one run wrote."""
    return Told(_page(world, "message", the_thread(world, asked.ids[0])["id"], asked))


def modify_message(world: World, asked: Asked) -> Told:
    """Change the metadata of a message."""
    before = _the_message(world, asked)
    after = before | {"metadata": new_metadata(world, before["metadata"], asked.body)}
    world.put("message", after, before["thread_id"])
    return Told(after)


def delete_message(world: World, asked: Asked) -> Told:
    """Forget a message."""
    found = _the_message(world, asked)
    world.drop("message", found["id"], found["thread_id"])
    return Told(documents.deleted(found))


def _page(world: World, kind: str, parent: str, asked: Asked) -> Json:
    sent, records = listing.read(asked.query), world.all(kind, parent)
    if run := sent.get("run_id"):
        records = {name: record for name, record in records.items() if record["run_id"] == run}
    return listing.page(records, sent, no_cursor(world, kind, parent), lambda record: record)


def no_cursor(world: World, kind: str, parent: str) -> listing.Unknown | None:
    """What is wrong with a cursor that names nothing; None in a lenient world."""
    if world.settings.lenient:
        return None
    return lambda name: Problem(f"no_{kind}", id=name, thread=parent, run=None)


def script_next_run(world: World, asked: Asked) -> Told:
    """Keep a script for the next run that is made, whatever its metadata say."""
    if len(world.scripts) >= SCRIPTS_MAX:
        raise Problem("full", what=f"{SCRIPTS_MAX} scripts wait for their runs")
    unknown = sorted(asked.body.keys() - set(scripts.KEYS))
    if unknown:
        supported = ", ".join(f"'{name}'" for name in scripts.KEYS)
        raise Problem("invalid_value", value=unknown[0], supported=supported, param=unknown[0])
    world.scripts.append(scripts.read(asked.body, None, calls=world.settings.calls))
    return Told({"object": "runreel.script", "waiting": len(world.scripts)})
