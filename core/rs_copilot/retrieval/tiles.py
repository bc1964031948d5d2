"""Where the tiles of a gallery lie: overlapping squares on a regular grid, at a few ground scales. Pure.

A tile is a north-up square of ``side_m`` metres, drawn at ``input_px`` pixels for the network. Neighbours
start ``stride`` sides apart; half a side leaves every ground point within a quarter of a side of a tile's
centre along each axis, which is the shift that the network is trained to tolerate.

Tiles start at whole multiples of their spacing from the origin of the CRS, and one more at each edge of the
raster: when a raster grows, the same ground gets the same tiles, but for those at the former edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rs_copilot.types import ByteImage, Float32Array, FloatArray

# Ground sides by powers of two: frames of small UAVs are 40 to 500 m wide, and a frame between two
# steps is at most a factor of 1.4 away from the nearer one.
FINEST_SIDE_M = 60.0
MAX_SCALES = 3
# A tile drawn from fewer raster pixels than this share of the network's input is a blur.
MIN_DETAIL = 0.4
# Above this many tiles the finest scale is left out by default: embedding it would take the most time.
MAX_DEFAULT_TILES = 20_000
DEFAULT_STRIDE = 0.5
# Rounding of coordinates, in pixels of the tiles.
TOLERANCE_PX = 1e-4
TILES_PER_SIDE = 12


@dataclass(frozen=True)
class Block:
    """A rectangle of neighbouring tiles, read and embedded together.

    ``wests_m`` and ``norths_m`` are the outer edges of its columns (to the east) and rows (to the south).
    """

    side_m: float
    wests_m: FloatArray
    norths_m: FloatArray

    def __len__(self) -> int:
        return len(self.wests_m) * len(self.norths_m)

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """West, south, east, north of all its tiles."""
        return (
            float(self.wests_m[0]),
            float(self.norths_m[-1] - self.side_m),
            float(self.wests_m[-1] + self.side_m),
            float(self.norths_m[0]),
        )

    @property
    def centers_xy_m(self) -> FloatArray:
        """Centres of the tiles, row by row from the north-west. Shape (N, 2)."""
        x, y = np.meshgrid(self.wests_m + self.side_m / 2, self.norths_m - self.side_m / 2)
        return np.stack([x.ravel(), y.ravel()], axis=1)

    def gsd_m(self, input_px: int) -> float:
        """Ground size of a pixel of the tiles as the network sees them."""
        return self.side_m / input_px

    def cut(self, rgba: ByteImage, input_px: int) -> ByteImage:
        """The tiles of a picture of the block, in the order of `centers_xy_m`.

        Args:
            rgba: ``(H, W, 4)``, from the block's north-west corner at `gsd_m`.
            input_px: side of a tile in pixels.

        Returns:
            ``(N, input_px, input_px, 4)``. Tiles start at the nearest whole pixel.
        """
        gsd_m = self.gsd_m(input_px)
        columns = np.rint((self.wests_m - self.wests_m[0]) / gsd_m).astype(int)
        rows = np.rint((self.norths_m[0] - self.norths_m) / gsd_m).astype(int)
        return np.stack([rgba[row : row + input_px, col : col + input_px] for row in rows for col in columns])


@dataclass(frozen=True)
class TileGrid:
    """All tiles of one scale over one raster; ``step_m`` is their spacing, but for those at the edges."""

    side_m: float
    step_m: float
    wests_m: FloatArray
    norths_m: FloatArray

    def __len__(self) -> int:
        return len(self.wests_m) * len(self.norths_m)

    def blocks(self, tiles_per_side: int = TILES_PER_SIDE) -> list[Block]:
        """The tiles in rectangles of about ``tiles_per_side`` squared.

        Their borders stay where they are when the raster grows: a tile is then read in the same piece.
        """
        columns = _groups(self.wests_m, self.step_m * tiles_per_side)
        rows = _groups(self.norths_m - self.side_m, self.step_m * tiles_per_side)
        return [
            Block(self.side_m, self.wests_m[column], self.norths_m[row]) for row in rows for column in columns
        ]


def _groups(starts_m: FloatArray, size_m: float) -> list[slice]:
    """Runs of starts in the same cell of a grid from the CRS's origin."""
    cells = np.floor(starts_m / size_m + 1e-9)
    borders = [0, *(np.flatnonzero(np.diff(cells)) + 1), len(starts_m)]
    return [slice(int(first), int(last)) for first, last in pairwise(borders)]


