"""Localising a clip as it comes: what is said of a frame is never changed by what comes later."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from rs_copilot.errors import CancelledError, UsageError
from rs_copilot.evaluation.localization import read_true_centers, score_placements
from rs_copilot.geo import homography as hg
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.localize import LocalizeParams, LocalizeResult, run
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.store import read_layer
from tests.engine.jobs.test_localize import other_place

SAID = ["frame", "time_s", "status", "score", "error_m", "homography", "cam_lon", "cam_lat", "reason"]


def follow(world: Path, out: Path, context: JobContext | None = None, **options: object) -> LocalizeResult:
    given = {
        "clip": world / "clip.mp4",
        "satellite": str(world / "satellite.tif"),
        "telemetry": world / "clip.srt",
        "out": out,
        "use_telemetry": "attitude",
        "causal": True,
        **options,
    }
    return run(LocalizeParams(**given), context or JobContext())


def copied(source: Path, target: Path, packets: int | None = None) -> Path:
    """The same compressed pictures in another container, or only the first of them."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if packet.dts is not None and (packets is None or number < packets):
                packet.stream = stream
                part.mux(packet)
    return target


def rows_of(scene: Path) -> pd.DataFrame:
    rows = pd.DataFrame(read_layer(scene, "frames"))[SAID].set_index("frame").sort_index()
    places = [np.array(json.loads(text)) for text in rows["homography"].fillna("[]")]
    return rows.assign(homography=places)


@pytest.fixture(scope="module")
def followed(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LocalizeResult]:
    out = tmp_path_factory.mktemp("scene") / "scene.gpkg"
    return out, follow(small_world, out)


def test_frames_are_found_by_the_past_alone(followed: tuple[Path, LocalizeResult], small_world: Path) -> None:
    scene, result = followed
    found = read_placements(scene, "clip.mp4")
    truth = read_true_centers(small_world / "truth.gpkg", found.metric_crs)
    score = score_placements(found.placements, truth)
    assert score.placed_share >= 0.95
    assert score.median_error_m < 3.0
    assert score.wrong_located_share == 0.0
    assert result.first_fix_clip_s == pytest.approx(0.0, abs=1.01)
    assert 0.0 < result.first_fix_wall_s < result.seconds
    assert len(read_layer(scene, "trajectory")) == 1
    assert len(read_layer(scene, "footprints")) == result.located + result.tracked


def ground_points(homography: np.ndarray) -> np.ndarray:
    """Where five points of a frame of 640 x 360 pixels lie, in map metres."""
    points = np.array([[320.0, 180.0], [160.0, 90.0], [480.0, 90.0], [480.0, 270.0], [160.0, 270.0]])
    return hg.apply(homography.reshape(3, 3), points)


def test_a_frame_is_placed_the_same_whether_or_not_the_clip_goes_on(
    followed: tuple[Path, LocalizeResult], small_world: Path, tmp_path: Path
) -> None:
    half = copied(small_world / "clip.mp4", tmp_path / "clip.mp4", packets=11)
    follow(small_world, tmp_path / "half.gpkg", clip=half)
    whole, first = rows_of(followed[0]), rows_of(tmp_path / "half.gpkg")
    assert 8 <= len(first) < len(whole)
    whole = whole.loc[first.index]
    # Sums on several threads: two runs of the same clip differ in the fifth place. Entries of a homography to
    # map coordinates of millions of metres differ by more where the ground points that it gives do not.
    rest = whole.columns.drop("homography")
    pd.testing.assert_frame_equal(first[rest], whole[rest], rtol=1e-4, atol=1e-4)
    points = zip(
        map(ground_points, first["homography"]), map(ground_points, whole["homography"]), strict=True
    )
    assert max(float(np.abs(one - other).max()) for one, other in points) < 0.01


def test_a_pipe_gives_what_the_file_gives(
    followed: tuple[Path, LocalizeResult], small_world: Path, tmp_path: Path
) -> None:
    stream = copied(small_world / "clip.mp4", tmp_path / "clip.ts", packets=8)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(stream.read_bytes()), daemon=True).start()
    result = follow(small_world, tmp_path / "pipe.gpkg", clip=str(pipe))
    assert result.clip == "pipe"
    whole, first = rows_of(followed[0]), rows_of(tmp_path / "pipe.gpkg")
    assert list(first["status"]) == list(whole.loc[first.index, "status"])
    assert list(first["cam_lon"]) == pytest.approx(list(whole.loc[first.index, "cam_lon"]), abs=1e-5)


def test_a_stream_of_another_place_is_never_placed(small_world: Path, tmp_path: Path) -> None:
    satellite = other_place(small_world, tmp_path)
    clip = copied(small_world / "clip.mp4", tmp_path / "clip.mp4", packets=4)
    result = follow(small_world, tmp_path / "s.gpkg", clip=clip, satellite=str(satellite))
    assert result.located + result.tracked == 0
    assert result.first_fix_wall_s is None
    areas = read_layer(tmp_path / "s.gpkg", "search_area")
    assert set(areas["frame"]) == set(rows_of(tmp_path / "s.gpkg").index)


def test_stopping_keeps_what_was_placed(small_world: Path, tmp_path: Path) -> None:
    def stop_after_a_fix(step: Progress) -> None:
        if step.partial:
            context.cancelled.set()

    context = JobContext(on_progress=stop_after_a_fix)
    with pytest.raises(CancelledError):
        follow(small_world, tmp_path / "s.gpkg", context)
    assert len(rows_of(tmp_path / "s.gpkg")) >= 1


def test_control_points_are_refused(small_world: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--causal"):
        follow(small_world, tmp_path / "s.gpkg", control=tmp_path / "points.csv")
