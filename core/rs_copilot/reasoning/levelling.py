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
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.reasoning.columns import Columns
from rs_copilot.reasoning.occlusion import OPEN_BELOW, Occluders
from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.reasoning.views import Views
from rs_copilot.types import BoolArray, FloatArray

# Of a road that lies on the level of all else a vehicle is seen no farther from its middle than this; what is
# farther than `FAR_M` does not drive on it.
BESIDE_M, FAR_M = 4.0, 14.0
# What is moved to a road lies so near to its middle, for so much of its way; by the level that others on the
# road tell it may drive in another lane than they do.
LANE_M, LANES_M, MOST = 2.5, 5.0, 0.8
MAX_LEVEL_M = 12.0
# Only what really drove along a road tells of its height.
DROVE_M, SAME_WAY, SAMPLES, GLANCES = 15.0, 0.95, 14, 5
# What lies on or behind houses for this share of its time is one of a house; it is looked at so often.
ROOF_SHARE, LOOKS = 0.7, 10
# A level is not better known than this.
LEVEL_ERROR_M = 1.5


@dataclass(frozen=True)
class _Drives:
    """Vehicles that drive along a road.

    ``tracks`` (K,) are their numbers, ``road`` (K,) those of the roads, ``xy_m`` (K, S, 2) places of each
    and ``lift`` (K, S, 2) how these move for each metre of height of the ground; ``aside_m`` (K,) is how far
    they are from the middle of the road, ``level_m`` (K,) the height that would bring them there.
    """

    tracks: NDArray[np.int64]
    road: NDArray[np.int64]
    xy_m: FloatArray
    lift: FloatArray
    aside_m: FloatArray
    level_m: FloatArray

    def kept(self, which: BoolArray) -> _Drives:
        """Some of them."""
        columns = (self.tracks, self.road, self.xy_m, self.lift, self.aside_m, self.level_m)
        return _Drives(*(column[which] for column in columns))  # type: ignore[arg-type]

    def fit(self, level_m: FloatArray, lines: NDArray[Any], most_m: float) -> BoolArray:
        """Whether they lie on their roads with the ground at heights (K,)."""
        moved = self.xy_m + level_m[:, None, None] * self.lift
        left, _ = _beside(moved, lines[self.road])
        return np.asarray((np.linalg.norm(left, axis=2) <= most_m).mean(axis=1) >= MOST)


def levelled(tracks: Sequence[Thing], roads: Sequence[Thing], views: Views) -> list[Thing]:
    """Tracks, with those of vehicles on roads that lie lower or higher than all else moved onto these."""
    moved = list(tracks)
    lines = np.array([road.shape for road in roads], dtype=object)
    drives = _drives(tracks, lines, views)
    if drives is None:
        return moved
    levels = _levels(drives)
    there = drives.kept(np.isin(drives.road, list(levels)))
    level_m = np.array([levels[int(road)] for road in there.road])
    for number in np.flatnonzero(there.fit(level_m, lines, LANES_M)) if len(level_m) else ():
        track = int(there.tracks[number])
        moved[track] = _moved(tracks[track], float(level_m[number]), views)
    return moved


def _levels(drives: _Drives) -> dict[int, float]:
    """The height of roads that are not where vehicles on them are seen, by number of the road.

    Vehicles of both directions are taken together, so that their lanes make no difference.
    """
    doubtful = np.unique(drives.road[drives.aside_m >= BESIDE_M])
    return {int(road): float(np.median(drives.level_m[drives.road == road])) for road in doubtful}


def _drives(tracks: Sequence[Thing], lines: NDArray[Any], views: Views) -> _Drives | None:
    bounds = shapely.bounds(np.array([track.shape for track in tracks], dtype=object)).reshape(-1, 4)
    went_m = np.max(bounds[:, 2:] - bounds[:, :2], axis=1, initial=0.0)
    can = np.array([track.path is not None and track.label != "person" for track in tracks], dtype=bool)
    numbers = np.flatnonzero(can & (went_m >= DROVE_M))
    if not len(numbers) or not len(lines) or not len(views):
        return None
    columns = Columns(_paths(tracks, numbers.tolist()))
    near, gaps_m = _nearest(columns.evenly(GLANCES)[1], lines)
    road = _most_common(near)
    # Most roads have nobody beside them, and are not looked at closer.
    beside = (road >= 0) & (np.median(np.where(near >= 0, gaps_m, FAR_M), axis=1) >= BESIDE_M / 2.0)
    some = np.isin(road, np.unique(road[beside]))
    if not some.any():
        return None
    numbers, road = numbers[some], road[some]
    times_s, xy_m = columns.evenly(SAMPLES)
    times_s, xy_m = times_s[some], xy_m[some]
    lift = _lift(times_s, xy_m, views)
    offset, along = _beside(xy_m, lines[np.maximum(road, 0)])
    normal = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    aside, lifted = (offset * normal).sum(axis=-1), (lift * normal).sum(axis=-1)
    tells = np.abs(lifted) > 0.1
    ratio = np.where(tells, aside / np.where(tells, lifted, 1.0), np.nan)
    usable = (road >= 0) & _drive_along(xy_m, along) & np.isfinite(lift).all(axis=(1, 2))
    usable &= tells.mean(axis=1) >= MOST
    found = _Drives(numbers, road, xy_m, lift, np.median(np.abs(aside), axis=1), np.zeros(len(numbers)))
    found = replace(found.kept(usable), level_m=np.nanmedian(ratio[usable], axis=1))
    fits = (np.abs(found.level_m) <= MAX_LEVEL_M) & found.fit(found.level_m, lines, LANE_M)
    return found.kept(fits)


