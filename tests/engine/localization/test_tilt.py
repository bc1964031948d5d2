"""The camera's tilt from its own motion over the ground: simulated flights with known attitude."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px, world_from_camera
from rs_copilot.localization.assumptions import Assumptions, Calibration
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.tilt import tilt_of
from rs_copilot.localization.view import Tilt, tilted_view
from rs_copilot.matching.flow import Motion
from rs_copilot.types import SizeWH, Telemetry, TelemetryUse

SIZE = SizeWH(960, 540)
HFOV_DEG = 70.0


def flight(attitude: Attitude, course_deg: float, *, step_m: float = 4.0, noise: float = 0.0) -> Chain:
    """Motions of a camera that flies level and straight over flat ground, 100 m above it."""
    rng = np.random.default_rng(3)
    intrinsics = Intrinsics.from_hfov(SIZE, HFOV_DEG)
    course = np.radians(course_deg)
    chain, last = Chain(), None
    for number in range(25):
        camera = np.array([np.sin(course), np.cos(course), 0.0]) * step_m * number + [0.0, 0.0, 100.0]
        turned = Attitude(attitude.yaw_deg + 0.3 * number, attitude.pitch_deg, attitude.roll_deg)
        ground = ground_from_px(intrinsics, turned, camera)
        if last is not None:
            step = np.linalg.inv(ground) @ last
            step = step / step[2, 2] + rng.normal(0, noise, (3, 3)) * [
                [1e-3, 1e-3, 1],
                [1e-3, 1e-3, 1],
                [0, 0, 0],
            ]
            chain.append(Motion(step, 300, 0.9))
        last = ground
    return chain


@settings(max_examples=30, deadline=None)
@given(st.floats(-85, -40), st.floats(-4, 4), st.floats(0, 360), st.floats(0, 360), st.integers(6, 18))
def test_motion_tells_the_tilt(pitch: float, roll: float, yaw: float, course: float, number: int) -> None:
    tilt = tilt_of(flight(Attitude(yaw, pitch, roll), course, noise=0.05), number, SIZE, HFOV_DEG)
    assert tilt is not None
    down = -world_from_camera(Attitude(0.0, pitch, roll))[2]
    found = -world_from_camera(Attitude(0.0, tilt.pitch_deg, tilt.roll_deg))[2]
    assert np.degrees(np.arccos(np.clip(down @ found, -1, 1))) < 6.0


@pytest.mark.parametrize("hfov_deg", [63.0, 77.0])
def test_a_wrong_lens_costs_little(hfov_deg: float) -> None:
    tilt = tilt_of(flight(Attitude(30.0, -50.0), 30.0), 12, SIZE, hfov_deg)
    assert tilt is not None
    assert tilt.pitch_deg == pytest.approx(-50.0, abs=9.0)


def test_a_hovering_camera_says_nothing() -> None:
    assert tilt_of(flight(Attitude(30.0, -50.0), 0.0, step_m=0.01), 12, SIZE) is None
    assert tilt_of(Chain(), 0, SIZE) is None


@given(st.floats(-88, -30), st.floats(-20, 20))
def test_a_tilt_is_read_from_the_plumb_line(pitch: float, roll: float) -> None:
    down = -world_from_camera(Attitude(123.0, pitch, roll))[2]
    tilt = Tilt.of_down(down, HFOV_DEG)
    assert (tilt.pitch_deg, tilt.roll_deg) == pytest.approx((pitch, roll), abs=1e-6)


@given(st.floats(-80, -40), st.floats(0, 359), st.floats(50, 500))
def test_a_tilted_view_has_the_width_and_heading_asked_for(pitch: float, yaw: float, width_m: float) -> None:
    view = tilted_view(SIZE, width_m, yaw, Tilt(pitch, 2.0))
    assert view is not None
    assert view.width_m == pytest.approx(width_m, rel=1e-6)
    azimuth = hg.grid_azimuth_deg(view.local_from_px, SIZE.center_px)
    assert abs((azimuth - yaw + 180.0) % 360.0 - 180.0) < 1e-6


def test_blind_views_take_the_tilt_and_telemetry_overrules_it() -> None:
    assumptions = Assumptions(TelemetryUse.ALL, 0.0, (900.0, 900.0))
    tilt = Tilt(-50.0, 0.0)
    blind = assumptions.views(SIZE, None, Calibration(), tilt=tilt)
    level = assumptions.views(SIZE, None, Calibration())
    assert len(blind) == len(level)
    assert all(abs(view.local_from_px[2, 1]) > 1e-6 for view in blind)
    assert not any(np.any(view.local_from_px[2, :2]) for view in level)
    told = Telemetry(yaw_deg=10.0, pitch_deg=-90.0, alt_agl_m=100.0, hfov_deg=HFOV_DEG)
    seen = assumptions.views(SIZE, told, Calibration(), tilt=tilt)
    assert all(abs(view.local_from_px[2, 1]) < 1e-9 for view in seen)
    assert len(assumptions.oblique_views(SIZE)) == 2 * len(level)


def test_narrow_views_come_last_on_large_maps() -> None:
    small = Assumptions(TelemetryUse.NONE, 0.0, (900.0, 900.0))
    large = Assumptions(TelemetryUse.NONE, 0.0, (5000.0, 5000.0))
    assert small.narrow_views(SIZE, None) == []
    usual = [view.width_m for view in large.views(SIZE, None, Calibration())]
    narrow = [view.width_m for view in large.narrow_views(SIZE, None)]
    assert max(narrow) < min(usual) < 1.3 * max(narrow)
    assert min(narrow) == pytest.approx(min(v.width_m for v in small.views(SIZE, None, Calibration())))
