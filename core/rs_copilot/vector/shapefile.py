"""The limits of the shapefile format, met before writing and reported. Pure.

ESRI Shapefile Technical Description (1998) and dBASE III: field names of 10 bytes, text of 254 bytes, one
geometry type per file, files of 2 GB, no null text, no date with time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from rs_copilot.errors import UsageError
from rs_copilot.vector.schema import GeometryType

MAX_NAME_BYTES = 10
MAX_TEXT_BYTES = 254
MAX_FILE_BYTES = 2**31 - 1
# Companions that other programs make and that a rewrite would leave stale.
SIDECARS = (".qix", ".sbn", ".sbx", ".idm", ".ind", ".qpj")
# What GDAL writes per number, and per text at least.
_NUMBER_BYTES = 24
_TEXT_BYTES = 80
_RECORD_HEADER_BYTES = 8 + 52
_VERTEX_BYTES = 24
_FAMILY = {
    "Point": GeometryType.POINT,
    "MultiPoint": GeometryType.POINT,
    "LineString": GeometryType.LINE_M,
    "MultiLineString": GeometryType.LINE_M,
    "Polygon": GeometryType.POLYGON,
    "MultiPolygon": GeometryType.POLYGON,
}
_SUFFIX = {GeometryType.POINT: "_point", GeometryType.LINE_M: "_line", GeometryType.POLYGON: "_polygon"}


@dataclass(frozen=True)
class ShapefileTable:
    """A table that fits, with what had to be changed (``renamed`` and ``truncated`` by original name)."""

    table: gpd.GeoDataFrame
    renamed: dict[str, str]
    truncated: dict[str, int]
    notes: tuple[str, ...]


def short_names(names: Iterable[str]) -> dict[str, str]:
    """A unique name of at most 10 bytes for each name; dBASE does not tell case apart."""
    taken: set[str] = set()
    short: dict[str, str] = {}
    for name in names:
        candidate = cut_text(name, MAX_NAME_BYTES)
        number = 0
        while candidate.casefold() in taken:
            number += 1
            ending = f"_{number}"
            candidate = cut_text(name, MAX_NAME_BYTES - len(ending)) + ending
        taken.add(candidate.casefold())
        short[name] = candidate
    return short


def cut_text(text: str, limit_bytes: int) -> str:
    """The longest start of ``text`` that fits in UTF-8, whole characters only."""
    return text.encode("utf-8")[:limit_bytes].decode("utf-8", errors="ignore")


def fit_shapefile(table: gpd.GeoDataFrame) -> ShapefileTable:
    """Rename, shorten and convert so that nothing is changed silently when it is written."""
    names = short_names(name for name in table.columns if name != table.geometry.name)
    columns: dict[str, pd.Series] = {}
    truncated: dict[str, int] = {}
    null_texts: list[str] = []
    for name, short in names.items():
        column = table[name]
        if pd.api.types.is_bool_dtype(column):
            column = column.astype("Int64")
        elif column.dtype == object:
            null_texts += [name] if column.isna().any() else []
            cut = column.map(lambda item: cut_text(item, MAX_TEXT_BYTES) if isinstance(item, str) else None)
            changed = int((cut.notna() & (cut != column)).sum())
            truncated |= {name: changed} if changed else {}
            column = cut.astype("object")
        columns[short] = column
    notes = [f"null text reads as empty in some programs: {', '.join(null_texts)}"] if null_texts else []
    fitted = gpd.GeoDataFrame(columns, geometry=table.geometry, crs=table.crs)
    renamed = {name: short for name, short in names.items() if name != short}
    return ShapefileTable(fitted, renamed, truncated, tuple(notes))


def split_by_family(
    table: gpd.GeoDataFrame, kind: GeometryType
) -> dict[str, tuple[gpd.GeoDataFrame, GeometryType]]:
    """One table per geometry family, by file-name suffix; the layer's own family has none.

    Rows without geometry stay with the layer's own family as null shapes.

    Raises:
        UsageError: a geometry collection, which no shapefile can hold.
    """
    if kind is GeometryType.NONE:
        return {"": (table, kind)}
    families = [kind if item is None else _family(item.geom_type) for item in table.geometry]
    parts: dict[str, tuple[gpd.GeoDataFrame, GeometryType]] = {}
    for family in dict.fromkeys([kind, *families]):
        chosen = table[np.array([item is family for item in families], dtype=bool)]
        parts["" if family is kind else _SUFFIX[family]] = (chosen, family)
    return parts


def _family(geometry_type: str) -> GeometryType:
    found = _FAMILY.get(geometry_type)
    if found is None:
        raise UsageError(f"a shapefile cannot hold a {geometry_type}", hint="Export to .gpkg instead.")
    return found


def check_size(table: gpd.GeoDataFrame) -> None:
    """Refuse a table whose .shp or .dbf would pass 2 GB.

    Raises:
        UsageError: it would.
    """
    vertices = int(shapely.get_num_coordinates(table.geometry.to_numpy()).sum())
    shapes_bytes = 100 + len(table) * _RECORD_HEADER_BYTES + vertices * _VERTEX_BYTES
    plain = table.drop(columns=table.geometry.name)
    record_bytes = sum(_width(plain[name]) for name in plain)
    largest = max(shapes_bytes, len(table) * record_bytes)
    if largest > MAX_FILE_BYTES:
        raise UsageError(
            f"a shapefile of {len(table)} rows would take {largest / 1e9:.1f} GB, the limit is 2 GB",
            hint="Export to .gpkg or .fgb, or export one clip at a time.",
        )


def _width(column: pd.Series) -> int:
    if column.dtype != object:
        return _NUMBER_BYTES
    return max(max((len(item.encode("utf-8")) for item in column.dropna()), default=0), _TEXT_BYTES)
