from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from rs_copilot.errors import SceneError, StorageError
from rs_copilot.types import FrameStatus
from rs_copilot.vector import schema, store
from rs_copilot.vector.build import Provenance, build_table, runs_table
from rs_copilot.vector.placements import read_clips, read_placements

from .conftest import MERCATOR, UTM, placement


def test_a_new_scene_has_every_layer_empty(scene):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyogrio says that it drops M
        found = dict(pyogrio.list_layers(scene))
        for layer in schema.LAYERS:
            info = pyogrio.read_info(scene, layer=layer.name)
            assert info["features"] == 0
            assert tuple(info["fields"]) == layer.field_names
    assert set(found) == {layer.name for layer in schema.LAYERS}
    assert found["runs"] is None
    assert found["footprints"] == "Polygon"


def test_lines_are_declared_with_m(scene):
    with sqlite3.connect(scene) as connection:
        rows = connection.execute(
            "SELECT table_name, geometry_type_name, m FROM gpkg_geometry_columns"
        ).fetchall()
    connection.close()
    assert ("tracks", "LINESTRING", 1) in rows
    assert ("trajectory", "LINESTRING", 1) in rows


def test_rows_come_back_as_they_went_in(scene, tables):
    store.write_layers(scene, tables)
    for name, table in tables.items():
        back = store.read_layer(scene, name)
        assert list(back.columns) == list(table.columns)
        assert back.crs == UTM
        assert all(
            shapely.equals_exact(a, b) or a is b for a, b in zip(back.geometry, table.geometry, strict=True)
        )
        for column in ("lon", "clip", "created_at"):
            left, right = back[column], table[column]
            if column == "created_at":
                left, right = left.dt.floor("ms"), pd.to_datetime(right).dt.floor("ms")
            pd.testing.assert_series_equal(
                left, right, check_index=False, check_dtype=False, check_names=False
            )
    times = shapely.get_coordinates(store.read_layer(scene, "trajectory").geometry.iloc[0], include_m=True)[
        :, 2
    ]
    assert times.tolist() == [0.0, 0.5, 1.5]


def test_some_fields_are_read_as_all_of_them_are(scene, tables):
    store.write_layers(scene, tables)
    whole = store.read_layer(scene, "frames")
    part = store.read_layer(scene, "frames", fields=("clip", "time_s", "homography", "no such field"))
    assert set(part.columns) == {"clip", "time_s", "homography", "geometry"}
    pd.testing.assert_frame_equal(pd.DataFrame(part), pd.DataFrame(whole)[part.columns])
    moving = store.read_layer(scene, "detections", without="track_id", fields=("label",))
    assert set(moving.columns) == {"label", "track_id", "geometry"} or set(moving.columns) == {
        "label",
        "geometry",
    }


def test_extent_count_and_index_are_kept_for_qgis(scene, tables):
    store.write_layers(scene, tables)
    info = pyogrio.read_info(scene, layer="footprints", force_total_bounds=True)
    # The spatial index holds float32 and rounds outwards.
    assert shapely.box(*info["total_bounds"]).covers(shapely.box(*tables["footprints"].total_bounds))
    np.testing.assert_allclose(info["total_bounds"], tables["footprints"].total_bounds, atol=1.5)
    assert info["features"] == 3
    near = pyogrio.read_dataframe(scene, layer="footprints", bbox=tuple(tables["footprints"].total_bounds))
    assert len(near) == 3


@pytest.mark.skipif(not shutil.which("ogrinfo"), reason="GDAL's ogrinfo is not on this machine")
def test_another_gdal_reads_it(scene, tables):
    store.write_layers(scene, tables)
    done = subprocess.run(["ogrinfo", "-al", scene, "trajectory"], capture_output=True, text=True, check=True)
    assert "LINESTRING M" in done.stdout
    assert "Feature Count: 1" in done.stdout
    assert "ERROR" not in done.stderr


def test_replacing_a_clip_leaves_the_others(scene, tables):
    other = tables["frames"].assign(clip="other.mp4")
    store.append_layer(scene, "frames", tables["frames"])
    store.append_layer(scene, "frames", other)
    store.replace_clip(scene, "frames", "clip.mp4", tables["frames"].iloc[:1])
    assert read_clips(scene) == ("clip.mp4", "other.mp4")
    assert store.read_layer(scene, "frames")["clip"].value_counts().to_dict() == {
        "other.mp4": 4,
        "clip.mp4": 1,
    }
    assert len(store.read_layer(scene, "frames", clip="clip.mp4")) == 1


def test_placements_round_trip(scene, tables):
    store.write_layers(scene, tables)
    read = read_placements(scene, "clip.mp4")
    assert [p.status for p in read.placements].count(FrameStatus.UNLOCATED) == 1
    assert str(read.clip_path) == "/clips/clip.mp4"
    assert read.metric_crs == UTM
    np.testing.assert_allclose(read.placements[1].map_from_px, placement(1).map_from_px, rtol=1e-12)
    with pytest.raises(SceneError, match="no frames of clip"):
        read_placements(scene, "nobody.mp4")


def test_runs_have_no_geometry(scene, grid, provenance):
    row = runs_table(
        "track", {"scene": "s", "x": float("nan")}, grid, provenance, version="1", seconds=1.0, device="cpu"
    )
    store.append_layer(scene, "runs", row)
    back = store.read_layer(scene, "runs")
    assert back["parameters"].iloc[0] == '{"scene":"s","x":null}'
    assert back.geometry.isna().all()


