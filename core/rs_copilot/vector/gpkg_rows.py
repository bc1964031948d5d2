"""Rows into a table of a GeoPackage: a few through its triggers, many at once past them.

Triggers keep the spatial index and the count of rows. They call Python five times for every row, which costs
three times as much as the row itself, so for many rows their work is done in bulk, in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from rs_copilot.types import FloatArray
from rs_copilot.vector import gpkg_blob
from rs_copilot.vector.gpkg_tables import GEOMETRY_COLUMN
from rs_copilot.vector.json_values import finite
from rs_copilot.vector.schema import GeometryType, Layer

# Below, taking triggers off and putting them back costs more than they do.
MANY_ROWS = 100


def insert_rows(connection: sqlite3.Connection, layer: Layer, table: gpd.GeoDataFrame) -> list[int]:
    """Append all rows of a table that has the fields of the layer, and give their ``fid``.

    Call it within a transaction: then numbers only grow, and nobody else writes.
    """
    first = _next_fid(connection, layer.name)
    _append(connection, layer, table, first + np.arange(len(table)))
    return list(range(first, first + len(table)))


def _append(
    connection: sqlite3.Connection,
    layer: Layer,
    table: gpd.GeoDataFrame,
    fids: np.ndarray[Any, np.dtype[np.int64]],
) -> None:
    names = [item.name for item in layer.fields]
    columns: list[Sequence[Any]] = [_sql_values(table[name]) for name in names]
    if layer.geometry is GeometryType.NONE:
        _insert(connection, layer.name, ["fid", *names], [fids.tolist(), *columns])
        return
    names.append(GEOMETRY_COLUMN)
    columns.append(gpkg_blob.encode_all(table.geometry.to_numpy(), srs_id_of(connection, layer.name)))
    if len(table) < MANY_ROWS:
        _insert(connection, layer.name, ["fid", *names], [fids.tolist(), *columns])
        return
    with _without_triggers(connection, layer.name) as missed:
        _insert(connection, layer.name, ["fid", *names], [fids.tolist(), *columns])
        if _index_trigger(layer.name) in missed:
            _index(connection, layer.name, fids, table.geometry.bounds.to_numpy())
        if _count_trigger(layer.name) in missed:
            query = "UPDATE gpkg_ogr_contents SET feature_count = feature_count + ? WHERE table_name = ?"
            connection.execute(query, (len(table), layer.name))


def _insert(
    connection: sqlite3.Connection, table: str, names: Sequence[str], columns: Sequence[Sequence[Any]]
) -> None:
    named = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table}" ({named}) VALUES ({marks})'  # noqa: S608  # nosec B608 - names are the schema's
    connection.executemany(statement, zip(*columns, strict=True))


def _index_trigger(table: str) -> str:
    """As the GeoPackage standard names it (1.3, annex F.3)."""
    return f"rtree_{table}_{GEOMETRY_COLUMN}_insert"


def _count_trigger(table: str) -> str:
    """As GDAL names it."""
    return f"trigger_insert_feature_count_{table}"


@contextmanager
def _without_triggers(connection: sqlite3.Connection, table: str) -> Iterator[frozenset[str]]:
    """Take both triggers off; gives the names of those that were there. A rollback restores them as well."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?)"
    found = connection.execute(query, (_index_trigger(table), _count_trigger(table))).fetchall()
    for name, _ in found:
        connection.execute(f'DROP TRIGGER "{name}"')
    yield frozenset(name for name, _ in found)
    for _, statement in found:
        connection.execute(statement)


def _index(
    connection: sqlite3.Connection, table: str, fids: np.ndarray[Any, np.dtype[np.int64]], boxes: FloatArray
) -> None:
    """``boxes`` ``(N, 4)``: x1, y1, x2, y2; not finite where there is no geometry."""
    there = np.isfinite(boxes).all(axis=1)
    x1, y1, x2, y2 = boxes[there].T.tolist()
    statement = f'INSERT INTO "rtree_{table}_{GEOMETRY_COLUMN}" VALUES (?, ?, ?, ?, ?)'  # noqa: S608  # nosec B608 - as above
    connection.executemany(statement, zip(fids[there].tolist(), x1, x2, y1, y2, strict=True))


def _next_fid(connection: sqlite3.Connection, table: str) -> int:
    """The number that SQLite would give the next row."""
    used = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    most = connection.execute(f'SELECT max(fid) FROM "{table}"').fetchone()  # noqa: S608  # nosec B608 - as above
    return 1 + max(used[0] if used else 0, most[0] or 0)


def srs_id_of(connection: sqlite3.Connection, layer: str) -> int:
    """The number of the reference system that a layer is in."""
    query = "SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = ?"
    return int(connection.execute(query, (layer,)).fetchone()[0])


def _sql_values(column: pd.Series) -> list[Any]:
    """A column as SQLite takes it; what is missing or not finite is null."""
    kind = column.dtype.kind
    if kind == "M":
        # Mostly one time for all rows; code -1 stands for none.
        codes, times = pd.factorize(column)
        texts = [*(_sql_value(time) for time in times), None]
        return [texts[code] for code in codes]
    if isinstance(column.dtype, pd.StringDtype):
        return list(column.to_numpy(dtype=object, na_value=None))
    if kind == "O" and column.isna().all():
        return [None] * len(column)
    values: list[Any] = column.to_list()
    if isinstance(column.dtype, np.dtype) and kind in "iub":
        return values
    if isinstance(column.dtype, np.dtype) and kind == "f":
        for place in np.flatnonzero(~np.isfinite(column.to_numpy())):
            values[place] = None
        return values
    return [_sql_value(item) for item in values]


def _sql_value(value: object) -> object:
    if value is None or type(value) in (str, int, bool):
        return value
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return finite(value)
