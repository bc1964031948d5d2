"""One open GDAL dataset: where it lies, and windows of it warped to a north-up metric grid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import from_gcps, from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from rs_copilot.errors import MissingCrsError, RasterError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.raster.grid import BoundsM, RasterInfo
from rs_copilot.types import BoolArray, FloatArray, LonLat, SizeWH

GDAL_OPTIONS = {"GDAL_CACHEMAX": 256}
WARP_MEMORY_MB = 64
# A single piece beyond this is a mistake of the caller: read tiles, or a coarser resolution.
MAX_READ_PX = 250_000_000
EDGE_SAMPLES = 21
SAMPLE_WINDOWS = 8
SAMPLE_WINDOW_PX = 256


@dataclass(frozen=True)
class Georeference:
    """Where a raster's pixels lie: ``transform`` maps pixels (GDAL convention) to ``crs``."""

    crs: pyproj.CRS
    transform: Affine

    def map_points(self, points_px: FloatArray, target: pyproj.CRS) -> FloatArray:
        """``(N, 2)`` pixels in the target CRS, x first."""
        matrix = np.array(self.transform, dtype=np.float64).reshape(3, 3)
        return geo_crs.transform(points_px @ matrix[:2, :2].T + matrix[:2, 2], self.crs, target)


def open_dataset(path: str, *, overview_level: int | None = None) -> rasterio.DatasetReader:
    """Open with GDAL.

    Raises:
        RasterError: GDAL knows no such raster.
    """
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
    if not (np.isfinite(corners).all() and np.all(high > low)):
        raise RasterError(
            f"expected an extent that can be measured in {metric.name}, found one that reaches beyond it",
            hint="Cut the raster to the area of the flight first (QGIS: Raster > Extraction > Clip).",
        )
    return BoundsM(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _name(dataset: rasterio.DatasetReader) -> str:
    return Path(dataset.name).name


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
    path: str,
    dataset: rasterio.DatasetReader,
    bands: Sequence[int],
    *,
    shrink: float,
    gsd_m: float,
    bounds: BoundsM,
    crs: pyproj.CRS,
) -> tuple[NDArray[np.generic], BoolArray]:
    """Bands ``(bands, H, W)`` of the north-up grid in their own type, and where they are valid.

    ``shrink`` is the wanted over the native resolution: it chooses the overview to start from.

    Raises:
        RasterError: the pixels are damaged, or the piece is too large.
    """
    width, height = grid_shape(gsd_m, bounds)
    with ExitStack() as stack:
        level = overview_level(dataset.overviews(1), shrink)
        if level is not None:
            dataset = stack.enter_context(open_dataset(path, overview_level=level))
        options = _warp_options(dataset)
        try:
            warped = stack.enter_context(
                WarpedVRT(
                    dataset,
                    crs=crs.to_wkt(),
                    transform=from_origin(bounds.xmin, bounds.ymax, gsd_m, gsd_m),
                    width=width,
                    height=height,
                    resampling=Resampling.bilinear,
                    warp_mem_limit=WARP_MEMORY_MB,
                    **options,
                )
            )
            read = warped.read([*bands, _alpha_band(warped)])
        except RasterioError as error:
            raise RasterError(
                f"expected readable pixels, found damage in {Path(path).name} ({error})",
                hint="Copy the raster again, or check it with gdalinfo -checksum.",
            ) from error
    return read[:-1], np.asarray(read[-1] > 0, dtype=np.bool_)


def _warp_options(dataset: rasterio.DatasetReader) -> dict[str, Any]:
    options: dict[str, Any] = {}
    place = georeference(dataset)
    if not dataset.crs:
        options["src_crs"] = place.crs.to_wkt()
        options["src_transform"] = place.transform
    if ColorInterp.alpha not in dataset.colorinterp:
        options["add_alpha"] = True
        if dataset.nodata is None and np.issubdtype(np.dtype(dataset.dtypes[0]), np.floating):
            options["src_nodata"] = float("nan")  # else one NaN spreads over its neighbours
    return options


def _alpha_band(warped: WarpedVRT) -> int:
    roles = list(warped.colorinterp)
    return roles.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in roles else int(warped.count)


def sample(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> tuple[NDArray[np.generic], BoolArray]:
    """Values ``(bands, N)`` from windows spread over the raster, and where they are valid ``(N,)``.

    Reads 64 small windows at most, so that a raster without overviews is not read as a whole.
    """
    values, valid = [], []
    for window in spread_windows(SizeWH(dataset.width, dataset.height)):
        block = dataset.read(list(bands), window=window)
        mask = dataset.dataset_mask(window=window) > 0
        values.append(block.reshape(len(bands), -1))
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
    return any(bool((dataset.read(list(bands), window=w).max(axis=0) <= black_level).any()) for w in sides)


def declares_nodata(dataset: rasterio.DatasetReader, band: int) -> bool:
    """Whether the file itself says which pixels are missing: nodata value, mask or alpha."""
    return MaskFlags.all_valid not in dataset.mask_flag_enums[band - 1]
