"""What all tables of settings have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of settings: no other names, no other values."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )
