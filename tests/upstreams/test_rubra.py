"""What rubra answers to modify run, row by row, live and replayed byte for byte.

The answers are written out as the real backend gave them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from servers import Proxy, RawUpstream
from upstreams.rubra import Rubra
from wire import Reply, exchange, get, post

THREAD = "/threads/thread_000001"
RUN = f"{THREAD}/runs/run_000001"

# (a request, the status and the body of its answer)
ROWS: dict[str, tuple[bytes, int, Any]] = {
    "metadata is no object": (
        post(RUN, b'{"metadata":"str"}'),
        422,
        {
            "detail": [
                {
                    "loc": ["body", "metadata"],
                    "msg": "value is not a valid dict",
                    "type": "type_error.dict",
                }
            ]
        },
    ),
    "an extra field": (
        post(RUN, b'{"extra":1}'),
        422,
        {
            "detail": [
                {
                    "loc": ["body", "extra"],
                    "msg": "extra fields not permitted",
                    "type": "value_error.extra",
                }
            ]
        },
    ),
    "no body": (
        post(RUN),
        422,
        {"detail": [{"loc": ["body"], "msg": "field required", "type": "value_error.missing"}]},
    ),
    "broken JSON": (
        post(RUN, b"{bad"),
        422,
        {
            "detail": [
                {
                    "type": "json_invalid",
                    "loc": ["body", 1],
                    "msg": "JSON decode error",
                    "input": {},
                    "ctx": {"error": "Expecting property name enclosed in double quotes"},
                }
            ]
        },
    ),
    "JSON that does not say so": (
        post(RUN, b'{"metadata":{}}', (("Content-Type", "text/plain"),)),
        422,
        {
            "detail": [
                {"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}
            ]
        },
    ),
    "an unknown run": (
        post(f"{THREAD}/runs/nope", b"{}"),
        404,
        {"detail": "Run with ID 'nope' in thread 'thread_000001' not found"},
    ),
    "below /v1": (post(f"/v1{RUN}", b"{}"), 404, {"detail": "Not Found"}),
    "cancel": (post(f"{RUN}/cancel"), 404, {"detail": "Not Found"}),
    "submit_tool_outputs": (
        post(f"{RUN}/submit_tool_outputs", b'{"tool_outputs":[]}'),
        404,
        {"detail": "Not Found"},
    ),
    "a stream": (
        post(f"{THREAD}/runs", b'{"assistant_id":"asst_1","stream":true}'),
        422,
        {
            "detail": [
                {
                    "loc": ["body", "stream"],
                    "msg": "extra fields not permitted",
                    "type": "value_error.extra",
                }
            ]
        },
    ),
    "PATCH": (get(RUN, method="PATCH"), 405, {"detail": "Method Not Allowed"}),
    "the list of runs": (get(f"{THREAD}/runs"), 405, {"detail": "Method Not Allowed"}),
}


@pytest.fixture
async def rubra(upstream: RawUpstream) -> RawUpstream:
    """rubra with one thread and one run in it."""
    upstream.answer = Rubra()
    await exchange(upstream.url, post("/threads", b"{}"))
    created = await exchange(
        upstream.url,
        post(f"{THREAD}/runs", b'{"assistant_id":"asst_1","metadata":{"a":"1"}}'),
    )
    assert json.loads(created.body)["id"] == "run_000001"
    upstream.received.clear()
    return upstream


async def live_and_replayed(
    proxy: Proxy, upstream: RawUpstream, *requests: bytes
) -> list[tuple[Reply, Reply]]:
    """The answers to requests while they are recorded and when the upstream has stopped."""
    async with proxy(mode="record", upstream=upstream.url) as running:
        live = [await exchange(running.url, request) for request in requests]
    await upstream.stop()
    async with proxy(mode="replay") as running:
        replayed = [await exchange(running.url, request) for request in requests]
    return list(zip(live, replayed, strict=True))


@pytest.mark.parametrize("row", ROWS)
async def test_a_refusal_comes_back_as_it_was(proxy: Proxy, rubra: RawUpstream, row: str) -> None:
    request, status, body = ROWS[row]

    [(live, replayed)] = await live_and_replayed(proxy, rubra, request)

    assert (live.status, replayed.status) == (status, status)
    assert live.body == json.dumps(body, separators=(",", ":")).encode()
    assert replayed.body == live.body
    assert live.values("content-length") == replayed.values("content-length")
    assert live.values("server") == replayed.values("server") == ["uvicorn"]


@pytest.mark.parametrize("row", [row for row, (_, status, _) in ROWS.items() if status == 422])
async def test_strict_validation_refuses_as_rubra_does_without_asking_it(
    proxy: Proxy, rubra: RawUpstream, row: str
) -> None:
    request, status, body = ROWS[row]
    strict = {"profile": "rubra", "validation__request": "strict"}

    async with proxy(mode="record", upstream=rubra.url, **strict) as running:
        reply = await exchange(running.url, request)

    assert (reply.status, json.loads(reply.body)) == (status, body)
    assert reply.values("x-runreel-source") == ["proxy"]
    assert rubra.received == []


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [(get(RUN, method="PATCH"), "GET"), (get(f"{THREAD}/runs"), "POST")],
    ids=["a run", "the list of runs"],
)
async def test_a_405_says_what_is_allowed(
    proxy: Proxy, rubra: RawUpstream, request_: bytes, allowed: str
) -> None:
    [(live, replayed)] = await live_and_replayed(proxy, rubra, request_)

    assert live.values("allow") == replayed.values("allow") == [allowed]


async def test_metadata_is_merged_and_never_checked(proxy: Proxy, rubra: RawUpstream) -> None:
    many = {f"key{number}": "x" * 600 for number in range(20)}
    replies = await live_and_replayed(
        proxy,
        rubra,
        post(RUN, b'{"metadata":{"b":"2","n":5,"o":{"x":[1,2.5,null]}}}'),
        post(RUN, b"{}"),
        post(RUN, b'{"metadata":null}'),
        post(RUN, b"[]"),
        post(RUN, json.dumps({"metadata": many}).encode()),
        get(RUN),
    )

    merged = {"a": "1", "b": "2", "n": 5, "o": {"x": [1, 2.5, None]}}
    for live, replayed in replies:
        assert live.status == replayed.status == 200
        assert live.body == replayed.body
    found = [json.loads(replayed.body)["metadata"] for _, replayed in replies]
    assert found == [merged, merged, merged, merged, merged | many, merged | many]


async def test_a_trailing_slash_leads_to_the_path_without_it_at_whichever_proxy_is_asked(
    proxy: Proxy, rubra: RawUpstream, tmp_path: Path
) -> None:
    request = post(f"{RUN}/", b"{}", host="localhost:1234")

    [(live, replayed)] = await live_and_replayed(proxy, rubra, request)

    for reply in (live, replayed):
        assert (reply.status, reply.body) == (307, b"")
        assert reply.values("location") == [f"http://localhost:1234{RUN}"]
    assert f"{rubra.url}{RUN}" in (tmp_path / "default.json").read_text(encoding="utf-8")
