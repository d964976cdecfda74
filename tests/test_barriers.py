"""State barriers through real proxies: a run that is modified, polled and cancelled."""

from collections.abc import Callable
from pathlib import Path

from servers import Proxy, RawUpstream, Received, http
from wire import Wire

RUN = "/v1/threads/thread_abc123/runs/run_abc123"
POLLS = ["GET", "GET", "POST /cancel", "GET"]


def a_run() -> Callable[[Received], bytes]:
    """A run that works on with every look at it, until somebody cancels it."""
    states = ["queued", "in_progress", "completed"]

    def answer(received: Received) -> bytes:
        if received.method == "POST":
            states[:] = ["cancelling", "cancelled"]
        return http(200, [("Content-Type", "text/plain")], states.pop(0).encode())

    return answer


async def ask(url: str, calls: list[str]) -> list[str]:
    """What calls to the run are answered; instead of an error, its status."""
    wire = await Wire.open(url)
    answers = []
    for call in calls:
        method, _, action = call.partition(" ")
        head = f"{method} {RUN}{action} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
        reply = await wire.send(head.encode())
        answers.append(reply.body.decode() if reply.status == 200 else str(reply.status))
    await wire.close()
    return answers


async def recorded(proxy: Proxy, upstream: RawUpstream) -> list[str]:
    upstream.answer = a_run()
    async with proxy(mode="record", upstream=upstream.url) as running:
        return await ask(running.url, POLLS)


async def test_polls_and_a_cancel_replay_as_they_were(proxy: Proxy, upstream: RawUpstream) -> None:
    live = await recorded(proxy, upstream)

    async with proxy(mode="replay") as running:
        replayed = await ask(running.url, POLLS)

    assert live == replayed == ["queued", "in_progress", "cancelling", "cancelled"]


async def test_one_poll_less_leaves_the_state_after_the_cancel_as_it_was(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    await recorded(proxy, upstream)

    async with proxy(mode="replay") as running:
        assert await ask(running.url, POLLS[1:]) == ["queued", "cancelling", "cancelled"]


async def test_without_the_cancel_its_result_is_not_there(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    await recorded(proxy, upstream)

    async with proxy(mode="replay") as running:
        answers = await ask(running.url, ["GET"] * 3)
        (missed,) = running.receipt()["missed"]

    assert answers == ["queued", "in_progress", "424"]
    assert missed["code"] == "interaction_exhausted"
    assert missed["differences"] == []


async def test_plain_recorded_order_is_a_setting(proxy: Proxy, upstream: RawUpstream) -> None:
    await recorded(proxy, upstream)

    async with proxy(mode="replay", replay__barriers=False) as running:
        assert await ask(running.url, ["GET"] * 3) == ["queued", "in_progress", "cancelled"]


async def test_recording_the_same_states_again_changes_no_byte(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    await recorded(proxy, upstream)
    before = (tmp_path / "default.json").read_bytes()

    await recorded(proxy, upstream)

    assert (tmp_path / "default.json").read_bytes() == before
    assert before.count(b'"id": ') == 4


async def test_an_upload_replays_under_another_boundary(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    def upload(boundary: str) -> bytes:
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
            f"Content-Type: text/plain\r\n\r\nhello\r\n--{boundary}--\r\n"
        )
        return (
            "POST /v1/files HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode("latin-1")

    async def send(url: str, boundary: str) -> bytes:
        wire = await Wire.open(url)
        reply = await wire.send(upload(boundary))
        await wire.close()
        return reply.body

    upstream.answer = lambda _: http(200, [("Content-Type", "application/json")], b'{"id": "file"}')
    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await send(running.url, "f00")

    async with proxy(mode="replay") as running:
        assert await send(running.url, "ba4") == live == b'{"id": "file"}'
    assert "--f00--" in (tmp_path / "default.json").read_text(encoding="utf-8")
