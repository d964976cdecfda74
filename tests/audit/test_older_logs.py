"""Entries of the time when all were about runs: read, proved and gone on from."""

import json
from pathlib import Path

import pytest

from audit_logs import a_change, a_document, written
from audited import an_entry, log_in
from cli_tools import Tool
from runreel.audit.entries import ResourceId, parse_entry
from runreel.audit.store import AuditLog, Sizes

OLD = [
    a_document(1, after={"stage": "a"}),
    *a_change(2, {"stage": "a"}, {"stage": "b"}, {"stage": "b"}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of old, which was gone on with."""
    folder = written(tmp_path / "audit", OLD, (3,))
    (folder / "actor.key").write_bytes(b"k" * 32)
    (folder / "actor.key").chmod(0o600)
    log = AuditLog(folder, Sizes(1_000_000, 1_000), lambda: "2026-11-23T00:00:00.000Z")
    log.open()
    common = {"kind": "observation", "operation": "getThread", "requested": None}
    about = {"resource": ResourceId("thread", "thread_abc123"), "run_id": None}
    run = ResourceId("run", "run_abc123")
    log.append(
        [
            an_entry(**common, **about, after={"topic": "rain"}),
            an_entry(kind="observation", operation="getRun", resource=run, after={"stage": "c"}),
        ],
        durable=True,
    )
    log.close()
    assert log.notes == []
    return folder


def test_the_whole_log_is_proved(audit: Tool, folder: Path) -> None:
    ended = audit("verify")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("runreel: 5 entries, each following from the one before, verified")
    assert [entry.get("resource") for entry in log_in(folder)] == [
        None,
        None,
        None,
        {"kind": "thread", "id": "thread_abc123"},
        {"kind": "run", "id": "run_abc123"},
    ]


@pytest.mark.usefixtures("folder")
def test_an_entry_that_names_no_resource_is_about_its_run(audit: Tool) -> None:
    def of(resource: str) -> list[int]:
        told = audit("log", "--all", "--json", "--resource", resource).out
        return [json.loads(line)["seq"] for line in told.splitlines()]

    assert of("run") == of("run:run_abc123") == [1, 2, 3, 5]
    assert of("thread") == of("thread:thread_abc123") == [4]
    assert of("run:run_other") == []
    shown = json.loads(audit("show", "run_abc123", "--json").out)
    assert (shown["metadata"], shown["made_by"]) == ({"stage": "c"}, [5])
    assert audit("log").out.splitlines()[1].split()[3] == "run_abc123"


def test_a_resource_that_was_taken_out_or_put_in_is_found(audit: Tool, folder: Path) -> None:
    path = folder / "metadata.jsonl"
    whole = path.read_bytes()
    taken = b'"resource":{"id":"thread_abc123","kind":"thread"},'

    path.write_bytes(whole.replace(taken, b""))
    out = audit("verify")
    path.write_bytes(whole.replace(b'"run_id"', taken + b'"run_id"', 1))
    put = audit("verify")

    assert (out.code, put.code) == (1, 1)
    assert "entry 4 does not have the hash that it says: it was altered" in out.out + out.err
    assert "entry 1 does not have the hash that it says: it was altered" in put.out + put.err


@pytest.mark.parametrize(
    "resource", [None, "run", {}, {"kind": "run"}, {"kind": 1, "id": "r"}, {"kind": "run", "id": 1}]
)
def test_a_resource_is_a_kind_and_an_id(resource: object) -> None:
    document = a_document(1) | {"prev": "", "hash": "", "resource": resource}

    with pytest.raises(ValueError, match=r"^/resource: "):
        parse_entry(document)


def test_two_of_one_id_are_told_apart_by_their_kinds(audit: Tool, tmp_path: Path) -> None:
    both = [
        a_document(1, after={"a": "1"}, resource={"kind": "thread", "id": "x"}, run_id=None),
        a_document(2, after={"b": "2"}, resource={"kind": "run", "id": "x"}, run_id="x"),
    ]
    written(tmp_path / "audit", both)

    refused = audit("show", "x")

    assert refused.code == 2
    assert "there are several with the id 'x'; write run:x or thread:x" in refused.err
    assert json.loads(audit("show", "thread:x", "--json").out)["metadata"] == {"a": "1"}
    assert json.loads(audit("show", "run:x", "--json").out)["metadata"] == {"b": "2"}
