"""The section [match]: rules that could do nothing, or not what they say, are refused."""

from pathlib import Path
from typing import Any

import pytest

from runreel.config.loading import load
from runreel.errors import StartRefused


def _match(**settings: Any) -> dict[str, Any]:
    return {f"match.{name}": value for name, value in settings.items()}


def test_where_nothing_is_set_the_cassettes_rules_hold() -> None:
    assert load(None, {}, {}).match.match_on is None


def test_what_is_set_becomes_the_rules_that_a_cassette_would_hold() -> None:
    settings = _match(headers=["X-Team"], ignore_query=["trace"], ignore_body=["/metadata/t"])

    assert load(None, {}, settings).match.match_on == (
        *("method", "path", "query", "body", "header.openai-beta"),
        *("header.x-team", "-query.trace", "-body./metadata/t"),
    )


@pytest.mark.parametrize("name", ["headers", "ignore_query", "ignore_body"])
def test_an_empty_list_asks_for_the_default_rules(name: str) -> None:
    config = load(None, {f"RUNREEL_MATCH__{name.upper()}": "[]"}, {})

    assert config.match.match_on == ("method", "path", "query", "body", "header.openai-beta")


def test_a_file_sets_them_too(tmp_path: Path) -> None:
    file = tmp_path / "runreel.toml"
    file.write_text('[match]\nignore_body = ["/m/*/id", "/a~1b"]\n')

    assert (load(file, {}, {}).match.match_on or ())[-2:] == ("-body./a~1b", "-body./m/*/id")


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "api-key", "Cookie", "OpenAI-Organization", "Date"),
        *("Accept-Encoding", "Idempotency-Key", "x-stainless-lang", "Connection", "Host"),
        *("Content-Length", "X-Runreel-Session"),
    ],
)
def test_a_header_that_no_recording_has_is_refused(name: str) -> None:
    with pytest.raises(StartRefused) as caught:
        load(None, {}, _match(headers=[name]))

    assert str(caught.value) == (
        f"the command line: match.headers: '{name}' is never part of a recording, so nothing can "
        "match by it"
    )


def test_a_header_that_redaction_leaves_out_is_refused() -> None:
    with pytest.raises(StartRefused) as caught:
        load(None, {}, _match(headers=["X-Team"]) | {"redaction.headers": ["x-TEAM"]})

    assert str(caught.value) == (
        "match.headers: redaction.headers leaves 'x-team' out of every recording, so nothing can "
        "match by it; take it out of one of the two"
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (_match(headers=["a b"]), "match.headers: must be the name of a header"),
        (_match(ignore_query=[""]), "match.ignore_query: must be the name of a query parameter"),
        (_match(ignore_query=["\udcff"]), "match.ignore_query: must be the name of a query param"),
        (_match(ignore_body=[""]), "match.ignore_body: must be a JSON pointer such as "),
        (_match(ignore_body=["metadata"]), "match.ignore_body: must be a JSON pointer such as "),
        (_match(ignore_body=["/a~"]), "match.ignore_body: must be a JSON pointer such as "),
        (_match(ignore_body=["/a~2"]), "match.ignore_body: must be a JSON pointer such as "),
        (_match(ignore_body=["/\udcff"]), "match.ignore_body: must be a JSON pointer such as "),
        ({"match.ignore": []}, "there is no setting 'match.ignore'; the nearest is 'match.ignore_"),
    ],
)
def test_what_is_no_rule_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(StartRefused) as caught:
        load(None, {}, settings)

    assert str(caught.value).startswith(f"the command line: {said}")
