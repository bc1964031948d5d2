"""What frames that a user placed say about the others, before those are searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization.agreement import MAX_SPEED_MPS
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.controls import Seed
from rs_copilot.localization.follow import Follower
from rs_copilot.localization.keyframes import Keyframe, Recording
from rs_copilot.localization.path import LOOK_BACK, Fix
from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray

# A window is so many standard deviations wide, and at least this share of the frame's width.
REACH_SIGMA = 4.0
LEAST_REACH_SHARE = 0.25


@dataclass(frozen=True)
class Seeds:
    """Frames that are known to lie somewhere, and the motion from them."""

    recording: Recording
    placed: Sequence[Seed] = ()

    def window(self, keyframe: Keyframe, bounds_m: Bounds) -> Bounds:
        """Where the centre of a keyframe of a video can lie, within bounds; the bounds where nothing is said.

        Along unbroken motion it lies where that leads, with its drift; across a cut it is no farther from
        a known place than an aircraft flies. Separate photos may have been taken hours apart.
        """
        if not self.placed or not self.recording.chain.is_moving:
            return bounds_m
        seed = min(self.placed, key=lambda other: abs(other.visit - keyframe.visit))
        predicted = self._predicted(seed, keyframe)
        if predicted is not None:
            center, reach_m = self._along(seed, keyframe, predicted)
        else:
            center, reach_m = self._flown(seed, keyframe)
        low, high = np.maximum(center - reach_m, bounds_m[:2]), np.minimum(center + reach_m, bounds_m[2:])
        if (low >= high).any():
            return bounds_m
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def fixes(self, follower: Follower) -> dict[int, list[Fix]]:
        """The keyframes next to each seed that register where motion from it leads, one on either side."""
        found: dict[int, list[Fix]] = {}
        for seed in self.placed:
            keys = range(len(self.recording.keyframes))
            before = [key for key in keys if self.recording.keyframes[key].visit <= seed.visit][::-1]
            after = [key for key in keys if self.recording.keyframes[key].visit > seed.visit]
            for side in (before, after):
                tried = (self._registered(seed, key, follower) for key in side[:LOOK_BACK])
                fix = next((fix for fix in tried if fix is not None), None)
                if fix is not None:
                    found.setdefault(fix.key, []).append(fix)
        return found

    def _registered(self, seed: Seed, key: int, follower: Follower) -> Fix | None:
        keyframe = self.recording.keyframes[key]
        predicted = self._predicted(seed, keyframe)
        if predicted is None:
            return None
        return follower.registered(
            key, predicted, 2.0 + self._sigma_m(seed, keyframe, predicted), confidence.MAX_LOG_ODDS
        )

    def _predicted(self, seed: Seed, keyframe: Keyframe) -> FloatArray | None:
        place = self.recording.chain.predict(seed.map_from_px, seed.visit, keyframe.visit)
        if place is None or not hg.is_plausible(place, keyframe.size):
            return None
        return hg.orient(place, keyframe.size)

    @staticmethod
    def _sigma_m(seed: Seed, keyframe: Keyframe, predicted: FloatArray) -> float:
        width_m = view_of_placement(predicted, keyframe.size).width_m
        return float(np.hypot(seed.sigma_m, Chain.drift_m(abs(keyframe.visit - seed.visit), width_m)))

    def _along(self, seed: Seed, keyframe: Keyframe, predicted: FloatArray) -> tuple[FloatArray, float]:
        width_m = view_of_placement(predicted, keyframe.size).width_m
        reach_m = REACH_SIGMA * self._sigma_m(seed, keyframe, predicted) + LEAST_REACH_SHARE * width_m
        return np.asarray(hg.apply(predicted, keyframe.size.center_px)[0]), reach_m

    def _flown(self, seed: Seed, keyframe: Keyframe) -> tuple[FloatArray, float]:
        visits, size = self.recording.visits, self.recording.visits[seed.visit].size
        seconds = abs(visits[keyframe.visit].time_s - visits[seed.visit].time_s)
        width_m = view_of_placement(seed.map_from_px, size).width_m
        center = hg.apply(hg.orient(seed.map_from_px, size), size.center_px)[0]
        return np.asarray(center), MAX_SPEED_MPS * seconds + 2.0 * width_m
