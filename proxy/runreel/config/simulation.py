"""The settings of the simulator."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from runreel.config.section import Section

# A run expires ten minutes after it was made, and has two statuses before it ends.
_STATUS_MS_MAX = 300_000


def _in_one_sentence(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        raise ValueError(
            f"must be 'poll', or milliseconds from 1 to {_STATUS_MS_MAX}, so that runs end before "
            "they expire"
        ) from None


_Status = Annotated[
    Literal["poll"] | Annotated[int, Field(ge=1, le=_STATUS_MS_MAX)],
    WrapValidator(_in_one_sentence),
]


class Simulation(Section):
    """How the simulator behaves, where it is the upstream."""

    metadata: Literal["replace", "merge"] = Field(
        "replace",
        description="what modify does; which of them OpenAI did is not settled; rubra merges",
    )
    status: _Status = Field(
        "poll", description="a run goes on when it is asked for, or after so many milliseconds"
    )
    seed: int = Field(0, description="ids and times are the same for the same seed and calls")
    lenient: bool = Field(
        False, description="threads and runs exist when they are named; no state refuses anything"
    )
    api_key: str | None = Field(None, min_length=1, description="the only key that is taken")
    objects_max: int = Field(
        100_000, gt=0, description="assistants, threads, messages, runs and steps held at once"
    )
    bytes_max: int = Field(67_108_864, gt=0, description="bytes of all of them as compact JSON")
