"""The wiring: every setting reaches the part that it is for."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from builders import TARGET
from runreel.config.loading import load
from runreel.config.settings import redaction_of
from runreel.errors import StartRefused
from runreel.server.upstream import Connections, UpstreamOptions, _upstream_options
from servers import Proxy, RawUpstream, Received, http
from wire import exchange, get, post

TOKEN = "fake-" * 5


def stage(name: str) -> bytes:
    return post(TARGET, b'{"metadata":{"stage":"%s"}}' % name.encode())


def exists(path: Path) -> bool:
    return path.exists()


class TestSettings:
    async def test_the_ready_line_counts_interactions(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        async with proxy(mode="record", upstream=upstream.url) as running:
            empty, url = running.ready_line, running.url
            await exchange(running.url, stage("a"))
            one = running.ready_line
            await exchange(running.url, stage("b"))
            two = running.ready_line

        assert empty == f"runreel: record 'default' (0 interactions) at {url}"
        assert one == f"runreel: record 'default' (1 interaction) at {url}"
        assert two == f"runreel: record 'default' (2 interactions) at {url}"

    async def test_allowed_hosts_are_answered_and_no_others(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        settings = {"mode": "passthrough", "upstream": upstream.url}
        async with proxy(**settings, listen__allowed_hosts=["Box.Local"]) as running:
            named = await exchange(running.url, get("/", host="box.local"))
            other = await exchange(running.url, get("/", host="example.com"))

        assert named.status == 200
        assert (other.status, len(upstream.received)) == (421, 1)

    async def test_a_request_beyond_its_limit_is_refused(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        settings = {"mode": "passthrough", "upstream": upstream.url}
        async with proxy(**settings, limits__request_body_bytes_max=2) as running:
            fits = await exchange(running.url, post("/", b"{}"))
            too_large = await exchange(running.url, post("/", b"{ }"))

        assert (fits.status, too_large.status, len(upstream.received)) == (200, 413, 1)

    @pytest.mark.parametrize(("repeat", "again"), [("never", 424), ("last", 200)])
    async def test_the_last_recording_answers_again_by_choice_only(
        self, proxy: Proxy, upstream: RawUpstream, repeat: str, again: int
    ) -> None:
        async with proxy(mode="record", upstream=upstream.url) as running:
            await exchange(running.url, stage("a"))

        async with proxy(mode="replay", replay__repeat=repeat) as running:
            statuses = [(await exchange(running.url, stage("a"))).status for _ in range(2)]

        assert statuses == [200, again]

    @pytest.mark.parametrize(
        ("check", "status", "calls"), [("off", 200, 1), ("warn", 200, 1), ("strict", 400, 0)]
    )
    async def test_strict_requests_are_refused_before_the_upstream(
        self, proxy: Proxy, upstream: RawUpstream, check: str, status: int, calls: int
    ) -> None:
        settings = {"mode": "record", "upstream": upstream.url, "validation__request": check}
        async with proxy(**settings) as running:
            reply = await exchange(running.url, post(TARGET, b'{"metadata":{"n":1}}'))

        assert (reply.status, len(upstream.received)) == (status, calls)

    @pytest.mark.parametrize(
        ("check", "stored"), [("off", ["yes"]), ("warn", ["yes"]), ("strict", ["no"])]
    )
    async def test_strict_responses_are_passed_on_unstored(
        self, proxy: Proxy, upstream: RawUpstream, check: str, stored: list[str]
    ) -> None:
        upstream.answer = lambda _: http(200, [("Content-Type", "application/json")], b"[]")
        settings = {"mode": "record", "upstream": upstream.url, "validation__response": check}

        async with proxy(**settings) as running:
            reply = await exchange(running.url, stage("a"))

        assert (reply.status, reply.body) == (200, b"[]")
        assert reply.values("x-runreel-recorded") == stored

    async def test_an_added_header_goes_upstream_and_never_to_disk(
        self, proxy: Proxy, upstream: RawUpstream, tmp_path: Path
    ) -> None:
        def echo(received: Received) -> bytes:
            body = json.dumps({"you_sent": received.values("x-gateway-key")[0]}).encode()
            return http(200, [("Content-Type", "application/json")], body)

        upstream.answer = echo
        added = {"X-Gateway-Key": TOKEN}
        settings = {"mode": "record", "upstream": upstream.url}

        async with proxy(**settings, upstream_options__headers=added) as running:
            reply = await exchange(running.url, stage("a"))

        assert TOKEN.encode() in reply.body
        assert upstream.received[0].values("x-gateway-key") == [TOKEN]
        assert TOKEN not in (tmp_path / "default.json").read_text()

    def test_the_rules_of_the_user_add_to_the_defaults(self) -> None:
        ours = {
            "redaction.headers": ["X-Tenant"],
            "redaction.query": ["Email"],
            "redaction.body": ["/metadata/email"],
            "redaction.patterns": ["cust-[0-9]+", "emp-[0-9]+"],
        }

        defaults = set(redaction_of(load(None, {}, {})).names)
        found = set(redaction_of(load(None, {}, ours)).names)

        assert {"credential", "header.authorization", "pattern.openai-key"} <= defaults
        assert found - defaults == {
            *("header.x-tenant", "query.email", "body./metadata/email"),
            *("pattern.user-1", "pattern.user-2"),
        }
        assert defaults <= found

    def test_the_upstream_is_called_with_its_own_limits(self) -> None:
        ours = {
            "upstream_options.connect_timeout_s": 3,
            "upstream_options.read_timeout_s": 4,
            "upstream_options.total_timeout_s": 5,
            "upstream_options.ca_file": "ours.pem",
            "limits.upstream_calls_max": 6,
        }

        found = _upstream_options(load(None, {}, ours | {"upstream": "http://h/openai/"}))

        assert found == UpstreamOptions(
            base="http://h/openai",
            headers=(),
            connect_timeout_s=3,
            read_timeout_s=4,
            total_timeout_s=5,
            calls_max=6,
            ca_file=Path("ours.pem"),
        )

    def test_a_call_may_take_for_ever_unless_a_limit_is_set(self) -> None:
        found = _upstream_options(load(None, {}, {"upstream": "http://h"}))

        assert (found.total_timeout_s, found.calls_max) == (None, 256)

    @pytest.mark.parametrize(("allowed", "status"), [(False, 200), (True, 404)])
    async def test_a_regress_is_kept_by_choice_only(
        self, proxy: Proxy, upstream: RawUpstream, allowed: bool, status: int
    ) -> None:
        async with proxy(mode="record", upstream=upstream.url) as running:
            await exchange(running.url, stage("a"))
        upstream.answer = lambda _: http(404, [])
        again = {"mode": "record", "upstream": upstream.url, "allow_regress": allowed}
        async with proxy(**again) as running:
            await exchange(running.url, stage("a"))

        async with proxy(mode="replay") as running:
            reply = await exchange(running.url, stage("a"))

        assert reply.status == status

    @pytest.mark.parametrize(("prune", "left"), [(False, 2), (True, 1)])
    async def test_what_was_not_asked_for_again_goes_by_choice_only(
        self, proxy: Proxy, upstream: RawUpstream, tmp_path: Path, prune: bool, left: int
    ) -> None:
        for names, options in (("ab", {}), ("a", {"prune": prune})):
            async with proxy(mode="record", upstream=upstream.url, **options) as running:
                for name in names:
                    await exchange(running.url, stage(name))

        document = json.loads((tmp_path / "default.json").read_text())
        assert len(document["interactions"]) == left


async def test_replay_opens_no_client_even_with_an_upstream(
    proxy: Proxy, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    settings = {"upstream": upstream.url}
    async with proxy(mode="record", **settings) as running:
        await exchange(running.url, stage("a"))
    original = Connections.__init__

    def counted(self: Connections, *args: Any, **kwargs: Any) -> None:
        opened.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(Connections, "__init__", counted)

    async with proxy(mode="replay", **settings) as running:
        reply = await exchange(running.url, stage("a"))
    while_replaying = len(opened)
    async with proxy(mode="record", **settings):
        pass

    assert reply.status == 200
    assert (while_replaying, len(opened)) == (0, 1)


class TestAddress:
    async def test_a_port_in_use_leaves_nothing_behind(
        self, proxy: Proxy, upstream: RawUpstream, tmp_path: Path
    ) -> None:
        receipt = tmp_path / "receipt.json"

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(StartRefused, match=f"port {port} on 127.0.0.1 is in use"):
                async with proxy(
                    mode="record", upstream=upstream.url, listen__port=port, receipt=receipt
                ):
                    raise AssertionError

        assert not exists(receipt)

    @pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
    async def test_an_ipv6_address_stands_in_brackets(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        settings = {"mode": "passthrough", "upstream": upstream.url, "listen__host": "::1"}

        async with proxy(**settings) as running:
            reply = await exchange(running.url, get("/"))

        assert running.url.startswith("http://[::1]:")
        assert reply.status == 200
