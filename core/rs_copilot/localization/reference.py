"""The map as localisation sees it: orientation fields of any window at any resolution, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyproj

from rs_copilot.localization.mosaic import Bounds, Mosaic, ReadMap
from rs_copilot.matching.orientation import ComplexField, orientation_field
from rs_copilot.raster.grid import MapImage, paste

__all__ = ["Bounds", "ReadMap", "Reference"]

# Closer looks need windows of 100 to 200 pixels anywhere: larger blocks would make fields for nothing.
BLOCK_PX = 64
# A field needs this margin so that blocks join without a seam, whatever they were cut from: so far reach
# the filters, one after the other.
HALO_PX = 36
# A whole small map, or a neighbourhood of a large one.
MAX_BYTES = 200_000_000


@dataclass
class Reference:
    """Map fields on one fixed grid per resolution; made when asked for and kept for a while.

    ``source`` returns the map of the given bounds (west, south, east, north in metres) at a ground
    sampling distance; bounds beyond the raster come back invalid. Serves any number of threads; the source is
    asked by one of them at a time.
    """

    source: ReadMap
    bounds_m: Bounds
    gsd_m: float
    crs: pyproj.CRS
    _blocks: OrderedDict[tuple[float, int, int], ComplexField] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def mosaic(self) -> Mosaic:
        """The map's pictures, which fields are made from."""
        return Mosaic(self.source, self.bounds_m, self.gsd_m, self.crs)

    def read(self, gsd_m: float, bounds_m: Bounds) -> MapImage:
        """The map's picture, as ``source`` gives it but for the filter; see `Mosaic`."""
        return self.mosaic.picture(gsd_m, bounds_m)

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
        wanted = [
            (block_row, block_col)
            for block_row in _blocks_of(row, row + height, rows)
            for block_col in _blocks_of(col, col + width, cols)
        ]
        with self._lock:
            known = {place: self._blocks.get((gsd_m, *place)) for place in wanted}
        missing = [place for place in wanted if known[place] is None]
        known |= dict(self._made(gsd_m, missing))
        for (block_row, block_col), block in known.items():
            if block is not None:
                paste(out, block, block_row * BLOCK_PX - row, block_col * BLOCK_PX - col)
        self._keep(gsd_m, known)
        return out

    def _made(
        self, gsd_m: float, places: list[tuple[int, int]]
    ) -> Iterator[tuple[tuple[int, int], ComplexField]]:
        """Fields of some blocks, cut from that of the rectangle that they span: one is quicker than many."""
        if not places:
            return
        first, last = np.min(places, axis=0), np.max(places, axis=0) + 1
        west, north = self.xy(first[::-1] * BLOCK_PX - HALO_PX, gsd_m)
        east, south = self.xy(last[::-1] * BLOCK_PX + HALO_PX, gsd_m)
        picture = self.read(gsd_m, (west, south, east, north))
        whole = orientation_field(picture.image, picture.valid)
        for row, col in places:
            top, left = (np.array([row, col]) - first) * BLOCK_PX + HALO_PX
            yield (row, col), whole[top : top + BLOCK_PX, left : left + BLOCK_PX].copy()

    def _keep(self, gsd_m: float, blocks: dict[tuple[int, int], ComplexField | None]) -> None:
        """Remember blocks as the last ones used, and let go of those not used for longest."""
        with self._lock:
            for place, block in blocks.items():
                key = (gsd_m, *place)
                if key not in self._blocks and block is not None:
                    self._blocks[key] = block
                    self._bytes += block.nbytes
                elif key in self._blocks:
                    self._blocks.move_to_end(key)
            while self._bytes > MAX_BYTES:
                self._bytes -= self._blocks.popitem(last=False)[1].nbytes


def _blocks_of(start: int, stop: int, limit: int) -> range:
    """Numbers of the blocks that hold the pixels from ``start`` to ``stop`` within the grid."""
    return range(max(start, 0) // BLOCK_PX, (min(stop, limit) - 1) // BLOCK_PX + 1)
