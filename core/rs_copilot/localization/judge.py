"""What the fit of `confidence` learns: the form of its constants. Their values are in `calibrated`."""

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
    """Standard deviation per axis of a registered centre.

    In units of the windows' scatter, at least and where they disagree; ``relief_m`` is what the ground of a
    frame departs from level by, which oblique views show as a shift.
    """

    floor: float
    disagreement: float
    relief_m: float
