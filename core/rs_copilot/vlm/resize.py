"""How large a picture is when a model of the Qwen-VL family sees it.

Such a model cuts pictures into squares of ``unit_px`` pixels, one visual token each, and gives coordinates in
pixels of the resized picture, so that a size that is off by one square moves every box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rs_copilot.errors import BadInputError
from rs_copilot.types import SizeWH

# The processor of the models refuses longer strips.
MAX_ASPECT = 200


@dataclass(frozen=True)
class PixelBudget:
    """How many pixels a model may see of one picture, at least and at most."""

    min_px: int
    max_px: int

    def __post_init__(self) -> None:
        if not 0 < self.min_px <= self.max_px:
            raise ValueError(f"expected 0 < min_px <= max_px, found {self.min_px} and {self.max_px}")

    def within(self, limits: PixelBudget) -> PixelBudget:
        """The nearest budget that keeps to the limits of a model or a device."""
        max_px = min(max(self.max_px, limits.min_px), limits.max_px)
        return PixelBudget(min(max(self.min_px, limits.min_px), max_px), max_px)


# What RSCoVLM was trained with: 64 to 1,296 visual tokens of 28 pixels (arXiv 2511.21272).
TRAINED = PixelBudget(224 * 224, 1008 * 1008)


def seen_size(size: SizeWH, unit_px: int, budget: PixelBudget) -> SizeWH:
    """Size of a picture as the model sees it, by the rule of the Qwen-VL processors (``smart_resize``).

    Sides are rounded to multiples of ``unit_px`` (half to even), then scaled into the budget. Growing rounds
    up, so that a small picture may end above ``min_px``, and above ``max_px`` where the two are equal.

    Raises:
        BadInputError: the picture is more than 200 times as long as wide.
    """
    width, height = size.width_px, size.height_px
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInputError(
            f"a picture of {width} x {height} pixels is too narrow: expected at most {MAX_ASPECT} : 1",
            hint="Choose an area that is less long and narrow.",
        )
    wide, high = (max(unit_px, round(side / unit_px) * unit_px) for side in (width, height))
    if wide * high > budget.max_px:
        shrink = math.sqrt(width * height / budget.max_px)
        wide, high = (max(unit_px, math.floor(side / shrink / unit_px) * unit_px) for side in (width, height))
    elif wide * high < budget.min_px:
        grow = math.sqrt(budget.min_px / (width * height))
        wide, high = (math.ceil(side * grow / unit_px) * unit_px for side in (width, height))
    return SizeWH(wide, high)
