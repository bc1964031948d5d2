from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.tracking.motion import Blobs
from rs_copilot.tracking.tracks import (
    GroundBlobs,
    ground_tracks,
    label_of,
    local_lines,
    looks_like_parallax,
    to_ground,
)

from .world import SIZE, World

TIMES = np.arange(60) / 10


def grounds_of(*tracks, length_m=4.5):
    """One blob per track and frame; NaN where it is not seen."""
    found = []
    for k in range(len(TIMES)):
        points = np.array([track[k] for track in tracks if not np.isnan(track[k]).any()]).reshape(-1, 2)
        n = len(points)
        blobs = Blobs(
            np.tile([0.0, 0.0, 9.0, 5.0], (n, 1)), np.zeros((n, 2)), np.full(n, 40.0), np.full(n, 50.0)
        )
        found.append(GroundBlobs(blobs, points, np.full(n, 0.5), np.full(n, 8.0), np.full(n, length_m)))
    return found


def straight(vx, vy, start=(0.0, 0.0), noise=0.2, seed=0):
    jitter = np.random.default_rng(seed).normal(0.0, noise, (len(TIMES), 2))
    return np.array(start) + TIMES[:, None] * np.array([vx, vy]) + jitter


@pytest.mark.parametrize("speed", [1.4, 5.0, 14.0, 28.0])
def test_speeds_are_right_within_a_few_percent(speed):
    (track,) = ground_tracks(grounds_of(straight(speed * 0.8, speed * 0.6)), TIMES)
    assert track.path_m / track.duration_s == pytest.approx(speed, rel=0.06)
    assert float(np.median(track.speeds_mps)) == pytest.approx(speed, rel=0.06)


def test_what_only_trembles_does_not_move():
    rng = np.random.default_rng(4)
    trembling = rng.normal(0.0, 0.8, (len(TIMES), 2))
    assert ground_tracks(grounds_of(trembling, straight(0.2, 0.0, (50, 0))), TIMES) == []


def test_what_goes_no_farther_than_it_is_long_may_be_a_part_of_something():
    creeping = straight(1.5, 0.0)
    assert ground_tracks(grounds_of(creeping, length_m=9.0), TIMES) == []
    assert len(ground_tracks(grounds_of(creeping, length_m=4.5), TIMES)) == 1


def test_a_car_behind_a_tree_is_one_track():
    path = straight(9.0, 0.0)
    path[20:38] = np.nan
    tracks = ground_tracks(grounds_of(path), TIMES)
    assert len(tracks) == 1
    assert tracks[0].duration_s == pytest.approx(5.9)


def test_a_car_that_turns_is_kept():
    angle = TIMES / TIMES[-1] * np.pi
    turning = np.stack([15 * np.sin(angle), 15 * (1 - np.cos(angle))], axis=1)
    (track,) = ground_tracks(grounds_of(turning), TIMES)
    assert track.path_m == pytest.approx(np.pi * 15, rel=0.05)


def round_a_block(radius_m, speed_mps):
    """Once round a circle and on, so that it ends not far from where it began."""
    angle = TIMES * speed_mps / radius_m
    return np.stack([radius_m * np.sin(angle), radius_m * (1 - np.cos(angle))], axis=1)


def test_a_car_that_comes_back_is_kept():
    path = round_a_block(6.0, 7.0)
    (track,) = ground_tracks(grounds_of(path), TIMES)
    assert track.extent_m < 0.45 * track.path_m


def test_a_car_whose_ends_look_like_a_roof_is_kept():
    """From end to end it goes slowly against the flight, on its way it does not."""
    turning = np.stack([-8 * (1 - np.cos(TIMES)), 8 * np.sin(TIMES)], axis=1)[:35]
    path = np.full((len(TIMES), 2), np.nan)
    path[:35] = turning
    camera = np.stack([20.0 * TIMES, np.zeros_like(TIMES)], axis=1)
    (track,) = ground_tracks(grounds_of(path), TIMES, camera)
    assert track.path_m > 25.0


def test_a_roof_under_a_flying_camera_is_told_from_a_car():
    camera = np.stack([12.0 * TIMES, np.zeros_like(TIMES)], axis=1)
    roof, car, crossing = straight(-1.8, 0.0), straight(-9.0, 0.0, (0, 20)), straight(0.0, 2.0, (0, -20))
    names = {
        round(float(t.points_m[0, 1])) for t in ground_tracks(grounds_of(roof, car, crossing), TIMES, camera)
    }
    assert names == {20, -20}
    (alone,) = ground_tracks(grounds_of(roof), TIMES)
    assert looks_like_parallax(alone, camera, TIMES)
    assert not looks_like_parallax(alone, camera * 0.0, TIMES)
    assert not looks_like_parallax(alone, camera * np.nan, TIMES)


@given(vx=st.floats(-30, 30), vy=st.floats(-30, 30), outlier=st.integers(2, 27))
def test_local_lines_are_exact_on_a_line_and_shrug_off_an_outlier(vx, vy, outlier):
    times = np.arange(30) / 10
    points = 100.0 + times[:, None] * np.array([vx, vy])
    spoiled = points.copy()
    spoiled[outlier] += 3.0
    exact, _ = local_lines(times, points, 0.5)
    np.testing.assert_allclose(exact, points, atol=1e-6)
    positions, velocities = local_lines(times, spoiled, 0.5)
    others = np.arange(30) != outlier
    assert np.abs(positions[others] - points[others]).max() < 1.5
    assert np.abs(velocities.mean(axis=0) - [vx, vy]).max() < 0.5


def test_blobs_far_away_or_of_odd_size_are_dropped():
    matrix = World(pitch_deg=-35.0).map_from_px(0.0)
    centers = np.array([[240.0, 5.0], [240.0, 160.0], [240.0, 300.0], [100.0, 160.0]])
    half = np.array([[4.0, 2.0]] * 3 + [[0.4, 0.4]])
    blobs = Blobs(
        np.hstack([centers - half, centers + half]), centers, (4 * half[:, 0] * half[:, 1]), np.ones(4)
    )
    kept = to_ground(blobs, matrix)
    assert [240.0, 160.0] in kept.blobs.centers_px.tolist()
    assert [100.0, 160.0] not in kept.blobs.centers_px.tolist()
    assert len(to_ground(blobs, None).blobs) == 0
    assert len(to_ground(Blobs.empty(), matrix).points_m) == 0
    assert SIZE.width_px == 480


@pytest.mark.parametrize(
    ("length_m", "speed", "gsd_m", "label"),
    [
        (4.5, 12.0, 0.3, "vehicle"),
        (2.0, 9.0, 0.1, "vehicle"),
        (1.0, 1.5, 0.05, "person"),
        (1.0, 1.5, 0.4, "unknown"),
    ],
)
def test_labels_say_no_more_than_size_and_speed_do(length_m, speed, gsd_m, label):
    (track,) = ground_tracks(grounds_of(straight(speed, 0.0, noise=0.05), length_m=length_m), TIMES)
    assert label_of(track, gsd_m) == label
