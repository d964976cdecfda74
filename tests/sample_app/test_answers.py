import pytest

from runreel.pytest_plugin.proxy import Recording
from sample_app.helpdesk import LOOK_UP, Helpdesk

pytestmark = pytest.mark.runreel


def test_a_question_is_answered(desk: Helpdesk, ticket: str) -> None:
    desk.finish(desk.begin(ticket, desk.clerk()))

    assert desk.answer(ticket) == "This is the runreel simulator: no model wrote this."


@pytest.mark.parametrize("outcome", ["completed", "failed", "expired", "incomplete"])
def test_a_run_ends_as_it_ends(desk: Helpdesk, ticket: str, outcome: str) -> None:
    run = desk.begin(ticket, desk.clerk(), **{"runreel.outcome": outcome})

    assert desk.finish(run).status == outcome


@pytest.mark.parametrize("text", ["Tomorrow.", "50 % / 50 %", "🚚"])
def test_what_is_said_arrives(desk: Helpdesk, ticket: str, text: str) -> None:
    desk.finish(desk.begin(ticket, desk.clerk(), **{"runreel.text": text}))

    assert desk.answer(ticket) == text


def test_a_run_that_is_given_up_is_cancelled(desk: Helpdesk, ticket: str) -> None:
    assert desk.give_up(desk.begin(ticket, desk.clerk())).status in ("cancelling", "cancelled")


class TestOrders:
    @pytest.mark.parametrize("told", ["shipped", "lost", "{}"])
    def test_an_order_is_looked_up(self, desk: Helpdesk, ticket: str, told: str) -> None:
        run = desk.finish(desk.begin(ticket, desk.clerk(LOOK_UP)))

        assert run.status == "requires_action"
        assert desk.tell_order(run, told).status == "completed"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_runs_are_listed_page_by_page(desk: Helpdesk, ticket: str, order: str) -> None:
    clerk = desk.clerk()
    made = [desk.finish(desk.begin(ticket, clerk)).id for _ in range(3)]

    expected = made if order == "asc" else made[::-1]
    assert desk.runs(ticket, limit=2, order=order) == expected


def test_status(desk: Helpdesk, ticket: str) -> None:
    assert desk.begin(ticket, desk.clerk()).status == "queued"


@pytest.mark.runreel(cassette="greeting")
def test_a_recording_may_have_a_name(desk: Helpdesk, runreel: Recording) -> None:
    desk.open("Good morning")

    assert runreel.cassette == "greeting"
    assert runreel.receipt()["missed"] == []
