"""The most likely sequence of places: candidates of keyframes joined by the motion between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.localization.register import Registration
from rs_copilot.localization.search import Candidate

# How many searched keyframes back a place may connect: gaps are normal, long ones say nothing.
LOOK_BACK = 8
# No disagreement costs more than this: two strongly supported stretches may contradict each other (a cut).
MAX_PENALTY = 7.0
AGREEMENT_BONUS = 1.5


@dataclass(frozen=True)
class Fix:
    """A registered candidate of keyframe ``key`` with its log-odds of being right.

    ``trials`` is how many places and shapes it was the best of.
    """

    key: int
    candidate: Candidate
    registration: Registration
    log_odds: float
    trials: float = 1.0


Disagreement = Callable[[Fix, Fix], float]


def best_path(fixes: Sequence[Sequence[Fix]], disagreement: Disagreement) -> list[Fix]:
    """At most one fix per keyframe, so that evidence minus disagreement is greatest.

    A longest path over the candidates in time order (Viterbi with the freedom to leave keyframes out).

    Args:
        fixes: candidates per keyframe, in time order.
        disagreement: between an earlier and a later fix, in squared standard deviations;
            NaN where nothing can be said.
    """
    best: dict[int, tuple[float, Fix | None]] = {}
    for position, options in enumerate(fixes):
        recent = [before for some in fixes[max(0, position - LOOK_BACK) : position] for before in some]
        for fix in options:
            best[id(fix)] = _best_arrival(fix, recent, best, disagreement)
    flat = [fix for options in fixes for fix in options]
    if not flat:
        return []
    last: Fix | None = max(flat, key=lambda fix: best[id(fix)][0])
    path: list[Fix] = []
    while last is not None:
        path.append(last)
        last = best[id(last)][1]
    return path[::-1]


def _best_arrival(
    fix: Fix, earlier: list[Fix], best: dict[int, tuple[float, Fix | None]], disagreement: Disagreement
) -> tuple[float, Fix | None]:
    total, came_from = fix.log_odds, None
    for before in earlier:
        value = best[id(before)][0] + fix.log_odds - transition_cost(disagreement(before, fix))
        if value > total:
            total, came_from = value, before
    return total, came_from


def transition_cost(squared: float) -> float:
    """Cost of joining two places that disagree by so many squared standard deviations; negative = bonus."""
    if np.isnan(squared):
        return 0.0
    return float(min(0.5 * squared, MAX_PENALTY + AGREEMENT_BONUS) - AGREEMENT_BONUS)
