"""Constants of `confidence`, fitted by ``benchmarks/calibrate.py``; not to be edited by hand.

2026-11-21: 412 registered places of 115 photos, 61 of the places right, from
01_fengyuan, 01_fengyuan_on_03_nust, 1001, 1001_on_1002 and 4 more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Judge:
    """Log-odds of a searched place: a sum of what speaks for it (see `confidence.found_log_odds`)."""

    even_odds: float
    evidence: float
    height: float
    margin: float


@dataclass(frozen=True)
class Radius:
    """Standard deviation of a registered centre in units of the windows' scatter."""

    floor: float
    disagreement: float


JUDGE = Judge(even_odds=-5.884, evidence=1.500, height=0.320, margin=8.473)
RADIUS = Radius(floor=0.381, disagreement=1.523)
