"""Constants of `confidence`, fitted by ``benchmarks/calibrate.py``; not to be edited by hand."""

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


JUDGE = Judge(even_odds=-8.7, evidence=4.2, height=0.74, margin=4.9)
RADIUS = Radius(floor=0.5, disagreement=8.0)
