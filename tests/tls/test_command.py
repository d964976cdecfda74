"""`--tls` and `runreel tls` as a user meets them, and a command that is wrapped."""

import asyncio
import http.client
import json
import ssl
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from processes import run, runreel
from tls.owning import own, trusting
from wrapping import CASSETTES, EXAMPLE, program

REPLAY = ("replay", "--cassettes", str(CASSETTES), "--cassette", EXAMPLE)
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
TELLS = (
    "modify('recorded'); print(json.dumps({name: open(os.environ[name]).read().count('BEGIN') "
    f"for name in {VARIABLES!r}}} | {{'url': os.environ['OPENAI_BASE_URL'], "
    "'files': [os.environ['SSL_CERT_FILE']]}))"
)


@pytest.fixture(autouse=True)
def _nothing_trusted_but_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """An environment with a state of the user that is new for each test."""
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


def sources(url: str, trust: ssl.SSLContext) -> list[str | None]:
    """Where the answers to some calls on one connection come from."""
    connection = http.client.HTTPSConnection(urlsplit(url).netloc, context=trust)
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    target, body = "/v1/threads/thread_abc123/runs/run_abc123", '{"metadata":%s}'
    found = []
    with closing(connection):
        for metadata in (
            '{"user_id":"user_abc123"}',
            '{"user_id":"b"}',
            f'{{"a":"{"x" * 99_999}"}}',
        ):
            connection.request("POST", target, body % metadata, headers)
            answer = connection.getresponse()
            answer.read()
            found.append(answer.headers["X-Runreel-Source"])
    return found


def test_a_wrapped_command_trusts_us_and_all_it_trusted_before(
    tmp_path: Path, state: dict[str, str]
) -> None:
    ended = run(*REPLAY, "--tls", "--", *program(TELLS), cwd=tmp_path, env=state)

    told = json.loads(ended.out)
    assert (ended.code, told["url"].partition(":")[0]) == (0, "https")
    assert [told[name] > 50 for name in VARIABLES[:3]] == [True, True, True]
    assert told["NODE_EXTRA_CA_CERTS"] == 1
    assert "(1 interaction) at https://127.0.0.1:" in ended.err
    assert not Path(told["files"][0]).exists()
    assert sorted(path.suffix for path in (tmp_path / "state" / "runreel").iterdir()) == [
        *(".key", ".pem", ".pem"),
    ]


def test_a_wrapped_command_trusts_a_certificate_of_ones_own(
    tmp_path: Path, state: dict[str, str]
) -> None:
    mine = own(tmp_path)
    (tmp_path / "runreel.toml").write_text('[listen]\ntls_cert = "own.pem"\ntls_key = "own.key"\n')

    ended = run(*REPLAY, "--", *program(TELLS), cwd=tmp_path, env=state)

    assert (ended.code, json.loads(ended.out)["NODE_EXTRA_CA_CERTS"]) == (0, 2)
    assert mine.cert.read_text().count("BEGIN") == 2
    assert not (tmp_path / "state").exists()


def test_a_wrapped_command_trusts_the_simulator_too(tmp_path: Path, state: dict[str, str]) -> None:
    does = "print(answer('/threads', {'metadata': {'stage': 'a'}})[0])"

    ended = run("simulate", "--tls", "--", *program(does), cwd=tmp_path, env=state)

    assert (ended.code, ended.out) == (0, "200\n")
    assert "runreel: simulator at https://127.0.0.1:" in ended.err


def test_what_was_missed_is_recorded_anew_over_https(tmp_path: Path, state: dict[str, str]) -> None:
    ended = run(*REPLAY, "--tls", "--", *program("modify('b')"), cwd=tmp_path, env=state)

    (remedy,) = [line for line in ended.err.splitlines() if "To record it anew" in line]
    assert f"--cassette {EXAMPLE} --tls --upstream https://api.openai.com -- " in remedy


def test_a_variable_that_names_nothing_is_refused_before_the_command_starts(
    tmp_path: Path, state: dict[str, str]
) -> None:
    env = state | {"SSL_CERT_FILE": "none.pem"}

    ended = run(*REPLAY, "--tls", "--", *program("print('started')"), cwd=tmp_path, env=env)

    assert (ended.code, ended.out) == (2, "")
    assert "runreel: error: SSL_CERT_FILE: none.pem cannot be read (No such file or" in ended.err


