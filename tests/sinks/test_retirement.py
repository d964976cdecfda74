"""When a proxy says that its upstream is gone: early and at the end, and never without cause."""

from datetime import UTC, datetime

import pytest

from runreel.engine.log import Retirement, why_gone
from runreel.sessions.events import Event, Outcome

URL = "https://api.openai.com"
REMEDY = (
    "OpenAI switched off the Assistants API on 2026-08-26; replay what is recorded, or name "
    "another upstream (with the path where its API begins) with --upstream"
)


def said(statuses: tuple[int, ...], *, called: bool = True, ends: bool = True) -> list[str]:
    """What is told about calls that came back with these statuses."""
    told: list[str] = []
    retirement = Retirement(URL, REMEDY, told.append)
    for status in statuses:
        retirement(
            Event(
                at=datetime(2026, 9, 1, tzinfo=UTC),
                session="default",
                outcome=Outcome.FORWARDED if called else Outcome.SERVED,
                method="GET",
                operation=None,
                status=status,
                duration_ms=1,
                request=None,
                upstream_called=called,
            )
        )
    if ends:
        retirement.sum_up()
    return told


def test_at_the_end_it_says_how_many_calls_were_gone() -> None:
    assert said((404,)) == [f"The one call to {URL} came back as 404 or 410: {REMEDY}"]
    assert said((404, 410)) == [f"All 2 calls to {URL} came back as 404 or 410: {REMEDY}"]


def test_after_the_third_it_says_so_at_once_and_then_not_before_the_end() -> None:
    third = f"All 3 calls to {URL} came back as 404 or 410: {REMEDY}"
    fifth = f"All 5 calls to {URL} came back as 404 or 410: {REMEDY}"

    assert said((404, 404), ends=False) == []
    assert said((404, 404, 404), ends=False) == [third]
    assert said((404, 404, 404, 404, 404), ends=False) == [third]
    assert said((404, 404, 404, 404, 404)) == [third, fifth]


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 502])
def test_an_upstream_that_answers_anything_else_is_there(status: int) -> None:
    assert said((status,)) == []
    assert said((status, 404, 404, 404)) == []
    assert said((404, 404, status, 404)) == []
    assert len(said((404, 404, 404, status))) == 1


@pytest.mark.parametrize("url", [URL, "https://API.openai.com:443/x", "http://api.openai.com"])
def test_of_openai_it_says_that_it_is_switched_off(url: str) -> None:
    assert why_gone(url, "/v1", "openai") == REMEDY


@pytest.mark.parametrize(
    ("base_path", "clients_call"),
    [
        ("/v1", "/v1 (--base-path), so calls go to paths of http://127.0.0.1:8000/api/v1"),
        ("", "/ (--base-path), so calls go to paths of http://127.0.0.1:8000/api"),
    ],
)
def test_of_any_other_it_asks_whether_base_path_and_profile_are_its_own(
    base_path: str, clients_call: str
) -> None:
    assert why_gone("http://127.0.0.1:8000/api", base_path, "rubra") == (
        f"clients call {clients_call}; is that where this API begins? The path before it belongs "
        "to --upstream. And does the API speak the profile rubra?"
    )


def test_what_was_not_forwarded_says_nothing_of_an_upstream() -> None:
    assert said(()) == []
    assert said((404, 404, 404), called=False) == []
