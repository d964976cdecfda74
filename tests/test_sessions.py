import hashlib
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from builders import BARE_KEY, SALT, a_cassette, a_request, an_interaction
from memory_store import MemoryJournal, MemoryStore
from runreel.cassettes.format import Cassette, dump
from runreel.cassettes.journal import Store
from runreel.errors import CassetteDamaged, StartRefused, Unredactable
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.events import Event
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import SessionSpec, open_session
from runreel.sessions.modes import Action, Mode
from stores_that_refuse import NoJournals

URL = "https://api.openai.com"


def opened(store: Store, mode: str, upstream: str | None = URL, **changes: Any) -> LiveSession:
    fields: dict[str, Any] = {
        "id": "default",
        "cassette": "default",
        "mode": mode,
        "upstream": upstream,
        "profile": "openai",
        "redaction": Redaction(),
    }
    return open_session(SessionSpec(**(fields | changes)), store, tell=_nothing)


def _nothing(_: Event) -> None:
    pass


def refusal(store: Store, mode: str, upstream: str | None = URL, **changes: Any) -> str:
    with pytest.raises(StartRefused) as caught:
        opened(store, mode, upstream, **changes)
    return str(caught.value)


def holding(**cassettes: Cassette) -> MemoryStore:
    store = MemoryStore()
    for name, cassette in cassettes.items():
        store.documents[name] = dump(cassette)
    return store


class TestRefusals:
    def test_a_missing_cassette_names_those_that_are_there(self) -> None:
        store = holding(b=a_cassette(), a=a_cassette())

        assert refusal(store, "replay", cassette="c") == (
            "there is no cassette 'c' to replay (there are: a, b); choose one with --cassette NAME "
            "and --cassettes DIR, or record it: runreel record --cassette c --upstream URL"
        )

    def test_it_says_so_when_there_are_none(self) -> None:
        assert refusal(MemoryStore(), "replay") == (
            "there is no cassette 'default' to replay (there are none at all); choose one with "
            "--cassette NAME and --cassettes DIR, or record it: runreel record --cassette default "
            "--upstream URL"
        )

    def test_there_must_be_something_to_verify(self) -> None:
        assert refusal(MemoryStore(), "verify").startswith(
            "there is no cassette 'default' to verify (there are none at all); "
        )

    def test_it_names_ten_at_most(self) -> None:
        store = holding(**{f"c{number:02}": a_cassette() for number in range(13)})

        assert "c09 and 3 more)" in refusal(store, "replay")

    @pytest.mark.parametrize("mode", ["record", "new_episodes", "passthrough", "verify"])
    def test_a_live_mode_without_an_upstream(self, mode: str) -> None:
        assert refusal(holding(default=a_cassette()), mode, None) == (
            f"mode {mode} goes live and needs an upstream; give one with --upstream URL"
        )

    def test_once_without_cassette_and_upstream(self) -> None:
        assert refusal(MemoryStore(), "once", None) == (
            "there is no cassette 'default' yet, so mode once records it and needs an upstream; "
            "give one with --upstream URL"
        )

    @pytest.mark.parametrize("mode", ["record", "new_episodes"])
    def test_another_upstream(self, mode: str) -> None:
        assert refusal(holding(default=a_cassette()), mode, "http://localhost:8000") == (
            "cassette 'default' was recorded from https://api.openai.com, not from "
            "http://localhost:8000, and recordings of different upstreams are never merged; if "
            "both are one, say so with --upstream-name NAME (upstream_name in a configuration), "
            "else record into another cassette with --cassette NAME"
        )

    @pytest.mark.parametrize("mode", ["record", "new_episodes"])
    def test_another_profile(self, mode: str) -> None:
        assert refusal(holding(default=a_cassette()), mode, profile="rubra") == (
            "cassette 'default' was recorded under the profile openai, not rubra; set `profile` to "
            "it, or record into another one with --cassette NAME"
        )

    def test_a_damaged_cassette_stops_every_mode_that_reads_it(self) -> None:
        store = MemoryStore()
        store.documents["default"] = "{}"

        for mode in ("replay", "record", "new_episodes", "once", "verify"):
            with pytest.raises(CassetteDamaged, match=r"^default: /format: "):
                opened(store, mode)

    @pytest.mark.parametrize("mode", ["record", "new_episodes", "once"])
    def test_a_place_that_cannot_be_written_stops_a_mode_that_writes(self, mode: str) -> None:
        assert refusal(NoJournals(), mode) == f"default of {URL} cannot be written"

    @pytest.mark.parametrize("mode", ["record", "new_episodes"])
    def test_a_second_recorder_of_one_cassette(self, mode: str) -> None:
        store = holding(default=a_cassette())
        opened(store, mode)

        assert refusal(store, "record") == (
            "cassette 'default' is being recorded by another session"
        )

    @pytest.mark.parametrize(("mode", "upstream"), [("record", None), ("record", "http://other")])
    def test_who_is_refused_keeps_nobody_else_from_recording(
        self, mode: str, upstream: str | None
    ) -> None:
        store = holding(default=a_cassette())
        refusal(store, mode, upstream)

        assert opened(store, mode).mode is Mode.RECORD

    def test_a_cassette_that_another_recorder_just_finished_must_fit_too(self) -> None:
        class JustFinished(MemoryStore):
            def open_journal(self, name: str, header: Cassette) -> MemoryJournal:
                self.documents[name] = dump(a_cassette(an_interaction()))
                return super().open_journal(name, header)

        store = JustFinished()

        assert "was recorded from https://api.openai.com" in refusal(
            store, "record", "http://other"
        )
        assert store.recorders == set()

    def test_a_recording_with_a_secret_that_cannot_be_taken_out_gives_up_the_right_to_record(
        self,
    ) -> None:
        headers = (("Authorization", "Bearer " + BARE_KEY), ("X-" + BARE_KEY, "1"))
        secret = replace(an_interaction().value, request=a_request(headers=headers))
        store = holding(default=a_cassette(Redacted(secret)))

        with pytest.raises(Unredactable):
            opened(store, "record")

        assert store.recorders == set()


