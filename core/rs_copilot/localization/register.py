"""Local registration: from a place that is roughly right to a homography that is right, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization.patches import ladder_gsd_m, patch_field
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.view import View, view_of_placement
from rs_copilot.matching.refine import Offsets, fit_motion, window_offsets
from rs_copilot.types import BoolArray, ByteImage, FloatArray, SizeWH

# The patch is this many pixels wide when it is refined; finer pays nothing (localisation notes, finding 4).
FINE_WIDTH_PX = 300
WINDOW_PX = 48
MIN_WINDOWS = 8
# Leverage of the centre among points all over the frame, by integration over a square. The other two keep a
# handful of windows in a row from asking for infinity.
EVEN_LEVERAGE = 14.0 / 9.0
LEAST_DESIGN = 1e-4
MAX_EXTRAPOLATION = 6.0


@dataclass(frozen=True)
class Stage:
    """One round of refinement: how far points may move, what motion they must share, how closely.

    All pixels are those of the drawn frame, which is ``width_px`` wide.
    """

    reach_px: int
    model: str
    tolerance_px: float
    width_px: int = FINE_WIDTH_PX


COARSE_TO_FINE = (Stage(24, "similarity", 4.0), Stage(10, "affine", 2.5), Stage(6, "homography", 1.8))
# From a prediction by frame-to-frame motion: close already, so no wide search.
FROM_PREDICTION = (Stage(14, "similarity", 3.0), Stage(6, "homography", 1.8))


@dataclass(frozen=True)
class Spot:
    """A frame that lies roughly here, ready to be drawn on the map's own pixel grid.

    ``cell`` is the column and row of the grid's cell corner at which the drawing is centred: the view is
    shifted by the rest, so that frame and map share one grid. ``reach_px`` of map are wanted around it.
    """

    image: ByteImage
    view: View
    gsd_m: float
    cell: FloatArray
    reach_px: int

    @classmethod
    def of(
        cls, image: ByteImage, size: SizeWH, map_from_px: FloatArray, reference: Reference, stage: Stage
    ) -> Spot:
        """Where ``map_from_px`` puts the frame, at the resolution and with the reach of a stage."""
        view = view_of_placement(map_from_px, size)
        gsd_m = ladder_gsd_m(view.width_m / stage.width_px, reference.gsd_m)
        center = hg.apply(hg.orient(map_from_px, size), size.center_px)
        at = reference.col_row(center, gsd_m)[0]
        cell = np.floor(at)
        # The fraction of a pixel goes into the view, so that patch and map share one grid.
        shift = (at - cell) * [gsd_m, -gsd_m]
        shifted = View(view.size, hg.translation(shift) @ view.local_from_px, view.reach_m)
        return cls(image, shifted, gsd_m, cell, stage.reach_px)


# Finds points of a drawn frame on the map: the points and offsets, and the drawing's first column and row.
Correspond: TypeAlias = Callable[[Spot, Reference], tuple[Offsets, FloatArray]]


@dataclass(frozen=True)
class Registration:
    """A refined place and the evidence for it.

    ``support`` is the share of windows that agree on it, ``windows`` their number, ``ncc`` the mean
    correlation of the agreeing windows, ``residual_m`` their root mean square disagreement;
    ``spread`` is how much of the frame they span, ``clarity`` how distinct their matches are;
    ``points_px`` and ``points_m`` are the agreeing windows' centres in the frame and on the map;
    ``extrapolation`` is how much less surely they place the image centre than windows all over the frame.
    """

    map_from_px: FloatArray
    support: float
    windows: int
    ncc: float
    residual_m: float
    spread: float
    clarity: float
    points_px: FloatArray
    points_m: FloatArray
    extrapolation: float = 1.0


def by_windows(spot: Spot, reference: Reference) -> tuple[Offsets, FloatArray]:
    """The built-in way: every small window of the orientation field finds its own offset."""
    patch, mask = patch_field(spot.image, spot.view, spot.gsd_m)
    origin = spot.cell - patch.shape[0] // 2
    surroundings = reference.window(
        spot.gsd_m,
        int(origin[1]) - spot.reach_px,
        int(origin[0]) - spot.reach_px,
        patch.shape[0] + 2 * spot.reach_px,
        patch.shape[1] + 2 * spot.reach_px,
    )
    offsets = window_offsets(patch, mask, surroundings, window_px=WINDOW_PX, reach_px=spot.reach_px)
    return offsets, origin


def register(
    image: ByteImage,
    size: SizeWH,
    map_from_px: FloatArray,
    reference: Reference,
    stages: tuple[Stage, ...] = COARSE_TO_FINE,
    correspond: Correspond = by_windows,
) -> Registration | None:
    """Refine a frame's homography by local offsets, or return ``None`` where nothing fits.

    Args:
        image: the frame's picture at any scale.
        size: the frame's full size, which ``map_from_px`` refers to.
        map_from_px: where the frame lies roughly.
        reference: the map.
        stages: rounds of refinement, coarse first.
        correspond: who says which point of the frame is which of the map.
    """
    current, result = map_from_px, None
    for stage in stages:
        refined = _round(image, size, current, reference, stage, correspond)
        if refined is None:
            return result if result is not None and stage.model == "homography" else None
        current, result = refined.map_from_px, refined
    return result


def _round(
    image: ByteImage,
    size: SizeWH,
    map_from_px: FloatArray,
    reference: Reference,
    stage: Stage,
    correspond: Correspond,
) -> Registration | None:
    spot = Spot.of(image, size, map_from_px, reference, stage)
    offsets, origin = correspond(spot, reference)
    if len(offsets) < MIN_WINDOWS:
        return None
    start = offsets.points_px + origin
    motion, agree = fit_motion(start, start + offsets.offsets_px, stage.model, stage.tolerance_px)
    if agree.sum() < MIN_WINDOWS // 2:
        return None
    gsd_m = spot.gsd_m
    grid = np.array([[gsd_m, 0, reference.bounds_m[0]], [0, -gsd_m, reference.bounds_m[3]], [0, 0, 1.0]])
    refined = grid @ motion @ np.linalg.inv(grid) @ map_from_px
    if not hg.is_plausible(refined, size):
        return None
    return _evidence(hg.orient(refined, size), map_from_px, grid, start, offsets, agree, size)


def _evidence(
    refined: FloatArray,
    before: FloatArray,
    grid: FloatArray,
    start: FloatArray,
    offsets: Offsets,
    agree: BoolArray,
    size: SizeWH,
) -> Registration:
    start_m, end_m = hg.apply(grid, start), hg.apply(grid, start + offsets.offsets_px)
    pixels = hg.apply(np.linalg.inv(hg.orient(before, size)), start_m)
    residuals = np.linalg.norm(hg.apply(refined, pixels[agree]) - end_m[agree], axis=1)
    return Registration(
        map_from_px=refined,
        support=float(agree.mean()),
        windows=len(offsets),
        ncc=float(offsets.values[agree].mean()),
        residual_m=float(np.sqrt(np.mean(residuals**2))),
        spread=spread_of(pixels[agree], size),
        clarity=float(offsets.clarity[agree].mean()),
        points_px=pixels[agree],
        points_m=end_m[agree],
        extrapolation=extrapolation_of(pixels[agree], size),
    )


def extrapolation_of(points_px: FloatArray, size: SizeWH) -> float:
    """Standard deviation of the centre by a homography fitted to points, over that by an even cover; >= 1.

    Where windows agree on one side only, because the rest lies beyond the map or shows another season, the
    centre is extrapolated. The design is that of a homography near an affine map: its two projective terms
    move a point by the products of its coordinates (Hartley and Zisserman, 2nd ed., 2.4; the variance of a
    fitted value is its leverage, Hoaglin and Welsch, The hat matrix, 1978).
    """
    half = np.array([size.width_px, size.height_px]) / 2.0
    x, y = ((points_px - size.center_px) / half).T
    one, none = np.ones_like(x), np.zeros_like(x)
    east = np.stack([one, x, y, none, none, none, x * x, x * y], axis=1)
    north = np.stack([none, none, none, one, x, y, x * y, y * y], axis=1)
    normal = (east.T @ east + north.T @ north) / len(points_px) + LEAST_DESIGN * np.eye(8)
    # At the centre both rows of the design have a single entry, the shift's.
    leverage = np.diag(np.linalg.inv(normal))[[0, 3]].mean()
    return float(np.clip(np.sqrt(leverage / EVEN_LEVERAGE), 1.0, MAX_EXTRAPOLATION))


def spread_of(points_px: FloatArray, size: SizeWH) -> float:
    """How much of the frame the agreeing windows span: 1 is an even cover, 0 a single spot."""
    even = np.array([size.width_px, size.height_px]) / np.sqrt(12.0)
    return float(np.min(np.minimum(points_px.std(axis=0) / even, 1.0)))
