"""Every layout of VCR cassettes that is about, in small files of our own making."""

import gzip
import json
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from foreign import RUN, URL, imported, ruby, vcr_interaction, vcrpy
from runreel.http.sse import split

TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
STREAM = 'event: thread.created\ndata: {"id":"thread_abc123"}\n\nevent: done\ndata: [DONE]\n\n'


@pytest.mark.parametrize("name", ["old.yaml", "old.json"])
@pytest.mark.parametrize("layout", ["version 1", "list"])
def test_an_interaction_of_vcrpy_becomes_one_of_ours(
    tmp_path: Path, name: str, layout: str
) -> None:
    (found,) = imported(vcrpy(tmp_path / name, layout=layout))

    assert (found.id[:10], found.operation) == ("modifyRun-", "modifyRun")
    assert found.recorded_at == datetime(2026, 3, 31, 13, 30, 42, tzinfo=UTC)
    assert (found.request.method, found.request.target) == ("POST", TARGET)
    assert found.request.headers == (("Content-Type", "application/json"),)
    assert found.request.body == b'{"metadata":{"stage":"a"}}'
    assert found.response.status == 200
    assert found.response.headers == (("Content-Type", "application/json"),)
    assert found.response.body == RUN.encode()


REQUEST_BODIES: list[tuple[Any, bytes]] = [
    (None, b""),
    ("", b""),
    ('{"name":"é"}', '{"name":"é"}'.encode()),
    (b"\x00\xff", b"\x00\xff"),
    ({"string": "a"}, b"a"),
    ({"encoding": "UTF-8", "base64_string": "AP8=\n"}, b"\x00\xff"),
    (["a", b"b"], b"ab"),
]


@pytest.mark.parametrize(("body", "raw"), REQUEST_BODIES)
def test_a_request_body_is_read_in_each_form(tmp_path: Path, body: Any, raw: bytes) -> None:
    (found,) = imported(vcrpy(tmp_path / "old.yaml", vcr_interaction(body=body)))

    assert found.request.body == raw


GZIPPED = gzip.compress(RUN.encode(), mtime=0)
RESPONSES: list[dict[str, Any]] = [
    {"response_body": {"string": RUN}},
    {"response_body": {"string": RUN.encode()}},
    {"response_body": {"string": GZIPPED}},
    {"response_body": {"string": GZIPPED.decode("latin-1")}},  # as Python 2 wrote it
    {"response_body": {"base64_string": "eyJpZCI6ICJydW5fYWJjMTIzIn0="}},
    {"response_status": None, "response_status_code": 200, "response_content": RUN},
    {"response_status": None, "response_status_code": 200, "response_content": GZIPPED},
]


@pytest.mark.parametrize("changes", RESPONSES)
def test_a_response_body_is_decoded_in_each_form(tmp_path: Path, changes: dict[str, Any]) -> None:
    headers = {"content-type": "application/json", "Content-Encoding": ["gzip"]}
    interaction = vcr_interaction(response_headers=headers, **changes)

    (found,) = imported(vcrpy(tmp_path / "old.yaml", interaction))

    # With or without the tool's help: what is not coded any more does not say so either.
    assert found.response.body == RUN.encode()
    assert found.response.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize(
    ("coding", "body"),
    [("deflate", zlib.compress(RUN.encode())), ("deflate", RUN), ("br", RUN), ("zstd", RUN)],
)
def test_a_text_under_a_coding_was_decoded_by_the_tool(
    tmp_path: Path, coding: str, body: str | bytes
) -> None:
    interaction = vcr_interaction(
        response_headers={"Content-Encoding": [coding]}, response_body={"string": body}
    )

    (found,) = imported(vcrpy(tmp_path / "old.yaml", interaction))

    assert (found.response.headers, found.response.body) == ((), RUN.encode())


def test_headers_may_be_texts_lists_lines_or_pairs(tmp_path: Path) -> None:
    forms: list[Any] = [
        {"X-One": "1", "x-two": ["2", "3"]},
        ["X-One: 1\r\n", "x-two: 2", "x-two: 3"],
        [["X-One", "1"], ["x-two", 2], ["x-two", "3"]],
    ]
    several = [vcr_interaction(response_headers=form) for form in forms]

    found = imported(vcrpy(tmp_path / "old.yaml", *several))

    expected = (("X-One", "1"), ("x-two", "2"), ("x-two", "3"))
    assert [one.response.headers for one in found] == [expected] * 3
    assert [one.id[18:] for one in found] == ["", "-2", "-3"]


