"""`runreel cassette import`: which file becomes which cassette, and what is said of it."""

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import FAKE_KEY, a_cassette, an_interaction
from foreign import RUN, URL, har, har_entry, ruby, vcr_interaction, vcrpy
from processes import COMMAND, run
from runreel.cassettes import interactions, load, save
from runreel.cassettes.file_store import FileStore
from runreel.cli import main
from runreel.redaction.redactor import PLACEHOLDER

OTHER = URL.replace("api.example.com", "api.example.org")
Said = Callable[..., list[str]]


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Said:
    """Run the command in the test's folder; the lines on stdout, or the one of an error."""
    monkeypatch.chdir(tmp_path)

    def say(*arguments: str, code: int = 0) -> list[str]:
        stopped = 0
        try:
            main.main(["cassette", "import", *arguments])
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            stopped = stop.code
        out, err = capsys.readouterr()
        assert stopped == code
        assert (out if code else err) == ""
        return (err if code else out).removeprefix("runreel: error: ").splitlines()

    return say


def cassettes(folder: Path) -> list[str]:
    return FileStore(folder / "cassettes").names() if (folder / "cassettes").exists() else []


def test_a_file_becomes_the_cassette_of_its_name(said: Said, tmp_path: Path) -> None:
    invalid = {"body": '{"metadata":{"a":true}}', "response_status": {"code": 400}}
    vcrpy(tmp_path / "My old run (1).yaml", vcr_interaction(**invalid))

    (line,) = said("My old run (1).yaml")

    assert cassettes(tmp_path) == ["My-old-run-1"]
    assert line == (
        "My old run (1).yaml -> 'My-old-run-1': 1 imported, 0 skipped; violations: 1, credential "
        "headers left out: 1, places blanked: 0"
    )


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("a.b_c-d", "a.b_c-d"),
        ("...", "imported"),
        ("-x-", "x"),
        ("é", "imported"),
        ("y" * 99, "y" * 81),
        ("old.json", "old"),
        ("y" * 76 + ".json.y", "y" * 76),
    ],
)
def test_the_name_is_made_legal(said: Said, tmp_path: Path, stem: str, name: str) -> None:
    vcrpy(tmp_path / f"{stem}.yaml")

    said(f"./{stem}.yaml")

    assert cassettes(tmp_path) == [name]


def test_several_files_become_several_cassettes(said: Said, tmp_path: Path) -> None:
    files = [vcrpy(tmp_path / "a.yaml"), ruby(tmp_path / "b.yml"), har(tmp_path / "c.har")]

    lines = said(*(path.name for path in files))

    assert cassettes(tmp_path) == ["a", "b", "c"]
    assert [line.partition(":")[0] for line in lines] == [
        "a.yaml -> 'a'",
        "b.yml -> 'b'",
        "c.har -> 'c'",
    ]
    assert load(tmp_path / "cassettes/b.json").profile == "openai_v1"


def test_several_files_with_one_name_are_joined_in_their_order(said: Said, tmp_path: Path) -> None:
    vcrpy(tmp_path / "a.yaml", vcr_interaction(response_body={"string": "1"}))
    har(tmp_path / "b.har", har_entry(response_content={"size": 1, "text": "2"}))

    said("b.har", "a.yaml", "--to", "both/of-them")

    found = interactions(load(tmp_path / "cassettes/both/of-them.json"))
    assert [one.response.body for one in found] == [b"2", b"1"]
    assert found[1].id == f"{found[0].id}-2"


def test_files_of_different_upstreams_are_not_joined(said: Said, tmp_path: Path) -> None:
    vcrpy(tmp_path / "a.yaml")
    vcrpy(tmp_path / "b.yaml", vcr_interaction(uri=OTHER))

    (line,) = said("a.yaml", "b.yaml", "--to", "both", code=2)

    assert line == (
        "the files are of different upstreams (https://api.example.com and https://api.example.org)"
        ", and these are never merged into one cassette; import them one by one"
    )
    assert cassettes(tmp_path) == []


