"""Maps of calls as people write them: each mistake is a sentence with its place and the remedy."""

from pathlib import Path

import pytest

from runreel.config.call_maps import load_call_map, shipped
from runreel.errors import StartRefused

RULE = 'about = "mine"\n[[calls]]\nmethod = "GET"\npath = "/a/{b}"\nto = "/c/{b}"\n'


@pytest.mark.parametrize("name", ["classic-agents", "runs-to-responses"])
def test_the_shipped_ones_are_right_and_found_by_name(name: str) -> None:
    assert set(shipped()) == {"classic-agents", "runs-to-responses"}
    assert load_call_map(name) == load_call_map(str(shipped()[name]))
    assert load_call_map(name).calls


def test_the_one_that_the_docs_show_is_right(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "moving.md").read_text(encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")

    found = load_call_map(str(path))

    assert (found.key_from, found.ids) == ("OUR_TOKEN", {"thread_abc123": "c-17"})
    assert [call.skip is None for call in found.calls] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about = \n", "not TOML: Invalid value (at line 1, column 9)"),
        ("", "about: this member is missing"),
        ('about = "mine"\n', "calls: this member is missing"),
        ('about = ""\n[[calls]]', "about: string should have at least 1 character"),
        (
            RULE.replace("path =", "pth ="),
            "calls 1 pth: there is no member 'pth' here; the nearest is 'path'",
        ),
        (
            RULE + "[calls.request]\nmember = {}\n",
            "calls 1 request member: there is no member 'member' here; the nearest is 'members'",
        ),
        (
            RULE.replace("GET", "get"),
            "calls 1 method: must be one of *, GET, POST, PUT, PATCH, DELETE",
        ),
        (
            RULE.replace("/a/", "a/"),
            "calls 1 path: must be a path that begins with /, without a query",
        ),
        (
            RULE.replace("/c/{b}", "/c/{d}"),
            "calls 1: there is no {d} in its path; write one there, or take it out",
        ),
        (
            RULE + 'request.constants = { "/x" = "{y}" }\n',
            "calls 1: there is no {y} in its path; write one there, or take it out",
        ),
        (RULE + 'skip = "why"\n', "calls 1: either `to` or `skip` must be here"),
        (
            RULE.replace("GET", "POST") + 'again = { at = "/s", values = ["a"] }\n',
            "calls 1: only a GET may be sent again; take `again` out",
        ),
        (
            RULE + 'again = { at = "/s", values = ["a"], every_ms = 0 }\n',
            "calls 1 again every_ms: input should be greater than or equal to 1",
        ),
        (
            RULE + 'request.members = { metadata = "/metadata" }\n',
            (
                "calls 1 request members metadata: must be a JSON pointer to one member, such as "
                '"/metadata"'
            ),
        ),
    ],
)
def test_a_mistake_is_told_with_its_file_and_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(StartRefused) as refused:
        load_call_map(str(path))

    assert str(refused.value) == f"{path}: {said}"


def test_a_name_that_is_none_is_told_with_those_there_are() -> None:
    with pytest.raises(StartRefused) as refused:
        load_call_map("responses")

    assert str(refused.value) == (
        "--map: there is no map 'responses'; there are classic-agents and runs-to-responses, and "
        "a map of your own is a file whose name ends in .toml"
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"

    with pytest.raises(StartRefused) as refused:
        load_call_map(str(path))

    assert str(refused.value) == (
        f"{path}: the map cannot be read (No such file or directory); name a readable TOML file, "
        "or one of classic-agents, runs-to-responses, with --map"
    )


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"#" * 1_000_001)

    with pytest.raises(StartRefused, match="a map has at most 1,000,000 bytes"):
        load_call_map(str(path))
