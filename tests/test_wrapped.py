"""A command behind a proxy: the exit code, the receipt, and what people are told."""

import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builders import FAKE_KEY, TARGET
from runreel.cassettes.file_store import FileJournal
from runreel.cassettes.format import Cassette
from runreel.config.loading import load
from runreel.errors import StartRefused, StoreFailed
from runreel.matching.near_miss import UPSTREAM, Rerun
from runreel.server.listener import RunOptions
from runreel.wrap.command import Wrapping, wrapped
from servers import RawUpstream, Received, http
from wrapping import CASSETTES, EXAMPLE, program


@dataclass
class Done:
    """A wrapped command that has ended; `told` are the lines for people."""

    code: int | None
    told: list[str]
    receipt: dict[str, Any]


Wrap = Callable[..., Awaitable[Done]]


@pytest.fixture
def wrap(tmp_path: Path) -> Wrap:
    """Run a program behind a proxy in this process; settings as for the fixture `proxy`."""

    async def run(text: str, *, fail_on_unplayed: bool = False, **settings: Any) -> Done:
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        if dotted.get("mode", "replay") == "replay":
            dotted = {"cassettes": CASSETTES, "cassette": EXAMPLE} | dotted
        usual = {"cassettes": tmp_path, "listen.port": 0, "audit.enabled": False}
        config = load(None, {}, usual | dotted)
        options = RunOptions(
            log=io.StringIO(), receipt=tmp_path / "receipt.json", rerun=Rerun((FAKE_KEY, UPSTREAM))
        )
        wrapping = Wrapping(program(text), {}, fail_on_unplayed=fail_on_unplayed)
        told: list[str] = []
        code = await wrapped(config, options, wrapping, told.append)
        return Done(code, told, json.loads((tmp_path / "receipt.json").read_bytes()))

    return run


NEAREST = "modifyRun-55f2ed47"
SWITCHED_OFF = (
    " (OpenAI switched its API off on 2026-08-26; "
    "another upstream needs a cassette of another name)"
)

# (what the command does, whether unplayed matters, exit code, served, missed, unplayed)
ENDS = {
    "all well": ("modify('recorded')", True, 0, 1, 0, 0),
    "its own code": ("modify('recorded'); sys.exit(7)", True, 7, 1, 0, 0),
    "its own code after a miss": ("modify('b'); sys.exit(7)", True, 7, 0, 1, 1),
    "a signal": ("modify('b'); os.kill(os.getpid(), signal.SIGKILL)", True, 137, 0, 1, 1),
    "a swallowed miss": ("modify('recorded'); modify('b')", False, 3, 1, 1, 0),
    "a swallowed miss, and unplayed": ("modify('b')", True, 3, 0, 1, 1),
    "unplayed": ("", True, 4, 0, 0, 1),
    "unplayed, which does not matter": ("", False, 0, 0, 0, 1),
}


@pytest.mark.parametrize(
    ("does", "strict", "code", "served", "missed", "unplayed"), ENDS.values(), ids=ENDS.keys()
)
async def test_the_exit_code_is_the_commands_or_tells_what_it_did_not_notice(
    wrap: Wrap, does: str, strict: bool, code: int, served: int, missed: int, unplayed: int
) -> None:
    done = await wrap(does, fail_on_unplayed=strict)

    assert done.code == code
    found = done.receipt
    counted = (found["served"], len(found["missed"]), len(found["unplayed"]))
    assert counted == (served, missed, unplayed)


async def test_people_are_told_what_was_missed_and_why_the_code_is_not_the_commands(
    wrap: Wrap,
) -> None:
    done = await wrap("modify('recorded'); modify('b')")

    ready, *rest = done.told
    assert ready.startswith("runreel: replay 'examples/modify-run' (1 interaction) at http://127.")
    assert rest == [
        (
            "runreel: replay 'examples/modify-run': 1 served, 0 recorded, 1 missed, 0 unplayed, "
            "0 not stored, 0 upstream calls"
        ),
        f"runreel:   cassette: {CASSETTES / EXAMPLE}.json",
        (
            "runreel:   missed: No recording matches "
            "POST /v1/threads/thread_abc123/runs/run_abc123: "
            'body /metadata/stage: sent "b", recorded nothing, and 1 more; nearest in cassette '
            f"'examples/modify-run' is {NEAREST} (already played)."
        ),
        f"runreel:     --- recorded: {NEAREST}",
        "runreel:     +++ sent",
        "runreel:      POST /v1/threads/thread_abc123/runs/run_abc123",
        "runreel:      openai-beta: assistants=v2",
        "runreel:      {",
        'runreel:        "metadata": {',
        'runreel:     +    "stage": "b",',
        'runreel:     -    "user_id": "user_abc123",',
        "runreel:        },",
        "runreel:      }",
        (
            "runreel:     1 of 1 played, the writes among them: "
            f"POST /v1/threads/thread_abc123/runs/run_abc123 ({NEAREST})"
        ),
        f"runreel:     cassette: {CASSETTES / EXAMPLE}.json",
        "runreel:     What looks like an id is ignored with this in runreel.toml:",
        "runreel:       [match]",
        'runreel:       ignore_body = ["/metadata/user_id"]',
        f"runreel:   To record it anew{SWITCHED_OFF}: REDACTED https://api.openai.com",
        "runreel: exit code 3, since a call was missed",
    ]


