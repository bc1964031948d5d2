"""A window of a raster made small, in a time that does not grow with the raster.

Overviews of the file are used where it has them. Where it has none, every block under the window would have
to be unpacked; beyond what takes about a second, a part of the blocks is, spread evenly, and what lies
between them is filled in smoothly. The same file on the same machine always gives the same picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import RasterError
from rs_copilot.raster.dataset import overview_level
from rs_copilot.tiles.pictures import Places, TilePictures
from rs_copilot.tiles.sweep import usable_cores
from rs_copilot.types import BoolArray, Box, ByteImage, Float32Array, SizeWH

# Single pixels that make up one pixel of the picture, along each axis: more no longer shows, fewer do where a
# raster is kept row by row and each of them costs a row, or where they would fill the memory.
SAMPLES = (4, 2, 1)
MAX_SAMPLES_PX = 20_000_000
# Time for reading, and what a core unpacks in a second, in bytes of pixels: measured, and rounded down for
# imagery that packs badly.
READ_S = 0.6
BYTES_PER_S = {"": 1_000_000_000, "packbits": 800_000_000, "lzw": 250_000_000, "zstd": 400_000_000,
               "deflate": 400_000_000, "lerc": 250_000_000}  # fmt: skip
SLOW_BYTES_PER_S = 120_000_000
# What is read in one go: pieces of a part of the blocks are small, so that they lie close together.
UNIT_PX, PART_UNIT_PX = 2048, 512
# A pixel of the picture counts where so many of its own do: of fewer too little is left of their colours.
MIN_WEIGHT = 0.25
# A sequence that spreads evenly over the plane (M. Roberts, "The unreasonable effectiveness of quasirandom
# sequences", 2018): steps of the plastic number along both axes.
SPREAD_X, SPREAD_Y = 0.7548776662466927, 0.5698402909980532


@dataclass(frozen=True, eq=False)
class Glance:
    """A picture ``(H, W, 3)`` uint8 RGB of a window; what has no data is black.

    ``share`` is the part of the window that was read, 1 for all of it; ``damaged`` pieces could not be.
    """

    image: ByteImage = field(repr=False)
    share: float
    damaged: int = 0


@dataclass(frozen=True)
class _Samples:
    """Single pixels on a regular grid: which level they come from, where they start, and how far apart.

    ``start`` and ``step`` are x, y in pixels of the level, whose size is ``of``.
    """

    level: int | None
    start: tuple[float, float]
    step: tuple[float, float]
    count: SizeWH
    block: SizeWH
    of: SizeWH

    def unpacked_px(self) -> float:
        """Pixels of the level that have to be unpacked for all of them."""
        wide = _touched(self.count.width_px, self.step[0], self.block.width_px)
        high = _touched(self.count.height_px, self.step[1], self.block.height_px)
        return min(wide * self.block.width_px, self.of.width_px + self.block.width_px) * (
            high * self.block.height_px
        )

    def units(self, is_part: bool) -> tuple[list[slice], list[slice]]:
        """Columns and rows of samples that are read in one go: those of whole blocks."""
        side_px = UNIT_PX
        if is_part:
            side_px = PART_UNIT_PX if self.block.width_px < self.of.width_px else self.block.height_px
        return (
            _pieces(self.count.width_px, self.start[0], self.step[0], self.block.width_px, side_px),
            _pieces(self.count.height_px, self.start[1], self.step[1], self.block.height_px, side_px),
        )

    def places(self, columns: slice, rows: slice) -> tuple[Places, Places]:
        """Columns and rows of the level that those samples are."""
        return tuple(
            np.minimum(
                np.floor(start + (np.arange(part.start, part.stop) + 0.5) * step).astype(np.int64), last - 1
            )
            for part, start, step, last in zip(
                (columns, rows), self.start, self.step, (self.of.width_px, self.of.height_px), strict=True
            )
        )  # type: ignore[return-value]


def _touched(count: int, step: float, block: int) -> int:
    return min(count, int(count * step / block) + 2)


def _pieces(count: int, start: float, step: float, block: int, side: int) -> list[slice]:
    """Numbers of samples, cut where every so many blocks end."""
    unit = block * max(1, round(max(side, step) / block))
    first, last = int(start // unit), int((start + count * step) // unit) + 1
    edges = (np.arange(first, last + 1) * unit - start) / step - 0.5
    cuts = np.unique(np.clip(np.ceil(edges), 0, count).astype(int))
    return [slice(int(low), int(high)) for low, high in pairwise(cuts)]


def glance(pictures: TilePictures, window: Box, size: SizeWH, *, is_patient: bool = False) -> Glance:
    """A window x1, y1, x2, y2 of a raster as a picture of at most its own size.

    Args:
        pictures: the open raster.
        window: in pixels of the raster, within it.
        size: of the picture.
        is_patient: read every block, however long that takes.

    Raises:
        ValueError: the window is empty or reaches beyond the raster, or the picture has more pixels along
            an axis than the window.
        RasterError: all that was looked at is damaged.
    """
    x1, y1, x2, y2 = window
    whole = pictures.info.size
    if not (0 <= x1 < x2 <= whole.width_px and 0 <= y1 < y2 <= whole.height_px):
        raise ValueError(f"expected a window of a raster of {whole}, found {window}")
    if not (0 < size.width_px <= x2 - x1 and 0 < size.height_px <= y2 - y1):
        raise ValueError(f"expected a picture no larger than {window}, found {size}")
    affordable = np.inf if is_patient else _affordable_px(pictures)
    plans = [_plan(pictures, window, size, most) for most in SAMPLES]
    samples = next((plan for plan in plans if plan.unpacked_px() <= affordable), plans[1])
    share = min(1.0, affordable / samples.unpacked_px())
    image, seen, read, damaged = _read(pictures, samples, share)
    if (samples.count.width_px, samples.count.height_px) != (size.width_px, size.height_px):
        image, valid = _averaged(image, seen & read, size)
        empty = _share_of(read & ~seen, size) > 0.5
    else:
        valid, empty = seen & read, read & ~seen
    if not (valid | empty).all():
        image = _filled(image, valid)
    image[empty] = 0
    return Glance(image, float(read.mean()), damaged)


def _affordable_px(pictures: TilePictures) -> float:
    info = pictures.info
    rate = BYTES_PER_S.get(pictures.layout.packing, SLOW_BYTES_PER_S)
    depth = np.dtype(info.dtype).itemsize * max(1, info.band_count)
    return READ_S * usable_cores() * rate / depth


def _plan(pictures: TilePictures, window: Box, size: SizeWH, most: int) -> _Samples:
    """Where to take single pixels: from the coarsest overview that still has two for each wanted one."""
    whole, layout = pictures.info.size, pictures.layout
    shrink = (window[2] - window[0]) / size.width_px, (window[3] - window[1]) / size.height_px
    level = overview_level(layout.overviews, max(1.0, min(shrink) / 2))
    factor = 1.0 if level is None else float(layout.overviews[level])
    most = max(1, min(most, int(np.sqrt(MAX_SAMPLES_PX / (size.width_px * size.height_px)))))
    fine = [max(1, min(most, round(item / factor))) for item in shrink]
    count = SizeWH(size.width_px * fine[0], size.height_px * fine[1])
    # Overviews are a little larger than the raster over their factor: sizes are rounded up.
    of = SizeWH(*(int(np.ceil(side / factor)) for side in (whole.width_px, whole.height_px)))
    scale = of.width_px / whole.width_px, of.height_px / whole.height_px
    step = shrink[0] / fine[0] * scale[0], shrink[1] / fine[1] * scale[1]
    start = window[0] * scale[0], window[1] * scale[1]
    return _Samples(level, start, step, count, layout.block, of)


def _read(
    pictures: TilePictures, samples: _Samples, share: float
) -> tuple[ByteImage, BoolArray, BoolArray, int]:
    """Single pixels ``(H, W, 3)``, which have data, which were read, and how many pieces are damaged."""
    shape = samples.count.height_px, samples.count.width_px
    image = np.zeros((*shape, 3), dtype=np.uint8)
    seen, read = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)

    damage: list[RasterError] = []

    def fetch(unit: tuple[slice, slice]) -> None:
        columns, rows = unit
        places = samples.places(columns, rows)
        try:
            image[rows, columns], seen[rows, columns] = pictures.sample(*places, samples.level)
        except RasterError as error:
            # One bad block should not hide the rest.
            damage.append(error)
            return
        read[rows, columns] = True

    units = list(_chosen(samples, share))
    with ThreadPoolExecutor(min(usable_cores(), len(units)), "rs-copilot-glance") as threads:
        list(threads.map(fetch, units))
    if damage and not read.any():
        raise damage[0]
    return image, seen, read, len(damage)


def _chosen(samples: _Samples, share: float) -> Iterator[tuple[slice, slice]]:
    """Units of all samples, or of a part of them that is spread evenly; the first is always among them."""
    columns, rows = samples.units(is_part=share < 1.0)
    for row, high in enumerate(rows):
        for col, wide in enumerate(columns):
            if (col * SPREAD_X + row * SPREAD_Y) % 1.0 < share:
                yield wide, high


def _share_of(mask: BoolArray, size: SizeWH) -> Float32Array:
    shape = size.width_px, size.height_px
    return np.asarray(cv2.resize(mask.astype(np.float32), shape, interpolation=cv2.INTER_AREA))


def _averaged(image: ByteImage, valid: BoolArray, size: SizeWH) -> tuple[ByteImage, BoolArray]:
    """Means of the pixels that count; a pixel counts where enough of its own do."""
    shape = size.width_px, size.height_px
    sums = np.asarray(cv2.resize(_counted(image, valid), shape, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if valid.all():
        return sums, np.ones(shape[::-1], dtype=np.bool_)
    weights = _share_of(valid, size)
    partly = (weights >= MIN_WEIGHT) & (weights < 1.0)
    sums[partly] = np.minimum(np.rint(sums[partly] / weights[partly][:, None]), 255)
    return sums, np.asarray(weights >= MIN_WEIGHT, dtype=np.bool_)


def _counted(image: ByteImage, valid: BoolArray) -> ByteImage:
    return image if valid.all() else np.where(valid[..., None], image, np.uint8(0))


def _filled(image: ByteImage, valid: BoolArray) -> ByteImage:
    """Pixels that count as they are, the others from coarser and coarser means of those around them."""
    levels = [_halved(_counted(image, valid), valid.astype(np.float32))]
    while min(levels[-1][1].shape) > 1 and not (levels[-1][1] > 0).all():
        levels.append(_halved(*levels[-1]))
    means = _means(*levels.pop())
    while levels:
        colours, known = levels.pop()
        wide = cv2.resize(means, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
        means = np.where((known > 0)[..., None], _means(colours, known), wide)
    wide = cv2.resize(means, valid.shape[::-1], interpolation=cv2.INTER_LINEAR)
    filled = image.copy()
    filled[~valid] = np.clip(np.rint(wide[~valid]), 0, 255)
    return filled


def _halved(colours: NDArray[Any], known: Float32Array) -> tuple[Float32Array, Float32Array]:
    half = max(1, known.shape[1] // 2), max(1, known.shape[0] // 2)
    smaller = (cv2.resize(item, half, interpolation=cv2.INTER_AREA) for item in (colours, known))
    first, second = (np.asarray(item, dtype=np.float32) for item in smaller)
    return first, second


def _means(colours: Float32Array, weights: Float32Array) -> Float32Array:
    return np.asarray(colours / np.maximum(weights, 1e-6)[..., None], dtype=np.float32)
