"""What the models of all profiles are made of: who may have unknown members, and how unions part.

Owns the two kinds of message, sent and answered, and the marks by which a union tells its members
apart. Knows no operation and no dialect.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

# Before each tag of a union, so that no member of a document is called like one: pydantic puts
# tags among the steps of an error's location, and they have to be told from the steps.
TAG = "tag:"


class Sent(BaseModel):
    """A part of a request: members that nobody documents are wrong."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Answered(BaseModel):
    """A part of a response, or of a request that may be anything beside: more is welcome."""

    model_config = ConfigDict(extra="allow", strict=True, defer_build=True)


def by_type(value: Any) -> str | None:
    """The tag of an object: its member `type`; None if it has none that is a string."""
    kind = value.get("type") if isinstance(value, dict) else None
    return f"{TAG}{kind}" if isinstance(kind, str) else None


def text_or_object(value: Any) -> str:
    """The tag of what is a word or an object."""
    return f"{TAG}object" if isinstance(value, dict) else f"{TAG}text"


def text_or_by_type(value: Any) -> str | None:
    """The tag of what is a word (the bare mark) or an object with a `type`."""
    return by_type(value) if isinstance(value, dict) else TAG


def text_or_parts(value: Any) -> str:
    """The tag of what is a text or a list of parts."""
    return f"{TAG}parts" if isinstance(value, list) else f"{TAG}text"