def test_files_that_would_have_one_name_are_refused(said: Said, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    vcrpy(tmp_path / "a.yaml")
    vcrpy(tmp_path / "sub" / "a.yaml")

    (line,) = said("a.yaml", "sub/a.yaml", code=2)

    assert line.startswith(
        "several files would become the cassette 'a'; put them into one with --to"
    )
    assert cassettes(tmp_path) == []


def test_several_hosts_in_one_file_need_a_choice(said: Said, tmp_path: Path) -> None:
    vcrpy(tmp_path / "a.yaml", vcr_interaction(), vcr_interaction(uri=OTHER))

    (asked,) = said("a.yaml", code=2)
    (unknown,) = said("a.yaml", "--host", "example.net", code=2)
    chosen = said("a.yaml", "--host", "API.example.org")

    there = "(https://api.example.com, https://api.example.org)"
    assert asked == f"a.yaml: there are calls to several upstreams {there}; choose one with --host"
    assert unknown == (
        "a.yaml: no call went to example.net; there are calls to https://api.example.com, "
        "https://api.example.org"
    )
    assert chosen[1:] == ["  skipped interaction 1: it went to https://api.example.com"]
    assert load(tmp_path / "cassettes/a.json").upstream == "https://api.example.org"


@pytest.mark.parametrize("host", ["h:8000", "http://h:8000", "h:9000"])
def test_a_host_may_be_told_by_its_port(said: Said, tmp_path: Path, host: str) -> None:
    uris = ["http://h:8000/a", "http://h:9000/a"]
    vcrpy(tmp_path / "a.yaml", *(vcr_interaction(uri=uri) for uri in uris))

    said("a.yaml", "--host", host)

    assert load(tmp_path / "cassettes/a.json").upstream == f"http://h:{host[-4:]}"
    (line,) = said("a.yaml", "--host", "h", "--to", "b", code=2)
    assert "several upstreams" in line


def test_a_cassette_that_is_there_is_only_replaced_on_demand(said: Said, tmp_path: Path) -> None:
    save(a_cassette(an_interaction(name="kept")), tmp_path / "cassettes/a.json")
    vcrpy(tmp_path / "a.yaml")
    vcrpy(tmp_path / "new.yaml")

    (line,) = said("new.yaml", "a.yaml", code=2)

    assert line == (
        "there is a cassette 'a' already; give another name, or replace it with --force"
    )
    assert cassettes(tmp_path) == ["a"]
    assert interactions(load(tmp_path / "cassettes/a.json"))[0].id == "kept"
    said("new.yaml", "a.yaml", "--force")
    assert interactions(load(tmp_path / "cassettes/a.json"))[0].response.body == RUN.encode()


def test_a_cassette_that_is_being_recorded_is_never_replaced(said: Said, tmp_path: Path) -> None:
    recorder = FileStore(tmp_path / "cassettes").open_journal("a", a_cassette())
    vcrpy(tmp_path / "a.yaml")
    vcrpy(tmp_path / "b.yaml")

    (line,) = said("b.yaml", "a.yaml", "--force", code=2)

    recorder.commit(None)
    assert line.startswith("cassette 'a' is being recorded by another runreel or session;")
    assert cassettes(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'FILE...'"),
        (["a.yaml", "--to", "../x"], "--to: '../x' cannot name a cassette; use letters, digits"),
        (["a.yaml", "--format", "xml"], "'xml' is not one of 'auto', 'vcrpy', 'vcr-ruby', 'har'"),
        (["no.yaml"], "no.yaml: there is no such file"),
        (["a.yaml", "--config", "no.toml"], "no.toml: the configuration cannot be read"),
    ],
)
def test_a_wrong_command_line_gets_one_clear_line(
    said: Said, tmp_path: Path, arguments: list[str], words: str
) -> None:
    vcrpy(tmp_path / "a.yaml")

    (line,) = said(*arguments, code=2)

    assert words in line
    assert cassettes(tmp_path) == []


def test_the_configuration_holds_for_imports_too(said: Said, tmp_path: Path) -> None:
    (tmp_path / "runreel.toml").write_text(
        'cassettes = "elsewhere"\nvalidation.response = "off"\nredaction.body = ["/id"]\n'
    )
    vcrpy(tmp_path / "a.yaml")

    said("a.yaml")

    (found,) = interactions(load(tmp_path / "elsewhere/a.json"))
    assert (found.response.body, found.violations) == (f'{{"id": "{PLACEHOLDER}"}}'.encode(), ())


def test_the_report_is_also_one_json_object(said: Said, tmp_path: Path) -> None:
    key = {"size": 51, "text": f'{{"key": "{FAKE_KEY}"}}'}
    failed = har_entry(response_status=400, response_content=key)
    har(tmp_path / "a.har", failed, har_entry(response_status=0))

    report = json.loads("\n".join(said("a.har", "--json")))

    assert report == {
        "files": [
            {
                "file": "a.har",
                "cassette": "a",
                "imported": 1,
                "skipped": [{"at": "interaction 2", "reason": "it has no answer (status 0)"}],
                "violations": 0,
                "credential_headers": 1,
                "blanked": 1,
            }
        ]
    }


@pytest.mark.parametrize(("size", "shown"), [(2_000_000, True), (1_000_000, False)])
def test_a_terminal_shows_progress_where_it_takes_time(
    tmp_path: Path, size: int, *, shown: bool
) -> None:
    large = [vcr_interaction(response_body={"string": "x" * size}) for _ in range(3)]
    vcrpy(tmp_path / "a.json", *large)
    ours, theirs = pty.openpty()

    done = subprocess.run(
        [*COMMAND, "cassette", "import", "a.json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )

    os.write(theirs, b".")
    assert (b"importing" in os.read(ours, 10_000)) == shown
    os.close(ours)
    os.close(theirs)
    assert done.stdout.startswith(b"a.json -> 'a': 3 imported, 0 skipped;")


def test_without_a_terminal_there_is_no_progress_bar(tmp_path: Path) -> None:
    large = [vcr_interaction(response_body={"string": "x" * 1_500_000}) for _ in range(3)]
    vcrpy(tmp_path / "a.json", *large)

    ended = run("cassette", "import", "a.json", cwd=tmp_path)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("a.json -> 'a': 3 imported, 0 skipped;")
