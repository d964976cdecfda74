"""Pages of runs: order, limit, cursors, and what they say of the rest."""

from typing import Any

import pytest

from runreel.simulator.operations import INCLUDABLE
from simulating import Talk, talk


@pytest.fixture
def listed() -> tuple[Talk, str, list[str]]:
    """A thread with five runs: the talk, the path of its runs, their ids, oldest first."""
    said = talk()
    thread = said.thread()
    paths = []
    for _ in range(5):
        path = said.run(thread)
        said.get(path)
        said.get(path)
        paths.append(path.rpartition("/")[2])
    return said, f"/threads/{thread}/runs", paths


@pytest.mark.parametrize(
    ("query", "wanted", "more"),
    [
        ("", [4, 3, 2, 1, 0], False),
        ("?order=asc", [0, 1, 2, 3, 4], False),
        ("?order=desc&limit=2", [4, 3], True),
        ("?limit=2&after=3", [2, 1], True),
        ("?limit=2&after=2", [1, 0], False),
        ("?order=asc&after=4", [], False),
        ("?order=asc&before=2", [0, 1], False),
        ("?order=asc&before=3&limit=2", [1, 2], True),
        ("?order=asc&after=0&before=3", [1, 2], False),
        ("?after=3&before=0", [2, 1], False),
        ("?order=asc&after=3&before=0", [], False),
        ("?after=2&before=2", [], False),
        ("?limit=5", [4, 3, 2, 1, 0], False),
    ],
)
def test_a_page(
    listed: tuple[Talk, str, list[str]], query: str, wanted: list[int], *, more: bool
) -> None:
    said, path, names = listed
    for side in ("after", "before"):
        for index, name in enumerate(names):
            query = query.replace(f"{side}={index}", f"{side}={name}")

    page = said.get(path + query).json

    ids = [names[index] for index in wanted]
    assert [run["id"] for run in page["data"]] == ids
    assert page["has_more"] is more
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


def test_an_empty_list_has_null_for_its_ids() -> None:
    said = talk()

    page = said.get(f"/threads/{said.thread()}/runs")

    assert page.body == (
        b'{\n  "object": "list",\n  "data": [],\n  "first_id": null,\n  "last_id": null,\n'
        b'  "has_more": false\n}'
    )


@pytest.mark.parametrize(
    ("query", "text", "code"),
    [
        (
            "limit=0",
            (
                "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 "
                "instead."
            ),
            "integer_below_min_value",
        ),
        (
            "limit=101",
            (
                "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got "
                "101 instead."
            ),
            "integer_above_max_value",
        ),
        (
            "limit=ten",
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "invalid_type",
        ),
        (
            "order=up",
            "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.",
            "invalid_value",
        ),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(query: str, text: str, code: str) -> None:
    said = talk()

    refused = said.get(f"/threads/{said.thread()}/runs?{query}")

    error: Any = refused.json["error"]
    assert (refused.status, error["message"], error["code"]) == (400, text, code)


def test_the_one_thing_to_include_is_taken_and_nothing_else() -> None:
    said = talk()
    path = said.ended()
    encoded = "include%5B%5D=" + INCLUDABLE.replace("[", "%5B").replace("]", "%5D").replace(
        "*", "%2A"
    )

    taken, refused = said.get(f"{path}/steps?{encoded}"), said.get(f"{path}/steps?include[]=usage")

    assert taken.status == 200
    assert refused.message == f"Invalid value: 'usage'. Supported values are: '{INCLUDABLE}'."
