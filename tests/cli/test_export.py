"""`runreel cassette export`: where it goes, and what is said of what stays."""

import json
from pathlib import Path

import pytest

from builders import FAKE_KEY, a_cassette, a_response, an_interaction
from foreign import vcr_interaction, vcrpy
from processes import run
from runreel.cassettes import save
from runreel.cli import main
from runreel.http.messages import Interaction
from runreel.redaction.redactor import Redacted, renamed


@pytest.fixture(autouse=True)
def _with_a_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(a_cassette(an_interaction()), tmp_path / "cassettes/sub/mine.json")


def exported(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main.main(["cassette", "export", "sub/mine", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize(
    ("kind", "start"),
    [("har", '{\n  "log": {'), ("vcrpy", "interactions:\n"), ("curl", "curl -sS ")],
)
def test_it_goes_to_stdout_or_into_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, start: str
) -> None:
    (tmp_path / "out").write_text("what was there before")

    on_stdout = exported(capsys, "--format", kind)
    nothing = exported(capsys, "--format", kind, "--output", "out")

    assert on_stdout.startswith(start)
    assert nothing == ""
    assert (tmp_path / "out").read_text(encoding="utf-8") == on_stdout


def test_curl_commands_go_where_one_says(capsys: pytest.CaptureFixture[str]) -> None:
    default = exported(capsys, "--format", "curl")
    elsewhere = exported(capsys, "--format", "curl", "--base-url", "http://localhost:1234/")

    assert " http://127.0.0.1:8080/v1/threads/" in default
    assert " http://localhost:1234/v1/threads/" in elsewhere


def gone(one: Redacted[Interaction]) -> Redacted[Interaction]:
    named = renamed(one, "late")
    object.__setattr__(named.value, "client_gone", True)  # frozen: a test may
    return named


def test_what_nobody_received_is_left_out_and_named_on_stderr(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save(a_cassette(gone(an_interaction()), an_interaction()), tmp_path / "cassettes/two.json")

    main.main(["cassette", "export", "two", "--format", "har"])

    out, err = capsys.readouterr()
    assert len(json.loads(out)["log"]["entries"]) == 1
    assert err == "runreel: late is left out: nobody got its answer\n"


def test_bytes_that_are_no_text_reach_a_pipe_as_they_are(tmp_path: Path) -> None:
    answer = a_response(headers=(("X-A", "\xe9"),))
    save(a_cassette(an_interaction(response=answer)), tmp_path / "cassettes/bytes.json")

    ended = run("cassette", "export", "bytes", "--format", "har", cwd=tmp_path)

    assert (ended.code, ended.err) == (0, "")
    (entry,) = json.loads(ended.out)["log"]["entries"]
    assert entry["response"]["headers"] == [{"name": "X-A", "value": "\xe9"}]


def test_no_key_of_an_imported_file_is_in_any_export(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    echo = vcr_interaction(response_body={"string": f'{{"said": "{FAKE_KEY}"}}'})
    vcrpy(tmp_path / "mine.yaml", echo)
    main.main(["cassette", "import", "mine.yaml", "--to", "sub/mine", "--force"])
    capsys.readouterr()

    for kind in ("har", "vcrpy", "curl"):
        assert FAKE_KEY not in exported(capsys, "--format", kind)
    assert "REDACTED" in exported(capsys, "--format", "har")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none", "--format", "har"], 2, "there is no such cassette"),
        (["sub/mine.json", "--format", "har"], 2, "'sub/mine.json' looks like a file"),
        (["sub/mine"], 2, "Missing option '--format'"),
        (
            ["sub/mine", "--format", "har", "--output", "cassettes"],
            1,
            "cassettes: cannot be written",
        ),
        (
            ["sub/mine", "--format", "har", "--output", "cassettes/sub/mine.json"],
            2,
            "cassettes/sub/mine.json is a cassette; name another file with --output",
        ),
        (
            ["sub/mine", "--format", "har", "--output", "nowhere/mine.har"],
            2,
            "there is no folder nowhere; make it first",
        ),
        (["broken", "--format", "har"], 1, "cassettes/broken.json: not readable as JSON"),
    ],
)
def test_what_cannot_be_done_gets_one_clear_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "cassettes/broken.json").write_text("{")

    with pytest.raises(SystemExit) as stopped:
        main.main(["cassette", "export", *arguments])

    out, err = capsys.readouterr()
    assert (stopped.value.code, out, err.count("\n")) == (code, "", 1)
    assert words in err
