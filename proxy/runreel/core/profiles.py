"""Profiles: the dialects of the API.

Owns `Profile`, the seam between dialects: models by operation, known deviations, wording and
refusals. A new dialect is one more value in `PROFILES`; nothing else asks which one it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from runreel.core import jsontext
from runreel.core.messages import Violation
from runreel.core.schemas import openai


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a body: where, which rule, in plain words, and the offending value."""

    at: str
    rule: str
    message: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the real API answers to an invalid request: a status and a JSON body."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """A dialect of the API: its models by operation, its wording, its refusals.

    A new dialect is one more value of this type in `PROFILES`; nothing else asks which it is.
    """

    name: str
    requests: Mapping[str, type[BaseModel]]
    responses: Mapping[str, type[BaseModel]]
    known_deviations: frozenset[tuple[str, str]]
    word: Callable[[Finding], str]
    refuse: Callable[[Violation], Refusal]


def kind_of(value: Any) -> str:
    """A JSON value's type in words, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _openai_word(finding: Finding) -> str:
    """OpenAI's own sentence for a finding of a request (contract 1.5); ours where none is known."""
    param = _param(finding.at)
    match finding.rule:
        case "json":
            return f"We could not parse the JSON body of your request: it is {finding.message}."
        case "unknown":
            return f"Unknown parameter: '{param}'."
        case "max_items":
            return (
                f"Invalid '{param}': too many properties. Expected an object with at most "
                f"{openai.METADATA_PAIRS_MAX} properties, but got an object with "
                f"{len(finding.value)} properties instead."
            )
        case "max_name_length":
            name = finding.value
            return (
                f"Invalid property name in 'metadata': '{name[:3]}...{name[-3:]}' is too long. "
                f"Expected a string with maximum length {openai.METADATA_NAME_CHARS_MAX}, but got "
                f"a string with length {len(name)} instead."
            )
        case "max_length":
            return (
                f"Invalid '{param}': string too long. Expected a string with maximum length "
                f"{openai.METADATA_VALUE_CHARS_MAX}, but got a string with length "
                f"{len(finding.value)} instead."
            )
        case _ if not param:
            return f"Invalid request body: {finding.message} instead."
    expected = "a metadata object" if param == "metadata" else "a string"
    got = kind_of(finding.value)
    return f"Invalid type for '{param}': expected {expected}, but got {got} instead."


def _param(at: str) -> str:
    return ".".join(jsontext.steps(at))


def _openai_refusal(violation: Violation) -> Refusal:
    error = {
        "message": violation.message,
        "type": "invalid_request_error",
        "param": _param(violation.at) or None,
        "code": _OPENAI_CODES[violation.rule],
    }
    return Refusal(400, {"error": error})


_OPENAI_CODES = {
    "json": "invalid_json",
    "type": "invalid_type",
    "unknown": "unknown_parameter",
    "max_items": "object_above_max_properties",
    "max_length": "string_above_max_length",
    "max_name_length": "property_name_above_max_length",
}

OPENAI = Profile(
    name="openai",
    requests={"modifyRun": openai.ModifyRunRequest},
    responses={"modifyRun": openai.Run, "getRun": openai.Run},
    known_deviations=openai.KNOWN_DEVIATIONS,
    word=_openai_word,
    refuse=_openai_refusal,
)

PROFILES = {profile.name: profile for profile in (OPENAI,)}
