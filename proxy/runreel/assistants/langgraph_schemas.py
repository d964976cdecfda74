"""The models of LangGraph's threads: metadata of any JSON, UUIDs, times as text."""

from typing import Any, Literal

from runreel.assistants.schemas import Answered


class Metadata(Answered):
    """The body of the PATCH of a thread: what is to be merged; more is taken."""

    metadata: dict[str, Any] | None = None
    ttl: dict[str, Any] | None = None


class CreateThread(Metadata):
    """The body of create thread, which may bring the id of its own."""

    thread_id: str | None = None
    if_exists: Literal["raise", "do_nothing"] | None = None


class Thread(Answered):
    """A thread, with the state of its graph."""

    thread_id: str
    created_at: str
    updated_at: str
    metadata: dict[str, Any]
    status: Literal["idle", "busy", "interrupted", "error"]
    values: Any = None
