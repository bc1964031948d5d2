"""Rasters as values: what a source is, and north-up pieces of map or terrain cut from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyproj

from rs_copilot.types import BoolArray, ByteImage, Float32Array, FloatArray, LonLat, SizeWH


class BoundsM(NamedTuple):
    """A rectangle in metres of a metric CRS."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclass(frozen=True)
class RasterInfo:
    """What an opened raster is. ``crs`` is its own, ``metric_crs`` the one that its pieces are read in.

    ``gsd_m`` is the side of a native pixel at the centre, ``bounds_m`` the extent in ``metric_crs``.
    """

    path: str
    size: SizeWH
    crs: pyproj.CRS
    metric_crs: pyproj.CRS
    center: LonLat
    gsd_m: float
    band_count: int
    dtype: str
    nodata: float | None
    bounds_m: BoundsM


class NorthUpGrid:
    """Square cells in rows from the north; ``(west_m, north_m)`` is the outer corner of the first cell."""

    west_m: float
    north_m: float
    gsd_m: float
    crs: pyproj.CRS

    @property
    def map_from_px(self) -> FloatArray:
        """(3, 3) affine matrix from pixels (GDAL convention) to map metres."""
        return np.array([[self.gsd_m, 0.0, self.west_m], [0.0, -self.gsd_m, self.north_m], [0.0, 0.0, 1.0]])

    @property
    def px_from_map(self) -> FloatArray:
        """(3, 3) affine matrix from map metres to pixels."""
        step = 1.0 / self.gsd_m
        return np.array(
            [[step, 0.0, -self.west_m * step], [0.0, -step, self.north_m * step], [0.0, 0.0, 1.0]]
        )

    def _check_grid(self) -> None:
        if not (np.isfinite([self.west_m, self.north_m, self.gsd_m]).all() and self.gsd_m > 0):
            raise ValueError(
                f"expected a finite corner and a positive cell size in metres, "
                f"found west={self.west_m}, north={self.north_m}, gsd={self.gsd_m}"
            )


@dataclass(frozen=True)
class MapImage(NorthUpGrid):
    """A piece of satellite map: ``image`` (H, W, 3) uint8 RGB, ``valid`` (H, W) bool.

    Invalid pixels are black.
    """

    image: ByteImage = field(repr=False)
    valid: BoolArray = field(repr=False)
    west_m: float
    north_m: float
    gsd_m: float
    crs: pyproj.CRS

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(
                f"expected an (H, W, 3) uint8 image, found {self.image.shape} {self.image.dtype}"
            )
        if self.valid.shape != self.image.shape[:2] or self.valid.dtype != np.bool_:
            raise ValueError(
                f"expected a bool mask of shape {self.image.shape[:2]}, "
                f"found {self.valid.shape} {self.valid.dtype}"
            )
        self._check_grid()

    @property
    def size(self) -> SizeWH:
        """Width and height in pixels."""
        return SizeWH(int(self.image.shape[1]), int(self.image.shape[0]))


@dataclass(frozen=True)
class ElevationMap(NorthUpGrid):
    """A piece of terrain: ``heights_m`` (H, W) float32, NaN where nothing is known."""

    heights_m: Float32Array = field(repr=False)
    west_m: float
    north_m: float
    gsd_m: float
    crs: pyproj.CRS

    def __post_init__(self) -> None:
        if self.heights_m.ndim != 2 or self.heights_m.dtype != np.float32:
            raise ValueError(
                f"expected (H, W) float32 heights, found {self.heights_m.shape} {self.heights_m.dtype}"
            )
        self._check_grid()

    def at(self, points: FloatArray) -> FloatArray:
        """Bilinear height of ``(N, 2)`` map points, shape (N,); NaN outside and beside missing cells."""
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        x = (points[:, 0] - self.west_m) / self.gsd_m - 0.5
        y = (self.north_m - points[:, 1]) / self.gsd_m - 0.5
        height, width = self.heights_m.shape
        inside = (x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5)
        x, y = np.clip(np.nan_to_num(x), 0, width - 1), np.clip(np.nan_to_num(y), 0, height - 1)
        left, top = (
            np.minimum(x.astype(int), max(width - 2, 0)),
            np.minimum(y.astype(int), max(height - 2, 0)),
        )
        right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        fx, fy = x - left, y - top
        upper = self.heights_m[top, left] * (1 - fx) + self.heights_m[top, right] * fx
        lower = self.heights_m[bottom, left] * (1 - fx) + self.heights_m[bottom, right] * fx
        return np.where(inside, upper * (1 - fy) + lower * fy, np.nan)


def paste(target: np.ndarray, source: np.ndarray, row: int, col: int) -> None:
    """Copy the overlap of ``source``, whose first pixel lies at (row, col) of ``target``.

    Both are ``(H, W, ...)``.
    """
    top, left = max(row, 0), max(col, 0)
    bottom = min(row + source.shape[0], target.shape[0])
    right = min(col + source.shape[1], target.shape[1])
    if top < bottom and left < right:
        target[top:bottom, left:right] = source[top - row : bottom - row, left - col : right - col]
