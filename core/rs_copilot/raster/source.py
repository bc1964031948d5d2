"""The door to rasters: any format, CRS, depth and band count in; north-up metric RGB pieces out.

Every read is a window at a wanted resolution: it starts from the overview that is just fine enough and is
warped in small chunks, so that memory follows the size of the result and not of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray

from rs_copilot.errors import RasterError
from rs_copilot.raster import dataset as gdal
from rs_copilot.raster.bands import Stretch, bands_to_show, bytes_to_rgb
from rs_copilot.raster.border import BLACK_LEVEL, border_black, refine_border, resample_mask
from rs_copilot.raster.grid import BoundsM, ElevationMap, MapImage, RasterInfo
from rs_copilot.raster.levels import Levels
from rs_copilot.types import BoolArray

__all__ = [
    "BoundsM",
    "ElevationMap",
    "MapImage",
    "RasterInfo",
    "RasterSource",
    "open_raster",
    "read_elevation",
]

COLLAR_SIDE_PX = 1024


def open_raster(path: str | Path) -> RasterSource:
    """Open a raster for reading.

    Raises:
        RasterError: it is not a raster, has no bands, or covers no area.
        MissingCrsError: it does not say where on Earth it lies.
    """
    return RasterSource(str(path))


class RasterSource:
    """An open raster. Close it, or use it as a context manager; one thread at a time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._stack = ExitStack()
        self._collar: MapImage | None = None
        self._stretch: Stretch | None = None
        try:
            with rasterio.Env(**gdal.GDAL_OPTIONS):
                self._dataset = self._stack.enter_context(gdal.open_dataset(path))
                self.info = gdal.describe(self._dataset, path)
                self._levels = self._stack.enter_context(closing(Levels(path, self._dataset)))
                self._bands = bands_to_show([role.name.lower() for role in self._dataset.colorinterp])
        except RasterError:
            self._stack.close()
            raise

    def read(
        self, gsd_m: float, bounds_m: BoundsM | tuple[float, float, float, float] | None = None
    ) -> MapImage:
        """A north-up piece in ``info.metric_crs`` at ``gsd_m`` metres per pixel.

        ``bounds_m`` (xmin, ymin, xmax, ymax) may reach beyond the raster, where pixels are invalid;
        without it the whole raster is read. The piece starts at its north-west corner and covers at
        least the bounds.

        Raises:
            ValueError: ``gsd_m`` is not positive or the bounds are empty.
            RasterError: the piece would be too large for memory, or the file cannot be read.
        """
        bounds = BoundsM(*bounds_m) if bounds_m is not None else self.info.bounds_m
        piece = self._read_plain(gsd_m, bounds)
        return self._without_collar(piece)

    def _read_plain(self, gsd_m: float, bounds: BoundsM) -> MapImage:
        bands, valid = self.read_bands(self._bands, gsd_m, bounds, self.info.metric_crs)
        if bands.dtype == np.uint8:
            image = bytes_to_rgb(bands)
        else:
            valid &= np.isfinite(bands).all(axis=0)
            image = self._stretch_for_all().apply(bands)
        image[~valid] = 0
        return MapImage(image, valid, bounds.xmin, bounds.ymax, gsd_m, self.info.metric_crs)

    def read_bands(
        self, bands: Sequence[int], gsd_m: float, bounds: BoundsM, crs: pyproj.CRS
    ) -> tuple[NDArray[np.generic], BoolArray]:
        """Raw values ``(bands, H, W)`` of 1-based bands on a north-up grid, and where they are valid.

        Raises:
            ValueError: ``gsd_m`` is not positive or the bounds are empty.
            RasterError: the piece would be too large for memory, or the file cannot be read.
        """
        with rasterio.Env(**gdal.GDAL_OPTIONS):
            source, numbers = self._levels.best(bands, gsd_m / self.info.gsd_m, self._share(bounds))
            return gdal.warp(source, numbers, gsd_m, bounds, crs)

    def _share(self, bounds: BoundsM) -> float:
        """The part of the raster's extent that the bounds cover, 0 to 1."""
        own = self.info.bounds_m
        width = min(bounds.xmax, own.xmax) - max(bounds.xmin, own.xmin)
        height = min(bounds.ymax, own.ymax) - max(bounds.ymin, own.ymin)
        return max(width, 0.0) * max(height, 0.0) / ((own.xmax - own.xmin) * (own.ymax - own.ymin))

    def _stretch_for_all(self) -> Stretch:
        """One stretch for the whole raster, from a sample spread over it."""
        if self._stretch is None:
            with rasterio.Env(**gdal.GDAL_OPTIONS):
                values, valid = gdal.sample(self._dataset, self._bands)
            self._stretch = Stretch.from_sample(values, valid)
        return self._stretch

    def _without_collar(self, piece: MapImage) -> MapImage:
        """Mark the black surroundings of a mosaic invalid where the file declares none."""
        if gdal.declares_nodata(self._dataset, self._bands[0]):
            return piece
        collar = self._collar_map()
        if not collar.valid.any():
            return piece
        missing = refine_border(resample_mask(collar, piece), piece.image) & piece.valid
        if not missing.any():
            return piece
        image = piece.image.copy()
        image[missing] = 0
        return replace(piece, image=image, valid=piece.valid & ~missing)

    def _collar_map(self) -> MapImage:
        """The whole raster at low resolution; ``valid`` marks the black collar (made on first use)."""
        if self._collar is None:
            with rasterio.Env(**gdal.GDAL_OPTIONS):
                dark_edge = gdal.has_black_edge(self._dataset, self._bands, BLACK_LEVEL)
            bounds = self.info.bounds_m
            side_m = max(bounds.xmax - bounds.xmin, bounds.ymax - bounds.ymin)
            if dark_edge:
                coarse = self._read_plain(max(side_m / COLLAR_SIDE_PX, self.info.gsd_m), bounds)
                self._collar = replace(coarse, valid=border_black(coarse.image, coarse.valid))
            else:
                # Then there is no collar, and the raster need not be read through to know it.
                nothing = np.zeros((1, 1, 3), dtype=np.uint8), np.zeros((1, 1), dtype=np.bool_)
                self._collar = MapImage(*nothing, bounds.xmin, bounds.ymax, side_m, self.info.metric_crs)
        return self._collar

    def close(self) -> None:
        """Let go of the file; closing twice is allowed."""
        self._stack.close()

    def __enter__(self) -> RasterSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_elevation(
    path: str | Path, bounds_m: tuple[float, float, float, float], gsd_m: float, crs: pyproj.CRS
) -> ElevationMap:
    """Heights of a terrain or surface model on a north-up grid in a metric CRS (bilinear).

    Heights keep the file's vertical datum; NaN where the file has no data or does not reach.

    Raises:
        RasterError: it is not a raster or cannot be read.
        MissingCrsError: it does not say where on Earth it lies.
        ValueError: ``gsd_m`` is not positive or the bounds are empty.
    """
    bounds = BoundsM(*bounds_m)
    with open_raster(path) as source:
        bands, valid = source.read_bands([1], gsd_m, bounds, crs)
    heights = bands[0].astype(np.float32)
    heights[~valid] = np.nan
    return ElevationMap(heights, bounds.xmin, bounds.ymax, gsd_m, crs)