@pytest.mark.parametrize("loop", ["false", "true"], ids=["asyncio", "uvloop"])
async def test_it_serves_and_says_so_whatever_the_loop(
    tmp_path: Path, state: dict[str, str], loop: str
) -> None:
    env = state | {"RUNREEL_LISTEN__UVLOOP": loop}
    arguments = (*REPLAY, "--repeat", "last", "--tls")
    async with runreel(*arguments, cwd=tmp_path, env=env) as process:
        pem = (tmp_path / "state" / "runreel" / "authority.pem").read_text()
        found = await asyncio.to_thread(sources, process.url, trusting(pem))
        missed = [(await process.log_line()).split(" ")[1] for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", process.url.split(":")[2])
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        plain = await reader.read()
        writer.close()
        line = await process.log_line()
        ended = await process.stop()

    assert (found, missed) == (["replay", "proxy", "proxy"], ["served", "missed", "missed"])
    assert b"HTTP/" not in plain
    assert line[9:].startswith("problem a client spoke plain http, ")
    assert (ended.code, ended.err.splitlines()[0]) == (
        0,
        (
            "runreel: replay 'examples/modify-run': 1 served, 0 recorded, 2 missed, 0 unplayed, "
            "0 not stored, 0 upstream calls"
        ),
    )


async def test_a_stop_does_not_wait_for_clients_that_are_idle(
    tmp_path: Path, state: dict[str, str]
) -> None:
    async with runreel(*REPLAY, "--tls", cwd=tmp_path, env=state) as process:
        pem = (tmp_path / "state" / "runreel" / "authority.pem").read_text()
        port = int(process.url.rpartition(":")[2])
        _, idle = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting(pem), server_hostname="localhost"
        )
        _, half = await asyncio.open_connection("127.0.0.1", port)
        ended = await process.stop()
        for writer in (idle, half):
            writer.transport.abort()

    assert (ended.code, ended.err.splitlines()[0]) == (
        0,
        (
            "runreel: replay 'examples/modify-run': 0 served, 0 recorded, 0 missed, 1 unplayed, "
            "0 not stored, 0 upstream calls"
        ),
    )


def test_path_prints_where_the_authority_is_and_makes_it_once(
    tmp_path: Path, state: dict[str, str]
) -> None:
    first = run("tls", "path", cwd=tmp_path, env=state)
    file = Path(first.out.removesuffix("\n"))
    said = file.read_bytes()
    second = run("tls", "path", cwd=tmp_path, env=state)

    assert (first.code, second.code, second.out) == (0, 0, first.out)
    assert file == tmp_path / "state" / "runreel" / "authority.pem"
    assert file.read_bytes() == said


def test_renew_makes_another_for_the_hosts_of_the_configuration(
    tmp_path: Path, state: dict[str, str]
) -> None:
    file = Path(run("tls", "path", cwd=tmp_path, env=state).out.removesuffix("\n"))
    said = file.read_bytes()
    (tmp_path / "runreel.toml").write_text('[listen]\nallowed_hosts = ["box.local"]\n')

    refused = run(*REPLAY, "--tls", cwd=tmp_path, env=state)
    renewed = run("tls", "renew", cwd=tmp_path, env=state)
    accepted = run(*REPLAY, "--tls", "--", *program("modify('recorded')"), cwd=tmp_path, env=state)

    assert refused.code == 2
    assert refused.err == (
        f"runreel: error: listen.tls: the authority {file} may not speak for box.local; make a new "
        "one that may with runreel tls renew, and let clients trust that\n"
    )
    assert (renewed.code, renewed.out, file.read_bytes() == said) == (0, f"{file}\n", False)
    assert accepted.code == 0


def test_a_state_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder\n")
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}

    ended = run(*REPLAY, "--tls", cwd=tmp_path, env=env)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"runreel: error: listen.tls: {tmp_path}/state/runreel/authority.key cannot be used (Not a "
        "directory); the local authority is kept in that folder, and XDG_STATE_HOME sets another "
        "one\n"
    )


def test_the_demo_does_not_mind_a_configuration_of_https(
    tmp_path: Path, state: dict[str, str]
) -> None:
    (tmp_path / "runreel.toml").write_text("[listen]\ntls = true\n")

    ended = run("demo", cwd=tmp_path, env=state)

    assert (ended.code, ended.err) == (0, "")
    assert "listening at http://127.0.0.1:" in ended.out
    assert not (tmp_path / "state").exists()
