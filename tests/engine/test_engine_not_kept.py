"""What is passed on to the client but not kept, and why."""

from collections.abc import Sequence

import pytest

from builders import BARE_KEY, a_request
from fakes import Script
from memory_store import MemoryJournal, MemoryStore
from runreel.cassettes.format import Cassette
from runreel.cassettes.journal import Pending
from runreel.errors import StoreFailed, UpstreamFailed, UpstreamFault
from runreel.http.messages import Headers
from stages import BARE_KEY_HEADERS, RECORDED, UNREDACTABLE, A, B, error_of, rest, shown, stage


class FullStore(MemoryStore):
    """No journal of it can be written while it is full, as the first append finds out."""

    full = True
    found_out = False

    def open_journal(self, name: str, header: Cassette) -> MemoryJournal:
        super().open_journal(name, header)
        return FullJournal(self, name, header)


class FullJournal(MemoryJournal):
    _store: FullStore

    def append(self, captures: Sequence[Pending]) -> None:
        self._store.found_out = True
        self.check()
        super().append(captures)

    def check(self) -> None:
        if self._store.full and self._store.found_out:
            raise StoreFailed("the journal cannot be written: no space left")


async def test_what_the_journal_cannot_take_is_passed_on_and_said() -> None:
    scene = stage("record", Script([b"new"]), store=FullStore())

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, b"new", False)
    assert scene.kept == []
    assert scene.told == [("not_stored", 200, True)]
    assert scene.events[0].reason == "the journal cannot be written: no space left"


@pytest.mark.parametrize("mode", ["record", "new_episodes"])
async def test_once_the_journal_failed_nothing_is_forwarded_that_could_not_be_kept(
    mode: str,
) -> None:
    scene = stage(mode, Script([b"new"]), store=FullStore())
    await scene.ask(a_request(A))

    answer = await scene.ask(a_request(B))

    assert (answer.source, answer.response.status, answer.recorded) == ("proxy", 503, False)
    assert error_of(answer) == {
        "message": "the journal cannot be written: no space left",
        "type": "runreel_error",
        "param": None,
        "code": "recording_failed",
    }
    assert ("x-should-retry", "false") in answer.response.headers
    assert len(scene.upstream.sent) == 1
    assert scene.told[1:] == [("failed", 503, False)]


async def test_a_call_that_was_refused_leaves_its_recording_for_the_retry() -> None:
    store = FullStore()
    scene = stage("record", Script([b"b"]), Script([b"new"]), store=store, recorded=(RECORDED,))
    await scene.ask(a_request(b"", method="GET"))
    await scene.ask(a_request(A))

    store.full = False
    retried = await scene.ask(a_request(A))

    assert shown(retried) == ("upstream", 200, b"new", True)
    assert scene.kept == [(A, 200, b"new")]


async def test_recordings_are_served_while_the_journal_fails() -> None:
    scene = stage("new_episodes", Script([b"b"]), store=FullStore(), recorded=(RECORDED,))
    await scene.ask(a_request(B))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("replay", 200, b"old", None)


async def test_a_body_over_the_limit_is_passed_on_whole_and_not_kept() -> None:
    pieces = [b"aaaa", b"bbbb", b"cccc"]
    headers: Headers = (("Content-Length", "12"),)
    scene = stage("record", Script(pieces, headers=headers), response_bytes_max=7)

    answer = await scene.ask(a_request(A))
    tail = await rest(answer.tail)

    assert answer.response.body + b"".join(tail) == b"aaaabbbbcccc"
    assert tail == [b"cccc"]
    assert (answer.length, answer.recorded) == (12, False)
    assert scene.kept == []
    assert scene.told == [("not_stored", 200, True)]
    assert scene.events[0].reason is not None
    assert "limits.response_body_bytes_max (7 bytes)" in scene.events[0].reason


async def test_a_body_of_exactly_the_limit_is_kept() -> None:
    scene = stage("record", Script([b"aaaa", b"bbb"]), response_bytes_max=7)

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, b"aaaabbb", True)
    assert answer.tail is None
    assert scene.kept == [(A, 200, b"aaaabbb")]


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ((("content-length", "12"),), 12),
        ((), None),
        ((("Transfer-Encoding", "chunked"),), None),
        ((("Transfer-Encoding", "chunked"), ("Content-Length", "12")), None),
        ((("Content-Length", "+12"),), None),
    ],
)
async def test_the_length_of_a_long_body_is_only_what_the_upstream_announced(
    headers: Headers, length: int | None
) -> None:
    scene = stage("passthrough", Script([b"aaaa", b"bbbb"], headers=headers), response_bytes_max=3)

    answer = await scene.ask(a_request(A))

    assert await rest(answer.tail) == [b"bbbb"]
    assert answer.length == length


