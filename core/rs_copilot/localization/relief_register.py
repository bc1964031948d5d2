"""Registration over terrain: the frame is laid over the relief before it is compared with the map.

A frame that is drawn through a homography fits the map only where the ground is flat; over hills and at an
angle its windows are shifted and sheared away. Drawn by its pose and the terrain's heights (an orthophoto)
they fit everywhere, and what shifts remain say how to correct the pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.geo.camera import Intrinsics, project
from rs_copilot.geo.relief import HeightAt
from rs_copilot.localization.patches import ladder_gsd_m
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.relief_pose import (
    AttitudePrior,
    CameraPose,
    Sightings,
    center_on_terrain,
    sightings,
    solve_pose,
)
from rs_copilot.matching.orientation import ComplexField, orientation_field
from rs_copilot.matching.refine import Offsets, window_offsets
from rs_copilot.types import BoolArray, ByteImage, FloatArray

# As in `register`: the frame is this many pixels wide when it is compared with the map.
FINE_WIDTH_PX = 300
WINDOW_PX = 48
# Rounds of drawing and correcting, and how far windows may move in each.
REACHES_PX = (12, 6)
# Scatter of right windows, in pixels of that width.
NOISE_PX = 1.2
# Where the map has no data correlations are zero; wrong windows reach 0.2, right ones start there.
MIN_CORRELATION = 0.08
# Ground this many frame widths away from the centre carries no detail at the map's resolution.
MAX_REACH_WIDTHS = 0.75


@dataclass(frozen=True)
class Terrain:
    """The map and the heights of its ground."""

    reference: Reference
    height_at: HeightAt


def noise_px(intrinsics: Intrinsics) -> float:
    """Standard deviation of a window's place in pixels of the full frame."""
    return NOISE_PX * intrinsics.size.width_px / FINE_WIDTH_PX


def register_pose(
    image: ByteImage,
    intrinsics: Intrinsics,
    start: CameraPose,
    terrain: Terrain,
    prior: AttitudePrior | None = None,
) -> tuple[CameraPose, Sightings] | None:
    """Correct a pose by comparing the frame, laid over the terrain, with the map.

    Args:
        image: the frame's picture at any scale.
        intrinsics: of the full frame.
        start: right to a few percent of the frame's width on the ground.
        terrain: what the frame is compared with.
        prior: attitude by telemetry.

    Returns:
        The pose and all windows, those that disagree included; ``None`` where nothing fits.
    """
    found: tuple[CameraPose, Sightings] | None = None
    pose = start
    for reach_px in REACHES_PX:
        seen = _matched(image, intrinsics, pose, terrain, reach_px)
        refined = (
            None
            if seen is None
            else solve_pose(seen, intrinsics, noise_px(intrinsics), start=pose, prior=prior)
        )
        if seen is None or refined is None:
            return None
        pose, found = refined, (refined, seen)
    return found


def _matched(
    image: ByteImage, intrinsics: Intrinsics, pose: CameraPose, terrain: Terrain, reach_px: int
) -> Sightings | None:
    """Windows of the frame with the places on the map that they fit."""
    center = center_on_terrain(pose, intrinsics, terrain.height_at)
    if center is None:
        return None
    width_m = float(np.linalg.norm(center - pose.xyz_m)) * intrinsics.size.width_px / intrinsics.focal_px
    reference = terrain.reference
    gsd_m = ladder_gsd_m(width_m / FINE_WIDTH_PX, reference.gsd_m)
    radius = int(np.ceil(MAX_REACH_WIDTHS * width_m / gsd_m))
    origin = np.floor(reference.col_row(center[None, :2], gsd_m)[0]).astype(int) - radius
    field, mask = _laid_over(image, intrinsics, pose, terrain, gsd_m, origin, 2 * radius)
    around = reference.window(
        gsd_m, origin[1] - reach_px, origin[0] - reach_px, 2 * (radius + reach_px), 2 * (radius + reach_px)
    )
    offsets = window_offsets(field, mask, around, window_px=WINDOW_PX, reach_px=reach_px)
    drawn_m = reference.xy(offsets.points_px + origin, gsd_m)
    drawn = np.column_stack([drawn_m, terrain.height_at(drawn_m)])
    pixels = project(intrinsics, pose.attitude, pose.xyz_m, drawn)
    places = reference.xy(offsets.points_px + origin + offsets.offsets_px, gsd_m)
    known = np.isfinite(pixels).all(axis=1) & _matches(offsets, reach_px)
    return sightings(pixels[known], places[known], terrain.height_at)


def _matches(offsets: Offsets, reach_px: int) -> BoolArray:
    """Windows that found something: not where the map is empty, and not at the end of their reach."""
    inner = np.abs(offsets.offsets_px).max(axis=1, initial=0.0) < reach_px - 0.5
    return np.asarray(inner & (offsets.values >= MIN_CORRELATION))


def _laid_over(
    image: ByteImage,
    intrinsics: Intrinsics,
    pose: CameraPose,
    terrain: Terrain,
    gsd_m: float,
    origin: FloatArray,
    side: int,
) -> tuple[ComplexField, BoolArray]:
    """Orientation field of the frame as an orthophoto on the map's grid, and where it has data."""
    cols, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    ground = terrain.reference.xy(np.column_stack([cols.ravel(), rows.ravel()]) + origin, gsd_m)
    places = np.column_stack([ground, terrain.height_at(ground)])
    pixels = project(intrinsics, pose.attitude, pose.xyz_m, places).reshape(side, side, 2)
    size = np.array([intrinsics.size.width_px, intrinsics.size.height_px])
    with np.errstate(invalid="ignore"):
        inside = np.all((pixels >= 0) & (pixels <= size), axis=2)
    small = _shrunk(image, pixels / size, inside)
    # OpenCV's (0, 0) is the centre of the first pixel.
    source = np.nan_to_num(pixels / size * [small.shape[1], small.shape[0]] - 0.5, nan=-1e4)
    x, y = source.astype(np.float32).transpose(2, 0, 1)
    drawn = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    field = orientation_field(np.asarray(drawn, dtype=np.uint8), np.asarray(inside))
    return field, np.asarray(field != 0)


def _shrunk(image: ByteImage, shares: FloatArray, inside: BoolArray) -> ByteImage:
    """The picture at about the resolution it is drawn at, by area averaging, so that it does not alias.

    ``shares`` ``(h, w, 2)`` say which part of the picture's sides each drawn pixel takes.
    """
    steps_px = np.linalg.norm(np.diff(shares, axis=1) * [image.shape[1], image.shape[0]], axis=2)
    known = inside[:, 1:] & np.isfinite(steps_px)
    factor = 1.0 / float(np.median(steps_px[known])) if known.any() else 1.0
    if factor >= 0.8:
        return image
    size = (max(16, round(image.shape[1] * factor)), max(16, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
