"""Rasters of a world whose colour is a known function of UTM 33N coordinates, in any CRS and form."""

from __future__ import annotations

import warnings

import numpy as np
import pyproj
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

from rs_copilot.geo import crs as geo_crs

UTM = pyproj.CRS.from_epsg(32633)
WEST, NORTH = 500_000.0, 5_000_000.0
SIDE = 240


def colour(points_m):
    """RGB (N, 3) float in [28, 228] of UTM points (N, 2)."""
    x, y = (points_m - [WEST, NORTH]).T
    red = 128 + 100 * np.sin(x / 23) * np.cos(y / 31)
    green = 128 + 100 * np.cos(x / 37 + 1) * np.sin(y / 19)
    blue = 128 + 100 * np.sin((x + y) / 41)
    return np.stack([red, green, blue], axis=1)


def transform_in(crs, gsd_m=1.0, rotation_deg=0.0):
    """Geotransform of a raster around the world's middle in any CRS, pixels of about one metre."""
    center = np.array([[WEST + 120, NORTH - 120]])
    (cx, cy), (ex, ey), (nx, ny) = (
        geo_crs.transform(center + step, UTM, crs)[0] for step in ([0.0, 0.0], [gsd_m, 0.0], [0.0, gsd_m])
    )
    step_x, step_y = np.hypot(ex - cx, ey - cy), np.hypot(nx - cx, ny - cy)
    shape = Affine.rotation(rotation_deg) @ Affine.scale(step_x, -step_y)
    return Affine.translation(cx, cy) @ shape @ Affine.translation(-SIDE / 2, -SIDE / 2)


def pixels_of(crs, transform, size=SIDE):
    """(3, size, size) float colours of a raster's pixel centres."""
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    matrix = np.array(transform).reshape(3, 3)
    points = np.stack([columns.ravel(), rows.ravel()], axis=1) @ matrix[:2, :2].T + matrix[:2, 2]
    return colour(geo_crs.transform(points, crs, UTM)).T.reshape(3, size, size)


def write(path, bands, crs, transform, *, mask=None, roles=None, colormap=None, **options):
    """Write bands as GeoTIFF."""
    bands = np.asarray(bands)
    profile = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": None if crs is None else crs.to_wkt(),
        **options,
    }
    if transform is not None:
        profile["transform"] = transform
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile) as target:
            if roles:
                target.colorinterp = roles
            target.write(bands)
            if mask is not None:
                target.write_mask(mask)
            if colormap:
                target.write_colormap(1, colormap)
    return path


def truth_of(piece):
    """What the colours of a `MapImage` should be, (H, W, 3) float."""
    height, width = piece.valid.shape
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    matrix = piece.map_from_px
    points = np.stack([columns.ravel(), rows.ravel()], axis=1) @ matrix[:2, :2].T + matrix[:2, 2]
    return colour(geo_crs.transform(points, piece.crs, UTM)).reshape(height, width, 3)
