"""A proxy in a thread, as a test runner has it."""

import http.client
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runreel.config.loading import load
from runreel.errors import SessionRefused, SessionUnknown, StartRefused
from runreel.server.embedded import Embedded

TARGET = "/v1/threads/thread_abc123/runs/run_abc123"


def asked(url: str, body: bytes = b'{"metadata":{"stage":"a"}}') -> int:
    """The status of a modify run."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    with closing(connection):
        connection.request("POST", parts.path + TARGET, body, headers)
        return connection.getresponse().status


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Embedded]:
    config = load(
        None,
        {},
        {"upstream": "simulator", "simulator.lenient": True, "cassettes": tmp_path / "elsewhere"},
    )
    running = Embedded(config, io.StringIO())
    yield running
    running.stop()


def counted(receipt: dict[str, Any]) -> tuple[Any, ...]:
    names = ("mode", "served", "recorded", "upstream_calls", "unplayed")
    return tuple(receipt[name] for name in names)


def test_each_session_has_the_folder_cassette_and_mode_it_was_opened_with(
    proxy: Embedded, tmp_path: Path
) -> None:
    proxy.open("a", tmp_path / "one", "mine", "once")
    proxy.use("a")
    statuses = [asked(proxy.url)]
    first = proxy.close("a")
    proxy.open("b", tmp_path / "one", "mine", "once")
    proxy.use("b")
    statuses.append(asked(proxy.url))
    second = proxy.close("b")

    assert statuses == [200, 200]
    assert counted(first) == ("record", 0, 1, 1, [])
    assert counted(second) == ("replay", 1, 0, 0, [])
    assert (tmp_path / "one" / "mine.json").is_file()
    assert not (tmp_path / "elsewhere").exists()


def test_without_a_session_in_use_a_request_is_refused(proxy: Embedded, tmp_path: Path) -> None:
    before = asked(proxy.url)
    proxy.open("a", tmp_path, "mine", "record")
    unused = asked(proxy.url)
    proxy.use("a")
    used = asked(proxy.url)
    proxy.use(None)
    after = asked(proxy.url)

    assert (before, unused, used, after) == (421, 421, 200, 421)
    assert asked(f"{proxy.url}/_runreel/s/a") == 200


def test_a_discarded_recording_leaves_the_folder_as_it_was(proxy: Embedded, tmp_path: Path) -> None:
    proxy.open("a", tmp_path, "mine", "record")
    proxy.use("a")
    asked(proxy.url)
    proxy.close("a")
    before = (tmp_path / "mine.json").read_bytes()
    proxy.open("b", tmp_path, "mine", "record")
    proxy.use("b")
    asked(proxy.url, b'{"metadata":{"stage":"b"}}')

    receipt = proxy.close("b", discard=True)

    assert (receipt["recorded"], receipt["discarded"]) == (0, 1)
    assert (tmp_path / "mine.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


def test_the_receipt_so_far_is_that_of_an_open_session(proxy: Embedded, tmp_path: Path) -> None:
    proxy.open("a", tmp_path, "mine", "passthrough")
    proxy.use("a")
    asked(proxy.url)

    assert counted(proxy.receipt("a")) == ("passthrough", 0, 0, 1, [])
    proxy.close("a")
    with pytest.raises(SessionUnknown):
        proxy.receipt("a")


def test_what_cannot_be_opened_is_said_where_it_was_asked_for(
    proxy: Embedded, tmp_path: Path
) -> None:
    with pytest.raises(StartRefused, match="there is no cassette 'none' to replay"):
        proxy.open("a", tmp_path, "none", "replay")
    proxy.open("a", tmp_path, "mine", "record")

    with pytest.raises(SessionRefused, match="There is a session 'a' already"):
        proxy.open("a", tmp_path, "other", "record")


def test_a_stop_saves_what_is_open_and_a_second_one_does_nothing(
    proxy: Embedded, tmp_path: Path
) -> None:
    proxy.open("a", tmp_path, "mine", "record")
    proxy.use("a")
    asked(proxy.url)

    proxy.stop()
    proxy.stop()

    assert (tmp_path / "mine.json").is_file()


def test_a_proxy_that_cannot_start_says_so(tmp_path: Path) -> None:
    config = load(None, {}, {"upstream": "https://example.org", "mode": "record"})
    options = config.upstream_options.model_copy(update={"ca_file": tmp_path / "none.pem"})
    proxy = Embedded(config.model_copy(update={"upstream_options": options}), io.StringIO())

    with pytest.raises(StartRefused, match=r"none\.pem"):
        proxy.open("a", tmp_path, "mine", "record")
    proxy.stop()