def tile_grid(
    bounds_m: Sequence[float], side_m: float, input_px: int, stride: float = DEFAULT_STRIDE
) -> TileGrid:
    """Tiles that cover a rectangle (west, south, east, north) completely.

    They start at whole pixels of their own (``side_m`` / ``input_px``) counted from the CRS's origin, at
    most ``stride`` sides apart; the outermost reach beyond the rectangle by less than a pixel. A rectangle
    narrower than a tile gets one tile, centred on it.

    Raises:
        ValueError: no extent, no side, no pixels, or a stride outside (0, 1].
    """
    west, south, east, north = bounds_m
    if not (east > west and north > south):
        raise ValueError(f"expected west < east and south < north, found {tuple(bounds_m)}")
    if not (np.isfinite(side_m) and side_m > 0.0 and input_px > 0 and 0.0 < stride <= 1.0):
        raise ValueError(
            f"expected a positive side, pixels and a stride in (0, 1], found {side_m}, {input_px}, {stride}"
        )
    step_px = max(1, int(stride * input_px + TOLERANCE_PX))
    wests_m = _starts(west, east, side_m, input_px, step_px)
    norths_m = _starts(south, north, side_m, input_px, step_px)[::-1] + side_m
    return TileGrid(side_m, step_px * side_m / input_px, wests_m, norths_m)


def _starts(low: float, high: float, side_m: float, input_px: int, step_px: int) -> FloatArray:
    """Lower edges of the tiles along one axis, ascending."""
    pixel_m = side_m / input_px
    if high - low <= side_m + TOLERANCE_PX * pixel_m:
        return np.array([(low + high - side_m) / 2])
    first = int(np.floor(low / pixel_m + TOLERANCE_PX))
    last = int(np.ceil(high / pixel_m - TOLERANCE_PX)) - input_px
    # Up to the next multiple, as integers: rounding must not depend on where a raster begins.
    regular = np.arange(-(-first // step_px) * step_px, last + 1, step_px)
    return np.asarray(np.unique([first, *regular, last]) * pixel_m)


def default_sides_m(
    bounds_m: Sequence[float], gsd_m: float, input_px: int, stride: float = DEFAULT_STRIDE
) -> tuple[float, ...]:
    """Two or three ground scales that suit a raster, finest first.

    As fine as its resolution supports, not wider than the raster, and coarser where the finest would
    give more than `MAX_DEFAULT_TILES`. A raster too small for any of them gets one tile of its own size.
    """
    west, south, east, north = bounds_m
    short_m = min(east - west, north - south)
    steps = (FINEST_SIDE_M * 2.0**power for power in range(12))
    fitting = [side for side in steps if MIN_DETAIL * input_px * gsd_m <= side <= short_m]
    while len(fitting) > 2 and len(tile_grid(bounds_m, fitting[0], input_px, stride)) > MAX_DEFAULT_TILES:
        fitting = fitting[1:]
    return tuple(fitting[:MAX_SCALES]) or (float(short_m),)


def valid_shares(tiles: ByteImage) -> Float32Array:
    """The share of each of ``(N, S, S, 4)`` tiles that has data (alpha above 0). Shape (N,)."""
    return np.asarray((tiles[..., 3] > 0).mean(axis=(1, 2)), dtype=np.float32)


def fingerprints(tiles: ByteImage) -> NDArray[np.int64]:
    """A 64-bit hash of all pixels of each of ``(N, S, S, 4)`` tiles: equal where the tiles are. Shape (N,).

    Among 10^6 tiles two of different pixels share one with a probability of 3 in 10^8.
    """
    digests = b"".join(blake2b(np.ascontiguousarray(tile).data, digest_size=8).digest() for tile in tiles)
    return np.frombuffer(digests, dtype="<i8").astype(np.int64)
