from __future__ import annotations

import threading

import numpy as np
import pytest
import shapely

from rs_copilot.errors import CancelledError, SceneError, VideoError
from rs_copilot.evaluation.mot import Moving, score_tracks
from rs_copilot.evaluation.mot_data import read_tracks
from rs_copilot.geo import homography as hg
from rs_copilot.jobs import track as job
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.track import TrackParams, run
from rs_copilot.types import FrameStatus, Placement
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vector.store import append_layer, create_scene, read_layer

from .scenes import COUNT, UTM, make_clip, make_scene
from .world import EAST_M, FPS, NORTH_M, SIZE, Car, World

CARS = [
    Car((-30.0, 12.0), (9.0, 0.0)),
    Car((25.0, -8.0), (-7.0, 0.0), gray=20),
    Car((-6.0, -30.0), (0.0, 8.0)),
    Car((10.0, 25.0), (3.0, -3.0), gray=25),
    Car((20.0, 20.0), (0.0, 0.0)),
]


def truth(world):
    times = np.arange(COUNT) / FPS
    objects = []
    for i, car in enumerate(world.cars):
        points = np.array([car.at(t) for t in times]) + np.array([EAST_M, NORTH_M])
        px = np.array(
            [
                hg.apply(np.linalg.inv(world.map_from_px(t)), p[None])[0]
                for t, p in zip(times, points, strict=True)
            ]
        )
        inside = (px > 8).all(axis=1) & (px < [SIZE.width_px - 8, SIZE.height_px - 8]).all(axis=1)
        moves = np.hypot(*car.velocity_mps) > 0
        objects.append(Moving(i, "vehicle", times, points, inside & moves))
    return objects


@pytest.fixture(scope="module")
def flown(tmp_path_factory):
    world = World(cars=CARS, speed_mps=6.0, yaw_rate_dps=3.0)
    clip = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_clip(clip, world)
    return world, clip


def test_cars_are_tracked_from_a_turning_camera_with_rough_placements(flown, tmp_path):
    world, clip = flown
    scene = tmp_path / "scene.gpkg"
    make_scene(scene, world, clip, every=5, noise_m=0.6)
    result = run(TrackParams(scene=str(scene)), JobContext())
    score = score_tracks(truth(world), read_tracks(scene, "clip.mp4", UTM), min_visible_s=2.0)
    assert score.wanted == 4
    assert score.tracked == 4, result.summary()
    assert score.false_tracks == 0
    assert score.median_speed_error < 0.08
    assert "moving objects" in result.summary()


def test_rows_obey_the_contract(flown, tmp_path):
    world, clip = flown
    scene = tmp_path / "scene.gpkg"
    make_scene(scene, world, clip)
    run(TrackParams(scene=str(scene)), JobContext())
    tracks, detections = read_layer(scene, "tracks"), read_layer(scene, "detections")
    assert set(detections["track_id"]) == set(tracks["track_id"])
    assert detections["source"].eq("motion").all()
    assert detections["score"].between(0, 1).all()
    boxes = np.array([[float(v) for v in text.split(",")] for text in detections["box_px"]])
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert boxes.max() <= SIZE.width_px
    assert detections.geometry.is_valid.all()
    for _, row in tracks.iterrows():
        times = shapely.get_coordinates(row.geometry, include_m=True)[:, 2]
        assert (np.diff(times) > 0).all()
        assert (times[0], times[-1]) == (row["start_s"], row["end_s"])
        assert row["mean_speed_mps"] == pytest.approx(row["length_m"] / (row["end_s"] - row["start_s"]))
        assert row["max_speed_mps"] >= row["mean_speed_mps"] * 0.9
    assert list(read_layer(scene, "runs")["command"]) == ["track"]


def test_a_second_run_replaces_the_first(flown, tmp_path):
    world, clip = flown
    scene = tmp_path / "scene.gpkg"
    make_scene(scene, world, clip, every=5)
    first = run(TrackParams(scene=str(scene)), JobContext())
    second = run(TrackParams(scene=str(scene), clip="clip.mp4"), JobContext())
    assert first.clips[0].tracks == second.clips[0].tracks == len(read_layer(scene, "tracks"))
    assert len(read_layer(scene, "runs")) == 2


def test_cancelling_keeps_what_was_found(flown, tmp_path, monkeypatch):
    world, clip = flown
    scene = tmp_path / "scene.gpkg"
    make_scene(scene, world, clip, every=5)
    monkeypatch.setattr(job, "PARTIAL_EVERY_S", 0.5)
    stop, partials = threading.Event(), []

    def listen(progress):
        partials.append(progress.partial)
        if progress.done >= 60:
            stop.set()

    with pytest.raises(CancelledError):
        run(TrackParams(scene=str(scene)), JobContext(on_progress=listen, cancelled=stop))
    assert {"scene": str(scene), "layers": ["detections", "tracks"]} in partials
    assert len(read_layer(scene, "tracks")) >= 1


def test_a_hovering_camera_over_an_empty_place_finds_nothing(tmp_path):
    world = World(cars=[Car((5.0, 5.0), (0.0, 0.0))], speed_mps=8.0)
    make_clip(tmp_path / "clip.mp4", world)
    make_scene(tmp_path / "scene.gpkg", world, tmp_path / "clip.mp4")
    assert run(TrackParams(scene=str(tmp_path / "scene.gpkg")), JobContext()).clips[0].tracks == 0


def test_what_cannot_be_tracked_is_said(flown, tmp_path):
    _, clip = flown
    scene = tmp_path / "scene.gpkg"
    create_scene(scene, UTM)
    with pytest.raises(SceneError, match="no placed frames"):
        run(TrackParams(scene=str(scene)), JobContext())
    with pytest.raises(SceneError, match="no frames of clip"):
        run(TrackParams(scene=str(scene), clip="other.mp4"), JobContext())
    lost = Placement(0, 0.0, FrameStatus.UNLOCATED, 0.0, reason="elsewhere")
    table = frames_table([lost], Grid(UTM, UTM), Provenance("lost.mp4", "x"), clip_path=str(clip))
    append_layer(scene, "frames", table)
    context = JobContext()
    with pytest.raises(SceneError, match="no placed frames"):
        run(TrackParams(scene=str(scene)), context)
    assert "lost.mp4" in context.warnings[0]


def test_a_clip_that_is_gone_is_a_video_error_unless_it_lies_beside_the_scene(flown, tmp_path):
    world, clip = flown
    scene = tmp_path / "scene.gpkg"
    make_scene(scene, world, tmp_path / "elsewhere" / "clip.mp4", every=5)
    with pytest.raises(VideoError):
        run(TrackParams(scene=str(scene)), JobContext())
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    assert run(TrackParams(scene=str(scene)), JobContext()).clips[0].tracks >= 3
