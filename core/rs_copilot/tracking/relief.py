"""What moves, laid on the terrain: a frame's homography knows one level plane only.

An object that is h below that plane and is seen at an angle a from straight down lies h tan(a) away from
where the homography puts it. With the camera's position and a terrain model the line of sight tells where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo import homography as hg
from rs_copilot.geo.paths import places_at
from rs_copilot.geo.relief import HeightAt, onto_terrain
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vector.placements import ClipPlacements

# The plane of a homography is the mean terrain under this share of the frame, as in localization.pose.
CENTRAL_SHARE, GRID_SIDE = 0.5, 5


@dataclass(frozen=True)
class Terrain:
    """Terrain heights, and whether the heights of the placed cameras are of the same datum.

    Otherwise the cameras' heights are above the ground of their frames.
    """

    height_at: HeightAt
    holds_cameras: bool


@dataclass(frozen=True)
class Sight:
    """The camera ``(3,)`` of one frame and the level of the plane that its homography maps to."""

    camera_xyz_m: FloatArray
    level_m: float
    height_at: HeightAt

    def onto_terrain(self, points_m: FloatArray) -> FloatArray:
        """Points ``(N, 2)`` of the plane, moved along their lines of sight."""
        return onto_terrain(points_m, self.level_m, self.camera_xyz_m, self.height_at)


def sights(
    terrain: Terrain,
    clip: ClipPlacements,
    placed: Mapping[int, FloatArray],
    size: SizeWH,
    times_s: Sequence[float],
    ground: Sequence[FloatArray | None],
) -> list[Sight | None]:
    """The sight of every frame, ``None`` where terrain or camera are unknown.

    Args:
        terrain: heights.
        clip: gives the cameras.
        placed: map_from_px for frames of ``size`` by frame index.
        size: of the frames.
        times_s: of the frames looked at.
        ground: their homographies.
    """
    known = _cameras(terrain, clip, placed, size)
    if len(known) == 0:
        return [None] * len(times_s)
    cameras = places_at(times_s, known[:, 0], known[:, 1:])
    found: list[Sight | None] = []
    told_m = _told_levels_m(terrain, clip, times_s)
    for camera, matrix, told in zip(cameras, ground, told_m, strict=True):
        level_m = float(told) if np.isfinite(told) else _level_m(terrain, matrix, size)
        found.append(Sight(camera, level_m, terrain.height_at) if np.isfinite(level_m) else None)
    return found


def _cameras(
    terrain: Terrain, clip: ClipPlacements, placed: Mapping[int, FloatArray], size: SizeWH
) -> FloatArray:
    """Time, easting, northing and height (terrain's datum) of the known cameras, ``(N, 4)``."""
    rows = []
    for item, place, height_m in zip(clip.placements, clip.cameras, clip.camera_heights_m, strict=True):
        level_m = _level_m(terrain, placed.get(item.frame), size)
        if place is not None and height_m is not None and np.isfinite(level_m):
            rows.append(
                [item.time_s, place.lon_deg, place.lat_deg, height_m + (not terrain.holds_cameras) * level_m]
            )
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    if len(table):
        table[:, 1:3] = geo_crs.transform(table[:, 1:3], geo_crs.WGS84, clip.metric_crs)
    return table


def _told_levels_m(terrain: Terrain, clip: ClipPlacements, times_s: Sequence[float]) -> FloatArray:
    """Levels that localization solved the homographies for, ``(N,)``; NaN where it did not."""
    known = [(item.time_s, item.level_m) for item in clip.placements if item.map_from_px is not None]
    if not terrain.holds_cameras or not known or any(level is None for _, level in known):
        return np.full(len(times_s), np.nan)
    table = np.array(known, dtype=np.float64)
    return np.interp(times_s, table[:, 0], table[:, 1])


def _level_m(terrain: Terrain, map_from_px: FloatArray | None, size: SizeWH) -> float:
    """Mean terrain under the middle of a frame; NaN where it is not known all over."""
    if map_from_px is None:
        return float("nan")
    axis = np.linspace(-0.5, 0.5, GRID_SIDE) * CENTRAL_SHARE
    steps = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    pixels = size.center_px + steps * [size.width_px, size.height_px]
    return float(np.mean(terrain.height_at(hg.apply(map_from_px, pixels))))
