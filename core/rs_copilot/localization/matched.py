"""Registration with a matcher's help: it says where a frame may lie, the windows whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from rs_copilot.localization.confidence import evidence
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.register import FROM_PREDICTION, Registration, Spot, Stage, register
from rs_copilot.localization.view import render
from rs_copilot.matching.matcher import Matcher, Picture
from rs_copilot.matching.refine import Offsets
from rs_copilot.types import ByteImage, FloatArray, SizeWH

# As a share of the frame's width. Windows look less than half as far (see `register.COARSE_TO_FINE`).
REACH = 0.2
TOLERANCE_PX = 2.0

Register: TypeAlias = Callable[[ByteImage, SizeWH, FloatArray, Reference], Registration | None]


@dataclass(frozen=True)
class ByMatcher:
    """Lets a matcher find the points of a frame on the map; an instance is a `register.Correspond`."""

    matcher: Matcher

    @property
    def stages(self) -> tuple[Stage, ...]:
        """One round at the resolution that the matcher wants."""
        width_px = self.matcher.width_px
        return (Stage(round(REACH * width_px), "homography", TOLERANCE_PX, width_px),)

    def __call__(self, spot: Spot, reference: Reference) -> tuple[Offsets, FloatArray]:
        """Points that moved no farther than the spot's reach; every one counts as distinct."""
        drawn = render(spot.image, spot.view, spot.gsd_m)
        frame = Picture(drawn.image, drawn.mask)
        origin = spot.cell - drawn.mask.shape[0] // 2
        # Where the map is coarser than the stage wants, its pixels reach farther.
        reach_px = min(spot.reach_px, round(REACH * spot.view.width_m / spot.gsd_m))
        ground = _ground(spot.gsd_m, origin - reach_px, drawn.mask.shape[0] + 2 * reach_px, reference)
        found = self.matcher.match(frame, ground).within(frame, ground)
        moved = found.ground_px - reach_px - found.frame_px
        near = np.all(np.abs(moved) <= reach_px, axis=1)
        offsets = Offsets(found.frame_px[near], moved[near], found.scores[near], np.ones(int(near.sum())))
        return offsets, origin


def _ground(gsd_m: float, corner: FloatArray, side_px: int, reference: Reference) -> Picture:
    """The map's picture in a square of its grid, whose first column and row are ``corner``."""
    west, north = reference.xy(corner, gsd_m)
    east, south = reference.xy(corner + side_px, gsd_m)
    piece = reference.read(gsd_m, (float(west), float(south), float(east), float(north)))
    return Picture(piece.image[:side_px, :side_px], piece.valid[:side_px, :side_px])


@dataclass(frozen=True)
class MatchedRegister:
    """Registers a frame from two starts, as the search and as a matcher left it, and keeps the better.

    The evidence is in both cases that of the built-in windows, for which confidence was calibrated. So a
    matcher can find a place that the windows did not reach, but nothing that they contradict is believed.
    """

    matcher: Matcher

    def __call__(
        self, image: ByteImage, size: SizeWH, map_from_px: FloatArray, reference: Reference
    ) -> Registration | None:
        """As `register` with its usual stages; an instance is a `Register`."""
        usual = register(image, size, map_from_px, reference)
        by = ByMatcher(self.matcher)
        start = register(image, size, map_from_px, reference, by.stages, by)
        if start is None:
            return usual
        again = register(image, size, start.map_from_px, reference, FROM_PREDICTION)
        found = [registration for registration in (usual, again) if registration is not None]
        return max(found, key=evidence, default=None)
