"""What people type is taken at its word: a section of settings that knows its keys, and nothing else."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A section of settings: unknown keys are refused, and nothing changes after parsing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
