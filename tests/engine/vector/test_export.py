from __future__ import annotations

import json
import re
import shutil
import subprocess
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import SceneError, StorageError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.export import ExportParams, run
from rs_copilot.vector import schema, shapefile
from rs_copilot.vector.build import build_table
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.store import append_layer, write_layers

from .conftest import EAST_M, NORTH_M

SUFFIXES = [".shp", ".gpkg", ".geojson", ".kml", ".fgb", ".parquet", ".csv"]


@pytest.fixture
def full_scene(scene, tables, grid, provenance):
    points = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 5.0]]) + np.array([EAST_M, NORTH_M])
    row = {"track_id": 7, "label": "Fahrzeug ü", "start_s": 0.0, "end_s": 1.0, "mean_speed_mps": 20.0}
    tracks = build_table(schema.TRACKS, [row], [line_m(points, np.array([0.0, 0.5, 1.0]))], grid, provenance)
    write_layers(scene, {**tables, "tracks": tracks})
    return scene


def export(scene, layer, out):
    return run(ExportParams(scene=str(scene), layer=layer, out=str(out)), JobContext())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("layer", [item.name for item in schema.LAYERS])
def test_every_layer_goes_into_every_format(full_scene, layer, suffix, tmp_path):
    out = tmp_path / "out" / f"{layer}{suffix}"
    result = export(full_scene, layer, out)
    expected = {"frames": 4, "footprints": 3, "trajectory": 1, "tracks": 1}.get(layer, 0)
    if (layer, suffix) == ("frames", ".kml"):
        expected -= 1  # the unlocated frame has no place
    assert result.rows == expected
    assert result.summary()
    assert all((out.parent / name).exists() for name in result.files)
    assert not [path for path in out.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_positions_survive(full_scene, suffix, tmp_path, tables):
    out = tmp_path / f"frames{suffix}"
    export(full_scene, "frames", out)
    if suffix == ".csv":
        plain = pd.read_csv(out)
        assert plain["wkt"].notna().sum() == 3
        found = plain["lon"].to_numpy()
    else:
        read = gpd.read_parquet(out) if suffix == ".parquet" else pyogrio.read_dataframe(out)
        found = read.to_crs(4326).geometry.x.to_numpy()
    expected = tables["frames"]["lon"].to_numpy(dtype=float)
    if suffix == ".kml":
        expected = expected[np.isfinite(expected)]
    np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-6)


@pytest.mark.skipif(not shutil.which("ogrinfo"), reason="GDAL's ogrinfo is not on this machine")
@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".fgb"])
def test_times_along_a_line_survive_as_m(full_scene, suffix, tmp_path):
    out = tmp_path / f"tracks{suffix}"
    export(full_scene, "tracks", out)
    done = subprocess.run(["ogrinfo", "-al", out], capture_output=True, text=True, check=True)
    assert "Geometry: Measured Line String" in done.stdout
    assert "LINESTRING M (" in done.stdout
    assert "5400000 0.5" in done.stdout


@pytest.mark.parametrize("suffix", [".geojson", ".kml", ".parquet"])
def test_times_along_a_line_become_a_field_where_there_is_no_m(full_scene, suffix, tmp_path):
    out = tmp_path / f"tracks{suffix}"
    result = export(full_scene, "tracks", out)
    if suffix == ".kml":  # one of GDAL's two KML drivers does not read extended data back
        times = re.search(r'name="vertex_times_s">(.*?)<', out.read_text(encoding="utf-8"))[1]
    else:
        read = gpd.read_parquet(out) if suffix == ".parquet" else pyogrio.read_dataframe(out)
        times = read["vertex_times_s"].iloc[0]
    assert list(json.loads(times) if isinstance(times, str) else times) == [0.0, 0.5, 1.0]
    assert any("vertex_times_s" in note for note in result.notes)


def test_shapefile_names_are_unique_and_reported(full_scene, tmp_path):
    result = export(full_scene, "tracks", tmp_path / "t.shp")
    assert result.renamed_fields == {"mean_speed_mps": "mean_speed", "max_speed_mps": "max_speed_"}
    assert {path.suffix for path in tmp_path.glob("t.*")} == {".shp", ".shx", ".dbf", ".prj", ".cpg"}
    assert (tmp_path / "t.cpg").read_text().strip() == "UTF-8"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert pyogrio.read_dataframe(tmp_path / "t.shp")["label"].iloc[0] == "Fahrzeug ü"


