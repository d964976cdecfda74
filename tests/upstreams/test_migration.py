"""`verify --map`: a recorded program, played against an API that came after."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leaks import leaks
from next_apis import Assistants, Responses, answered
from processes import run
from runreel.config.call_maps import load_call_map
from runreel.config.loading import load
from runreel.errors import RunreelError
from runreel.server.listener import RunOptions
from runreel.server.migration import verify_by_map
from servers import Proxy, RawUpstream, Received
from wire import exchange, post

HEADERS = (("OpenAI-Beta", "assistants=v2"), ("Content-Type", "application/json"))
KEY = "sk-" + "Fake" * 12
RUN = {"model": "gpt-4o", "metadata": {"stage": "new"}}
# What a program calls; {t} and {r} stand for the ids that it was given.
PLAIN: list[tuple[str, str, Any]] = [
    ("POST", "/v1/threads", {"metadata": {"user": "one"}}),
    ("POST", "/v1/threads/{t}", {"metadata": {"user": "two"}}),
    ("GET", "/v1/threads/{t}", None),
    ("POST", "/v1/threads/{t}/runs", RUN),
    ("GET", "/v1/threads/{t}/runs/{r}", None),
    ("GET", "/v1/threads/{t}/runs/{r}", None),
]
CHANGED: list[tuple[str, str, Any]] = [
    *PLAIN,
    ("POST", "/v1/threads/{t}/runs/{r}", {"metadata": {"stage": "seen", "of": "{t}"}}),
    ("GET", "/v1/threads/{t}/runs/{r}", None),
]

Verified = Callable[..., Any]


async def _played(url: str, program: list[tuple[str, str, Any]]) -> None:
    ids: dict[str, str] = {}
    for method, path, sent in program:
        target = path
        text = "" if sent is None else json.dumps(sent)
        for name, id_ in ids.items():
            target, text = (part.replace(f"{{{name}}}", id_) for part in (target, text))
        raw = post(target, text.encode(), HEADERS).replace(b"POST", method.encode(), 1)
        reply = await exchange(url, raw, method)
        assert reply.status == 200, reply.body
        body = reply.body
        if body.startswith(b"event:"):
            body = body.split(b"data: ")[1].split(b"\n")[0]
        id_ = json.loads(body)["id"]
        ids.setdefault({"thread": "t", "run": "r"}.get(id_.partition("_")[0], "a"), id_)


@pytest.fixture
def record(proxy: Proxy, log: io.StringIO) -> Callable[..., Any]:
    """Record a program from a server as OpenAI's was."""

    async def recorded(program: list[tuple[str, str, Any]], slow: int = 0) -> None:
        async with (
            RawUpstream(Assistants(slow=slow)) as server,
            proxy(mode="record", upstream=server.url, base_path="/v1") as running,
        ):
            await _played(running.url, program)
        log.truncate(0)
        log.seek(0)

    return recorded


@pytest.fixture
def verified(tmp_path: Path, log: io.StringIO) -> Verified:
    """The exit code and the receipt of playing what was recorded against a server."""

    async def played(
        server: Any, call_map: str, prefix: str = "", **settings: Any
    ) -> tuple[int, dict[str, Any]]:
        receipt = tmp_path / "receipt.json"
        async with RawUpstream(server) as upstream:
            asked = {
                "mode": "verify",
                "upstream": f"{upstream.url}{prefix}",
                "cassettes": tmp_path,
                "audit.enabled": False,
            }
            options = RunOptions(log, receipt=receipt, environment={"OPENAI_API_KEY": KEY})
            config = load(None, {}, asked | settings)
            code = await verify_by_map(config, options, load_call_map(call_map))
        return code, json.loads(receipt.read_text(encoding="utf-8"))

    return played


