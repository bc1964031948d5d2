"""What we write of a GeoPackage by ourselves is what GDAL writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from rs_copilot.vector import gpkg_tables
from rs_copilot.vector.schema import LAYER_BY_NAME, FieldType, GeometryType
from tests.engine.vector.conftest import UTM

PANDAS_TYPE = {
    FieldType.TEXT: "object",
    FieldType.REAL: "float64",
    FieldType.INTEGER: "int64",
    FieldType.BOOLEAN: "bool",
    FieldType.DATETIME: "datetime64[ms, UTC]",
}
GEOMETRY = {GeometryType.POLYGON: "Polygon", GeometryType.LINE_M: "Measured LineString"}


def by_gdal(path: Path, name: str) -> None:
    layer = LAYER_BY_NAME[name]
    columns = {item.name: pd.Series([], dtype=PANDAS_TYPE[item.type]) for item in layer.fields}
    pyogrio.write_dataframe(
        gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=UTM), crs=UTM),
        path,
        layer=name,
        geometry_type=GEOMETRY[layer.geometry],
        dataset_options={"VERSION": "1.3"},
        layer_options={"GEOMETRY_NAME": "geom", "DESCRIPTION": layer.meaning},
    )


def told(path: Path, name: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a file says of a layer, but for the time and the spelling of SQL."""
    queries = {
        "columns": "SELECT * FROM pragma_table_info(:name)",
        "contents": "SELECT table_name, data_type, identifier, description, min_x, srs_id FROM gpkg_contents "
        "WHERE table_name = :name",
        "geometry": "SELECT * FROM gpkg_geometry_columns WHERE table_name = :name",
        "extensions": "SELECT * FROM gpkg_extensions WHERE table_name = :name",
        "count": "SELECT * FROM gpkg_ogr_contents WHERE table_name = :name",
        "parts": "SELECT type, name, tbl_name FROM sqlite_master WHERE instr(name, :name) ORDER BY name",
        "system": "SELECT srs_name, srs_id, organization, organization_coordsys_id "
        "FROM gpkg_spatial_ref_sys ORDER BY srs_id",
        "standard": "SELECT * FROM pragma_application_id, pragma_user_version",
    }
    with closing(sqlite3.connect(path)) as connection:
        return {key: connection.execute(query, {"name": name}).fetchall() for key, query in queries.items()}


@pytest.mark.parametrize("name", ["segments", "tracks"])
def test_a_layer_is_laid_out_as_gdal_does(name: str, tmp_path: Path) -> None:
    gpkg_tables.write_empty(tmp_path / "own.gpkg", UTM)
    by_gdal(tmp_path / "gdal.gpkg", name)
    assert told(tmp_path / "own.gpkg", name) == told(tmp_path / "gdal.gpkg", name)


@pytest.mark.parametrize(
    "crs", ["EPSG:4326", "EPSG:3035", "ESRI:54009", "+proj=tmerc +lon_0=14.2 +k=0.9 +ellps=bessel"]
)
def test_gdal_reads_the_reference_system(crs: str, tmp_path: Path) -> None:
    wanted = pyproj.CRS.from_user_input(crs)
    gpkg_tables.write_empty(tmp_path / "a.gpkg", wanted)
    info = pyogrio.read_info(tmp_path / "a.gpkg", layer="segments")
    assert pyproj.CRS.from_user_input(info["crs"]).equals(wanted, ignore_axis_order=True)


def test_gdal_may_edit_and_the_index_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    gpkg_tables.write_empty(path, UTM)
    boxes = gpd.GeoSeries(shapely.box([0, 50], [0, 50], [10, 60], [10, 60]), crs=UTM)
    pyogrio.write_dataframe(
        gpd.GeoDataFrame({"label": ["a", "b"]}, geometry=boxes, crs=UTM), path, layer="segments", append=True
    )
    near = pyogrio.read_dataframe(path, layer="segments", bbox=(45, 45, 70, 70))
    assert near["label"].tolist() == ["b"]
    assert pyogrio.read_info(path, layer="segments", force_feature_count=True)["features"] == 2
    with closing(sqlite3.connect(path)) as connection:
        index = connection.execute("SELECT id, minx, maxy FROM rtree_segments_geom ORDER BY id").fetchall()
    np.testing.assert_allclose(index, [(1, 0, 10), (2, 50, 60)], atol=0.1)
