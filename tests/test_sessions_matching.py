"""Which rules of matching a session goes by, and what it says where a cassette has others."""

from dataclasses import replace
from typing import Any

import pytest

from builders import a_cassette, a_request, an_interaction
from memory_store import MemoryStore
from runreel.cassettes.format import Cassette, dump, parse
from runreel.cassettes.journal import Opening, Pending, recover
from runreel.matching.matchers import MATCH_ON, match_on_of
from runreel.redaction.redactor import Redaction
from runreel.sessions.events import Event
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import SessionSpec, open_session
from runreel.sessions.modes import Action
from runreel.sessions.session import Verdict

TRACED = match_on_of(body=["/metadata/trace_id"])
URL = "https://api.openai.com"


def _nothing(_: Event) -> None:
    pass


def _traced(number: int, stage: str = "a") -> bytes:
    return b'{"metadata":{"stage":"%b","trace_id":%d}}' % (stage.encode(), number)


def _holding(match_on: tuple[str, ...] = MATCH_ON) -> MemoryStore:
    store = MemoryStore()
    cassette = a_cassette(an_interaction(a_request(_traced(1))))
    store.documents["default"] = dump(replace(cassette, match_on=match_on))
    return store


def _opened(store: MemoryStore, mode: str, match_on: tuple[str, ...] | None) -> LiveSession:
    fields: dict[str, Any] = {"upstream": URL, "profile": "openai", "redaction": Redaction()}
    spec = SessionSpec("default", "default", mode, match_on=match_on, **fields)
    return open_session(spec, store, tell=_nothing)


def _ask(session: LiveSession, body: bytes) -> Verdict:
    return session.state.ask(session.state.arrive(), Redaction().request(a_request(body)))


async def _record(session: LiveSession, body: bytes, answer: bytes) -> None:
    verdict = _ask(session, body)
    await session.persist(
        session.state.keep(verdict, an_interaction(a_request(body), name=answer.decode()))
    )
    await session.close()


def _stored(store: MemoryStore) -> Cassette:
    return parse(store.documents["default"])


def test_a_cassette_brings_its_own_rules() -> None:
    session = _opened(_holding(TRACED), "replay", None)

    assert _ask(session, _traced(2)).action is Action.SERVE
    assert session.notes == ()


def test_equal_rules_are_no_news() -> None:
    session = _opened(_holding(TRACED), "replay", TRACED)

    assert _ask(session, _traced(2)).action is Action.SERVE
    assert session.notes == ()


def test_without_a_cassette_there_are_no_other_rules() -> None:
    assert _opened(MemoryStore(), "record", TRACED).notes == ()


def test_the_configurations_rules_hold_in_replay_and_the_note_names_both_sides() -> None:
    session = _opened(_holding(match_on_of(query=["page"])), "replay", TRACED)

    assert _ask(session, _traced(2)).action is Action.SERVE
    (note,) = session.notes
    assert note == (
        "cassette 'default' was recorded under other rules of matching than [match] sets: the "
        "cassette has -query.page, the configuration has -body./metadata/trace_id; what the "
        "configuration says applies"
    )


def test_the_default_rules_can_be_asked_for_again() -> None:
    session = _opened(_holding(TRACED), "replay", match_on_of())

    assert _ask(session, _traced(2)).action is Action.REFUSE
    assert "the configuration has nothing more; what" in session.notes[0]


@pytest.mark.parametrize(
    ("mode", "action"), [("verify", Action.COMPARE), ("new_episodes", Action.SERVE)]
)
def test_they_hold_wherever_recordings_are_looked_up(mode: str, action: Action) -> None:
    session = _opened(_holding(), mode, TRACED)

    assert _ask(session, _traced(2)).action is action
    assert len(session.notes) == 1


async def test_a_recording_session_replaces_by_them_and_takes_them_into_the_cassette() -> None:
    store = _holding()
    session = _opened(store, "record", TRACED)

    await _record(session, _traced(2), b"new")

    assert session.notes[0].endswith(
        "; what the configuration says applies, and the cassette will have it when it is saved"
    )
    assert _stored(store).match_on == TRACED
    assert len(_stored(store).interactions) == 1


async def test_a_recording_session_that_captured_nothing_leaves_the_cassette_alone() -> None:
    store = _holding()
    before = store.documents["default"]

    await _opened(store, "record", TRACED).close()

    assert store.documents["default"] == before


async def test_without_rules_of_its_own_a_recording_session_keeps_the_cassettes() -> None:
    store = _holding(TRACED)

    await _record(_opened(store, "record", None), _traced(2), b"new")

    assert _stored(store).match_on == TRACED
    assert len(_stored(store).interactions) == 1


async def test_a_new_cassette_holds_its_rules_and_whole_requests() -> None:
    store = MemoryStore()

    await _record(_opened(store, "record", TRACED), _traced(1), b"new")

    assert _stored(store).match_on == TRACED
    assert [item.value.request.body for item in _stored(store).interactions] == [_traced(1)]


def test_after_a_crash_the_rules_hold_that_its_captures_were_matched_by() -> None:
    cassette = a_cassette(an_interaction(a_request(_traced(1)), name="one"))
    opening = Opening(replace(cassette, match_on=TRACED, interactions=()))
    capture = Pending(1, an_interaction(a_request(_traced(2)), name="two"), "one")

    recovered = recover(cassette, None, [opening, capture])

    assert recovered is not None
    assert recovered.match_on == TRACED
    # By these rules the capture says the same as what it replaces, which stays as it is.
    assert [item.value.request.body for item in recovered.interactions] == [_traced(1)]
