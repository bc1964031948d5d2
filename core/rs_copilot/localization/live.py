"""A clip as it comes: every frame placed by what was seen up to it, and never placed again.

The keyframes of a clip as a whole are solved together (`solve`); here they are filtered forwards. What a
search finds are hypotheses. Motion carries them to the next keyframe, which confirms them or not, and a
frame is placed by the likeliest one once that is likely enough. Frames before the first fix stay unlocated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization import placements as placing
from rs_copilot.localization.allowance import Allowance
from rs_copilot.localization.cameras import CameraFinder
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.follow import MISSED_COST
from rs_copilot.localization.keyframes import Recorder, Recording
from rs_copilot.localization.path import LOOK_BACK, MAX_PENALTY, Fix
from rs_copilot.localization.placements import Anchor
from rs_copilot.localization.relief_clip import Anchored, ReliefClip
from rs_copilot.localization.search_area import WANDER, SearchArea, Spot, area_now
from rs_copilot.localization.solve import LIKELY, SEARCH_BUDGET_PX, TRUSTED, Solver
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, Frame, FrameStatus, Placement
from rs_copilot.vector.build import center_xy

# So many places are followed at a time; those that nothing supports are dropped.
MAX_HYPOTHESES = 4
# Searching may take about as long as the clip lasts since its place was lost, and this much longer. Work is
# counted, not timed: a first look's pixels (40 s of two cores are the budget of a clip), then closer looks.
SEARCH_PX_PER_S = SEARCH_BUDGET_PX / 40.0
CLOSER_LOOKS_S = 2.0
PATIENCE_S = 6.0
# What long agreement is worth when keyframes no longer register: water or a wood of some seconds is bridged.
MOST_KEPT = 3 * confidence.MAX_LOG_ODDS
# A place that was missed so often in a row is looked for again.
MISSED_OFTEN = 2
# A search that finds a place which motion brings here too adds half of its odds, at most so many.
MAX_AGREED = 2.0
AGREEMENT_SIGMA = 2.0
# The usual way from frame to frame is that of so many last ones.
STEPS_KEPT = 50


@dataclass(frozen=True)
class Hypothesis:
    """One way along the map: fixes of the last keyframes that registered on it, and how likely it is right.

    ``anchor`` is the last of them after filtering, ``seen_m`` where the image centres of them lie.
    """

    fixes: tuple[Fix, ...]
    anchor: Anchor
    log_odds: float
    seen_m: tuple[FloatArray, ...]

    @property
    def filtered(self) -> Fix:
        """The last fix at its filtered place."""
        last = self.fixes[-1]
        place = self.anchor.smoothed.map_from_px
        return replace(last, registration=replace(last.registration, map_from_px=place))

    @property
    def is_confirmed(self) -> bool:
        """Whether a second keyframe registered where motion from the first said."""
        return len(self.fixes) > 1


@dataclass(frozen=True)
class LivePlace:
    """What is known of a frame when it is shown: its place, or where it may be."""

    placement: Placement
    areas: list[SearchArea]


@dataclass
class LiveLocator:
    """Places frames one by one; what it says of one depends neither on later ones nor on the clock.

    ``recorder`` takes the frames in, ``solver`` searches the map and learns from past frames only,
    ``cameras`` adds camera positions, ``relief`` lays frames over the terrain where that is known;
    ``moving`` is whether neighbouring frames overlap (a video).
    """

    recorder: Recorder
    solver: Solver
    cameras: CameraFinder
    relief: ReliefClip | None
    moving: bool
    hypotheses: list[Hypothesis] = field(default_factory=list)
    _over_terrain: Anchored | None = None
    _last_placed: tuple[int, Placement] | None = None
    _steps_m: deque[float] = field(default_factory=lambda: deque(maxlen=STEPS_KEPT))
    _lost_s: float = 0.0
    _spent_s: float = 0.0

    @property
    def _recording(self) -> Recording:
        return self.recorder.recording

    def add(self, frame: Frame) -> LivePlace:
        """Place the next frame."""
        if self.recorder.add(frame):
            self.recorder.settle_last()
            self._hear(len(self._recording.keyframes) - 1)
        number = len(self._recording.visits) - 1
        placement = self._place(number)
        if placement.status is not FrameStatus.UNLOCATED:
            self._remember(number, placement)
            return LivePlace(placement, [])
        bounds_m = self.solver.coarse.reference.bounds_m
        spots = self._neighbours(number)
        return LivePlace(placement, area_now(self._recording, self.solver.judged, number, spots, bounds_m))

    def _place(self, number: int) -> Placement:
        best = self._shown()
        placement = placing.place_visit(self._recording, number, [] if best is None else [best])
        placement = self.cameras.complete(number, placement)
        if self.relief is None or self._over_terrain is None or placement.status is FrameStatus.UNLOCATED:
            return placement
        return self.relief.placed(placement, number, [self._over_terrain])

    def _shown(self) -> Anchor | None:
        """The anchor of the likeliest hypothesis, with its odds against the others and against none."""
        if not self.hypotheses:
            return None
        best, *rivals = self.hypotheses
        against = float(np.log1p(sum(np.exp(rival.log_odds) for rival in rivals)))
        odds = min(best.log_odds, confidence.MAX_LOG_ODDS) - against
        # Nothing that comes later can take a shown place back: a first fix of a video, which the next
        # keyframe will confirm or not, must be sure by itself.
        needed = LIKELY if best.is_confirmed or not self.moving else TRUSTED
        return replace(best.anchor, log_odds=odds) if odds >= needed else None

    def _hear(self, key: int) -> None:
        """Let a new keyframe confirm, weaken or end what was believed; search where that is not enough."""
        was_likely = any(one.log_odds >= LIKELY for one in self.hypotheses)
        self.hypotheses = _best([new for one in self.hypotheses if (new := self._carried(one, key))])
        now_s = self._recording.visits[self._recording.keyframes[key].visit].time_s
        if was_likely and not self.hypotheses:
            self._lost_s, self._spent_s = now_s, 0.0
        if self._is_search_due(key, now_s):
            before = self._work_s
            self.hypotheses = _best(self._joined(self.solver.search_one(key), key))
            self._spent_s += self._work_s - before
        best = self.hypotheses[0] if self.hypotheses else None
        if best is None or best.log_odds < TRUSTED or best.fixes[-1].key != key:
            return
        self.solver.wide = Allowance()
        if best.is_confirmed:
            self.solver.learn(best.filtered)
        if self.relief is not None:
            self._over_terrain = self.relief.anchored(self._recording.keyframes[key], best.fixes[-1])

    def _is_search_due(self, key: int, now_s: float) -> bool:
        """Whether nothing is sure yet, and searching has not taken longer than a stream can wait."""
        best = self.hypotheses[0] if self.hypotheses else None
        if best is not None and best.log_odds >= 2 * TRUSTED and key - best.fixes[-1].key < MISSED_OFTEN:
            return False
        if not self.moving:
            return True
        return self._spent_s <= now_s - self._lost_s + PATIENCE_S

    @property
    def _work_s(self) -> float:
        """About how many seconds all searches so far would take two idle cores."""
        return self.solver.searches * CLOSER_LOOKS_S + self.solver.searched_px / SEARCH_PX_PER_S

    def _carried(self, one: Hypothesis, key: int) -> Hypothesis | None:
        """A hypothesis after one more keyframe; ``None`` across a break, or where too much contradicts it."""
        last, follower = one.filtered, self.solver.follower
        if follower.predicted(last, key) is None:
            return None
        found = follower.from_prediction(last, key)
        if found is not None:
            return self._with(one, found)
        missed = MISSED_COST if follower.should_register(last, key) else 0.0
        weaker = replace(one, log_odds=one.log_odds - missed)
        return weaker if weaker.log_odds > 0 else None

    def _with(self, one: Hypothesis, fix: Fix) -> Hypothesis:
        """One more fix: filtered with those before, its evidence counts as far as it shows new ground."""
        fixes = (*one.fixes, fix)[-LOOK_BACK:]
        anchor = placing.anchors(self._recording, {item.key: item for item in fixes})[-1]
        center, width_m = self._center(fix), fix.candidate.view.width_m
        new = min(1.0, min(float(np.linalg.norm(center - other)) for other in one.seen_m) / width_m)
        odds = min(one.log_odds + new * max(fix.log_odds, 0.0), MOST_KEPT)
        return Hypothesis(fixes, anchor, odds, (*one.seen_m, center)[-LOOK_BACK:])

    def _joined(self, found: Sequence[Fix], key: int) -> list[Hypothesis]:
        """Hypotheses with what a search found: where they predict it, support; elsewhere a rival."""
        joined = list(self.hypotheses)
        for number, one in enumerate(self.hypotheses):
            agreeing = next((fix for fix in found if self._agrees(one, fix, key)), None)
            if agreeing is None:
                joined[number] = _contradicted(one, found, key)
            elif one.fixes[-1].key == key:
                more = float(np.clip(0.5 * agreeing.log_odds, 0.0, MAX_AGREED))
                joined[number] = replace(one, log_odds=min(one.log_odds + more, MOST_KEPT))
            else:
                joined[number] = self._with(one, agreeing)
        for fix in found:
            if not any(self._agrees(one, fix, key) for one in joined):
                anchor = placing.anchors(self._recording, {fix.key: fix})[0]
                joined.append(Hypothesis((fix,), anchor, fix.log_odds, (self._center(fix),)))
        return joined

    def _agrees(self, one: Hypothesis, fix: Fix, key: int) -> bool:
        """Whether a found place is where a hypothesis says that the keyframe lies."""
        last, here = one.fixes[-1], self._recording.keyframes[key]
        predicted: FloatArray | None = one.anchor.smoothed.map_from_px
        if last.key != key:
            predicted = self.solver.follower.predicted(one.filtered, key)
        if predicted is None:
            return False
        apart = hg.apply(predicted, here.size.center_px)[0] - self._center(fix)
        steps = here.visit - one.anchor.visit
        sigma_m = 2.0 + Chain.drift_m(steps, view_of_placement(predicted, here.size).width_m)
        return bool(np.linalg.norm(apart) <= AGREEMENT_SIGMA * sigma_m)

    def _center(self, fix: Fix) -> FloatArray:
        size = self._recording.keyframes[fix.key].size
        return np.asarray(hg.apply(fix.registration.map_from_px, size.center_px)[0])

    def _remember(self, number: int, placement: Placement) -> None:
        """Keep the last placed frame, and how far the view moves from one to the next."""
        if self._last_placed is not None:
            before, last = self._last_placed
            here, there = center_xy(placement), center_xy(last)
            if here is not None and there is not None:
                self._steps_m.append(float(np.linalg.norm(here - there)) / (number - before))
        self._last_placed = number, placement

    def _neighbours(self, number: int) -> list[Spot]:
        """Where the last placed frame says that a later one may be."""
        if self._last_placed is None:
            return []
        before, last = self._last_placed
        center = center_xy(last)
        if center is None or last.map_from_px is None or last.size is None:
            return []
        step_m = float(np.median(self._steps_m)) if self._steps_m else 0.0
        width_m = view_of_placement(last.map_from_px, last.size).width_m
        return [Spot(center, max(WANDER * step_m * (number - before), width_m / 4))]


def _contradicted(one: Hypothesis, found: Sequence[Fix], key: int) -> Hypothesis:
    """A hypothesis that a search did not confirm; where it did not register either, a rival weighs more."""
    if one.fixes[-1].key == key or not found:
        return one
    rival = float(np.clip(found[0].log_odds, 0.0, MAX_PENALTY))
    return replace(one, log_odds=one.log_odds - rival)


def _best(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The likeliest ones that are still open, likeliest first."""
    likely = sorted((one for one in hypotheses if one.log_odds > 0), key=lambda one: -one.log_odds)
    return likely[:MAX_HYPOTHESES]
