"""Entries, their chain, their actors, and the books they are drafted from."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audited import an_entry
from runreel.audit.entries import (
    Change,
    Known,
    Link,
    ResourceId,
    chained,
    checkpoint,
    entry_document,
    entry_line,
    parse_entry,
)
from runreel.audit.history import RESOURCES_MAX, ChangeResult, MetadataHistory, Occasion
from runreel.audit.observation import ChangeRequest, Shown
from runreel.audit.writer import actor
from runreel.http.strict_json import BadDocument

AT = datetime(2026, 3, 31, 10, 15, 2, 400_900, tzinfo=UTC)
OCCASION = Occasion(
    at=AT, operation="modifyRun", actor=None, client="x/1", session="default", upstream="http://u"
)
RUN = ResourceId("run", "r")
ASKED = ChangeRequest(RUN, "t", {"a": "1"})


def a_run(thread: str, run: str, metadata: Known) -> Shown:
    return Shown(ResourceId("run", run), thread, metadata)


def came(*shown: Shown, status: int = 200) -> ChangeResult:
    return ChangeResult(AT, status, shown, "modifyRun-1")


class TestDocuments:
    def test_a_line_is_what_rfc_8785_makes_of_all_members(self) -> None:
        entry = chained(Link(), an_entry(requested={"b": "\u00e9", "a": "1"}))

        assert (
            entry_line(entry)
            == (
                '{"actor":null,"after":null,"at":"2026-03-31T10:15:02.400Z","before":"unknown",'
                '"changes":[],"client":null,"effect":null,"hash":"' + entry.hash + '",'
                '"intent":null,"interaction":null,"kind":"intent","operation":"modifyRun",'
                '"prev":"' + "0" * 64 + '","reason":null,"requested":{"a":"1","b":"\u00e9"},'
                '"run_id":"run_abc123","seq":1,"session":"default","status":null,'
                '"thread_id":"thread_abc123","upstream":"https://api.openai.com"}\n'
            ).encode()
        )

    def test_the_hash_is_over_the_line_without_it(self) -> None:
        entry = chained(Link(7, "f" * 64), an_entry())

        without = entry_line(entry).replace(b'"hash":"' + entry.hash.encode() + b'",', b"")
        assert (entry.seq, entry.prev) == (8, "f" * 64)
        assert entry.hash == hashlib.sha256(without.rstrip(b"\n")).hexdigest()

    def test_a_checkpoint_is_a_line_of_time_hash_and_size(self) -> None:
        found = checkpoint("2026-03-31T10:15:02.400Z", Link(3, "ab"))

        assert found == b'{"at":"2026-03-31T10:15:02.400Z","hash":"ab","size":3}\n'

    def test_what_was_written_is_read_as_the_same(self) -> None:
        change = Change("a", "changed", None, "1")
        entry = chained(Link(), an_entry(changes=(change,), kind="outcome", effect="applied"))

        assert parse_entry(json.loads(entry_line(entry))) == entry

    @pytest.mark.parametrize(
        ("member", "value", "at"),
        [
            ("seq", 0, "/seq"),
            ("seq", True, "/seq"),
            ("seq", "1", "/seq"),
            ("at", None, "/at"),
            ("kind", "guess", "/kind"),
            ("effect", "done", "/effect"),
            ("before", "none", "/before"),
            ("requested", "unknown", "/requested"),
            ("status", "200", "/status"),
            ("thread_id", 1, "/thread_id"),
            ("changes", None, "/changes"),
            ("changes", [{"key": "a"}], "/changes/0"),
            ("changes", [{"key": "a", "change": "x", "old": 1, "new": 1}], "/changes/0"),
            ("more", 1, ""),
        ],
    )
    def test_anything_else_is_refused_by_its_place(
        self, member: str, value: object, at: str
    ) -> None:
        document = entry_document(chained(Link(), an_entry())) | {member: value}

        with pytest.raises(BadDocument) as caught:
            parse_entry(document)

        assert caught.value.at == at

    def test_a_missing_member_is_named(self) -> None:
        document = entry_document(chained(Link(), an_entry()))
        del document["actor"]

        with pytest.raises(BadDocument, match=r"^/actor: this member is missing$"):
            parse_entry(document)


class TestActors:
    def test_equal_credentials_are_equal_actors_in_any_header(self) -> None:
        names = {
            actor(b"secret", headers)
            for headers in (
                (("Authorization", "Bearer key-1"),),
                (("AUTHORIZATION", "bearer  key-1"), ("x-api-key", "other")),
                (("api-key", " key-1 "),),
                (("X-Api-Key", "key-1"),),
            )
        }

        # printf %s key-1 | openssl dgst -sha256 -hmac secret
        assert names == {"hmac-sha256:0f88173168fcd4ac63fa1874c8c61b5e"}

    def test_other_credentials_and_other_secrets_are_others(self) -> None:
        names = {
            actor(secret, (("Authorization", f"Bearer {key}"),))
            for secret in (b"1", b"2")
            for key in ("a", "b")
        }

        assert len(names) == 4

    @pytest.mark.parametrize("headers", [(), (("Authorization", " "),), (("Cookie", "key"),)])
    def test_without_a_credential_there_is_no_actor(self, headers: Any) -> None:
        assert actor(b"secret", headers) is None


class TestBooks:
    def test_a_change_is_told_from_what_was_last_seen(self) -> None:
        books = MetadataHistory()
        books.observations(OCCASION, came(a_run("t", "r", {"b": "1"})))

        intent = books.intent(OCCASION, ASKED)
        outcome = books.outcome(
            chained(Link(), intent), ASKED, came(a_run("t", "r", {"a": "1", "b": "1"}))
        )

        assert (intent.kind, intent.before, intent.after) == ("intent", {"b": "1"}, None)
        assert (intent.at, intent.client) == ("2026-03-31T10:15:02.400Z", "x/1")
        assert (outcome.kind, outcome.intent, outcome.seq) == ("outcome", 1, 0)
        assert (outcome.effect, outcome.status) == ("applied", 200)
        assert outcome.changes == (Change("a", "added", None, "1"),)
        assert outcome.interaction == "modifyRun-1"
        assert books.known(RUN, "t") == {"a": "1", "b": "1"}

    def test_what_an_upstream_does_is_news_once(self) -> None:
        books = MetadataHistory()
        told = "the upstream merges metadata of runs: keys that a change does not name are kept"
        books.observations(OCCASION, came(a_run("t", "r", {"b": "1"})))

        reasons = [
            books.outcome(
                chained(Link(), books.intent(OCCASION, ASKED)),
                ASKED,
                came(a_run("t", "r", {"a": "1", "b": "1"})),
            ).reason
            for _ in range(2)
        ]

        assert reasons == [told, None]
        assert books.news == [told]

    def test_a_run_of_which_nothing_was_seen_is_unknown(self) -> None:
        intent = MetadataHistory().intent(OCCASION, ASKED)

        assert intent.before == "unknown"

    @pytest.mark.parametrize(("thread", "run"), [("t", "REDACTED"), ("REDACTED", "r")])
    def test_runs_whose_ids_are_redacted_alike_are_not_taken_for_one(
        self, thread: str, run: str
    ) -> None:
        books = MetadataHistory()
        books.observations(OCCASION, came(a_run(thread, run, {"b": "1"})))

        intent = books.intent(OCCASION, ChangeRequest(ResourceId("run", run), thread, {"a": "1"}))

        assert intent.before == "unknown"

    def test_a_run_that_changed_meanwhile_is_said_to_have(self) -> None:
        books = MetadataHistory()
        books.observations(OCCASION, came(a_run("t", "r", {})))
        intent = chained(Link(), books.intent(OCCASION, ASKED))
        books.observations(OCCASION, came(a_run("t", "r", {"z": "1"})))

        outcome = books.outcome(intent, ASKED, came(a_run("t", "r", {"a": "1"})))

        assert outcome.reason == "the run was seen to change while this was under way"

    def test_a_created_run_was_not_there_and_is_named_by_its_answer(self) -> None:
        books = MetadataHistory()
        occasion = Occasion(
            at=AT, operation="createRun", actor=None, client=None, session="s", upstream="u"
        )
        asked = ChangeRequest(ResourceId("run", None), "t", {"a": "1"})

        intent = books.intent(occasion, asked)
        outcome = books.outcome(chained(Link(), intent), asked, came(a_run("t", "r9", {"a": "1"})))

        assert (intent.before, intent.run_id) == (None, None)
        assert (outcome.run_id, outcome.effect) == ("r9", "applied")
        assert outcome.changes == (Change("a", "added", None, "1"),)

    def test_of_a_list_only_what_is_not_as_last_seen_is_told(self) -> None:
        books = MetadataHistory()
        listing = replace(OCCASION, operation="listMessages")

        def message(name: str, **metadata: str) -> Shown:
            return Shown(ResourceId("message", name), "t", metadata)

        first = books.observations(listing, came(message("m1"), message("m2")))
        second = books.observations(listing, came(message("m1"), message("m2", a="1")))
        read = books.observations(replace(OCCASION, operation="getMessage"), came(message("m1")))

        assert [entry.about.id for entry in first] == ["m1", "m2"]
        assert [entry.about.id for entry in second] == ["m2"]
        assert [(entry.about, entry.run_id) for entry in read] == [(("message", "m1"), None)]

    def test_what_only_looks_like_a_change_has_an_unknown_effect(self) -> None:
        books = MetadataHistory()
        asked = replace(ASKED, loose=True)
        intent = chained(Link(), books.intent(OCCASION, asked))

        found = [
            books.outcome(intent, asked, came(a_run("t", "r", {"a": "1"}))),
            books.outcome(intent, asked, came(status=404)),
            books.outcome(intent, asked, replace(came(), status=None, seen=False)),
        ]

        assert [entry.effect for entry in found] == ["unknown", "unknown", "refused"]
        assert found[1].reason == (
            "it only looks like modifyRun: nobody knows what the upstream took it for"
        )

    def test_what_an_upstream_does_is_told_for_each_kind(self) -> None:
        books = MetadataHistory()
        told = []
        for kind in ("run", "thread"):
            resource = ResourceId(kind, "x")
            occasion = replace(OCCASION, operation="modifyThread")
            asked = ChangeRequest(resource, None, {"a": "1"})
            books.observations(occasion, came(Shown(resource, None, {"b": "1"})))
            intent = chained(Link(), books.intent(occasion, asked))
            told.append(
                books.outcome(intent, asked, came(Shown(resource, None, {"a": "1"}))).reason
            )

        assert told == [
            "the upstream replaces metadata of runs: keys that a change does not name are gone",
            "the upstream replaces metadata of threads: keys that a change does not name are gone",
        ]

    def test_a_refusal_changes_nothing_that_is_known(self) -> None:
        books = MetadataHistory()
        books.observations(OCCASION, came(a_run("t", "r", {"b": "1"})))

        outcome = books.outcome(
            chained(Link(), books.intent(OCCASION, ASKED)), ASKED, came(status=400)
        )

        assert (outcome.effect, outcome.after, outcome.changes) == ("refused", "unknown", ())
        assert books.known(RUN, "t") == {"b": "1"}

    def test_the_run_not_seen_for_longest_is_forgotten_first(self) -> None:
        books = MetadataHistory()

        for number in range(RESOURCES_MAX + 1):
            books.observations(OCCASION, came(a_run("t", str(number), {})))

        assert books.known(ResourceId("run", "0"), "t") == "unknown"
        assert books.known(ResourceId("run", "1"), "t") == {}
