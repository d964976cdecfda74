"""What only the fast lane has, and the least cases of what it once did otherwise than aiohttp.

Each is told to a proxy with the lane and to one without it, and must come out the same.
"""

import gzip
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from builders import BARE_KEY, a_cassette, a_request, a_response, an_interaction
from lane.stories import ADMIN, admin
from lane.world import SLOW_S, Clients, Seen, Step, Story, told
from runreel.cassettes.format import dump
from runreel.engine.engine import Engine
from runreel.http.messages import Interaction
from runreel.redaction.redactor import Redacted, placed
from runreel.server import lane as lanes

BETA = (("OpenAI-Beta", "assistants=v2"),)
BODY = b'{"metadata":{"stage":"a"}}'
PATH = "/v1/things/1"
LARGE = b"l" * 100_000  # more than a connection takes at once
WAIT: Step = ("wait", 2.011)
REST: Step = ("rest",)


def raw(path: str = PATH, body: bytes = b"", *lines: str, method: str | None = None) -> bytes:
    """A plain request, with more header lines."""
    method = method or ("POST" if body else "GET")
    typed = ("Content-Type: application/json", f"Content-Length: {len(body)}") if body else ()
    head = (f"{method} {path} HTTP/1.1", "Host: localhost", "OpenAI-Beta: assistants=v2")
    return "\r\n".join([*head, *lines, *typed, "", ""]).encode() + body


def a_recording(
    name: str,
    path: str = PATH,
    body: bytes = b"",
    answer: bytes = b"answer",
) -> Redacted[Interaction]:
    headers = (*BETA, ("Content-Type", "application/json")) if body else BETA
    request = a_request(body, path, "POST" if body else "GET", headers)
    return an_interaction(request, a_response(answer, headers=()), name)


