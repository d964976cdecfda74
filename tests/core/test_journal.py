"""What a journal says, and what becomes of it beside its cassette."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_cassette, a_pending, a_request, a_response, an_interaction
from runreel.cassettes.format import Cassette
from runreel.cassettes.journal import (
    FirstBuilt,
    Opening,
    Pending,
    Record,
    Result,
    dump_records,
    parse_records,
    recover,
)
from runreel.http.messages import Interaction
from runreel.http.strict_json import BadDocument
from runreel.matching.resources import Access
from runreel.redaction.redactor import Redacted
from strategies import cassettes

HEADER = a_cassette()
OPENING = Opening(HEADER)
SHA256 = "ab" * 32
ENDED = ((3, "x", None), (4, "not-stored", Access(("threads", "t"), item=("threads", "t"))))


def recording(name: str, stage: str = "a") -> Redacted[Interaction]:
    return an_interaction(a_request(stage.encode()), a_response(name.encode()), name)


def made_up(name: str, stage: str = "a") -> Redacted[Interaction]:
    headers = (("X-Runreel-Source", "simulator"),)
    response = a_response(name.encode(), headers=headers)
    return an_interaction(a_request(stage.encode()), response, name)


def answers(cassette: Cassette | None) -> list[str]:
    found = cassette.interactions if cassette else ()
    return [item.value.response.body.decode() for item in found]


class TestRecords:
    def test_a_record_is_one_line_of_json(self) -> None:
        records: list[Record] = [Result("ab"), Pending(7, recording("é\n"), "old", ENDED, ("y",))]

        payload = dump_records(records)

        assert payload.startswith(b'[{"result":"ab"},{"capture":{"id":"\xc3\xa9\\n",')
        assert payload.endswith(
            b',"arrival":7,"replaces":"old","ended":[{"at":3,"id":"x"},{"at":4,"id":"not-stored",'
            b'"access":[["threads","t"],["threads","t"],null]}],"overlapped":["y"]}]'
        )
        assert b"\n" not in payload

    def test_an_opening_says_all_that_a_cassette_begins_with(self) -> None:
        assert dump_records([OPENING]) == (
            b'[{"opening":{"format":1,"upstream":"https://api.openai.com","profile":"openai",'
            b'"match_on":["method","path","query","body","header.openai-beta"],'
            b'"salt":"5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"}}]'
        )

    @given(
        cassettes(),
        st.integers(0, 10**9),
        st.none() | st.text(),
        st.lists(st.tuples(st.integers(0, 10**9), st.text(), st.none())).map(tuple),
        st.lists(st.text()).map(tuple),
    )
    def test_every_record_comes_back_equal_from_its_line(
        self,
        cassette: Cassette,
        arrival: int,
        replaces: str | None,
        ended: tuple[tuple[int, str, None], ...],
        overlapped: tuple[str, ...],
    ) -> None:
        records: list[Record] = [
            Opening(replace(cassette, interactions=())),
            *(
                Pending(arrival, interaction, replaces, ended, overlapped)
                for interaction in cassette.interactions
            ),
            Result(SHA256),
        ]

        payload = dump_records(records)

        assert parse_records(payload) == records
        assert b"\n" not in payload

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"\xff",
            b"{}",
            b"[7]",
            b"[{}]",
            b'[{"result":7}]',
            b'[{"opening":{}}]',
            b'[{"capture":{},"arrival":1,"replaces":null,"played":[],"barriers":true}]',
            b'[{"capture":{},"arrival":1,"replaces":null,"ended":[],"overlapped":[]}]',
            b'[{"capture":{},"arrival":"1","replaces":null,"played":[],"barriers":true}]',
            b'[{"capture":{},"arrival":1,"replaces":null,"played":[[1]],"barriers":true}]',
            b'[{"result":"a","result":"b"}]',
            b"[" * 100_000,
        ],
        ids=lambda payload: str(payload[:30]),
    )
    def test_anything_else_is_refused(self, payload: bytes) -> None:
        with pytest.raises(BadDocument):
            parse_records(payload)


class TestRecovering:
    def test_without_journal_a_cassette_stays_the_very_same(self) -> None:
        cassette = a_cassette(recording("one"))

        assert recover(cassette, SHA256, []) is cassette
        assert recover(cassette, SHA256, [OPENING]) is cassette
        assert recover(None, None, [OPENING]) is None

    def test_captures_without_a_cassette_make_one_of_the_opening(self) -> None:
        header = replace(HEADER, match_on=("path",))

        found = recover(None, None, [Opening(header), a_pending()])

        half = "its recording did not come to its end"
        assert found == replace(header, interactions=(a_pending().interaction,), incomplete=half)

    def test_captures_of_the_simulator_make_a_cassette_of_the_simulator(self) -> None:
        capture = Pending(1, made_up("one"), None)

        found = recover(None, None, [OPENING, capture, OPENING])

        assert found is not None
        made_of = replace(HEADER, upstream="simulator", interactions=(capture.interaction,))
        assert replace(found, incomplete=None) == made_of

    @pytest.mark.parametrize("opening", ["simulator", "https://api.openai.com"])
    def test_captures_of_the_simulator_go_into_its_cassette_only(self, opening: str) -> None:
        records: list[Record] = [
            Opening(replace(HEADER, upstream=opening)),
            Pending(1, made_up("two", "b"), None),
        ]
        its = replace(a_cassette(made_up("one")), upstream="simulator")

        found = recover(its, SHA256, records)

        assert found is not None
        assert (found.upstream, answers(found)) == ("simulator", ["one", "two"])
        with pytest.raises(BadDocument, match="was recorded from simulator"):
            recover(a_cassette(recording("one")), SHA256, records)

    def test_captures_go_in_by_arrival_whatever_the_order_of_the_journal(self) -> None:
        records: list[Record] = [
            OPENING,
            a_pending(3, b"c"),
            a_pending(1, b"a"),
            OPENING,
            a_pending(2, b"b"),
        ]

        assert answers(recover(None, None, records)) == ["a", "b", "c"]

    def test_a_capture_takes_the_place_of_its_counterpart(self) -> None:
        cassette = a_cassette(recording("one", "x"), recording("two", "y"))
        capture = Pending(1, recording("new", "x"), "one")

        found = recover(cassette, SHA256, [OPENING, capture])

        assert answers(found) == ["new", "two"]
        assert found is not None
        assert found.interactions[0].value.id == "one"

    def test_a_new_capture_goes_to_the_end_and_says_what_it_followed(self) -> None:
        cassette = a_cassette(recording("one", "x"), recording("two", "y"), recording("three", "z"))
        capture = Pending(5, recording("new", "n"), None, ((4, "one", None),))

        found = recover(cassette, SHA256, [OPENING, capture])

        assert answers(found) == ["one", "two", "three", "new"]
        assert found is not None
        assert [item.value.after for item in found.interactions] == [None, None, None, ("one",)]

    def test_a_capture_of_the_first_build_is_taken_in_by_arrival(self) -> None:
        cassette = a_cassette(recording("one", "x"), recording("two", "y"))
        records: list[Record] = [
            OPENING,
            FirstBuilt(5, recording("late", "n"), None, ((4, "one"),)),
            FirstBuilt(3, recording("early", "x"), "one", ()),
        ]

        found = recover(cassette, SHA256, records)

        assert answers(found) == ["early", "two", "late"]
        assert found is not None
        assert [item.value.after for item in found.interactions] == [None, None, ("one",)]

    def test_a_capture_whose_counterpart_was_edited_away_is_new(self) -> None:
        cassette = a_cassette(recording("one", "x"))
        capture = Pending(2, recording("new", "y"), "gone", ((1, "gone too", None),))

        found = recover(cassette, SHA256, [OPENING, capture])

        assert sorted(answers(found)) == ["new", "one"]

    def test_a_result_that_names_the_file_leaves_it_alone(self) -> None:
        cassette = a_cassette(recording("one"))

        assert recover(cassette, SHA256, [OPENING, a_pending(), Result(SHA256)]) is cassette

    def test_a_result_that_names_another_file_does_not(self) -> None:
        cassette = a_cassette(recording("one", "x"))

        found = recover(cassette, SHA256, [OPENING, a_pending(), Result("cd" * 32)])

        assert answers(found) == ["one", "new"]

    def test_no_result_speaks_of_a_file_that_is_not_there(self) -> None:
        found = recover(None, None, [OPENING, a_pending(), Result(SHA256)])

        assert answers(found) == ["new"]

    @pytest.mark.parametrize("salts", [("", "ab" * 16), ("ab" * 16, ""), ("ab" * 16, "ab" * 16)])
    def test_the_one_salt_of_cassette_and_journal_is_kept(self, salts: tuple[str, str]) -> None:
        mine, its = salts
        cassette = replace(a_cassette(recording("one")), salt=mine)

        found = recover(cassette, SHA256, [Opening(replace(HEADER, salt=its)), a_pending()])

        assert found is not None
        assert found.salt == "ab" * 16

    @pytest.mark.parametrize(
        ("mine", "its", "kept"),
        [
            (("http://127.0.0.1:1", None), ("http://localhost:2", None), None),
            (("http://a.example", None), ("http://b.example", "staging"), "staging"),
            (("http://a.example", "staging"), ("http://b.example", "staging"), "staging"),
            (("http://127.0.0.1:1", "staging"), ("http://127.0.0.1:2", None), "staging"),
        ],
    )
    def test_a_journal_of_one_upstream_at_another_place_is_taken_in(
        self, mine: tuple[str, str | None], its: tuple[str, str | None], kept: str | None
    ) -> None:
        cassette = replace(a_cassette(recording("one")), upstream=mine[0], upstream_name=mine[1])
        opening = Opening(replace(HEADER, upstream=its[0], upstream_name=its[1]))

        found = recover(cassette, SHA256, [opening, a_pending()])

        assert found is not None
        assert (found.upstream, found.upstream_name) == (mine[0], kept)
        assert len(found.interactions) == 2

    @pytest.mark.parametrize(
        ("cassette", "records", "why"),
        [
            (
                a_cassette(),
                [Opening(replace(HEADER, upstream="http://other")), a_pending()],
                "was recorded from http://other (openai)",
            ),
            (
                a_cassette(),
                [Opening(replace(HEADER, profile="rubra")), a_pending()],
                "was recorded from https://api.openai.com (rubra)",
            ),
            (
                a_cassette(),
                [Opening(replace(HEADER, salt="ab" * 16)), a_pending()],
                (
                    "was recorded with another salt, so its placeholders would not match; keep the "
                    "two under names of their own"
                ),
            ),
            (None, [a_pending()], "has no opening record"),
            (
                None,
                [OPENING, a_pending(1, b"a"), OPENING, a_pending(1, b"b")],
                "holds captures of two sessions; move one of its files away",
            ),
        ],
        ids=["other upstream", "other profile", "other salt", "no opening", "two sessions"],
    )
    def test_what_cannot_belong_together_is_refused(
        self, cassette: Cassette | None, records: list[Record], why: str
    ) -> None:
        with pytest.raises(BadDocument) as caught:
            recover(cassette, SHA256, records)

        assert str(caught.value) == why
