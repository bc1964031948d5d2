"""Which tiles a sweep over a raster consists of, what each one owns, and which ones a region needs. Pure.

The plan lives in the raster's own pixels, scaled where a model wants another ground sampling distance: no
tile is ever warped, so that reading costs what the file costs, in any CRS. ``scale_xy`` is how many pixels of
the raster lie in one pixel of the plan along each axis; they differ where pixels are oblong on the ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from rs_copilot.types import FloatArray, SizeWH

# Closer to one than this, the raster is read as it is: no model knows its scale better.
SAME_SCALE = 0.05


@dataclass(frozen=True)
class Tile:
    """One tile of a plan; all in pixels of the plan.

    ``window_px`` is what the model sees, ``core_px`` what the tile answers for: the cores of all tiles cover
    the plan exactly once. Both are x1, y1, x2, y2. A raster smaller than a tile is padded right and below.
    """

    number: int
    row: int
    col: int
    window_px: tuple[int, int, int, int]
    core_px: tuple[int, int, int, int]


@dataclass(frozen=True)
class Axis:
    """Tiles along one axis: where they start, and where their cores meet (one more than tiles)."""

    length: int
    starts: NDArray[np.int64]
    cuts: NDArray[np.int64]


def axis_of(length: int, side: int, overlap: int) -> Axis:
    """Tiles of ``side`` that cover ``length``; neighbours share ``overlap`` or more, the last ends flush.

    Raises:
        ValueError: no length, no side, or an overlap that leaves no way forward.
    """
    if length < 1 or side < 1 or not 0 <= overlap < side:
        raise ValueError(
            f"expected a positive length and side and an overlap below the side, "
            f"found {length}, {side}, {overlap}"
        )
    count = max(1, -(-(length - overlap) // (side - overlap)))
    starts = np.minimum(np.arange(count, dtype=np.int64) * (side - overlap), max(length - side, 0))
    middles = (starts[1:] + starts[:-1] + side) // 2
    return Axis(length, starts, np.concatenate([[0], middles, [length]]).astype(np.int64))


@dataclass(frozen=True)
class TilePlan:
    """All tiles of a sweep, row by row from the top, and those among them that are wanted."""

    size: SizeWH
    tile: SizeWH
    overlap_px: int
    scale_xy: tuple[float, float]
    columns: Axis
    rows: Axis
    wanted: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.total if self.wanted is None else len(self.wanted)

    @property
    def total(self) -> int:
        """Tiles of the whole raster, wanted or not."""
        return len(self.columns.starts) * len(self.rows.starts)

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Numbers of the wanted tiles, ascending: row by row. Shape (N,)."""
        return np.arange(self.total, dtype=np.int64) if self.wanted is None else np.sort(self.wanted)

    def tiles(self) -> Iterator[Tile]:
        """The wanted tiles in order."""
        for number in self.numbers:
            yield self.at(int(number))

    def at(self, number: int) -> Tile:
        """The tile of that number."""
        row, col = divmod(number, len(self.columns.starts))
        x, y = int(self.columns.starts[col]), int(self.rows.starts[row])
        return Tile(
            number,
            row,
            col,
            (x, y, x + self.tile.width_px, y + self.tile.height_px),
            (
                int(self.columns.cuts[col]),
                int(self.rows.cuts[row]),
                int(self.columns.cuts[col + 1]),
                int(self.rows.cuts[row + 1]),
            ),
        )

    def windows_px(self, numbers: NDArray[np.int64]) -> FloatArray:
        """x1, y1, x2, y2 of what tiles see within the raster. Shape (N, 4)."""
        row, col = np.divmod(numbers, len(self.columns.starts))
        x, y = self.columns.starts[col], self.rows.starts[row]
        right = np.minimum(x + self.tile.width_px, self.size.width_px)
        bottom = np.minimum(y + self.tile.height_px, self.size.height_px)
        return np.stack([x, y, right, bottom], axis=1).astype(np.float64)

    def within(self, region_px: BaseGeometry) -> TilePlan:
        """Only the tiles that share ground with a region in pixels of the plan.

        Tiles are asked in bulk, and only those around each part of the region, so that the cost follows the
        region and not the raster.
        """
        tree = shapely.STRtree(shapely.get_parts(region_px))
        near = [self._around(part.bounds) for part in tree.geometries if not part.is_empty]
        numbers = np.unique(np.concatenate([*near, np.zeros(0, dtype=np.int64)]))
        boxes = shapely.box(*self.windows_px(numbers).T)
        # Touching along an edge shares no ground: what is asked for is a common interior.
        hit, part = tree.query(boxes, predicate="intersects")
        shares = ~shapely.touches(boxes[hit], tree.geometries[part])
        return self.only(numbers[np.unique(hit[shares])])

    def only(self, numbers: NDArray[np.int64]) -> TilePlan:
        """The same plan with no more than these tiles wanted."""
        return replace(self, wanted=numbers)

    def _around(self, bounds: tuple[float, float, float, float]) -> NDArray[np.int64]:
        """Numbers of all tiles whose windows may meet a rectangle."""
        x1, y1, x2, y2 = bounds
        cols = _meeting(self.columns.starts, self.tile.width_px, x1, x2)
        rows = _meeting(self.rows.starts, self.tile.height_px, y1, y2)
        return (rows[:, None] * len(self.columns.starts) + cols[None]).ravel()


def _meeting(starts: NDArray[np.int64], side: int, low: float, high: float) -> NDArray[np.int64]:
    first = np.searchsorted(starts + side, low, side="left")
    last = np.searchsorted(starts, high, side="right")
    return np.arange(first, last, dtype=np.int64)


def plan_tiles(
    raster: SizeWH, tile: SizeWH, overlap_px: int, scale_xy: tuple[float, float] = (1.0, 1.0)
) -> TilePlan:
    """Tiles over a whole raster; `TilePlan.within` then limits them to a region.

    Args:
        raster: its size in pixels of its own.
        tile: size of a tile in pixels of the plan.
        overlap_px: what neighbours share at least, in pixels of the plan.
        scale_xy: pixels of the raster in one pixel of the plan.

    Raises:
        ValueError: a size, overlap or scale that is no such thing.
    """
    if not (np.isfinite(scale_xy).all() and min(scale_xy) > 0):
        raise ValueError(f"expected positive scales, found {scale_xy}")
    width = max(1, int(np.ceil(raster.width_px / scale_xy[0] - 1e-6)))
    height = max(1, int(np.ceil(raster.height_px / scale_xy[1] - 1e-6)))
    return TilePlan(
        SizeWH(width, height),
        tile,
        overlap_px,
        scale_xy,
        axis_of(width, tile.width_px, overlap_px),
        axis_of(height, tile.height_px, overlap_px),
    )


def scale_for(pixel_m: tuple[float, float], gsd_m: float | None) -> tuple[float, float]:
    """Pixels of the raster in one pixel of a model's ground sampling distance.

    Args:
        pixel_m: ground size of a pixel of the raster along x and y, in metres.
        gsd_m: what the model was made for; ``None`` for any, then only oblong pixels are made square.
    """
    wanted = gsd_m if gsd_m is not None else min(pixel_m)
    scale = wanted / pixel_m[0], wanted / pixel_m[1]
    return (1.0, 1.0) if max(abs(item - 1.0) for item in scale) <= SAME_SCALE else scale
