"""The documents beside the project: real runs, the API's own specification, recordings of others.

They are read in place and never copied. Without them a test is skipped by name; CI has them.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def needs(name: str) -> pytest.MarkDecorator:
    missing = not (DATA / name).exists() and "CI" not in os.environ
    return pytest.mark.skipif(missing, reason=f"shared/data/{name} is not beside this checkout")


def recorded_runs(*years: str) -> list[dict[str, Any]]:
    """The real runs of these years."""
    lines = (DATA / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [record["run"] for record in records if record["recorded"][:4] in years]


def specified(name: str) -> dict[str, Any]:
    """A schema of OpenAI's document."""
    text = (DATA / "openapi-runs.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)["components"]["schemas"][name]
    return schema


def recorded_stream() -> list[tuple[str, bytes]]:
    """The events of a real stream of 2026: name and data of each."""
    text = (DATA / "vcr" / "test_streaming_new_assistant.yaml").read_text(encoding="utf-8")
    match = re.search(r"string: '(event: (?:[^']|'')*)'\n", text)
    assert match is not None
    # A quoted text in YAML: lines are folded into one, an empty line is the end of a line.
    lines = re.sub(r" *\n *", "\n", match[1].replace("''", "'"))
    folded = re.sub(r"(?<!\n)\n(?!\n)", " ", lines)
    unfolded = re.sub(r"\n(\n+)", r"\1", folded)
    events = (event.split("\n") for event in unfolded.strip().split("\n\n"))
    return [
        (name.removeprefix("event: "), data.removeprefix("data: ").encode())
        for name, data in events
    ]
