"""What stands between the camera and a place: houses, trees, bridges with known outlines and heights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.reasoning.things import Thing
from rs_copilot.types import BoolArray, FloatArray

# A ray that ends on top of what it looks at must not be stopped by it.
CLEARANCE_M = 0.3
# Crowns of trees are round: at their rim they reach this share less high than in their middle.
ROUND, CROWN_ROUNDNESS = frozenset({"tree"}), 0.3
# What one can stand under.
OPEN_BELOW = frozenset({"tree", "bridge"})
# How high what is looked at stands above its place.
LOOK_AT_M = 0.7
# Where within an outline a ray is compared with what stands there, as shares of its way through.
ALONG = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Occluders:
    """Things with heights, to look past."""

    things: tuple[Thing, ...] = ()
    heights_m: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "heights_m", np.array([thing.height_m or 0.0 for thing in self.things]))

    def __bool__(self) -> bool:
        return bool(self.things)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._shapes)

    @cached_property
    def _shapes(self) -> NDArray[Any]:
        return np.array([thing.shape for thing in self.things], dtype=object)

    def hiding(
        self,
        cameras_m: FloatArray,
        points_m: FloatArray,
        height_m: float = LOOK_AT_M,
        *,
        is_below: bool = False,
        taller: float = 1.0,
    ) -> Sequence[Thing | None]:
        """The first thing from each point towards its camera that hides it, ``None`` where nothing does.

        A place inside the outline of a thing is taken to lie on top of it, as everything that is seen from
        above does, unless ``is_below``: then it lies on the ground, under a crown or a bridge.

        Args:
            cameras_m: (N, 3) easting, northing, height above the ground.
            points_m: (N, 2) places that are looked at.
            height_m: of what stands there.
            is_below: whether places lie under the things whose outlines hold them.
            taller: a factor on all heights, which maps have not exactly.
        """
        found: list[Thing | None] = [None] * len(points_m)
        if not self.things:
            return found
        rays = shapely.linestrings(np.stack([points_m, cameras_m[:, :2]], axis=1))
        pairs = self._tree.query(rays, predicate="intersects")
        # Straight under the camera nothing hides a place, and GEOS does not measure along what has no length.
        pairs = pairs[:, shapely.length(rays)[pairs[0]] > CLEARANCE_M]
        levels = np.full(len(points_m), height_m) if is_below else self.levels_m(points_m, height_m)
        near_m = self._blocked_at(rays, pairs, cameras_m[:, 2], levels, taller)
        # From far to near, so that the first thing on the way to the camera is written last.
        for place in np.argsort(-near_m, kind="stable"):
            if np.isfinite(near_m[place]):
                found[pairs[0, place]] = self.things[pairs[1, place]]
        return found

    def levels_m(self, points_m: FloatArray, height_m: float) -> FloatArray:
        """How high what stands at each place reaches (N,): on the ground, or on the highest thing there."""
        levels = np.full(len(points_m), height_m)
        point, number = self._tree.query(shapely.points(points_m), predicate="intersects")
        np.maximum.at(levels, point, self.heights_m[number])
        return levels

    def _blocked_at(
        self,
        rays: NDArray[Any],
        pairs: NDArray[np.int64],
        camera_heights_m: FloatArray,
        levels_m: FloatArray,
        taller: float,
    ) -> FloatArray:
        """How far from the points things stop rays, in metres on the ground; infinity where they do not.

        ``pairs`` (2, K) are numbers of rays and things that cross on the map. A ray climbs evenly from its
        point to the camera; within an outline it is looked at in a few places.
        """
        ray, number = pairs
        parts = shapely.intersection(rays[ray], self._shapes[number])
        places, owner = shapely.get_coordinates(parts, return_index=True)
        along = shapely.line_locate_point(rays[ray][owner], shapely.points(places))
        entry, leave = np.full(len(ray), np.inf), np.zeros(len(ray))
        np.minimum.at(entry, owner, along)
        np.maximum.at(leave, owner, along)
        rise = (camera_heights_m[ray] - levels_m[ray]) / np.maximum(shapely.length(rays[ray]), 1e-6)
        # A ray that only touches an outline has no part within it.
        start = np.where(np.isfinite(entry), entry, 0.0)
        found = np.full(len(ray), np.inf)
        for share in ALONG[::-1]:
            at_m = start + share * (leave - start)
            xy = shapely.get_coordinates(shapely.line_interpolate_point(rays[ray], at_m))
            tops = taller * self._tops_m(number, xy)
            is_below = levels_m[ray] + rise * at_m < tops - CLEARANCE_M
            found = np.where(is_below, at_m, found)
        return np.where((leave <= CLEARANCE_M) | ~np.isfinite(entry), np.inf, found)

    def _tops_m(self, number: NDArray[np.int64], xy: FloatArray) -> FloatArray:
        """How high things reach at places within their outlines (K,): roofs are flat, crowns are round."""
        off = np.linalg.norm(xy - self._middles[number], axis=1) / np.maximum(self._radii_m[number], 0.1)
        return np.asarray(
            self.heights_m[number] * (1.0 - self._roundness[number] * np.minimum(off, 1.0) ** 2)
        )

    @cached_property
    def _middles(self) -> FloatArray:
        return np.asarray(shapely.get_coordinates(shapely.centroid(self._shapes)))

    @cached_property
    def _radii_m(self) -> FloatArray:
        return np.asarray(np.sqrt(shapely.area(self._shapes) / np.pi))

    @cached_property
    def _roundness(self) -> FloatArray:
        return np.array([CROWN_ROUNDNESS if thing.label in ROUND else 0.0 for thing in self.things])

    def on_top_of(self, cameras_m: FloatArray, points_m: FloatArray, among: BoolArray) -> BoolArray:
        """Which places lie within the outlines of some of the things, or are hidden by them (N,).

        Args:
            cameras_m: (N, 3) easting, northing, height above the ground.
            points_m: (N, 2) places that are looked at.
            among: which of the things count.
        """
        is_on = np.zeros(len(points_m), dtype=bool)
        place, number = self._tree.query(shapely.points(points_m), predicate="intersects")
        is_on[place[among[number]]] = True
        rays = shapely.linestrings(np.stack([points_m, cameras_m[:, :2]], axis=1))
        pairs = self._tree.query(rays, predicate="intersects")
        pairs = pairs[:, among[pairs[1]] & ~is_on[pairs[0]]]
        levels = np.full(len(points_m), LOOK_AT_M)
        stopped = np.isfinite(self._blocked_at(rays, pairs, cameras_m[:, 2], levels, 1.0))
        is_on[pairs[0][stopped]] = True
        return is_on

    def is_hidden(self, cameras_m: FloatArray, points_m: FloatArray) -> BoolArray:
        """Which of the places are hidden (N,)."""
        return np.array([thing is not None for thing in self.hiding(cameras_m, points_m)], dtype=bool)