async def test_a_command_that_sent_nothing_is_warned_about_loudly(wrap: Wrap) -> None:
    done = await wrap("")

    assert done.code == 0
    assert done.told[2:] == [
        f"runreel:   cassette: {CASSETTES / EXAMPLE}.json",
        (
            "runreel:   unplayed: POST /v1/threads/thread_abc123/runs/run_abc123 "
            f'{{"metadata": {{"user_id": "user_abc123"}}}} ({NEAREST})'
        ),
        (
            "runreel: WARNING: the command sent no request to runreel. If it made any, they went "
            "LIVE, past the proxy: does it read OPENAI_BASE_URL? --env NAME sets another variable, "
            "--base-path its path."
        ),
    ]


@pytest.mark.parametrize("mode", ["record", "new_episodes"])
async def test_what_could_not_be_stored_ends_a_recording_with_3(
    wrap: Wrap, upstream: RawUpstream, mode: str
) -> None:
    upstream.answer = lambda _: http(200, [("Content-Type", "application/json")], b"{}")

    done = await wrap(
        "modify('a')", mode=mode, upstream=upstream.url, validation__response="strict"
    )

    assert (done.code, done.receipt["not_stored"]) == (3, 1)


async def test_a_call_without_an_answer_ends_a_recording_with_3(wrap: Wrap) -> None:
    done = await wrap("modify('a')", mode="record", upstream="http://127.0.0.1:1")

    assert done.code == 3
    found = done.receipt
    assert (found["requests"], found["failed"], found["not_stored"]) == (1, 1, 0)
    (unstored,) = [line for line in done.told if "not stored: " in line]
    assert unstored.startswith(f"runreel:   not stored: POST {TARGET}: The upstream")
    assert "0 not stored, 1 failed, 1 upstream call" in done.told[1]


async def test_a_call_without_an_answer_is_nothing_to_a_run_that_records_nothing(
    wrap: Wrap,
) -> None:
    done = await wrap("modify('a')", mode="passthrough", upstream="http://127.0.0.1:1")

    assert (done.code, done.receipt["failed"]) == (0, 1)


REFUSED = {
    "a body that is too large": ("answer('/threads', {'a': 'b' * 100})", "413 (body_too_large)"),
    "a method": (
        (
            "urllib.request.urlopen(urllib.request.Request("
            "os.environ['OPENAI_BASE_URL'] + '/threads', method='TRACE'))"
        ),
        "405 (method_not_allowed)",
    ),
    "a session": (
        "answer('/_runreel/s/none/v1/x', None, os.environ['OPENAI_BASE_URL'].removesuffix('/v1'))",
        "421 (session_unknown)",
    ),
}


