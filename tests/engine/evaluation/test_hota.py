"""HOTA of tracks on the ground against cases that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.evaluation.hota import hota
from rs_copilot.evaluation.mot import Moving

TIMES = np.arange(40) / 10


def moving(
    number: int, y: float, *, first: int = 0, end: int = 40, counts: np.ndarray | None = None
) -> Moving:
    times = TIMES[first:end]
    points = np.stack([10.0 * times, np.full(len(times), y)], axis=1)
    return Moving(number, "car", times, points, np.ones(len(times), bool) if counts is None else counts)


def test_a_perfect_result():
    truth = [moving(1, 0.0), moving(2, 30.0)]
    score = hota(truth, truth)
    assert (score.hota, score.det_a, score.ass_a, score.loc_a) == pytest.approx((1.0, 1.0, 1.0, 1.0))


def test_a_track_that_breaks_in_the_middle_halves_association():
    """Each half agrees with the object in 20 of 40 moments: association 1/2, detection 1, HOTA their root."""
    score = hota([moving(1, 0.0)], [moving(1, 0.0, end=20), moving(2, 0.0, first=20)])
    assert score.det_a == pytest.approx(1.0)
    assert score.ass_a == pytest.approx(0.5)
    assert score.hota == pytest.approx(np.sqrt(0.5))


def test_distance_lowers_the_share_of_thresholds_that_are_passed():
    """2 m of 5 m is a similarity of 0.6: reached by thresholds 0.05 to 0.6, 12 of 19."""
    score = hota([moving(1, 0.0)], [moving(1, 2.0)], radius_m=5.0)
    assert score.hota == pytest.approx(12 / 19, abs=0.06)


def test_moments_that_do_not_count_are_held_against_nobody():
    idle = moving(1, 0.0, counts=TIMES < 2.0)
    assert hota([idle], [moving(1, 0.0)]).hota == pytest.approx(1.0)


def test_nothing_found_is_nothing():
    assert hota([moving(1, 0.0)], []).hota == 0.0
