"""One open GDAL dataset: where it lies, and windows of it warped to a north-up metric grid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import from_gcps, from_origin
from rasterio.warp import reproject
from rasterio.windows import Window

from rs_copilot.errors import MissingCrsError, RasterError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.raster import sheets
from rs_copilot.raster.grid import BoundsM, RasterInfo, paste
from rs_copilot.types import BoolArray, FloatArray, LonLat, SizeWH

# Rasterio takes a whole number as bytes, where GDAL itself takes a small one as megabytes.
GDAL_OPTIONS = {"GDAL_CACHEMAX": 256_000_000}
WARP_MEMORY_MB = 256
# Source pixels that are in memory at once while warping.
STRIP_PX = 16_000_000
# A single piece beyond this is a mistake of the caller: read tiles, or a coarser resolution.
MAX_READ_PX = 100_000_000
EDGE_SAMPLES = 21
# Further out no single metric CRS measures truly.
MAX_EXTENT_M = 3_000_000.0
SAMPLE_WINDOWS = 8
SAMPLE_WINDOW_PX = 256


@dataclass(frozen=True)
class Georeference:
    """Where a raster's pixels lie: ``transform`` maps pixels (GDAL convention) to ``crs``."""

    crs: pyproj.CRS
    transform: Affine

    def apply(self, points_px: FloatArray) -> FloatArray:
        """``(N, 2)`` pixels in ``crs``, x first."""
        matrix = np.array(self.transform, dtype=np.float64).reshape(3, 3)
        return np.asarray(points_px @ matrix[:2, :2].T + matrix[:2, 2], dtype=np.float64)

    def map_points(self, points_px: FloatArray, target: pyproj.CRS) -> FloatArray:
        """``(N, 2)`` pixels in the target CRS, x first."""
        return geo_crs.transform(self.apply(points_px), self.crs, target)


def open_dataset(path: str, *, overview_level: int | None = None) -> rasterio.DatasetReader:
    """Open with GDAL; a pattern of file names opens all that match as one.

    Raises:
        RasterError: GDAL knows no such raster, or the files do not fit together.
    """
    if sheets.is_pattern(path):
        path = sheets.read_mosaic(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(
                path, **({} if overview_level is None else {"overview_level": overview_level})
            )
    except RasterioError as error:
        raise RasterError(
            f"expected a raster that GDAL can read, found none at {path} ({error})",
            hint="Check the path, and that the file opens in QGIS.",
        ) from error


def georeference(dataset: rasterio.DatasetReader) -> Georeference:
    """Where the dataset lies, from its geotransform or its ground control points.

    Raises:
        MissingCrsError: it names no CRS, or one that is not tied to the Earth.
        RasterError: it has a CRS but no position.
    """
    points, points_crs = dataset.gcps
    stored = dataset.crs or (points_crs if points else None)
    if not stored:
        raise MissingCrsError(f"expected a coordinate reference system, found none in {_name(dataset)}")
    authority = stored.to_authority()
    crs = pyproj.CRS.from_user_input(":".join(authority) if authority else stored.to_wkt())
    if crs.is_compound:
        crs = crs.sub_crs_list[0]  # heights do not matter for where pixels lie
    if not (crs.is_geographic or crs.is_projected):
        raise MissingCrsError(
            f"expected a geographic or projected CRS, found {crs.name!r} ({crs.type_name}) "
            f"in {_name(dataset)}"
        )
    transform = dataset.transform
    if transform.is_identity and points:
        transform = from_gcps(points)
    if transform.is_identity or transform.is_degenerate:
        raise RasterError(
            f"expected a georeferenced raster, found a CRS but no position in {_name(dataset)}",
            hint="Georeference it first, for example with QGIS: Layer > Georeferencer.",
        )
    return Georeference(crs, transform)


def describe(dataset: rasterio.DatasetReader, path: str) -> RasterInfo:
    """Everything known without reading pixels.

    Raises:
        RasterError: no bands, no extent, or an extent that no metric CRS covers.
    """
    place = georeference(dataset)
    size = SizeWH(dataset.width, dataset.height)
    if not dataset.count or size.width_px < 1 or size.height_px < 1:
        raise RasterError(f"expected pixels in {path}, found {dataset.count} bands of {size}")
    lon_deg, lat_deg = (float(v) for v in place.map_points(size.center_px[None], geo_crs.WGS84)[0])
    if not (np.isfinite([lon_deg, lat_deg]).all() and abs(lon_deg) <= 180 and abs(lat_deg) <= 90):
        raise RasterError(
            f"expected a position on Earth, found the centre at longitude {lon_deg}, latitude {lat_deg}",
            hint="The CRS that the file declares is probably wrong: assign the right one.",
        )
    center = LonLat(lon_deg, lat_deg)
    metric = geo_crs.metric_crs_for(place.crs, center)
    return RasterInfo(
        path=path,
        size=size,
        crs=place.crs,
        metric_crs=metric,
        center=center,
        gsd_m=_gsd_m(place, size, metric),
        band_count=dataset.count,
        dtype=dataset.dtypes[0],
        nodata=dataset.nodata,
        bounds_m=_bounds_m(place, size, metric),
    )


def _gsd_m(place: Georeference, size: SizeWH, metric: pyproj.CRS) -> float:
    steps = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, -0.5], [0.0, 0.5]])
    west, east, north, south = place.map_points(size.center_px + steps, metric)
    across, down = east - west, south - north
    return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))


