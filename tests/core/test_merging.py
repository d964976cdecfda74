"""How captures enter a cassette, seen through the session that holds both."""

import pytest

from builders import a_request, a_response, an_interaction
from runreel.http.messages import Headers, Interaction
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction, renamed
from runreel.sessions.modes import DECISIONS, Mode
from runreel.sessions.session import Session, Verdict

REDACTION = Redaction()


def recording(
    answer: str,
    stage: str = "a",
    *,
    name: str | None = None,
    status: int = 200,
    headers: Headers = (),
) -> Redacted[Interaction]:
    request = a_request(b'{"metadata":{"stage":"%s"}}' % stage.encode())
    return an_interaction(request, a_response(answer.encode(), status, headers), name or answer)


class Playing:
    def __init__(self, mode: Mode, *recordings: Redacted[Interaction], **options: bool) -> None:
        self.state = Session(recordings, DECISIONS[mode], MATCH_ON, REDACTION, **options)

    def ask(self, stage: str = "a") -> Verdict:
        sent = REDACTION.request(a_request(b'{"metadata":{"stage":"%s"}}' % stage.encode()))
        return self.state.ask(self.state.arrive(), sent)

    def answered(self, stage: str, answer: str, name: str | None = None) -> None:
        self.state.keep(self.ask(stage), recording(answer, stage, name=name))

    def stands(self, *, final: bool = False) -> list[str]:
        return [item.value.response.body.decode() for item in self.state.merged(final=final)]

    def ids(self) -> list[str]:
        return [item.value.id for item in self.state.merged()]


class TestReplacing:
    def test_the_nth_capture_replaces_the_nth_recording_where_it_stands(self) -> None:
        playing = Playing(
            Mode.RECORD,
            recording("a1"),
            recording("b1", "b"),
            recording("a2"),
            recording("c1", "c"),
        )

        playing.answered("a", "A1")
        playing.answered("a", "A2")

        assert playing.stands() == ["A1", "b1", "A2", "c1"]
        assert playing.ids() == ["a1", "b1", "a2", "c1"]

    def test_more_captures_than_recordings_follow_the_last_of_them(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), recording("b1", "b"))

        for answer in ("A1", "A2", "A3"):
            playing.answered("a", answer)

        assert playing.stands(final=True) == ["A1", "A2", "A3", "b1"]

    def test_fewer_captures_than_recordings_drop_the_rest_only_at_the_end(self) -> None:
        playing = Playing(
            Mode.RECORD, recording("a1"), recording("a2"), recording("b1", "b"), recording("a3")
        )

        playing.answered("a", "A1")

        assert playing.stands() == ["A1", "a2", "b1", "a3"]
        assert playing.stands(final=True) == ["A1", "b1"]

    def test_a_capture_that_failed_keeps_every_old_recording_of_its_request(self) -> None:
        playing = Playing(
            Mode.RECORD, recording("a1"), recording("a2"), recording("a3"), recording("b1", "b")
        )

        playing.answered("a", "A1")
        playing.ask("a")  # and no answer of it is kept

        assert playing.stands(final=True) == ["A1", "a2", "a3", "b1"]

    def test_a_failure_of_one_request_keeps_no_recordings_of_another(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), recording("b1", "b"), recording("b2", "b"))

        playing.ask("a")
        playing.answered("b", "B1")

        assert playing.stands(final=True) == ["a1", "B1"]

    def test_the_retry_of_a_call_without_an_answer_takes_its_place(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), recording("a2"))

        playing.state.give_back(playing.ask("a"))
        playing.answered("a", "A1")

        assert playing.stands() == ["A1", "a2"]
        assert playing.stands(final=True) == ["A1", "a2"]

    def test_what_was_not_asked_stays_and_is_listed(self) -> None:
        playing = Playing(
            Mode.RECORD,
            recording("a1"),
            recording("b1", "b"),
            recording("c1", "c"),
            recording("a2"),
        )

        playing.answered("b", "B1")

        assert playing.stands(final=True) == ["a1", "B1", "c1", "a2"]
        assert playing.state.not_rerecorded() == ("a1", "c1", "a2")

    def test_prune_drops_it_at_the_end(self) -> None:
        playing = Playing(
            Mode.RECORD, recording("a1"), recording("b1", "b"), recording("c1", "c"), prune=True
        )

        playing.answered("b", "B1")

        assert playing.stands() == ["a1", "B1", "c1"]
        assert playing.stands(final=True) == ["B1"]

    def test_prune_spares_what_was_asked_in_vain(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), recording("b1", "b"), prune=True)

        playing.state.give_back(playing.ask("a"))
        playing.answered("c", "C1")

        assert sorted(playing.stands(final=True)) == ["C1", "a1"]

    @pytest.mark.parametrize("mode", [Mode.REPLAY, Mode.NEW_EPISODES, Mode.PASSTHROUGH])
    def test_only_recording_drops_or_lists_anything(self, mode: Mode) -> None:
        playing = Playing(mode, recording("a1"), recording("a2"), prune=True)

        playing.ask("a")

        assert playing.stands(final=True) == ["a1", "a2"]
        assert playing.state.not_rerecorded() == ()


