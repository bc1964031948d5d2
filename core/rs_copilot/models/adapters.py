"""Adapters: what was tuned beside a model (LoRA), as peft saves it, and the model that it belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.models.vlm_cards import ID, ModelFile

# The card that `rs-copilot train vlm` writes beside an adapter.
TUNING = "tuning.json"
SHA256 = "^[0-9a-f]{64}$"


class Tuning(BaseModel):
    """What an adapter was made from: the weights of ``base``, and files of ``data`` by their hashes.

    ``sha256`` is that of the adapter's own weights; ``made`` tells how and with what result.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    base: str
    base_sha256: str = Field(pattern=SHA256)
    base_licence: str = ""
    sha256: str = Field(pattern=SHA256)
    note: str = ""
    data: dict[str, str] = {}
    made: dict[str, Any] = {}


class AdapterCard(BaseModel):
    """An adapter in the store; ``base`` is the id of its model, ``tuning`` where it came from, if known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(pattern=ID)
    base: str = Field(pattern=ID)
    files: tuple[ModelFile, ...]
    tuning: Tuning | None = None


def read_adapter_card(path: Path) -> AdapterCard | None:
    """The card in a file; ``None`` where there is none that can be read."""
    try:
        return AdapterCard.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def read_tuning(folder: Path) -> Tuning | None:
    """What an adapter's folder says about its making; ``None`` where it says nothing that can be read."""
    try:
        return Tuning.model_validate_json((folder / TUNING).read_bytes())
    except (OSError, ValidationError):
        return None
