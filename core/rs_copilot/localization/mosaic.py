"""The map's pictures at any resolution, every pixel of the file read once while there is room.

A search looks at a map at some twenty resolutions and at hundreds of small windows. Decoding and warping the
file for each took most of its time. Tiles at resolutions of powers of two are read once, coarser ones are
made from finer ones, and every other resolution is drawn from the next finer power of two.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import pyproj

from rs_copilot.raster.grid import MapImage, paste
from rs_copilot.types import ByteImage

Bounds = tuple[float, float, float, float]
ReadMap = Callable[[float, Bounds], MapImage]

TILE_PX = 512
# Red, green, blue and validity of 25 km2 at half a metre with all coarser levels are 530 MB.
MAX_BYTES = 700_000_000
# Coarser tiles of larger maps come from the file, which has overviews or makes them by itself.
MAX_FINEST_PX = 128_000_000
# A power of two that is finer than the file by less than this share is as good as the file's own resolution.
AS_FINE = 0.98
VALID = 255


@dataclass
class Mosaic:
    """Serves any number of threads; the file is read by one of them at a time.

    ``read`` returns the map of the given bounds (west, south, east, north in metres) at a ground sampling
    distance; bounds beyond the raster come back invalid. ``gsd_m`` is the file's own resolution.
    """

    read: ReadMap
    bounds_m: Bounds
    gsd_m: float
    crs: pyproj.CRS
    _tiles: OrderedDict[tuple[float, int, int], ByteImage] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def picture(self, gsd_m: float, bounds_m: Bounds) -> MapImage:
        """What ``read`` would return, up to the filter that resolutions are changed by.

        Pixels that would mix in missing ones are missing.
        """
        west, south, east, north = bounds_m
        cols = max(1, int(np.ceil((east - west) / gsd_m - 1e-6)))
        rows = max(1, int(np.ceil((north - south) / gsd_m - 1e-6)))
        tile_gsd_m = self._tile_gsd_m(gsd_m)
        step = gsd_m / tile_gsd_m
        corner = np.array([west - self.bounds_m[0], self.bounds_m[3] - north]) / tile_gsd_m
        # Bilinear sampling needs a neighbour, the filter before it two.
        first = np.floor(corner).astype(int) - 4
        last = np.ceil(corner + step * np.array([cols, rows])).astype(int) + 4
        canvas = self._canvas(tile_gsd_m, int(first[1]), int(first[0]), *(last - first)[::-1].tolist())
        drawn = _resampled(canvas, corner - first, step, (cols, rows))
        valid = drawn[..., 3] >= VALID - 1
        image = np.ascontiguousarray(drawn[..., :3])
        image[~valid] = 0
        return MapImage(image, valid, west, north, gsd_m, self.crs)

    def _tile_gsd_m(self, gsd_m: float) -> float:
        """Resolution to draw from: the next finer power of two; the wanted one where the file is coarser."""
        octave = float(2.0 ** np.floor(np.log2(gsd_m) + 1e-9))
        return octave if self._is_useful(octave) else gsd_m

    def _is_useful(self, gsd_m: float) -> bool:
        return gsd_m >= AS_FINE * self.gsd_m

    def _is_made(self, gsd_m: float) -> bool:
        """Whether tiles are made from those of half the size, rather than read."""
        west, south, east, north = self.bounds_m
        finer = gsd_m / 2
        fits = (east - west) * (north - south) <= MAX_FINEST_PX * finer**2
        return fits and self._is_useful(finer)

    def _canvas(self, gsd_m: float, row: int, col: int, rows: int, cols: int) -> ByteImage:
        """Red, green, blue, validity of a window of the grid; zero beyond the raster. ``(rows, cols, 4)``."""
        out = np.zeros((rows, cols, 4), dtype=np.uint8)
        west, south, east, north = self.bounds_m
        height, width = int(np.ceil((north - south) / gsd_m)), int(np.ceil((east - west) / gsd_m))
        for tile_row in range(max(row, 0) // TILE_PX, (min(row + rows, height) - 1) // TILE_PX + 1):
            for tile_col in range(max(col, 0) // TILE_PX, (min(col + cols, width) - 1) // TILE_PX + 1):
                tile = self._tile(gsd_m, tile_row, tile_col)
                paste(out, tile, tile_row * TILE_PX - row, tile_col * TILE_PX - col)
        return out

    def _tile(self, gsd_m: float, row: int, col: int) -> ByteImage:
        key = (gsd_m, row, col)
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
                return self._tiles[key]
            if self._is_made(gsd_m):
                corner = row * 2 * TILE_PX, col * 2 * TILE_PX
                tile = _halved(self._canvas(gsd_m / 2, *corner, 2 * TILE_PX, 2 * TILE_PX))
            else:
                tile = self._read_tile(gsd_m, row, col)
            self._tiles[key] = tile
            self._bytes += tile.nbytes
            while self._bytes > MAX_BYTES:
                self._bytes -= self._tiles.popitem(last=False)[1].nbytes
            return tile

    def _read_tile(self, gsd_m: float, row: int, col: int) -> ByteImage:
        west = self.bounds_m[0] + col * TILE_PX * gsd_m
        north = self.bounds_m[3] - row * TILE_PX * gsd_m
        side_m = TILE_PX * gsd_m
        piece = self.read(gsd_m, (west, north - side_m, west + side_m, north))
        out = np.empty((TILE_PX, TILE_PX, 4), dtype=np.uint8)
        out[..., :3] = piece.image[:TILE_PX, :TILE_PX]
        out[..., 3] = np.where(piece.valid[:TILE_PX, :TILE_PX], VALID, 0)
        return out


def _halved(canvas: ByteImage) -> ByteImage:
    """Means of the valid pixels among two by two; valid where any is."""
    size = (canvas.shape[1] // 2, canvas.shape[0] // 2)
    small = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    share = small[..., 3:]
    partly = (share > 0) & (share < VALID)
    if partly.any():
        # Missing pixels are black: the mean is too dark by the share of them.
        full = np.minimum(small[..., :3] * (VALID / np.maximum(share, 1).astype(np.float32)), VALID)
        small[..., :3] = np.where(partly, np.round(full).astype(np.uint8), small[..., :3])
        small[..., 3] = np.where(small[..., 3] > 0, VALID, 0)
    return small


def _resampled(canvas: ByteImage, corner: np.ndarray, step: float, size: tuple[int, int]) -> ByteImage:
    """``size`` (columns, rows) pixels of ``step`` canvas pixels each, from ``corner`` (x, y) on."""
    whole = np.round(corner)
    if abs(step - 1.0) < 1e-6 and np.abs(corner - whole).max() < 1e-3:
        left, top = (int(v) for v in whole)
        return canvas[top : top + size[1], left : left + size[0]]
    # A triangle `step` wide has this much more variance than the one pixel wide of bilinear sampling.
    sigma = np.sqrt(max(step**2 - 1.0, 0.0) / 6.0)
    smooth = cv2.GaussianBlur(canvas, (0, 0), sigma) if sigma > 0.1 else canvas
    offset = corner + step / 2 - 0.5
    to_canvas = np.array([[step, 0.0, offset[0]], [0.0, step, offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(smooth, to_canvas, size, flags=flags), dtype=np.uint8)
