"""Lag and offset of telemetry: found where the flight shows them, not claimed where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.localization.alignment import align, offset, offset_of_photos

TOLD_S = np.arange(0.0, 30.0, 0.2)


def curve(times_s: np.ndarray) -> np.ndarray:
    """A flight that turns: 8 m/s on a circle of 60 m."""
    angle = 8.0 / 60.0 * times_s
    return np.stack([60 * np.sin(angle), 60 * np.cos(angle)], axis=1)


def straight(times_s: np.ndarray) -> np.ndarray:
    return np.stack([8.0 * times_s, 3.0 * times_s], axis=1)


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 5))
def test_lag_and_offset_are_found_through_noise(lag: float, east: float, north: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.arange(4.0, 26.0, 0.5)
    camera = curve(times) + np.array([east, north]) + rng.normal(0, 0.5, (len(times), 2))
    camera[3] += [80.0, -40.0]
    # What telemetry says at a time is where the camera was a lag earlier.
    found = align(times, camera, TOLD_S, curve(TOLD_S - lag))
    assert found is not None
    assert found.lag_s == pytest.approx(lag, abs=0.15)
    assert found.east_m == pytest.approx(east, abs=1.0)
    assert found.north_m == pytest.approx(north, abs=1.0)
    assert found.lag_sigma_s is not None
    assert found.lag_sigma_s < 0.2


def test_a_straight_flight_tells_no_lag_and_its_offset_is_uncertain() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(4.0, 26.0, 0.5)
    found = align(
        times, straight(times) + rng.normal(0, 0.5, (len(times), 2)), TOLD_S, straight(TOLD_S - 1.0)
    )
    assert found is not None
    assert found.lag_s is None
    assert np.hypot(found.east_m, found.north_m) < 2 * found.offset_sigma_m
    assert "cannot be told" in found.sentence()


def test_hovering_tells_an_offset() -> None:
    times = np.arange(0.0, 10.0, 0.5)
    found = align(times, np.tile([3.0, -5.0], (20, 1)), TOLD_S, np.zeros((len(TOLD_S), 2)))
    assert found is not None
    assert found.lag_s is None
    assert (found.east_m, found.north_m) == pytest.approx((3.0, -5.0))
    assert found.sentence().startswith("the map lies 3.0 m east, 5.0 m south of GPS")


def test_the_sentence_names_the_direction_of_the_lag() -> None:
    times = np.arange(4.0, 26.0, 0.5)
    found = align(times, curve(times), TOLD_S, curve(TOLD_S - 0.8))
    assert found is not None
    assert found.sentence().startswith("telemetry trails the video by 0.8 s")
    assert found.is_notable


def test_small_differences_are_not_notable() -> None:
    rng = np.random.default_rng(4)
    times = np.arange(4.0, 26.0, 0.5)
    found = align(times, curve(times) + rng.normal(0, 0.5, (len(times), 2)), TOLD_S, curve(TOLD_S))
    assert found is not None
    assert not found.is_notable


def test_too_few_places_say_nothing() -> None:
    assert align(np.arange(3.0), np.zeros((3, 2)), TOLD_S, curve(TOLD_S)) is None
    assert offset_of_photos(np.zeros((2, 2)), np.zeros((2, 2))) is None


def test_one_wrong_photo_does_not_move_the_offset() -> None:
    rng = np.random.default_rng(2)
    residuals = rng.normal([3.0, -5.0], 1.0, (20, 2))
    residuals[7] = [300.0, 100.0]
    east, north, sigma = offset(residuals)
    assert (east, north) == pytest.approx((3.0, -5.0), abs=1.0)
    assert 0.1 < sigma < 0.6
