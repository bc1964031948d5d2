"""Cards: what a file of weights is, where it came from, and the hash that proves it.

A network is two files in one folder, NAME.onnx and NAME.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.errors import BadInputError

PIECE_BYTES = 1 << 22
HINT_CARD = (
    "Weights come with a card: NAME.onnx and NAME.json in one folder, as `rs-copilot train` writes them."
)


class WeightsCard(BaseModel):
    """What every card says; more (data, licences, scores) may stand beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


Card = TypeVar("Card", bound=WeightsCard)


def has_card(weights: Path) -> bool:
    """Whether the JSON file beside an ONNX file is a card, broken or not, and no other program's."""
    try:
        found = json.loads(weights.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "sha256" in found


def read_card(weights: Path, kind: type[Card]) -> Card:
    """The card beside an ONNX file.

    Raises:
        BadInputError: there is none, or it does not say what running the network needs.
    """
    path = weights.with_suffix(".json")
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInputError(f"{weights.name} has no card: expected {path}", hint=HINT_CARD) from error
    except ValidationError as error:
        lacks = ", ".join(".".join(map(str, item["loc"])) or item["msg"] for item in error.errors())
        raise BadInputError(f"the card {path} cannot be used: {lacks}", hint=HINT_CARD) from error


def check_hash(weights: Path, card: WeightsCard) -> None:
    """Make sure that a file is the one that its card describes.

    Raises:
        BadInputError: it is not.
    """
    found = sha256_of(weights)
    if found != card.sha256:
        raise BadInputError(
            f"{weights} is not the file of its card: SHA-256 {found[:12]}…, expected {card.sha256[:12]}…",
            hint="Copy the network and its card again, together.",
        )


def sha256_of(weights: Path, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """The hash of a file, read piece by piece; ``on_bytes`` hears how many bytes each piece had."""
    digest = hashlib.sha256()
    with weights.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            on_bytes(len(piece))
    return digest.hexdigest()
