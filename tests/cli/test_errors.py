"""Every error of a user is one line on stderr that names the thing and the remedy."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from processes import run
from runreel.cli import main

Refused = Callable[..., str]

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refused:
    """Run the command in an empty folder, in this process; the one line it says on stderr."""
    monkeypatch.chdir(tmp_path)

    def refuse(*arguments: str, code: int = 2) -> str:
        with pytest.raises(SystemExit) as stopped:
            main.main(list(arguments))
        out, err = capsys.readouterr()
        assert stopped.value.code == code
        assert out == ""
        assert err.startswith("runreel: error: ")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        return err.removeprefix("runreel: error: ").removesuffix("\n")

    return refuse


CASES = [
    ([], "Missing command (see: runreel --help)"),
    (["config"], "Missing command (see: runreel config --help)"),
    (["replya"], "No such command 'replya'"),
    (["replay", "--prot", "1"], "No such option '--prot'"),
    (["replay", "--prot", "1"], "--port"),
    (["replay", "--port", "many"], "Invalid value for '--port': 'many' is not a valid integer"),
    (["replay", "--port", "65536"], "the command line: listen.port: input should be less than"),
    (["replay", "--repeat", "x"], "'x' is not one of 'never', 'last' (see: runreel replay --help)"),
    (["replay", "left over"], "Got unexpected extra argument (left over)"),
    (["replay", "--"], "There is no command behind -- (see: runreel replay --help)"),
    (["serve", "--", ""], "There is no command behind -- (see: runreel serve --help)"),
    (["replay", "--env", "URL"], "--env is for a command behind -- (see: runreel replay --help)"),
    (["replay", "--fail-on-unplayed"], "--fail-on-unplayed is for a command behind --"),
    (["replay", "--env", "A=B", "--", "true"], "--env: 'A=B' cannot name a variable"),
    (["replay", "--", "no-such"], "the command 'no-such' was not found or may not be executed"),
    (["replay", "--", "./no-such"], "give a program of PATH or the path of one after --"),
    (["replay", "--", "true"], "there is no cassette 'default' to replay (there are none at all)"),
    (["serve", "--mode", "x"], "mode: must be one of replay, record, new_episodes, passthrough"),
    (["replay", "--config", "no.toml"], "no.toml: the configuration cannot be read (No such file"),
    (["config", "check", "--config", "no.toml"], "name a readable TOML file with --config"),
    (["replay", "--cassette", "x.json"], "'x.json' looks like a file; a cassette is named without"),
    (["replay", "--cassette", "../x"], "'../x' cannot name a cassette; use letters, digits"),
    (["replay", "--cassette", ""], "'' cannot name a cassette; use letters, digits"),
    (["record", "--upstream", "nonsense"], "upstream: must be a URL such as https://api.example"),
    (["record", "--upstream", "http://u:p@h"], "upstream: must not hold a user or password; set"),
    (["record", "--upstream", "http://h/v1"], "so calls would go to /v1/v1/…; write http://h"),
    (["record"], "mode record goes live and needs an upstream; give one with --upstream URL"),
    (["all"], "mode record goes live and needs an upstream; give one with --upstream URL"),
    (["once"], "mode once records it and needs an upstream; give one with --upstream URL"),
    (["new_episodes"], "mode new_episodes goes live and needs an upstream; give one with"),
    (["passthrough"], "mode passthrough goes live and needs an upstream; give one with"),
    (["replay", "--host", "192.0.2.1"], "192.0.2.1 can be reached from other machines; set"),
    (["replay"], "there is no cassette 'default' to replay (there are none at all); choose one"),
    (["none"], "or record it: runreel record --cassette default --upstream URL"),
    (["replay", "--receipt", "no/receipt.json"], "name a file in a folder that exists with"),
    (["replay", "--receipt", "."], "the receipt cannot be written there; name a file"),
    (["replay", "--config", "no\n\x1b[31m"], "no\\n\\u001b[31m: the configuration cannot be read"),
]


@pytest.mark.parametrize(("arguments", "words"), CASES)
def test_a_wrong_command_line_gets_one_clear_line(
    refused: Refused, arguments: list[str], words: str
) -> None:
    assert words in refused(*arguments)


def test_a_missing_cassette_names_those_there_are(refused: Refused, example: Path) -> None:
    found = refused("replay", "--cassettes", str(example), "--cassette", "modify-ran")

    assert found == (
        "there is no cassette 'modify-ran' to replay (there are: examples/modify-run); choose one "
        "with --cassette NAME and --cassettes DIR, or record it: runreel record --cassette "
        "modify-ran --upstream URL"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_in_use_is_named_with_the_way_out(
    refused: Refused, example: Path, host: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        found = refused(
            *("replay", "--cassettes", str(example), "--cassette", "examples/modify-run"),
            *("--host", host, "--port", str(port)),
        )

    assert found == (
        f"port {port} on {host} is in use; choose another with --port, or any with --port 0"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 70])
def test_an_address_that_is_not_ours_is_named(
    refused: Refused, example: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("RUNREEL_LISTEN__ADMIN_TOKEN", "fake-" * 5)

    found = refused(
        *("replay", "--cassettes", str(example), "--cassette", "examples/modify-run"),
        *("--host", host, "--port", "0"),
    )

    assert found.startswith(f"cannot listen on {host} port 0 (")
    assert found.endswith("); see --host and --port")


def test_a_folder_that_cannot_be_written_refuses_to_record(
    refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "tapes").symlink_to("nowhere/at/all")  # as good as read-only, even for root

    found = refused("record", "--upstream", NOWHERE, "--cassettes", "tapes")

    assert found == (
        "cassettes cannot be written to tapes (No such file or directory); choose a writable "
        "folder with --cassettes DIR, or use replay, which writes nothing"
    )


def test_a_damaged_cassette_ends_with_1_and_names_file_and_place(
    refused: Refused, tmp_path: Path
) -> None:
    document = {"format": 1, "upstream": "http://h", "profile": "openai", "match_on": ["method"]}
    text = json.dumps(document | {"interactions": [], "extra": 1})
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / "default.json").write_text(text)

    found = refused("replay", code=1)

    assert found == (
        "cassettes/default.json, line 1, column 104: /extra: unknown member; this version reads "
        "format 1 only"
    )


def test_what_is_wrong_in_the_file_and_in_the_environment_is_said_alike(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runreel.toml").write_text("[listen]\nprot = 1")
    in_file = refused("replay")
    (tmp_path / "runreel.toml").unlink()
    monkeypatch.setenv("RUNREEL_LISTEN__PROT", "1")

    in_environment = refused("replay")

    assert (
        in_file == "runreel.toml: there is no setting 'listen.prot'; the nearest is 'listen.port'"
    )
    assert in_environment == (
        "the environment: there is no setting 'RUNREEL_LISTEN__PROT'; the nearest is "
        "'RUNREEL_LISTEN__PORT'"
    )


def test_a_start_that_is_refused_writes_no_receipt(
    refused: Refused, tmp_path: Path, example: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(
            *("replay", "--cassettes", str(example), "--cassette", "examples/modify-run"),
            *("--port", str(taken.getsockname()[1]), "--receipt", "receipt.json"),
        )

    assert list(tmp_path.iterdir()) == []


class TestAsAProcess:
    """The same, seen from outside: exit code, streams, and no traceback."""

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (["replay", "--prot", "1"], "No such option '--prot'"),
            (["replya"], "No such command 'replya'"),
            (["record"], "mode record goes live and needs an upstream; give one with"),
            (
                ["replay", "--cassette", "x.json"],
                "'x.json' looks like a file; a cassette is named without",
            ),
        ],
    )
    def test_a_refused_start_ends_with_2(
        self, tmp_path: Path, arguments: list[str], line: str
    ) -> None:
        ended = run(*arguments, cwd=tmp_path)

        assert ended.code == 2
        assert ended.out == ""
        assert ended.err.startswith("runreel: error: ")
        assert line in ended.err
        assert ended.err.count("\n") == 1

    def test_a_damaged_cassette_ends_with_1_and_no_traceback(self, tmp_path: Path) -> None:
        (tmp_path / "cassettes").mkdir()
        (tmp_path / "cassettes" / "default.json").write_text('{"format": 2}')

        ended = run("replay", cwd=tmp_path)

        assert ended.code == 1
        assert ended.out == ""
        assert ended.err == (
            "runreel: error: cassettes/default.json, line 1, column 2: /format: format 2 is not "
            "known here, only 1\n"
        )

    def test_an_option_that_is_not_utf8_is_an_error_like_any_other(self, tmp_path: Path) -> None:
        ended = run("replay", "--cassette", os.fsdecode(b"\xff"), cwd=tmp_path)

        assert ended.code == 2
        assert ended.err.startswith("runreel: error: the command line: cassette: ")
        assert ended.err.count("\n") == 1
