"""How servers on pydantic 1 read a request: more kindly than JSON schema would.

Owns the conversions that a client could rely on: a number or a boolean where a text is expected,
and anything that Python's `dict()` takes (an empty list, an empty text, a list of pairs) for an
object. Where pydantic 2 itself converts as pydantic 1 did, it is left to it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


def text(value: Any) -> Any:
    """A number or a boolean as text; anything else as it is."""
    return str(value) if isinstance(value, bool | int | float) else value


def mapping(value: Any) -> Any:
    """What `dict()` takes, as a dict; anything else as it is."""
    if value is None or isinstance(value, dict):
        return value
    try:
        return dict(value)
    except (TypeError, ValueError):
        return value


Text = Annotated[str, BeforeValidator(text)]
Mapping = Annotated[dict[str, Any], BeforeValidator(mapping)]


class Taken(BaseModel):
    """A part of a request in which more members are ignored."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _as_mapping(cls, value: Any) -> Any:
        return mapping(value)


class Closed(Taken):
    """A part of a request in which members that nobody documents are wrong."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
