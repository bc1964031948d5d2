"""Scores of placements: every frame counts, and nothing is counted twice."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from rs_copilot.errors import SceneError
from rs_copilot.evaluation.localization import read_true_centers, score_placements
from rs_copilot.geo import homography as hg
from rs_copilot.types import FrameStatus, Placement, SizeWH

SIZE = SizeWH(640, 360)
TRUTH_M = np.array([500_000.0, 5_000_000.0])


def placement(frame: int, status: FrameStatus, off_m: float = 0.0, error_m: float = 5.0) -> Placement:
    if status is FrameStatus.UNLOCATED:
        return Placement(frame, frame / 10, status, score=0.0, reason="no evidence")
    center_m = TRUTH_M + np.array([off_m, 0.0])
    flip = np.diag([0.2, -0.2, 1.0])
    map_from_px = hg.translation(center_m) @ flip @ hg.translation(-SIZE.center_px)
    return Placement(frame, frame / 10, status, 0.9, error_m, map_from_px, SIZE)


def truth(count: int) -> dict[int, np.ndarray]:
    return dict.fromkeys(range(count), TRUTH_M)


def test_errors_are_of_placed_frames_and_shares_of_all() -> None:
    placements = [
        placement(0, FrameStatus.LOCATED, off_m=1.0),
        placement(1, FrameStatus.LOCATED, off_m=80.0),
        placement(2, FrameStatus.TRACKED, off_m=3.0),
        placement(3, FrameStatus.UNLOCATED),
    ]
    score = score_placements(placements, truth(4))
    assert (score.frames, score.located, score.tracked) == (4, 2, 1)
    assert score.placed_share == 0.75
    assert score.median_error_m == pytest.approx(3.0)
    assert score.inside_error_share == pytest.approx(2 / 3)
    assert score.wrong_located_share == 0.5


def test_nothing_placed_has_no_error_rather_than_a_good_one() -> None:
    score = score_placements([placement(0, FrameStatus.UNLOCATED)], truth(1))
    assert score.placed_share == 0.0
    assert all(map(math.isnan, (score.median_error_m, score.inside_error_share, score.wrong_located_share)))


def test_no_frames_at_all() -> None:
    assert math.isnan(score_placements([], {}).placed_share)


def test_frames_without_truth_are_left_out() -> None:
    score = score_placements([placement(0, FrameStatus.LOCATED), placement(9, FrameStatus.LOCATED)], truth(1))
    assert score.frames == 1


@given(st.lists(st.floats(0.0, 200.0), min_size=1, max_size=20))
def test_percentile_is_never_below_the_median(offsets_m: list[float]) -> None:
    placements = [placement(i, FrameStatus.LOCATED, off) for i, off in enumerate(offsets_m)]
    score = score_placements(placements, truth(len(offsets_m)))
    assert score.p90_error_m >= score.median_error_m - 1e-9
    assert score.median_error_m == pytest.approx(float(np.median(offsets_m)), abs=1e-6)


def test_truth_is_read_in_the_wanted_crs(tmp_path: Path) -> None:
    path = tmp_path / "truth.gpkg"
    table = gpd.GeoDataFrame({"frame": [7]}, geometry=[Point(15.0, 45.0)], crs="EPSG:4326")
    table.to_file(path, layer="frames", driver="GPKG")
    assert read_true_centers(path, pyproj.CRS.from_epsg(32633))[7] == pytest.approx(
        [500_000.0, 4_982_950.4], abs=1
    )


def test_a_file_without_truth_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"holds no frames"):
        read_true_centers(tmp_path / "missing.gpkg", pyproj.CRS.from_epsg(32633))
