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
    solve_pose,
)
from rs_copilot.matching.correlate import Block, Templates, correlate
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
# Right windows lie this close to where the pose says, in the same pixels. On real frames at the wrong place
# half to three quarters do after the pose was fitted to them, at the right one nine of ten; a change of
# season costs some of those.
TIGHT_PX = 2.0
MIN_TIGHT = 0.35
SURELY_TIGHT = 0.85
# Where the start was not good enough: how far the whole frame may be off, as a share of its width, and the
# map's least energy under it.
SHIFT_REACH = 0.2
MIN_ENERGY = 0.2
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


@dataclass(frozen=True)
class Registered:
    """A pose and all windows that found something on the map, those that disagree with it included.

    ``correlations`` and ``clarities`` ``(N,)`` say of each window how well and how distinctly it matches;
    ``tight`` which of them lie where the pose says, more closely than chance spreads them over their reach.
    """

    pose: CameraPose
    seen: Sightings
    correlations: FloatArray
    clarities: FloatArray
    tight: BoolArray


def register_pose(
    frame: OverTerrain, start: CameraPose, prior: AttitudePrior | None = None
) -> Registered | None:
    """Correct a pose by comparing the frame, laid over the terrain, with the map.

    Args:
        frame: the picture, its lens and the terrain.
        start: right to a fifth of the frame's width on the ground.
        prior: attitude by telemetry.

    Returns:
        The better of the poses reached from the start and from where the whole frame fits best near it;
        ``None`` where nothing fits.
    """
    found = [_refined(frame, start, prior)]
    if found[0] is None or found[0].tight.mean() < SURELY_TIGHT:
        # Windows reach a few metres; the whole frame finds its place from farther away.
        shifted = best_shift(frame, start)
        found.append(None if shifted is None else _refined(frame, shifted.pose, prior))
    best = max((one for one in found if one is not None), key=lambda one: int(one.tight.sum()), default=None)
    return best if best is not None and best.tight.mean() >= MIN_TIGHT else None


@dataclass(frozen=True)
class Shifted:
    """A pose moved to where the whole frame fits best, and the correlation there."""

    pose: CameraPose
    correlation: float


def best_shift(frame: OverTerrain, pose: CameraPose) -> Shifted | None:
    """Move a pose to where the whole frame fits best, at half the resolution and with a long reach.

    Returns ``None`` where the camera sees no known terrain.
    """
    drawn = frame.drawn(pose, FINE_WIDTH_PX / 2)
    if drawn is None or not drawn.mask.any():
        return None
    reach_px = round(SHIFT_REACH * FINE_WIDTH_PX / 2)
    side = len(drawn.mask) + 2 * reach_px
    col, row = (int(value) for value in drawn.origin)
    around = frame.terrain.reference.window(drawn.gsd_m, row - reach_px, col - reach_px, side, side)
    templates = Templates.of([drawn.field], [drawn.mask], side, min_energy=MIN_ENERGY)
    score = correlate(Block.of(around), templates)[0]
    row, col = (int(value) for value in np.unravel_index(int(np.argmax(score)), score.shape))
    move_m = np.array([col - reach_px, reach_px - row, 0.0]) * drawn.gsd_m
    return Shifted(CameraPose(pose.xyz_m + move_m, pose.attitude), float(score[row, col]))


def _refined(frame: OverTerrain, start: CameraPose, prior: AttitudePrior | None) -> Registered | None:
    """Draw, compare and correct, twice."""
    found: Registered | None = None
    pose, noise = start, noise_px(frame.intrinsics)
    for reach_px in REACHES_PX:
        windows = _matched(frame, pose, reach_px)
        if windows is None:
            return None
        seen, offsets = windows
        refined = solve_pose(seen, frame.intrinsics, noise, start=pose, prior=prior)
        if refined is None:
            return None
        near_px = TIGHT_PX * frame.intrinsics.size.width_px / FINE_WIDTH_PX
        tight = np.asarray(refined.distance_px(seen, frame.intrinsics) <= near_px)
        pose, found = refined, Registered(refined, seen, offsets.values, offsets.clarity, tight)
    return found


