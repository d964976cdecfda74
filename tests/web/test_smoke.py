from servers import Proxy, RawUpstream
from wire import Wire, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"


async def test_what_was_recorded_is_replayed_with_the_upstream_stopped(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        first = await wire.send(post(PATH, b'{"metadata":{"stage":"a"}}'))
        await wire.close()
    await upstream.stop()

    async with proxy(mode="replay") as running:
        wire = await Wire.open(running.url)
        again = await wire.send(post(PATH, b'{ "metadata": {"stage": "a"} }'))
        await wire.close()

    assert first.status == again.status == 200
    assert first.values("x-runreel-recorded") == ["yes"]
    assert again.values("x-runreel-source") == ["replay"]
    assert b'"stage": "a"' in again.body
