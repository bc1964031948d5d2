"""The camera's position from the place of its picture."""

from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.localization.pose import camera_from_attitude, camera_from_homography
from rs_copilot.types import SizeWH

LENS = Intrinsics.from_hfov(SizeWH(1280, 720), 68.0)
POSITION = np.array([4_000.0, 7_000.0, 120.0])


@pytest.mark.parametrize("attitude", [Attitude(30.0, -60.0, 2.0), Attitude(200.0, -45.0, -4.0)])
def test_pnp_finds_an_oblique_camera(attitude: Attitude) -> None:
    found = camera_from_homography(ground_from_px(LENS, attitude, POSITION), LENS)
    assert found is not None
    np.testing.assert_allclose(found, POSITION, atol=0.05)


@pytest.mark.parametrize("attitude", [Attitude(30.0, -90.0, 0.0), Attitude(310.0, -50.0, 0.0)])
def test_a_known_attitude_finds_the_camera_at_any_tilt(attitude: Attitude) -> None:
    found = camera_from_attitude(ground_from_px(LENS, attitude, POSITION), LENS, attitude)
    assert found is not None
    np.testing.assert_allclose(found, POSITION, atol=0.01)


def test_terrain_shifts_the_camera() -> None:
    homography = ground_from_px(LENS, Attitude(0.0, -60.0), POSITION, 40.0)
    found = camera_from_homography(homography, LENS, np.full(25, 40.0))
    assert found is not None
    np.testing.assert_allclose(found, POSITION, atol=0.05)


def test_no_camera_explains_a_sheared_map() -> None:
    sheared = np.array([[0.1, 0.09, 0.0], [0.0, -0.1, 0.0], [0.0, 0.0, 1.0]])
    assert camera_from_homography(sheared, LENS) is None


def test_a_camera_that_looks_up_is_nowhere() -> None:
    homography = ground_from_px(LENS, Attitude(0.0, -60.0), POSITION)
    assert camera_from_attitude(homography, LENS, Attitude(0.0, 5.0)) is None
