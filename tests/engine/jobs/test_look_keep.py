"""Objects of an answer as rows of a scene, and out of it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.vector import store

WEST, NORTH = 500_000.0, 5_300_000.0
RING = [[15.0, 47.8], [15.001, 47.8], [15.001, 47.801], [15.0, 47.801]]
OBJECT = {
    "line": 0,
    "label": "ship",
    "score": None,
    "polygon": RING,
    "box_px": [1, 2, 3, 4.26],
    "time_s": None,
}


@pytest.fixture(scope="module")
def raster(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("keep") / "map.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=8, height=8, count=3, dtype="uint8",
        crs="EPSG:32633", transform=from_origin(WEST, NORTH, 1, 1),
    ) as out:  # fmt: skip
        out.write(np.full((3, 8, 8), 90, np.uint8))
    return path


def keep(raster: Path, scene: Path, **more: object):
    params = {
        "scene": str(scene), "source": {"kind": "raster", "path": str(raster)}, "question": "the ship",
        "objects": [OBJECT, {**OBJECT, "polygon": None}], "model": "m", "model_hash": "abc",
    }  # fmt: skip
    return run_job("look.keep", {**params, **more}, JobContext())


def test_placed_objects_become_rows_with_their_origin(raster, tmp_path):
    scene = tmp_path / "scene.gpkg"
    kept = keep(raster, scene)
    rows = store.read_layer(scene, "groundings")
    assert kept.rows == list(rows.index) == [1]
    row = rows.iloc[0]
    assert (row["phrase"], row["label"], row["box_px"], row["clip"]) == (
        "the ship",
        "ship",
        "1.0,2.0,3.0,4.3",
        "map.tif",
    )
    assert (row["method"], row["model"], row["model_hash"]) == ("look", "m", "abc")
    np.testing.assert_allclose([row["lon"], row["lat"]], [15.0005, 47.8005], atol=1e-6)
    ring = np.array(rows.to_crs(4326).geometry.iloc[0].exterior.coords)[:4]
    np.testing.assert_allclose(ring, RING, atol=1e-9)
    told = json.loads(store.read_layer(scene, "runs")["parameters"].iloc[0])
    assert told["objects"] == []


def test_only_what_was_kept_is_forgotten(raster, tmp_path):
    scene = tmp_path / "scene.gpkg"
    first, second = keep(raster, scene, layer="detections"), keep(raster, scene, layer="detections")
    assert store.read_layer(scene, "detections")["source"].tolist() == ["vlm:m", "vlm:m"]
    table = store.read_layer(scene, "detections").assign(method="motion")
    foreign = store.append_layer(scene, "detections", table)
    rows = [*first.rows, *foreign, 99]
    forgotten = run_job(
        "look.forget", {"scene": str(scene), "layer": "detections", "rows": rows}, JobContext()
    )
    assert forgotten.removed == 1
    assert list(store.read_layer(scene, "detections").index) == [*second.rows, *foreign]
    again = keep(raster, scene, layer="detections")
    assert again.rows[0] > max(foreign)


def test_nothing_on_the_map_is_said(raster, tmp_path):
    with pytest.raises(UsageError, match="lies on the map"):
        keep(raster, tmp_path / "scene.gpkg", objects=[{**OBJECT, "polygon": None}])
    assert not (tmp_path / "scene.gpkg").exists()


@pytest.mark.parametrize(
    "ring", [[[0, 0], [1, 1]], [[0, 0], [500, 0], [1, 1]], [[0, 0], [0, float("nan")], [1, 1]]]
)
def test_polygons_that_are_none_are_refused(raster, tmp_path, ring):
    with pytest.raises(UsageError, match="polygon"):
        keep(raster, tmp_path / "scene.gpkg", objects=[{**OBJECT, "polygon": ring}])
