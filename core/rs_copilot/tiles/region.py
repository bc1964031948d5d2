"""Areas on Earth in pixels of a raster."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.tiles.pictures import TilePictures
from rs_copilot.tiles.plan import TilePlan
from rs_copilot.types import Box, FloatArray, SizeWH

# Straight edges of a map are bent in another one: corners are no farther apart than this share of its side.
MAX_EDGE_SHARE = 0.02


def region_px(area_lonlat: BaseGeometry, pictures: TilePictures, plan: TilePlan) -> BaseGeometry:
    """A valid area in degrees (EPSG:4326) in pixels of a plan.

    Raises:
        UsageError: it has nothing in common with the raster.
    """
    west, south, east, north = area_lonlat.bounds
    dense = shapely.segmentize(area_lonlat, max(max(east - west, north - south) * MAX_EDGE_SHARE, 1e-6))

    def to_px(lonlat: FloatArray) -> FloatArray:
        return pictures.pixels_of(geo_crs.transform(lonlat, geo_crs.WGS84, pictures.info.crs), plan)

    placed = shapely.make_valid(shapely.transform(dense, to_px))
    frame = shapely.box(0, 0, plan.size.width_px, plan.size.height_px)
    if not shapely.area(shapely.intersection(placed, frame)) > 0:
        center = pictures.info.center
        raise UsageError(
            f"the region lies beside the raster, whose centre is {np.round(center.lon_deg, 5)}, "
            f"{np.round(center.lat_deg, 5)}",
            hint="Give a region on the raster.",
        )
    return placed


def window_px(region_px: BaseGeometry, size: SizeWH) -> Box:
    """Whole pixels left, top, right, bottom of a raster around a region that has a part on it."""
    x1, y1, x2, y2 = region_px.bounds
    return (
        max(int(np.floor(x1)), 0),
        max(int(np.floor(y1)), 0),
        min(int(np.ceil(x2)), size.width_px),
        min(int(np.ceil(y2)), size.height_px),
    )
