"""What the frames of a clip see: which places of the ground, when, how far inside the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

import numpy as np
import shapely
from scipy.special import ndtr
from shapely.geometry.base import BaseGeometry

from rs_copilot.geo import homography as hg
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vector.build import onto_ground

# Radius that holds 90 % of a round normal distribution, in standard deviations of one axis.
SIGMAS_OF_RADIUS = 2.1460
# The ground that a clip saw is put together from about so many frames.
GROUND_FRAMES = 120


@dataclass(frozen=True)
class Views:
    """The placed frames of one clip, in order of time.

    ``map_from_px`` (N, 3, 3) are homographies to metres that start at ``origin_m`` (2,); ``cameras_m`` (N, 3)
    are easting and northing from there and height above the ground, NaN where unknown; ``error_m`` (N,) are
    radii that hold the truth with 90 % probability. ``files`` are names of stills; a video has none.
    """

    clip: str
    frames: FloatArray = field(repr=False)
    times_s: FloatArray = field(repr=False)
    map_from_px: FloatArray = field(repr=False)
    sizes: FloatArray = field(repr=False)
    cameras_m: FloatArray = field(repr=False)
    error_m: FloatArray = field(repr=False)
    origin_m: FloatArray
    fids: FloatArray = field(repr=False)
    files: tuple[str | None, ...] = field(default=(), repr=False)

    @cached_property
    def times_by_file(self) -> Mapping[str, float]:
        """Moments of stills by their file names, and by these without what follows the dot."""
        found: dict[str, float] = {}
        for name, time_s in zip(self.files, self.times_s, strict=False):
            if name:
                found[name] = found[PurePath(name).stem] = float(time_s)
        return {name: time_s for name, time_s in found.items() if len(name) > 2}

    def __len__(self) -> int:
        return len(self.times_s)

    @cached_property
    def _oriented(self) -> FloatArray:
        """Homographies with w = 1 at the image centre, so that what is before the camera has w > 0."""
        middles = np.concatenate([self.sizes / 2.0, np.ones((len(self), 1))], axis=1)
        w = np.einsum("ni,ni->n", self.map_from_px[:, 2], middles)
        return np.asarray(self.map_from_px / w[:, None, None])

    @cached_property
    def _px_from_map(self) -> FloatArray:
        return np.linalg.inv(self._oriented) if len(self) else np.zeros((0, 3, 3))

    @cached_property
    def gsd_m(self) -> FloatArray:
        """Ground sampling distance at the image centres (N,)."""
        # With w = 1 there, the ground that a pixel covers is the determinant.
        return np.asarray(np.sqrt(np.abs(np.linalg.det(self._oriented))))

    @cached_property
    def centers_m(self) -> FloatArray:
        """Ground points at the image centres, in the metric CRS (N, 2)."""
        if not len(self):
            return np.zeros((0, 2))
        middles = np.concatenate([self.sizes / 2.0, np.ones((len(self), 1))], axis=1)
        xyw = np.einsum("nij,nj->ni", self._oriented, middles)
        return np.asarray(xyw[:, :2] / xyw[:, 2:] + self.origin_m)

    def pixels(self, points_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where ground points lie in every frame.

        Args:
            points_m: (P, 2) in the metric CRS.

        Returns:
            Pixels (N, P, 2), NaN behind the horizon, and how many metres on the ground the points lie inside
            the picture (N, P): negative outside it.
        """
        local = np.concatenate([points_m - self.origin_m, np.ones((len(points_m), 1))], axis=1)
        xyw = np.einsum("nij,pj->npi", self._px_from_map, local)
        w = np.where(xyw[..., 2] > 1e-12, xyw[..., 2], np.nan)
        px = xyw[..., :2] / w[..., None]
        border = np.minimum(px, self.sizes[:, None, :] - px).min(axis=2)
        # w of the inverse grows with the distance from the camera, 1 at the centre, and so does the ground
        # that a pixel covers.
        inside = np.nan_to_num(border * self.gsd_m[:, None] * w, nan=-1e6)
        return px, inside

    def on_ground(self, index: int, points_px: FloatArray) -> FloatArray:
        """Pixels ``(P, 2)`` of a frame on the ground, in the metric CRS; NaN towards the horizon."""
        return np.asarray(onto_ground(self._oriented[index], points_px) + self.origin_m)

    def depth_m(self, index: int, point_m: FloatArray) -> float:
        """How many metres on the ground a point (2,) lies inside one picture, as `pixels` has it."""
        x, y, w = self._px_from_map[index] @ np.append(point_m - self.origin_m, 1.0)
        if w <= 1e-12:
            return -1e6
        px = np.array([x, y]) / w
        return float(np.minimum(px, self.sizes[index] - px).min() * self.gsd_m[index] * w)

    def chance(self, inside_m: FloatArray) -> FloatArray:
        """Probability (N, P) that points are in the picture, from `pixels` and the frames' own errors."""
        sigma = np.maximum(self.error_m, 0.05)[:, None] / SIGMAS_OF_RADIUS
        return np.asarray(ndtr(inside_m / sigma))

    def footprint(self, index: int) -> BaseGeometry:
        """The ground that a frame sees, to the same bounds as the layer ``footprints``."""
        size = SizeWH(int(self.sizes[index, 0]), int(self.sizes[index, 1]))
        corners = hg.apply(self._oriented[index], size.corners_px)
        if np.isnan(corners).any():
            return shapely.Point(self.centers_m[index]).buffer(1.0)
        return shapely.Polygon(corners + self.origin_m)

    @cached_property
    def ground(self) -> BaseGeometry:
        """All ground that the frames see, from every so many of them."""
        step = max(1, len(self) // GROUND_FRAMES)
        shapes = [self.footprint(index) for index in sorted({*range(0, len(self), step), len(self) - 1})]
        return shapely.union_all([shape if shape.is_valid else shape.buffer(0.0) for shape in shapes])

    def upward_m(self, index: int) -> tuple[FloatArray, FloatArray]:
        """The place in the middle of the picture and one a little above it, in the metric CRS, shape (2,)."""
        middle = self.sizes[index] / 2.0
        ends = np.stack([middle, middle - [0.0, 0.1 * self.sizes[index, 1]]])
        start, end = hg.apply(self._oriented[index], ends) + self.origin_m
        return start, end

    def nearest(self, time_s: float) -> int | None:
        """The frame of a moment; ``None`` where there is none within half a second (or half the spacing)."""
        if not len(self):
            return None
        index = int(np.argmin(np.abs(self.times_s - time_s)))
        slack_s = max(0.5, self.spacing_s)
        return index if abs(self.times_s[index] - time_s) <= slack_s else None

    @cached_property
    def spacing_s(self) -> float:
        """Usual time between two placed frames."""
        return float(np.median(np.diff(self.times_s))) if len(self) > 1 else 0.0


def samples_of(shape: BaseGeometry, count: int = 5) -> FloatArray:
    """Points that stand for a shape: itself, some along a line, or at most ``count``² in an area."""
    if shape.geom_type == "Point":
        return np.array([[shape.x, shape.y]])
    if shape.geom_type in ("LineString", "MultiLineString"):
        shares = np.linspace(0.0, 1.0, count * 2 + 1)
        line = shape if shape.geom_type == "LineString" else max(shape.geoms, key=lambda part: part.length)
        return _coordinates(shapely.line_interpolate_point(line, shares, normalized=True))
    west, south, east, north = shape.bounds
    steps = (np.arange(count) + 0.5) / count
    x, y = np.meshgrid(west + steps * (east - west), south + steps * (north - south))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    kept = grid[shapely.contains_xy(shape, grid[:, 0], grid[:, 1])]
    return kept if len(kept) else _coordinates(shape.representative_point())


def _coordinates(points: object) -> FloatArray:
    return np.asarray(shapely.get_coordinates(points))
