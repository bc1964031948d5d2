"""From fixes of keyframes to a place, a status and an uncertainty for every frame."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.keyframes import Recording, Visit
from rs_copilot.localization.path import Fix
from rs_copilot.localization.smooth import Link, Measured, Smoothed, blend, smooth
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, FrameStatus, Placement

# A measurement this far from what the whole clip says is not called a match any more.
OUTLIER_SIGMA = 5.0
# Share of a registration's error that its neighbours have too (lean, relief): it does not average out.
SHARED_ERROR = 0.6
# A place carried so far that it may be off by this share of the view's width is no place any more.
MAX_CARRIED_SHARE = 0.35
SCORE_RADIUS_M = 25.0

NO_MATCH = "no place on the map matches this view well enough"
NO_NEIGHBOUR = "no match of its own, and no located frame is connected to it by frame-to-frame motion"
TOO_FAR = "carried too far from the nearest located frame"


@dataclass(frozen=True, eq=False)
class Anchor:
    """A smoothed keyframe at a visit, with the log-odds that its place is right."""

    visit: int
    smoothed: Smoothed
    log_odds: float

    @property
    def is_match(self) -> bool:
        """Whether the keyframe's own measurement agrees with the clip."""
        return self.smoothed.outlierness <= OUTLIER_SIGMA


def anchors(recording: Recording, fixes: dict[int, Fix]) -> list[Anchor]:
    """Adjust all fixes together along the chain of motions; in time order."""
    keys = sorted(fixes)
    keyframes = [recording.keyframes[key] for key in keys]
    measured = [
        Measured(
            fixes[key].registration.map_from_px,
            keyframe.size,
            confidence.sigma_m(fixes[key].registration),
        )
        for key, keyframe in zip(keys, keyframes, strict=True)
    ]
    links = [
        link
        for position in range(len(keys) - 1)
        if (
            link := _link(
                recording.chain, position, keyframes[position].visit, keyframes[position + 1].visit, measured
            )
        )
    ]
    smoothed = smooth(measured, links)
    return [
        Anchor(keyframe.visit, _with_shared_error(place, measurement), fixes[key].log_odds)
        for key, keyframe, place, measurement in zip(keys, keyframes, smoothed, measured, strict=True)
    ]


def _with_shared_error(place: Smoothed, measurement: Measured) -> Smoothed:
    return replace(place, sigma_m=float(np.hypot(place.sigma_m, SHARED_ERROR * measurement.sigma_m)))


def _link(chain: Chain, position: int, first: int, second: int, measured: Sequence[Measured]) -> Link | None:
    before_from_after = chain.between(second, first)
    if before_from_after is None:
        return None
    start = measured[position]
    width_m = view_of_placement(start.map_from_px, start.size).width_m
    return Link(position, position + 1, before_from_after, Chain.drift_m(second - first, width_m))


def placements(recording: Recording, fixed: Sequence[Anchor]) -> list[Placement]:
    """One placement per visited frame."""
    return [place_visit(recording, number, fixed) for number in range(len(recording.visits))]


def place_visit(recording: Recording, number: int, fixed: Sequence[Anchor]) -> Placement:
    """Where one visited frame lies by the anchors before and after it."""
    visit = recording.visits[number]
    position = bisect_left(fixed, number, key=lambda anchor: anchor.visit)
    after = fixed[position] if position < len(fixed) else None
    exact = after is not None and after.visit == number
    before = after if exact else fixed[position - 1] if position else None
    carried = [
        guess
        for anchor in dict.fromkeys(a for a in (before, after) if a is not None)
        if (guess := _carry(recording, anchor, number, visit)) is not None
    ]
    if not carried:
        return _unlocated(visit, NO_NEIGHBOUR if fixed else NO_MATCH)
    homography, sigma_m, odds = carried[0] if len(carried) == 1 else _combine(carried[0], carried[1], visit)
    if sigma_m > MAX_CARRIED_SHARE * view_of_placement(homography, visit.size).width_m:
        return _unlocated(visit, TOO_FAR)
    sigma_m = float(np.hypot(sigma_m, confidence.relief_sigma_m(homography, visit.size)))
    matched = any(a.visit == number and a.is_match for a in (before, after) if a is not None)
    return Placement(
        frame=visit.index,
        time_s=visit.time_s,
        status=FrameStatus.LOCATED if matched else FrameStatus.TRACKED,
        score=_score(odds, sigma_m),
        error_m=confidence.RADIUS_90 * sigma_m,
        map_from_px=homography,
        size=visit.size,
        file=visit.file,
    )


Carried = tuple[FloatArray, float, float]


def _carry(recording: Recording, anchor: Anchor, number: int, visit: Visit) -> Carried | None:
    """Homography, standard deviation and log-odds of a frame as one anchor sees it."""
    place = anchor.smoothed.map_from_px
    if anchor.visit == number:
        return place, anchor.smoothed.sigma_m, anchor.log_odds
    predicted = recording.chain.predict(place, anchor.visit, number)
    if predicted is None or not hg.is_plausible(predicted, visit.size):
        return None
    width_m = view_of_placement(place, recording.visits[anchor.visit].size).width_m
    drift_m = Chain.drift_m(abs(number - anchor.visit), width_m)
    sigma_m = float(np.hypot(anchor.smoothed.sigma_m, drift_m))
    return hg.orient(predicted, visit.size), sigma_m, anchor.log_odds


def _combine(first: Carried, second: Carried, visit: Visit) -> Carried:
    total = first[1] ** 2 + second[1] ** 2
    share = first[1] ** 2 / total
    sigma_m = float(np.sqrt(first[1] ** 2 * second[1] ** 2 / total))
    # Neighbouring fixes share their systematic part, which does not average out.
    sigma_m = max(sigma_m, 0.8 * min(first[1], second[1]))
    return blend(first[0], second[0], share, visit.size), sigma_m, min(first[2], second[2])


def _score(log_odds: float, sigma_m: float) -> float:
    """Probability that the centre lies within 25 m: the place is right, and near enough if it is."""
    near = 1.0 - float(np.exp(-0.5 * (SCORE_RADIUS_M / sigma_m) ** 2))
    return confidence.probability(log_odds) * near


def _unlocated(visit: Visit, reason: str) -> Placement:
    return Placement(visit.index, visit.time_s, FrameStatus.UNLOCATED, 0.0, file=visit.file, reason=reason)
