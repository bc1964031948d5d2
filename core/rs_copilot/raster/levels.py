"""Reduced versions of a raster: the file's own overviews, and ones made in memory where it has none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import cv2
import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.windows import Window

from rs_copilot.raster.dataset import (
    band_count_of,
    declares_nodata,
    georeference,
    has_palette,
    open_dataset,
    overview_level,
    read_values,
)
from rs_copilot.types import BoolArray, Float32Array

# Warping straight from the file is fine until it reads this much more than it writes.
MIN_REDUCTION = 2
MIN_SOURCE_PX = 16_000_000
STRIP_PX = 32_000_000


class Levels:
    """Chooses what to read from; owns what it opened and made. ``bands`` are 1-based."""

    def __init__(self, path: str, dataset: rasterio.DatasetReader) -> None:
        self.path = path
        self.full = dataset
        self._stack = ExitStack()
        self._files: dict[int, rasterio.DatasetReader] = {}
        self._made: dict[tuple[tuple[int, ...], int], rasterio.DatasetReader] = {}

    def close(self) -> None:
        """Let go of all files and memory."""
        self._made.clear()
        self._stack.close()

    def best(
        self, bands: Sequence[int], shrink: float, share: float
    ) -> tuple[rasterio.DatasetReader, tuple[int, ...]]:
        """The dataset to read from, and the numbers of the bands in it.

        ``shrink`` is the wanted over the native pixel size, ``share`` the part of the raster that is
        wanted. A raster without overviews is read through once, and its reduced version kept.
        """
        level = overview_level(self.full.overviews(1), shrink)
        source = self.full if level is None else self._file_level(level)
        left = shrink * source.width / self.full.width
        if left < MIN_REDUCTION or source.width * source.height * share < MIN_SOURCE_PX:
            return source, tuple(bands)
        made = [factor for (of, factor) in self._made if of == tuple(bands) and factor <= shrink]
        factor = int(2 ** np.floor(np.log2(left)))
        key = (tuple(bands), max(made) if made else factor)
        if key not in self._made:
            self._made[key] = self._make(source, bands, factor)
        return self._made[key], tuple(range(1, self._made[key].count + 1))

    def _file_level(self, level: int) -> rasterio.DatasetReader:
        if level not in self._files:
            self._files[level] = self._stack.enter_context(open_dataset(self.path, overview_level=level))
        return self._files[level]

    def _make(
        self, source: rasterio.DatasetReader, bands: Sequence[int], factor: int
    ) -> rasterio.DatasetReader:
        values, valid = read_reduced(source, bands, factor)
        place = georeference(source)
        profile = {
            "driver": "GTiff",
            "width": valid.shape[1],
            "height": valid.shape[0],
            "count": len(values),
            "dtype": values.dtype,
            "crs": place.crs.to_wkt(),
            "transform": place.transform @ Affine.scale(factor),
        }
        memory = self._stack.enter_context(MemoryFile())
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), memory.open(**profile) as target:
            target.write(values)
            target.write_mask(valid)
        return self._stack.enter_context(memory.open())


def read_reduced(
    source: rasterio.DatasetReader, bands: Sequence[int], factor: int
) -> tuple[NDArray[np.generic], BoolArray]:
    """Means over ``factor`` x ``factor`` cells of valid pixels, ``(bands, H, W)``, and which cells have any.

    Reads whole rows of blocks one after the other, so that every block is decoded once. The last cells
    of a raster whose size is no multiple of the factor are padded with missing pixels.
    """
    width, height = -(-source.width // factor), -(-source.height // factor)
    dtype = "uint8" if has_palette(source, bands) else source.dtypes[bands[0] - 1]
    kept = np.dtype(dtype) if dtype in {"uint8", "uint16"} else np.dtype(np.float32)
    values = np.zeros((band_count_of(source, bands), height, width), dtype=kept)
    valid = np.zeros((height, width), dtype=np.bool_)
    masked = declares_nodata(source, bands[0])
    step = strip_rows(source.width, source.block_shapes[0][0], factor)
    for top in range(0, source.height, step):
        window = Window(0, top, source.width, min(step, source.height - top))
        block = read_values(source, bands, window)
        mask = source.dataset_mask(window=window) > 0 if masked else np.ones(block.shape[1:], dtype=np.bool_)
        if np.issubdtype(block.dtype, np.floating):
            mask &= np.isfinite(block).all(axis=0)
        rows = slice(top // factor, top // factor + -(-int(window.height) // factor))
        values[:, rows], valid[rows] = reduce_block(block, mask, factor, kept)
    return values, valid


def strip_rows(width: int, block_rows: int, factor: int) -> int:
    """Rows to read at once: whole blocks and whole cells, about `STRIP_PX` pixels at most."""
    unit = int(np.lcm(block_rows, factor))
    if unit * width > STRIP_PX:
        unit = factor  # blocks and cells do not meet within reason: decode some blocks twice
    return unit * max(1, STRIP_PX // (unit * width))


def reduce_block(
    block: NDArray[np.generic], mask: BoolArray, factor: int, dtype: np.dtype[np.generic]
) -> tuple[NDArray[np.generic], BoolArray]:
    """Cell means of ``(bands, H, W)`` over valid pixels, and the cells with at least half of them valid."""
    rows, columns = -(-mask.shape[0] // factor), -(-mask.shape[1] // factor)
    complete = bool(mask.all())
    weights = _cell_means(mask.astype(np.float32), factor, rows, columns)
    valid = np.asarray(weights >= 0.5, dtype=np.bool_)
    reduced = np.zeros((len(block), rows, columns), dtype=dtype)
    for target, band in zip(reduced, block, strict=True):
        if complete and band.dtype in (np.uint8, np.uint16):
            sums = _cell_means(band, factor, rows, columns)
        else:
            sums = _cell_means(np.where(mask, band, 0).astype(np.float32), factor, rows, columns)
        means = sums / np.maximum(weights, np.float32(1e-6))
        target[...] = np.where(valid, np.rint(means) if dtype.kind == "u" else means, 0)
    return reduced, valid


def _cell_means(
    band: NDArray[np.integer | np.floating], factor: int, rows: int, columns: int
) -> Float32Array:
    bottom, right = rows * factor - band.shape[0], columns * factor - band.shape[1]
    if bottom or right:
        band = np.pad(band, ((0, bottom), (0, right)))
    return np.asarray(cv2.resize(band, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32)