def test_an_existing_scene_is_kept_unless_overwriting(scene, tables):
    store.append_layer(scene, "frames", tables["frames"])
    with pytest.raises(SceneError, match="exists"):
        store.create_scene(scene, UTM)
    store.ensure_scene(scene, UTM)
    assert len(store.read_layer(scene, "frames")) == 4
    store.create_scene(scene, UTM, overwrite=True)
    assert store.read_layer(scene, "frames").empty


def test_a_scene_belongs_to_one_crs(scene):
    with pytest.raises(SceneError, match="but this raster is in"):
        store.ensure_scene(scene, MERCATOR)


def test_a_crs_without_authority_is_kept(tmp_path):
    odd = pyproj.CRS.from_proj4(
        "+proj=tmerc +lat_0=48.1 +lon_0=14.2 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m"
    )
    store.create_scene(tmp_path / "odd.gpkg", odd)
    assert store.read_scene_info(tmp_path / "odd.gpkg").crs.equals(odd, ignore_axis_order=True)


@pytest.mark.parametrize("kind", ["missing", "text", "foreign", "database", "folder"])
def test_files_that_are_no_scenes_are_refused_and_untouched(kind, tmp_path):
    path = tmp_path / "thing.gpkg"
    if kind == "text":
        path.write_text("hello " * 100)
    elif kind == "folder":
        path.mkdir()
    elif kind == "foreign":
        gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=UTM).to_file(path, layer="x")
    elif kind == "database":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (a)")
        connection.close()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SceneError) as caught:
        store.read_layer(path, "frames")
    assert caught.value.hint
    if kind != "missing":
        with pytest.raises(SceneError):
            store.create_scene(path, UTM, overwrite=True)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_later_version_is_refused(scene):
    with sqlite3.connect(scene) as connection:
        connection.execute("UPDATE gpkg_metadata SET metadata = replace(metadata, '>1<', '>99<')")
    connection.close()
    with pytest.raises(SceneError, match="version 99"):
        store.read_scene_info(scene)


def test_an_unknown_layer_names_the_known_ones(scene, tables):
    with pytest.raises(SceneError) as caught:
        store.append_layer(scene, "roads", tables["frames"])
    assert "footprints" in caught.value.hint


def test_all_layers_arrive_or_none(scene, tables):
    broken = tables["footprints"].drop(columns="status")
    with pytest.raises(KeyError):
        store.write_layers(scene, {"frames": tables["frames"], "footprints": broken})
    assert store.read_layer(scene, "frames").empty


READER = """
    import sys, time, warnings
    import pyogrio
    warnings.simplefilter("ignore")
    counts = []
    print("ready", flush=True)
    until = time.monotonic() + 20
    while time.monotonic() < until and (not counts or counts[-1] < int(sys.argv[2])):
        frame = pyogrio.read_dataframe(sys.argv[1], layer="frames")
        assert frame["clip"].eq("clip.mp4").all()
        counts.append(len(frame))
    assert counts == sorted(counts), counts
    assert counts[-1] == int(sys.argv[2]), counts
    print(len(counts))
"""


def test_another_process_reads_while_rows_are_appended(scene, tables):
    batches = 25
    arguments = [sys.executable, "-c", textwrap.dedent(READER), str(scene), str(batches * 4)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline().strip() == "ready"
        for _ in range(batches):
            store.append_layer(scene, "frames", tables["frames"])
        output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    assert int(output) >= 2


def test_a_full_disk_loses_nothing(scene, tables):
    store.write_layers(scene, tables)
    big = pd.concat([tables["frames"]] * 500, ignore_index=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.stat().st_size + 20_000, before[1]))
    try:
        with pytest.raises(StorageError) as caught:
            store.append_layer(scene, "frames", big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "space" in caught.value.hint
    assert len(store.read_layer(scene, "frames")) == 4
    store.append_layer(scene, "frames", big)
    assert len(store.read_layer(scene, "frames")) == 2004


def test_a_disk_that_is_full_at_creation_leaves_no_file(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(StorageError):
            store.create_scene(tmp_path / "scene.gpkg", UTM)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_scene_held_by_another_program_says_so(scene, tables, monkeypatch):
    monkeypatch.setattr(store, "BUSY_TIMEOUT_S", 0.1)
    holder = sqlite3.connect(scene, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StorageError, match="locked") as caught:
            store.append_layer(scene, "frames", tables["frames"])
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert "Another program" in caught.value.hint


# The cache is tiny, so that half a transaction reaches the file before the process dies.
KILLED_WRITER = """
    import os, sqlite3, sys
    c = sqlite3.connect(sys.argv[1], isolation_level=None)
    c.execute("PRAGMA cache_size = 1")
    c.execute("BEGIN IMMEDIATE")
    c.execute("DELETE FROM footprints")
    for _ in range(2000):
        c.execute("INSERT INTO runs (command) VALUES (?)", ("x" * 1000,))
    os._exit(9)
"""


def test_what_a_killed_writer_left_is_rolled_back(scene, tables):
    store.write_layers(scene, tables)
    command = [sys.executable, "-c", textwrap.dedent(KILLED_WRITER), str(scene)]
    assert subprocess.run(command, check=False).returncode == 9
    assert len(store.read_layer(scene, "footprints")) == 3
    assert store.read_layer(scene, "runs").empty


def test_rows_of_another_method_stay(scene, grid):
    def table(method):
        square = shapely.box(500000, 5300000, 500010, 5300010)
        return build_table(schema.DETECTIONS, [{"label": method}], [square], grid, Provenance("a", method))

    store.write_layers(scene, {"detections": table("motion")})
    for _ in range(2):
        detected = {"detections": table("detector")}
        store.write_layers(scene, detected, replace_clip="a", replace_method="detector")
    assert sorted(store.read_layer(scene, "detections")["label"]) == ["detector", "motion"]