def _paths(tracks: Sequence[Thing], numbers: Sequence[int]) -> list[Path]:
    """Paths of some tracks, which have one."""
    return [path for number in numbers if (path := tracks[number].path) is not None]


def _nearest(xy_m: FloatArray, lines: NDArray[Any]) -> tuple[NDArray[np.int64], FloatArray]:
    """The number of the road next to each place (K, S), -1 where none is near, and how far off it is."""
    points = shapely.points(xy_m.reshape(-1, 2))
    (place, line), gaps_m = shapely.STRtree(lines).query_nearest(
        points, max_distance=FAR_M, all_matches=False, return_distance=True
    )
    found, far_m = np.full(len(points), -1, dtype=np.int64), np.full(len(points), np.inf)
    found[place], far_m[place] = line, gaps_m
    return found.reshape(xy_m.shape[:2]), far_m.reshape(xy_m.shape[:2])


def _most_common(roads: NDArray[np.int64]) -> NDArray[np.int64]:
    """The road that most places of each row are near to (K,); -1 where too few are near any."""
    found = np.full(len(roads), -1, dtype=np.int64)
    for number in np.flatnonzero((roads >= 0).mean(axis=1) >= MOST):
        found[number] = np.bincount(roads[number][roads[number] >= 0]).argmax()
    return found


def _lift(times_s: FloatArray, xy_m: FloatArray, views: Views) -> FloatArray:
    """How places move for each metre that the ground is higher (..., 2); NaN where no camera is known."""
    cameras = _cameras(times_s, views)
    return np.asarray((cameras[..., :2] - xy_m) / cameras[..., 2:])


def _cameras(times_s: FloatArray, views: Views) -> FloatArray:
    """Easting, northing and height above the ground of the camera at some moments (..., 3)."""
    index = np.clip(np.searchsorted(views.times_s, times_s), 0, len(views) - 1)
    return np.asarray(views.cameras_m[index] + np.append(views.origin_m, 0.0))


def _moved(track: Thing, level_m: float, views: Views) -> Thing:
    path = track.path
    assert path is not None  # noqa: S101  # nosec B101 - only what has a path drives
    moved = Path(path.times_s, path.xy_m + level_m * _lift(path.times_s, path.xy_m, views))
    error_m = float(np.hypot(track.error_m, LEVEL_ERROR_M))
    return replace(track, path=moved, shape=shapely.LineString(moved.xy_m), error_m=error_m)


def _beside(xy_m: FloatArray, lines: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Steps from places (K, S, 2) to the line of each row, and its direction there."""
    each = np.repeat(lines, xy_m.shape[1])
    at = shapely.line_locate_point(each, shapely.points(xy_m.reshape(-1, 2)))
    foot, ahead, behind = (
        shapely.get_coordinates(shapely.line_interpolate_point(each, np.maximum(at + step, 0.0)))
        for step in (0.0, 2.0, -2.0)
    )
    way = ahead - behind
    way /= np.maximum(np.linalg.norm(way, axis=1), 1e-9)[:, None]
    return foot.reshape(xy_m.shape) - xy_m, way.reshape(xy_m.shape)


def _drive_along(xy_m: FloatArray, along: FloatArray) -> BoolArray:
    """Whether paths go the way of their roads, up or down them (K,)."""
    steps = np.diff(xy_m, axis=1)
    lengths = np.linalg.norm(steps, axis=2)
    share = np.abs((steps * along[:, 1:]).sum(axis=2)).sum(axis=1) / np.maximum(lengths.sum(axis=1), 1e-9)
    return np.asarray(share >= SAME_WAY)


def without_roofs(tracks: Sequence[Thing], occluders: Occluders, views: Views) -> list[Thing]:
    """Tracks without those that lie on houses, or behind them, nearly all the time."""
    houses = np.array([thing.label not in OPEN_BELOW for thing in occluders.things], dtype=bool)
    numbers = [number for number, track in enumerate(tracks) if track.path is not None]
    if not houses.any() or not numbers or not len(views):
        return list(tracks)
    times_s, xy_m = Columns(_paths(tracks, numbers)).evenly(LOOKS)
    cameras = _cameras(times_s, views)
    known = np.isfinite(cameras).all(axis=2)
    on_top = np.zeros(known.shape, dtype=bool)
    on_top[known] = occluders.on_top_of(cameras[known], xy_m[known], houses)
    roofs = {numbers[number] for number in np.flatnonzero(on_top.mean(axis=1) >= ROOF_SHARE)}
    return [track for number, track in enumerate(tracks) if number not in roofs]
