"""The main job on a rendered clip with exact truth: right places, honest refusals, nothing lost."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from rs_copilot.errors import BadInputError, CancelledError, MissingCrsError, UsageError
from rs_copilot.evaluation.localization import read_true_centers, score_placements
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.localize import LocalizeParams, LocalizeResult, run
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.store import read_layer


def localize(world: Path, out: Path, **options: object) -> LocalizeResult:
    given = {"clip": world / "clip.mp4", "satellite": str(world / "satellite.tif"), "out": out, **options}
    return run(LocalizeParams(**given), JobContext())


@pytest.fixture(scope="module")
def scene(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scene") / "scene.gpkg"
    localize(small_world, out, use_telemetry="attitude")
    return out


def test_frames_of_the_demo_clip_are_found(scene: Path, small_world: Path) -> None:
    found = read_placements(scene, "clip.mp4")
    truth = read_true_centers(small_world / "truth.gpkg", found.metric_crs)
    score = score_placements(found.placements, truth)
    assert score.placed_share >= 0.95
    assert score.median_error_m < 3.0
    assert score.wrong_located_share == 0.0
    assert score.inside_error_share >= 0.8


def test_the_scene_has_what_a_reader_expects(scene: Path) -> None:
    frames = read_layer(scene, "frames")
    placed = frames[frames["status"] != "unlocated"]
    assert set(placed["status"]) <= {"located", "tracked"}
    assert placed["error_m"].gt(0).all()
    assert placed["score"].between(0, 1).all()
    assert placed["cam_lon"].notna().all()
    assert len(read_layer(scene, "footprints")) == len(placed)
    assert len(read_layer(scene, "trajectory")) == 1
    assert len(read_layer(scene, "runs")) == 1
    assert not read_layer(scene, "candidates").empty


def test_running_again_replaces_the_clip(scene: Path, small_world: Path, tmp_path: Path) -> None:
    copy = tmp_path / "scene.gpkg"
    shutil.copy(scene, copy)
    before = len(read_layer(copy, "frames"))
    result = localize(small_world, copy, use_telemetry="attitude", every_s=1.0)
    # The simulated GPS is off by some metres; its positions had no say in the places.
    assert result.map_offset_sigma_m is not None
    assert np.hypot(result.map_offset_east_m, result.map_offset_north_m) < 6.0 + 2 * result.map_offset_sigma_m
    after = read_layer(copy, "frames")
    assert 0 < len(after) < before
    assert np.diff(sorted(after["time_s"])).min() >= 0.7


def test_a_prior_elsewhere_is_refused(small_world: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not touch"):
        localize(small_world, tmp_path / "s.gpkg", prior=(0.0, 0.0, 100.0))


def other_place(world: Path, folder: Path) -> Path:
    """The same map mirrored: imagery of the same kind, of a place that does not exist."""
    path = folder / "elsewhere.tif"
    with rasterio.open(world / "satellite.tif") as source:
        profile, pixels = source.profile, source.read()
    profile.update(driver="GTiff")
    with rasterio.open(path, "w", **profile) as target:
        target.write(np.ascontiguousarray(pixels[:, ::-1]))
    return path


def test_a_clip_of_another_place_is_never_placed(small_world: Path, tmp_path: Path) -> None:
    satellite = other_place(small_world, tmp_path)
    result = localize(
        small_world, tmp_path / "s.gpkg", satellite=str(satellite), use_telemetry="attitude", every_s=1.0
    )
    assert result.located + result.tracked == 0
    frames = read_layer(tmp_path / "s.gpkg", "frames")
    assert frames["reason"].notna().all()
    assert frames.geometry.isna().all()
    areas = read_layer(tmp_path / "s.gpkg", "search_area")
    assert set(areas["frame"]) == set(frames["frame"])
    # Nothing speaks for this map: nearly half of the probability at least lies elsewhere.
    assert areas["probability"].lt(0.7).all()
    assert areas["area_km2"].gt(0).all()
    assert set(areas.geom_type) == {"Polygon"}


def test_control_points_place_what_the_map_cannot(small_world: Path, tmp_path: Path) -> None:
    satellite = other_place(small_world, tmp_path)
    points = tmp_path / "points.csv"
    points.write_text(
        "time_s,x_px,y_px,lon,lat\n0,100,100,15.05,48.21\n0,500,110,15.051,48.2101\n", encoding="utf-8"
    )
    result = localize(
        small_world,
        tmp_path / "s.gpkg",
        satellite=str(satellite),
        use_telemetry="attitude",
        every_s=1.0,
        control=points,
    )
    assert result.located >= 1
    first = read_layer(tmp_path / "s.gpkg", "frames").sort_values("frame").iloc[0]
    assert first["status"] == "located"
    assert first["lon"] == pytest.approx(15.0505, abs=0.001)


def test_a_map_of_nothing_places_nothing(small_world: Path, tmp_path: Path) -> None:
    path = tmp_path / "blank.tif"
    blank = np.full((3, 500, 500), 127, dtype=np.uint8)
    options = {
        "driver": "GTiff",
        "width": 500,
        "height": 500,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:32633",
    }
    with rasterio.open(path, "w", transform=Affine(0.5, 0, 5e5, 0, -0.5, 5e6), **options) as target:
        target.write(blank)
    result = localize(
        small_world, tmp_path / "s.gpkg", satellite=str(path), use_telemetry="attitude", every_s=1.0
    )
    assert result.unlocated == result.frames > 0


def test_a_raster_without_crs_is_refused_and_no_scene_is_left(small_world: Path, tmp_path: Path) -> None:
    path = tmp_path / "nowhere.tif"
    with rasterio.open(small_world / "satellite.tif") as source:
        profile, pixels = source.profile, source.read()
    profile.update(crs=None, driver="GTiff")
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels)
    with pytest.raises(MissingCrsError):
        localize(small_world, tmp_path / "s.gpkg", satellite=str(path))
    assert not (tmp_path / "s.gpkg").exists()


def test_a_missing_clip_is_bad_input(small_world: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        localize(small_world, tmp_path / "s.gpkg", clip=tmp_path / "no.mp4")


def test_cancelling_keeps_what_was_placed(small_world: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[int] = []

    def listen(progress: Progress) -> None:
        seen.append(progress.done)
        if progress.partial:
            stop.set()

    context = JobContext(on_progress=listen, cancelled=stop)
    params = LocalizeParams(
        clip=small_world / "clip.mp4",
        satellite=str(small_world / "satellite.tif"),
        out=tmp_path / "s.gpkg",
        use_telemetry="attitude",
    )
    with pytest.raises(CancelledError):
        run(params, context)
    assert seen == sorted(seen)
    kept = read_layer(tmp_path / "s.gpkg", "frames")
    assert 0 < len(kept) < 20
