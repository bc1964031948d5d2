"""From placements and findings to the tables of a scene. Pure: nothing here reads or writes files.

Every builder takes geometry in metres of the metric CRS that work was done in (`build_columns` takes what is
drawn), and returns a GeoDataFrame in the scene's CRS with all fields of its layer, the common ones included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo import homography as hg
from rs_copilot.types import FloatArray, FrameStatus, Placement, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.json_values import finite, to_json
from rs_copilot.vector.schema import Layer

# Ground more than this many times farther away than the image centre is cut from footprints: a pixel
# there covers tens of metres and the flat-ground assumption does not hold.
MAX_RELATIVE_DISTANCE = 6.0


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Provenance:
    """Who says so: goes into every row, under the same names."""

    clip: str | None
    method: str
    model: str | None = None
    model_hash: str | None = None
    created_at: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class Grid:
    """The CRS that geometry is measured in and the one that the scene stores."""

    metric: pyproj.CRS
    scene: pyproj.CRS

    def to_scene(self, geometry: BaseGeometry | None) -> BaseGeometry | None:
        """The same geometry in the scene's CRS; M values stay."""
        if geometry is None or geometry.is_empty or self.metric == self.scene:
            return geometry
        if geometry.has_m:
            xym = shapely.get_coordinates(geometry, include_m=True)
            return line_m(geo_crs.transform(xym[:, :2], self.metric, self.scene), xym[:, 2])
        return shapely.transform(geometry, lambda xy: geo_crs.transform(xy, self.metric, self.scene))


def crs_text(crs: pyproj.CRS) -> str:
    """Authority code such as ``EPSG:32633`` where it says the same, else WKT."""
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.to_wkt())


def reference_point(geometry: BaseGeometry | None) -> FloatArray | None:
    """The point that ``lon`` and ``lat`` name: the centroid, on lines the point halfway. Shape (2,)."""
    if geometry is None or geometry.is_empty:
        return None
    if geometry.geom_type == "LineString":
        point = shapely.line_interpolate_point(shapely.force_2d(geometry), 0.5, normalized=True)
    else:
        point = geometry.centroid
    return np.array([point.x, point.y])


def build_table(
    layer: Layer,
    rows: Sequence[Mapping[str, Any]],
    geometries: Sequence[BaseGeometry | None],
    grid: Grid,
    provenance: Provenance,
) -> gpd.GeoDataFrame:
    """A table of ``layer``: ``rows`` give its own fields, one geometry in metric metres each.

    Fields that a row leaves out are null; rows of a layer without geometry pass ``None``.

    Raises:
        ValueError: a row has a field that the layer lacks, or the lengths differ.
    """
    if len(rows) != len(geometries):
        raise ValueError(f"expected one geometry per row, found {len(rows)} and {len(geometries)}")
    known = set(layer.field_names)
    for row in rows:
        if not known.issuperset(row):
            raise ValueError(f"layer {layer.name} has no field {sorted(set(row) - known)}")
    common = _common_values(geometries, grid, provenance)
    records = [{**shared, **row} for shared, row in zip(common, rows, strict=True)]
    columns = {name: [finite(record.get(name)) for record in records] for name in layer.field_names}
    return gpd.GeoDataFrame(
        columns,
        geometry=gpd.GeoSeries([grid.to_scene(item) for item in geometries], crs=grid.scene),
        crs=grid.scene,
    )


def build_columns(
    layer: Layer,
    columns: Mapping[str, Any],
    drawn: NDArray[np.object_],
    lonlat: FloatArray,
    scene_crs: pyproj.CRS,
    provenance: Provenance,
) -> gpd.GeoDataFrame:
    """A table of ``layer`` from whole columns, since a raster may give a hundred thousand rows.

    Args:
        layer: its fields; those that are not told are null.
        columns: of each an array or list of N, or one value for all rows.
        drawn: geometries ``(N,)`` in the scene's CRS.
        lonlat: their reference points ``(N, 2)``.
        scene_crs: what the scene stores.
        provenance: goes into every row.

    Raises:
        ValueError: a field that the layer lacks, or columns of another length.
    """
    if not set(layer.field_names).issuperset(columns):
        raise ValueError(f"layer {layer.name} has no field {sorted(set(columns) - set(layer.field_names))}")
    told = {"lon": lonlat[:, 0], "lat": lonlat[:, 1], **asdict(provenance), **columns}
    # What is the same in all rows is spread by pandas.
    frame = pd.DataFrame({name: told.get(name) for name in layer.field_names}, index=range(len(drawn)))
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(drawn, crs=scene_crs), crs=scene_crs)


