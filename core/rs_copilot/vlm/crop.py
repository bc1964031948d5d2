"""Which part of a source is shown when a model wants to look closer. Pure."""

from __future__ import annotations

import math

import numpy as np

from rs_copilot.types import Box, FloatArray, SizeWH
from rs_copilot.vlm.resize import MAX_ASPECT

# Of each side, so that a box that is a little off still shows all of it and some of what is around.
PADDING = 0.15
# Models see little in less than this, and were never shown less (arXiv 2511.21272).
MIN_CROP_PX = 224


def crop_window(
    quad_px: FloatArray, source: SizeWH, *, padding: float = PADDING, min_px: int = MIN_CROP_PX
) -> Box:
    """The window x1, y1, x2, y2 that shows a box and something around it.

    Args:
        quad_px: corners ``(N, 2)`` in pixels of the source; they may reach beyond it.
        source: its size.
        padding: share of each side that is added on both ends.
        min_px: no side is shorter, where the source is not.

    Raises:
        ValueError: the corners are no finite numbers.
    """
    if not np.isfinite(quad_px).all():
        raise ValueError("expected corners that are finite numbers")
    limit = np.array([source.width_px, source.height_px], dtype=np.float64)
    low, high = (np.clip(corner, 0, limit) for corner in (quad_px.min(axis=0), quad_px.max(axis=0)))
    margin = (high - low) * padding
    first, last = np.clip(low - margin, 0, limit), np.clip(high + margin, 0, limit)
    # Half of what models take at most: their own resizing makes strips a little narrower still.
    shortest = max(float(min_px), float((last - first).max()) / (MAX_ASPECT / 2))
    half = np.maximum(last - first, shortest) / 2
    middle = np.clip((first + last) / 2, np.minimum(half, limit / 2), np.maximum(limit - half, limit / 2))
    first, last = np.clip(middle - half, 0, limit), np.clip(middle + half, 0, limit)
    return math.floor(first[0]), math.floor(first[1]), math.ceil(last[0]), math.ceil(last[1])


def is_same(first: Box, second: Box, *, min_iou: float = 0.9) -> bool:
    """Whether two windows show nearly the same."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return common >= min_iou * (sum(areas) - common)
