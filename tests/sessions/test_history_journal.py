"""Law L7: a journal that is cut anywhere recovers to a cassette for which the other laws hold."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import a_cassette, a_request, a_response, an_interaction
from history_scripts import laws
from runreel.cassettes.journal import (
    FirstBuilt,
    Opening,
    Record,
    dump_records,
    parse_records,
    recover,
)
from runreel.cassettes.merge import Storing
from runreel.http.messages import Interaction, Request
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Session
from traffic import traffics

REDACTION = Redaction()
Interactions = Sequence[Redacted[Interaction]]
Told = list[tuple[Request, bytes | None]]


def a_session(old: Interactions, mode: Mode) -> Session:
    return Session(old, DECISIONS[mode], MATCH_ON, REDACTION)


def record(old: Interactions, mode: Mode, traffic: Sequence[Request]) -> tuple[list[Record], Told]:
    """The journal of a session that was killed, and what its client was told until then."""
    session, journal, told = a_session(old, mode), [Opening(a_cassette())], []  # type: Session, list[Record], Told
    for number, request in enumerate(traffic):
        verdict = session.ask(session.arrive(), REDACTION.request(request))
        said: bytes | None = None
        if verdict.hit is not None:
            said = verdict.hit.value.response.body
        elif verdict.action is Action.CAPTURE:
            said = b"%s %d" % (mode.value.encode(), number)
            made = an_interaction(request, a_response(said))
            journal += parse_records(dump_records([session.keep(verdict, made)]))
        session.ended(verdict.arrival)
        told.append((request, said))
    return journal, told


def recovered(old: Interactions, journal: Sequence[Record]) -> Interactions:
    found = recover(a_cassette(*old), None, journal)
    assert found is not None
    return found.interactions


def replayed(cassette: Interactions, told: Told) -> Told:
    session, again = a_session(cassette, Mode.REPLAY), []  # type: Session, Told
    for request, _ in told:
        verdict = session.ask(session.arrive(), REDACTION.request(request))
        session.ended(verdict.arrival)
        again.append((request, verdict.hit.value.response.body if verdict.hit else None))
    return again


def pasts(cassette: Interactions) -> dict[str, frozenset[str]]:
    found = a_session(cassette, Mode.REPLAY)._history.pasts
    return {item.id: found.ids(at) for at, item in enumerate(found.recordings)}


def law_7(before: Sequence[Request], mode: Mode, traffic: Sequence[Request], cut: int) -> None:
    old = recovered((), record((), Mode.RECORD, before)[0]) if before else ()
    journal, told = record(old, mode, traffic)
    journal = journal[: 1 + cut]
    kept = len(journal) - 1
    # What was told before the last capture that is durable.
    captures = 0
    known: Told = []
    for one in told:
        captures += one[1] is not None and one[1].startswith(mode.value.encode())
        if captures > kept:
            break
        known.append(one)
    cassette = recovered(old, journal)
    told_again = replayed(cassette, known)
    if mode is Mode.NEW_EPISODES:  # a live read that was not stored is told and not kept
        known = [one for one in known if one[1] is not None]
        told_again = replayed(cassette, known)
    assert told_again == known
    was, is_ = pasts(old), pasts(cassette)
    assert {id_: is_[id_] for id_ in was} == was


modes = st.sampled_from([Mode.RECORD, Mode.NEW_EPISODES])


@laws
@given(traffics(6), modes, traffics(8), st.integers(0, 8))
def test_a_journal_cut_anywhere_recovers(
    before: list[Request], mode: Mode, traffic: list[Request], cut: int
) -> None:
    law_7(before, mode, traffic, cut)


def test_it_fails_where_the_journal_does_not_say_what_had_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Forgetful(Storing[Redacted[Interaction]]):
        def restore(self, arrival: int, *rest: object) -> object:  # type: ignore[override]
            self._log.clear()
            return super().restore(arrival, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("runreel.cassettes.journal.Storing", Forgetful)

    @settings(
        max_examples=1000,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(traffics(6), modes, traffics(8), st.integers(0, 8))
    def law(before: list[Request], mode: Mode, traffic: list[Request], cut: int) -> None:
        law_7(before, mode, traffic, cut)

    with pytest.raises(AssertionError):
        law()


def test_what_the_first_build_wrote_is_recovered_in_order_of_arrival() -> None:
    read, write = a_request(b"", method="GET"), a_request(b"{}")
    journal: list[Record] = [
        Opening(a_cassette()),
        FirstBuilt(3, an_interaction(read, a_response(b"after"), "get"), None, ()),
        FirstBuilt(1, an_interaction(read, a_response(b"before"), "get"), None, ()),
        FirstBuilt(2, an_interaction(write, a_response(b"written"), "post"), None, ()),
    ]

    cassette = recovered((), journal)

    told: Told = [(read, b"before"), (write, b"written"), (read, b"after")]
    assert [item.value.id for item in cassette] == ["get", "post", "get-2"]
    assert replayed(cassette, told) == told
