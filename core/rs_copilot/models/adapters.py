"""Adapters: what was tuned beside a model (LoRA), as peft saves it, and the model that it belongs to."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.models.vlm_cards import ID, ModelFile


class AdapterCard(BaseModel):
    """An adapter in the store; ``base`` is the id of its model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(pattern=ID)
    base: str = Field(pattern=ID)
    files: tuple[ModelFile, ...]


def read_adapter_card(path: Path) -> AdapterCard | None:
    """The card in a file; ``None`` where there is none that can be read."""
    try:
        return AdapterCard.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
