"""Frames as patches of an orientation field: north-up, at a resolution of a fixed ladder, turned for free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization.view import View, render
from rs_copilot.matching.orientation import ComplexField, erode, orientation_field
from rs_copilot.types import BoolArray, ByteImage

# Windows of a patch that touch the frame's edge are of no use to registration, so the edge may be wide.
EDGE_PX = 4
# In the search every pixel counts. Beyond the frame the picture is continued, so its edge is no edge.
NARROW_EDGE_PX = 1
# Patches of about the same size are padded to the same size, so that they share a correlation.
SIZE_STEP_PX = 8
# Drawings of hundreds of views start from levels of a pyramid; smaller ones save nothing.
SMALLEST_LEVEL_PX = 32


def ladder_gsd_m(wanted_m: float, finest_m: float) -> float:
    """The nearest step of a fixed ladder (factor 1.19) that is not finer than the map.

    Fixed steps let frames and scales share the map's spectra.
    """
    step = 2.0**0.25
    exponent = round(np.log(max(wanted_m, finest_m)) / np.log(step))
    return float(step**exponent)


def shape_key(view: View) -> bytes:
    """The same for views that differ by no more than the rounding errors of turning forth and back."""
    return bytes(np.round(view.local_from_px / np.abs(view.local_from_px).max(), 9).tobytes())


def patch_field(
    image: ByteImage, view: View, gsd_m: float, edge_px: int = EDGE_PX
) -> tuple[ComplexField, BoolArray]:
    """Orientation field of a frame drawn north-up at a resolution, and where it has data.

    Data within ``edge_px`` of the frame's edge is left out.
    """
    patch = render(image, view, gsd_m)
    everywhere = np.ones(patch.mask.shape, dtype=bool)
    values = orientation_field(patch.image, everywhere)
    mask = erode(patch.mask, edge_px)
    values[~mask] = 0
    return values, mask


@dataclass(frozen=True)
class Pyramid:
    """A picture at its own size, and again and again at half the size: what small drawings start from."""

    levels: tuple[ByteImage, ...]

    @classmethod
    def of(cls, image: ByteImage, smallest_px: int = SMALLEST_LEVEL_PX) -> Pyramid:
        """Halve by area averaging, as long as the shorter side keeps ``smallest_px``."""
        levels = [image]
        while min(levels[-1].shape[:2]) >= 2 * smallest_px:
            height, width = levels[-1].shape[:2]
            half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(half, dtype=np.uint8))
        return cls(tuple(levels))

    def for_width(self, width_px: float) -> ByteImage:
        """The smallest level that is wider than ``width_px``; the picture itself where none is."""
        return next((level for level in reversed(self.levels) if level.shape[1] > width_px), self.levels[0])

    def level_for(self, shrink: float) -> tuple[ByteImage, float]:
        """The level to sample when the result is ``shrink`` times coarser, and that level's own factor."""
        number = int(np.clip(np.floor(np.log2(max(shrink, 1.0)) + 0.4), 0, len(self.levels) - 1))
        level = self.levels[number]
        return level, self.levels[0].shape[1] / level.shape[1]


@dataclass
class Drawing:
    """Draws one frame in many views at one resolution.

    A view turned by a quarter turn is the same patch with its pixels turned and its orientations negated
    (the field doubles angles), so that only one heading in four is drawn.
    """

    pyramid: Pyramid
    gsd_m: float
    _drawn: dict[bytes, tuple[ComplexField, BoolArray]] = field(default_factory=dict)

    def patches(self, views: Sequence[View]) -> tuple[list[ComplexField], list[BoolArray]]:
        """Fields and masks of all views, padded to one size; both square."""
        drawn = [self._turned(view) for view in views]
        side = -(-max(len(mask) for _, mask in drawn) // SIZE_STEP_PX) * SIZE_STEP_PX
        return [_padded(values, side) for values, _ in drawn], [_padded(mask, side) for _, mask in drawn]

    def _turned(self, view: View) -> tuple[ComplexField, BoolArray]:
        azimuth = hg.grid_azimuth_deg(view.local_from_px, view.size.center_px)
        quarters = int(np.floor((azimuth + 1e-3) / 90.0)) % 4
        values, mask = self._upright(view.turned(-90.0 * quarters, 1.0))
        turned = np.rot90(values, -quarters) * np.float32((-1.0) ** quarters)
        return turned, np.rot90(mask, -quarters)

    def _upright(self, view: View) -> tuple[ComplexField, BoolArray]:
        key = shape_key(view)
        if key not in self._drawn:
            # Oblique views are sharper in front than at the centre; twice the width leaves them that.
            source = self.pyramid.for_width(2.0 * view.width_m / self.gsd_m)
            self._drawn[key] = patch_field(source, view, self.gsd_m, NARROW_EDGE_PX)
        return self._drawn[key]


def _padded(values: np.ndarray, side: int) -> np.ndarray:
    before = (side - len(values)) // 2
    after = side - len(values) - before
    return np.pad(values, ((before, after), (before, after)))