def differences(receipt: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    return [
        (f"{item['method']} {item['target']}", one["at"], one.get("recorded"), one.get("live"))
        for item in receipt["drift"]
        for one in item["differences"]
    ]


def told(log: io.StringIO) -> list[str]:
    return [line[9:] for line in log.getvalue().splitlines()]


class TestClassicAgents:
    """The same paths on another host, which calls everything it makes otherwise."""

    async def test_an_api_that_answers_alike_has_no_drift(
        self, record: Any, verified: Verified, log: io.StringIO
    ) -> None:
        await record(CHANGED)
        server = Assistants("/api/projects/p", first=500, classic=True)

        code, receipt = await verified(server, "classic-agents", "/api/projects/p")

        thread, run = "thread_000000000000000000000500", "run_000000000000000000000501"
        assert (code, receipt["drift"], receipt["compared"]) == (0, [], 8)
        assert server.seen == [
            f"{method} /api/projects/p{path}?api-version=v1"
            for method, path in (
                ("POST", "/threads"),
                ("POST", f"/threads/{thread}"),
                ("GET", f"/threads/{thread}"),
                ("POST", f"/threads/{thread}/runs"),
                ("GET", f"/threads/{thread}/runs/{run}"),
                ("GET", f"/threads/{thread}/runs/{run}"),
                ("POST", f"/threads/{thread}/runs/{run}"),
                ("GET", f"/threads/{thread}/runs/{run}"),
            )
        ]
        # Also where a call has an id in its metadata: the answer is told with the recorded one.
        assert server.made[run]["metadata"] == {"stage": "seen", "of": thread}
        assert told(log)[-1] == (
            "verified 8 compared with cassette 'default', 0 drifted (0 differences), "
            "0 not compared, 0 new, 0 recordings not asked for"
        )

    async def test_what_it_answers_otherwise_is_told_of_the_recorded_call(
        self, record: Any, verified: Verified
    ) -> None:
        await record(PLAIN)
        server = Assistants(
            "/api/projects/p", 500, classic=True, spoilt={"model": "gpt-5", "metadata": None}
        )

        code, receipt = await verified(server, "classic-agents", "/api/projects/p")

        runs = "/v1/threads/thread_000000000000000000000001/runs"
        assert code == 5
        assert differences(receipt)[:2] == [
            (f"POST {runs}", "/metadata", {"stage": "new"}, None),
            (f"POST {runs}", "/model", "gpt-4o", "gpt-5"),
        ]
        assert {target for target, *_ in differences(receipt)} == {
            f"POST {runs}",
            f"GET {runs}/run_000000000000000000000002",
        }

    async def test_a_slow_run_is_asked_for_until_it_says_as_much_as_it_did(
        self, record: Any, verified: Verified, tmp_path: Path
    ) -> None:
        await record(PLAIN)
        quick = tmp_path / "quick.toml"
        (source,) = (Path(__file__).parents[2] / "proxy/runreel/maps").glob("classic-agents.toml")
        shipped = source.read_text(encoding="utf-8")
        assert "again = { at" in shipped
        quick.write_text(shipped.replace("again = { at", "again = { every_ms = 1, at"))
        server = Assistants("/p", 500, classic=True, slow=4)

        code, receipt = await verified(server, str(quick), "/p")

        assert (code, receipt["drift"]) == (0, [])
        assert len([call for call in server.seen if call.startswith("GET /p/threads/")]) == 7

    async def test_the_dialect_of_azure_lacks_one_member_of_openais(
        self, proxy: Proxy, tmp_path: Path, log: io.StringIO
    ) -> None:
        """Both as the simulator speaks them, which has no ids in common with itself."""
        ours = {"upstream": "simulator", "simulator__seed": 1, "base_path": "/v1"}
        theirs = ours | {"simulator__seed": 2, "base_path": "/api/projects/p"}
        brief = {"model": "gpt-4o", "instructions": "Be brief."}
        assistant = ("POST", "/v1/assistants", brief)
        run_of_it = ("POST", "/v1/threads/{t}/runs", RUN | {"assistant_id": "{a}"})
        async with proxy(mode="record", **ours) as running:
            await _played(running.url, [assistant, *PLAIN[:3], run_of_it, *CHANGED[4:]])

        async with proxy(mode="passthrough", profile="azure_agents", **theirs) as there:
            asked = {
                "mode": "verify",
                "upstream": f"{there.url}/api/projects/p",
                "cassettes": tmp_path,
                "audit.enabled": False,
            }
            found = []
            for ignored in ([], ["/reasoning_effort"]):
                config = load(None, {}, asked | {"verify.ignore": ignored})
                options = RunOptions(log, receipt=tmp_path / "receipt.json")
                code = await verify_by_map(config, options, load_call_map("classic-agents"))
                receipt = json.loads((tmp_path / "receipt.json").read_text(encoding="utf-8"))
                found.append(
                    (code, receipt["compared"], {at for _, at, *_ in differences(receipt)})
                )

        assert found == [(5, 9, {"/reasoning_effort"}), (0, 9, set())]

    async def test_ids_that_a_stream_tells_are_carried_too(
        self, record: Any, verified: Verified
    ) -> None:
        streamed = [
            PLAIN[0],
            ("POST", "/v1/threads/{t}/runs", RUN | {"stream": True}),
            ("GET", "/v1/threads/{t}/runs/{r}", None),
        ]
        await record(streamed)
        server = Assistants("/p", 500, classic=True)

        code, receipt = await verified(server, "classic-agents", "/p")

        assert (code, receipt["compared"], receipt["drift"]) == (0, 3, [])
        assert server.seen[-1].endswith("/runs/run_000000000000000000000501?api-version=v1")


class TestRunsToResponses:
    """Threads as conversations, runs as responses: metadata and status."""

    async def test_what_means_the_same_has_no_drift(
        self, record: Any, verified: Verified, log: io.StringIO
    ) -> None:
        await record([*PLAIN, ("DELETE", "/v1/threads/{t}", None)])
        server = Responses()

        code, receipt = await verified(server, "runs-to-responses")

        conversation, response = f"conv_{1:024}", f"resp_{2:024}"
        assert (code, receipt["drift"], receipt["compared"]) == (0, [], 7)
        assert server.seen == [
            ("POST", "/v1/conversations", {"metadata": {"user": "one"}}),
            ("POST", f"/v1/conversations/{conversation}", {"metadata": {"user": "two"}}),
            ("GET", f"/v1/conversations/{conversation}", None),
            (
                "POST",
                "/v1/responses",
                {**RUN, "conversation": conversation, "background": True},
            ),
            ("GET", f"/v1/responses/{response}", None),
            ("GET", f"/v1/responses/{response}", None),
            ("DELETE", f"/v1/conversations/{conversation}", None),
        ]
        assert server.keys == {f"Bearer {KEY}"}
        assert not leaks(KEY, log.getvalue().encode())

    async def test_metadata_of_a_run_that_changed_are_told_where_a_response_keeps_its_own(
        self, record: Any, verified: Verified
    ) -> None:
        await record(CHANGED)
        server = Responses()

        code, receipt = await verified(server, "runs-to-responses")

        run = f"/v1/threads/thread_{1:024}/runs/run_{2:024}"
        assert code == 5
        assert differences(receipt) == [
            (f"GET {run}", "/metadata/of", f"thread_{1:024}", None),
            (f"GET {run}", "/metadata/stage", "seen", "new"),
        ]
        assert server.conversations[f"conv_{1:024}"]["metadata"] == {
            "stage": "seen",
            "of": f"conv_{1:024}",
        }

    async def test_what_has_no_counterpart_is_not_sent_and_says_why(
        self, record: Any, verified: Verified, log: io.StringIO
    ) -> None:
        await record(
            [
                ("POST", "/v1/assistants", {"model": "gpt-4o"}),
                PLAIN[0],
                ("POST", "/v1/threads/{t}/runs", RUN | {"assistant_id": "{a}"}),
                ("POST", "/v1/threads/{t}/runs", RUN | {"stream": True}),
                ("GET", "/v1/threads/{t}/runs/{r}", None),
            ]
        )
        server = Responses()

        code, receipt = await verified(server, "runs-to-responses")

        assert (code, receipt["compared"], receipt["not_compared"]) == (0, 1, 4)
        assert [(method, target) for method, target, _ in server.seen] == [
            ("POST", "/v1/conversations")
        ]
        reasons = [line.partition("(")[2].rstrip(")") for line in told(log) if "(" in line][:-1]
        reasons.remove("1 finding")  # what validation says of the run without an assistant
        assistant, run = f"asst_{1:024}", f"run_{3:024}"
        made = "which was made in the recording and not by the new API"
        assert reasons == [
            "the map has no rule for it",
            f"it names {assistant}, {made}",
            "its answer is a stream, and the map's rule for it is one for documents",
            f"it names {run}, {made}",
        ]

    async def test_an_answer_that_failed_is_told_as_it_is_and_nothing_is_made_by_it(
        self, record: Any, verified: Verified
    ) -> None:
        without_model = {"metadata": {"stage": "new"}}
        await record(
            [
                PLAIN[0],
                ("POST", "/v1/threads/{t}/runs", without_model),
                ("GET", "/v1/threads/{t}/runs/{r}", None),
            ]
        )

        code, receipt = await verified(Responses(), "runs-to-responses")

        assert (code, receipt["compared"], receipt["not_compared"]) == (5, 2, 1)
        (status, body) = differences(receipt)
        assert status == (f"POST /v1/threads/thread_{1:024}/runs", "", 200, 400)
        assert body[3] == {"error": {"message": "model is required"}}


async def test_ids_that_were_there_before_the_recording_are_given_in_the_map(
    record: Any, verified: Verified, tmp_path: Path
) -> None:
    await record(PLAIN[:1])
    path = tmp_path / "default.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    item = whole["interactions"][0]
    item["request"]["target"] = "/v1/threads/thread_before"
    del item["digest"]
    path.write_text(json.dumps(whole), encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(
        'about = "mine"\nids = { thread_before = "a/b" }\n'
        '[[calls]]\nmethod = "POST"\npath = "/threads/{t}"\nto = "/things/{t}/x"\n'
        'to_method = "PATCH"\n'
    )
    seen: list[str] = []

    def answer(received: Received) -> bytes:
        seen.append(f"{received.method} {received.target}")
        return answered(200, item["response"]["body"]["json"])

    code, _ = await verified(answer, str(own))

    assert (code, seen) == (0, ["PATCH /things/a%2Fb/x"])


async def test_where_nothing_could_be_compared_it_did_not_work(
    record: Any, verified: Verified, log: io.StringIO
) -> None:
    await record([("POST", "/v1/assistants", {"model": "gpt-4o"})])

    with pytest.raises(RunreelError) as failed:
        await verified(Responses(), "runs-to-responses")

    assert str(failed.value) == (
        "no call of cassette 'default' was compared; the log says of each call why"
    )
    assert "(the map has no rule for it)" in log.getvalue()


async def test_a_call_that_fails_is_not_compared_and_what_it_made_is_named_no_more(
    record: Any, verified: Verified, log: io.StringIO
) -> None:
    await record(PLAIN[:3])
    answers = iter((answered(200, {"id": "conv_123456789", "metadata": {"user": "one"}}), None))

    code, receipt = await verified(lambda _: next(answers, None), "runs-to-responses")

    assert (code, receipt["compared"], receipt["not_compared"]) == (0, 1, 2)
    assert log.getvalue().count("closed the connection before its answer was complete") == 2


async def test_a_change_of_a_run_is_in_the_audit_log_before_it_is_sent(
    record: Any, verified: Verified, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await record(CHANGED)
    folder = tmp_path_factory.mktemp("audit")
    server = Responses()
    before: list[list[str]] = []

    def answer(received: Received) -> bytes:
        if b"seen" in received.body:
            lines = (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
            before.append([json.loads(line)["kind"] for line in lines])
        return server(received)

    await verified(answer, "runs-to-responses", **{"audit.enabled": True, "audit.path": folder})

    assert [kinds[-1] for kinds in before] == ["intent"]


class TestCommand:
    async def test_it_ends_with_5_where_something_drifted_and_with_0_where_nothing_did(
        self, record: Any, tmp_path: Path
    ) -> None:
        await record(CHANGED)
        codes = []
        for spoilt in ({}, {"status": "failed"}):
            server = Assistants("/p", 500, classic=True, spoilt=spoilt)
            async with RawUpstream(server) as upstream:
                ended = await asyncio.to_thread(
                    run,
                    *("verify", "--map", "classic-agents", "--upstream", f"{upstream.url}/p"),
                    *("--cassettes", ".", "--no-audit"),
                    cwd=tmp_path,
                )
            codes.append(ended.code)

        assert ended.out == ""
        assert codes == [0, 5]
        assert "verified 8 compared with cassette 'default'" in ended.err

    def test_it_tells_which_maps_there_are(self, tmp_path: Path) -> None:
        ended = run("verify", "--map", "list", cwd=tmp_path)

        assert (ended.code, ended.err) == (0, "")
        assert [line.partition(": ")[0] for line in ended.out.splitlines()] == [
            "classic-agents",
            "runs-to-responses",
        ]

    def test_it_takes_no_command(self, tmp_path: Path) -> None:
        ended = run("verify", "--map", "classic-agents", "--", "true", cwd=tmp_path)

        assert (ended.code, ended.err) == (
            2,
            (
                "runreel: error: --map plays the cassette's calls itself; take the command behind "
                "-- away (see: runreel verify --help)\n"
            ),
        )

    def test_other_modes_have_no_map(self, tmp_path: Path) -> None:
        assert run("record", "--map", "list", cwd=tmp_path).code == 2
