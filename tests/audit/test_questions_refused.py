"""Questions that cannot be answered: the log is damaged, or an option cannot be meant."""

from pathlib import Path

import pytest

from audit_logs import a_change, a_document, written
from builders import a_cassette
from cli_tools import Tool
from runreel.cassettes.format import dump

CHANGE = a_change(1, {"stage": "a"}, {"stage": "b"}, {"stage": "b"})


@pytest.mark.parametrize("command", ["log", "stats", "show run_abc123", "blame run_abc123"])
@pytest.mark.parametrize("damage", [b"{}\n", b"no json\n", b'{"run_id":"run_abc123"', b"\xff\n"])
def test_a_question_stops_at_a_damaged_line(
    audit: Tool, tmp_path: Path, command: str, damage: bytes
) -> None:
    folder = written(tmp_path / "audit", CHANGE)
    with (folder / "metadata.jsonl").open("ab") as file:
        file.write(damage.replace(b"}", b'"run_id":"run_abc123"}'))

    ended = audit(*command.split())

    assert ended.code == 1
    assert ended.err == (
        "runreel: error: audit/metadata.jsonl:3: this line is no entry of an audit log; runreel "
        "audit verify says what is wrong with the log\n"
    )


def test_statistics_stop_where_the_chain_breaks(audit: Tool, tmp_path: Path) -> None:
    folder = written(tmp_path / "audit", [a_document(seq) for seq in (1, 2, 3)])
    first, _, third = (folder / "metadata.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "metadata.jsonl").write_bytes(first + third)

    ended = audit("stats")

    assert (ended.code, ended.out) == (1, "")
    assert "audit/metadata.jsonl:2: this entry does not follow from the one before" in ended.err


@pytest.mark.parametrize("gone", ["metadata.000001.jsonl", "metadata.jsonl"])
def test_a_question_stops_where_a_file_is_missing(audit: Tool, tmp_path: Path, gone: str) -> None:
    folder = written(tmp_path / "audit", [a_document(1)], (1,))
    (folder / "metadata.jsonl").rename(folder / "metadata.000002.jsonl")
    (folder / "metadata.jsonl").touch()
    if gone == "metadata.jsonl":
        (folder / "metadata.jsonl").unlink()
        (folder / "metadata.000002.jsonl").unlink()

    ended = audit("log")

    assert ended.code == 1
    assert f"audit/{gone}: this file is not there; runreel audit verify says" in ended.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("log --since yesterday", "--since: 'yesterday' is no time; write 2026-11-22, "),
        ("log --until 2026-13-01", "--until: '2026-13-01' is no time"),
        ("log --until 0001-01-01T00:00+14:00", "--until: '0001-01-01T00:00+14:00' is no time"),
        ("show x --at 25:00", "--at: '25:00' is no time"),
        ("log --actor bob", "--actor: 'bob' is no actor; give the first digits of one"),
        ("log --effect done", "'done' is not one of 'applied', 'partly_applied'"),
        ("log --resource file", "--resource: 'file' begins with no kind of resource; write KIND"),
        ("log --resource run_1", "KIND is one of run, thread, message, assistant, vector_store"),
        ("log --json --csv", "give either --json or --csv, not both"),
        ("log --run \udcff", "--run: '\\udcff' is not UTF-8"),
        ("show \udcff", "'\\udcff' cannot be an id: it is not UTF-8"),
        ("log --cassette x --audit y", "give either --audit DIR or --cassette NAME, not both"),
        ("stats --cassettes x", "--cassettes goes with --cassette NAME"),
        ("blame x --cassette gone", "there is no cassette 'gone'; runreel cassette list shows"),
        ("show run_1", "audit: there is nothing of 'run_1'; runreel audit log shows what there is"),
        ("show thread:x", "audit: there is nothing of 'thread:x'; runreel audit log shows"),
        ("show run_abc123 --at 2026-11-21", "of 'run_abc123' until 2026-11-21T23:59:59.999Z"),
        ("show run_1 --cassette mine", "cassette 'mine': there is nothing of 'run_1'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    audit: Tool, tmp_path: Path, command: str, words: str
) -> None:
    written(tmp_path / "audit", [a_document(1)])
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / "mine.json").write_text(dump(a_cassette()), encoding="utf-8")

    ended = audit(*command.split())

    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