class TestAnUpstreamThatIsGone:
    @pytest.mark.parametrize(
        ("was", "status", "regresses"),
        [
            (200, 404, True),
            (200, 410, True),
            (299, 404, True),
            (200, 400, False),
            (200, 403, False),
            (200, 500, False),
            (200, 200, False),
            (404, 404, False),
            (400, 410, False),
            (304, 404, False),
        ],
    )
    def test_a_good_recording_is_never_replaced_by_gone(
        self, was: int, status: int, regresses: bool
    ) -> None:
        playing = Playing(Mode.RECORD, recording("a1", status=was))

        assert playing.state.regresses(playing.ask("a"), status) is regresses

    def test_it_is_the_counterpart_that_counts(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1", status=404), recording("a2"))

        verdicts = [playing.ask("a") for _ in range(3)]

        assert [playing.state.regresses(item, 404) for item in verdicts] == [False, True, False]

    def test_it_can_be_allowed(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), allow_regress=True)

        assert playing.state.regresses(playing.ask("a"), 404) is False

    def test_the_next_capture_still_meets_its_own_counterpart(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), recording("a2"))

        playing.ask("a")  # refused as upstream_retired
        playing.answered("a", "A2")

        assert playing.stands(final=True) == ["a1", "A2"]


class TestInserting:
    def test_a_new_interaction_follows_the_one_that_preceded_it(self) -> None:
        playing = Playing(
            Mode.NEW_EPISODES, recording("a1"), recording("b1", "b"), recording("c1", "c")
        )

        playing.ask("b")
        playing.answered("x", "x1")
        playing.answered("y", "y1")
        playing.ask("a")
        playing.answered("z", "z1")

        assert playing.stands() == ["a1", "z1", "b1", "x1", "y1", "c1"]

    def test_what_nothing_preceded_comes_first(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, recording("a1"))

        playing.answered("x", "x1")
        playing.answered("y", "y1")

        assert playing.stands() == ["x1", "y1", "a1"]

    def test_it_never_stands_before_an_older_equal_one(self) -> None:
        playing = Playing(
            Mode.NEW_EPISODES, recording("b1", "b"), recording("c1", "c"), recording("a1")
        )

        playing.ask("a")
        playing.ask("b")
        playing.answered("a", "a2")

        assert playing.stands() == ["b1", "c1", "a1", "a2"]

    def test_nor_before_an_equal_one_of_the_same_session(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, recording("a1"), recording("b1", "b"))

        playing.ask("b")
        playing.answered("x", "x1")
        playing.ask("a")
        playing.answered("x", "x2")

        assert playing.stands() == ["a1", "b1", "x1", "x2"]

    def test_what_a_refused_capture_asked_for_precedes_too(self) -> None:
        playing = Playing(Mode.RECORD, recording("a1"), recording("b1", "b"))

        playing.ask("b")
        playing.answered("x", "x1")

        assert playing.stands() == ["a1", "b1", "x1"]

    def test_captures_that_finish_out_of_order_are_filed_in_order_of_arrival(self) -> None:
        playing = Playing(Mode.RECORD)
        first, second, third = (playing.ask(stage) for stage in "xyx")

        playing.state.keep(third, recording("x2", "x", name="x"))
        while_one_is_out = playing.ids()
        playing.state.keep(second, recording("y1", "y"))
        playing.state.keep(first, recording("x1", "x", name="x"))

        assert while_one_is_out == ["x"]
        assert playing.stands() == ["x1", "y1", "x2"]
        assert playing.ids() == ["x", "y1", "x-2"]

    def test_a_new_id_takes_the_first_number_that_is_free(self) -> None:
        playing = Playing(
            Mode.NEW_EPISODES, recording("1", "b", name="x"), recording("2", "c", name="x-3")
        )

        for answer in ("3", "4", "5"):
            playing.answered("a", answer, name="x")

        assert playing.ids() == ["x-2", "x-4", "x-5", "x", "x-3"]


class TestEqualTraffic:
    def test_an_equal_answer_leaves_the_recording_as_it_was(self) -> None:
        old = recording("a1", name="old", headers=(("Content-Type", "x"), ("x-request-id", "r1")))
        playing = Playing(Mode.RECORD, old)
        new = recording("a1", name="new", headers=(("x-request-id", "r2"), ("content-type", "x")))

        playing.state.keep(playing.ask("a"), new)

        assert playing.state.merged(final=True) == (old,)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (recording("a1"), recording("a2")),
            (recording("a1"), recording("a1", status=201)),
            (recording("a1"), recording("a1", headers=(("X-New", "1"),))),
            (
                recording("a1", headers=(("Vary", "a"), ("Vary", "b"))),
                recording("a1", headers=(("Vary", "b"), ("Vary", "a"))),
            ),
        ],
        ids=["body", "status", "header", "order of one field's lines"],
    )
    def test_any_other_answer_replaces_it_under_its_id(
        self, old: Redacted[Interaction], new: Redacted[Interaction]
    ) -> None:
        playing = Playing(Mode.RECORD, renamed(old, "old"))

        playing.state.keep(playing.ask("a"), new)

        (stands,) = playing.state.merged()
        assert stands.value.id == "old"
        assert stands.value.response == new.value.response
