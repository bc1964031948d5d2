"""Reading a scene's attributes without QGIS, from scenes that the engine wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from rs_copilot.types import FrameStatus, Placement, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table, footprints_table, frames_table
from rs_copilot.vector.store import create_scene, write_layers
from rs_copilot_plugin.layers import scene_file

CRS = pyproj.CRS.from_epsg(32633)
SIZE = SizeWH(200, 100)


@pytest.fixture
def scene(tmp_path):
    path = tmp_path / "scene é.gpkg"
    create_scene(path, CRS)
    h = np.array([[1.0, 0, 500000.0], [0, -1.0, 5500000.0], [0, 0, 1.0]])
    placements = [
        Placement(0, 0.0, FrameStatus.LOCATED, 0.9, 2.0, h, SIZE),
        Placement(10, 1.0, FrameStatus.UNLOCATED, 0.1, reason="water"),
    ]
    grid, provenance = Grid(CRS, CRS), Provenance("clip.mp4", "test")
    box = {"frame": 0, "time_s": 0.0, "label": "vehicle", "score": 0.9, "track_id": 3, "box_px": "1,2,30,40"}
    detections = build_table(
        schema.DETECTIONS, [box], [shapely.box(500001, 5499960, 500030, 5499998)], grid, provenance
    )
    assert isinstance(detections, gpd.GeoDataFrame)
    write_layers(
        path,
        {
            "frames": frames_table(placements, grid, provenance, clip_path="/data/clip.mp4"),
            "footprints": footprints_table(placements, grid, provenance),
            "detections": detections,
        },
    )
    return path


def test_layers_with_rows(scene):
    assert set(scene_file.read_layer_names(scene)) == {"frames", "footprints", "detections"}


def test_frames_by_clip(scene):
    rows = scene_file.read_frames(scene)["/data/clip.mp4"]
    assert [row.status for row in rows] == ["located", "unlocated"]
    assert rows[0].is_placed and not rows[1].is_placed
    assert rows[0].ground_at((0.5, 0.5)) == pytest.approx((500100.0, 5499950.0))
    assert rows[0].metric_crs == "EPSG:32633"
    assert rows[1].reason == "water" and rows[1].error_m is None


def test_detections_by_clip(scene):
    found = scene_file.read_detections(scene)["clip.mp4"]
    assert found[0].box_px == (1.0, 2.0, 30.0, 40.0) and found[0].track_id == 3
    assert found[0].fid == 1 and found[0].score == 0.9


def test_what_was_found_by_motion_has_neither_class_nor_score(scene):
    rows = [
        {"label": label, "source": source, "time_s": 2.0, "score": 0.8, "box_px": "1,2,3,4"}
        for label, source in (
            ("vehicle", "motion"),
            ("boat", "onnx:b.onnx"),
            ("car", "vehicles-s"),
            ("", "x"),
        )
    ]
    table = build_table(
        schema.DETECTIONS, rows, [shapely.box(0, 0, 1, 1)] * 4, Grid(CRS, CRS), Provenance("clip.mp4", "test")
    )
    write_layers(scene, {"detections": table})
    assert scene_file.read_labels(scene)["detections"] == ["", "boat", "car", "vehicle"]
    scores = [item.score for item in scene_file.read_detections(scene)["clip.mp4"]]
    assert scores == [0.9, None, 0.8, 0.8, 0.8]


def test_answers_with_all_that_was_said_of_them(scene):
    grid, provenance = Grid(CRS, CRS), Provenance("clip.mp4", "test")
    rows = [
        {"question": "How many?", "answer": "2", "evidence": '[{"says": "x"}]', "missed": '["red"]',
         "understood": "count", "planner": "m", "program": '{"steps": {}}', "notes": '["n"]',
         "settle": "look"},
        {"question": "Old?", "answer": "1", "evidence": "no JSON", "missed": "5", "program": "[]"},
    ]  # fmt: skip
    write_layers(scene, {"answers": build_table(schema.ANSWERS, rows, [None, None], grid, provenance)})
    first, second = scene_file.read_answers(scene)
    assert (first["missed"], first["notes"], first["program"]) == (["red"], ["n"], {"steps": {}})
    assert (first["understood"], first["planner"], first["settle"]) == ("count", "m", "look")
    assert (second["evidence"], second["missed"], second["program"]) == ([], [], None)


def test_answers_of_an_earlier_version(scene):
    rows = [{"question": "How many?", "answer": "2", "understood": "later versions know this"}]
    table = build_table(schema.ANSWERS, rows, [None], Grid(CRS, CRS), Provenance("clip.mp4", "test"))
    write_layers(scene, {"answers": table})
    with closing(sqlite3.connect(scene)) as connection, connection:
        for name in ("settle", "understood", "missed", "planner", "program", "notes"):
            connection.execute(f"ALTER TABLE answers DROP COLUMN {name}")
        connection.execute("DROP TABLE corrections")
    (row,) = scene_file.read_answers(scene)
    assert row["answer"] == "2" and row["missed"] == row["notes"] == [] and row["understood"] is None
    assert scene_file.read_corrections(scene) == []


def test_corrections_and_counts(scene):
    grid, provenance = Grid(CRS, CRS), Provenance("clip.mp4", "test")
    made = {"number": 1, "kind": "remove", "things": '["track 3"]', "before": "{}"}
    run = {"command": "correct", "parameters": '{"remove": ["track 3"]}'}
    write_layers(
        scene,
        {
            "corrections": build_table(schema.CORRECTIONS, [made], [None], grid, provenance),
            "runs": build_table(schema.RUNS, [run, {"command": "export"}], [None, None], grid, provenance),
        },
    )
    (row,) = scene_file.read_corrections(scene)
    assert (row["number"], row["kind"], row["clip"]) == (1, "remove", "clip.mp4") and "before" not in row
    assert [item["parameters"] for item in scene_file.read_changing_runs(scene)] == [run["parameters"]]
    counts = scene_file.read_counts(scene)
    assert (counts["frames"], counts["detections"], counts["tracks"], counts["runs"]) == (2, 1, 0, 2)


def test_reading_changes_nothing(scene):
    before = scene.read_bytes()
    scene_file.read_frames(scene)
    assert scene.read_bytes() == before
    assert [path.name for path in scene.parent.iterdir()] == [scene.name]


def test_other_files_are_refused_with_the_name(tmp_path):
    other = tmp_path / "other.gpkg"
    other.write_bytes(b"nothing" * 300)
    with pytest.raises(scene_file.SceneFileError, match=r"other\.gpkg"):
        scene_file.read_frames(other)
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=CRS).to_file(tmp_path / "plain.gpkg")
    with pytest.raises(scene_file.SceneFileError, match="not a scene"):
        scene_file.read_frames(tmp_path / "plain.gpkg")
    with pytest.raises(scene_file.SceneFileError):
        scene_file.read_layer_names(tmp_path / "missing.gpkg")
