"""The objects of the API as JSON documents, with the members and the order that real ones have.

Owns what a new object looks like. Source: recordings of March 2026. What happens to objects later
is `operations`.
"""

from typing import Any

from runreel.assistants.dialect import Json

MODEL = "gpt-4o"  # of an assistant that came into being by being named
RUN_EXPIRES_S = 600
_AUTO: Json = {"type": "auto", "last_messages": None}


def thread(name: str, now: int, sent: Json) -> Json:
    """A thread, as `POST /threads` answers it."""
    return {
        "id": name,
        "object": "thread",
        "created_at": now,
        "metadata": sent.get("metadata") or {},
        "tool_resources": sent.get("tool_resources") or {},
    }


def assistant(name: str, now: int, sent: Json) -> Json:
    """An assistant, as `POST /assistants` answers it."""
    return {
        "id": name,
        "object": "assistant",
        "created_at": now,
        "name": sent.get("name"),
        "description": sent.get("description"),
        "model": sent.get("model") or MODEL,
        "instructions": sent.get("instructions"),
        "tools": sent.get("tools") or [],
        "top_p": _or(sent, "top_p", 1.0),
        "temperature": _or(sent, "temperature", 1.0),
        "reasoning_effort": sent.get("reasoning_effort"),
        "tool_resources": sent.get("tool_resources") or {},
        "metadata": sent.get("metadata") or {},
        "response_format": _or(sent, "response_format", "auto"),
    }


def file(name: str, now: int, sent: Json) -> Json:
    """A file, as `POST /files` answers it; `sent` has its name, purpose and size in bytes."""
    return {
        "id": name,
        "object": "file",
        "bytes": sent.get("bytes", 0),
        "created_at": now,
        "filename": sent.get("filename"),
        "purpose": sent.get("purpose"),
        "status": "uploaded",
        "status_details": None,
    }


def conversation(name: str, now: int, sent: Json) -> Json:
    """A conversation, as `POST /conversations` answers it."""
    return {
        "id": name,
        "object": "conversation",
        "created_at": now,
        "metadata": sent.get("metadata") or {},
    }


def message(name: str, now: int, thread_id: str, sent: Json) -> Json:
    """A message, as `POST /threads/{id}/messages` answers it."""
    content = sent.get("content", "")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {
        "id": name,
        "object": "thread.message",
        "created_at": now,
        "assistant_id": sent.get("assistant_id"),
        "thread_id": thread_id,
        "run_id": sent.get("run_id"),
        "role": sent.get("role", "user"),
        "content": [_part(part) for part in parts],
        "attachments": sent.get("attachments") or [],
        "metadata": sent.get("metadata") or {},
    }


def _part(part: Json) -> Json:
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return text_part(part["text"])
    return part


def text_part(text: str) -> Json:
    """Text as a part of a message."""
    return {"type": "text", "text": {"value": text, "annotations": []}}


def streamed(document: Json, status: str, now: int | None) -> Json:
    """A message as it stands in the events of a stream; `now` is when it was completed."""
    known = dict(document)
    rest = {name: known.pop(name) for name in ("role", "content", "attachments", "metadata")}
    cut = status == "incomplete"
    return {
        **known,
        "status": status,
        "incomplete_details": {"reason": "max_tokens"} if cut else None,
        "incomplete_at": now if cut else None,
        "completed_at": None if cut else now,
        **rest,
        "content": rest["content"] if status != "in_progress" else [],
    }


def run(name: str, now: int, thread_id: str, helper: Json, sent: Json) -> Json:
    """A new run of the assistant `helper`, as `POST /threads/{id}/runs` answers it."""
    instructions = sent.get("instructions")
    if instructions is None:
        instructions = helper["instructions"]
    added = sent.get("additional_instructions")
    instructions = "\n\n".join(text for text in (instructions, added) if text)
    tools = sent.get("tools")
    return {
        "id": name,
        "object": "thread.run",
        "created_at": now,
        "assistant_id": helper["id"],
        "thread_id": thread_id,
        "status": "queued",
        "started_at": None,
        "expires_at": now + RUN_EXPIRES_S,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "model": sent.get("model") or helper["model"],
        "instructions": instructions,
        "tools": helper["tools"] if tools is None else tools,
        "tool_resources": sent.get("tool_resources") or helper["tool_resources"],
        "metadata": sent.get("metadata") or {},
        "temperature": _or(sent, "temperature", helper["temperature"]),
        "top_p": _or(sent, "top_p", helper["top_p"]),
        "reasoning_effort": sent.get("reasoning_effort") or helper["reasoning_effort"],
        "max_completion_tokens": sent.get("max_completion_tokens"),
        "max_prompt_tokens": sent.get("max_prompt_tokens"),
        "truncation_strategy": _AUTO | (sent.get("truncation_strategy") or {}),
        "incomplete_details": None,
        "usage": None,
        "response_format": _or(sent, "response_format", helper["response_format"]),
        "tool_choice": _or(sent, "tool_choice", "auto"),
        "parallel_tool_calls": _or(sent, "parallel_tool_calls", True),
    }


def step(name: str, now: int, of: Json, details: Json) -> Json:
    """A new step of the run `of`; its type is that of its details."""
    return {
        "id": name,
        "object": "thread.run.step",
        "created_at": now,
        "run_id": of["id"],
        "assistant_id": of["assistant_id"],
        "thread_id": of["thread_id"],
        "type": details["type"],
        "status": "in_progress",
        "cancelled_at": None,
        "completed_at": None,
        "expires_at": of["created_at"] + RUN_EXPIRES_S,
        "failed_at": None,
        "last_error": None,
        "step_details": details,
        "usage": None,
    }


def usage(prompt: str, completion: str) -> Json:
    """Tokens, of which the simulator counts one a word."""
    read, written = len(prompt.split()), len(completion.split())
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def deleted(document: Json) -> Json:
    """What a delete answers."""
    return {"id": document["id"], "object": f"{document['object']}.deleted", "deleted": True}


def _or(sent: Json, name: str, default: Any) -> Any:
    value = sent.get(name)
    return default if value is None else value
