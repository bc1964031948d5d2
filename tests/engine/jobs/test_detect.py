"""Detection as a job, with a real network whose answers are known (see tests.engine.detection.networks)."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.transform import from_origin

from rs_copilot.errors import BadInputError, CancelledError, MissingCrsError, SceneError, UsageError
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.registry import run_job
from rs_copilot.types import FrameStatus, Placement, SizeWH
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vector.store import create_scene, read_layer, write_layers
from tests.engine.detection.networks import SIDE_PX, Square, picture, places, save_detector, zoo

GSD_M, WEST, NORTH = 0.5, 500000.0, 5300000.0
ROOT = Path(__file__).parents[3]


def write_map(path: Path, image: np.ndarray, crs: str = "EPSG:32633") -> Path:
    height, width = image.shape[:2]
    # Ground is never quite black: what is all black has no data.
    bands = np.maximum(np.moveaxis(image, -1, 0), 1)
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=3, dtype="uint8", crs=crs,
        transform=from_origin(WEST, NORTH, GSD_M, GSD_M), tiled=True, blockxsize=128, blockysize=128,
        compress="deflate",
    ) as target:  # fmt: skip
        target.write(bands)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "squares.onnx"
    return save_detector(path, metadata=zoo("YOLO_Ultralytics", tiles_size=160, resolution=50))


def detect(source: Path, out: Path, network: Path, context: JobContext | None = None, **more: Any) -> Any:
    params = {"source": str(source), "out": str(out), "detector": f"onnx:{network}", "min_score": 0.8, **more}
    return run_job("detect", params, context or JobContext(device="cpu"))


def found_squares(scene: Path) -> list[Square]:
    """Left, top, class of every row, from the geometry on the map."""
    table = read_layer(scene, "detections")
    names = ["red", "green", "blue"]
    corners = table.geometry.bounds
    left = np.rint((corners["minx"] - WEST) / GSD_M).astype(int)
    top = np.rint((NORTH - corners["maxy"]) / GSD_M).astype(int)
    return sorted(zip(left, top, map(names.index, table["label"]), strict=True))


def rows_of(scene: Path) -> list[tuple[Any, ...]]:
    """Everything but the time of the run and the order."""
    table = read_layer(scene, "detections")
    kept = [name for name in table.columns if name not in ("created_at", "geometry")]
    return sorted(
        (shapely.to_wkb(shape, hex=True), *map(str, row))
        for shape, row in zip(table.geometry, table[kept].itertuples(index=False), strict=True)
    )


def test_every_object_is_found_once_wherever_tiles_meet(tmp_path: Path, network: Path) -> None:
    squares = places(900, 700, 200)
    source = write_map(tmp_path / "a.tif", picture(900, 700, squares))
    result = detect(source, tmp_path / "s.gpkg", network)
    assert found_squares(tmp_path / "s.gpkg") == sorted(squares)
    assert result.detections == 200 and result.tiles == result.tiles_of_raster > 30
    assert sum(result.labels.values()) == 200
    table = read_layer(tmp_path / "s.gpkg", "detections")
    assert set(table["clip"]) == {"a.tif"} and table["score"].between(0.8, 1.0).all()
    assert len(table["model_hash"][1]) == 64 and table["frame"].isna().all()
    box = [float(value) for value in table["box_px"].iloc[0].split(",")]
    assert box[2] - box[0] == pytest.approx(SIDE_PX)
    assert list(tmp_path.glob(".s.gpkg*")) == []
    assert f"{result.tiles} of {result.tiles} tiles" in result.summary()


def test_a_second_run_replaces_the_first(tmp_path: Path, network: Path) -> None:
    source = write_map(tmp_path / "a.tif", picture(300, 300, places(300, 300, 9)))
    for _ in range(2):
        detect(source, tmp_path / "s.gpkg", network)
    assert len(read_layer(tmp_path / "s.gpkg", "detections")) == 9
    assert list(read_layer(tmp_path / "s.gpkg", "runs")["command"]) == ["detect", "detect"]


def test_sheets_are_searched_as_one_raster(tmp_path: Path, network: Path) -> None:
    squares = places(500, 300, 60)
    whole = write_map(tmp_path / "whole.tif", picture(500, 300, squares))
    folder = tmp_path / "sheets"
    folder.mkdir()
    with rasterio.open(whole) as source:
        for number, (left, right) in enumerate(((0, 205), (205, 500))):
            window = rasterio.windows.Window(left, 0, right - left, 300)
            profile = {**source.profile, "width": right - left, "transform": source.window_transform(window)}
            with rasterio.open(folder / f"{number}.tif", "w", **profile) as target:
                target.write(source.read(window=window))
    # Some lie across the border, where each sheet has only a part of them.
    assert any(x < 205 < x + SIDE_PX for x, *_ in squares)
    result = detect(folder / "*.tif", tmp_path / "s.gpkg", network)
    assert found_squares(tmp_path / "s.gpkg") == sorted(squares)
    assert result.source == "*.tif"


def test_only_classes_and_scores_that_are_wanted(tmp_path: Path, network: Path) -> None:
    squares = places(400, 400, 20)
    source = write_map(tmp_path / "a.tif", picture(400, 400, squares))
    detect(source, tmp_path / "s.gpkg", network, classes=["green"])
    assert found_squares(tmp_path / "s.gpkg") == sorted(item for item in squares if item[2] == 1)
    detect(
        source,
        tmp_path / "t.gpkg",
        network,
        min_score=None,
        thresholds={"red": 1.0, "blue": 0.8, "green": 1.0},
    )
    assert {item[2] for item in found_squares(tmp_path / "t.gpkg")} == {2}
    with pytest.raises(UsageError, match="purple"):
        detect(source, tmp_path / "u.gpkg", network, classes=["purple"])


def test_a_region_limits_tiles_and_objects(tmp_path: Path, network: Path) -> None:
    squares = places(1200, 1200, 250)
    source = write_map(tmp_path / "a.tif", picture(1200, 1200, squares))
    with rasterio.open(source) as opened:
        from rasterio.warp import transform

        x, y = opened.transform * (np.array([300, 500]), np.array([700, 400]))
        lon, lat = transform(opened.crs, "EPSG:4326", x, y)
    region = f"{lon[0]},{lat[0]},{lon[1]},{lat[1]}"
    result = detect(source, tmp_path / "s.gpkg", network, region=region)
    half = SIDE_PX / 2
    inside = [s for s in squares if 302 < s[0] + half < 498 and 402 < s[1] + half < 698]
    outside = [s for s in squares if not (298 < s[0] + half < 502 and 398 < s[1] + half < 702)]
    found = set(found_squares(tmp_path / "s.gpkg"))
    assert set(inside) <= found and not found & set(outside)
    assert result.tiles < result.tiles_of_raster / 4
    with pytest.raises(UsageError, match="beside the raster"):
        detect(source, tmp_path / "s.gpkg", network, region="1,1,2,2")
    with pytest.raises(UsageError, match="expected numbers or a file"):
        detect(source, tmp_path / "s.gpkg", network, region="nowhere")


def test_maps_that_stretch_the_ground_are_measured_in_true_metres(tmp_path: Path, network: Path) -> None:
    """Web Mercator at 43 degrees north: pixels of half a metre on the map are 0.37 m on the ground."""
    squares = places(400, 400, 12)
    source = write_map(tmp_path / "a.tif", picture(400, 400, squares), crs="EPSG:3857")
    detect(source, tmp_path / "s.gpkg", network, gsd_m=0.366)
    table = read_layer(tmp_path / "s.gpkg", "detections")
    assert len(table) == 12 and table.crs.to_epsg() == 3857
    assert found_squares(tmp_path / "s.gpkg") == sorted(squares)


def test_stopping_keeps_what_was_found_and_going_on_finds_the_rest(tmp_path: Path, network: Path) -> None:
    squares = places(900, 700, 200)
    source = write_map(tmp_path / "a.tif", picture(900, 700, squares))
    detect(source, tmp_path / "whole.gpkg", network)
    context = JobContext(device="cpu")

    def stop(step: Progress) -> None:
        if step.done >= step.total // 2:
            context.cancelled.set()

    context.on_progress = stop
    with pytest.raises(CancelledError):
        detect(source, tmp_path / "s.gpkg", network, context)
    kept = found_squares(tmp_path / "s.gpkg")
    assert 20 < len(kept) < 180 and set(kept) <= set(squares)
    result = detect(source, tmp_path / "s.gpkg", network)
    assert result.resumed >= result.tiles // 2
    assert rows_of(tmp_path / "s.gpkg") == rows_of(tmp_path / "whole.gpkg")


def start_command(*words: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "core")}
    command = [sys.executable, "-m", "rs_copilot.cli", *map(str, words), "--json"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def tiles_in_journal(folder: Path) -> int:
    paths = [path for path in folder.glob(".*.journal") if path.stat().st_size]
    if not paths:
        return 0
    try:
        with sqlite3.connect(f"file:{paths[0]}?mode=ro", uri=True) as connection:
            count = int(connection.execute("SELECT count(*) FROM tiles").fetchone()[0])
        connection.close()
    except sqlite3.OperationalError:
        return 0
    return count


@pytest.mark.slow
def test_a_killed_process_goes_on_and_gives_the_same(tmp_path: Path, network: Path) -> None:
    squares = places(2400, 2000, 500)
    source = write_map(tmp_path / "a.tif", picture(2400, 2000, squares))
    words = ("detect", source, "--detector", f"onnx:{network}", "--min-score", "0.8", "--device", "cpu")
    process = start_command(*words, "--out", tmp_path / "s.gpkg")
    ends = time.monotonic() + 60
    while tiles_in_journal(tmp_path) < 20 and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    again = start_command(*words, "--out", tmp_path / "s.gpkg")
    out, _ = again.communicate(timeout=120)
    result = json.loads(out)
    assert again.returncode == 0 and 0 < result["resumed"] < result["tiles"]
    detect(source, tmp_path / "whole.gpkg", network)
    assert rows_of(tmp_path / "s.gpkg") == rows_of(tmp_path / "whole.gpkg")
    assert len(rows_of(tmp_path / "s.gpkg")) == 500


def test_damaged_blocks_are_named_and_the_rest_is_found(tmp_path: Path, network: Path) -> None:
    squares = places(900, 700, 200)
    noisy = np.maximum(picture(900, 700, squares), np.random.default_rng(0).integers(1, 4, (700, 900, 1)))
    source = write_map(tmp_path / "a.tif", noisy.astype(np.uint8))
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    source.write_bytes(bytes(data))
    result = detect(source, tmp_path / "s.gpkg", network)
    assert result.damaged >= 1 and "could not be read" in result.warnings[0]
    assert result.detections > 150


def test_sources_that_cannot_be_used_say_why(tmp_path: Path, network: Path) -> None:
    source = write_map(tmp_path / "a.tif", picture(64, 64, []))
    with pytest.raises(UsageError, match="nothing moves"):
        detect(source, tmp_path / "s.gpkg", network, detector="motion")
    with pytest.raises(UsageError, match="No detector is called"):
        detect(source, tmp_path / "s.gpkg", network, detector="magic")
    with pytest.raises(MissingCrsError):
        detect(write_map(tmp_path / "b.tif", picture(64, 64, []), crs=""), tmp_path / "s.gpkg", network)
    with pytest.raises(BadInputError):
        detect(tmp_path / "none.tif", tmp_path / "s.gpkg", network)
    Image.fromarray(picture(64, 64, [])).save(tmp_path / "photo.png")
    with pytest.raises(SceneError, match="laid on the ground"):
        detect(tmp_path / "photo.png", tmp_path / "s.gpkg", network)


def placed_clip(folder: Path, count: int = 12, name: str = "clip", shift_m: float = 0.0) -> Path:
    """Stills a second apart over one place: a red square that stands, a green one that drives."""
    clip = folder / name
    clip.mkdir()
    size = SizeWH(320, 240)
    matrix = np.array([[GSD_M, 0, WEST + shift_m], [0, -GSD_M, NORTH], [0, 0, 1.0]])
    placements = []
    for index in range(count):
        squares = [(40, 40, 0), (60 + 8 * index, 150, 1)]
        # Missed for a while, so that its path breaks.
        image = picture(320, 240, squares[1:] if index in (5, 6) else squares)
        Image.fromarray(np.maximum(image, 1)).save(clip / f"{index:03}.png")
        placements.append(
            Placement(index, index * 1.0, FrameStatus.LOCATED, 0.9, 1.0, matrix, size, f"{index:03}.png")
        )
    scene, utm = folder / "s.gpkg", pyproj.CRS.from_epsg(32633)
    if not scene.exists():
        create_scene(scene, utm)
    grid = Grid(utm, utm)
    table = frames_table(placements, grid, Provenance(name, "test"), clip_path=str(clip))
    write_layers(scene, {"frames": table})
    return clip


def test_objects_of_a_clip_lie_on_the_ground_and_keep_their_track(tmp_path: Path, network: Path) -> None:
    clip = placed_clip(tmp_path)
    result = detect(clip, tmp_path / "s.gpkg", network, every_s=0.5)
    detections = read_layer(tmp_path / "s.gpkg", "detections")
    assert (result.frames, result.tracks, result.standing) == (12, 1, 1)
    assert len(detections[detections["label"] == "green"]) == 12
    assert len(detections[detections["label"] == "red"]) == 10
    assert detections.groupby("label")["track_id"].nunique().to_dict() == {"green": 1, "red": 1}
    red = detections[detections["label"] == "red"].geometry.iloc[0]
    assert red.centroid.coords[0] == pytest.approx((WEST + 48 * GSD_M, NORTH - 48 * GSD_M), abs=0.3)
    tracks = read_layer(tmp_path / "s.gpkg", "tracks")
    assert list(tracks["label"]) == ["green"]
    # Eight pixels of half a metre a frame.
    seconds = 1.0
    assert tracks["mean_speed_mps"].iloc[0] == pytest.approx(8 * GSD_M / seconds, rel=0.1)


def test_motion_and_detector_live_beside_each_other(tmp_path: Path, network: Path) -> None:
    clip = placed_clip(tmp_path)
    detect(clip, tmp_path / "s.gpkg", network)
    before = len(read_layer(tmp_path / "s.gpkg", "detections"))
    detect(clip, tmp_path / "s.gpkg", network, detector="motion")
    table = read_layer(tmp_path / "s.gpkg", "detections")
    assert (table["method"] == f"detector {network.name}").sum() == before > 0


def test_what_stands_is_one_object_in_all_flights(tmp_path: Path, network: Path) -> None:
    """The second flight is placed a metre beside the first."""
    for name, shift_m in (("one", 0.0), ("two", 1.0)):
        detect(placed_clip(tmp_path, 5, name, shift_m), tmp_path / "s.gpkg", network)
    table = read_layer(tmp_path / "s.gpkg", "detections")
    standing = table[table["label"] == "red"]
    assert standing.groupby("clip")["object_id"].nunique().to_dict() == {"one": 1, "two": 1}
    assert standing["object_id"].nunique() == 1
    assert table[table["label"] == "green"]["object_id"].isna().all()


def test_detectors_leave_what_others_found(tmp_path: Path, network: Path) -> None:
    source = write_map(tmp_path / "a.tif", picture(300, 300, places(300, 300, 9)))
    other = save_detector(
        tmp_path / "other.onnx", metadata=zoo("YOLO_Ultralytics", tiles_size=160, resolution=50)
    )
    for net in (network, other, other):
        detect(source, tmp_path / "s.gpkg", net)
    methods = read_layer(tmp_path / "s.gpkg", "detections")["method"].value_counts().to_dict()
    assert methods == {"detector squares.onnx": 9, "detector other.onnx": 9}
