"""What a benchmark of localisation says about any method: errors, honesty and search effort. Pure.

Every query counts in every share. A query that was not placed has no error and is no success; a query
that has no true place on the map (a foreign map) is wrong wherever it is put.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.types import FloatArray, FrameStatus, Placement
from rs_copilot.vector.build import center_xy

SUCCESS_M = (5.0, 10.0, 25.0, 50.0)
RECALL_AT = (1, 5, 10)
# `Placement.score` promises the true centre within this distance.
SCORE_RADIUS_M = 25.0
CONFIDENT = 0.5
WRONG_M = 50.0
BINS = 10
# Two-sided 95 % quantile of the normal distribution.
Z_95 = 1.959964


@dataclass(frozen=True)
class Outcome:
    """What a method made of one query.

    ``error_m`` is the distance of the answer from the truth: ``None`` where nothing was answered, infinite
    where the true place is not on the map. ``score`` and ``radius_m`` are the method's own probability of
    being within `SCORE_RADIUS_M` and its radius of 90 % (``None``: it states none). ``candidates_m`` are the
    distances of its candidates from the truth, best first. ``area_share`` is the part of the map that has to
    be kept, best first, until the true place is in it (``None``: not known).
    """

    query: str
    error_m: float | None
    score: float | None = None
    radius_m: float | None = None
    candidates_m: tuple[float, ...] | None = None
    area_share: float | None = None

    @property
    def is_placed(self) -> bool:
        """Whether an answer was given."""
        return self.error_m is not None

    @property
    def off_m(self) -> float:
        """The error, infinite where nothing was answered."""
        return math.inf if self.error_m is None else self.error_m


@dataclass(frozen=True)
class Summary:
    """A row of the table. Shares are of all queries unless they say otherwise; NaN of nothing."""

    queries: int
    placed_share: float
    success: dict[float, float]
    median_m: float
    mean_m: float
    confident_wrong_share: float
    coverage: float
    radius_m: float
    ece: float
    recall: dict[int, float]
    area_95: float


@dataclass(frozen=True)
class Bin:
    """Placed queries of similar score: how sure they were, how many were right."""

    mean_score: float
    hit_share: float
    count: int


def outcomes_of(
    placements: Sequence[Placement], true_centers_m: Mapping[int, FloatArray] | None
) -> list[Outcome]:
    """Outcomes of the frames with truth, or of all frames where ``true_centers_m`` is ``None`` (foreign map).

    Args:
        placements: one per frame.
        true_centers_m: by frame, shape (2,), metres of the CRS that the placements map to.
    """
    if true_centers_m is None:
        return [_outcome(item, None) for item in placements]
    return [_outcome(item, true_centers_m[item.frame]) for item in placements if item.frame in true_centers_m]


def _outcome(placement: Placement, truth_m: FloatArray | None) -> Outcome:
    query = placement.file or str(placement.frame)
    if placement.status is FrameStatus.UNLOCATED:
        return Outcome(query, None, score=placement.score)
    center_m = center_xy(placement)
    error_m = math.inf if center_m is None or truth_m is None else float(np.linalg.norm(center_m - truth_m))
    return Outcome(query, error_m, placement.score, placement.error_m)


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """All figures of one row."""
    errors_m = np.array([o.error_m for o in outcomes if o.error_m is not None])
    return Summary(
        queries=len(outcomes),
        placed_share=_mean([o.is_placed for o in outcomes]),
        success={within_m: success_share(outcomes, within_m) for within_m in SUCCESS_M},
        median_m=float(np.median(errors_m)) if len(errors_m) else math.nan,
        mean_m=float(np.mean(errors_m)) if len(errors_m) else math.nan,
        confident_wrong_share=_mean([is_confidently_wrong(o) for o in outcomes]),
        coverage=coverage(outcomes),
        radius_m=_median([o.radius_m for o in outcomes if o.radius_m is not None]),
        ece=calibration_error(reliability(outcomes)),
        recall={count: recall_at(outcomes, count) for count in RECALL_AT},
        area_95=area_at_recall(outcomes, 0.95),
    )


def success_share(outcomes: Sequence[Outcome], within_m: float) -> float:
    """Share of all queries that were placed within a distance of the truth."""
    return _mean([o.off_m <= within_m for o in outcomes])


def is_confidently_wrong(outcome: Outcome) -> bool:
    """Placed with a score of a half or more, and far off."""
    sure = outcome.score is not None and outcome.score >= CONFIDENT
    return outcome.is_placed and sure and outcome.off_m > WRONG_M


def coverage(outcomes: Sequence[Outcome]) -> float:
    """Share of the placed queries that state a radius whose truth lies inside it; 0.9 is promised."""
    return _mean([o.off_m <= o.radius_m for o in outcomes if o.is_placed and o.radius_m is not None])


def reliability(outcomes: Sequence[Outcome], bins: int = BINS) -> list[Bin]:
    """Placed queries with a score, in bins of equal width; empty bins are left out."""
    rated = [(o.score, o.off_m <= SCORE_RADIUS_M) for o in outcomes if o.is_placed and o.score is not None]
    groups: dict[int, list[tuple[float, bool]]] = {}
    for score, hit in rated:
        groups.setdefault(min(int(score * bins), bins - 1), []).append((score, hit))
    return [
        Bin(_mean([score for score, _ in group]), _mean([hit for _, hit in group]), len(group))
        for _, group in sorted(groups.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean gap of score and share of hits, weighted by count.

    Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning,
    AAAI 2015, section 4.
    """
    total = sum(item.count for item in bins)
    if not total:
        return math.nan
    return sum(item.count * abs(item.mean_score - item.hit_share) for item in bins) / total


def recall_at(outcomes: Sequence[Outcome], count: int, within_m: float = SCORE_RADIUS_M) -> float:
    """Share of the searched queries that have a candidate near the truth among the first ``count``."""
    searched = [o.candidates_m for o in outcomes if o.candidates_m is not None]
    return _mean([any(distance <= within_m for distance in found[:count]) for found in searched])


def recall_versus_area(outcomes: Sequence[Outcome]) -> tuple[FloatArray, FloatArray]:
    """Part of the map kept, ascending, and the share of queries whose true place is then kept.

    Queries whose place is kept by no part (infinite share) never enter; both shapes are (N,).
    """
    shares = np.sort([o.area_share for o in outcomes if o.area_share is not None])
    recall = np.arange(1, len(shares) + 1) / max(len(shares), 1)
    finite = np.isfinite(shares)
    return shares[finite], recall[finite]


def area_at_recall(outcomes: Sequence[Outcome], recall: float) -> float:
    """The smallest part of the map that keeps the true place of this share of the queries; NaN: none does."""
    shares, reached = recall_versus_area(outcomes)
    enough = reached >= recall
    return float(shares[enough][0]) if enough.any() else math.nan


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """95 % confidence interval of a share of ``count`` trials.

    Source: Wilson, Probable inference, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if not count:
        return 0.0, 1.0
    spread = Z_95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else math.nan
