"""Keyframes that the search did not place: registered where motion from placed ones says they must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.keyframes import Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.register import FROM_PREDICTION, register
from rs_copilot.localization.search import Candidate
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, SizeWH

# What a keyframe that does not register where it must costs, in log-odds, and what any stretch has to bring.
MISSED_COST = 2.0
SECTION_COST = 1.0
# Car parks and blocks of houses look alike in many towns, and neighbouring keyframes see the same one: where
# this share of the keyframes that should register does not, a few good matches are no proof.
MIN_CONFIRMED = 0.4


@dataclass(frozen=True)
class Follower:
    """Carries fixes along the motion of one clip. ``report`` hears the share done from 0 to 1."""

    recording: Recording
    reference: Reference
    report: Callable[[float], None]
    on_fix: Callable[[Fix], None]

    def predicted(self, fix: Fix, key: int) -> FloatArray | None:
        """Place of another keyframe by a fix and the motion between them; ``None`` across a break."""
        first, second = self.recording.keyframes[fix.key], self.recording.keyframes[key]
        place = self.recording.chain.predict(fix.registration.map_from_px, first.visit, second.visit)
        if place is None or not hg.is_plausible(place, second.size):
            return None
        return hg.orient(place, second.size)

    def propagate(self, fixes: dict[int, Fix]) -> dict[int, Fix]:
        """Fill the keyframes between and beyond fixes from predictions, forwards and backwards."""
        settled = dict(fixes)
        count = len(self.recording.keyframes)
        for turn, order in enumerate((range(count), range(count - 1, -1, -1))):
            last: Fix | None = None
            for done, key in enumerate(order):
                self.report((turn + done / count) / 2)
                if key not in settled and last is not None:
                    found = self.from_prediction(last, key)
                    if found is not None:
                        settled[key] = found
                        self.on_fix(found)
                last = settled.get(key, last)
        return settled

    def credible(self, fixes: dict[int, Fix]) -> dict[int, Fix]:
        """Drop connected stretches in which too many keyframes contradict the few that were placed.

        On the right map most keyframes of a stretch register where motion says they must be. On a wrong
        one a single chance match leads to predictions that nothing confirms.
        """
        sections: dict[int, list[int]] = {}
        for key, keyframe in enumerate(self.recording.keyframes):
            sections.setdefault(self.recording.chain.section(keyframe.visit), []).append(key)
        kept: dict[int, Fix] = {}
        for keys in sections.values():
            placed = {key: fixes[key] for key in keys if key in fixes}
            missed = sum(self._should_register(key, placed) for key in keys if key not in placed)
            confirmed = len(placed) >= MIN_CONFIRMED * (len(placed) + missed)
            if (
                confirmed
                and sum(fix.log_odds for fix in placed.values()) > MISSED_COST * missed + SECTION_COST
            ):
                kept |= self._raised(placed, MISSED_COST * missed)
        return kept

    def _raised(self, placed: dict[int, Fix], cost: float) -> dict[int, Fix]:
        """Fixes of one stretch with the evidence of all of it: they are right together or not at all.

        The best one counts in full, others as far as they show ground that those before do not.
        """
        best = max(placed.values(), key=lambda fix: fix.log_odds)
        total, seen = best.log_odds - cost, [self._center(best)]
        for key in sorted(placed, key=lambda other: abs(other - best.key)):
            fix, center = placed[key], self._center(placed[key])
            width_m = view_of_placement(fix.registration.map_from_px, self._size(key)).width_m
            new = min(1.0, min(float(np.linalg.norm(center - other)) for other in seen) / width_m)
            total += new * max(fix.log_odds, 0.0)
            seen.append(center)
        together = min(total, confidence.MAX_LOG_ODDS)
        return {key: replace(fix, log_odds=max(fix.log_odds, together)) for key, fix in placed.items()}

    def _size(self, key: int) -> SizeWH:
        return self.recording.keyframes[key].size

    def _center(self, fix: Fix) -> FloatArray:
        return np.asarray(hg.apply(fix.registration.map_from_px, self._size(fix.key).center_px)[0])

    def _should_register(self, key: int, placed: dict[int, Fix]) -> bool:
        """Whether the nearest fix predicts a keyframe well inside the map, where it did not register."""
        if not placed:
            return False
        return self.should_register(placed[min(placed, key=lambda other: abs(other - key))], key)

    def should_register(self, fix: Fix, key: int) -> bool:
        """Whether a fix predicts another keyframe well inside the map."""
        predicted = self.predicted(fix, key)
        if predicted is None:
            return False
        size = self.recording.keyframes[key].size
        x, y = hg.apply(predicted, size.center_px)[0]
        west, south, east, north = self.reference.bounds_m
        margin = view_of_placement(predicted, size).width_m / 4
        return bool(west + margin < x < east - margin and south + margin < y < north - margin)

    def from_prediction(self, last: Fix, key: int) -> Fix | None:
        """A keyframe registered where another fix and the motion between them say that it must lie."""
        predicted = self.predicted(last, key)
        if predicted is None:
            return None
        steps = abs(self.recording.keyframes[key].visit - self.recording.keyframes[last.key].visit)
        drift_m = Chain.drift_m(steps, view_of_placement(predicted, self._size(key)).width_m)
        return self.registered(key, predicted, 2.0 + drift_m, last.log_odds + 1.0)

    def registered(self, key: int, predicted: FloatArray, sigma_m: float, most: float) -> Fix | None:
        """A keyframe registered at a place where it must lie, or ``None`` where it does not.

        Args:
            key: of the keyframe.
            predicted: homography to the map.
            sigma_m: standard deviation of that place.
            most: the fix is no likelier than this, in log-odds.
        """
        second = self.recording.keyframes[key]
        registration = register(second.image, second.size, predicted, self.reference, FROM_PREDICTION)
        if registration is None:
            return None
        center = hg.apply(registration.map_from_px, second.size.center_px)[0]
        moved = center - hg.apply(predicted, second.size.center_px)[0]
        view = view_of_placement(predicted, second.size)
        odds = confidence.log_odds(registration) - 0.25 * float(np.sum(moved**2)) / sigma_m**2
        odds = min(odds, most)
        if odds <= 0:
            return None
        return Fix(key, Candidate(view, center, registration.ncc, 0.0), registration, odds)
