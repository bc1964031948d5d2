"""Coordinate reference systems: which one measures true metres, and how to get there and back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyproj
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from rs_copilot.types import FloatArray, LonLat

WGS84 = pyproj.CRS.from_epsg(4326)
GEOD = pyproj.Geod(ellps="WGS84")
# A projected CRS whose scale is off by more than this would bias distances and speeds visibly.
MAX_SCALE_ERROR = 0.005


def metric_crs_for(crs: pyproj.CRS, center: LonLat) -> pyproj.CRS:
    """The CRS to measure in: ``crs`` itself where it is true to scale in metres, else the UTM zone.

    Web Mercator and geographic coordinates are never true to scale away from the equator; a raster in
    them is measured in UTM (or polar stereographic beyond 84 degrees) and converted back.
    """
    if _is_true_to_scale(crs, center):
        return crs
    if abs(center.lat_deg) > 84.0:
        return pyproj.CRS.from_epsg(3413 if center.lat_deg > 0 else 3031)
    area = AreaOfInterest(center.lon_deg, center.lat_deg, center.lon_deg, center.lat_deg)
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=area)
    return pyproj.CRS.from_epsg(int(found[0].code))


def _is_true_to_scale(crs: pyproj.CRS, center: LonLat) -> bool:
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        return False
    factors = pyproj.Proj(crs).get_factors(center.lon_deg, center.lat_deg)
    scales = np.array([factors.meridional_scale, factors.parallel_scale])
    return bool(np.all(np.abs(scales - 1.0) <= MAX_SCALE_ERROR))


@lru_cache(maxsize=64)
def _transformer(source_wkt: str, target_wkt: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source_wkt, target_wkt, always_xy=True)


def transform(points: FloatArray, source: pyproj.CRS, target: pyproj.CRS) -> FloatArray:
    """Convert ``(N, 2)`` points, x (easting, longitude) first in both systems. Shape (N, 2)."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if source == target:
        return points.copy()
    x, y = _transformer(source.to_wkt(), target.to_wkt()).transform(points[:, 0], points[:, 1])
    return np.stack([x, y], axis=1)


def to_lonlat(points: FloatArray, crs: pyproj.CRS) -> FloatArray:
    """``(N, 2)`` longitude, latitude degrees of points in ``crs``."""
    return transform(points, crs, WGS84)


def from_lonlat(position: LonLat, crs: pyproj.CRS) -> FloatArray:
    """Coordinates of one position in ``crs``, shape (2,)."""
    return transform(np.array([[position.lon_deg, position.lat_deg]]), WGS84, crs).reshape(2)


def convergence_deg(point: FloatArray, crs: pyproj.CRS) -> float:
    """Azimuth of grid north at a map point, clockwise from true north.

    Add it to a grid azimuth to get a true azimuth.
    """
    ends = to_lonlat(np.array([point, point + np.array([0.0, 10.0])]), crs)
    azimuth, _, _ = GEOD.inv(*ends[0], *ends[1])
    return float(azimuth)
