"""Files that are broken, or made to harm: one clear error with file and place, and no cassette."""

import base64
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foreign import URL, har, har_entry, ruby, vcr_interaction, vcrpy
from runreel.cli import main
from runreel.importers import importer, safe_yaml

ZEROS = gzip.compress(gzip.compress(bytes(200_000_000), 1), 9)
GZIP = {"Content-Encoding": ["gzip, gzip"]}


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Import files, the last of which is bad; what is said of it after its name."""

    def refuse(*files: Path, code: int = 1) -> str:
        before = {path.name for path in tmp_path.iterdir()}
        options = ["--cassettes", str(tmp_path / "cassettes")]
        with pytest.raises(SystemExit) as stopped:
            main.main(["cassette", "import", *map(str, files), *options])
        out, err = capsys.readouterr()
        assert {path.name for path in tmp_path.iterdir()} == before
        assert (stopped.value.code, out, err.count("\n")) == (code, "", 1)
        begin = f"runreel: error: {files[-1]}: "
        assert err.startswith(begin)
        return err.removeprefix(begin).rstrip("\n")

    return refuse


Refused = Callable[..., str]


def yaml_file(folder: Path, text: str) -> Path:
    path = folder / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    return path


BOMB = "".join(
    ["a0: &a0 lol\n"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)]
)
YAML: list[tuple[str, str]] = [
    (
        "interactions:\n- !!python/object/apply:os.system ['true']\n",
        "line 2, column 3: the tag !!python/object/apply:os.system is not plain data, and is",
    ),
    (
        "interactions:\n- request: !ruby/object:Gem::Installer {}\n",
        "line 2, column 12: the tag !ruby/object:Gem::Installer is not plain data, and is never",
    ),
    (
        "http_interactions: !!python/name:os.system\n",
        "line 1, column 20: the tag !!python/name:os.system is not plain data, and is never run",
    ),
    ("a: !!int 'many'\n", "line 1, column 4: not a value of its tag: 'many'"),
    ("a: {<<: {}}\n", "line 1, column 5: the tag !!merge is not plain data, and is never run"),
    ("a: &a [*a]\n", "line 1, column 8: the alias *a stands for nothing before it"),
    ("a: &a x\nb: &a [*a]\n", "line 2, column 8: the alias *a stands for nothing before it"),
    ("a: *b\n", "line 1, column 4: the alias *b stands for nothing before it"),
    ("a: " + "[" * 101 + "]" * 101, "line 1, column 103: nested deeper than 100 levels"),
    ("a: [\n", "line 2, column 1: not YAML: did not find expected node content"),
    ("a: 1\na: 2\n", "line 2, column 1: the member 'a' stands twice"),
    ("? [a]\n: 1\n", "line 1, column 5: the name of a member is a collection"),
    ("a: 1\n--- {}\n", "line 2, column 1: a second document begins"),
    ("a: !!binary 'x'\n", "line 1, column 4: base64 that cannot be read: "),
    ("a: \x01\n", "not YAML: "),
    ("just a text\n", "it is none of these: a HAR file, a cassette of Ruby's VCR, a cassette of"),
    ("interactions: text\n", "/interactions: an array must be here"),
    ("interactions: []\n", "nothing in it can be imported"),
    (BOMB, "it comes to more than 268,435,456 bytes"),
]


@pytest.mark.parametrize(("text", "words"), YAML)
def test_yaml_is_plain_data_or_refused_with_its_place(
    refused: Refused, tmp_path: Path, text: str, words: str
) -> None:
    assert words in refused(yaml_file(tmp_path, text))


def test_a_tag_that_would_run_something_runs_nothing(refused: Refused, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = f"interactions: [!!python/object/apply:os.mkdir ['{ran}']]\n"

    refused(yaml_file(tmp_path, text))

    assert not ran.exists()


def test_text_that_aliases_repeat_counts_each_time(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_yaml, "EXPANDED_BYTES_MAX", 10_000)

    said = refused(yaml_file(tmp_path, f"a: &a {'x' * 3_000}\nb: [*a, *a, *a]\n"))

    assert said == "line 2, column 13: it comes to more than 10,000 bytes"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"uri": None}, "interaction 2: /request/uri: a text must be here"),
    ({"method": 1.5}, "interaction 2: /request/method: a text must be here"),
    ({"method": "PO ST"}, "interaction 2: /request/method: this must be a method in capital"),
    ({"headers": "none"}, "interaction 2: /request/headers: an object must be here"),
    ({"headers": {"a": [None]}}, "interaction 2: /request/headers/a/0: a text must be here"),
    ({"headers": {"a b": "c"}}, "interaction 2: /request/headers/0: 'a b' is not a header name"),
    ({"body": 1}, "interaction 2: /request/body: a text must be here"),
    ({"body": {"base64_string": "x"}}, "interaction 2: /request/body/base64_string: base64 that"),
    ({"uri": f"{URL} HTTP/1.1\r\nX: 1"}, "interaction 2: /request/target: a target begins with"),
    ({"response_status": {"code": 99}}, "interaction 2: /response/status: this number must be 200"),
    ({"response_status": {"code": 600}}, "/response/status: this number must be 599 or less"),
    ({"response_status": {"code": "ok"}}, "/response/status/code: a whole number must be here"),
    ({"response_status": {"code": True}}, "/response/status/code: a whole number must be here"),
    ({"response_status": None}, "interaction 2: /response/status: an object must be here"),
    ({"response_body": {"string": ["a", 1]}}, "/response/body/string/1: a text must be here"),
    (
        {"response_headers": {"x": "a\r\nSet-Cookie: b"}},
        "interaction 2: /response/headers/0: the value of 'x' holds a character that no header may",
    ),
    (
        {"response_headers": GZIP, "response_body": {"string": ZEROS}},
        "interaction 2: /response/body: its coding gzip, gzip cannot be undone within 67,108,864 b",
    ),
    (
        {"headers": {"Content-Encoding": "gzip"}, "body": b"\x1f\x8b broken"},
        "interaction 2: /request/body: its coding gzip cannot be undone within 67,108,864 bytes",
    ),
]


@pytest.mark.parametrize(("changes", "words"), BAD)
def test_an_interaction_that_cannot_be_one_is_named(
    refused: Refused, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = vcrpy(tmp_path / "bad.yaml", vcr_interaction(), vcr_interaction(**changes))

    assert words in refused(path)


ENTRIES: list[tuple[dict[str, Any], str]] = [
    (
        {"response_content": {"size": 2, "text": "%%", "encoding": "base64"}},
        "interaction 2: /response/content/text: base64 that cannot be read: ",
    ),
    (
        {"response_content": {"size": 2, "text": '["%"]', "encoding": "base64"}},
        "interaction 2: /response/content/text/0: base64 that cannot be read: ",
    ),
    (
        {"response_content": {"size": 2, "text": "[", "encoding": "base64"}},
        "interaction 2: /response/content/text: neither base64 nor a list of it",
    ),
    (
        {"response_content": {"size": 2, "text": "x", "encoding": "rot13"}},
        "interaction 2: /response/content/encoding: the only encoding that is read is base64",
    ),
    (
        {"response_content": {"size": 2, "text": "\ud800"}},
        "interaction 2: /response/content/text: it holds a character that utf-8 cannot say",
    ),
    (
        {"response_headers": [{"name": "x", "value": "a\r\nb"}]},
        "interaction 2: /response/headers/0: the value of 'x' holds a character that no header may",
    ),
    ({"response_headers": {"x": "a"}}, "interaction 2: /response/headers: an array must be here"),
    ({"response_status": 99}, "interaction 2: /response/status: this number must be 200 or more"),
    ({"response_status": "200 OK"}, "/response/status: a whole number must be here"),
    ({"request_url": None}, "interaction 2: /request/url: a text must be here"),
    (
        {"startedDateTime": "yesterday"},
        "/startedDateTime: a time is written as 2026-03-31T10:15:02",
    ),
    ({"time": "long"}, "interaction 2: /time: a number must be here"),
    ({"time": 1e300}, "interaction 2: /time: a number must be here"),
    ({"_runreel": {"upstream": "x"}}, "interaction 2: /_runreel/upstream: this is no upstream"),
    (
        {"_runreel": {"upstream": "https://h", "recorded_at": "2026-03-31T10:15:02Z"}},
        "interaction 2: /request/url: it does not begin with https://h, its upstream",
    ),
    (
        {"_runreel": {"upstream": "https://h", "recorded_at": "today"}},
        "interaction 2: /_runreel/recorded_at: a time is written as 2026-03-31T10:15:02Z",
    ),
    ({"_runreel": []}, "interaction 2: /_runreel: an object must be here"),
]


@pytest.mark.parametrize(("changes", "words"), ENTRIES)
def test_an_entry_that_cannot_be_one_is_named(
    refused: Refused, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = har(tmp_path / "bad.har", har_entry(), har_entry(**changes))

    assert words in refused(path)


@pytest.mark.parametrize("size", [100 * 1024**2, 2 * 1024**4])
def test_more_than_64_mib_is_not_even_read(refused: Refused, tmp_path: Path, size: int) -> None:
    path = tmp_path / "large.har"
    path.touch()
    os.truncate(path, size)  # all holes: it takes no room, but no memory could hold the second

    assert refused(path) == "larger than 67,108,864 bytes; split it"
    assert importer.FILE_BYTES_MAX == 67_108_864


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not readable as JSON: "),
        (b'{"log": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"log": {}, "log": {}}', "/log: this member stands twice in its object"),
        (b'{"log": {"entries": [{"time": NaN}]}}', "/log/entries/0/time: NaN is not JSON"),
        (b'{"log": "\xff"}', "not UTF-8 at byte 9"),
        (b'{"log": []}', "/log: an object must be here"),
        (b'{"log": {"entries": [7]}}', "interaction 1: an object must be here"),
        (b"", "it is none of these: "),
    ],
)
def test_broken_json_is_named(refused: Refused, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.har"
    path.write_bytes(content)

    assert words in refused(path)


def test_one_bad_file_stops_all(refused: Refused, tmp_path: Path) -> None:
    good = [vcrpy(tmp_path / "a.yaml"), ruby(tmp_path / "b.yml"), har(tmp_path / "c.har")]
    bad = har(tmp_path / "d.har", har_entry(response_status=99))

    assert "interaction 1: /response/status" in refused(*good, bad)


def test_what_is_no_file_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "folder.har").mkdir()

    assert refused(tmp_path / "folder.har") == "cannot be read: Is a directory"
    assert refused(tmp_path / "nothing.har", code=2) == "there is no such file"


def test_a_broken_base64_in_a_file_of_ruby_is_named(refused: Refused, tmp_path: Path) -> None:
    broken = {"base64_string": base64.b64encode(b"abc").decode()[:-1]}
    response = {"status": {"code": 200}, "headers": {}, "body": broken}

    said = refused(ruby(tmp_path / "bad.yml", response=response))

    assert said.startswith("interaction 1: /response/body/base64_string: base64 that cannot")
