"""Do the places of a clip's keyframes fit together, and which of them stand?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.keyframes import Keyframe, Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray

MAX_SPEED_MPS = 35.0


@dataclass(frozen=True)
class Agreement:
    """Compares places with the motion between their keyframes."""

    recording: Recording

    @property
    def _chain(self) -> Chain:
        return self.recording.chain

    def disagreement(self, before: Fix, after: Fix) -> float:
        """Squared disagreement of two fixes with the motion between them, in standard deviations."""
        first, second = self.recording.keyframes[before.key], self.recording.keyframes[after.key]
        width_m = view_of_placement(before.registration.map_from_px, first.size).width_m
        places = [_center(before, first), _center(after, second)]
        predicted = self._chain.predict(before.registration.map_from_px, first.visit, second.visit)
        if predicted is not None and hg.is_plausible(predicted, second.size):
            expected = hg.apply(hg.orient(predicted, second.size), second.size.center_px)[0]
            sigma = 2.0 + Chain.drift_m(second.visit - first.visit, width_m)
            return float(np.sum((places[1] - expected) ** 2) / (2 * sigma**2))
        seconds = abs(self.recording.visits[second.visit].time_s - self.recording.visits[first.visit].time_s)
        if not self._chain.is_moving:
            return float("nan")
        excess = max(0.0, float(np.linalg.norm(places[1] - places[0])) - MAX_SPEED_MPS * seconds - width_m)
        return (excess / width_m) ** 2

    def supported(self, path: Sequence[Fix]) -> list[Fix]:
        """Fixes of the path that stand by their own evidence or by that of agreeing neighbours."""
        kept = []
        for position, fix in enumerate(path):
            around = [path[i] for i in (position - 1, position + 1) if 0 <= i < len(path)]
            agreeing = [n for n in around if self._agree(n, fix)]
            odds = fix.log_odds + sum(float(np.clip(0.5 * n.log_odds, 0.0, 2.0)) for n in agreeing)
            if odds > 0:
                kept.append(replace(fix, log_odds=min(odds, confidence.MAX_LOG_ODDS)))
        return kept

    def _agree(self, one: Fix, other: Fix) -> bool:
        before, after = sorted((one, other), key=lambda fix: fix.key)
        value = self.disagreement(before, after)
        return bool(value < 4.0) and self._chain.connected(
            self.recording.keyframes[before.key].visit, self.recording.keyframes[after.key].visit
        )


def _center(fix: Fix, keyframe: Keyframe) -> FloatArray:
    return np.asarray(hg.apply(fix.registration.map_from_px, keyframe.size.center_px)[0])