def centroids_lonlat(shapes: NDArray[np.object_], crs: pyproj.CRS) -> FloatArray:
    """Longitudes and latitudes ``(N, 2)`` of the centroids of polygons that are not empty."""
    if not len(shapes):
        return np.zeros((0, 2))
    return geo_crs.to_lonlat(shapely.get_coordinates(shapely.centroid(shapes)), crs)


def _common_values(
    geometries: Sequence[BaseGeometry | None], grid: Grid, provenance: Provenance
) -> list[dict[str, Any]]:
    points = [reference_point(item) for item in geometries]
    known = [point for point in points if point is not None]
    lonlat = iter(geo_crs.to_lonlat(np.array(known), grid.metric) if known else ())
    shared = asdict(provenance)
    rows = []
    for point in points:
        lon, lat = (None, None) if point is None else next(lonlat)
        rows.append({"lon": lon, "lat": lat, **shared})
    return rows


def frames_table(
    placements: Sequence[Placement], grid: Grid, provenance: Provenance, *, clip_path: str
) -> gpd.GeoDataFrame:
    """One row per placement; unlocated frames have no geometry but a reason."""
    rows = [_frame_row(item, grid, clip_path) for item in placements]
    return build_table(schema.FRAMES, rows, [center_point(item) for item in placements], grid, provenance)


def center_xy(placement: Placement) -> FloatArray | None:
    """Ground point at the image centre in metric metres, shape (2,); ``None`` where unlocated."""
    if placement.map_from_px is None or placement.size is None:
        return None
    oriented = hg.orient(placement.map_from_px, placement.size)
    return np.asarray(hg.apply(oriented, placement.size.center_px)[0], dtype=np.float64)


def center_point(placement: Placement) -> BaseGeometry | None:
    """`center_xy` as a Point."""
    xy = center_xy(placement)
    return None if xy is None else shapely.Point(xy)


def _frame_row(placement: Placement, grid: Grid, clip_path: str) -> dict[str, Any]:
    camera, size = placement.camera, placement.size
    altitude = None
    if camera is not None:
        altitude = camera.alt_agl_m if camera.alt_msl_m is None else camera.alt_msl_m
    return {
        "frame": placement.frame,
        "time_s": placement.time_s,
        "file": placement.file,
        "status": placement.status.value,
        "score": placement.score,
        "error_m": placement.error_m,
        "cam_lon": camera.position.lon_deg if camera else None,
        "cam_lat": camera.position.lat_deg if camera else None,
        "cam_alt_m": altitude,
        "reason": placement.reason,
        "width_px": size.width_px if size else None,
        "height_px": size.height_px if size else None,
        "clip_path": clip_path,
        **_view_values(placement, grid),
    }


def _view_values(placement: Placement, grid: Grid) -> dict[str, Any]:
    if placement.map_from_px is None or placement.size is None:
        return {}
    center_px = placement.size.center_px
    oriented = hg.orient(placement.map_from_px, placement.size)
    center = hg.apply(oriented, center_px)[0]
    azimuth = hg.grid_azimuth_deg(oriented, center_px) + geo_crs.convergence_deg(center, grid.metric)
    return {
        "yaw_deg": azimuth % 360.0,
        "gsd_m": hg.gsd_m(oriented, center_px),
        "homography": to_json(oriented.ravel()),
        "metric_crs": crs_text(grid.metric),
        "level_m": placement.level_m,
    }


def footprint(map_from_px: FloatArray, size: SizeWH) -> BaseGeometry:
    """The ground that a frame sees, a convex Polygon in metric metres.

    The third row of an oriented homography gives w = 1 at the centre, and w falls with the distance of
    the ground from the camera along its axis; the image is cut where w < 1 / MAX_RELATIVE_DISTANCE.
    """
    oriented = hg.orient(map_from_px, size)
    visible = _clip_half_plane(size.corners_px, oriented[2] - [0.0, 0.0, 1.0 / MAX_RELATIVE_DISTANCE])
    return shapely.Polygon(hg.apply(oriented, visible))


