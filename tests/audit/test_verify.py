import json
from pathlib import Path
from typing import Any

import pytest

from audit_logs import a_change, busy, chained, checkpoint, lines, written
from cli_tools import Tool
from runreel.audit.log_reader import opened

DOCUMENTS = chained(busy(30))
LAST = checkpoint(DOCUMENTS[29]).decode().removesuffix("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "audit", busy(30), (10, 30))


def _rotate(folder: Path) -> None:
    """The same log in three files, ten entries each."""
    content = (folder / "metadata.jsonl").read_bytes().splitlines(keepends=True)
    names = ("metadata.000001.jsonl", "metadata.000002.jsonl", "metadata.jsonl")
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"".join(content[number * 10 : number * 10 + 10]))


def test_a_whole_log_is_said_to_be_so_with_what_to_keep_elsewhere(
    audit: Tool, folder: Path
) -> None:
    ended = audit("verify")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "runreel: 30 entries, each following from the one before, verified against 2 checkpoints\n"
        "Keep this line where nobody who can change the log can change it, for --anchor:\n"
        f"{LAST}\n"
    )
    assert audit("verify", "--audit", str(folder), "--anchor", LAST).code == 0


def test_what_no_checkpoint_protects_is_said(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", busy(30), (10,))
    written(tmp_path / "other", busy(30))

    since, ever = audit("verify"), audit("verify", "--audit", "other")

    what = "yet: if later entries were cut off, nothing shows it.\n"
    assert f"There is no checkpoint after entry 10 {what}" in since.out
    assert f"There is no checkpoint {what}" in ever.out


def test_the_chain_goes_through_all_files(audit: Tool, folder: Path) -> None:
    _rotate(folder)

    whole = audit("verify")
    (folder / "metadata.000001.jsonl").rename(folder / "kept")
    (folder / "metadata.000002.jsonl").rename(folder / "metadata.000001.jsonl")
    (folder / "kept").rename(folder / "metadata.000002.jsonl")
    swapped = audit("verify")

    assert whole.code == 0
    assert swapped.out.startswith(
        "audit/metadata.000001.jsonl:1: entry 1 says to be entry 11 where entry 1 is due: entries "
        "were taken out, put in, or moved\n"
    )


@pytest.mark.parametrize(
    ("number", "first"),
    [
        (1, "audit/metadata.000001.jsonl: this file of the log is not there"),
        (2, "audit/metadata.jsonl:1: entry 11 says to be entry 21 where entry 11 is due: entries"),
    ],
)
def test_a_missing_file_is_noticed(audit: Tool, folder: Path, number: int, first: str) -> None:
    _rotate(folder)
    (folder / f"metadata.00000{number}.jsonl").unlink()

    ended = audit("verify")

    assert ended.code == 1
    assert ended.out.startswith(first)


def test_a_missing_end_is_told_by_the_checkpoint(audit: Tool, folder: Path) -> None:
    _rotate(folder)
    (folder / "metadata.jsonl").unlink()

    ended = audit("verify")

    assert ended.code == 1
    assert ended.out == (
        "audit/metadata.jsonl: this file of the log is not there\n"
        "audit/checkpoints.log:2: this checkpoint of 2026-11-22T03:00:30.000Z counts 30 entries, "
        "but the log ends with entry 20: its end was cut off\n"
        "runreel: nothing is proved after entry 10\n"
    )


def test_an_empty_log_with_checkpoints_was_cut_off(audit: Tool, folder: Path) -> None:
    (folder / "metadata.jsonl").write_bytes(b"")

    ended = audit("verify")

    assert ended.code == 1
    assert ended.out.startswith("audit/checkpoints.log:1: this checkpoint of ")
    assert "counts 10 entries, but the log ends with entry 0: its end was cut off" in ended.out


def test_an_empty_log_is_whole(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", [])

    ended = audit("verify")

    assert (ended.code, ended.out[:19]) == (0, "runreel: 0 entries,")


def _of(document: dict[str, Any], **other: Any) -> str:
    return checkpoint(document | other).decode()


@pytest.mark.parametrize(
    ("anchor", "sentence"),
    [
        (_of(DOCUMENTS[19], hash="1" * 64), "has another hash for entry 20: that entry or one aft"),
        (_of(DOCUMENTS[29], seq=31), "counts 31 entries, but the log ends with entry 30: its end"),
        (_of(DOCUMENTS[0], seq=0), "has another hash for entry 0"),
    ],
)
def test_an_anchor_that_is_not_met_is_a_finding(
    audit: Tool, folder: Path, anchor: str, sentence: str
) -> None:
    (folder.parent / "kept.json").write_text(anchor)

    by_file, by_text = audit("verify", "--anchor", "kept.json"), audit("verify", "--anchor", anchor)

    assert by_file == by_text
    assert by_file.code == 1
    assert by_file.out.startswith("the anchor of 2026-11-22T03:00:")
    assert sentence in by_file.out


def test_an_anchor_is_met_even_if_every_checkpoint_is_gone(audit: Tool, folder: Path) -> None:
    (folder / "checkpoints.log").unlink()
    spaced = json.dumps(json.loads(_of(DOCUMENTS[14])), indent=1)

    ended = audit("verify", "--anchor", spaced)

    assert ended.code == 0
    assert "verified against 0 checkpoints and the anchor\n" in ended.out


@pytest.mark.parametrize(
    "anchor",
    ["gone.json", "{}", LAST.replace("}", ',"x":1}'), '{"at":"","hash":"x","size":1}', "{", "\0"],
)
def test_what_is_no_anchor_is_refused(audit: Tool, folder: Path, anchor: str) -> None:
    ended = audit("verify", "--audit", str(folder), "--anchor", anchor)

    assert (ended.code, ended.out) == (2, "")
    assert "one line of checkpoints.log" in ended.err


def _change(seq: int = 1, **given: Any) -> list[dict[str, Any]]:
    return a_change(seq, {}, {"a": "b"}, {"a": "b"}, **given)


def test_a_change_without_outcome_is_a_finding_of_its_own_kind(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", [*_change(), _change(3)[0]])

    told, as_json = audit("verify"), json.loads(audit("verify", "--json").out)

    assert told.code == 1
    assert told.out.startswith(
        "audit/metadata.jsonl:3: entry 3: this change has no outcome: runreel is still at it, or "
        "was killed; its next start closes the books\n"
        "runreel: 3 entries, each following from the one before, verified against 0 checkpoints\n"
    )
    assert [finding["kind"] for finding in as_json["findings"]] == ["open_intent"]
    assert as_json["intact"] is False


def test_scripts_get_one_json_object(audit: Tool, folder: Path) -> None:
    whole = json.loads(audit("verify", "--json").out)
    content = (folder / "metadata.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "metadata.jsonl").write_bytes(b"".join(content[:6] + content[7:]))
    broken = json.loads(audit("verify", "--json").out)

    assert whole == {
        "intact": True,
        "size": 30,
        "hash": DOCUMENTS[29]["hash"],
        "at": "2026-11-22T03:00:30.000Z",
        "met": 2,
        "sealed": 30,
        "findings": [],
        "anchor": LAST,
    }
    assert (broken["intact"], broken["size"], broken["anchor"]) == (False, 6, None)
    assert broken["findings"] == [
        {
            "kind": "entry",
            "file": "audit/metadata.jsonl",
            "line": 7,
            "seq": 7,
            "message": (
                "entry 7 says to be entry 8 where entry 7 is due: entries were taken out, put in, "
                "or moved"
            ),
        }
    ]


@pytest.mark.parametrize(
    "question", [["verify"], ["log"], ["stats"], ["show", "x"], ["blame", "x"]]
)
def test_no_log_is_said(audit: Tool, question: list[str]) -> None:
    ended = audit(*question)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "runreel: error: audit: there is no audit log; name its folder with --audit DIR\n"
    )


def test_a_log_that_is_rotated_while_it_is_read_is_read_once(folder: Path) -> None:
    with opened(folder) as log:
        (folder / "metadata.jsonl").rename(folder / "metadata.000001.jsonl")
        (folder / "metadata.jsonl").write_bytes(b"")
        read = [line.content for line in log.entries]

    assert read == lines(DOCUMENTS)


def test_a_file_that_was_rotated_since_it_was_opened_is_read_once(folder: Path) -> None:
    (folder / "metadata.000001.jsonl").hardlink_to(folder / "metadata.jsonl")

    with opened(folder) as log:
        read = [line.content for line in log.entries]

    assert read == lines(DOCUMENTS)


def test_a_checkpoint_that_comes_while_the_log_is_read_does_not_count(folder: Path) -> None:
    with opened(folder) as log, (folder / "checkpoints.log").open("ab") as file:
        file.write(checkpoint(DOCUMENTS[29] | {"seq": 31}))
        file.flush()
        read = [line.content for line in log.checkpoints]

    assert read == [checkpoint(DOCUMENTS[9]), checkpoint(DOCUMENTS[29])]
