"""The map as localisation sees it: orientation fields of any window at any resolution, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyproj

from rs_copilot.matching.orientation import ComplexField, orientation_field
from rs_copilot.raster.source import MapImage

Bounds = tuple[float, float, float, float]
ReadMap = Callable[[float, Bounds], MapImage]

BLOCK_PX = 512
# A field needs this margin so that blocks join without a seam (the filters reach 3 sigma).
HALO_PX = 20
# 96 blocks of complex64 are 200 MB: a whole small map, or a neighbourhood of a large one.
MAX_BLOCKS = 96


@dataclass
class Reference:
    """Map fields on one fixed grid per resolution; blocks are read when asked for and kept for a while.

    ``read`` returns the map of the given bounds (west, south, east, north in metres) at a ground
    sampling distance; bounds beyond the raster come back invalid.
    """

    read: ReadMap
    bounds_m: Bounds
    gsd_m: float
    crs: pyproj.CRS
    _blocks: OrderedDict[tuple[float, int, int], ComplexField] = field(default_factory=OrderedDict)

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the raster."""
        west, south, east, north = self.bounds_m
        return east - west, north - south

    def grid_shape(self, gsd_m: float) -> tuple[int, int]:
        """Rows and columns of the whole raster at a resolution."""
        width, height = self.size_m
        return int(np.ceil(height / gsd_m)), int(np.ceil(width / gsd_m))

    def col_row(self, xy_m: np.ndarray, gsd_m: float) -> np.ndarray:
        """Continuous column and row of map points ``(N, 2)`` on the grid of a resolution."""
        return (np.asarray(xy_m) - [self.bounds_m[0], self.bounds_m[3]]) / [gsd_m, -gsd_m]

    def xy(self, col_row: np.ndarray, gsd_m: float) -> np.ndarray:
        """The inverse of `col_row`."""
        return np.asarray(col_row) * [gsd_m, -gsd_m] + [self.bounds_m[0], self.bounds_m[3]]

    def window(self, gsd_m: float, row: int, col: int, height: int, width: int) -> ComplexField:
        """Field of a window of the grid; parts beyond the raster are zero. Shape ``(height, width)``."""
        out = np.zeros((height, width), dtype=np.complex64)
        rows, cols = self.grid_shape(gsd_m)
        for block_row in range(max(row, 0) // BLOCK_PX, (min(row + height, rows) - 1) // BLOCK_PX + 1):
            for block_col in range(max(col, 0) // BLOCK_PX, (min(col + width, cols) - 1) // BLOCK_PX + 1):
                block = self._block(gsd_m, block_row, block_col)
                _paste(out, block, block_row * BLOCK_PX - row, block_col * BLOCK_PX - col)
        return out

    def _block(self, gsd_m: float, block_row: int, block_col: int) -> ComplexField:
        key = (gsd_m, block_row, block_col)
        if key in self._blocks:
            self._blocks.move_to_end(key)
            return self._blocks[key]
        corner = np.array([block_col, block_row]) * BLOCK_PX
        west, north = self.xy(corner - HALO_PX, gsd_m)
        east, south = self.xy(corner + BLOCK_PX + HALO_PX, gsd_m)
        picture = self.read(gsd_m, (west, south, east, north))
        inner = slice(HALO_PX, HALO_PX + BLOCK_PX)
        block = orientation_field(picture.image, picture.valid)[inner, inner]
        self._blocks[key] = block
        while len(self._blocks) > MAX_BLOCKS:
            self._blocks.popitem(last=False)
        return block


def _paste(target: ComplexField, source: ComplexField, row: int, col: int) -> None:
    """Copy the overlap of ``source``, whose first pixel lies at (row, col) of ``target``."""
    top, left = max(row, 0), max(col, 0)
    bottom = min(row + source.shape[0], target.shape[0])
    right = min(col + source.shape[1], target.shape[1])
    if top < bottom and left < right:
        target[top:bottom, left:right] = source[top - row : bottom - row, left - col : right - col]