def onto_ground(map_from_px: FloatArray, points_px: FloatArray) -> FloatArray:
    """Points ``(N, 2)`` of a frame on the ground, by a homography that `hg.orient` made; NaN towards the
    horizon, where a pixel is metres.
    """
    ground = hg.apply(map_from_px, points_px)
    ground[points_px @ map_from_px[2, :2] + map_from_px[2, 2] < 1.0 / MAX_RELATIVE_DISTANCE] = np.nan
    return ground


def _clip_half_plane(polygon: FloatArray, line: FloatArray) -> FloatArray:
    """The part of a convex ``(N, 2)`` polygon where line · (x, y, 1) >= 0 (Sutherland and Hodgman 1974)."""
    values = polygon @ line[:2] + line[2]
    kept: list[FloatArray] = []
    for here, there, value, following in zip(
        polygon, np.roll(polygon, -1, axis=0), values, np.roll(values, -1), strict=True
    ):
        if value >= 0:
            kept.append(here)
        if (value >= 0) != (following >= 0):
            kept.append(here + (there - here) * (value / (value - following)))
    return np.array(kept)


def footprints_table(placements: Sequence[Placement], grid: Grid, provenance: Provenance) -> gpd.GeoDataFrame:
    """One polygon per placed frame."""
    rows, shapes = [], []
    for item in placements:
        if item.map_from_px is None or item.size is None:
            continue
        rows.append({"frame": item.frame, "time_s": item.time_s, "status": item.status.value})
        over_relief = None if item.outline_m is None else shapely.Polygon(item.outline_m)
        # Over a surface model a roof may hide part of its own border: such an outline crosses itself.
        is_sound = over_relief is not None and over_relief.is_valid
        shapes.append(over_relief if is_sound else footprint(item.map_from_px, item.size))
    return build_table(schema.FOOTPRINTS, rows, shapes, grid, provenance)


def trajectory_table(placements: Sequence[Placement], grid: Grid, provenance: Provenance) -> gpd.GeoDataFrame:
    """One line through the placed frames in order of time; no row for fewer than two.

    It is the camera's path where the camera is known for every placed frame, else the path of the image
    centre; ``path_of`` says which.
    """
    placed = sorted((p for p in placements if p.status is not FrameStatus.UNLOCATED), key=lambda p: p.time_s)
    if len(placed) < 2:
        return build_table(schema.TRAJECTORY, [], [], grid, provenance)
    cameras = [p.camera.position for p in placed if p.camera is not None]
    by_camera = len(cameras) == len(placed)
    if by_camera:
        lonlat = np.array([[c.lon_deg, c.lat_deg] for c in cameras])
        points = geo_crs.transform(lonlat, geo_crs.WGS84, grid.metric)
    else:
        points = np.array([center_xy(p) for p in placed])
    row = {
        "start_s": placed[0].time_s,
        "end_s": placed[-1].time_s,
        "length_m": path_length_m(points, grid.metric),
        "path_of": "camera" if by_camera else "image centre",
    }
    line = line_m(points, np.array([p.time_s for p in placed]))
    return build_table(schema.TRAJECTORY, [row], [line], grid, provenance)


def path_length_m(points: FloatArray, crs: pyproj.CRS) -> float:
    """Length on the ellipsoid of a path through ``(N, 2)`` points of ``crs``."""
    lonlat = geo_crs.to_lonlat(points, crs)
    return float(geo_crs.GEOD.line_length(lonlat[:, 0], lonlat[:, 1]))


def runs_table(
    command: str,
    parameters: Mapping[str, Any],
    grid: Grid,
    provenance: Provenance,
    *,
    version: str,
    seconds: float,
    device: str,
    warnings: Sequence[str] = (),
) -> gpd.GeoDataFrame:
    """One row that says what was run."""
    row = {
        "command": command,
        "parameters": to_json(parameters),
        "version": version,
        "seconds": seconds,
        "device": device,
        "warnings": to_json(list(warnings)),
    }
    return build_table(schema.RUNS, [row], [None], grid, provenance)