def _matched(frame: OverTerrain, pose: CameraPose, reach_px: int) -> tuple[Sightings, Offsets] | None:
    """Windows of the frame that found something, and the places on the map that they fit."""
    drawn = frame.drawn(pose, FINE_WIDTH_PX)
    if drawn is None:
        return None
    side, (col, row) = len(drawn.mask) + 2 * reach_px, (int(value) for value in drawn.origin)
    reference, height_at = frame.terrain.reference, frame.terrain.height_at
    around = reference.window(drawn.gsd_m, row - reach_px, col - reach_px, side, side)
    found = window_offsets(drawn.field, drawn.mask, around, window_px=WINDOW_PX, reach_px=reach_px)
    drawn_m = reference.xy(found.points_px + drawn.origin, drawn.gsd_m)
    places_m = reference.xy(found.points_px + drawn.origin + found.offsets_px, drawn.gsd_m)
    places = np.column_stack([places_m, height_at(places_m)])
    pixels = project(
        frame.intrinsics, pose.attitude, pose.xyz_m, np.column_stack([drawn_m, height_at(drawn_m)])
    )
    known = np.isfinite(pixels[:, 0]) & np.isfinite(places[:, 2]) & _matches(found, reach_px)
    kept = Offsets(found.points_px[known], found.offsets_px[known], found.values[known], found.clarity[known])
    return Sightings(pixels[known], places[known]), kept


def _matches(offsets: Offsets, reach_px: int) -> BoolArray:
    """Windows that found something: not where the map is empty, and not at the end of their reach."""
    inner = np.abs(offsets.offsets_px).max(axis=1, initial=0.0) < reach_px - 0.5
    return np.asarray(inner & (offsets.values >= MIN_CORRELATION))


@dataclass(frozen=True)
class _Drawn:
    """A frame as an orthophoto: its field and mask ``(n, n)``, and its first pixel on the map's grid."""

    field: ComplexField
    mask: BoolArray
    origin: FloatArray
    gsd_m: float


@dataclass(frozen=True)
class OverTerrain:
    """A frame that is laid over the terrain: ``image`` at any scale, ``intrinsics`` of the full frame."""

    image: ByteImage
    intrinsics: Intrinsics
    terrain: Terrain

    def drawn(self, pose: CameraPose, width_px: float) -> _Drawn | None:
        """Orientation field of the frame as an orthophoto of about a width, on the map's grid."""
        center = center_on_terrain(pose, self.intrinsics, self.terrain.height_at)
        if center is None:
            return None
        size, reference = self.intrinsics.size, self.terrain.reference
        width_m = float(np.linalg.norm(center - pose.xyz_m)) * size.width_px / self.intrinsics.focal_px
        gsd_m = ladder_gsd_m(width_m / width_px, reference.gsd_m)
        radius = int(np.ceil(MAX_REACH_WIDTHS * width_m / gsd_m))
        origin = np.floor(reference.col_row(center[None, :2], gsd_m)[0]) - radius
        pixels = self._pixels(pose, origin, gsd_m, 2 * radius)
        sides = np.array([size.width_px, size.height_px])
        with np.errstate(invalid="ignore"):
            inside = np.all((pixels >= 0) & (pixels <= sides), axis=2)
        small = _shrunk(self.image, pixels / sides, inside)
        # OpenCV's (0, 0) is the centre of the first pixel.
        source = np.nan_to_num(pixels / sides * [small.shape[1], small.shape[0]] - 0.5, nan=-1e4)
        x, y = source.astype(np.float32).transpose(2, 0, 1)
        laid = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        field = orientation_field(np.asarray(laid, dtype=np.uint8), np.asarray(inside))
        return _Drawn(field, np.asarray(field != 0), origin, gsd_m)

    def _pixels(self, pose: CameraPose, origin: FloatArray, gsd_m: float, side: int) -> FloatArray:
        """Which pixel of the frame shows each spot of a square of the map's grid, ``(side, side, 2)``."""
        cols, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
        ground = self.terrain.reference.xy(np.column_stack([cols.ravel(), rows.ravel()]) + origin, gsd_m)
        places = np.column_stack([ground, self.terrain.height_at(ground)])
        return project(self.intrinsics, pose.attitude, pose.xyz_m, places).reshape(side, side, 2)


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
