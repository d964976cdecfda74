from pathlib import Path
from typing import Any

import pytest

from asking import a_missed, a_receipt, a_request_object, written
from builders import a_cassette
from cli_tools import Keep, Tool


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("{", 2, "call: not a request as a cassette has it: not readable as JSON: "),
        ({"method": "get"}, 2, "call: not a request as a cassette has it: /method: this must be "),
        (
            a_request_object() | {"x": 1},
            2,
            "call: not a request as a cassette has it: /x: unknown member",
        ),
        ("curl -G http://h/", 2, "call: neither a request as a cassette has it nor a curl command"),
        ("", 2, "call: neither a request as a cassette has it nor a curl command: it does not be"),
    ],
)
def test_what_is_no_request_is_refused(
    tmp_path: Path, explain: Tool, keep: Keep, content: Any, code: int, said: str
) -> None:
    keep("default", a_cassette())

    ended = explain(written(tmp_path, "call", content))

    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"runreel: error: {said}")


@pytest.mark.parametrize(
    ("receipt", "code", "said"),
    [
        (a_receipt("mine"), 2, "receipt.json: nothing was missed, so there is nothing to explain"),
        ({}, 2, "receipt.json: not a receipt of runreel"),
        ([], 2, "receipt.json: not a receipt of runreel"),
        ({"missed": [1], "sessions": []}, 2, "receipt.json: not a receipt of runreel"),
        ({"missed": [], "sessions": [{"missed": 1}]}, 2, "receipt.json: not a receipt of runreel"),
        (
            a_receipt("mine", {"code": "no_matching_interaction", "request": None}),
            *(2, "receipt.json: the last miss could not be redacted, so it was not kept"),
        ),
        (
            a_receipt("mine", {"code": "x", "request": {"method": "POST"}}),
            *(2, "receipt.json: not a receipt of runreel: /target: a member that must be here"),
        ),
        (
            a_receipt("mine", {"code": "session_unknown", "request": None, "message": "No name."}),
            *(2, "receipt.json: the last miss named no session: No name.\n"),
        ),
        (a_receipt("mine", a_missed("a")), 2, "there is no cassette 'mine'; "),
    ],
)
def test_a_receipt_that_cannot_be_explained_says_why(
    tmp_path: Path, explain: Tool, receipt: Any, code: int, said: str
) -> None:
    ended = explain("--last-miss", written(tmp_path, "receipt.json", receipt))

    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"runreel: error: {said}")


@pytest.mark.parametrize("arguments", [(), ("call.json", "--last-miss", "receipt.json")])
def test_there_is_one_request_to_explain(explain: Tool, arguments: tuple[str, ...]) -> None:
    ended = explain(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "runreel: error: give one of both: a REQUEST (a file, or - for stdin), or --last-miss\n"
    )


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path, explain: Tool) -> None:
    (tmp_path / "raw").write_bytes(b"curl \xff")

    assert explain("none").err == "runreel: error: none: there is no such file\n"
    assert explain("raw").err == "runreel: error: raw: not UTF-8 at byte 5\n"
    assert explain(".").err == "runreel: error: .: cannot be read: Is a directory\n"