class TestOpening:
    @pytest.mark.parametrize("upstream", [None, "http://elsewhere"])
    def test_replay_needs_no_upstream_and_does_not_look_at_it(self, upstream: str | None) -> None:
        store = holding(default=a_cassette(an_interaction()))

        session = opened(store, "replay", upstream, profile="rubra")

        assert (session.mode, session.interactions) == (Mode.REPLAY, 1)

    def test_another_upstream_or_dialect_than_the_recorded_one_can_be_verified(self) -> None:
        store = holding(default=a_cassette(an_interaction()))

        session = opened(store, "verify", "http://elsewhere", profile="rubra")

        assert (session.mode, session.interactions) == (Mode.VERIFY, 1)

    def test_once_replays_what_is_there(self) -> None:
        session = opened(holding(default=a_cassette(an_interaction())), "once", None)

        assert session.mode is Mode.REPLAY

    def test_once_records_what_is_not(self) -> None:
        assert opened(MemoryStore(), "once").mode is Mode.RECORD

    def test_passing_through_loads_nothing(self) -> None:
        store = MemoryStore()
        store.documents["default"] = "damaged"

        session = opened(store, "passthrough")

        assert (session.mode, session.interactions, session.sha256) == (Mode.PASSTHROUGH, 0, None)

    def test_it_compares_as_the_cassette_says(self) -> None:
        cassette = a_cassette(an_interaction())
        by_path = Cassette(URL, "openai", ("path",), "", cassette.interactions)
        session = opened(holding(default=by_path), "replay")
        request = Redaction().request(a_request(b"another body", method="PUT"))

        verdict = session.state.ask(session.state.arrive(), request)

        assert verdict.action is Action.SERVE

    def test_it_knows_the_sha256_of_what_it_read(self) -> None:
        store = holding(default=a_cassette())

        session = opened(store, "replay")

        assert session.sha256 == hashlib.sha256(store.documents["default"].encode()).hexdigest()

    @pytest.mark.parametrize("mode", ["replay", "passthrough", "verify"])
    def test_who_does_not_capture_takes_nobody_the_right_to_record(self, mode: str) -> None:
        store = holding(default=a_cassette())

        opened(store, mode)

        assert store.recorders == set()
        assert opened(store, "record").mode is Mode.RECORD

    def test_a_journal_is_opened_under_the_header_of_the_cassette_to_be(self) -> None:
        class Telling(MemoryStore):
            headers: ClassVar[list[Cassette]] = []

            def open_journal(self, name: str, header: Cassette) -> MemoryJournal:
                self.headers.append(header)
                return super().open_journal(name, header)

        store = Telling()
        store.documents["default"] = dump(replace(a_cassette(), match_on=("path",)))

        opened(store, "record", salt="ab" * 16)

        (header,) = store.headers
        assert (header.upstream, header.profile) == (URL, "openai")
        assert (header.match_on, header.interactions) == (("path",), ())
        assert header.salt == SALT  # of the cassette: a new one is for those that have none
