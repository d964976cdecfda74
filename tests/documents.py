"""The documents beside the project: real runs, the API's own specification, recordings of others.

They are read in place and never copied. Without them a test is skipped by name; CI has them.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

STREAM = "vcr/test_streaming_new_assistant.yaml"
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


def recorded_stream() -> bytes:
    """The body of a real stream of 2026."""
    text = (DATA / STREAM).read_text(encoding="utf-8")
    body: str = yaml.safe_load(text)["interactions"][4]["response"]["body"]["string"]
    return body.encode()
