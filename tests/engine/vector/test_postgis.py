from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pyproj
import pytest
import shapely

from rs_copilot.errors import SceneError, StorageError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.export import ExportParams, run
from rs_copilot.vector import postgis, schema, store
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.placements import read_placements

from .conftest import MERCATOR, SERVER, UTM, needs_server, placement


@pytest.fixture
def url():
    pytest.importorskip("psycopg")
    address = f"{SERVER}?schema=rs_copilot_test"
    target = postgis.parse_url(address)
    with postgis.connection_to(target) as connection:
        connection.execute("DROP SCHEMA IF EXISTS rs_copilot_test CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS rs_copilot_out CASCADE")
    store.create_scene(address, UTM)
    return address


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("postgresql://u:p@h:5/db", "rs_copilot"),
        ("postgresql://h/db?schema=town_1&sslmode=require", "town_1"),
    ],
)
def test_the_schema_is_taken_out_of_the_url(text, schema):
    target = postgis.parse_url(text)
    assert target.schema == schema
    assert "schema=" not in target.url
    assert ("sslmode=require" in target.url) == ("sslmode" in text)


def test_messages_hide_the_password():
    assert (
        "secret" not in postgis.parse_url("postgresql://user:secret@host/db").shown
    )  # pragma: allowlist secret


def test_a_schema_is_a_plain_name():
    with pytest.raises(UsageError, match="no name of a schema"):
        postgis.parse_url("postgresql://h/db?schema=a%22;drop")


def test_a_path_is_no_database(tmp_path):
    assert not postgis.is_database(tmp_path)
    assert not postgis.is_database("scene.gpkg")


def test_a_server_that_is_not_there_is_a_storage_error():
    pytest.importorskip("psycopg")
    with pytest.raises(StorageError) as caught:
        store.read_layer("postgresql://user:secret@127.0.0.1:1/db", "frames")  # pragma: allowlist secret
    assert "secret" not in caught.value.message


@needs_server
def test_rows_come_back_as_from_a_geopackage(url, scene, tables):
    store.write_layers(url, tables)
    store.write_layers(scene, tables)
    for name in tables:
        here, there = store.read_layer(scene, name), store.read_layer(url, name)
        assert list(here.columns) == list(there.columns)
        assert here.dtypes.astype(str).to_dict() == there.dtypes.astype(str).to_dict()
        assert there.crs == UTM
        assert all(
            a is b or shapely.equals_exact(a, b) for a, b in zip(here.geometry, there.geometry, strict=True)
        )
    line = store.read_layer(url, "trajectory").geometry.iloc[0]
    assert shapely.get_coordinates(line, include_m=True)[:, 2].tolist() == [0.0, 0.5, 1.5]


@needs_server
def test_the_same_rules_hold_as_for_a_file(url, tables):
    with pytest.raises(SceneError, match="exists"):
        store.create_scene(url, UTM)
    with pytest.raises(SceneError, match="but this raster is in"):
        store.ensure_scene(url, MERCATOR)
    store.ensure_scene(url, UTM)
    store.append_layer(url, "frames", tables["frames"].assign(clip="other.mp4"))
    for _ in range(2):
        store.replace_clip(url, "frames", "clip.mp4", tables["frames"])
    assert store.read_scene_info(url).clips == ("clip.mp4", "other.mp4")
    assert len(store.read_layer(url, "frames")) == 8
    read = read_placements(url, "clip.mp4")
    np.testing.assert_allclose(read.placements[1].map_from_px, placement(1).map_from_px, rtol=1e-12)


@needs_server
def test_all_layers_arrive_or_none(url, tables):
    broken = tables["footprints"].assign(time_s="late")
    with pytest.raises(StorageError):
        store.write_layers(url, {"frames": tables["frames"], "footprints": broken})
    assert store.read_layer(url, "frames").empty


@needs_server
def test_export_into_a_database_and_out_of_one(url, scene, tables, tmp_path):
    store.write_layers(scene, tables)
    out = f"{SERVER}?schema=rs_copilot_out"
    for _ in range(2):
        result = run(ExportParams(scene=str(scene), layer="trajectory", out=out), JobContext())
    assert (result.rows, result.files) == (1, [])
    with pytest.raises(SceneError, match="is a scene"):
        run(ExportParams(scene=str(scene), layer="trajectory", out=url), JobContext())
    store.write_layers(url, tables)
    result = run(ExportParams(scene=url, layer="frames", out=str(tmp_path / "f.shp")), JobContext())
    assert result.rows == 4


@needs_server
@pytest.mark.skipif(not shutil.which("ogrinfo"), reason="GDAL's ogrinfo is not on this machine")
def test_gdal_sees_measured_lines(url, tables):
    store.write_layers(url, tables)
    command = ["ogrinfo", "-al", f"PG:{SERVER}", "rs_copilot_test.trajectory"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "LINESTRING M" in done.stdout


@needs_server
def test_what_is_no_scene_is_refused(url):
    with pytest.raises(SceneError, match="no RS Copilot scene"):
        store.create_scene(f"{SERVER}?schema=public", UTM, overwrite=True)
    with pytest.raises(SceneError, match="no RS Copilot scene"):
        store.read_layer(f"{SERVER}?schema=nowhere", "frames")
    odd = pyproj.CRS.from_proj4("+proj=tmerc +lat_0=48.1 +lon_0=14.2 +datum=WGS84 +units=m")
    with pytest.raises(UsageError, match="EPSG"):
        store.create_scene(f"{SERVER}?schema=odd", odd)


@needs_server
def test_a_scene_of_an_earlier_version_gets_what_is_new(url):
    with postgis.connection_to(postgis.parse_url(url)) as connection:
        connection.execute("ALTER TABLE rs_copilot_test.answers DROP COLUMN understood, DROP COLUMN program")
        connection.execute("DROP TABLE rs_copilot_test.corrections")
    assert not len(store.read_layer(url, "answers")) and not len(store.read_layer(url, "corrections"))
    grid, provenance = Grid(UTM, UTM), Provenance("clip", "test")
    answers = build_table(schema.ANSWERS, [{"understood": "as it was meant"}], [None], grid, provenance)
    made = {"number": 1, "kind": "remove", "things": "[]"}
    corrections = build_table(schema.CORRECTIONS, [made], [None], grid, provenance)
    store.write_layers(url, {"answers": answers, "corrections": corrections})
    assert list(store.read_layer(url, "answers")["understood"]) == ["as it was meant"]
    assert list(store.read_layer(url, "corrections")["number"]) == [1]
