from typing import Any

import openai
import pytest

from sample_app.helpdesk import Helpdesk

pytestmark = pytest.mark.runreel

DESK = Helpdesk(openai.OpenAI(max_retries=0))  # made at import, as people do


@pytest.fixture
def run(ticket: str) -> Any:
    return DESK.finish(DESK.begin(ticket, DESK.clerk(), stage="new"))


def test_a_run_ends_with_the_notes_it_began_with(run: Any) -> None:
    assert run.metadata == {"stage": "new"}


STAGES = ["open", "in/progress", "..", "done ✅", "完了", "CON", "a\\b", "A", "a", "x" * 200, ""]


@pytest.mark.parametrize("stage", STAGES, ids=[*STAGES[:-1], "empty"])
def test_a_note_is_kept_as_it_was_written(run: Any, stage: str) -> None:
    assert DESK.note(run, stage=stage).metadata == {"stage": stage}


def test_a_note_shows_when_the_run_is_looked_at_again(run: Any) -> None:
    before = DESK.look_at(run)
    DESK.note(run, stage="checked")
    after = DESK.look_at(run)

    assert (before.metadata, after.metadata) == ({"stage": "new"}, {"stage": "checked"})


def test_status(ticket: str) -> None:
    assert DESK.begin(ticket, DESK.clerk()).status == "queued"


def test_Status(run: Any) -> None:  # noqa: N802 - differs from the last one in case only
    assert run.status == "completed"


class TestRefused:
    def test_too_many_notes(self, run: Any) -> None:
        with pytest.raises(openai.BadRequestError):
            DESK.note(run, **{f"key{number}": "x" for number in range(17)})

    def test_a_note_that_is_too_long(self, run: Any) -> None:
        with pytest.raises(openai.BadRequestError):
            DESK.note(run, stage="x" * 513)

    def test_a_ticket_that_never_was(self) -> None:
        with pytest.raises(openai.NotFoundError):
            DESK.answer("thread_none")
