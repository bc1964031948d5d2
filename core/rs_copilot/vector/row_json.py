"""Rows of a layer as JSON and back: what was changed can be put back as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from rs_copilot.vector.json_values import finite

GEOMETRY = "geometry"


def rows_to_json(table: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Every field of every row, as JSON can hold it; geometry as hexadecimal WKB with its M values."""
    shapes = shapely.to_wkb(table.geometry.to_numpy(), hex=True, output_dimension=4, flavor="iso")
    fields = table.drop(columns=GEOMETRY).to_dict("records")
    return [
        {**{name: _plain(value) for name, value in row.items()}, GEOMETRY: shape}
        for row, shape in zip(fields, shapes, strict=True)
    ]


def rows_from_json(rows: Sequence[Mapping[str, Any]], like: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows again, with the fields, types and CRS of ``like``; fields that it lacks are left out."""
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype="object").astype(kind)
        for name, kind in like.drop(columns=GEOMETRY).dtypes.items()
    }
    shapes = [None if row[GEOMETRY] is None else shapely.from_wkb(row[GEOMETRY]) for row in rows]
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=like.crs), crs=like.crs)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a table
    if pd.isna(value):
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else finite(value)
