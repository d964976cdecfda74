import json
from typing import Any

import pytest
from hypothesis import given

from runreel.assistants.openai import OPENAI
from runreel.assistants.validation import check_request
from strategies import bodies, json_objects


def findings(body: object) -> list[tuple[str, str]]:
    """Pointer and rule of each finding of a modify run request."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [(item.at, item.rule) for item in check_request(OPENAI, "modifyRun", raw)]


def pairs(count: int) -> dict[str, str]:
    return {f"k{number}": "v" for number in range(count)}


class TestAGoodRequest:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"metadata": None},
            {"metadata": {}},
            {"metadata": {"a": ""}},
            {"metadata": {"": "a"}},
            {"metadata": pairs(16)},
            {"metadata": {"k" * 64: "v" * 512}},
            {"metadata": {"雪" * 64: "🧪" * 512}},
            {"metadata": {"🧪" * 64: "雪" * 512}},
            b'{"metadata":{"' + rb"\ud83e\uddea" * 64 + b'":"' + rb"\u96ea" * 512 + b'"}}',
            b'{"metadata":{"a":"' + rb"\ud800" * 512 + b'"}}',
            b' { "metadata" : { } } ',
        ],
        ids=lambda body: str(body)[:40],
    )
    def test_nothing_is_found(self, body: object) -> None:
        assert findings(body) == []

    @pytest.mark.parametrize("operation", [None, "getRun", "listRuns", "listRunSteps"])
    def test_what_has_no_model_is_not_looked_at(self, operation: str | None) -> None:
        assert check_request(OPENAI, operation, b"anything") == ()


def case(body: object, param: str | None, code: str, message: str) -> Any:
    return pytest.param(body, param, code, message, id=f"{code}-{param}"[:50])


KNOWN_ANSWERS = (
    case(
        {"metadata": {"modified": True}},
        "metadata.modified",
        "invalid_type",
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
    ),
    case(
        {"metadata": {"n": 5}},
        "metadata.n",
        "invalid_type",
        "Invalid type for 'metadata.n': expected a string, but got an integer instead.",
    ),
    case(
        {"metadata": {"o": {"x": "y"}}},
        "metadata.o",
        "invalid_type",
        "Invalid type for 'metadata.o': expected a string, but got an object instead.",
    ),
    case(
        {"metadata": {"n": None}},
        "metadata.n",
        "invalid_type",
        "Invalid type for 'metadata.n': expected a string, but got null instead.",
    ),
    case(
        {"metadata": {"n": 1.5}},
        "metadata.n",
        "invalid_type",
        "Invalid type for 'metadata.n': expected a string, but got a decimal number instead.",
    ),
    case(
        {"metadata": {"[key]": ["a"]}},
        "metadata.[key]",
        "invalid_type",
        "Invalid type for 'metadata.[key]': expected a string, but got an array instead.",
    ),
    case(
        {"metadata": pairs(17)},
        "metadata",
        "object_above_max_properties",
        "Invalid 'metadata': too many properties. Expected an object with at most 16 "
        "properties, but got an object with 17 properties instead.",
    ),
    case(
        {"metadata": {"k" * 70: "v"}},
        "metadata." + "k" * 70,
        "property_name_above_max_length",
        "Invalid property name in 'metadata': 'kkk...kkk' is too long. Expected a string with"
        " maximum length 64, but got a string with length 70 instead.",
    ),
    case(
        {"metadata": {"a" + "雪" * 63 + "z": "v"}},
        "metadata.a" + "雪" * 63 + "z",
        "property_name_above_max_length",
        "Invalid property name in 'metadata': 'a雪雪...雪雪z' is too long. Expected a string with"
        " maximum length 64, but got a string with length 65 instead.",
    ),
    case(
        {"metadata": {"actual": "v" * 695}},
        "metadata.actual",
        "string_above_max_length",
        "Invalid 'metadata.actual': string too long. Expected a string with maximum length "
        "512, but got a string with length 695 instead.",
    ),
    case(
        {"metadata": {"a": "🧪" * 513}},
        "metadata.a",
        "string_above_max_length",
        "Invalid 'metadata.a': string too long. Expected a string with maximum length 512, "
        "but got a string with length 513 instead.",
    ),
    case(
        b'{"metadata":{"[key]":"' + rb"\ud83e\uddea" * 513 + b'"}}',
        "metadata.[key]",
        "string_above_max_length",
        "Invalid 'metadata.[key]': string too long. Expected a string with maximum length "
        "512, but got a string with length 513 instead.",
    ),
    case(
        {"metadata": []},
        "metadata",
        "invalid_type",
        "Invalid type for 'metadata': expected a metadata object, but got an array instead.",
    ),
    case(
        {"metadata": "text"},
        "metadata",
        "invalid_type",
        "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
    ),
)
# Nobody has seen what the real one answers here: our wording, in the same envelope.
OUR_ANSWERS = (
    case(
        {"status": "x"},
        "status",
        "unknown_parameter",
        "Unknown parameter: 'status'.",
    ),
    case(
        {"[key]": 1},
        "[key]",
        "unknown_parameter",
        "Unknown parameter: '[key]'.",
    ),
    case(
        [],
        None,
        "invalid_type",
        "Invalid request body: expected an object, got an array instead.",
    ),
    case(
        b"",
        None,
        "invalid_json",
        "We could not parse the JSON body of your request: it is not one plain JSON document:"
        " Expecting value: line 1 column 1 (char 0).",
    ),
    case(
        b'{"metadata":{"a":"x","a":"y"}}',
        None,
        "invalid_json",
        "We could not parse the JSON body of your request: it is not one plain JSON document:"
        " duplicate members.",
    ),
    case(
        b'{"a":\xff}',
        None,
        "invalid_json",
        "We could not parse the JSON body of your request: it is not one plain JSON document:"
        " 'utf-8' codec can't decode byte 0xff in position 5: invalid start byte.",
    ),
)


@pytest.mark.parametrize(("body", "param", "code", "message"), [*KNOWN_ANSWERS, *OUR_ANSWERS])
def test_an_invalid_request_is_answered_as_the_real_api_answers(
    body: object, param: str | None, code: str, message: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    refused = OPENAI.refuse(check_request(OPENAI, "modifyRun", raw)[0])

    assert refused.status == 400
    assert refused.body == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }
    }


class TestTheOrderOfFindings:
    def test_it_is_the_documented_one(self) -> None:
        body = {
            "zeta": 1,
            "metadata": {
                "second": "v" * 513,
                "L" * 65: 5,
                "first": 1,
                **pairs(14),
                "a/b~c": None,
            },
            "alpha": 2,
        }

        assert findings(body) == [
            ("/zeta", "unknown"),
            ("/alpha", "unknown"),
            ("/metadata", "max_items"),
            ("/metadata/second", "max_length"),
            ("/metadata/" + "L" * 65, "max_name_length"),
            ("/metadata/" + "L" * 65, "type"),
            ("/metadata/first", "type"),
            ("/metadata/a~1b~0c", "type"),
        ]

    def test_unknown_members_come_before_what_is_wrong_with_metadata(self) -> None:
        assert findings({"metadata": 5, "x": 1}) == [("/x", "unknown"), ("/metadata", "type")]

    def test_a_name_and_its_value_may_both_be_too_long(self) -> None:
        assert findings({"metadata": {"k" * 65: "v" * 513}}) == [
            ("/metadata/" + "k" * 65, "max_name_length"),
            ("/metadata/" + "k" * 65, "max_length"),
        ]

    @pytest.mark.parametrize(
        ("body", "found"),
        [
            (rb'{"\ud800":1}', [("/?", "unknown")]),
            (rb'{"metadata":{"\uDFFF":1}}', [("/metadata/?", "type")]),
            (rb'{"":1}', [("/", "unknown")]),
            (rb'{"metadata":{"":1}}', [("/metadata/", "type")]),
        ],
    )
    def test_names_that_are_hardly_names_are_found_too(
        self, body: bytes, found: list[tuple[str, str]]
    ) -> None:
        assert findings(body) == found

    @given(bodies())
    def test_no_body_at_all_makes_it_raise(self, body: bytes) -> None:
        for item in check_request(OPENAI, "modifyRun", body):
            assert OPENAI.refuse(item).status == 400

    @given(json_objects())
    def test_any_metadata_is_judged(self, metadata: dict[str, Any]) -> None:
        wrong = {f"/metadata/{name}" for name, value in metadata.items() if type(value) is not str}

        found = findings({"metadata": metadata})

        assert {at.replace("~1", "/").replace("~0", "~") for at, _ in found} == wrong
