"""The limits of metadata, in characters and not in bytes, wherever metadata can be sent."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulating import Said, Talk, error_of, talk


def _places(said: Talk) -> list[tuple[str, dict[str, str]]]:
    """Where metadata can be sent: the path and what the body needs besides."""
    ended = said.ended()
    thread = ended.rpartition("/runs")[0]
    helper = said.assistant()
    run, message = {"assistant_id": helper}, {"role": "user", "content": "Hi."}
    sent = said.post(f"{thread}/messages", message).json["id"]
    return [
        *((ended, {}), (thread, {}), ("/threads", {})),
        *(("/assistants", {"model": "m"}), (f"/assistants/{helper}", {})),
        *((f"{thread}/messages", message), (f"{thread}/messages/{sent}", {})),
        *((f"{thread}/runs", run), ("/threads/runs", run)),
    ]


PLACES = 9


def _sent_everywhere(metadata: Any, *, escaped: bool = False) -> list[Said]:
    said = talk()
    bodies = [(path, more | {"metadata": metadata}) for path, more in _places(said)]
    return [
        said.ask("POST", path, json.dumps(body, ensure_ascii=escaped).encode())
        for path, body in bodies
    ]


# Characters of four, three and two bytes, and two that people see as one: none of that counts.
each_character = pytest.mark.parametrize("char", ["🧪", "雪", "é", "e\u0301"])


@each_character
@pytest.mark.parametrize("escaped", [True, False])
def test_metadata_may_have_16_pairs_names_of_64_and_values_of_512_characters(
    char: str, escaped: bool
) -> None:
    names = [f"{n:02}" + (char * 62)[:62] for n in range(16)]
    metadata = dict.fromkeys(names, (char * 512)[:512])

    answers = _sent_everywhere(metadata, escaped=escaped)

    assert [(item.status, item.json["metadata"]) for item in answers] == [(200, metadata)] * PLACES


@each_character
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(
    ("beyond", "text", "param", "code"),
    [
        (
            lambda char: {f"{char}{n}": char for n in range(17)},
            (
                "Invalid 'metadata': too many properties. Expected an object with at most 16 "
                "properties, but got an object with 17 properties instead."
            ),
            "metadata",
            "object_above_max_properties",
        ),
        (
            lambda char: {("aaa" + char * 59 + char * 59)[:62] + "bbb": "a"},
            (
                "Invalid property name in 'metadata': 'aaa...bbb' is too long. Expected a string "
                "with maximum length 64, but got a string with length 65 instead."
            ),
            "metadata.aaa",
            "property_name_above_max_length",
        ),
        (
            lambda char: {"actual": (char * 513)[:513]},
            (
                "Invalid 'metadata.actual': string too long. Expected a string with maximum length "
                "512, but got a string with length 513 instead."
            ),
            "metadata.actual",
            "string_above_max_length",
        ),
    ],
)
def test_one_beyond_each_limit_of_metadata_is_refused_wherever_it_is_sent(
    char: str, escaped: bool, beyond: Callable[[str], Any], text: str, param: str, code: str
) -> None:
    answers = _sent_everywhere(beyond(char), escaped=escaped)

    errors = [error_of(item) for item in answers]
    assert [(status, message, name) for status, message, _, name in errors] == [
        (400, text, code)
    ] * PLACES
    assert all(str(said).startswith(param) for _, _, said, _ in errors)


@pytest.mark.parametrize(
    ("metadata", "text", "param"),
    [
        (
            {"actual": 1},
            "Invalid type for 'metadata.actual': expected a string, but got an integer instead.",
            "metadata.actual",
        ),
        (
            {"actual": {}},
            "Invalid type for 'metadata.actual': expected a string, but got an object instead.",
            "metadata.actual",
        ),
        (
            [],
            "Invalid type for 'metadata': expected a metadata object, but got an array instead.",
            "metadata",
        ),
    ],
)
def test_metadata_of_another_type_are_refused_wherever_they_are_sent(
    metadata: Any, text: str, param: str
) -> None:
    answers = _sent_everywhere(metadata)

    assert [error_of(item) for item in answers] == [(400, text, param, "invalid_type")] * PLACES
