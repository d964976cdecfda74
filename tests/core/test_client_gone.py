"""Interactions whose answer nobody received: kept, but never played and never in anybody's way."""

import json
from dataclasses import replace

import pytest

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.format import dump, interaction_document, parse, read_interaction
from runreel.cassettes.journal import Opening, Pending, dump_records, parse_records, recover
from runreel.http.messages import Interaction
from runreel.http.strict_json import BadDocument
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Manner, Session, Verdict

REDACTION = Redaction()


def recording(name: str, *, gone: bool = False) -> Redacted[Interaction]:
    found = an_interaction(a_request(), a_response(name.encode()), name)
    return REDACTION.interaction(found.value.request, replace(found.value, client_gone=gone))


def a_session(mode: Mode, *recordings: Redacted[Interaction], prune: bool = False) -> Session:
    return Session(recordings, DECISIONS[mode], MATCH_ON, REDACTION, prune=prune)


def ask(session: Session) -> Verdict:
    return session.ask(session.arrive(), REDACTION.request(a_request()))


def answers(session: Session) -> list[str]:
    return [item.value.response.body.decode() for item in session.merged(final=True)]


class TestDocument:
    def test_a_client_that_left_is_said_in_a_member_of_its_own(self) -> None:
        assert interaction_document(recording("one", gone=True))["client"] == "gone"
        assert "client" not in interaction_document(recording("one"))

    def test_it_is_read_back(self) -> None:
        cassette = a_cassette(recording("one", gone=True), recording("two"))

        found = parse(dump(cassette))

        assert [item.value.client_gone for item in found.interactions] == [True, False]
        assert found == cassette

    @pytest.mark.parametrize("value", ["here", True, "", ["gone"]])
    def test_it_says_nothing_else(self, value: object) -> None:
        document = interaction_document(recording("one")) | {"client": value}

        with pytest.raises(BadDocument, match=r"^/client: "):
            read_interaction(document)

    def test_it_survives_a_crash_and_replaces_nothing(self) -> None:
        old = a_cassette(recording("old"))
        lost = Pending(2, recording("lost", gone=True), None, ((1, "old", None),))
        records = parse_records(dump_records([Opening(old), lost]))

        found = recover(old, None, records)

        assert found is not None
        assert [(item.value.id, item.value.client_gone) for item in found.interactions] == [
            ("old", False),
            ("lost", True),
        ]


class TestPlaying:
    def test_it_is_never_played(self) -> None:
        session = a_session(Mode.REPLAY, recording("lost", gone=True), recording("one"))

        first, second = ask(session), ask(session)

        assert first.hit is not None
        assert first.hit.value.id == "one"
        assert second.action is Action.REFUSE

    def test_it_is_not_unplayed(self) -> None:
        session = a_session(Mode.REPLAY, recording("lost", gone=True), recording("one"))

        assert session.unplayed() == ("one",)

    def test_it_is_not_repeated(self) -> None:
        recordings = [recording("one"), recording("lost", gone=True)]
        session = Session(
            recordings, DECISIONS[Mode.REPLAY], MATCH_ON, REDACTION, manner=Manner(repeat=True)
        )

        hits = [ask(session).hit for _ in range(2)]

        assert [hit.value.id for hit in hits if hit] == ["one", "one"]

    def test_alone_it_is_nothing_to_compare_with(self) -> None:
        miss = ask(a_session(Mode.REPLAY, recording("lost", gone=True))).miss

        assert miss is not None
        assert (miss.code, miss.nearest) == ("no_matching_interaction", None)

    def test_new_episodes_go_live_where_nothing_else_is_recorded(self) -> None:
        session = a_session(Mode.NEW_EPISODES, recording("lost", gone=True))

        assert ask(session).action is Action.CAPTURE


class TestRecording:
    def test_it_is_nobodys_counterpart(self) -> None:
        session = a_session(Mode.RECORD, recording("lost", gone=True), recording("one"))

        assert ask(session).counterpart == 1

    def test_a_capture_whose_counterpart_was_given_back_is_a_new_interaction(self) -> None:
        session = a_session(Mode.RECORD, recording("old"))
        verdict = ask(session)

        session.release(verdict.arrival)
        pending = session.keep(verdict, recording("lost", gone=True))

        assert pending.replaces is None
        assert answers(session) == ["old", "lost"]

    def test_a_capture_that_kept_its_counterpart_replaces_it(self) -> None:
        session = a_session(Mode.RECORD, recording("old"))

        pending = session.keep(ask(session), recording("new"))

        assert pending.replaces == "old"
        assert answers(session) == ["new"]

    def test_it_does_not_count_as_an_answer_that_supersedes(self) -> None:
        session = a_session(Mode.RECORD, recording("old"), recording("older"))
        verdict = ask(session)

        session.release(verdict.arrival)
        session.keep(verdict, recording("lost", gone=True))

        assert answers(session) == ["old", "older", "lost"]

    def test_it_is_superseded_itself_when_all_its_request_was_asked_for_is_kept(self) -> None:
        session = a_session(Mode.RECORD, recording("lost", gone=True), recording("one"))

        session.keep(ask(session), recording("new"))

        assert answers(session) == ["new"]

    def test_it_stays_when_its_request_is_not_asked_again(self) -> None:
        session = a_session(Mode.RECORD, recording("lost", gone=True))

        assert answers(session) == ["lost"]

    def test_pruning_takes_it_with_the_rest(self) -> None:
        session = a_session(Mode.RECORD, recording("lost", gone=True), prune=True)

        assert answers(session) == []


def test_a_cassette_with_one_is_as_readable_as_any() -> None:
    text = dump(a_cassette(recording("one", gone=True)))

    assert json.loads(text)["interactions"][0]["client"] == "gone"
    assert text.endswith("}\n")
