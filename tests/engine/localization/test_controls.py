"""Control points move frames exactly where the user says, and carry their neighbours along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest

from rs_copilot.errors import BadInputError
from rs_copilot.geo import homography as hg
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.localization.controls import Control, read_controls, seeds_of, with_controls
from rs_copilot.localization.placements import Anchor, anchors, placements
from rs_copilot.types import FrameStatus, LonLat
from tests.engine.localization.test_sequence import SIZE, STRAIGHT, WIDTH_M, fix, flight

CRS = pyproj.CRS.from_epsg(32633)
SHIFT = np.array([500_000.0, 5_400_000.0])


def control(frame: int, pixel: tuple[float, float], ground_m: np.ndarray) -> Control:
    lon, lat = to_lonlat(np.asarray(ground_m)[None], CRS)[0]
    return Control("frame", str(frame), np.array(pixel), LonLat(float(lon), float(lat)))


def ground(number: int, pixel: tuple[float, float]) -> np.ndarray:
    """Where a pixel of a frame truly lies."""
    place = hg.translation(SHIFT) @ STRAIGHT[number]
    return np.asarray(hg.apply(place, np.array([pixel]))[0])


def center(placement: object) -> np.ndarray:
    return np.asarray(hg.apply(placement.map_from_px, SIZE.center_px)[0])


CORNERS = ((100.0, 100.0), (1200.0, 80.0), (1180.0, 650.0), (90.0, 600.0))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_points_alone_place_a_clip(count: int) -> None:
    recording = flight(STRAIGHT)
    points = [control(10, pixel, ground(10, pixel)) for pixel in CORNERS[:count]]
    found, unused = with_controls(recording, [], points, CRS)
    placed = placements(recording, found)
    assert unused == []
    assert placed[10].status is FrameStatus.LOCATED
    assert {p.status for p in placed} == {FrameStatus.LOCATED, FrameStatus.TRACKED}
    for number in (0, 10, 20):
        np.testing.assert_allclose(center(placed[number]), ground(number, (640.0, 360.0)), atol=0.05)


def test_one_point_drags_a_frame_and_wrong_anchors_go() -> None:
    recording = flight(STRAIGHT)
    wrong = anchors(recording, {0: fix(0, *(SHIFT + [900.0, 300.0])), 4: fix(4, *(SHIFT + [930.0, 310.0]))})
    found, _ = with_controls(recording, wrong, [control(10, (640.0, 360.0), ground(10, (640.0, 360.0)))], CRS)
    assert [anchor.visit for anchor in found] == [10]
    placed = placements(recording, found)
    np.testing.assert_allclose(center(placed[0]), ground(0, (640.0, 360.0)), atol=0.5)


def test_agreeing_anchors_stay() -> None:
    recording = flight(STRAIGHT)
    right = anchors(recording, {0: fix(0, *(SHIFT + [500.0, 300.0])), 4: fix(4, *(SHIFT + [530.0, 310.0]))})
    found, _ = with_controls(recording, right, [control(10, (640.0, 360.0), ground(10, (640.0, 360.0)))], CRS)
    assert [anchor.visit for anchor in found] == [0, 10, 20]
    assert all(isinstance(anchor, Anchor) for anchor in found)


def test_one_point_without_a_place_is_reported() -> None:
    _, unused = with_controls(flight(STRAIGHT), [], [control(10, (5.0, 5.0), SHIFT)], CRS)
    assert unused == [10]


QUARTERS = ((320.0, 180.0), (960.0, 180.0), (960.0, 540.0), (320.0, 540.0))


def dragged(frame: int, sigma_m: float, off_m: float = 0.0) -> list[Control]:
    """A frame that was dragged to its place, or somewhat beside it."""
    beside = np.array([off_m, 0.0])
    points = [control(frame, pixel, ground(frame, pixel) + beside) for pixel in QUARTERS]
    return [replace(point, sigma_m=sigma_m) for point in points]


def test_a_dragged_frame_is_as_sure_as_it_was_dragged() -> None:
    recording = flight(STRAIGHT)
    found, _ = with_controls(recording, [], dragged(10, 3.0), CRS)
    assert [anchor.smoothed.sigma_m for anchor in found] == [3.0]
    np.testing.assert_allclose(center(placements(recording, found)[0]), ground(0, (640.0, 360.0)), atol=0.05)
    # Nothing is laid more exactly than people point.
    found, _ = with_controls(recording, [], dragged(10, 0.001), CRS)
    assert found[0].smoothed.sigma_m == pytest.approx(0.004 * WIDTH_M)


def test_a_point_corrects_a_dragged_frame() -> None:
    recording = flight(STRAIGHT)
    point = control(10, (640.0, 360.0), ground(10, (640.0, 360.0)))
    found, _ = with_controls(recording, [], [*dragged(10, 5.0, off_m=4.0), point], CRS)
    np.testing.assert_allclose(
        center(placements(recording, found)[10]), ground(10, (640.0, 360.0)), atol=0.01
    )
    assert found[0].smoothed.sigma_m < 1.0


def test_frames_that_points_place_alone_are_known_before_any_search() -> None:
    recording = flight(STRAIGHT)
    one = control(5, (640.0, 360.0), ground(5, (640.0, 360.0)))
    seeds = seeds_of(recording, [one, *dragged(10, 2.0)], CRS)
    assert [(seed.visit, seed.sigma_m) for seed in seeds] == [(10, 2.0)]
    np.testing.assert_allclose(
        hg.apply(seeds[0].map_from_px, SIZE.center_px)[0], ground(10, (640.0, 360.0)), atol=1e-3
    )


@pytest.mark.parametrize("sigma", ["-1", "0", "inf", "nan", "x"])
def test_an_impossible_uncertainty_is_refused(tmp_path: Path, sigma: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(f"frame,x_px,y_px,lon,lat,sigma_m\n1,2,3,15,48,{sigma}\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="line 2"):
        read_controls(path)


def test_a_file_of_points_is_read_and_a_broken_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("time_s,x_px,y_px,lon,lat\n1.02,640,360,15.0,48.7\n", encoding="utf-8")
    (point,) = read_controls(path)
    visits = flight(STRAIGHT).visits
    assert [visit.index for visit in visits if point.is_of(visit, visits)] == [10]
    for text in ("x_px,y_px,lon,lat\n1,2,3,4\n", "frame,x_px,y_px,lon,lat\n1,2,3,x\n", "frame,x_px\n1,2\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadInputError):
            read_controls(path)
    with pytest.raises(BadInputError):
        read_controls(tmp_path / "missing.csv")
