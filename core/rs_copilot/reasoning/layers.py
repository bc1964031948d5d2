"""Features of the user's layers as things: which field is a name, what is a road, what can hide something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from rs_copilot.reasoning.things import Kind, Thing

# Fields that hold what is wanted, the first that is there counts. Besides plain words these are the names of
# OpenStreetMap's keys and of Geofabrik's shapefiles.
NAME_FIELDS = ("name", "title", "ref", "id")
LABEL_FIELDS = ("kind", "class", "label", "type", "fclass", "road_class", "highway", "building", "landuse")
HEIGHT_FIELDS = ("height_m", "height", "hoehe")
ROLES = {
    "zones": Kind.ZONE, "roads": Kind.ROAD, "occluders": Kind.OCCLUDER, "buildings": Kind.OCCLUDER,
    "trees": Kind.OCCLUDER, "places": Kind.PLACE,
}  # fmt: skip
FLOOR_M = 3.0


def things_of_layer(name: str, table: gpd.GeoDataFrame, crs: pyproj.CRS) -> list[Thing]:
    """One thing for each feature of a table in the metric CRS ``crs``."""
    assert table.crs == crs  # noqa: S101  # nosec B101 - the door has seen to it
    columns = {str(column).lower(): column for column in table.columns}
    records: Sequence[Mapping[str, Any]] = table.drop(columns=table.geometry.name).to_dict("records")
    found = []
    for fid, shape, record in zip(table.index, table.geometry, records, strict=True):
        values = {key: record.get(column) for key, column in columns.items()}
        label = str(_first(values, LABEL_FIELDS) or name.rstrip("s"))
        height = height_m(values)
        kind = ROLES.get(name.lower().rstrip(" 0123456789")) or _kind_of(shape, values, height)
        own = _first(values, NAME_FIELDS)
        title = str(own) if own is not None else f"{label} {fid}"
        properties = {**values, "height_m": height}
        found.append(
            Thing(
                f"{name} {fid}",
                kind,
                title,
                label,
                _sound(shape),
                layer=name,
                fid=int(fid),
                properties=properties,
            )
        )
    return found


def _sound(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape that can be measured: hand-drawn areas often cross themselves."""
    flat = shapely.force_2d(shape)
    return flat if flat.is_valid else shapely.make_valid(flat)


def _kind_of(shape: shapely.Geometry, values: Mapping[str, Any], height: float | None) -> Kind:
    if shape.geom_type in ("LineString", "MultiLineString"):
        return Kind.ROAD
    if shape.geom_type in ("Point", "MultiPoint"):
        return Kind.PLACE
    is_building = _first(values, ("building",)) is not None
    return Kind.OCCLUDER if height is not None and (is_building or height > 0) else Kind.ZONE


def _first(values: Mapping[str, Any], names: Sequence[str]) -> object:
    for name in names:
        value = values.get(name)
        if value is not None and not pd.isna(value) and str(value).strip():
            return value
    return None


def height_m(values: Mapping[str, Any]) -> float | None:
    """How high a feature is, from its own field or from its floors."""
    for names, factor in ((HEIGHT_FIELDS, 1.0), (("building:levels", "levels", "floors"), FLOOR_M)):
        said = _first(values, names)
        if said is None:
            continue
        try:
            return float(str(said).lower().removesuffix("m").strip()) * factor
        except ValueError:
            continue
    return None
