"""Cameras, homographies and coordinate reference systems: round trips and invariants."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.geo import camera as cam
from rs_copilot.geo import crs
from rs_copilot.geo import homography as hg
from rs_copilot.types import LonLat, SizeWH

SIZE = SizeWH(1280, 720)
yaws = st.floats(0.0, 359.9)
pitches = st.floats(-89.0, -40.0)
rolls = st.floats(-20.0, 20.0)


@given(yaws, pitches, rolls)
def test_the_ground_homography_inverts_projection(yaw: float, pitch: float, roll: float) -> None:
    lens = cam.Intrinsics.from_hfov(SIZE, 70.0)
    attitude = cam.Attitude(yaw, pitch, roll)
    position = np.array([500.0, -300.0, 130.0])
    pixels = np.array([[100.0, 650.0], [640.0, 360.0], [1200.0, 500.0]])
    ground = hg.apply(cam.ground_from_px(lens, attitude, position, 12.0), pixels)
    seen = cam.project(lens, attitude, position, np.column_stack([ground, np.full(3, 12.0)]))
    np.testing.assert_allclose(seen, pixels, atol=1e-6)


@given(yaws, pitches, rolls)
def test_attitude_and_rotation_are_inverse(yaw: float, pitch: float, roll: float) -> None:
    rotation = cam.world_from_camera(cam.Attitude(yaw, pitch, roll))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    again = cam.world_from_camera(cam.attitude_from_rotation(rotation))
    np.testing.assert_allclose(again, rotation, atol=1e-9)


def test_rays_hit_the_ground_where_the_homography_says() -> None:
    lens = cam.Intrinsics.from_hfov(SIZE, 60.0)
    attitude, position = cam.Attitude(33.0, -55.0, 4.0), np.array([0.0, 0.0, 90.0])
    pixels = np.array([[10.0, 700.0], [900.0, 300.0]])
    direction = cam.rays(lens, attitude, pixels)
    hit = position + direction * (90.0 / -direction[:, 2:])
    np.testing.assert_allclose(hit[:, :2], hg.apply(cam.ground_from_px(lens, attitude, position), pixels))


def test_yaw_is_where_image_up_points() -> None:
    lens = cam.Intrinsics.from_hfov(SIZE, 60.0)
    ground = cam.ground_from_px(lens, cam.Attitude(75.0, -90.0), np.array([0.0, 0.0, 100.0]))
    assert hg.grid_azimuth_deg(ground, SIZE.center_px) == pytest.approx(75.0)


@pytest.mark.parametrize(("pitch", "height"), [(-2.0, 100.0), (10.0, 100.0), (-45.0, -5.0)])
def test_a_view_without_ground_is_refused(pitch: float, height: float) -> None:
    with pytest.raises(ValueError, match=r"expected|below"):
        cam.ground_from_px(
            cam.Intrinsics.from_hfov(SIZE, 60.0), cam.Attitude(0.0, pitch), np.array([0.0, 0.0, height])
        )


def test_points_beyond_the_horizon_come_out_as_nan() -> None:
    ground = cam.ground_from_px(
        cam.Intrinsics.from_hfov(SIZE, 80.0), cam.Attitude(0.0, -12.0), np.array([0.0, 0.0, 100.0])
    )
    top, bottom = hg.apply(ground, np.array([[640.0, 0.0], [640.0, 719.0]]))
    assert np.isnan(top).all()
    assert np.isfinite(bottom).all()


@given(st.floats(0.05, 3.0), st.floats(-180.0, 180.0), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_a_similarity_has_one_scale_everywhere(scale: float, turn: float, x: float, y: float) -> None:
    homography = hg.similarity(scale, turn, np.array([x, y]))
    for point in ([0.0, 0.0], [700.0, -40.0]):
        assert hg.gsd_m(homography, np.array(point)) == pytest.approx(scale)


def test_a_mirrored_map_is_no_view_from_above() -> None:
    assert hg.is_plausible(np.diag([0.1, -0.1, 1.0]), SIZE)
    assert not hg.is_plausible(np.diag([0.1, 0.1, 1.0]), SIZE)
    assert not hg.is_plausible(np.diag([0.1, -0.001, 1.0]), SIZE)
    assert not hg.is_plausible(np.full((3, 3), np.nan), SIZE)


@pytest.mark.parametrize(
    ("code", "lon", "lat", "expected"),
    [
        (4326, 15.2, 48.1, 32633),
        (3857, -71.0, -33.0, 32719),
        (32633, 15.2, 48.1, 32633),
        (3395, -47.0, -15.0, 32723),
        (4326, 10.0, 86.0, 3413),
    ],
)
def test_metres_are_measured_where_they_are_true(code: int, lon: float, lat: float, expected: int) -> None:
    found = crs.metric_crs_for(pyproj.CRS.from_epsg(code), LonLat(lon, lat))
    assert found.to_epsg() == expected


def test_grid_north_and_true_north_differ_by_the_convergence() -> None:
    utm = pyproj.CRS.from_epsg(32633)
    east_of_meridian = crs.from_lonlat(LonLat(17.9, 50.0), utm)
    angle = crs.convergence_deg(east_of_meridian, utm)
    factors = pyproj.Proj(utm).get_factors(17.9, 50.0)
    assert angle == pytest.approx(factors.meridian_convergence, abs=0.01)


def test_positions_outside_the_earth_are_refused() -> None:
    with pytest.raises(ValueError, match="latitude"):
        LonLat(48.0, 105.0)
