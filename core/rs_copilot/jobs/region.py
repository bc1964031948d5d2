"""The part of a raster that a job looks at: a rectangle of longitudes and latitudes, or areas from a file."""

from __future__ import annotations

import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.geo import crs as geo_crs

HINT = "Give LON1,LAT1,LON2,LAT2 in degrees, or a file with polygons."


def read_region(text: str) -> BaseGeometry:
    """What a user named as one valid shape, in EPSG:4326.

    Raises:
        UsageError: neither numbers nor a file.
        BadInputError: the file holds no polygons, or does not say where on Earth they lie.
    """
    numbers = _numbers(text)
    if numbers is not None:
        lon1, lat1, lon2, lat2 = numbers
        return shapely.box(min(lon1, lon2), min(lat1, lat2), max(lon1, lon2), max(lat1, lat2))
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
    return shapely.union_all(shapely.make_valid(areas.to_crs(geo_crs.WGS84).to_numpy()))


def _numbers(text: str) -> tuple[float, float, float, float] | None:
    try:
        lon1, lat1, lon2, lat2 = (float(part) for part in text.split(","))
    except ValueError:
        return None
    if not (max(abs(lon1), abs(lon2)) <= 180 and max(abs(lat1), abs(lat2)) <= 90):
        raise UsageError(f"--region: {text} is no longitude and latitude", hint=HINT)
    return lon1, lat1, lon2, lat2
