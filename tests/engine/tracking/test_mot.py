from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.errors import SceneError
from rs_copilot.evaluation.mot import Moving, clear_mot, match, score_tracks
from rs_copilot.evaluation.mot_data import read_truth

TIMES = np.arange(50) / 10


def moving(id_, vx, y, *, label="car", times=TIMES, counts=None, offset=0.0):
    points = np.stack([vx * times + offset, np.full(len(times), float(y))], axis=1)
    return Moving(id_, label, times, points, np.ones(len(times), bool) if counts is None else counts)


def test_a_perfect_result_scores_perfectly():
    truth = [moving(1, 10.0, 0), moving(2, -8.0, 20)]
    score = score_tracks(truth, truth)
    assert (score.wanted, score.tracked, score.false_tracks) == (2, 2, 0)
    assert score.tracked_share == 1.0
    assert score.median_speed_error == pytest.approx(0.0, abs=1e-9)


def test_speed_error_is_relative():
    score = score_tracks([moving(1, 10.0, 0)], [moving(9, 11.0, 0)], radius_m=10.0)
    assert score.median_speed_error == pytest.approx(0.1)


def test_distance_is_on_the_ground_even_where_matching_is_in_the_picture():
    truth, found = [moving(1, 10.0, 0)], [moving(9, 10.0, 7)]
    assert score_tracks(truth, found).tracked == 0
    score = score_tracks(truth, found, seen=(truth, truth))
    assert score.tracked == 1
    assert score.median_distance_m == pytest.approx(7.0)


def test_half_of_the_time_by_one_track_is_needed():
    first = moving(1, 10.0, 0, times=TIMES[:24])
    second = moving(2, 10.0, 0, times=TIMES[26:])
    assert score_tracks([moving(1, 10.0, 0)], [first, second]).tracked == 0
    assert score_tracks([moving(1, 10.0, 0)], [moving(1, 10.0, 0, times=TIMES[:26])]).tracked == 1


def test_only_what_is_visible_long_enough_is_wanted():
    short = moving(1, 10.0, 0, counts=TIMES < 2.0)
    other = moving(2, 10.0, 40, label="person")
    score = score_tracks([short, other], [], labels=frozenset({"car"}))
    assert score.wanted == 0
    assert np.isnan(score.tracked_share)
    assert np.isnan(score.median_speed_error)


def test_a_track_on_nothing_is_false_and_one_on_an_unwanted_object_is_not():
    truth = [moving(1, 10.0, 0), moving(2, 1.0, 50, label="person")]
    tracks = [moving(1, 10.0, 0), moving(2, 1.0, 50), moving(3, 5.0, 300)]
    assert score_tracks(truth, tracks, labels=frozenset({"car"})).false_tracks == 1


def test_a_pair_stays_together_when_objects_pass_each_other():
    truth = [moving(1, 10.0, 0), moving(2, -10.0, 1, offset=49.0)]
    pairs = match(truth, [moving(1, 10.0, 0.6), moving(2, -10.0, 0.4, offset=49.0)], TIMES, 5.0)
    assert all(pair == {0: 0, 1: 1} for pair in pairs)


def test_clear_mot_knows_misses_and_ignores_what_does_not_count():
    pytest.importorskip("motmetrics")
    truth = [moving(1, 10.0, 0), moving(2, 5.0, 50, counts=np.zeros(50, bool))]
    assert clear_mot(truth, truth)["mota"] == pytest.approx(1.0)
    half = clear_mot(truth, [moving(1, 10.0, 0, times=TIMES[:25])])
    assert half["recall"] == pytest.approx(0.5)
    assert half["precision"] == pytest.approx(1.0)


def test_shapes_are_checked_and_foreign_files_refused(tmp_path):
    with pytest.raises(ValueError, match="expected 50 points"):
        Moving(1, "car", TIMES, np.zeros((3, 2)), np.ones(50, bool))
    with pytest.raises(SceneError):
        read_truth(tmp_path / "none.gpkg", None)
