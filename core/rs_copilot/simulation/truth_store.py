"""The door that writes ``truth.gpkg``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely

from rs_copilot.vector import gpkg_blob

OGR_NAMES = {
    "frames": "Point",
    "footprints": "Polygon",
    "observations": "Point",
    "events": "Point",
    "zones": "Polygon",
    "occluders": "Polygon",
    "roads": "LineString",
}


def write_truth(path: Path, tables: dict[str, gpd.GeoDataFrame]) -> None:
    """One layer per table."""
    for name, table in tables.items():
        if name == "tracks":
            _write_tracks(path, table)
        else:
            _write_layer(path, name, table, OGR_NAMES[name])


def _write_layer(path: Path, name: str, table: gpd.GeoDataFrame, geometry_type: str, **options: str) -> None:
    pyogrio.write_dataframe(
        table,
        path,
        layer=name,
        driver="GPKG",
        geometry_type=geometry_type,
        append=path.exists(),
        dataset_options=None if path.exists() else {"VERSION": gpkg_blob.GPKG_VERSION},
        layer_options=options or None,
    )


def _write_tracks(path: Path, table: gpd.GeoDataFrame) -> None:
    """pyogrio cannot write M values: it makes the empty layer, SQLite takes the rows."""
    with gpkg_blob.quiet_about_m():
        _write_layer(path, "tracks", table.iloc[:0], "Measured LineString", SPATIAL_INDEX="NO")
    columns = [column for column in table.columns if column != "geometry"]
    names = ", ".join(f'"{column}"' for column in ["geom", *columns])
    places = ", ".join("?" * (len(columns) + 1))
    with closing(sqlite3.connect(path)) as connection, connection:
        query = "SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = 'tracks'"
        srs_id = int(connection.execute(query).fetchone()[0])
        rows = [
            (gpkg_blob.encode(line, srs_id), *values)
            for line, values in zip(
                table.geometry, table[columns].astype(object).values.tolist(), strict=True
            )
        ]
        insert = f"INSERT INTO tracks ({names}) VALUES ({places})"  # noqa: S608  # nosec B608 - own names
        connection.executemany(insert, rows)
        if len(table):
            box = shapely.total_bounds(table.geometry.to_numpy())
            update = "UPDATE gpkg_contents SET min_x=?, min_y=?, max_x=?, max_y=? WHERE table_name='tracks'"
            connection.execute(update, tuple(map(float, box)))