async def test_whoever_closes_a_tail_half_way_ends_the_exchange_with_the_upstream() -> None:
    scene = stage("passthrough", Script([b"aaaa", b"bbbb"]), response_bytes_max=3)

    answer = await scene.ask(a_request(A))
    open_before = scene.upstream.closed
    assert answer.tail is not None
    await anext(answer.tail)
    await answer.tail.aclose()

    assert (open_before, scene.upstream.closed) == (0, 1)


async def test_what_cannot_be_redacted_is_passed_on_and_not_kept() -> None:
    scene = stage("record", Script([b"new"], headers=(("X-" + BARE_KEY, "1"),)))

    answer = await scene.ask(a_request(A, headers=BARE_KEY_HEADERS))

    assert shown(answer) == ("upstream", 200, b"new", False)
    assert answer.response.headers == (("X-" + BARE_KEY, "1"),)
    assert scene.kept == []
    assert scene.told == [("not_stored", 200, True)]
    assert BARE_KEY not in str(scene.events)


@pytest.mark.parametrize(
    ("mode", "outcome", "recorded"),
    [("record", "not_stored", False), ("passthrough", "forwarded", None)],
)
async def test_a_request_that_cannot_be_redacted_is_forwarded_and_not_kept(
    mode: str, outcome: str, recorded: bool | None
) -> None:
    scene = stage(mode, Script([b"new"]))

    answer = await scene.ask(a_request(A, headers=UNREDACTABLE))

    assert shown(answer) == ("upstream", 200, b"new", recorded)
    assert scene.kept == []
    assert scene.told == [(outcome, 200, True)]
    assert scene.events[0].request is None
    assert BARE_KEY not in str(scene.events)


async def test_a_request_that_cannot_be_redacted_is_refused_offline() -> None:
    scene = stage("replay", recorded=(RECORDED,))

    answer = await scene.ask(a_request(A, headers=UNREDACTABLE))

    assert (answer.source, answer.response.status) == ("proxy", 424)
    assert error_of(answer)["code"] == "no_matching_interaction"
    assert "a credential stands where it cannot be replaced" in error_of(answer)["message"]
    assert scene.told == [("missed", 424, False)]
    assert BARE_KEY not in str(scene.events) + str(answer)


@pytest.mark.parametrize("status", [404, 410])
async def test_an_upstream_that_retired_replaces_no_good_recording(status: int) -> None:
    scene = stage("record", Script([b"gone"], status), recorded=(RECORDED,))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", status, b"gone", False)
    assert scene.kept == [(A, 200, b"old")]
    assert scene.told == [("not_stored", status, True)]
    assert scene.events[0].reason == (  # the scene's upstream is OpenAI's own
        f"upstream_retired: the upstream answers {status} where a good recording stands (OpenAI "
        "switched this API off on 2026-08-26); --allow-regress overrides"
    )


async def test_a_missing_thing_replaces_a_good_recording_if_that_is_allowed() -> None:
    scene = stage("record", Script([b"gone"], 404), recorded=(RECORDED,), allow_regress=True)

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 404, b"gone", True)
    assert scene.kept == [(A, 404, b"gone")]
    assert scene.told == [("recorded", 404, True)]


async def test_an_answer_that_no_cassette_may_hold_is_passed_on_and_not_kept() -> None:
    scene = stage("record", Script([b"odd"], status=999))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 999, b"odd", False)
    assert scene.kept == []
    assert scene.events[0].reason == (
        "no cassette may hold it: /response/status: this number must be 599 or less"
    )


async def test_a_call_without_an_answer_leaves_its_recording_for_the_retry() -> None:
    scene = stage(
        "record",
        Script(refused=UpstreamFailed(UpstreamFault.DISCONNECTED, "gone")),
        Script([b"again"]),
        recorded=(RECORDED,),
    )

    failed = await scene.ask(a_request(A))
    retried = await scene.ask(a_request(A))

    assert (failed.response.status, retried.response.body) == (502, b"again")
    assert scene.received == [(A, 200, b"again")]
