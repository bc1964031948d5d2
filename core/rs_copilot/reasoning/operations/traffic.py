"""Operations about what goes from one zone to another."""

from __future__ import annotations

import numpy as np
import shapely

from rs_copilot.reasoning.fragments import velocity
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import near_to, one, watched
from rs_copilot.reasoning.operations.table import operation
from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Sort, Things
from rs_copilot.types import FloatArray

# For how many seconds paths are drawn on to see where something came from and went to, and how far that is to
# be trusted.
FASTEST_MPS = 40.0
# Two tracks may be one vehicle after so many seconds without it, where the way between needs no less and no
# more than these shares of its speeds, and it drives towards the other (cosine). How far that is trusted.
AWAY_S, DRIVES_MPS, SLOWEST, FASTEST, TOWARDS, LINKED = 20.0, 2.0, 0.5, 1.4, 0.5, 0.5
STRETCHES = ((0.0, 1.0), (2.0, 0.8), (6.0, 0.6))


@operation(gives=Sort.THINGS, of=Sort.THINGS, start=Sort.THINGS, end=Sort.THINGS)
def goes(memory: Memory, of: Things, start: Things, end: Things) -> Finding:
    """Those that were in one zone and later in another.

    Raises:
        CannotTell: no frame sees one of the zones.
    """
    return _gone(memory, of, (one(start, "zone"), one(end, "zone")), 0.0)


def _gone(memory: Memory, of: Things, zones: tuple[Thing, Thing], stretch_s: float) -> Finding:
    """What was in the first zone and later in the second; paths may be drawn on at their ends."""
    shares = [watched(memory, of, zone) for zone in zones]
    kept = []
    # Nothing that drives gets farther than that beyond its path.
    reach_m = FASTEST_MPS * stretch_s
    both = set(near_to(of, zones[0].shape, reach_m)) & set(near_to(of, zones[1].shape, reach_m))
    for item in (of[number] for number in sorted(both)):
        if item.path is None:
            continue
        xy = item.path.xy_m if stretch_s == 0.0 else stretched(item.path, stretch_s)
        left, came = (np.flatnonzero(shapely.contains_xy(zone.shape, xy[:, 0], xy[:, 1])) for zone in zones)
        if len(left) and len(came) and left[0] < came[-1]:
            kept.append(item)
    evidence = (*showing.all_of(zones), *showing.all_of(tuple(kept)))
    sure = 0.9 * min(share for share, _ in shares)
    return Finding(tuple(kept), sure, evidence, (*shares[0][1], *shares[1][1]))


def stretched(path: Path, seconds: float) -> FloatArray:
    """Places of a path (N, 2), drawn on straight before its first and after its last one."""
    steps = np.linspace(0.25, seconds, max(2, round(seconds / 0.25)))[:, None]
    start, end = path.within(-np.inf, path.span_s[0] + 1.0), path.within(path.span_s[1] - 1.0, np.inf)
    before, after = path.xy_m[:0], path.xy_m[:0]
    if start is not None and len(start.times_s) > 1:
        pace = (start.xy_m[-1] - start.xy_m[0]) / (start.times_s[-1] - start.times_s[0])
        before = (path.xy_m[0] - pace * steps)[::-1]
    if end is not None and len(end.times_s) > 1:
        pace = (end.xy_m[-1] - end.xy_m[0]) / (end.times_s[-1] - end.times_s[0])
        after = path.xy_m[-1] + pace * steps
    return np.concatenate([before, path.xy_m, after])


@operation(gives=Sort.THINGS, cost=5, of=Sort.THINGS, start=Sort.THINGS, to=Sort.THINGS)
def flow(memory: Memory, of: Things, start: Things, to: Things) -> Finding:
    """Which of several zones most things went to from another."""
    source = one(start, "zone")
    zones = tuple(zone for zone in to if _is_watched(memory, of, zone))
    if not zones and to:
        watched(memory, of, to[0])
    # Tracking begins after something came into view and ends when it stops: where no path reaches from zone
    # to zone as it is, those that would when drawn on tell, too.
    for stretch_s, trust in STRETCHES:
        found = [_gone(memory, of, (source, zone), stretch_s) for zone in zones]
        counts = np.array([len(item.value) if isinstance(item.value, tuple) else 0 for item in found])
        if counts.any():
            best = int(np.argmax(counts))
            rest = np.delete(counts, best)
            second = int(rest.max()) if len(rest) else 0
            sure = (counts[best] + 0.5) / (counts[best] + second + 1.0) if second else 0.95
            return Finding((zones[best],), trust * float(sure), found[best].evidence, found[best].notes)
    linked = [_linked(of, source, zone) for zone in zones]
    reached = [number for number, pair in enumerate(linked) if pair is not None]
    if len(reached) == 1 and (pair := linked[reached[0]]) is not None:
        says = f"{showing.describe(pair[0])}, out of view after that, may be {showing.describe(pair[1])}"
        evidence = (*showing.all_of((source, zones[reached[0]], *pair)),)
        return Finding((zones[reached[0]],), LINKED, evidence, (f"{says[0].upper()}{says[1:]}.",))
    raise CannotTell(
        f"nothing was seen to go from {showing.describe(source)} to any of these",
        "A longer clip, or one that keeps both zones in view.", showing.all_of((source, *to)),
        is_none=len(zones) == len(to),
    )  # fmt: skip


def _linked(of: Things, start: Thing, end: Thing) -> tuple[Thing, Thing] | None:
    """Something that left a zone and something else that later came to another, as the first would have.

    The camera may have looked elsewhere while it drove: then two tracks are one vehicle, where the way
    between them fits their speeds and they go towards one another.
    """
    for first in _in(of, start):
        for second in _in(of, end):
            if first.key != second.key and _may_be_one(first.path, second.path):
                return first, second
    return None


def _in(of: Things, zone: Thing) -> list[Thing]:
    some = (of[number] for number in near_to(of, zone.shape, 0.0))
    return [
        item for item in some
        if item.path is not None and shapely.contains_xy(zone.shape, *item.path.xy_m.T).any()
    ]  # fmt: skip


def _may_be_one(first: Path | None, second: Path | None) -> bool:
    if first is None or second is None:
        return False
    gap_s = second.span_s[0] - first.span_s[1]
    if not 0.0 < gap_s <= AWAY_S:
        return False
    out, onward = velocity(first, end=True), velocity(second, end=False)
    way = second.xy_m[0] - first.xy_m[-1]
    length, speeds = float(np.hypot(*way)), (float(np.hypot(*out)), float(np.hypot(*onward)))
    if min(speeds) < DRIVES_MPS or length < 1e-6:
        return False
    goes_there = float(out @ way) > TOWARDS * speeds[0] * length
    comes_from = float(onward @ way) > TOWARDS * speeds[1] * length
    low, high = SLOWEST * min(speeds), FASTEST * max(speeds)
    return goes_there and comes_from and low <= length / gap_s <= high


def _is_watched(memory: Memory, of: Things, zone: Thing) -> bool:
    try:
        watched(memory, of, zone)
    except CannotTell:
        return False
    return True
