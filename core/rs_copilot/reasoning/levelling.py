"""What moves where the ground is not the plane that frames were placed on: on low roads, and on roofs.

Everything is taken to lie on one level. What drives by a river that lies five metres lower is seen beyond its
place, along the line of sight, and its track runs beside the road that it drives on. The road tells by how
much: with a height of the ground of ``dz`` a place ``p`` that is seen from a camera above ``c`` at height
``H`` moves to ``p + (c - p) * dz / H``. What moves on a roof, or where a house hides the ground, is the house
itself as it leans through the view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from rs_copilot.reasoning.occlusion import OPEN_BELOW, Occluders
from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.reasoning.views import Views
from rs_copilot.types import FloatArray

# Of a road that lies on the level of all else a vehicle is seen no farther from its middle than this; what is
# farther than `FAR_M` does not drive on it.
BESIDE_M, FAR_M = 4.0, 14.0
# What is moved to a road lies so near to its middle, for so much of its way; by the level that others on the
# road tell it may drive in another lane than they do.
LANE_M, LANES_M, MOST = 2.5, 5.0, 0.8
MAX_LEVEL_M = 12.0
# Only what really drove along a road tells of its height.
DROVE_M, SAME_WAY, SAMPLES = 15.0, 0.95, 24
# A track that lies on or behind houses for this share of its time is one of a house; none hides more.
ROOF_SHARE, HIDES_M = 0.7, 60.0
# A level is not better known than this.
LEVEL_ERROR_M = 1.5


@dataclass(frozen=True)
class _Drive:
    """What drives along a road: places (N, 2), how they move for each metre of height of the ground (N, 2),
    the number of the road, how far aside of it they are, and the level that would bring them onto it.
    """

    xy_m: FloatArray
    lift: FloatArray
    road: int
    aside_m: float
    level_m: float


def levelled(tracks: Sequence[Thing], roads: Sequence[Thing], views: Views) -> list[Thing]:
    """Tracks, with those of vehicles on roads that lie lower or higher than all else moved onto these."""
    lines = np.array([road.shape for road in roads], dtype=object)
    if not len(lines) or not len(views):
        return list(tracks)
    tree = shapely.STRtree(lines)
    drives = [_drive(track, tree, views) for track in tracks]
    levels = _levels([drive for drive in drives if drive is not None])
    moved = []
    for track, drive in zip(tracks, drives, strict=True):
        level_m = None if drive is None else levels.get(drive.road)
        is_there = (
            drive is not None and level_m is not None and _fits(drive, level_m, lines[drive.road], LANES_M)
        )
        moved.append(_moved(track, level_m, views) if is_there and level_m is not None else track)
    return moved


def without_roofs(tracks: Sequence[Thing], occluders: Occluders, views: Views) -> list[Thing]:
    """Tracks without those that lie on houses, or behind them, nearly all the time."""
    houses = frozenset(
        number for number, thing in enumerate(occluders.things) if thing.label not in OPEN_BELOW
    )
    if not houses or not len(views):
        return list(tracks)
    area = shapely.STRtree([occluders.things[number].shape for number in houses])
    lines = np.array([track.shape for track in tracks], dtype=object)
    near = set(area.query(lines, predicate="dwithin", distance=HIDES_M)[0].tolist())
    return [
        track
        for number, track in enumerate(tracks)
        if number not in near or not _is_roof(track, occluders, houses, views)
    ]


def _is_roof(track: Thing, occluders: Occluders, houses: frozenset[int], views: Views) -> bool:
    if track.path is None:
        return False
    times = np.linspace(*track.path.span_s, SAMPLES)
    xy_m = track.path.places(times)
    cameras = _cameras(times, views)
    known = np.isfinite(cameras).all(axis=1)
    on_top = occluders.on_top_of(cameras[known], xy_m[known], houses)
    return bool(known.any() and on_top.mean() >= ROOF_SHARE)


def _levels(drives: Sequence[_Drive]) -> dict[int, float]:
    """The height of roads that are not where vehicles on them are seen, by number of the road.

    Vehicles of both directions are taken together, so that their lanes make no difference.
    """
    found: dict[int, list[_Drive]] = {}
    for drive in drives:
        found.setdefault(drive.road, []).append(drive)
    return {
        road: float(np.median([drive.level_m for drive in some]))
        for road, some in found.items()
        if max(drive.aside_m for drive in some) >= BESIDE_M
    }


def _drive(track: Thing, tree: shapely.STRtree, views: Views) -> _Drive | None:
    path = track.path
    if path is None or track.label == "person" or float(np.ptp(path.xy_m, axis=0).max()) < DROVE_M:
        return None
    times = np.linspace(*path.span_s, SAMPLES)
    xy_m = path.places(times)
    lift = _lift(times, xy_m, views)
    points = shapely.points(xy_m)
    near = tree.query_nearest(points, max_distance=FAR_M, all_matches=False)
    if not np.isfinite(lift).all() or near.shape[1] < MOST * len(points):
        return None
    road = int(np.bincount(near[1]).argmax())
    offset, along = _beside(points, tree.geometries[road])
    if not _drives_along(xy_m, along):
        return None
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    aside, lifted = (offset * normal).sum(axis=1), (lift * normal).sum(axis=1)
    tells = np.abs(lifted) > 0.1
    if tells.mean() < MOST:
        return None
    level_m = float(np.median(aside[tells] / lifted[tells]))
    drive = _Drive(xy_m, lift, road, float(np.median(np.abs(aside))), level_m)
    return (
        drive
        if abs(level_m) <= MAX_LEVEL_M and _fits(drive, level_m, tree.geometries[road], LANE_M)
        else None
    )


def _lift(times_s: FloatArray, xy_m: FloatArray, views: Views) -> FloatArray:
    """How places move for each metre that the ground is higher (N, 2); NaN where the camera is not known."""
    cameras = _cameras(times_s, views)
    return np.asarray((cameras[:, :2] - xy_m) / cameras[:, 2:])


def _cameras(times_s: FloatArray, views: Views) -> FloatArray:
    """Easting, northing and height above the ground of the camera at some moments (N, 3)."""
    index = np.clip(np.searchsorted(views.times_s, times_s), 0, len(views) - 1)
    return np.asarray(views.cameras_m[index] + np.append(views.origin_m, 0.0))


def _fits(drive: _Drive, level_m: float, line: shapely.Geometry, most_m: float) -> bool:
    """Whether a drive lies on its road with the ground at a height."""
    left, _ = _beside(shapely.points(drive.xy_m + level_m * drive.lift), line)
    return bool((np.hypot(*left.T) <= most_m).mean() >= MOST)


def _moved(track: Thing, level_m: float, views: Views) -> Thing:
    path = track.path
    assert path is not None  # noqa: S101  # nosec B101 - only what has a path drives
    moved = Path(path.times_s, path.xy_m + level_m * _lift(path.times_s, path.xy_m, views))
    error_m = float(np.hypot(track.error_m, LEVEL_ERROR_M))
    return replace(track, path=moved, shape=shapely.LineString(moved.xy_m), error_m=error_m)


def _beside(points: np.ndarray, line: shapely.Geometry) -> tuple[FloatArray, FloatArray]:
    """Steps from points to a line (N, 2), and its direction there (N, 2)."""
    at = shapely.line_locate_point(line, points)
    foot, ahead, behind = (
        shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(at + step, 0.0)))
        for step in (0.0, 2.0, -2.0)
    )
    way = ahead - behind
    return foot - shapely.get_coordinates(points), way / np.maximum(np.hypot(*way.T), 1e-9)[:, None]


def _drives_along(xy_m: FloatArray, along: FloatArray) -> bool:
    """Whether a path goes the way of the road, up or down it."""
    steps = np.diff(xy_m, axis=0)
    lengths = np.hypot(*steps.T)
    share = np.abs((steps * along[1:]).sum(axis=1)).sum() / max(float(lengths.sum()), 1e-9)
    return bool(share >= SAME_WAY)
