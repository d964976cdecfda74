"""A redirect of the upstream, as a client of the proxy must read it."""

import json
from pathlib import Path

import pytest

from runreel.http.location import Place, relocated
from servers import Proxy, RawUpstream, http
from wire import exchange, get

HERE = Place("http://localhost:8080", "")
IN_A_SESSION = Place("http://localhost:8080", "/_runreel/s/a")


def moved(location: str, upstream: str = "https://api.test", place: Place = HERE) -> str:
    [(_, value)] = relocated((("Location", location),), upstream, place)
    return value


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://api.test/v1/x?y=%20#z", "http://localhost:8080/v1/x?y=%20#z"),
        ("HTTPS://API.Test:443/v1", "http://localhost:8080/v1"),
        ("//api.test/v1", "http://localhost:8080/v1"),
        ("https://api.test", "http://localhost:8080/"),
        ("https://api.test?a=b", "http://localhost:8080/?a=b"),
        ("https://api.test:/v1", "http://localhost:8080/v1"),
        ("https://api.test//v1/../x", "http://localhost:8080//v1/../x"),
    ],
)
def test_a_location_on_the_upstreams_origin_leads_to_us(location: str, expected: str) -> None:
    assert moved(location) == expected


@pytest.mark.parametrize(
    "location",
    [
        "http://api.test/v1",
        "https://api.test:8443/v1",
        "https://api.test.example/v1",
        "https://user@api.test/v1",
        "https://other.test/https://api.test/v1",
        "//other.test/v1",
        "/v1/x?next=https://api.test/",
        "next",
        "../x",
        "?page=2",
        "#top",
        "",
        "mailto:someone@api.test",
    ],
)
def test_any_other_location_is_left_as_it_is(location: str) -> None:
    assert moved(location) == location


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://127.0.0.1:9000/pre/v1/x", "http://localhost:8080/v1/x"),
        ("http://127.0.0.1:9000/pre", "http://localhost:8080/"),
        ("http://127.0.0.1:9000/pre?a", "http://localhost:8080/?a"),
        ("http://127.0.0.1:9000/prefix/x", "http://127.0.0.1:9000/prefix/x"),
        ("http://127.0.0.1:9000/v1/x", "http://127.0.0.1:9000/v1/x"),
        ("http://127.0.0.1/pre/v1/x", "http://127.0.0.1/pre/v1/x"),
        ("/pre/v1/x", "/v1/x"),
        ("/v1/x", "/v1/x"),
        ("pre/v1/x", "pre/v1/x"),
    ],
)
def test_the_upstreams_prefix_is_part_of_its_origin(location: str, expected: str) -> None:
    assert moved(location, upstream="http://127.0.0.1:9000/pre") == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://api.test/v1/x", "http://localhost:8080/_runreel/s/a/v1/x"),
        ("/v1/x", "/_runreel/s/a/v1/x"),
        ("x?y", "x?y"),
        ("https://other.test/v1/x", "https://other.test/v1/x"),
    ],
)
def test_a_redirect_does_not_lead_out_of_a_session(location: str, expected: str) -> None:
    assert moved(location, place=IN_A_SESSION) == expected


def test_a_client_that_did_not_say_how_it_calls_us_gets_a_path() -> None:
    assert moved("https://api.test/v1/x", place=Place("", "")) == "/v1/x"


def test_every_location_is_rewritten_and_nothing_else() -> None:
    link = "https://api.test/v1/x"
    pairs = (("Link", link), ("LOCATION", link), ("X-A", link), ("location", link))

    assert relocated(pairs, "https://api.test", HERE) == (
        ("Link", link),
        ("LOCATION", "http://localhost:8080/v1/x"),
        ("X-A", link),
        ("location", "http://localhost:8080/v1/x"),
    )


async def test_a_recorded_redirect_leads_to_whatever_address_it_is_replayed_at(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: http(307, [("Location", f"{upstream.url}/pre/v1/y")])

    async with proxy(mode="record", upstream=upstream.url + "/pre") as running:
        live = await exchange(running.url, get("/v1/x", host="localhost:1"))
    async with proxy(mode="replay", listen__allowed_hosts=["api.test"]) as running:
        replayed = await exchange(running.url, get("/v1/x", host="api.test"))

    [recorded] = json.loads((tmp_path / "default.json").read_text())["interactions"]
    assert recorded["response"]["headers"] == [f"Location: {upstream.url}/pre/v1/y"]
    assert live.values("location") == ["http://localhost:1/v1/y"]
    assert replayed.values("location") == ["http://api.test/v1/y"]


async def test_a_replay_knows_the_upstream_from_the_cassette_whatever_is_configured_now(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(307, [("Location", f"{upstream.url}/v1/y")])

    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, get("/v1/x"))
    async with proxy(mode="replay", upstream="http://other.test") as running:
        replayed = await exchange(running.url, get("/v1/x"))

    assert replayed.values("location") == ["http://localhost/v1/y"]


@pytest.mark.parametrize("location", ["{upstream}/v1/y", "/v1/y"])
async def test_a_client_follows_a_redirect_within_its_session(
    proxy: Proxy, upstream: RawUpstream, location: str
) -> None:
    target = location.replace("{upstream}", upstream.url)
    upstream.answer = lambda _: http(307, [("Location", target)])

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get(f"{running.url}/_runreel/s/default/v1/x"))
        [led] = reply.values("location")
        await exchange(running.url, get(led))

    assert led.endswith("/_runreel/s/default/v1/y")
    assert [received.target for received in upstream.received] == ["/v1/x", "/v1/y"]
