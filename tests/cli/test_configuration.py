import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processes import run
from runreel.cli import main
from runreel.config.settings import keys

SECRET = "sk-" + "FaKe0" * 8

DEFAULTS = """\
mode = "replay"
# upstream is not set
# upstream_name is not set
cassettes = "cassettes"
cassette = "default"
profile = "openai"
base_path = "/v1"

[listen]
host = "127.0.0.1"
port = 8080
tls = false
# tls_cert is not set
# tls_key is not set
# admin_token is not set
# client_token is not set
cors_origins = []
allowed_hosts = []
fast_lane = true
uvloop = false

[match]
# headers is not set
# ignore_query is not set
# ignore_body is not set

[replay]
repeat = "never"
repeats_max = 1000
barriers = true
order_wait_ms = 150
watch = false
accept_incomplete = false
latency = "none"

[validation]
request = "warn"
response = "warn"

[redaction]
headers = []
query = []
body = []
patterns = []
allow = []

[verify]
ignore = []
volatile = []
headers = []

[record]
durability = "strict"

[log]
format = "text"
# quiet is not set
verbose = false

[upstream_options]
connect_timeout_s = 10.0
read_timeout_s = 600.0
# total_timeout_s is not set
# ca_file is not set
# proxy is not set
headers = {}

[simulator]
metadata = "replace"
status = "poll"
seed = 0
lenient = false
# api_key is not set
objects_max = 100000
bytes_max = 67108864

[audit]
enabled = true
path = "audit"
fetch_before = false
rotate_bytes = 67108864
checkpoint_entries = 1000

[limits]
request_body_bytes_max = 4194304
response_body_bytes_max = 67108864
decoded_body_bytes_max = 67108864
request_body_read_s_max = 30.0
upstream_calls_max = 256
sessions_max = 1000
session_idle_s_max = 900.0
"""


@pytest.fixture(autouse=True)
def _work_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main.main(list(arguments))
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_show_prints_every_setting_as_toml(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "config", "show") == DEFAULTS


def test_show_prints_what_is_in_force(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "own.toml").write_text('mode = "all"\ncassettes = "tapes"\n')
    monkeypatch.setenv("RUNREEL_LISTEN__PORT", "1002")

    found = tomllib.loads(said(capsys, "config", "show", "--config", "project/own.toml"))

    assert found["mode"] == "record"
    assert found["cassettes"] == "project/tapes"
    assert found["listen"]["port"] == 1002


def test_show_prints_json_by_dotted_key(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "config", "show", "--json"))

    assert found["upstream"] is None
    assert found["listen.port"] == 8080
    assert found["upstream_options.headers"] == {}
    assert set(found) == set(keys())


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_show_hides_secrets(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: list[str]
) -> None:
    (tmp_path / "runreel.toml").write_text(
        f'[listen]\nadmin_token = "{SECRET}"\n[upstream_options.headers]\nX-Key = "{SECRET}"\n'
    )

    found = said(capsys, "config", "show", *form)

    assert SECRET not in found
    assert found.count('"[hidden]"') == 2
    assert '"X-Key"' in found


_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.lists(_TEXT, max_size=3), hosts=st.lists(_TEXT, max_size=3))
def test_what_show_prints_is_read_back_equal(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    query: list[str],
    hosts: list[str],
) -> None:
    given_settings = {"listen.allowed_hosts": hosts, "redaction.query": query}
    _write(tmp_path / "runreel.toml", given_settings)

    found = tomllib.loads(said(capsys, "config", "show"))

    assert found["listen"]["allowed_hosts"] == hosts
    assert found["redaction"]["query"] == query


def _write(path: Path, lists: Mapping[str, list[str]]) -> None:
    """TOML with every character escaped, so that this writer cannot share a fault with ours."""
    lines = []
    for key, items in lists.items():
        escaped = ["".join(f"\\U{ord(char):08x}" for char in item) for item in items]
        lines.append(f"{key} = [" + ", ".join(f'"{item}"' for item in escaped) + "]")
    path.write_text("\n".join(lines))


def test_what_show_prints_is_a_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    written = said(capsys, "config", "show")
    (tmp_path / "again.toml").write_text(written)

    assert said(capsys, "config", "show", "--config", "again.toml") == written


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "runreel: the configuration is right: mode replay, upstream not set\n"),
        (
            'mode = "all"\nupstream = "http://h/"',
            "runreel: the configuration is right: mode record, upstream http://h\n",
        ),
    ],
)
def test_check_says_that_the_configuration_is_right(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "runreel.toml").write_text(text)

    assert said(capsys, "config", "check") == line


def test_check_ends_with_2_if_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "runreel.toml").write_text('cassete = "mine"')

    ended = run("config", "check", cwd=tmp_path)

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err == (
        "runreel: error: runreel.toml: there is no setting 'cassete'; the nearest is 'cassette'\n"
    )


def test_show_as_a_process_ends_with_0(tmp_path: Path) -> None:
    environment: dict[str, Any] = {"RUNREEL_MODE": "none", "RUNREEL_CASSETTE": "mine"}

    ended = run("config", "show", "--json", cwd=tmp_path, env=environment)

    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["mode"] == "replay"
    assert json.loads(ended.out)["cassette"] == "mine"
