"""The models against OpenAI's own document, member by member.

The document says `nullable: true`, a word of OpenAPI 3.0, in a 3.1 document: a validator of 3.1
ignores it and refuses every real run. Here it is honoured, alone, beside `$ref` and in `allOf`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from documents import needs, specified
from runreel.assistants import schemas

pytestmark = needs("openapi-runs.json")

MODELS: list[tuple[str, type[BaseModel]]] = [
    ("RunObject", schemas.Run),
    ("ListRunsResponse", schemas.RunList),
    ("TruncationObject", schemas.TruncationStrategy),
    ("RunStepObject", schemas.RunStep),
    ("ListRunStepsResponse", schemas.RunStepList),
    ("RunStepDetailsToolCallsCodeObject", schemas.CodeCall),
    ("RunStepDetailsToolCallsFileSearchObject", schemas.SearchCall),
    ("RunStepDetailsToolCallsFunctionObject", schemas.StepFunctionCall),
    ("ModifyRunRequest", schemas.ModifyRunRequest),
    ("CreateRunRequest", schemas.CreateRunRequest),
    ("CreateThreadAndRunRequest", schemas.CreateThreadAndRunRequest),
    ("CreateThreadRequest", schemas.CreateThread),
    ("CreateMessageRequest", schemas.CreateMessage),
    ("SubmitToolOutputsRunRequest", schemas.SubmitToolOutputsRequest),
]

# Required by the document, and in no answer that the API ever gave.
NEVER_SENT = {"RunStepObject": {"expired_at", "metadata"}}


def may_be_null(schema: dict[str, Any]) -> bool:
    """What the document means: `nullable`, type null in `anyOf`, or any of these by reference."""
    if schema.get("nullable") or schema.get("type") == "null":
        return True
    if "$ref" in schema:
        return may_be_null(specified(schema["$ref"].rpartition("/")[2]))
    inner = [*schema.get("anyOf", ()), *schema.get("allOf", ())]
    return any(may_be_null(part) for part in inner)


def takes(model: type[BaseModel], name: str, value: object) -> bool:
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        return not any(item["loc"][:1] == (name,) for item in error.errors())
    return True


def takes_null(model: type[BaseModel], name: str) -> bool:
    """Whether the model itself takes null there; asked, not read off its annotations."""
    return takes(model, name, None)


@pytest.mark.parametrize(("schema", "model"), MODELS, ids=[name for name, _ in MODELS])
class TestEachModel:
    def test_it_has_the_documented_members(self, schema: str, model: type[BaseModel]) -> None:
        assert set(model.model_fields) == set(specified(schema)["properties"])

    def test_it_takes_null_where_the_document_means_it(
        self, schema: str, model: type[BaseModel]
    ) -> None:
        members = specified(schema)["properties"]

        assert {name for name in members if takes_null(model, name)} == {
            name for name, member in members.items() if may_be_null(member)
        }

    def test_it_requires_what_the_document_requires(
        self, schema: str, model: type[BaseModel]
    ) -> None:
        required = {name for name, field in model.model_fields.items() if field.is_required()}

        documented = set(specified(schema).get("required", ()))
        assert required == documented - NEVER_SENT.get(schema, set())

    def test_it_is_closed_where_the_document_is(self, schema: str, model: type[BaseModel]) -> None:
        closed = specified(schema).get("additionalProperties") is False

        assert (model.model_config["extra"] == "forbid") is closed


def test_the_members_of_a_run_that_may_be_null() -> None:
    assert {name for name in schemas.Run.model_fields if takes_null(schemas.Run, name)} == {
        "required_action",
        "last_error",
        "expires_at",
        "started_at",
        "cancelled_at",
        "failed_at",
        "completed_at",
        "incomplete_details",
        "metadata",
        "usage",
        "temperature",
        "top_p",
        "max_prompt_tokens",
        "max_completion_tokens",
        "truncation_strategy",
        "tool_choice",
        "response_format",
    }


def test_the_trap_without_the_honoured_word_hardly_anything_may_be_null() -> None:
    members = specified("RunObject")["properties"]

    def ignored(schema: Any) -> Any:
        if isinstance(schema, dict):
            return {key: ignored(value) for key, value in schema.items() if key != "nullable"}
        return [ignored(part) for part in schema] if isinstance(schema, list) else schema

    assert {name for name, member in members.items() if may_be_null(ignored(member))} == {
        "metadata",
        "usage",
    }


ENUMS: list[tuple[str, type[BaseModel], str, int]] = [
    ("RunStatus", schemas.Run, "status", 9),
    ("ReasoningEffort", schemas.CreateRunRequest, "reasoning_effort", 7),
    ("AssistantsApiToolChoiceOption", schemas.CreateRunRequest, "tool_choice", 3),
]


def words(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("enum", ())
    for part in schema.get("anyOf", ()):
        yield from words(part)


@pytest.mark.parametrize(("schema", "model", "name", "count"), ENUMS, ids=[row[0] for row in ENUMS])
def test_the_words_of_an_enumeration_are_the_documented_ones(
    schema: str, model: type[BaseModel], name: str, count: int
) -> None:
    documented = list(words(specified(schema)))

    assert len(documented) == count
    assert [word for word in documented if not takes(model, name, word)] == []
    assert not takes(model, name, "never a word of it")