def test_a_url_may_stand_in_parts_as_it_did_before_1_0(tmp_path: Path) -> None:
    parts = {"protocol": "http", "host": "Example.com", "port": 80, "path": f"{TARGET}?a=b#c"}
    interaction = vcr_interaction(protocol="http")
    interaction["request"] |= parts
    del interaction["request"]["uri"]

    path = vcrpy(tmp_path / "old.yaml", interaction, layout="list")
    (found,) = imported(path)

    document = json.loads((tmp_path / "cassettes/imported.json").read_text(encoding="utf-8"))
    assert document["upstream"] == "http://example.com"
    assert found.request.target == f"{TARGET}?a=b"


@pytest.mark.parametrize(
    "tag", ["!!python/unicode", "!!python/str", "!!str", "!", "!!binary", "!binary"]
)
def test_tags_of_plain_texts_and_of_bytes_are_read(tmp_path: Path, tag: str) -> None:
    path = vcrpy(tmp_path / "old.yaml", vcr_interaction(body="{}"))
    text = path.read_text(encoding="utf-8")
    value = "'e30='" if "binary" in tag else "'{}'"
    path.write_text(text.replace("body: '{}'", f"body: {tag} {value}"), encoding="utf-8")

    (found,) = imported(path)

    assert found.request.body == b"{}"


def test_aliases_stand_for_what_they_name(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(
        f"""interactions:
- request: &sent {{method: GET, uri: '{URL}', body: null, headers: &none {{}}}}
  response: &answer {{status: {{code: 200}}, headers: *none, body: {{string: &text a}}}}
- {{request: *sent, response: *answer}}
- {{request: *sent, response: {{status: {{code: 200}}, headers: *none, body: {{string: *text}}}}}}
""",
        encoding="utf-8",
    )

    found = imported(path)

    assert [one.response.body for one in found] == [b"a", b"a", b"a"]
    assert [one.request.target for one in found] == [TARGET, TARGET, TARGET]


@pytest.mark.parametrize(
    "written",
    ["Tue, 14 Nov 2023 21:49:30 GMT", "2023-11-14 22:49:30 +01:00", "2023-11-14T21:49:30"],
)
def test_an_interaction_of_ruby_becomes_one_of_ours(tmp_path: Path, written: str) -> None:
    (found,) = imported(ruby(tmp_path / "old.yml", recorded_at=written))

    assert found.recorded_at == datetime(2023, 11, 14, 21, 49, 30, tzinfo=UTC)
    assert (found.request.method, found.request.target) == ("POST", TARGET)
    assert found.request.headers == (("Openai-Beta", "assistants=v1"),)
    assert found.request.body == b'{"metadata":{"stage":"a"}}'
    assert (found.response.status, found.response.body) == (200, RUN.encode())


def test_rubys_encodings_and_exact_bytes_are_undone(tmp_path: Path) -> None:
    def answered(body: dict[str, Any]) -> bytes:
        response = {"status": {"code": 200}, "headers": {}, "body": body}
        (found,) = imported(ruby(tmp_path / "old.yml", response=response), "--force")
        return found.response.body

    assert answered({"encoding": "ISO-8859-1", "string": "é"}) == b"\xe9"
    assert answered({"encoding": "UTF-8", "string": "é"}) == b"\xc3\xa9"
    assert answered({"encoding": "ASCII-8BIT", "string": b"\xe9"}) == b"\xe9"
    assert answered({"encoding": "UTF-8", "base64_string": "w6k=\n"}) == b"\xc3\xa9"


def test_a_stream_of_events_becomes_one(tmp_path: Path) -> None:
    headers = {"Content-Type": ["text/event-stream; charset=utf-8"]}
    interaction = vcr_interaction(response_headers=headers, response_body={"string": STREAM})

    (found,) = imported(vcrpy(tmp_path / "old.yaml", interaction))

    assert len(split(found.response.body)) == 2
    assert found.response.at_ms == (0, 0)


def test_without_any_time_that_of_the_file_is_taken(tmp_path: Path) -> None:
    path = vcrpy(tmp_path / "old.yaml", vcr_interaction(response_headers={}))

    (found,) = imported(path)

    changed = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    assert found.recorded_at == changed
