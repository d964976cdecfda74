"""Lines that are not as they were written are named, with what is wrong with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit_logs import a_change, a_document, busy, chained, lines, written
from cli_tools import Tool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "audit", busy(30), (10, 30))


Spoil = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda line: line.replace(b":", b": ", 1), "not in its canonical form"),
        (lambda line: line.replace(b"\n", b"\r\n"), "not in its canonical form"),
        (lambda line: line[:-1], "not in its canonical form (RFC 8785): it was altered or cut off"),
        (lambda line: line.replace(b'"size":30', b'"size":9'), "counts 9 entries, after one that"),
        (lambda line: line.replace(b'"size":30', b'"size":29'), "has another hash for entry 29"),
        (lambda line: line.replace(b'"hash":"', b'"hash":"0'), "is no checkpoint, which has at"),
        (lambda line: line.replace(b"2026", b"MMXX"), "has no time"),
        (lambda line: line.replace(b"}", b',"to":1}'), "is no checkpoint, which has at"),
        (lambda _: b"\xff\n", "is not UTF-8 at byte 1"),
        (lambda _: b"[]\n", "is no JSON object"),
    ],
)
def test_a_spoilt_checkpoint_is_named(
    audit: Tool, folder: Path, spoil: Spoil, sentence: str
) -> None:
    path = folder / "checkpoints.log"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + spoil(second))

    ended = audit("verify")

    assert ended.code == 1
    assert ended.out.startswith("audit/checkpoints.log:2: this checkpoint ")
    assert sentence in ended.out


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda line: line.replace(b'"seq":5', b'"seq":5.0'), "is not in its canonical form"),
        (lambda line: line.replace(b'"seq":5', b'"seq":5,"seq":5'), "is not in its canonical form"),
        (lambda line: line.replace(b'"seq":5', b'"seq":NaN'), "has no canonical form"),
        (lambda line: line.replace(b'"seq":5,', b""), "lacks the member seq"),
        (lambda line: line.replace(b'"seq":5', b'"more":5,"seq":5'), "a member that no entry has"),
        (lambda line: line.replace(b"\n", b"\r\n"), "is not in its canonical form"),
        (lambda line: line.replace(b"run_0", b"run_1"), "does not have the hash that it says"),
        (lambda line: b"[" * 100_000 + line, "is not JSON"),
        (lambda line: b"\xef\xbb\xbf" + line, "is not JSON"),
        (lambda _: b" " * 5_000_000, "is longer than 4,194,304 bytes"),
        (lambda _: b"\n", "is not JSON"),
    ],
)
def test_a_spoilt_entry_is_named(audit: Tool, folder: Path, spoil: Spoil, sentence: str) -> None:
    path = folder / "metadata.jsonl"
    content = path.read_bytes().splitlines(keepends=True)
    content[4] = spoil(content[4])
    path.write_bytes(b"".join(content))

    ended = audit("verify")

    assert ended.code == 1
    first, last = ended.out.splitlines()
    assert first.startswith("audit/metadata.jsonl:5: entry 5 ")
    assert sentence in first
    assert last == "runreel: nothing is proved after entry 0"


def _change(seq: int = 1, **given: Any) -> list[dict[str, Any]]:
    return a_change(seq, {}, {"a": "b"}, {"a": "b"}, **given)


@pytest.mark.parametrize(
    ("documents", "where", "sentence"),
    [
        ([*_change(), _change(2)[1] | {"intent": 1}], 3, "entry 1, which is no intent that waits"),
        ([_change(0)[1]], 1, "is the outcome of entry 0, which is no intent"),
        ([_change()[1] | {"seq": 1, "intent": None}], 1, "is the outcome of entry None, which"),
        ([a_document(1, intent=1)], 1, "is no outcome, but says which intent it concludes"),
        ([a_document(1) | {"seq": True}], 1, "says to be entry True where entry 1 is due"),
        ([a_document(1, kind="rumour")], 1, "is of no kind that there is: 'rumour'"),
        ([a_document(1, at="today")], 1, "has no time"),
    ],
)
def test_entries_that_do_not_fit_together_are_named(
    audit: Tool, tmp_path: Path, documents: list[dict[str, Any]], where: int, sentence: str
) -> None:
    written(tmp_path / "audit", documents)

    ended = audit("verify")

    assert ended.code == 1
    assert ended.out.startswith(f"audit/metadata.jsonl:{where}: entry {where} ")
    assert sentence in ended.out


def test_an_entry_that_was_altered_with_its_hash_is_told_by_the_next(
    audit: Tool, folder: Path
) -> None:
    path = folder / "metadata.jsonl"
    content = path.read_bytes().splitlines(keepends=True)
    fifth = chained(busy(30))[4] | {"client": "curl/8"}
    content[4] = lines(chained([fifth], fifth["prev"]))[0]
    path.write_bytes(b"".join(content))

    ended = audit("verify")

    assert ended.code == 1
    assert ended.out.startswith(
        "audit/metadata.jsonl:6: entry 6 does not follow from the entry before: one of the two was "
        "altered\n"
    )


def test_a_line_without_its_end_is_named(audit: Tool, folder: Path) -> None:
    content = (folder / "metadata.jsonl").read_bytes()
    (folder / "metadata.jsonl").write_bytes(content[:-1])

    ended = audit("verify")

    assert ended.out.startswith(
        "audit/metadata.jsonl:30: entry 30 has no end of line: it was cut off, or is just being "
        "written\n"
    )
