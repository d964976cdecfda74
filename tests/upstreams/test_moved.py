"""An upstream that moved is recorded again into its cassette: another port, another host."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runreel.errors import StartRefused
from servers import Proxy, RawUpstream, Received, http
from wire import Reply, exchange, get, post

RUN = "/v1/threads/thread_abc123/runs/run_abc123"


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "default.json").read_text(encoding="utf-8"))
    return found


async def change(url: str, stage: str) -> Reply:
    return await exchange(url, post(RUN, b'{"metadata":{"stage":"%s"}}' % stage.encode()))


async def test_a_server_on_another_port_and_by_another_loopback_name_is_recorded_again(
    proxy: Proxy, tmp_path: Path
) -> None:
    async with RawUpstream() as first, proxy(mode="record", upstream=first.url) as running:
        await change(running.url, "a")
    before = (tmp_path / "default.json").read_bytes()

    async with RawUpstream() as second:
        assert second.port != first.port
        by_name = f"http://localhost:{second.port}"
        async with proxy(mode="record", upstream=by_name) as running:
            await change(running.url, "a")
        equal = (tmp_path / "default.json").read_bytes()
        async with proxy(mode="record", upstream=by_name) as running:
            for stage in ("a", "b"):
                await change(running.url, stage)
    async with proxy(mode="replay") as running:
        replies = [await change(running.url, stage) for stage in ("a", "b")]

    assert equal == before
    assert document(tmp_path)["upstream"] == first.url
    assert [reply.status for reply in replies] == [200, 200]


async def test_a_host_of_another_name_is_refused_with_the_way_out(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await change(running.url, "a")
    kept = (tmp_path / "default.json").read_bytes()

    with pytest.raises(StartRefused) as refused:
        async with proxy(mode="record", upstream="http://colleague.example:8000"):
            pass

    assert str(refused.value) == (
        f"cassette 'default' was recorded from {upstream.url}, not from "
        "http://colleague.example:8000, and recordings of different upstreams are never merged; if "
        "both are one, say so with --upstream-name NAME (upstream_name in a configuration), else "
        "record into another cassette with --cassette NAME"
    )
    assert (tmp_path / "default.json").read_bytes() == kept


def moved_to(folder: Path, url: str) -> None:
    """As if it had been recorded from another host, which no test can reach."""
    path = folder / "default.json"
    whole = document(folder)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'"upstream": "{whole["upstream"]}"', f'"upstream": "{url}"'))


@pytest.mark.parametrize("named_before", [True, False])
async def test_with_its_name_a_host_of_another_name_is_recorded_again(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, log: io.StringIO, named_before: bool
) -> None:
    name = {"upstream_name": "staging"}
    earlier = name if named_before else {}
    async with proxy(mode="record", upstream=upstream.url, **earlier) as running:
        await change(running.url, "a")
    moved_to(tmp_path, "http://colleague.example:8000")
    with pytest.raises(StartRefused):
        async with proxy(mode="record", upstream=upstream.url):
            pass

    async with proxy(mode="record", upstream=upstream.url, **name) as running:
        await change(running.url, "b")

    whole = document(tmp_path)
    assert (whole["upstream"], whole["upstream_name"]) == (
        "http://colleague.example:8000",
        "staging",
    )
    assert len(whole["interactions"]) == 2
    note = (
        "cassette 'default' was recorded from http://colleague.example:8000, which is called "
        f"'staging' from now on, as {upstream.url} is: they are taken to be one upstream"
    )
    assert (note in log.getvalue()) is not named_before


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (None, "if both are one, say so with --upstream-name staging"),
        ("production", "if both are one, give it the name 'staging' with --upstream-name"),
    ],
)
async def test_a_refusal_tells_the_name_that_the_cassette_has(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, given: str | None, remedy: str
) -> None:
    async with proxy(mode="record", upstream=upstream.url, upstream_name="staging") as running:
        await change(running.url, "a")
    moved_to(tmp_path, "http://colleague.example:8000")

    with pytest.raises(StartRefused) as refused:
        async with proxy(mode="record", upstream=upstream.url, upstream_name=given):
            pass

    assert "from http://colleague.example:8000 ('staging'), not from" in str(refused.value)
    assert remedy in str(refused.value)


async def test_two_servers_of_this_machine_are_kept_apart_by_their_names(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url, upstream_name="one") as running:
        await change(running.url, "a")

    with pytest.raises(StartRefused, match="never merged"):
        async with proxy(mode="record", upstream=upstream.url, upstream_name="other"):
            pass


async def test_a_name_does_not_make_the_simulator_a_real_upstream(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url, upstream_name="staging") as running:
        await change(running.url, "a")

    with pytest.raises(StartRefused) as refused:
        async with proxy(mode="record", upstream="simulator", upstream_name="staging"):
            pass

    assert str(refused.value).endswith(
        "never merged; record into another cassette with --cassette NAME"
    )


async def test_a_recording_of_the_simulator_has_no_name(proxy: Proxy, tmp_path: Path) -> None:
    async with proxy(
        mode="record", upstream="simulator", base_path="/v1", upstream_name="staging"
    ) as running:
        await exchange(running.url, post("/v1/threads", b"{}"))

    assert document(tmp_path)["upstream"] == "simulator"
    assert "upstream_name" not in document(tmp_path)


def redirecting(url: str) -> Callable[[Received], bytes]:
    return lambda _: http(302, [("Location", f"{url}/v1/there")])


async def test_redirects_that_were_recorded_at_two_ports_lead_to_the_proxy_alike(
    proxy: Proxy, tmp_path: Path
) -> None:
    async with RawUpstream() as first, RawUpstream() as second:
        for number, server in enumerate((first, second)):
            server.answer = redirecting(server.url)
            async with proxy(mode="new_episodes", upstream=server.url) as running:
                for step in range(number + 1):
                    live = await exchange(running.url, get(f"/v1/from/{step}"))
                    assert live.values("location") == ["http://localhost/v1/there"]
    async with proxy(mode="replay") as running:
        replies = [await exchange(running.url, get(f"/v1/from/{step}")) for step in (0, 1)]

    # `localhost` is how the client addresses the proxy.
    assert [reply.values("location") for reply in replies] == [["http://localhost/v1/there"]] * 2
    text = (tmp_path / "default.json").read_text(encoding="utf-8")
    assert (text.count(first.url), text.count(second.url)) == (3, 0)