def test_long_text_in_a_shapefile_is_cut_and_counted(scene, tables, tmp_path):
    frames = tables["frames"].assign(reason=["ü" * 200, "short", None, "x" * 254])
    append_layer(scene, "frames", frames)
    result = export(scene, "frames", tmp_path / "f.shp")
    assert result.truncated_values["reason"] == 1
    assert result.null_geometries == 1
    read = pyogrio.read_dataframe(tmp_path / "f.shp")
    assert read["reason"].iloc[0] == "ü" * 127
    assert read["reason"].iloc[3] == "x" * 254
    assert read.geometry.iloc[2] is None
    assert any("reason" in note for note in result.notes)


def test_mixed_geometry_becomes_one_shapefile_each(scene, grid, provenance, tmp_path):
    shapes = [
        shapely.box(0, 0, 5, 5),
        shapely.Point(1, 1),
        None,
        shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]),
    ]
    answers = build_table(schema.ANSWERS, [{"question": "?"}] * 4, shapes, grid, provenance)
    append_layer(scene, "answers", answers)
    result = export(scene, "answers", tmp_path / "a.shp")
    assert pyogrio.read_info(tmp_path / "a.shp")["features"] == 3
    assert pyogrio.read_info(tmp_path / "a_point.shp")["geometry_type"] == "Point"
    assert any("a_point.shp" in note for note in result.notes)


def test_a_shapefile_over_its_limit_is_refused_before_writing(full_scene, tmp_path, monkeypatch):
    monkeypatch.setattr(shapefile, "MAX_FILE_BYTES", 500)
    with pytest.raises(UsageError, match="2 GB"):
        export(full_scene, "frames", tmp_path / "f.shp")
    assert not list(tmp_path.glob("f.*"))


def test_the_size_estimate_is_close_to_the_file(full_scene, tables, tmp_path, monkeypatch):
    append_layer(full_scene, "frames", pd.concat([tables["frames"]] * 50))
    export(full_scene, "frames", tmp_path / "f.shp")
    real = max((tmp_path / "f.dbf").stat().st_size, (tmp_path / "f.shp").stat().st_size)
    monkeypatch.setattr(shapefile, "MAX_FILE_BYTES", int(real * 0.6))
    with pytest.raises(UsageError, match="GB"):
        export(full_scene, "frames", tmp_path / "g.shp")


@given(st.lists(st.text(min_size=1, max_size=30), max_size=40, unique=True))
def test_short_names_are_unique_and_short(names):
    short = shapefile.short_names(names)
    assert len({name.casefold() for name in short.values()}) == len(names)
    assert all(len(name.encode()) <= 10 for name in short.values())


def test_only_its_own_target_is_replaced(full_scene, tmp_path):
    (tmp_path / "t.txt").write_text("mine")
    (tmp_path / "t.qix").write_text("stale index")
    export(full_scene, "tracks", tmp_path / "t.shp")
    export(full_scene, "tracks", tmp_path / "t.shp")
    assert (tmp_path / "t.txt").read_text() == "mine"
    assert not (tmp_path / "t.qix").exists()


def test_a_geopackage_with_other_layers_is_not_replaced(full_scene, tmp_path):
    out = tmp_path / "mine.gpkg"
    export(full_scene, "frames", out)
    export(full_scene, "frames", out)
    with pytest.raises(UsageError, match="other layers"):
        export(full_scene, "footprints", out)
    with pytest.raises(UsageError, match="scene itself"):
        export(full_scene, "frames", full_scene)


@pytest.mark.parametrize(("layer", "hint"), [("roads", "footprints"), ("", "frames")])
def test_an_unknown_layer_lists_the_known(full_scene, layer, hint, tmp_path):
    with pytest.raises(SceneError) as caught:
        export(full_scene, layer, tmp_path / "x.shp")
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["x.tif", "x", "x.shp.zip"])
def test_an_unknown_format_lists_the_known(full_scene, name, tmp_path):
    with pytest.raises(UsageError) as caught:
        export(full_scene, "frames", tmp_path / name)
    assert ".geojson" in caught.value.hint


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_cannot_be_written_is_a_storage_error(full_scene, suffix, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        export(full_scene, "frames", tmp_path / "file" / f"x{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_former_export(full_scene, tables, suffix, tmp_path):
    import resource

    out = tmp_path / f"f{suffix}"
    export(full_scene, "frames", out)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("f.*")}
    append_layer(full_scene, "frames", pd.concat([tables["frames"]] * 400))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StorageError):
            export(full_scene, "frames", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert before == {path.name: path.read_bytes() for path in tmp_path.glob("f.*")}
