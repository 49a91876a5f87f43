"""The base of the models of report.json."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown fields are an error, and nothing changes after creation."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)
