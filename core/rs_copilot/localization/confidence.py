"""From evidence to probability: how likely a registration is right, and how far off it may be.

The constants come from `calibrated`, which ``benchmarks/calibrate.py`` writes.
"""

from __future__ import annotations

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization.calibrated import JUDGE, RADIUS
from rs_copilot.localization.register import Registration
from rs_copilot.localization.search import Candidate
from rs_copilot.types import FloatArray, SizeWH

# Strength of a registration (share of agreeing windows times their correlation) at which right and wrong
# places are equally frequent, at about 70 windows; with fewer chance agrees more often, as one over the root
# of their number.
STRENGTH_EVEN_ODDS = 0.068
EVEN_ODDS_WINDOWS = 70.0
# Where motion says where a frame must be, nearly all registrations above even strength are right.
STRENGTH_SLOPE = 9.0
# Windows over furrows agree anywhere along them: wrong places there have a clarity of 0.02 to 0.05,
# matches on other ground 0.17 to 0.5.
CLEAR_ENOUGH = 0.22
# A peak beyond this height, or evidence beyond this, makes no difference any more.
MAX_Z, MAX_EVIDENCE = 25.0, 3.0
MAX_LOG_ODDS = 8.0
LEAST_SPREAD = 0.2
# Foreshortening (squared) below which a view is straight down for all that registration can tell; tangent
# beyond which the flat-ground model says nothing anyway.
LEVEL_FORESHORTENING, MAX_TANGENT = 1.04, 4.0
# A search among fewer places than this has few rivals; what a place gains that was the only one to expect.
MANY_TRIALS = 40.0
EXPECTED_GAIN = 4.0
# Evidence that few wrong places have; below these log-odds neighbours do not save a place either.
GOOD_EVIDENCE, HOPELESS = 1.5, -2.0
# Two-dimensional Gaussian: radius that holds 90 %, in standard deviations per axis.
RADIUS_90 = 2.146


def strength(registration: Registration) -> float:
    """Share of agreeing windows times their mean correlation, less where their matches are not distinct."""
    distinct = float(np.clip(registration.clarity / CLEAR_ENOUGH, 0.0, 1.0))
    return registration.support * max(registration.ncc, 1e-3) * distinct


def evidence(registration: Registration) -> float:
    """Logarithm of the strength over that at even odds: what the frame's windows say about a place."""
    even = STRENGTH_EVEN_ODDS * np.sqrt(max(EVEN_ODDS_WINDOWS / registration.windows, 0.8))
    return float(np.log(max(strength(registration), 1e-4) / even))


def log_odds(registration: Registration) -> float:
    """Log-odds that the registration of a frame is right at a place that was expected, not searched for."""
    return float(np.clip(STRENGTH_SLOPE * evidence(registration), -MAX_LOG_ODDS, MAX_LOG_ODDS))


def found_log_odds(registration: Registration, candidate: Candidate, trials: float) -> float:
    """Log-odds that a place that a search found is right: its windows, and how its peak stands out.

    Args:
        registration: what the place registered to.
        candidate: the place as the search found it.
        trials: how many places and shapes it was the best of. Among few there are no rivals to stand out
            from, and one of them was likely from the start.
    """
    return _found(evidence(registration), candidate, trials)


def may_convince(candidate: Candidate, trials: float) -> bool:
    """Whether a place that stands out so little could still be believed if it registered well."""
    return _found(GOOD_EVIDENCE, candidate, trials) > HOPELESS


def _found(evidence_value: float, candidate: Candidate, trials: float) -> float:
    rivals = float(np.clip(np.log(max(trials, 1.0)) / np.log(MANY_TRIALS), 0.0, 1.0))
    value = (
        JUDGE.even_odds
        + JUDGE.evidence * float(np.clip(evidence_value, -MAX_EVIDENCE, MAX_EVIDENCE))
        + JUDGE.height * min(candidate.z, MAX_Z)
        + JUDGE.margin * rivals * float(np.log(np.clip(candidate.margin, 0.6, 2.0)))
        + EXPECTED_GAIN * (1.0 - rivals)
    )
    return float(np.clip(value, -MAX_LOG_ODDS, MAX_LOG_ODDS))


def probability(log_odds_value: float) -> float:
    """Logistic function."""
    return float(1.0 / (1.0 + np.exp(-log_odds_value)))


def scatter_m(registration: Registration) -> float:
    """Scatter of the agreeing windows, metres; more where they sit in one part of the frame.

    From there the place of the centre is extrapolated, by a scale and heading that a small part tells badly,
    and the more so where that part lies on one side of it.
    """
    scatter = registration.residual_m / max(registration.spread, LEAST_SPREAD) ** 2
    return scatter * registration.extrapolation


def sigma_m(registration: Registration) -> float:
    """Standard deviation per axis of the registered centre, in metres.

    Where nearly all windows agree, the centre is good to a fraction of their scatter. Where few do, the
    rest of the frame (roofs that lean, relief, another season) says that the few may be shifted together.
    """
    disagreeing = 1.0 - registration.support
    return scatter_m(registration) * (RADIUS.floor + RADIUS.disagreement * disagreeing**2)


def relief_sigma_m(map_from_px: FloatArray, size: SizeWH) -> float:
    """What ground that is not level does to the centre of an oblique view, standard deviation per axis.

    A height error shifts a place by its product with the tangent of the angle off nadir.
    """
    return RADIUS.relief_m * off_nadir_tangent(map_from_px, size)


def off_nadir_tangent(map_from_px: FloatArray, size: SizeWH) -> float:
    """Tangent of the angle off nadir at the image centre, by the homography's foreshortening there."""
    stretch = np.linalg.svd(hg.jacobian(map_from_px, size.center_px), compute_uv=False)
    squared = float(stretch[0] / max(stretch[1], 1e-9)) ** 2 - LEVEL_FORESHORTENING
    return float(np.sqrt(np.clip(squared, 0.0, MAX_TANGENT**2)))
