"""From evidence to probability: how likely a registration is right, and how far off it may be.

The constants are fitted by ``benchmarks/localization/calibrate.py`` on development data; docs/benchmarks.md
has the figures on places that were not used for fitting.
"""

from __future__ import annotations

import numpy as np

from rs_copilot.localization.register import Registration

# Log-odds of a right place over the strength of the registration (share of agreeing windows times their
# correlation). With about 70 windows wrong places of the development data reach 0.064, right ones start at
# 0.07; with fewer windows chance agrees more often, as one over the root of their number.
STRENGTH_EVEN_ODDS = 0.068
EVEN_ODDS_WINDOWS = 70.0
STRENGTH_SLOPE = 9.0
# Windows over furrows agree anywhere along them: wrong places there have a clarity of 0.02 to 0.05,
# matches on other ground 0.17 to 0.5.
CLEAR_ENOUGH = 0.22
MARGIN_SLOPE = 2.5
MAX_LOG_ODDS = 8.0
# Standard deviation of the centre in units of the windows' scatter: if all agree, and what disagreement adds.
SIGMA_FLOOR = 0.5
SIGMA_DISAGREEMENT = 8.0
# Two-dimensional Gaussian: radius that holds 90 %, in standard deviations per axis.
RADIUS_90 = 2.146


def strength(registration: Registration) -> float:
    """Share of agreeing windows times their mean correlation, less where their matches are not distinct."""
    distinct = float(np.clip(registration.clarity / CLEAR_ENOUGH, 0.0, 1.0))
    return registration.support * max(registration.ncc, 1e-3) * distinct


def log_odds(registration: Registration, margin: float = 1.0) -> float:
    """Log-odds that a registration is right; ``margin`` is the coarse peak's ratio to its best rival."""
    even = STRENGTH_EVEN_ODDS * np.sqrt(max(EVEN_ODDS_WINDOWS / registration.windows, 0.8))
    evidence = STRENGTH_SLOPE * np.log(max(strength(registration), 1e-4) / even)
    evidence += MARGIN_SLOPE * float(np.clip(margin - 1.1, -0.1, 0.6))
    return float(np.clip(evidence, -MAX_LOG_ODDS, MAX_LOG_ODDS))


def probability(log_odds_value: float) -> float:
    """Logistic function."""
    return float(1.0 / (1.0 + np.exp(-log_odds_value)))


def sigma_m(registration: Registration) -> float:
    """Standard deviation per axis of the registered centre, in metres.

    Where nearly all windows agree, the centre is good to a fraction of their scatter. Where few do, the
    rest of the frame (roofs that lean, relief, another season) says that the few may be shifted together.
    """
    disagreeing = 1.0 - registration.support
    return registration.residual_m * (SIGMA_FLOOR + SIGMA_DISAGREEMENT * disagreeing**2)
