"""The frames of one clip, as placed by the engine: where each looks, and which of them see a place."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import projection
from .projection import XY, Homography


@dataclass(frozen=True)
class FrameRow:
    """One row of the scene's ``frames`` layer. ``map_from_px`` maps frame pixels to ``metric_crs`` metres."""

    frame: int
    time_s: float
    status: str
    reason: str = ""
    error_m: float | None = None
    score: float | None = None
    yaw_deg: float | None = None
    gsd_m: float | None = None
    cam_lonlat: tuple[float, float] | None = None
    cam_alt_m: float | None = None
    width_px: int = 0
    height_px: int = 0
    map_from_px: Homography | None = None
    metric_crs: str = ""

    @property
    def is_placed(self) -> bool:
        """Whether the frame has a place on the map."""
        return self.map_from_px is not None and self.width_px > 0 and self.height_px > 0

    def ground_at(self, uv: XY) -> XY | None:
        """Map metres of a place in the picture, given as shares of width and height."""
        if self.map_from_px is None:
            return None
        return projection.apply(self.map_from_px, (uv[0] * self.width_px, uv[1] * self.height_px))

    def picture_at(self, point_m: XY) -> XY | None:
        """Shares of width and height where a map point is seen; None behind the camera."""
        inverse = projection.invert(self.map_from_px) if self.map_from_px is not None else None
        found = projection.apply(inverse, point_m) if inverse is not None else None
        return None if found is None else (found[0] / self.width_px, found[1] / self.height_px)


@dataclass(frozen=True)
class View:
    """What the camera sees at one time: ground corners in ``metric_crs``, clockwise from top-left."""

    time_s: float
    row: FrameRow
    corners_m: list[XY]
    center_m: XY
    cam_lonlat: tuple[float, float] | None
    metric_crs: str


@dataclass(frozen=True)
class Moment:
    """A stretch of the clip that sees a place; at ``best_s`` it lies nearest to the image centre."""

    start_s: float
    best_s: float
    end_s: float
    uv: XY


class ClipFrames:
    """Rows of one clip in time order. Between two placed neighbours the view is blended."""

    def __init__(self, rows: Iterable[FrameRow]) -> None:
        self.rows = sorted(rows, key=lambda row: row.time_s)
        self._placed = [row for row in self.rows if row.is_placed]
        self._times_s = [row.time_s for row in self._placed]
        # Boxes around the footprints: of thousands of frames, a click has to look closely at a few only.
        self._boxes = [_box(row) for row in self._placed]
        self.interval_s = _median_interval_s([row.time_s for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def view_at(self, time_s: float) -> View | None:
        """The view at a time; None where no placed frame is near enough to speak for it."""
        pair = self._neighbours(time_s)
        if pair is None:
            return None
        first, second, share = pair
        a, b = _corners(first), _corners(second)
        if a is None or b is None:
            return None
        ring = projection.lerp_all(a, b, share)
        center = self._blend(first, second, share, (0.5, 0.5)) or ring[0]
        nearest = first if share < 0.5 else second
        return View(time_s, nearest, ring, center, _blend_lonlat(first, second, share), nearest.metric_crs)

    def nearest_placed(self, time_s: float) -> FrameRow | None:
        """The placed frame that is nearest in time, however far; None where none is placed."""
        return min(self._placed, key=lambda row: abs(row.time_s - time_s), default=None)

    def row_at(self, time_s: float) -> FrameRow | None:
        """The sampled frame that speaks for a time; None where none is near enough."""
        nearest = min(self.rows, key=lambda row: abs(row.time_s - time_s), default=None)
        if nearest is None or abs(nearest.time_s - time_s) > 2.0 * self.interval_s:
            return None
        return nearest

    def ground_at(self, time_s: float, uv: XY) -> tuple[XY, str] | None:
        """Map metres and CRS of a place in the picture at a time."""
        pair = self._neighbours(time_s)
        point = None if pair is None else self._blend(*pair, uv)
        return None if pair is None or point is None else (point, pair[0].metric_crs)

    def moments_that_see(self, point_m: XY) -> list[Moment]:
        """All stretches of the clip whose placed frames contain the point, in time order."""
        hits = []
        for row, box in zip(self._placed, self._boxes):
            if not (box[0] <= point_m[0] <= box[2] and box[1] <= point_m[1] <= box[3]):
                continue
            uv = row.picture_at(point_m)
            if uv is not None and 0.0 <= uv[0] <= 1.0 and 0.0 <= uv[1] <= 1.0:
                hits.append((row.time_s, uv))
        return _group(hits, max_gap_s=1.6 * self.interval_s)

    def _neighbours(self, time_s: float) -> tuple[FrameRow, FrameRow, float] | None:
        """The placed rows around a time and how far between them it lies."""
        if not self._placed:
            return None
        after = bisect_right(self._times_s, time_s)
        first = self._placed[max(0, after - 1)]
        second = self._placed[min(after, len(self._placed) - 1)]
        reach_s = 2.0 * self.interval_s
        if second.time_s - first.time_s > reach_s or first.metric_crs != second.metric_crs:
            first = second = min((first, second), key=lambda row: abs(row.time_s - time_s))
        if min(abs(first.time_s - time_s), abs(second.time_s - time_s)) > reach_s:
            return None
        gap_s = second.time_s - first.time_s
        share = 0.0 if gap_s <= 0 else min(1.0, max(0.0, (time_s - first.time_s) / gap_s))
        return first, second, share

    @staticmethod
    def _blend(first: FrameRow, second: FrameRow, share: float, uv: XY) -> XY | None:
        a, b = first.ground_at(uv), second.ground_at(uv)
        return None if a is None or b is None else projection.lerp(a, b, share)


def _corners(row: FrameRow) -> list[XY] | None:
    if row.map_from_px is None:
        return None
    return projection.corners(row.map_from_px, row.width_px, row.height_px)


def _box(row: FrameRow) -> tuple[float, float, float, float]:
    """Bounds of the ground that a frame sees: endless where it sees the horizon."""
    ring = _corners(row)
    if ring is None:
        return -math.inf, -math.inf, math.inf, math.inf
    xs, ys = [point[0] for point in ring], [point[1] for point in ring]
    return min(xs), min(ys), max(xs), max(ys)


def _blend_lonlat(first: FrameRow, second: FrameRow, share: float) -> tuple[float, float] | None:
    if first.cam_lonlat is None or second.cam_lonlat is None:
        return first.cam_lonlat or second.cam_lonlat
    return projection.lerp(first.cam_lonlat, second.cam_lonlat, share)


def _median_interval_s(times_s: Sequence[float]) -> float:
    gaps = sorted(b - a for a, b in zip(times_s, times_s[1:]) if b > a)
    return gaps[len(gaps) // 2] if gaps else 1.0


def _group(hits: Sequence[tuple[float, XY]], max_gap_s: float) -> list[Moment]:
    """Consecutive hits become moments."""
    groups: list[list[tuple[float, XY]]] = []
    for hit in hits:
        if groups and hit[0] - groups[-1][-1][0] <= max_gap_s:
            groups[-1].append(hit)
        else:
            groups.append([hit])
    return [_moment(group) for group in groups]


def _moment(group: Sequence[tuple[float, XY]]) -> Moment:
    time_s, uv = min(group, key=lambda hit: (hit[1][0] - 0.5) ** 2 + (hit[1][1] - 0.5) ** 2)
    return Moment(group[0][0], time_s, group[-1][0], uv)
