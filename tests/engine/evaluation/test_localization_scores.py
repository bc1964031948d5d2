"""The figures of the localisation benchmark on placements whose errors are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.evaluation import localization_scores as scores
from rs_copilot.evaluation.localization_scores import Outcome
from rs_copilot.geo import homography as hg
from rs_copilot.types import FrameStatus, Placement, SizeWH

SIZE = SizeWH(640, 360)
TRUTH_M = np.array([500_000.0, 5_000_000.0])


def placed(frame: int, off_m: float, score: float = 0.9, error_m: float = 5.0) -> Placement:
    center_m = TRUTH_M + np.array([0.6, 0.8]) * off_m
    map_from_px = hg.translation(center_m) @ np.diag([0.2, -0.2, 1.0]) @ hg.translation(-SIZE.center_px)
    return Placement(frame, frame / 10, FrameStatus.LOCATED, score, error_m, map_from_px, SIZE)


def unplaced(frame: int) -> Placement:
    return Placement(frame, frame / 10, FrameStatus.UNLOCATED, 0.0, reason="no evidence")


def truth(count: int) -> dict[int, np.ndarray]:
    return dict.fromkeys(range(count), TRUTH_M)


@given(st.integers(1, 30), st.floats(0.1, 50.0))
def test_a_perfect_placement_has_no_error_and_full_coverage(count: int, error_m: float) -> None:
    found = scores.outcomes_of([placed(i, 0.0, 1.0, error_m) for i in range(count)], truth(count))
    summary = scores.summarise(found)
    assert summary.queries == count
    assert summary.median_m == summary.mean_m == summary.confident_wrong_share == summary.ece == 0.0
    assert set(summary.success.values()) == {1.0}
    assert summary.coverage == summary.placed_share == 1.0
    assert summary.radius_m == pytest.approx(error_m)


def test_success_counts_queries_that_were_not_placed() -> None:
    found = scores.outcomes_of([placed(0, 3.0), placed(1, 30.0), unplaced(2), placed(9, 0.0)], truth(3))
    summary = scores.summarise(found)
    assert [summary.success[m] for m in (5.0, 25.0, 50.0)] == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert (summary.median_m, summary.mean_m) == pytest.approx((16.5, 16.5))
    assert summary.coverage == 0.5


def test_every_place_on_a_foreign_map_is_wrong() -> None:
    found = scores.outcomes_of([placed(0, 0.0), placed(1, 0.0, score=0.2), unplaced(2)], None)
    summary = scores.summarise(found)
    assert summary.success[50.0] == 0.0
    assert summary.placed_share == pytest.approx(2 / 3)
    assert summary.confident_wrong_share == pytest.approx(1 / 3)
    assert summary.coverage == 0.0


def test_a_score_that_says_what_happens_is_calibrated() -> None:
    found = [Outcome(str(i), 1.0 if i < 70 else 99.0, score=0.7) for i in range(100)]
    bins = scores.reliability(found)
    assert [(b.mean_score, b.hit_share, b.count) for b in bins] == [
        (pytest.approx(0.7), pytest.approx(0.7), 100)
    ]
    assert scores.calibration_error(bins) == pytest.approx(0.0, abs=1e-9)
    overconfident = [Outcome(str(i), 99.0, score=0.95) for i in range(10)]
    assert scores.summarise(overconfident).ece == pytest.approx(0.95)


def test_recall_of_candidates_is_of_the_searched_queries() -> None:
    found = [
        Outcome("a", 1.0, candidates_m=(2.0, 300.0)),
        Outcome("b", 1.0, candidates_m=(300.0, 400.0, 20.0)),
        Outcome("c", 1.0),
    ]
    assert [scores.recall_at(found, count) for count in (1, 5)] == [0.5, 1.0]


def test_area_that_keeps_the_truth() -> None:
    found = [Outcome(str(i), None, area_share=share) for i, share in enumerate([0.001, 0.01, 0.2, math.inf])]
    shares, recall = scores.recall_versus_area(found)
    assert list(shares) == [0.001, 0.01, 0.2]
    assert list(recall) == [0.25, 0.5, 0.75]
    assert scores.area_at_recall(found, 0.5) == 0.01
    assert math.isnan(scores.area_at_recall(found, 0.95))


@given(st.lists(st.one_of(st.none(), st.floats(0.0, 1e4)), max_size=40))
def test_success_grows_with_the_distance(errors_m: list[float | None]) -> None:
    summary = scores.summarise([Outcome(str(i), error_m) for i, error_m in enumerate(errors_m)])
    shares = [summary.success[m] for m in scores.SUCCESS_M]
    assert all(map(math.isnan, shares)) if not errors_m else shares == sorted(shares)


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_holds_the_share(hits: int, count: int) -> None:
    share = min(hits, count) / count
    low, high = scores.wilson_interval(share, count)
    assert 0.0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1.0


def test_nothing_at_all() -> None:
    assert math.isnan(scores.summarise([]).placed_share)
    assert scores.wilson_interval(math.nan, 0) == (0.0, 1.0)
