"""Poses over terrain: exact points give the exact camera, wrong points are left out, nonsense is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.geo.camera import Attitude, Intrinsics, project, world_from_camera
from rs_copilot.localization.relief_pose import (
    AttitudePrior,
    CameraPose,
    Sightings,
    center_on_terrain,
    ground_homography,
    outline_on_terrain,
    sightings,
    solve_pose,
)
from rs_copilot.types import FloatArray, SizeWH

LENS = Intrinsics.from_hfov(SizeWH(1280, 720), 68.0)
POSITION = np.array([504_000.0, 5_340_700.0, 380.0])


def hills(points: FloatArray) -> FloatArray:
    """Ground of 250 m with hills of 25 m, 150 m apart."""
    x, y = points[:, 0] - 504_000.0, points[:, 1] - 5_340_700.0
    return 250.0 + 25.0 * np.sin(x / 24.0) * np.cos(y / 31.0) + 0.02 * x


def seen_by(pose: CameraPose, rng: np.random.Generator, count: int = 60) -> Sightings:
    """Points of the hills that a camera sees, with their exact pixels."""
    center = center_on_terrain(pose, LENS, hills)
    assert center is not None
    points = center[:2] + rng.uniform(-60.0, 60.0, (40 * count, 2))
    places = np.column_stack([points, hills(points)])
    pixels = project(LENS, pose.attitude, pose.xyz_m, places)
    inside = np.all((pixels > 0) & (pixels < [LENS.size.width_px, LENS.size.height_px]), axis=1)
    chosen = np.flatnonzero(inside)[:count]
    return Sightings(pixels[chosen], places[chosen])


def turn_deg(first: Attitude, second: Attitude) -> float:
    """Angle between two attitudes."""
    turn = world_from_camera(first).T @ world_from_camera(second)
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1.0) / 2.0, -1.0, 1.0))))


@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(0.0, 360.0),
    pitch=st.floats(-90.0, -35.0),
    roll=st.floats(-8.0, 8.0),
    seed=st.integers(0, 99),
)
def test_exact_points_give_the_exact_pose(yaw: float, pitch: float, roll: float, seed: int) -> None:
    truth = CameraPose(POSITION, Attitude(yaw, pitch, roll))
    found = solve_pose(seen_by(truth, np.random.default_rng(seed)), LENS, 1.0)
    assert found is not None
    np.testing.assert_allclose(found.xyz_m, truth.xyz_m, atol=0.02)
    assert turn_deg(found.attitude, truth.attitude) < 0.02
    assert found.support == 1.0


def test_a_third_of_wrong_points_and_noise_do_little() -> None:
    rng = np.random.default_rng(3)
    truth = CameraPose(POSITION, Attitude(200.0, -50.0, 1.0))
    seen = seen_by(truth, rng, 90)
    pixels = seen.points_px + rng.normal(0.0, 1.0, seen.points_px.shape)
    pixels[::3] += rng.uniform(-60.0, 60.0, pixels[::3].shape)
    found = solve_pose(Sightings(pixels, seen.points_xyz_m), LENS, 1.0)
    assert found is not None
    assert np.linalg.norm(found.xyz_m - truth.xyz_m) < 1.5
    assert 0.6 < found.support < 0.72
    assert found.residual_px < 2.0


def test_a_plane_explains_hills_worse() -> None:
    seen = seen_by(CameraPose(POSITION, Attitude(30.0, -45.0, 0.0)), np.random.default_rng(1))
    true, flat = solve_pose(seen, LENS, 2.0), solve_pose(seen.flattened(), LENS, 2.0)
    assert true is not None
    assert flat is None or flat.cost > 10.0 * true.cost + 0.1


def test_the_gimbal_decides_what_flat_ground_leaves_open() -> None:
    rng = np.random.default_rng(5)
    attitude = Attitude(40.0, -89.0, 0.3)
    truth = CameraPose(POSITION, attitude)
    seen = seen_by(truth, rng, 20)
    noisy = Sightings(seen.points_px + rng.normal(0.0, 4.0, seen.points_px.shape), seen.points_xyz_m)
    alone = solve_pose(noisy, LENS, 4.0)
    told = solve_pose(noisy, LENS, 4.0, prior=AttitudePrior(Attitude(41.0, -88.8, 0.2), tilt_sigma_deg=0.3))
    assert alone is not None
    assert told is not None
    assert np.linalg.norm(told.xyz_m[:2] - POSITION[:2]) < np.linalg.norm(alone.xyz_m[:2] - POSITION[:2])
    assert np.linalg.norm(told.xyz_m[:2] - POSITION[:2]) < 1.5


@pytest.mark.parametrize("count", [0, 5])
def test_too_few_points_are_no_pose(count: int) -> None:
    seen = seen_by(CameraPose(POSITION, Attitude(0.0, -70.0)), np.random.default_rng(0), 20)
    assert solve_pose(seen.only(np.arange(len(seen)) < count), LENS, 1.0) is None


def test_points_that_fit_no_camera_are_refused() -> None:
    rng = np.random.default_rng(2)
    nonsense = Sightings(
        rng.uniform(0, 700, (40, 2)), np.column_stack([rng.uniform(0, 100, (40, 2)), np.zeros(40)])
    )
    assert solve_pose(nonsense, LENS, 1.0) is None


def test_points_of_unknown_height_are_left_out() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    seen = sightings(points, points, lambda xy: np.where(xy[:, 0] == 1.0, np.nan, 7.0))
    np.testing.assert_array_equal(seen.points_xyz_m, [[0.0, 0.0, 7.0], [2.0, 2.0, 7.0]])


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="expected"):
        Sightings(np.zeros((3, 2)), np.zeros((3, 2)))


def test_the_homography_is_exact_in_the_centre_and_the_outline_lies_on_the_hills() -> None:
    pose = CameraPose(POSITION, Attitude(300.0, -55.0, 2.0))
    center = center_on_terrain(pose, LENS, hills)
    assert center is not None
    assert center[2] == pytest.approx(float(hills(center[None, :2])[0]), abs=0.01)
    homography = ground_homography(pose, LENS, float(center[2]))
    assert homography is not None
    ground = homography @ np.append(LENS.size.center_px, 1.0)
    np.testing.assert_allclose(ground[:2] / ground[2], center[:2], atol=0.01)
    outline = outline_on_terrain(pose, LENS, hills)
    assert outline is not None
    back = project(LENS, pose.attitude, pose.xyz_m, np.column_stack([outline, hills(outline)]))
    gap = np.minimum(np.abs(back), np.abs(back - [LENS.size.width_px, LENS.size.height_px])).min(axis=1)
    assert gap.max() < 0.1


def test_a_camera_that_sees_the_horizon_has_no_outline() -> None:
    pose = CameraPose(POSITION, Attitude(0.0, -3.0))
    assert outline_on_terrain(pose, LENS, hills) is None
    assert ground_homography(pose, LENS, 250.0) is None
