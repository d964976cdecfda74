"""What `runreel explain` is asked with: requests as a cassette has them, and receipts."""

import json
from pathlib import Path
from typing import Any

from builders import TARGET


def written(folder: Path, name: str, content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def a_request_object(stage: str = "a") -> dict[str, Any]:
    return {
        "method": "POST",
        "target": TARGET,
        "headers": ["OpenAI-Beta: assistants=v2"],
        "body": {"json": {"metadata": {"stage": stage}}, "layout": "compact"},
    }


def a_receipt(cassette: str, *missed: dict[str, Any], sessions: list[Any] | None = None) -> Any:
    return {"cassette": cassette, "missed": list(missed), "sessions": sessions or []}


def a_missed(stage: str, code: str = "no_matching_interaction") -> dict[str, Any]:
    return {"code": code, "request": a_request_object(stage)}