@pytest.mark.parametrize(("does", "told"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("mode", ["replay", "record"])
async def test_a_call_that_runreel_refuses_is_no_sign_of_going_live_and_ends_with_3(
    wrap: Wrap, upstream: RawUpstream, mode: str, does: str, told: str
) -> None:
    swallowed = f"\ntry:\n    {does}\nexcept urllib.error.HTTPError:\n    pass\n"

    done = await wrap(
        swallowed, mode=mode, upstream=upstream.url, limits__request_body_bytes_max=99
    )

    assert (done.code, done.receipt["requests"], done.receipt["refused"]) == (3, 0, 1)
    assert f"({done.receipt['refusals'][0]['code']})" in told
    assert [line for line in done.told if line.endswith(told)] != []
    assert ", 1 refused, 0 upstream calls" in done.told[1]
    assert done.told[-1] == "runreel: exit code 3, since runreel refused a call"
    assert "LIVE" not in " ".join(done.told)


async def test_drift_ends_verify_with_5(wrap: Wrap, upstream: RawUpstream) -> None:
    def changed(_: Received) -> bytes:
        return http(200, [("Content-Type", "application/json")], b'{"id":"run_abc123"}')

    await wrap("modify('a')", mode="record", upstream=upstream.url)
    same = await wrap("modify('a')", mode="verify", upstream=upstream.url)
    upstream.answer = changed
    drifted = await wrap("modify('a')", mode="verify", upstream=upstream.url)

    assert (same.code, drifted.code) == (0, 5)
    assert len(drifted.receipt["drift"]) == 1
    assert drifted.told[-1] == "runreel: exit code 5, since answers drifted from their recordings"


async def test_a_cassette_that_cannot_be_saved_is_an_error_after_receipt_and_summary(
    wrap: Wrap, upstream: RawUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: FileJournal, __: Cassette | None) -> str:
        raise StoreFailed("default.json: cannot be written: No space left on device")

    monkeypatch.setattr(FileJournal, "commit", full)

    with pytest.raises(StoreFailed, match="No space left on device"):
        await wrap("modify('a'); sys.exit(7)", mode="record", upstream=upstream.url)

    found = json.loads((tmp_path / "receipt.json").read_bytes())
    assert (found["requests"], StoreFailed.exit_code) == (1, 1)


async def test_a_miss_in_any_session_counts(wrap: Wrap) -> None:
    done = await wrap(
        """
root = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
other = {"cassette": "examples/modify-run", "mode": "replay", "id": "other"}
_, opened = answer("/_runreel/sessions", other, root)
modify("recorded", json.loads(opened)["base_url"])
modify("b", root + "/_runreel/s/other/v1")
modify("recorded")
"""
    )

    assert done.code == 3
    assert (done.receipt["missed"], len(done.receipt["sessions"][0]["missed"])) == ([], 1)
    assert done.receipt["sessions"][0]["missed"][0]["remedy"] == (
        f'To record it anew, open its session with the mode "record", of a runreel that has'
        f"{SWITCHED_OFF}: --upstream https://api.openai.com"
    )
    assert (
        "runreel: session other: replay 'examples/modify-run': 1 served, 0 recorded, 1 missed, "
        "0 unplayed, 0 not stored, 0 upstream calls"
    ) in done.told


ONE_OF_ITS_OWN = """
root = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
status, opened = answer("/_runreel/sessions", {"cassette": "examples/modify-run"}, root)
assert modify("recorded", json.loads(opened)["base_url"]) == 200
"""


@pytest.mark.parametrize("mode", ["replay", "once", "verify"])
async def test_without_a_cassette_named_each_test_may_open_a_session_in_the_mode_of_the_command(
    wrap: Wrap, upstream: RawUpstream, mode: str
) -> None:
    of_upstream = {"upstream": upstream.url} if mode == "verify" else {}
    done = await wrap(ONE_OF_ITS_OWN, mode=mode, cassettes=CASSETTES, cassette=None, **of_upstream)

    resolved = "verify" if mode == "verify" else "replay"
    ready, total, *_ = done.told
    (session,) = done.receipt["sessions"]
    assert ready.startswith(f"runreel: {resolved} without a default cassette at http://127.0.0.1:")
    assert total.startswith(f"runreel: {resolved}, 1 session: ")
    assert (session["mode"], session["requests"]) == (resolved, 1)
    assert (done.receipt["cassette"], done.receipt["requests"]) == (None, 0)
    assert done.code == (5 if mode == "verify" else 0)


async def test_a_request_that_names_no_session_where_there_is_no_default_is_refused_and_counts(
    wrap: Wrap,
) -> None:
    done = await wrap(
        f"{ONE_OF_ITS_OWN}modify('b'); status, body = answer('/threads');"
        "assert (status, b'there is no default cassette: open a session' in body) == (421, True)",
        cassette=None,
    )

    (miss,) = done.receipt["missed"]
    assert (done.code, done.receipt["requests"], done.receipt["missed_in_all"]) == (3, 2, 2)
    assert (miss["code"], miss["target"]) == ("session_unknown", None)
    assert done.told[2] == (
        "runreel:   missed: 2 requests named no session, and there is no cassette 'default' to "
        "replay (there are: examples/modify-run); choose one with --cassette NAME and --cassettes "
        "DIR, or record it: runreel record --cassette default --upstream URL; or open a session "
        "for each test."
    )


async def test_where_there_is_no_cassette_at_all_nothing_starts(wrap: Wrap, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="to replay \\(there are none at all\\); choose one"):
        await wrap("", cassettes=tmp_path, cassette=None)


async def test_a_cassette_that_is_named_must_be_there(wrap: Wrap) -> None:
    with pytest.raises(StartRefused, match="there is no cassette 'default' to replay"):
        await wrap("", cassette="default")


async def test_a_proxy_on_all_addresses_is_called_on_loopback(wrap: Wrap) -> None:
    listening = {"listen__host": "0.0.0.0", "listen__admin_token": "fake-" * 5}  # noqa: S104 - as a user may

    done = await wrap("modify('recorded')", **listening)

    assert (done.code, done.receipt["served"]) == (0, 1)


@pytest.mark.parametrize("mode", [0o644, 0o755], ids=["not executable", "no program"])
async def test_what_cannot_be_started_is_refused_and_not_warned_about(
    tmp_path: Path, mode: int
) -> None:
    notes = tmp_path / "notes"
    notes.write_text("no program\n")
    notes.chmod(mode)
    config = load(None, {}, {"cassettes": CASSETTES, "cassette": EXAMPLE, "listen.port": 0})
    told: list[str] = []

    with pytest.raises(StartRefused, match=r"the command '.*notes' "):
        await wrapped(
            config, RunOptions(log=io.StringIO()), Wrapping((str(notes),), {}), told.append
        )

    assert [line for line in told if " at http://" not in line] == []
