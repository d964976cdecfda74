"""HAR 1.2, as browsers and Polly.js write it, in small files of our own making."""

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from foreign import RUN, URL, har, har_entry, imported

TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
GZIPPED = gzip.compress(RUN.encode(), mtime=0)


def coded(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


def test_an_entry_of_a_browser_becomes_an_interaction(tmp_path: Path) -> None:
    (found,) = imported(har(tmp_path / "old.har"))

    assert (found.id[:10], found.operation) == ("modifyRun-", "modifyRun")
    assert found.recorded_at == datetime(2026, 3, 31, 13, 30, 42, tzinfo=UTC)
    assert found.duration_ms == 212
    assert (found.request.method, found.request.target) == ("POST", TARGET)
    assert found.request.headers == (("content-type", "application/json"),)
    assert found.request.body == b'{"metadata":{"stage":"a"}}'
    assert found.response.headers == (("content-type", "application/json"),)
    assert (found.response.status, found.response.body) == (200, RUN.encode())


CONTENTS: list[tuple[dict[str, Any], bytes]] = [
    ({"size": 20, "text": RUN}, RUN.encode()),
    ({"size": 2, "text": "é"}, "é".encode()),
    ({"size": 2, "text": coded(b"\x00\xff"), "encoding": "base64"}, b"\x00\xff"),
    ({"size": 20, "text": coded(GZIPPED), "encoding": "base64"}, RUN.encode()),
    # Polly.js: the chunks that came over the wire
    (
        {"text": json.dumps([coded(GZIPPED[:9]), coded(GZIPPED[9:])]), "encoding": "base64"},
        RUN.encode(),
    ),
    ({"size": 0}, b""),
]


@pytest.mark.parametrize(("content", "body"), CONTENTS)
def test_a_body_is_decoded_and_no_coding_is_left(
    tmp_path: Path, content: dict[str, Any], body: bytes
) -> None:
    headers = [{"name": "Content-Encoding", "value": "gzip"}]
    entry = har_entry(response_content=content, response_headers=headers)

    (found,) = imported(har(tmp_path / "old.har", entry))

    assert (found.response.headers, found.response.body) == ((), body)


def test_a_form_is_put_together_from_its_parameters(tmp_path: Path) -> None:
    params = [{"name": "a b", "value": "é&"}, {"name": "c"}]
    data = {"mimeType": "application/x-www-form-urlencoded", "params": params}

    (found,) = imported(har(tmp_path / "old.har", har_entry(request_postData=data)))

    assert found.request.body == b"a+b=%C3%A9%26&c="


def test_a_call_without_a_body_has_none(tmp_path: Path) -> None:
    entry = har_entry(request_method="GET")
    del entry["request"]["postData"]

    (found,) = imported(har(tmp_path / "old.har", entry))

    assert (found.request.method, found.request.body) == ("GET", b"")


def test_entries_come_in_the_order_in_which_they_were_sent(tmp_path: Path) -> None:
    def at(second: int, text: str) -> dict[str, Any]:
        return har_entry(
            startedDateTime=f"2026-03-31T15:30:{second:02}.5+02:00",
            response_content={"size": 1, "text": text},
        )

    path = har(tmp_path / "old.har", at(3, "c"), at(1, "a"), at(2, "b"))
    found = imported(path)

    assert [one.response.body for one in found] == [b"a", b"b", b"c"]
    assert found[0].recorded_at == datetime(2026, 3, 31, 13, 30, 1, tzinfo=UTC)


def test_what_is_no_whole_exchange_is_skipped_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = har(
        tmp_path / "old.har",
        har_entry(response_status=0),
        har_entry(request_url="data:text/plain,hello"),
        har_entry(request_url="wss://api.example.com/v1/realtime"),
        har_entry(response_status=101),
        har_entry(response_content={"size": 20, "mimeType": "application/json"}),
        har_entry(response_content={"size": -1}),
        har_entry(response_content={}),
        har_entry(request_url="https://cdn.example.com/logo.png"),
        har_entry(
            request_url="https://cdn.example.com/broken.png",
            response_content={"size": 2, "text": "%%", "encoding": "base64"},
        ),
        har_entry(),
    )

    found = imported(path, "--host", "api.example.com", "--json")

    (report,) = json.loads(capsys.readouterr().out)["files"]
    assert len(found) == report["imported"] == 1
    assert [(item["at"], item["reason"]) for item in report["skipped"]] == [
        ("interaction 1", "it has no answer (status 0)"),
        ("interaction 2", "it is no HTTP call"),
        ("interaction 3", "it is no HTTP call"),
        ("interaction 5", "its body is not in the file"),
        ("interaction 6", "its body is not in the file"),
        ("interaction 7", "its body is not in the file"),
        ("interaction 8", "it went to https://cdn.example.com"),
        ("interaction 9", "it went to https://cdn.example.com"),
        ("interaction 4", "status 101 is not the final answer"),
    ]


def test_an_answer_that_has_no_body_lacks_none(tmp_path: Path) -> None:
    headers = [{"name": "Content-Encoding", "value": "gzip"}]
    entry = har_entry(
        request_method="HEAD", response_content={"size": 20}, response_headers=headers
    )

    (found,) = imported(har(tmp_path / "old.har", entry))

    assert (found.request.method, found.response.body) == ("HEAD", b"")
    assert found.response.headers == (("Content-Encoding", "gzip"),)


def test_a_file_of_which_nothing_is_left_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = har(tmp_path / "old.har", har_entry(response_status=101))

    with pytest.raises(SystemExit):
        imported(path)

    assert capsys.readouterr().err == (
        f"runreel: error: {path}: nothing in it can be imported: interaction 1: status 101 is not "
        "the final answer\n"
    )


def test_cookies_that_a_browser_put_into_one_value_are_secrets_each(tmp_path: Path) -> None:
    cookies = ["__cf_bm=" + "FaKe1" * 5, "_cfuvid=" + "FaKe2" * 5 + "; path=/"]
    headers = [{"name": "Set-Cookie", "value": "\n".join(cookies)}]
    content = {"size": 1, "text": "FaKe1" * 5 + " and " + "FaKe2" * 5}
    entry = har_entry(response_headers=headers, response_content=content)

    (found,) = imported(har(tmp_path / "old.har", entry))

    assert found.response.headers == ()
    assert found.response.body == b"REDACTED and REDACTED"


def test_a_file_in_another_format_than_said_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        imported(har(tmp_path / "old.har"), "--format", "vcrpy")

    assert capsys.readouterr().err == (
        f"runreel: error: {tmp_path / 'old.har'}: it is a HAR file; see --format\n"
    )


def test_another_port_is_another_upstream(tmp_path: Path) -> None:
    imported(har(tmp_path / "old.har", har_entry(request_url=URL.replace(".com", ".com:8443"))))

    document = json.loads((tmp_path / "cassettes/imported.json").read_text(encoding="utf-8"))
    assert document["upstream"] == "https://api.example.com:8443"
