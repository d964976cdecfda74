"""Recordings of other tools for tests: small files of our own making, and the shared real ones."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders import FAKE_KEY
from runreel.assistants.openai import OPENAI
from runreel.cassettes import interactions, load
from runreel.cassettes.format import Cassette
from runreel.cli import main
from runreel.http.messages import Interaction
from runreel.importers.importer import Adoption, Source, parse, plan
from runreel.redaction.redactor import Redaction

SHARED = Path(__file__).parents[2] / "shared/data/vcr"
URL = "https://api.example.com/v1/threads/thread_abc123/runs/run_abc123"
RUN = '{"id": "run_abc123"}'


def shared(name: str) -> Path:
    """A real recording among the project's shared documents, which is never copied here."""
    path = SHARED / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail("CI has to provide the shared documents")
        pytest.skip("the shared documents are not beside the project")
    return path


def vcr_interaction(**changes: Any) -> dict[str, Any]:
    """An interaction as vcrpy writes it; `changes` are parts of request or response."""
    request = {
        "method": "POST",
        "uri": URL,
        "body": '{"metadata":{"stage":"a"}}',
        "headers": {"Content-Type": ["application/json"], "Authorization": [f"Bearer {FAKE_KEY}"]},
    }
    response = {
        "status": {"code": 200, "message": "OK"},
        "headers": {
            "Content-Type": ["application/json"],
            "Date": ["Tue, 31 Mar 2026 13:30:42 GMT"],
        },
        "body": {"string": RUN},
    }
    of_request = {name: changes[name] for name in changes if name in (*request, "protocol")}
    answer = {name.removeprefix("response_"): changes[name] for name in changes.keys() - of_request}
    return {"request": request | of_request, "response": response | answer}


def vcrpy(path: Path, *interactions: dict[str, Any], layout: str = "version 1") -> Path:
    """A cassette of vcrpy: YAML, or JSON where the path ends so."""
    several = list(interactions) or [vcr_interaction()]
    document = several if layout == "list" else {"interactions": several, "version": 1}
    as_json = path.suffix == ".json"
    path.write_text(json.dumps(document) if as_json else yaml.safe_dump(document), encoding="utf-8")
    return path


def ruby(path: Path, text: str = RUN, **changes: Any) -> Path:
    """A cassette of Ruby's VCR with one interaction; `changes` are its members."""
    interaction = {
        "request": {
            "method": "post",
            "uri": URL,
            "body": {"encoding": "UTF-8", "string": '{"metadata":{"stage":"a"}}'},
            "headers": {"Openai-Beta": ["assistants=v1"]},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"Content-Type": ["application/json"]},
            "body": {"encoding": "UTF-8", "string": text},
        },
        "recorded_at": "Tue, 14 Nov 2023 21:49:30 GMT",
    }
    document = {"http_interactions": [interaction | changes], "recorded_with": "VCR 6.1.0"}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def har_entry(**changes: Any) -> dict[str, Any]:
    """An entry as a browser writes it; `changes` are parts of request, response or the entry."""
    request: dict[str, Any] = {
        "method": "POST",
        "url": URL,
        "headers": [
            {"name": ":authority", "value": "api.example.com"},
            {"name": "content-type", "value": "application/json"},
            {"name": "authorization", "value": f"Bearer {FAKE_KEY}"},
        ],
        "postData": {"mimeType": "application/json", "text": '{"metadata":{"stage":"a"}}'},
    }
    response: dict[str, Any] = {
        "status": 200,
        "headers": [{"name": "content-type", "value": "application/json"}],
        "content": {"size": 20, "mimeType": "application/json", "text": RUN},
    }
    entry = {"startedDateTime": "2026-03-31T13:30:42.250Z", "time": 212.4}
    parts = {"request": request, "response": response}
    for name, value in changes.items():
        of, _, member = name.partition("_")
        if of in parts and member:
            parts[of][member] = value
        else:
            entry[name] = value
    return entry | parts


def har(path: Path, *entries: dict[str, Any]) -> Path:
    """A HAR file."""
    document = {"log": {"version": "1.2", "entries": list(entries) or [har_entry()]}}
    path.write_text("\ufeff" + json.dumps(document), encoding="utf-8")  # as some tools begin it
    return path


def adoption(**changes: Any) -> Adoption:
    """The rules of taking over, as they are without a configuration."""
    rules = Adoption(
        redaction=Redaction(),
        profile=OPENAI,
        check_request="warn",
        check_response="warn",
        decoded_bytes_max=1_000_000,
    )
    return replace(rules, **changes)


def cassette_of(content: bytes) -> Cassette:
    """The cassette that a file with this content becomes; nothing is read or written."""
    changed = datetime(2026, 4, 1, tzinfo=UTC)
    source = Source(Path("some file"), changed, parse(content, "auto", "some file"))
    (cassette,) = plan([source], adoption(), None, None).cassettes.values()
    return cassette


def folder_of(file: Path) -> Path:
    """Where `imported` puts the cassettes of a file."""
    return file.parent / "cassettes"


def imported(file: Path, *options: str) -> tuple[Interaction, ...]:
    """The interactions that the command makes of a file."""
    folder = file.parent / "cassettes"
    options = ("--to", "imported", "--cassettes", str(folder), *options)
    main.main(["cassette", "import", str(file), *options])
    return interactions(load(folder / "imported.json"))
