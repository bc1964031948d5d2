"""What differs between the families of models: squares, coordinates, limits of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rs_copilot.vlm.resize import TRAINED, PixelBudget


class Coordinates(str, Enum):
    """What the numbers of a box mean."""

    SEEN_PX = "seen-px"
    """Pixels of the picture as the model sees it."""
    PER_MILLE = "per-mille"
    """Thousandths of width and height."""


@dataclass(frozen=True)
class Family:
    """Models that are spoken to in the same way.

    ``unit_px`` is the side of the square that one visual token stands for; ``limits`` hold for every
    picture; ``grammar`` names the answers that it was trained to give, ``plain`` or ``json``.
    """

    name: str
    unit_px: int
    coordinates: Coordinates
    limits: PixelBudget
    grammar: str


# Squares: patches of 14 or 16 pixels, joined two by two. Qwen3-VL speaks of thousandths (its cookbook).
QWEN25_VL = Family("qwen2.5-vl", 28, Coordinates.SEEN_PX, PixelBudget(4 * 28**2, 16384 * 28**2), "json")
QWEN3_VL = Family("qwen3-vl", 32, Coordinates.PER_MILLE, PixelBudget(4 * 32**2, 16384 * 32**2), "json")
RSCOVLM = Family("rscovlm", 28, Coordinates.SEEN_PX, TRAINED, "plain")
FAMILIES = {family.name: family for family in (QWEN25_VL, QWEN3_VL, RSCOVLM)}