class Proxies:
    """Two proxies, with the lane and without, to whom the same is told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "begin" / "cassettes").mkdir(parents=True)

    def hold(self, *recordings: Redacted[Interaction]) -> None:
        path = self._folder / "begin" / "cassettes" / "default.json"
        path.write_text(dump(a_cassette(*recordings)), encoding="utf-8")

    def told(self, *steps: Step, mode: str = "replay", **settings: Any) -> Seen:
        """What is seen of both alike."""
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        story = Story({"mode": mode, "audit.enabled": False, **dotted}, (steps,))
        with_lane, without = (
            told(story, lane=lane, cassettes=self._folder / "begin", folder=self._folder / name)
            for lane, name in ((True, "a"), (False, "b"))
        )
        assert with_lane == without
        return with_lane


@pytest.fixture
def proxies(tmp_path: Path) -> Proxies:
    return Proxies(tmp_path)


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def outcomes(seen: Seen) -> list[str]:
    return [" ".join(line.split(" ")[:3]) for line in seen.log]


def recorded(seen: Seen) -> list[str]:
    document = json.loads(seen.files["cassettes/default.json"])
    return [item["request"]["target"] for item in document["interactions"]]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["User-Agent: a", "User-Agent: b"], 400),
        (["ETag: 1", "etag: 1"], 400),
        (["Max-Forwards: 1", "Max-Forwards: 1"], 400),
        (["Sec-WebSocket-Key1: a"], 400),
        ([f"X-{number}: a" for number in range(127)], 431),
        ([f"X-{number}: a" for number in range(126)], 200),
        (["Cookie: a=1", "Cookie: b=2"], 200),
    ],
)
def test_headers_that_aiohttp_refuses_are_refused(
    proxies: Proxies, lines: list[str], status: int
) -> None:
    proxies.hold(a_recording("GET-1"))

    seen = proxies.told(("send", 0, raw(PATH, b"", *lines)), WAIT)

    assert statuses(seen.answers[0]) == [status]


def test_proxy_connection_close_ends_the_connection(proxies: Proxies) -> None:
    proxies.hold(a_recording("GET-1"))

    seen = proxies.told(("send", 0, raw(PATH, b"", "Proxy-Connection: close")), WAIT)

    assert statuses(seen.answers[0]) == [200]
    assert b"\r\nConnection: close\r\n" in seen.answers[0]


def test_a_credential_in_a_compressed_body_is_found(proxies: Proxies) -> None:
    packed = gzip.compress(BARE_KEY.encode(), mtime=0)
    proxies.hold(a_recording("POST-1", PATH, packed), a_recording("POST-2", PATH, packed))

    seen = proxies.told(
        ("send", 0, raw(PATH, packed)),
        ("send", 0, raw(PATH, packed, f"Authorization: Bearer {BARE_KEY}")),
        WAIT,
    )

    assert statuses(seen.answers[0]) == [200, 424]
    assert "withheld" in seen.log[-1]


def test_what_is_no_secret_of_one_client_may_be_one_of_another(proxies: Proxies) -> None:
    body = json.dumps({"note": BARE_KEY}).encode()
    proxies.hold(*(a_recording(f"POST-{number}", PATH, body) for number in range(4)))
    harmless = raw(PATH, body, "Authorization: Bearer another-" + "k" * 30)

    seen = proxies.told(
        ("send", 0, harmless),
        ("send", 1, raw(PATH, body, f"Authorization: Bearer {BARE_KEY}")),
        REST,
        ("send", 0, harmless),
        ("send", 2, raw(PATH, body, f"Api-Key: {BARE_KEY}")),
        WAIT,
    )

    assert [statuses(answer) for answer in seen.answers] == [[200, 200], [424], [424]]


def test_a_recording_of_another_story_is_none_of_a_session_without_one(
    proxies: Proxies,
) -> None:
    of_red = placed(a_recording("GET-1"), "GET-1", after=(), during=(), scope="red")
    proxies.hold(of_red, a_recording("GET-2", "/v1/things/2"))
    opened = {"cassette": "default", "id": "one", "scope": "red"}

    seen = proxies.told(
        ("send", ADMIN, admin("POST", "sessions", opened)),
        REST,
        ("send", 0, raw() + raw("/_runreel/s/one" + PATH)),
        WAIT,
    )

    assert statuses(seen.answers[1]) == [424, 200]


def test_an_answer_counts_as_given_when_its_head_is_sent_though_nobody_reads_it(
    proxies: Proxies,
) -> None:
    proxies.hold(
        a_recording("GET-1", answer=LARGE * 3),  # too large to be answered at once
        a_recording("POST-1", PATH, BODY),
        a_recording("GET-2", answer=b"later"),
    )

    seen = proxies.told(
        ("reads", 0, False),
        ("send", 0, raw()),
        REST,
        ("send", 1, raw(PATH, BODY)),
        REST,
        ("send", 1, raw()),
        WAIT,
    )

    assert seen.answers[0] == b""
    assert seen.answers[1].endswith(b"later")


def test_who_reads_nothing_is_let_go_and_answered_once(proxies: Proxies) -> None:
    proxies.hold(*(a_recording(f"GET-{number}", answer=LARGE) for number in range(9)))

    seen = proxies.told(("reads", 0, False), ("send", 0, raw() * 9), ("wait", 61))

    assert (seen.answers, seen.ended) == ([b""], [True])
    assert outcomes(seen) == ["10:15:02 served GET"]


def test_a_session_waits_with_its_end_for_who_reads_slowly(proxies: Proxies) -> None:
    proxies.hold(a_recording("GET-1", answer=LARGE))
    opened = {"cassette": "default", "id": "one"}

    seen = proxies.told(
        ("send", ADMIN, admin("POST", "sessions", opened)),
        ("reads", 0, False),
        ("send", 0, raw("/_runreel/s/one" + PATH)),
        REST,
        ("send", ADMIN, admin("DELETE", "sessions/one")),
        WAIT,
        ("reads", 0, True),
        WAIT,
    )

    unread, read = (progress[0] for progress in seen.progress)
    assert unread < read


def test_what_comes_behind_a_torn_answer_is_not_carried_out(proxies: Proxies) -> None:
    torn = raw("/v1/files/odd-cut")

    seen = proxies.told(
        ("reads", 0, False),
        ("send", 0, torn + raw()),
        REST,
        ("reads", 0, True),
        WAIT,
        mode="passthrough",
    )

    assert len(seen.forwarded) == 1
    assert seen.ended == [True]


def test_a_body_that_comes_slowly_is_waited_for_longer_than_an_idle_connection(
    proxies: Proxies,
) -> None:
    proxies.hold(a_recording("POST-1", PATH, BODY))
    whole = raw(PATH, BODY)
    slowly = [("more", 0, whole[-20 + at : -19 + at or None]) for at in range(20)]

    seen = proxies.told(
        ("send", 0, whole[:-20]),
        *(step for piece in slowly for step in (("wait", 0.907), piece)),
        WAIT,
    )

    assert statuses(seen.answers[0]) == [200]


@pytest.mark.parametrize(("limit", "at"), [(30, "10:15:32"), (0.5, "10:15:02")])
def test_a_body_that_never_comes_is_waited_for_as_long_as_is_set(
    proxies: Proxies, limit: float, at: str
) -> None:
    seen = proxies.told(
        ("send", 0, raw(PATH, BODY)[:-1]),
        ("wait", 40),
        mode="passthrough",
        limits__request_body_read_s_max=limit,
    )

    assert statuses(seen.answers[0]) == [408]
    assert outcomes(seen) == [f"{at} refused POST"]


def test_half_a_head_is_given_up_after_a_second(proxies: Proxies) -> None:
    proxies.hold(a_recording("GET-1"), a_recording("GET-2"), a_recording("GET-3"))
    found = []

    def look(clients: Clients) -> None:
        protocol = clients.at[0].transport.protocol
        if isinstance(protocol, lanes.LaneConnection):
            found.append(protocol._theirs)

    proxies.told(
        *(("send", 0, raw()[:30]), ("wait", 0.9), ("more", 0, raw()[30:]), REST, ("do", look)),
        *(("send", 0, raw()[:30]), ("wait", 0.9), ("do", look), ("wait", 0.2), ("do", look)),
        ("more", 0, raw()[30:]),
        WAIT,
    )

    assert found == [False, False, True]


def test_a_connection_with_a_call_under_way_is_not_idle(proxies: Proxies) -> None:
    seen = proxies.told(
        ("send", 0, raw("/v1/odd-slow")),
        ("wait", SLOW_S + 14),
        ("send", 0, raw()),
        ("wait", 14),
        ("send", 0, raw()),
        ("wait", 16),
        mode="passthrough",
    )

    assert len(seen.answers) == 1
    assert len(statuses(seen.answers[0])) == 3
    assert seen.ended == [True]


def test_what_is_pipelined_behind_a_call_is_bounded(proxies: Proxies) -> None:
    held = []

    def look(clients: Clients) -> None:
        transport = clients.at[0].transport
        if isinstance(transport.protocol, lanes.LaneConnection):
            held.append((len(transport.protocol._half), transport.is_reading()))

    many = raw(PATH, b"", "X-Pad: " + "p" * 2_000) * 30

    seen = proxies.told(
        ("send", 0, raw("/v1/odd-slow")),
        *(("more", 0, many) for _ in range(20)),
        REST,
        ("do", look),
        ("wait", SLOW_S + 60),
        mode="passthrough",
    )

    ((size, reads),) = held
    assert lanes.BODY_BYTES_MAX < size < lanes.BODY_BYTES_MAX + len(many)
    assert not reads
    assert len(statuses(seen.answers[0])) == 601


def test_what_is_remembered_of_clients_is_bounded(proxies: Proxies) -> None:
    proxies.hold(a_recording("GET-1"))
    found = []

    def look(clients: Clients) -> None:
        protocol = clients.at[0].transport.protocol
        if isinstance(protocol, lanes.LaneConnection):
            lane = protocol._lane
            found.append((len(lane.blocks), sum(len(one.views) for one in lane._prepared)))

    opened = {"cassette": "default", "id": "one"}
    steps: list[Step] = [("send", ADMIN, admin("POST", "sessions", opened)), WAIT]
    for number in range(40):
        for name in ("default", "one"):
            line = f"X-Runreel-Session: {name}"
            steps += [("send", 0, raw(PATH, b"", f"X-Number: {number}", line)), REST, ("do", look)]
    with mock.patch.multiple(lanes, _BLOCKS_MAX=8, _VIEWS_MAX=12):
        proxies.told(*steps, WAIT)

    assert max(blocks for blocks, _ in found[4:]) <= 8
    assert 4 < max(views for _, views in found[4:]) <= 12


@pytest.mark.parametrize("body", [b"", BODY])
def test_an_engine_that_fails_is_told_once(proxies: Proxies, body: bytes) -> None:
    with mock.patch.object(Engine, "answer", side_effect=LookupError):
        seen = proxies.told(("send", 0, raw(PATH, body) * 2), WAIT, mode="passthrough")

    assert statuses(seen.answers[0]) == [500]
    assert b'"code":"internal_error"' in seen.answers[0]
    assert seen.ended == [True]
    ((_, word, error, *_),) = (line.split(" ") for line in seen.log)
    assert (word, error) == ("problem", "LookupError")


def test_an_engine_that_fails_within_an_answer_sends_no_second_head(proxies: Proxies) -> None:
    seen = proxies.told(("send", 0, raw("/v1/files/odd-broken")), WAIT, mode="passthrough")

    assert statuses(seen.answers[0]) == [200]
    assert seen.answers[0].endswith(b"data: 1\n\n\r\n")
    assert seen.ended == [True]


def test_a_call_under_way_ends_before_the_proxy_does(proxies: Proxies) -> None:
    seen = proxies.told(("send", 0, raw("/v1/odd-brief")), REST, mode="passthrough")

    assert statuses(seen.answers[0]) == [200]


def test_a_call_that_does_not_end_is_cut_off_when_the_proxy_stops(proxies: Proxies) -> None:
    seen = proxies.told(("send", 0, raw("/v1/odd-slow")), REST, mode="passthrough")

    assert (seen.answers, seen.ended) == ([b""], [True])


def test_half_a_request_is_no_reason_to_wait_when_the_proxy_stops(proxies: Proxies) -> None:
    seen = proxies.told(("send", 0, raw(PATH, BODY)[:-1]), REST, mode="passthrough")

    assert (seen.answers, seen.ended, seen.log) == ([b""], [True], [])


@pytest.mark.parametrize("seconds", [0.1, 1.1])
@pytest.mark.parametrize("hard", [False, True])
def test_a_client_that_leaves_within_its_request_is_told_once(
    proxies: Proxies, seconds: float, *, hard: bool
) -> None:
    seen = proxies.told(
        ("send", 0, raw(PATH, BODY)[:-1]),
        ("wait", seconds),
        ("close", 0, hard),
        WAIT,
        mode="record",
    )

    assert [line[9:] for line in seen.log] == ["refused POST (client_gone)"]


@pytest.mark.parametrize("seconds", [0.1, 1.1])
def test_a_recording_has_the_order_in_which_the_heads_came(
    proxies: Proxies, seconds: float
) -> None:
    first = raw("/v1/things/1", BODY)

    seen = proxies.told(
        ("send", 0, first[:-1]),
        REST,
        ("send", 1, raw("/v1/things/2", BODY)),
        ("wait", seconds),
        ("more", 0, first[-1:]),
        WAIT,
        mode="record",
    )

    assert outcomes(seen) == ["10:15:02 recorded POST", f"10:15:0{2 + int(seconds)} recorded POST"]
    assert recorded(seen) == ["/v1/things/1", "/v1/things/2"]


@pytest.mark.parametrize("seconds", [0.1, 1.1])
def test_half_a_request_stays_with_its_session_though_that_is_ended(
    proxies: Proxies, seconds: float
) -> None:
    proxies.hold(a_recording("POST-1", PATH, BODY))
    opened = {"cassette": "default", "id": "one"}
    whole = raw("/_runreel/s/one" + PATH, BODY)

    seen = proxies.told(
        ("send", ADMIN, admin("POST", "sessions", opened)),
        REST,
        ("send", 0, whole[:-1]),
        REST,
        ("send", ADMIN, admin("DELETE", "sessions/one")),
        ("wait", seconds),
        ("more", 0, whole[-1:]),
        WAIT,
    )

    assert [statuses(answer) for answer in seen.answers] == [[201, 200], [200]]
