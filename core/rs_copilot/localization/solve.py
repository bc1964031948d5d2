"""From keyframes to the fixes that the whole clip supports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np

from rs_copilot.geo.crs import from_lonlat
from rs_copilot.localization import confidence
from rs_copilot.localization.agreement import Agreement
from rs_copilot.localization.allowance import Allowance
from rs_copilot.localization.assumptions import Assumptions, Calibration, turned_views
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.controls import Seed
from rs_copilot.localization.field_look import FieldMap
from rs_copilot.localization.flight import Flight, Seen
from rs_copilot.localization.follow import Follower
from rs_copilot.localization.keyframes import Keyframe, Recording
from rs_copilot.localization.matched import Register
from rs_copilot.localization.path import Fix, best_path
from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.register import FROM_PREDICTION, register
from rs_copilot.localization.search import Candidate, Region, coarse_gsd_m, search, search_regions
from rs_copilot.localization.seeds import Seeds
from rs_copilot.localization.sweep import CoarseMap
from rs_copilot.localization.view import View

CANDIDATES = 5
# Share of the progress that the search takes; following the clip takes the rest.
SEARCH_SHARE = 0.8
# A fix is trusted to teach the clip's scale and heading from these log-odds on.
TRUSTED = 3.0
# A place that is more likely right than not is shown, motion carries it to other keyframes, and headings that
# contradict telemetry are not tried any more.
LIKELY = 1.0
# Trying all headings or scales is expensive: on a map of another place it would be spent on every keyframe.
MAX_WIDE_TRIALS = 6
MAX_WIDE_FLIGHT_TRIALS = 3
# Separate photos do not wait for each other. What one teaches serves those after.
PHOTOS_AT_ONCE = 2
# Telemetry is seldom that wrong.
ANY_HEADING_COST = 1.5
# Most photos look down; those that do not have to show more.
OBLIQUE_COST = 1.0
# Windows that sit in one corner of the frame fix its place but not its scale.
MIN_SPREAD = 0.6
# A best peak that stands out by this ratio and registers well needs no comparison with the others.
CLEAR_MARGIN = 1.25
# Pixels times hypotheses that the search over a clip may cost: about 40 s on 2 cores.
SEARCH_BUDGET_PX = 4e8
MIN_SEARCHED = 3
# Hundreds of views are made to estimate one keyframe's cost; of a long clip a sample tells enough.
COST_PROBES = 16
# GPS of small UAVs with the lag between video and telemetry: 10-25 m off as a rule, so search well beyond.
GPS_RADIUS_M = 80.0

# A search that costs more looks first, and mostly only, where the gallery proposes; proposals cost little.
DEAR_PX = 2e8
# A search that costs more (a second of processor time) is spared where motion confirms another place.
SPARED_PX = 2e7
PROPOSALS_COST_PX = 2e7

Report = Callable[[float, str], None]
Propose = Callable[[Keyframe, Sequence[View]], list[Region]]


@dataclass
class Solver:
    """Search, choose, and fill in the keyframes of one clip.

    ``known`` are places that a user gave; ``candidates`` keeps, per keyframe, every place that was
    considered, and ``judged`` what each registered to, as judged without its neighbours; ``searches`` and
    ``searched_px`` (pixels times views) count the work that was done.
    """

    recording: Recording
    coarse: CoarseMap
    assumptions: Assumptions
    bounds_m: Bounds
    use_position: bool
    report: Report
    on_fix: Callable[[Fix], None]
    propose: Propose | None = None
    verify: Register = register
    fields: FieldMap | None = None
    known: Sequence[Seed] = ()
    calibration: Calibration = field(default_factory=Calibration)
    candidates: dict[int, list[Candidate]] = field(default_factory=dict)
    wide: Allowance = field(default_factory=Allowance)
    dear_trials: int = 0
    searches: int = 0
    searched_px: float = 0.0
    flight: Flight | None = None
    trusted: dict[int, Seen] = field(default_factory=dict)
    searched_with_flight: set[int] = field(default_factory=set)
    judged: dict[int, list[Fix]] = field(default_factory=dict)
    _heard: Lock = field(default_factory=Lock)

    @property
    def seeds(self) -> Seeds:
        """What frames with known places say about the others."""
        return Seeds(self.recording, self.known)

    @property
    def chain(self) -> Chain:
        """Motion between the visited frames."""
        return self.recording.chain

    def solve(self) -> dict[int, Fix]:
        """Fixes by keyframe number; keyframes that the evidence does not place are missing."""
        keyframes = self.recording.keyframes
        fixes = self.seeds.fixes(self.follower)
        order = self._search_order()
        at_once = 1 if self.chain.is_moving or self.propose is not None else PHOTOS_AT_ONCE
        for start in range(0, len(order), at_once):
            self.report(SEARCH_SHARE * start / len(keyframes), "Searching the map")
            some = order[start : start + at_once]
            for key, found in self._searched([k for k in some if not self._is_settled(k, fixes)]).items():
                fixes[key] = [*fixes.get(key, []), *found]
        if not self.chain.is_moving:
            fixes = self._weighed_by_flight(self._searched_again(fixes))
        agreement = Agreement(self.recording)
        path = best_path([fixes[key] for key in sorted(fixes)], agreement.disagreement)
        accepted = {fix.key: fix for fix in agreement.supported(path)}
        return self.follower.credible(self.follower.propagate(accepted))

    def search_one(self, key: int) -> list[Fix]:
        """Places of one keyframe by all that was learned before, likely ones first."""
        found = self._searched([key])[key]
        return sorted(self._weighed(found), key=lambda fix: -fix.log_odds)

    @property
    def follower(self) -> Follower:
        """Carries fixes along the motion of the clip."""
        return Follower(
            self.recording,
            self.coarse.reference,
            lambda share: self.report(SEARCH_SHARE + (1 - SEARCH_SHARE) * share, "Following the clip"),
            self.on_fix,
        )

    def _searched_again(self, fixes: dict[int, list[Fix]]) -> dict[int, list[Fix]]:
        """Separate photos that nothing convincing was found for, with what the whole flight has taught."""
        found = dict(fixes)
        for key in sorted(fixes):
            if self.flight is None or _best_odds(found[key]) >= TRUSTED or self._is_told(key):
                continue
            if key not in self.searched_with_flight:
                found[key] = found[key] + self._searched([key])[key]
            elif _best_odds(self._weighed(found[key])) <= 0 and self.wide.taken < MAX_WIDE_FLIGHT_TRIALS:
                # Not at the flight's height, perhaps: the first photos after take-off, a hill.
                self.wide.take(key)
                keyframe = self.recording.keyframes[key]
                blind = self._views(keyframe, Calibration())
                found[key] = found[key] + self._search_views(key, blind, 0.0)
        return found

    def _weighed_by_flight(self, fixes: dict[int, list[Fix]]) -> dict[int, list[Fix]]:
        return {key: self._weighed(options) for key, options in fixes.items()}

    def _weighed(self, options: list[Fix]) -> list[Fix]:
        """Fixes of one photo with what the others of the flight say about them."""
        if self.flight is None:
            return options
        weighed = []
        for fix in options:
            keyframe = self.recording.keyframes[fix.key]
            seen = Seen.of(fix.key, fix.registration.map_from_px, keyframe.size)
            support = self.flight.support(seen, _area_m2(self._region(keyframe)))
            odds = min(fix.log_odds + support, confidence.MAX_LOG_ODDS)
            weighed.append(replace(fix, log_odds=odds))
        return weighed

    def _is_told(self, key: int) -> bool:
        """Whether telemetry says how a keyframe lies, so that the flight has no views to add."""
        keyframe = self.recording.keyframes[key]
        return self.assumptions.base(keyframe.size, keyframe.telemetry) is not None

    def _search_order(self) -> list[int]:
        """Keyframes to search, spread over the clip, as many as the budget allows."""
        keyframes = self.recording.keyframes
        probes = keyframes[:: max(1, len(keyframes) // COST_PROBES)]
        cost = max((self._search_cost(keyframe) for keyframe in probes), default=0.0)
        count = int(
            np.clip(SEARCH_BUDGET_PX / max(cost, 1.0), min(MIN_SEARCHED, len(keyframes)), len(keyframes))
        )
        spread = np.unique(np.linspace(0, len(keyframes) - 1, count).round().astype(int))
        if self.chain.is_moving:
            return [int(key) for key in spread]
        return list(range(len(keyframes)))

    def _views(self, keyframe: Keyframe, calibration: Calibration) -> list[View]:
        return self.assumptions.views(keyframe.size, keyframe.telemetry, calibration, tilt=keyframe.tilt)

    def _may_be_unusual(self, key: int) -> bool:
        """Whether dear views are worth it: the usual ones found nothing yet, and it was not often tried."""
        return not self.trusted and self.wide.permits(key, MAX_WIDE_TRIALS)

    def _search_cost(self, keyframe: Keyframe) -> float:
        views = self._views(keyframe, self.calibration)
        cost = self._cost_px(keyframe, views)
        return PROPOSALS_COST_PX if self.propose is not None and cost > DEAR_PX else cost

    def _cost_px(self, keyframe: Keyframe, views: Sequence[View]) -> float:
        """Map pixels times views of a search."""
        area = _area_m2(self._region(keyframe))
        return float(sum(area / coarse_gsd_m(view, self.coarse.reference, len(views)) ** 2 for view in views))

    def _is_settled(self, key: int, fixes: dict[int, list[Fix]]) -> bool:
        """Whether a search can be spared: motion brings a place here that is trusted or fits here too."""
        keyframe = self.recording.keyframes[key]
        near = [
            fix
            for options in fixes.values()
            for fix in options
            if fix.log_odds >= LIKELY
            and self.chain.connected(self.recording.keyframes[fix.key].visit, keyframe.visit)
        ]
        if not near:
            return False
        dear = self._cost_px(keyframe, self._views(keyframe, self.calibration)) > SPARED_PX
        if not dear and self._is_told(key):
            return False
        if any(fix.log_odds >= 2 * TRUSTED for fix in near):
            return True
        return dear and any(fix.log_odds + self._carried_odds(fix, key) >= 2 * TRUSTED for fix in near)

    def _carried_odds(self, fix: Fix, key: int) -> float:
        """Log-odds of what a keyframe shows where motion from a place says that it is."""
        keyframe = self.recording.keyframes[key]
        predicted = self.follower.predicted(fix, key)
        if predicted is None:
            return -confidence.MAX_LOG_ODDS
        found = register(keyframe.image, keyframe.size, predicted, self.coarse.reference, FROM_PREDICTION)
        return -confidence.MAX_LOG_ODDS if found is None else confidence.log_odds(found)

    def _region(self, keyframe: Keyframe) -> Bounds:
        """The part of the map to search: all of it, or around the telemetry's position."""
        bounds_m = self.seeds.window(keyframe, self.bounds_m)
        west, south, east, north = bounds_m
        telemetry = keyframe.telemetry if self.use_position and bounds_m == self.bounds_m else None
        if telemetry is None or telemetry.position is None:
            return bounds_m
        x, y = from_lonlat(telemetry.position, self.coarse.reference.crs)
        # The camera looks ahead of itself by up to the height over the tangent of the pitch.
        height = self.assumptions.height_m(telemetry) or 0.0
        depression = np.radians(np.clip(-(telemetry.pitch_deg or -90.0), 15.0, 90.0))
        radius = GPS_RADIUS_M + height / np.tan(depression)
        return max(west, x - radius), max(south, y - radius), min(east, x + radius), min(north, y + radius)

    def _searched(self, keys: Sequence[int]) -> dict[int, list[Fix]]:
        """Search keyframes at the same time; afterwards what was found teaches, in their order."""
        self.wide.share(keys)
        if self.flight is not None:
            self.searched_with_flight.update(keys)
        with ThreadPoolExecutor(PHOTOS_AT_ONCE) as pool:
            found = dict(zip(keys, pool.map(self._search, keys), strict=True))
        for fixes in found.values():
            best = max(fixes, key=lambda fix: fix.log_odds, default=None)
            if best is not None and best.log_odds >= TRUSTED:
                self.learn(best)
        return found

    def _search(self, key: int) -> list[Fix]:
        """Search one keyframe, with wider assumptions as long as nothing convincing turns up."""
        fixes: list[Fix] = []
        for some in self._tries(key):
            fixes += some
            best = max(fixes, key=lambda fix: fix.log_odds, default=None)
            if best is not None and best.log_odds >= LIKELY:
                with self._heard:
                    self.on_fix(best)
                if best.log_odds >= TRUSTED:
                    break
        return fixes

    def _tries(self, key: int) -> Iterator[list[Fix]]:
        """Fixes of ever wider searches; the gallery's proposals first where searching everything is dear."""
        keyframe = self.recording.keyframes[key]
        base = self.assumptions.base(keyframe.size, keyframe.telemetry)
        regions: list[Region] | None = None
        for views, cost in self._widening(key, base):
            if regions is None and self.propose is not None:
                regions = self.propose(keyframe, views)
                if self._cost_px(keyframe, views) > DEAR_PX:
                    found = search_regions(
                        keyframe.image, regions, self.coarse, count=CANDIDATES, fields=self.fields
                    )
                    yield self._registered(key, found, views, cost)
                    self.dear_trials += 1
                    if self.dear_trials > MIN_SEARCHED:
                        return
            yield self._search_views(key, views, cost)

    def learn(self, fix: Fix) -> None:
        """Let a trusted fix teach the scale and heading of the clip, and the habits of the flight."""
        if fix.registration.spread < MIN_SPREAD:
            return
        keyframe = self.recording.keyframes[fix.key]
        size, base = keyframe.size, self.assumptions.base(keyframe.size, keyframe.telemetry)
        self.calibration.learn(base, fix.registration.map_from_px, size)
        if not self.chain.is_moving:
            self.trusted[fix.key] = Seen.of(fix.key, fix.registration.map_from_px, size)
            self.flight = Flight.learn(list(self.trusted.values()))

    def _widening(self, key: int, base: View | None) -> Iterator[tuple[list[View], float]]:
        """Views to try in turn, and what each set costs in log-odds: as learned, as told, any heading."""
        keyframe = self.recording.keyframes[key]
        if base is None and self.flight is not None:
            yaws = self.assumptions.known_yaws_deg(keyframe.telemetry)
            yield self.flight.views(keyframe.size, yaws), 0.0
            yield self.flight.wider_views(keyframe.size, yaws), 0.0
            return
        yield self._views(keyframe, self.calibration), 0.0
        if base is None:
            if self.calibration.width_m is not None and self.wide.permits(key, MAX_WIDE_TRIALS):
                self.wide.take(key)
                yield self._views(keyframe, Calibration()), 0.0
            narrow = self.assumptions.narrow_views(keyframe.size, keyframe.tilt)
            if narrow and self._may_be_unusual(key):
                self.wide.take(key)
                yield narrow, 0.0
            oblique = self.assumptions.oblique_views(keyframe.size)
            if (
                keyframe.tilt is None
                and self._may_be_unusual(key)
                and self._cost_px(keyframe, oblique) < DEAR_PX
            ):
                self.wide.take(key)
                yield oblique, OBLIQUE_COST
            return
        if self.calibration.is_known:
            # What the clip taught may not hold here: another height above ground, a wide turn.
            yield self._views(keyframe, Calibration()), 0.0
        turned = turned_views(base.turned(0.0, self.calibration.scale))
        if _best_odds(self.judged.get(key, [])) >= LIKELY:
            return
        permitted = self.wide.permits(key, MAX_WIDE_TRIALS)
        if permitted and self._cost_px(keyframe, turned) < SEARCH_BUDGET_PX:
            self.wide.take(key)
            yield turned, ANY_HEADING_COST

    def _search_views(self, key: int, views: Sequence[View], cost: float) -> list[Fix]:
        keyframe = self.recording.keyframes[key]
        with self._heard:
            self.searches += 1
            self.searched_px += self._cost_px(keyframe, views)
        region = self._region(keyframe)
        found = search(keyframe.image, views, self.coarse, region, count=CANDIDATES, fields=self.fields)
        return self._registered(key, found, views, cost)

    def _registered(
        self, key: int, found: Sequence[Candidate], views: Sequence[View], cost: float
    ) -> list[Fix]:
        """What candidates register to; ``views`` are all that were tried to find them."""
        keyframe = self.recording.keyframes[key]
        image, region = keyframe.image, self._region(keyframe)
        self.candidates[key] = sorted([*self.candidates.get(key, []), *found], key=lambda c: -c.height)
        trials = sum(_area_m2(region) / view.width_m**2 for view in views)
        fixes = []
        for candidate in found:
            if not confidence.may_convince(candidate, trials):
                continue
            registration = self.verify(image, keyframe.size, candidate.map_from_px, self.coarse.reference)
            if registration is not None:
                odds = confidence.found_log_odds(registration, candidate, trials) - cost
                fixes.append(Fix(key, candidate, registration, odds, trials))
                if odds >= TRUSTED and candidate.margin >= CLEAR_MARGIN:
                    break
        self.judged.setdefault(key, []).extend(fixes)
        return fixes


def _best_odds(fixes: Sequence[Fix]) -> float:
    return max((fix.log_odds for fix in fixes), default=-confidence.MAX_LOG_ODDS)


def _area_m2(bounds: Bounds) -> float:
    west, south, east, north = bounds
    return max(east - west, 1.0) * max(north - south, 1.0)
