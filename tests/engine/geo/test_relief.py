from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.geo.relief import meet_terrain, onto_terrain
from rs_copilot.types import FloatArray

OFFSETS = st.floats(-150.0, 150.0)
HEIGHTS = st.floats(80.0, 400.0)


def waves(steepness, phase):
    """Terrain whose slope is nowhere steeper than ``steepness`` along one axis."""

    def height_at(points):
        return 230.0 + steepness * 30.0 * (np.sin(points[:, 0] / 60.0 + phase) + np.cos(points[:, 1] / 60.0))

    return height_at


@given(
    st.lists(st.tuples(OFFSETS, OFFSETS), min_size=1, max_size=8),
    HEIGHTS,
    st.floats(0.0, 0.4),
    st.floats(0.0, 6.0),
    st.floats(215.0, 245.0),
)
def test_points_of_the_terrain_are_found_again_from_where_the_plane_shows_them(
    offsets, height_m, steepness, phase, level_m
):
    height_at = waves(steepness, phase)
    camera = np.array([500_000.0, 5_300_000.0, 260.0 + height_m])
    true = camera[:2] + np.array(offsets) * height_m / 150.0
    heights = height_at(true)
    shown = camera[:2] + (true - camera[:2]) * ((camera[2] - level_m) / (camera[2] - heights))[:, None]
    np.testing.assert_allclose(onto_terrain(shown, level_m, camera, height_at), true, atol=0.05)


@given(st.floats(-200.0, 200.0), st.floats(-200.0, 200.0), st.floats(-30.0, 30.0))
def test_flat_ground_at_another_level_shrinks_the_picture_towards_the_camera(east_m, north_m, rise_m):
    camera = np.array([0.0, 0.0, 100.0])
    points = np.array([[east_m, north_m]])
    found = onto_terrain(points, 0.0, camera, lambda p: np.full(len(p), rise_m))
    np.testing.assert_allclose(found, points * (1.0 - rise_m / 100.0), atol=1e-9)


def test_points_stay_where_nothing_better_is_known():
    camera, points = np.array([0.0, 0.0, 100.0]), np.array([[30.0, 40.0], [-60.0, 0.0]])

    def stays(height_at, level_m=0.0):
        np.testing.assert_array_equal(onto_terrain(points, level_m, camera, height_at), points)

    stays(lambda p: np.full(len(p), np.nan))
    stays(lambda p: np.full(len(p), 130.0))
    stays(lambda p: np.zeros(len(p)), level_m=120.0)
    # A cliff that the line of sight cannot settle on.
    stays(lambda p: np.where(np.linalg.norm(p, axis=1) > 45.0, 40.0, 0.0))
    assert onto_terrain(np.empty((0, 2)), 0.0, camera, lambda p: np.zeros(len(p))).shape == (0, 2)


def test_a_hill_in_front_hides_what_is_behind() -> None:
    def ridge(points: FloatArray) -> FloatArray:
        return np.where(np.abs(points[:, 0] - 50.0) < 5.0, 40.0, 0.0)

    camera = np.array([0.0, 0.0, 60.0])
    over = np.array([1.0, 0.0, -0.3]) / np.hypot(1.0, 0.3)
    into = np.array([1.0, 0.0, -0.6]) / np.hypot(1.0, 0.6)
    met = meet_terrain(camera, np.stack([over, into]), ridge, 400.0)
    np.testing.assert_allclose(met[0], [200.0, 0.0, 0.0], atol=0.01)
    np.testing.assert_allclose(met[1], [45.0, 0.0, 33.0], atol=0.2)


def test_lines_that_meet_nothing_or_unknown_ground_are_nan() -> None:
    camera = np.array([0.0, 0.0, 60.0])
    up = np.array([[0.8, 0.0, 0.6]])
    down = np.array([[0.0, 0.0, -1.0]])
    assert np.isnan(meet_terrain(camera, up, lambda xy: np.zeros(len(xy)), 100.0)).all()
    assert np.isnan(meet_terrain(camera, down, lambda xy: np.full(len(xy), np.nan), 100.0)).all()
