import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import SALT, a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.format import (
    Cassette,
    NotACassetteName,
    check_name,
    check_storable,
    dump,
    header_line,
    interaction_document,
    parse,
    parse_interaction,
    read_header_line,
)
from runreel.http.messages import NO_RESPONSE, Interaction, Request, Response, Violation
from runreel.http.strict_json import BadDocument
from runreel.redaction.redactor import Redacted
from strategies import cassettes, requests, responses

HEADER_VALUES = st.text(["\t", *map(chr, range(0x20, 0x7F)), *map(chr, range(0x80, 0x100))])

WRITTEN = """\
{
  "format": 1,
  "upstream": "https://api.openai.com",
  "profile": "openai",
  "match_on": ["method", "path", "query", "body", "header.openai-beta"],
  "salt": "5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c",
  "interactions": [
    {
      "id": "modifyRun-00000000",
      "operation": "modifyRun",
      "recorded_at": "2026-03-31T10:15:02Z",
      "duration_ms": 212,
      "request": {
        "method": "POST",
        "target": "/v1/threads/thread_abc123/runs/run_abc123",
        "headers": [
          "Content-Type: application/json",
          "OpenAI-Beta: assistants=v2"
        ],
        "body": {
          "json": {
            "metadata": {
              "stage": "é"
            }
          },
          "layout": "compact"
        }
      },
      "response": {
        "status": 200,
        "headers": [
          "Content-Type: application/json"
        ],
        "body": {
          "json": {
            "id": "run_abc123"
          },
          "layout": "spaced"
        }
      },
      "digest": "1fc7372911790a19688d3774519c82d01868c9edec3cfeec44ee336978f3d260"
    }
  ]
}
"""


def a_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(dump(a_cassette(an_interaction())))
    return document


class TestWriting:
    def test_a_cassette_reads_like_this(self) -> None:
        request = a_request('{"metadata":{"stage":"é"}}'.encode())

        assert dump(a_cassette(an_interaction(request))) == WRITTEN

    def test_it_has_lines_of_lf_and_a_final_newline(self) -> None:
        text = dump(a_cassette(an_interaction(a_request(b"a\r\nb"), a_response(b"c\r\nd"))))

        assert text.endswith("}\n")
        assert "\r" not in text

    def test_findings_are_written_only_where_there_are_any(self) -> None:
        found = Violation("/instructions", "type", "advice", "got null")
        with_one = Redacted(an_interaction_value(violations=(found,)))

        documents = json.loads(dump(a_cassette(an_interaction(), with_one)))["interactions"]

        assert "violations" not in documents[0]
        assert documents[1]["violations"] == [
            {"at": "/instructions", "rule": "type", "severity": "advice", "message": "got null"}
        ]

    def test_what_stands_before_the_interactions_fits_on_ten_lines(self) -> None:
        cassette = replace(a_cassette(an_interaction()), incomplete="the disk was full")

        head = dump(cassette).partition('  "interactions": [')[0].splitlines()

        assert head[-2:] == [f'  "salt": "{SALT}",', '  "incomplete": "the disk was full",']
        assert len(head) == 7

    def test_what_the_order_of_the_file_does_not_say_is_written_before_the_request(self) -> None:
        history = Redacted(an_interaction_value(after=(), during=("one", "three"), scope="a test"))

        text = dump(a_cassette(history))

        assert (
            """\
      "duration_ms": 0,
      "scope": "a test",
      "after": [],
      "during": [
        "one",
        "three"
      ],
      "request": {
"""
            in text
        )
        assert parse(text).interactions == (history,)

    def test_a_request_without_an_answer_says_why(self) -> None:
        lost = an_interaction_value(response=NO_RESPONSE, failed="upstream_timeout")

        document = json.loads(dump(a_cassette(Redacted(lost))))["interactions"][0]

        assert document["failed"] == "upstream_timeout"
        assert "response" not in document

    @pytest.mark.parametrize(
        ("header", "line"),
        [
            (("X-A", "b"), "X-A: b"),
            (("X-A", ""), "X-A: "),
            (("X-A", " b "), "X-A:  b "),
            (("X-A", "b: c"), "X-A: b: c"),
            (("X-A", ":"), "X-A: :"),
            (("X-A", "\t\xff"), "X-A: \t\xff"),
        ],
    )
    def test_a_header_is_one_line_and_comes_back(self, header: tuple[str, str], line: str) -> None:
        assert header_line(*header) == line
        assert read_header_line(line) == header

    @given(st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", fullmatch=True), HEADER_VALUES)
    def test_every_header_comes_back_from_its_line(self, name: str, value: str) -> None:
        assert read_header_line(header_line(name, value)) == (name, value)

    @pytest.mark.parametrize(("line", "value"), [("X-A:", ""), ("X-A:b", "b")])
    def test_a_space_that_an_editor_took_is_none_of_the_value(self, line: str, value: str) -> None:
        assert read_header_line(line) == ("X-A", value)

    @given(cassettes())
    def test_what_is_written_reads_back_as_it_was(self, cassette: Cassette) -> None:
        assert parse(dump(cassette)) == cassette

    @given(cassettes())
    def test_reading_and_writing_changes_no_byte(self, cassette: Cassette) -> None:
        text = dump(cassette)

        assert dump(parse(text)) == text

    @given(st.binary(), st.binary())
    def test_any_bytes_are_a_body(self, sent: bytes, answered: bytes) -> None:
        # Another tool's placeholder becomes one of ours before anything is written.
        foreign = re.compile(rb"Sanitized|<[A-Z][A-Z0-9_ -]{2,}>|\[(?i:redacted|filtered)\]")
        assume(not foreign.search(sent) and not foreign.search(answered))
        cassette = a_cassette(an_interaction(a_request(sent), a_response(answered)))

        (interaction,) = parse(dump(cassette)).interactions

        assert interaction.value.request.body == sent
        assert interaction.value.response.body == answered


def an_interaction_value(**changes: Any) -> Interaction:
    fields: dict[str, Any] = {
        "id": "two",
        "operation": None,
        "recorded_at": datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC),
        "duration_ms": 0,
        "request": a_request(),
        "response": a_response(),
    }
    return Interaction(**(fields | changes))


