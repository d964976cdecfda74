"""Metadata as OpenAI limits it; the limits are prose in its document, not schema."""

from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import InitErrorDetails

PAIRS_MAX = 16
NAME_CHARS_MAX = 64  # code points, as the API counts
VALUE_CHARS_MAX = 512


def counted(value: Any, check_pairs: ValidatorFunctionWrapHandler) -> Any:
    """Limit the number of pairs, whatever the pairs are; `max_length` is silent if one is wrong."""
    if not isinstance(value, dict) or len(value) <= PAIRS_MAX:
        return check_pairs(value)
    limit = {"field_type": "Object", "max_length": PAIRS_MAX, "actual_length": len(value)}
    wrong = [InitErrorDetails(type="too_long", ctx=limit, input=value)]
    try:
        check_pairs(value)
    except ValidationError as error:
        wrong += [
            InitErrorDetails(
                type=item["type"], loc=item["loc"], ctx=item.get("ctx", {}), input=item["input"]
            )
            for item in error.errors(include_url=False)
        ]
    raise ValidationError.from_exception_data("metadata", wrong)


Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=NAME_CHARS_MAX)],
        Annotated[str, Field(max_length=VALUE_CHARS_MAX)],
    ],
    WrapValidator(counted),
]
