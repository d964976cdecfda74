"""What the commands tell, and what harmful texts can do there: nothing."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit_logs import ACTORS, a_change, a_document, written
from builders import a_cassette, a_response, an_interaction
from cli_tools import Tool
from runreel.cassettes.format import dump
from runreel.http.messages import Interaction
from runreel.redaction.redactor import Redacted, Redaction

FORGED = 'x\n9  2026-11-22T10:00:00.000Z  modifyRun\r\x1b[2K\u202e\u2028\x9b\u200b"  refused'


def _change(seq: int, old: Any, new: Any, **given: Any) -> list[dict[str, Any]]:
    """A change of key `stage`, with what it changed."""
    change = {"key": "stage", "change": "changed", "old": old, "new": new}
    intent, outcome = a_change(seq, {"stage": old}, {"stage": new}, {"stage": new}, **given)
    return [intent, outcome | {"changes": [change]}]


@pytest.mark.parametrize("command", ["log", "log --all", "log --csv", "log --json", "stats"])
def test_no_text_can_forge_a_line_or_steer_a_terminal(
    audit: Tool, tmp_path: Path, command: str
) -> None:
    texts = ("operation", "thread_id", "run_id", "actor", "client", "interaction", "reason")
    forged = dict.fromkeys((*texts, "session", "upstream"), FORGED)
    plain = dict.fromkeys((*texts, "session", "upstream"), "x")
    bad = {FORGED: FORGED}
    written(tmp_path / "forged", a_change(1, bad, bad, bad | {"y": FORGED}, "applied", **forged))
    written(tmp_path / "plain", a_change(1, {}, {"x": "x"}, {"x": "x"}, **plain))

    told, usual = (audit(*command.split(), "--audit", name) for name in ("forged", "plain"))

    assert (told.code, told.err) == (0, "")
    assert told.out.count("\n") == usual.out.count("\n")
    assert all(char.isprintable() or char == "\n" for char in told.out)


@pytest.mark.parametrize("command", ["show", "blame"])
def test_keys_and_values_of_a_run_cannot_forge_a_line(
    audit: Tool, tmp_path: Path, command: str
) -> None:
    written(tmp_path / "audit", [a_document(1, after={FORGED: FORGED, "b": "c"})])

    told = audit(command, "run_abc123").out

    assert told.count("\n") == {"show": 5, "blame": 3}[command]
    assert all(char.isprintable() or char == "\n" for char in told)


def test_a_text_of_several_words_stands_in_quotes(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", _change(1, "a", "b", run_id='run_1  7  "refused', status=200))

    (_, row) = audit("log").out.splitlines()

    assert (
        '  modifyRun  "run_1  7  \\"refused"  aaaaaaaa  applied  200     stage: "a" -> "b"' in row
    )


@pytest.mark.parametrize(
    ("reason", "cell"),
    [
        (
            "the request's body cannot be read as JSON",
            '"the request\'s body cannot be read as JSON"',
        ),
        ("x" * 200, '"' + "x" * 78 + "\u2026"),
        (None, ""),
    ],
)
def test_where_nobody_knows_what_was_asked_the_reason_stands_in_place_of_the_changes(
    audit: Tool, tmp_path: Path, reason: str | None, cell: str
) -> None:
    change = a_change(1, "unknown", None, "unknown", "unknown", reason=reason)
    written(tmp_path / "audit", change)

    (title, row) = audit("log").out.splitlines()

    assert row[title.index("CHANGES") :] == cell


def test_a_spreadsheet_finds_no_formula(audit: Tool, tmp_path: Path) -> None:
    names = ("client", "run_id", "interaction", "reason", "session", "upstream")
    values = ("=1+1", "+1", "-1", "@a", " =1", "\uff1d1")
    written(tmp_path / "audit", a_change(1, {}, {}, {}, **dict(zip(names, values, strict=True))))

    (row,) = csv.DictReader(io.StringIO(audit("log", "--csv").out))

    assert [row[name] for name in names] == ["'=1+1", "'+1", "'-1", "'@a", "' =1", "'\uff1d1"]


def test_csv_has_every_member_with_the_number_first(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", _change(1, "a,b", 'c"d'))

    (row,) = csv.DictReader(io.StringIO(audit("log", "--csv").out))

    assert list(row)[:4] == ["seq", "at", "kind", "operation"]
    assert len(row) == 22
    assert (row["seq"], row["intent"], row["reason"]) == ("2", "1", "")
    assert row["before"] == '{"stage":"a,b"}'
    assert row["changes"] == '[{"change":"changed","key":"stage","new":"c\\"d","old":"a,b"}]'


def test_a_script_gets_each_entry_as_it_stands(audit: Tool, tmp_path: Path) -> None:
    folder = written(tmp_path / "audit", _change(1, "a", "ü"))

    told = [json.loads(line) for line in audit("log", "--all", "--json").out.splitlines()]

    stands = (folder / "metadata.jsonl").read_bytes().splitlines()
    assert told == [json.loads(line) for line in stands]


def test_a_change_without_outcome_comes_last(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", [_change(1, "a", "b")[0], *_change(2, "a", "c")])

    (_, concluded, waiting) = audit("log").out.splitlines()

    assert concluded.split()[0] == "3"
    assert waiting.split()[0] == "1"
    assert "  no outcome  " in waiting


def test_an_outcome_beyond_the_time_asked_for_concludes_its_intent(
    audit: Tool, tmp_path: Path
) -> None:
    written(tmp_path / "audit", _change(1, "a", "b"))

    assert audit("log", "--until", "2026-11-22T03:00:01Z").out == ""


def test_metadata_that_looks_like_a_time_hides_no_entry(audit: Tool, tmp_path: Path) -> None:
    nested = {"at": "1999-01-01T00:00:00.000Z"}
    written(tmp_path / "audit", a_change(1, {}, {"x": nested}, {"x": nested}))

    told = audit("log", "--since", "2026-11-22", "--json").out

    assert json.loads(told)["seq"] == 2


def test_values_are_found_as_text_and_as_json(audit: Tool, tmp_path: Path) -> None:
    values = [3, "3", {"a": ['"']}, "ü\n", True]
    documents = [each for at, value in enumerate(values) for each in _change(at * 2 + 1, 0, value)]
    gone = {"key": "stage", "change": "removed", "old": "0", "new": None}
    written(tmp_path / "audit", [*documents, a_document(11, changes=[gone])])

    found = {
        asked: [
            json.loads(line)["seq"]
            for line in audit("log", "--value", asked, "--json").out.splitlines()
        ]
        for asked in ("3", '{"a":["\\""]}', "ü\n", "true", "0", "null")
    }

    assert found == {
        "3": [2, 4],
        '{"a":["\\""]}': [6],
        "ü\n": [8],
        "true": [10],
        "0": [],
        "null": [],
    }


def test_a_long_value_is_cut_in_the_table_only(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", _change(1, "a", "b" * 512))

    table, as_json = audit("log").out, audit("log", "--json").out

    assert f'stage: "a" -> "{"b" * 78}…\n' in table
    assert f'"new": "{"b" * 512}"' in as_json


def test_a_recording_that_its_client_never_got_is_a_change_all_the_same(
    audit: Tool, tmp_path: Path
) -> None:
    answer = a_response(b'{"id":"run_abc123","metadata":{"stage":"a"}}')
    taken = an_interaction(response=answer).value
    gone = Redaction().interaction(taken.request, replace(taken, client_gone=True))
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / "mine.json").write_text(dump(a_cassette(gone)), encoding="utf-8")

    entry = json.loads(audit("log", "--cassette", "mine", "--json").out)

    assert (entry["effect"], entry["reason"]) == (
        "applied",
        "the client had left before the answer",
    )
    assert (entry["actor"], entry["interaction"]) == (None, "modifyRun-00000000")
    assert (entry["at"], entry["upstream"]) == (
        "2026-03-31T10:15:02.000Z",
        "https://api.openai.com",
    )


def test_recordings_are_told_in_the_order_of_time(audit: Tool, tmp_path: Path) -> None:
    def at(hour: int) -> Redacted[Interaction]:
        body = b'{"id":"run_abc123","metadata":{"stage":"%d"}}' % hour
        taken = an_interaction(response=a_response(body), name=f"taken-{hour}").value
        later = replace(taken, recorded_at=taken.recorded_at.replace(hour=hour))
        return Redaction().interaction(later.request, later)

    (tmp_path / "cassettes").mkdir()
    kept = dump(a_cassette(at(12), at(11), at(13)))
    (tmp_path / "cassettes" / "mine.json").write_text(kept, encoding="utf-8")

    told = audit("log", "--cassette", "mine", "--json").out.splitlines()

    assert [json.loads(line)["interaction"] for line in told] == [
        "taken-11",
        "taken-12",
        "taken-13",
    ]


def test_who_sent_no_credential_is_nobody(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "audit", [*_change(1, 0, 1, actor=None), *_change(3, 1, 2)])

    found = [
        json.loads(audit("log", "--actor", name, "--json").out)["seq"]
        for name in ("none", "aaaa", ACTORS[0].upper().replace("HMAC-SHA", "hmac-sha"))
    ]

    assert found == [2, 4, 4]


def test_the_configuration_says_where_the_log_is(audit: Tool, tmp_path: Path) -> None:
    written(tmp_path / "books", [a_document(1)])
    (tmp_path / "runreel.toml").write_text('[audit]\npath = "books"\n', encoding="utf-8")

    assert audit("stats").out.startswith("1 entry: 0 intents, 0 outcomes, 1 observation\n")
    assert audit("verify").code == 0


def test_a_run_that_no_answer_showed_is_unknown(audit: Tool, tmp_path: Path) -> None:
    lost = a_change(1, "unknown", {"stage": "b"}, "unknown", "unknown", status=None)
    written(tmp_path / "audit", lost)

    assert audit("show", "run_abc123").out == (
        "run_abc123 of thread_abc123, as last known\n"
        "its metadata is unknown: no answer showed it\n"
        'entry 2 asked for {"stage":"b"} at 2026-11-22T03:00:02.000Z, and nobody knows what came '
        "of it\n"
    )


def test_an_upstream_that_replaces_is_told_by_what_it_did(audit: Tool, tmp_path: Path) -> None:
    replaced = a_change(1, {"a": "1"}, {"b": "2"}, {"b": "2"}, upstream="http://one")
    merged = a_change(3, {"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}, upstream="http://two")
    both = [
        *a_change(5, {"a": "1"}, {"b": "2"}, {"b": "2"}, upstream="http://three"),
        *a_change(7, {"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}, upstream="http://three"),
    ]
    neither = a_change(9, "unknown", {"b": "2"}, {"b": "2"}, upstream="http://four")
    written(tmp_path / "audit", [*replaced, *merged, *both, *neither])

    upstreams = json.loads(audit("stats", "--json").out)["upstreams"]

    assert {name: found["manner"] for name, found in upstreams.items()} == {
        "http://one": "replaces",
        "http://two": "merges",
        "http://three": "merges and replaces",
        "http://four": "unknown",
    }
