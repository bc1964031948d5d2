"""What was read out of a model's text: objects with places in its own coordinates, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.families import Coordinates


class Shape(str, Enum):
    """How a model gives a place."""

    HBB = "hbb"
    """Left, top, right, bottom."""
    OBB = "obb"
    """Centre x, y, width, height, angle in degrees."""
    QUAD = "quad"
    """Four corners."""


@dataclass(frozen=True)
class Spoken:
    """An object that a model named. ``quad`` (4, 2) float64: corners, clockwise on screen from the topmost,
    in the coordinates of the model; ``line`` is the line of the answer, counted from 0, that said so.
    """

    label: str
    quad: FloatArray = field(repr=False)
    shape: Shape
    line: int


@dataclass(frozen=True)
class Parsed:
    """What an answer says about places.

    ``is_empty``: it says clearly that there is nothing, which differs from text that could not be read.
    ``skipped`` are lines or items that were not understood or make no sense; ``unknown`` of them name no
    class that was asked for. ``clipped`` objects reached beyond the picture and were cut.
    """

    objects: tuple[Spoken, ...]
    is_empty: bool = False
    skipped: tuple[str, ...] = ()
    unknown: int = 0
    clipped: int = 0


def source_px(quad: FloatArray, seen: SizeWH, source: SizeWH, coordinates: Coordinates) -> FloatArray:
    """Corners ``(..., 2)`` in a model's coordinates as pixels of the given picture (GDAL convention)."""
    full = (1000.0, 1000.0) if coordinates is Coordinates.PER_MILLE else (seen.width_px, seen.height_px)
    scale: FloatArray = np.array([source.width_px, source.height_px]) / np.array(full)
    return np.asarray(quad * scale)
