"""The laws of history as functions of a model: `identified_model`, or the mistaken one."""

from typing import Any

from hypothesis import event

from history_sessions import Live, created_id
from history_world import Step, World, access, letter, resolve, same_as_live
from runreel.matching.resources import covers


def play(session: Any, script: list[Step]) -> Live:
    out, ids = [], []  # type: Live, list[str]
    for step in script:
        call = resolve(step, ids)
        if call is None:
            continue
        _, answer = session.ask(call)
        out.append((call, answer or {"miss": True}))
        if answer is None:
            break
        if created_id(call, answer):
            ids.append(answer["id"])
    return out


def law_1(model: Any, todo: list[Any]) -> Any:
    """What a session was answered live is what a replay of its cassette answers.

    Whoever prunes a write says that it never happened, and `new_episodes` takes the upstream to
    stand where the cassette ends: so nothing is added to a cassette that lost one before something
    was recorded anew (`history.md`, and the case "prune, then new_episodes").
    """
    cassette, world = model.cassette(), World()
    lost_a_write = False
    for operation, argument in todo:
        if operation == "record":
            lost_a_write = False
            live = model.record(cassette, world, argument)
            assert play(model.session(cassette), argument) == live
        elif operation == "add":
            if lost_a_write:
                continue
            live, unstored = model.add(cassette, world, argument)
            if not unstored:
                again = play(model.session(cassette), argument)
                assert again[: len(live)] == live
        elif cassette.calls:
            at = argument % len(cassette.calls)
            lost_a_write = lost_a_write or access(cassette.calls[at][1]).writes
            model.prune(cassette, at)
    return cassette


def law_2(model: Any, todo: list[Any], probes: list[list[int]]) -> None:
    """Never a wrong answer, whatever was recorded and whatever is asked, in any order."""
    cassette = law_1(model, todo) if todo else model.cassette()
    most = 0
    for probe in probes if cassette.calls else ():
        session, made = model.session(cassette), []  # type: Any, Live
        for at in probe:
            _, call = cassette.calls[at % len(cassette.calls)]
            id_, answer = session.ask(call)
            if answer is None or id_ is None:
                break
            origins = cassette.origins[id_]
            before = [one for one, _ in made]
            assert any(letter(call, origin, before) for origin in origins), (id_, call, made)
            assert any(same_as_live(call, answer, origin, made) for origin in origins)
            made.append((call, answer))
        most = max(most, len(made))
    event(f"most answers in a row: {most}")


def moved(script: list[Step], to: str) -> list[Step]:
    return [
        (method, path.replace("T0", to).replace("R0", f"{to}R"), body)
        for method, path, body in script
        if path.startswith("/threads/T0")
    ]


def law_3(model: Any, script: list[Step], todo: list[Any], at: int) -> None:
    """Nothing that happens to other resources changes a script's answers."""
    mine = moved(script, "X0")
    others = [
        (operation, argument)
        if operation == "prune"
        else (operation, [step for step in argument if step[1] != "/threads"])
        for operation, argument in todo
    ]
    cassette, world = model.cassette(), World()
    for operation, argument in others[:at]:
        change(model, cassette, world, operation, argument)
    live = model.record(cassette, world, mine)
    for operation, argument in others[at:]:
        change(model, cassette, world, operation, argument, spared="/X0")
    assert play(model.session(cassette), mine) == live


def change(
    model: Any, cassette: Any, world: World, operation: str, argument: Any, spared: str = "-"
) -> None:
    if operation == "record":
        model.record(cassette, world, argument)
    elif operation == "add":
        model.add(cassette, world, argument)
    elif cassette.calls and spared not in cassette.calls[argument % len(cassette.calls)][1][1]:
        model.prune(cassette, argument % len(cassette.calls))


def is_new(step: Step) -> bool:
    return step[0] == "POST" and len(step[1].strip("/").split("/")) % 2 == 1


def law_5(model: Any, script: list[Step], cuts: list[int]) -> None:
    """The recorded program may run again and again, cut off anywhere."""
    cassette = model.cassette()
    live = model.record(cassette, World(), script)
    session = model.session(cassette, repeat=True)
    for cut in cuts:
        play(session, script[:cut])
    got = play(session, script)
    writes = [call for call, _ in live if access(call).writes]
    if len(set(writes)) < len(writes):  # cut off between them nobody knows which is meant
        return
    for at, (call, answer) in enumerate(live):
        one = access(call)
        made = [access(other) for other, _ in live[:at]]
        if one.writes or any(w.writes and covers(w, one.scope) for w in made):
            assert at < len(got), (got, live)
            assert got[at] == (call, answer)
        elif at >= len(got) or "miss" in got[at][1]:
            return


def law_3_added(model: Any, script: list[Step], more: list[list[Step]]) -> None:
    """Nothing that is added to a cassette changes what was recorded before, on any resource."""
    cassette, world = model.cassette(), World()
    live = model.record(cassette, world, script)
    for other in more:
        model.add(cassette, world, other)
        assert play(model.session(cassette), script) == live
