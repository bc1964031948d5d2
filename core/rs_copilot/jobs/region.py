"""The part of a raster that a job looks at: a rectangle of longitudes and latitudes, or areas from a file."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.tiles.pictures import TilePictures
from rs_copilot.tiles.plan import TilePlan
from rs_copilot.types import FloatArray

# Straight edges of a map are bent in another one: corners are no farther apart than this share of its side.
MAX_EDGE_SHARE = 0.02
HINT = "Give LON1,LAT1,LON2,LAT2 in degrees, or a file with polygons."


def read_region(text: str) -> gpd.GeoSeries:
    """What a user named, in EPSG:4326.

    Raises:
        UsageError: neither numbers nor a file.
        BadInputError: the file holds no polygons, or does not say where on Earth they lie.
    """
    numbers = _numbers(text)
    if numbers is not None:
        lon1, lat1, lon2, lat2 = numbers
        rectangle = shapely.box(min(lon1, lon2), min(lat1, lat2), max(lon1, lon2), max(lat1, lat2))
        return gpd.GeoSeries([rectangle], crs=geo_crs.WGS84)
    # A GDAL of its own: 30 MB that only a file needs.
    import pyogrio

    try:
        shapes = pyogrio.read_dataframe(text, columns=[]).geometry
    except pyogrio.errors.DataSourceError as error:
        raise UsageError(f"--region: expected numbers or a file, found {text!r}", hint=HINT) from error
    areas = shapes[shapes.geom_type.isin(["Polygon", "MultiPolygon"])]
    if areas.empty or areas.crs is None:
        found = "no polygons" if areas.empty else "no coordinate reference system"
        raise BadInputError(f"--region: {text} has {found}", hint=HINT)
    return areas.to_crs(geo_crs.WGS84)


def _numbers(text: str) -> tuple[float, float, float, float] | None:
    try:
        lon1, lat1, lon2, lat2 = (float(part) for part in text.split(","))
    except ValueError:
        return None
    if not (max(abs(lon1), abs(lon2)) <= 180 and max(abs(lat1), abs(lat2)) <= 90):
        raise UsageError(f"--region: {text} is no longitude and latitude", hint=HINT)
    return lon1, lat1, lon2, lat2


def region_px(areas: gpd.GeoSeries, pictures: TilePictures, plan: TilePlan) -> BaseGeometry:
    """Areas in pixels of a plan, as one shape.

    Raises:
        UsageError: they have nothing in common with the raster.
    """
    whole = shapely.union_all(shapely.make_valid(areas.to_numpy()))
    west, south, east, north = whole.bounds
    dense = shapely.segmentize(whole, max(max(east - west, north - south) * MAX_EDGE_SHARE, 1e-6))

    def to_px(lonlat: FloatArray) -> FloatArray:
        return pictures.pixels_of(geo_crs.transform(lonlat, geo_crs.WGS84, pictures.info.crs), plan)

    placed = shapely.make_valid(shapely.transform(dense, to_px))
    frame = shapely.box(0, 0, plan.size.width_px, plan.size.height_px)
    if not shapely.area(shapely.intersection(placed, frame)) > 0:
        center = pictures.info.center
        raise UsageError(
            f"--region lies beside the raster, whose centre is {np.round(center.lon_deg, 5)}, "
            f"{np.round(center.lat_deg, 5)}",
            hint=HINT,
        )
    return placed