class TestWritingByHand:
    def test_little_is_needed(self) -> None:
        text = """{
          "format": 1, "upstream": "", "profile": "openai", "match_on": ["method", "path"],
          "interactions": [{
            "id": "mine", "operation": null, "recorded_at": "2026-03-31T10:15:02Z",
            "duration_ms": 0,
            "request": {"method": "GET", "target": "/v1/models"},
            "response": {"status": 200, "body": {"json": {"data": []}, "layout": "indent-2"}}
          }]
        }"""

        (interaction,) = parse(text).interactions

        assert interaction.value == an_interaction_value(
            id="mine",
            request=a_request(b"", "/v1/models", "GET", ()),
            response=Response(200, (), b'{\n  "data": []\n}'),
        )

    def test_an_interaction_can_be_edited_once_its_digest_is_deleted(self) -> None:
        document = a_document()
        del document["interactions"][0]["digest"]
        body = document["interactions"][0]["response"]["body"]
        body["json"] = {"id": "run_other"}

        (interaction,) = parse(json.dumps(document)).interactions

        assert interaction.value.response.body == b'{"id": "run_other"}'

    def test_a_bare_value_is_a_body_too(self) -> None:
        document = a_document()
        del document["interactions"][0]["digest"]
        document["interactions"][0]["response"]["body"] = {"json": "hi", "layout": "compact"}

        (interaction,) = parse(json.dumps(document)).interactions

        assert interaction.value.response.body == b'"hi"'

    def test_the_shipped_example_is_written_as_it_would_be_recorded(self) -> None:
        example = Path(__file__).parents[2] / "cassettes" / "examples" / "modify-run.json"
        text = example.read_text(encoding="utf-8")

        assert dump(parse(text)) == text


class TestWhatCannotBeReadBack:
    @pytest.mark.parametrize(
        ("response", "why"),
        [
            (Response(999), "/response/status: "),
            (Response(101), "/response/status: "),
            (Response(200, (("X-Odd", "a\x01b"),)), "/response/headers/0: "),
            (Response(200, (("X Odd", "a"),)), "/response/headers/0: "),
            (Response(200, (("X:Odd", "a"),)), "/response/headers/0: "),
        ],
    )
    def test_an_answer_that_no_cassette_may_hold_is_refused_before_it_spoils_one(
        self, response: Response, why: str
    ) -> None:
        with pytest.raises(BadDocument, match=f"^{why}"):
            check_storable(an_interaction(response=response))

    @given(cassettes())
    def test_anything_else_may_be_stored(self, cassette: Cassette) -> None:
        for interaction in cassette.interactions:
            check_storable(interaction)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["default", "a", "0", "modify-run", "v1.2_x", "examples/modify-run", "a/b/c", "a" * 81],
    )
    def test_a_good_name_stays_as_it_is(self, name: str) -> None:
        assert check_name(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            *("", "/", "..", ".", "../x", "a/../b", "a/..", "./a", "/etc/passwd", "a//b", "a/"),
            *(".hidden", "-x", "_x", "a\\b", "c:x", "a b", "a\n", "\na", "a\x00b", "naïve", "雪"),
            *("a" * 82, "ok/" + "b" * 82),
        ],
    )
    def test_a_bad_name_says_what_a_good_one_is(self, name: str) -> None:
        with pytest.raises(NotACassetteName) as caught:
            check_name(name)

        assert str(caught.value) == (
            f"{name!r} cannot name a cassette; use letters, digits, '.', '_', '-', '[' and ']', "
            "beginning with a letter or digit, at most 81 in a row, with '/' between folders"
        )

    @pytest.mark.parametrize(
        ("name", "instead"),
        [
            ("default.json", ", as in 'default'"),
            ("examples/modify-run.json", ", as in 'examples/modify-run'"),
            ("/home/me/x.json", ", as in 'x'"),
            ("../x.json", ", as in 'x'"),
            ("C:\\cassettes\\x.json", ", as in 'x'"),
            (".json", ""),
        ],
    )
    def test_a_file_as_a_name_is_told_the_name(self, name: str, instead: str) -> None:
        with pytest.raises(NotACassetteName) as caught:
            check_name(name)

        assert str(caught.value) == (
            f"{name!r} looks like a file; a cassette is named without its suffix, below the "
            f"folder that --cassettes sets{instead}"
        )


@given(requests(), responses(), st.integers(100, 700), st.text(max_size=3))
def test_what_is_storable_by_its_looks_can_be_read_back(
    request: Request, response: Response, status: int, note: str
) -> None:
    base = an_interaction().value
    finding = Violation("/a", "type", "advice", note)
    answer = replace(response, status=status)
    item = Redacted(replace(base, request=request, response=answer, violations=(finding,)))
    try:
        check_storable(item)
    except BadDocument:
        return

    assert parse_interaction(interaction_document(item)) == item
    assert parse_interaction(interaction_document(item, readable=False)) == item