def _bounds_m(place: Georeference, size: SizeWH, metric: pyproj.CRS) -> BoundsM:
    steps = np.linspace(0.0, 1.0, EDGE_SAMPLES)
    zeros, ones = np.zeros_like(steps), np.ones_like(steps)
    edge = np.concatenate(
        [np.stack(side, axis=1) for side in ((steps, zeros), (steps, ones), (zeros, steps), (ones, steps))]
    )
    corners = place.map_points(edge * [size.width_px, size.height_px], metric)
    low, high = corners.min(axis=0), corners.max(axis=0)
    if not (np.isfinite(corners).all() and np.all(high > low) and np.all(high - low < MAX_EXTENT_M)):
        raise RasterError(
            f"expected an extent that can be measured in {metric.name}, found one that reaches beyond it",
            hint="Cut the raster to the area of the flight first (QGIS: Raster > Extraction > Clip).",
        )
    return BoundsM(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _name(dataset: rasterio.DatasetReader) -> str:
    return "the sheets" if dataset.name.startswith("<") else Path(dataset.name).name


def grid_shape(gsd_m: float, bounds: BoundsM) -> tuple[int, int]:
    """Width and height in pixels that cover the bounds.

    Raises:
        ValueError: the resolution is not positive or the bounds are empty.
        RasterError: the piece would be larger than `MAX_READ_PX`.
    """
    if not (
        gsd_m > 0 and np.isfinite(bounds).all() and bounds.xmax > bounds.xmin and bounds.ymax > bounds.ymin
    ):
        raise ValueError(f"expected a positive resolution and non-empty bounds, found {gsd_m} m in {bounds}")
    # A hair less than a full pixel of overlap is rounding, not content.
    width = max(1, int(np.ceil((bounds.xmax - bounds.xmin) / gsd_m - 1e-6)))
    height = max(1, int(np.ceil((bounds.ymax - bounds.ymin) / gsd_m - 1e-6)))
    if width * height > MAX_READ_PX:
        raise RasterError(
            f"expected at most {MAX_READ_PX / 1e6:.0f} million pixels in one piece, "
            f"found {width} x {height} at {gsd_m:g} m",
            hint="Read smaller pieces, or a coarser resolution.",
        )
    return width, height


def overview_level(factors: Sequence[int], shrink: float) -> int | None:
    """The coarsest overview that is still at least as fine as wanted; ``None`` is full resolution."""
    fitting = [level for level, factor in enumerate(factors) if factor <= shrink * 1.001]
    return max(fitting, key=lambda level: factors[level]) if fitting else None


def warp(
    dataset: rasterio.DatasetReader, bands: Sequence[int], gsd_m: float, bounds: BoundsM, crs: pyproj.CRS
) -> tuple[NDArray[np.generic], BoolArray]:
    """Bands ``(bands, H, W)`` of the north-up grid in their own type, and where they are valid.

    Bilinear; pixels that would mix in missing ones are missing. Works in strips, so that the source
    pixels in memory stay few whatever the size of the piece. (GDAL's warped VRT with an alpha band was
    measured to take ten times as long.)

    Raises:
        RasterError: the pixels are damaged, or the piece is too large.
    """
    width, height = grid_shape(gsd_m, bounds)
    place = georeference(dataset)
    grid = from_origin(bounds.xmin, bounds.ymax, gsd_m, gsd_m)
    dtype = np.dtype(np.uint8 if has_palette(dataset, bands) else dataset.dtypes[bands[0] - 1])
    values = np.zeros((band_count_of(dataset, bands), height, width), dtype=dtype)
    valid = np.zeros((height, width), dtype=np.bool_)
    rows = _strip_rows(place, SizeWH(width, height), grid, crs)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        target = Georeference(crs, grid @ Affine.translation(0, top))
        size = SizeWH(width, strip.stop - top)
        window = source_window(place, SizeWH(dataset.width, dataset.height), target, size)
        if window is not None:
            block, mask = _read_window(dataset, bands, window)
            source = Georeference(
                place.crs, place.transform @ Affine.translation(window.col_off, window.row_off)
            )
            if (offset := _whole_offset(source, target)) is not None:
                paste(np.moveaxis(values[:, strip], 0, -1), np.moveaxis(block, 0, -1), *offset)
                paste(valid[strip], mask, *offset)
                continue
            _reproject(block, source, values[:, strip], target)
            support = np.zeros((size.height_px, width), dtype=np.uint8)
            _reproject(mask.astype(np.uint8) * 255, source, support, target)
            valid[strip] = support >= 254
    return values, valid


def _whole_offset(source: Georeference, target: Georeference) -> tuple[int, int] | None:
    """Row and column of the source's first pixel in the target's grid, where the grids are one."""
    if source.crs != target.crs:
        return None
    step = ~target.transform @ source.transform
    offset = np.array([step.f, step.c])
    same = np.allclose([step.a, step.b, step.d, step.e], [1.0, 0.0, 0.0, 1.0], rtol=0, atol=1e-7)
    if not same or np.abs(offset - np.round(offset)).max() > 1e-3:
        return None
    return round(step.f), round(step.c)


def _reproject(
    block: NDArray[np.generic], source: Georeference, into: NDArray[np.generic], target: Georeference
) -> None:
    reproject(
        block,
        into,
        src_crs=source.crs.to_wkt(),
        src_transform=source.transform,
        dst_crs=target.crs.to_wkt(),
        dst_transform=target.transform,
        resampling=Resampling.bilinear,
        warp_mem_limit=WARP_MEMORY_MB,
    )


def has_palette(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> bool:
    """Whether the band to show holds colour numbers and not values."""
    return len(bands) == 1 and dataset.colorinterp[bands[0] - 1] is ColorInterp.palette


def band_count_of(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> int:
    """How many bands `read_values` returns."""
    return 3 if has_palette(dataset, bands) else len(bands)


def read_values(
    dataset: rasterio.DatasetReader,
    bands: Sequence[int],
    window: Window,
    shape: tuple[int, int] | None = None,
    resampling: Resampling = Resampling.nearest,
) -> NDArray[np.generic]:
    """Pixels ``(bands, H, W)`` of a window; a palette is expanded to red, green and blue.

    ``shape`` (H, W) is what the window is scaled to; without it pixels come as they are. Numbers of a palette
    mean nothing between each other and are never mixed.
    """
    how = Resampling.nearest if shape is None or has_palette(dataset, bands) else resampling
    out = None if shape is None else (len(bands), *shape)
    block: NDArray[np.generic] = dataset.read(list(bands), window=window, out_shape=out, resampling=how)
    if not has_palette(dataset, bands):
        return block
    entries = dataset.colormap(bands[0])
    table = np.zeros((3, max(entries) + 1), dtype=np.uint8)
    for number, color in entries.items():
        table[:, number] = color[:3]
    return table[:, np.minimum(block[0].astype(np.intp), table.shape[1] - 1)]


def _read_window(
    dataset: rasterio.DatasetReader, bands: Sequence[int], window: Window
) -> tuple[NDArray[np.generic], BoolArray]:
    """Bands and validity of a window; NaN is invalid, and 0 so that it does not spread."""
    try:
        block = read_values(dataset, bands, window)
        mask = dataset.dataset_mask(window=window) > 0
    except RasterioError as error:
        raise RasterError(
            f"expected readable pixels, found damage in {_name(dataset)} ({error})",
            hint="Copy the raster again, or check it with gdalinfo -checksum.",
        ) from error
    if np.issubdtype(block.dtype, np.floating):
        mask &= np.isfinite(block).all(axis=0)
        block[:, ~mask] = 0
    return block, np.asarray(mask, dtype=np.bool_)


def _strip_rows(place: Georeference, size: SizeWH, grid: Affine, crs: pyproj.CRS) -> int:
    """Rows of the wanted grid whose source pixels are about `STRIP_PX`."""
    target = Georeference(crs, grid)
    inverse = Georeference(place.crs, ~place.transform)
    center = target.map_points(size.center_px + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), place.crs)
    origin, across, down = inverse.apply(center)
    per_px = abs(np.linalg.det(np.stack([across - origin, down - origin])))
    if not np.isfinite(per_px):
        return size.height_px
    return int(np.clip(STRIP_PX / (size.width_px * max(per_px, 1.0)), 16, max(size.height_px, 16)))


def source_window(place: Georeference, source: SizeWH, target: Georeference, size: SizeWH) -> Window | None:
    """The source pixels that a piece of the wanted grid needs; ``None`` where it misses the raster."""
    steps = np.linspace(0.0, 1.0, EDGE_SAMPLES)
    spread = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * [size.width_px, size.height_px]
    there = Georeference(place.crs, ~place.transform).apply(target.map_points(spread, place.crs))
    there = there[np.isfinite(there).all(axis=1)]
    if not len(there):
        return None
    # Bilinear needs a neighbour; a shrinking kernel reaches as far as the shrink factor.
    reach = 2 + np.ceil(np.ptp(there, axis=0) / [size.width_px, size.height_px])
    limit = np.array([source.width_px, source.height_px])
    low = np.clip(np.floor(there.min(axis=0) - reach), 0, limit).astype(int)
    high = np.clip(np.ceil(there.max(axis=0) + reach), 0, limit).astype(int)
    if np.any(high <= low):
        return None
    return Window(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def sample(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> tuple[NDArray[np.generic], BoolArray]:
    """Values ``(bands, N)`` from windows spread over the raster, and where they are valid ``(N,)``.

    Reads 64 small windows at most, so that a raster without overviews is not read as a whole.
    """
    values, valid = [], []
    for window in spread_windows(SizeWH(dataset.width, dataset.height)):
        block = read_values(dataset, bands, window)
        mask = dataset.dataset_mask(window=window) > 0
        values.append(block.reshape(len(block), -1))
        valid.append(mask.reshape(-1))
    return np.concatenate(values, axis=1), np.concatenate(valid)


def spread_windows(size: SizeWH) -> list[Window]:
    """Windows on a regular 8 x 8 pattern; they cover a small raster completely."""
    columns = _starts(size.width_px)
    rows = _starts(size.height_px)
    return [Window(x, y, w, h) for y, h in rows for x, w in columns]


def _starts(length: int) -> list[tuple[int, int]]:
    if length <= SAMPLE_WINDOWS * SAMPLE_WINDOW_PX:
        return [
            (start, min(SAMPLE_WINDOW_PX, length - start)) for start in range(0, length, SAMPLE_WINDOW_PX)
        ]
    starts = np.linspace(0, length - SAMPLE_WINDOW_PX, SAMPLE_WINDOWS).astype(int)
    return [(int(start), SAMPLE_WINDOW_PX) for start in starts]


def has_black_edge(dataset: rasterio.DatasetReader, bands: Sequence[int], black_level: int) -> bool:
    """Whether any pixel of the outermost rows and columns is black in all bands."""
    width, height = dataset.width, dataset.height
    sides = (
        Window(0, 0, width, 1),
        Window(0, height - 1, width, 1),
        Window(0, 0, 1, height),
        Window(width - 1, 0, 1, height),
    )
    return any(bool((read_values(dataset, bands, w).max(axis=0) <= black_level).any()) for w in sides)


def declares_nodata(dataset: rasterio.DatasetReader, band: int) -> bool:
    """Whether the file itself says which pixels are missing: nodata value, mask or alpha."""
    return MaskFlags.all_valid not in dataset.mask_flag_enums[band - 1]
