"""Operations that choose things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from scipy.special import ndtr

from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Sort, Things
from rs_copilot.reasoning.views import SIGMAS_OF_RADIUS
from rs_copilot.types import FloatArray

KINDS = tuple(kind.value for kind in Kind)
# What people call the classes that trackers and detectors know.
VEHICLES = frozenset({"vehicle", "car", "truck", "van", "bus", "small vehicle", "large vehicle"})
MOVING_MPS = 0.7
# What is more of its errors than this away from an area was not in it.
FAR_ERRORS = 3.0
# What got no farther than this may be standing: its place is not known better.
MOVED_M = 4.0
# How far from the moment of a question an event may be to be the one that is meant.
NEAR_S = 2.0
# From more places on than this one of them is too little to have been somewhere.
JUMPY = 3
# What happened farther than this from a mark did not happen there; of two events that are in question one
# second counts as so many metres.
AT_MARK_M, SECOND_M = 12.0, 4.0
# Of a zone so much at least has to be seen to speak of what moves there, and so much to say nothing of it.
MIN_WATCHED, WHOLE_WATCHED = 0.05, 0.95


@operation(gives=Sort.THINGS, name=Sort.NAME)
def named(memory: Memory, name: str) -> Finding:
    """The thing that is called so.

    Raises:
        CannotTell: nothing is.
    """
    found = memory.named(name)
    if not found:
        raise CannotTell(
            f"nothing in this scene is called {name!r}", "Give its name as it stands in a layer, or mark it."
        )
    return Finding(
        (whole_road(found),), 1.0 if plain(name) in (plain(found[0].name), plain(found[0].key)) else 0.9
    )


def whole_road(found: list[Thing]) -> Thing:
    """The first of things that share a name; of a road that a layer has in pieces, all of it."""
    first = found[0]
    pieces = [item.shape for item in found if item.kind is Kind.ROAD and item.layer == first.layer]
    if first.kind is not Kind.ROAD or len(pieces) < 2:
        return first
    return replace(first, shape=shapely.line_merge(shapely.union_all(pieces)))


@operation(gives=Sort.THINGS, kind=Takes(Sort.WORD, words=KINDS), label=Takes(Sort.NAME, optional=True))
def things(memory: Memory, kind: str, label: str | None = None) -> Finding:
    """All things of a kind, or those of one class."""
    found = memory.by_kind[Kind(kind)]
    if label is not None:
        found = tuple(item for item in found if is_a(item, label))
    return Finding(found)


def is_a(item: Thing, label: str) -> bool:
    """Whether a thing is of a class; a vehicle may be any that a detector tells apart."""
    wanted, own = plain(label).rstrip("s"), plain(item.label).rstrip("s")
    return own == wanted or (wanted == "vehicle" and own in VEHICLES)


@operation(gives=Sort.THINGS, a=Sort.THINGS, b=Sort.THINGS)
def union(memory: Memory, a: Things, b: Things) -> Finding:  # noqa: ARG001  operations share a form
    """Things of two lists, each once."""
    return Finding(tuple({item.key: item for item in (*a, *b)}.values()))


def chance_inside(item: Thing, area: shapely.Geometry, span: tuple[float, float] | None) -> float:
    """Probability that a thing was in an area, at any moment of a span of seconds."""
    points = points_of(item, span)
    if not len(points):
        return 0.0
    shapes = shapely.points(points)
    border = (
        shapely.distance(shapes, shapely.boundary(area)) if area.area > 0 else -shapely.distance(shapes, area)
    )
    signed = np.where(shapely.contains_xy(area, points[:, 0], points[:, 1]), border, -np.abs(border))
    # One place of a path alone may be a jump.
    deepest = float(np.partition(signed, -2)[-2] if len(signed) > JUMPY else np.max(signed))
    sigma = max(item.error_m, 0.3) / SIGMAS_OF_RADIUS
    return float(ndtr(deepest / sigma))


def chances_inside(of: Things, area: shapely.Geometry, span: tuple[float, float] | None) -> FloatArray:
    """Probabilities (N,) that things were in an area; what lies far off is not looked at."""
    chances = np.zeros(len(of))
    reach_m = FAR_ERRORS * max((item.error_m for item in of), default=0.0) + 1.0
    for number in near_to(of, area, reach_m):
        chances[number] = chance_inside(of[number], area, span)
    return chances


def near_to(of: Things, area: shapely.Geometry, reach_m: float) -> list[int]:
    """Numbers of things whose bounds come within some metres of those of an area."""
    bounds = shapely.bounds(np.array([item.shape for item in of], dtype=object)).reshape(-1, 4)
    west, south, east, north = area.bounds
    apart = np.stack([west - bounds[:, 2], bounds[:, 0] - east, south - bounds[:, 3], bounds[:, 1] - north])
    return [int(number) for number in np.flatnonzero((apart <= reach_m).all(axis=0))]


def points_of(item: Thing, span: tuple[float, float] | None) -> FloatArray:
    """Where a thing was: every point of its path, or its middle. Shape (N, 2)."""
    if item.path is None:
        return item.point_xy[None]
    path = item.path if span is None else item.path.within(*span)
    return path.xy_m if path is not None else np.zeros((0, 2))


def span_of(during: Moments | None) -> tuple[float, float] | None:
    """From the first to the last of moments."""
    return None if during is None else (during.spans_s[0][0], during.spans_s[-1][1])


def one(items: Things, what: str) -> Thing:
    """The only thing that is meant.

    Raises:
        CannotTell: there is none.
    """
    if not items:
        raise CannotTell(f"there is no {what}")
    return items[0]


@operation(gives=Sort.THINGS, of=Sort.THINGS, zone=Sort.THINGS, during=Takes(Sort.MOMENTS, optional=True))
def within(memory: Memory, of: Things, zone: Things, during: Moments | None = None) -> Finding:
    """Those that were in a zone, at any time or during some.

    Raises:
        CannotTell: things that move are asked for, and no frame sees the zone.
    """
    area = one(zone, "zone")
    share, notes = watched(memory, of, area)
    chances = chances_inside(of, area.shape, span_of(during))
    kept = tuple(item for item, chance in zip(of, chances, strict=True) if chance > 0.5)
    sure = float(np.prod(np.maximum(chances, 1.0 - chances)))
    return Finding(kept, max(sure * share, 0.05), (showing.thing(area), *showing.all_of(kept)), notes)


def watched(memory: Memory, of: Things, zone: Thing) -> tuple[float, tuple[str, ...]]:
    """How far what moves in a zone can be known: a factor for the confidence, and notes.

    Raises:
        CannotTell: no frame sees any of the zone.
    """
    is_about_motion = not of or any(item.path is not None or item.time_s is not None for item in of)
    if not is_about_motion or not len(memory.views):
        return 1.0, ()
    if zone.shape.area == 0.0:
        share = float(memory.views.ground.intersects(zone.shape))
    else:
        share = float(memory.views.ground.intersection(zone.shape).area / zone.shape.area)
    name = showing.describe(zone)
    if share < MIN_WATCHED:
        raise CannotTell(
            f"{name} is in no frame of the clip", f"A pass over {name} would show what moves there.",
            (showing.thing(zone),),
        )  # fmt: skip
    partly = f"Only {100 * share:.0f} % of {name} is ever in view."
    return 0.6 + 0.4 * share, (partly,) if share < WHOLE_WATCHED else ()


@operation(gives=Sort.THINGS, of=Sort.THINGS, to=Sort.THINGS, radius=Sort.METRES)
def near(memory: Memory, of: Things, to: Things, radius: float) -> Finding:
    """Those that were within some metres of a place."""
    place = one(to, "place")
    around = replace(place, shape=place.shape.buffer(radius))
    share, notes = watched(memory, of, around)
    chances = chances_inside(of, around.shape, None)
    kept = tuple(
        item for item, chance in zip(of, chances, strict=True) if item.key != place.key and chance > 0.5
    )
    return Finding(kept, share, (showing.thing(place), *showing.all_of(kept)), notes)


@operation(gives=Sort.THINGS, of=Sort.THINGS, a=Sort.THINGS, b=Sort.THINGS)
def between(memory: Memory, of: Things, a: Things, b: Things) -> Finding:  # noqa: ARG001
    """Those that lie between two places: nearer to the line between them than a quarter of its length."""
    start, end = one(a, "place").point_xy, one(b, "place").point_xy
    step = end - start
    length = float(np.hypot(*step)) or 1.0

    def is_between(item: Thing) -> bool:
        offset = points_of(item, None) - start
        along = offset @ step / length**2
        across = np.abs(offset @ np.array([-step[1], step[0]])) / length
        return bool(((along > 0) & (along < 1) & (across < 0.25 * length)).any())

    kept = tuple(item for item in of if item.key not in (a[0].key, b[0].key) and is_between(item))
    return Finding(kept, 0.95, (showing.line(start, end, "between"), *showing.all_of(kept)))


@operation(gives=Sort.THINGS, of=Sort.THINGS, during=Sort.MOMENTS)
def followed(memory: Memory, of: Things, during: Moments) -> Finding:  # noqa: ARG001
    """Those that were followed during some time."""
    start_s, end_s = span_of(during) or (0.0, 0.0)
    kept = tuple(
        item for item in of if item.path is not None and item.path.within(start_s, end_s) is not None
    )
    return Finding(kept, 0.9, showing.all_of(kept))


@operation(gives=Sort.THINGS, of=Sort.THINGS, min_speed=Takes(Sort.SPEED, optional=True))
def moving(memory: Memory, of: Things, min_speed: float | None = None) -> Finding:  # noqa: ARG001
    """Those that moved, or moved faster than some speed on average."""
    least = MOVING_MPS if min_speed is None else min_speed
    kept = tuple(item for item in of if mean_speed_mps(item) >= least and went_m(item) >= MOVED_M)
    return Finding(kept, 1.0, showing.all_of(kept))


def mean_speed_mps(item: Thing) -> float:
    """Length of its path by the time it took; 0 for what has none.

    The path is taken at every second, so that the jitter of places does not count as motion.
    """
    if item.path is None or len(item.path.times_s) < 2:
        return 0.0
    start_s, end_s = item.path.span_s
    times = np.linspace(start_s, end_s, max(2, round(end_s - start_s) + 1))
    xy = item.path.places(times)
    return float(np.linalg.norm(np.diff(xy, axis=0), axis=1).sum() / max(end_s - start_s, 1e-6))


def went_m(item: Thing) -> float:
    """How far a thing got from where it was, at most along one axis; 0 for what has no path."""
    return 0.0 if item.path is None else float(np.ptp(item.path.xy_m, axis=0).max())


def gaps_m(of: Things, to: Thing, at: float | None) -> FloatArray:
    """Distances of things from another, at a moment where one is given; infinite where that is not known."""
    place = to.place_at(at)
    if place is None:
        raise CannotTell(f"where {showing.describe(to)} was at {at:g} s is not known")
    found = []
    for item in of:
        xy = item.place_at(at)
        found.append(np.inf if xy is None else float(np.hypot(*(xy - place))))
    return np.array(found)


@operation(gives=Sort.THINGS, of=Sort.THINGS, to=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def nearest(memory: Memory, of: Things, to: Things, at: float | None = None) -> Finding:  # noqa: ARG001
    """The one that is nearest to a place, at some moment."""
    return _by_distance(of, to, at, 1.0)


@operation(gives=Sort.THINGS, of=Sort.THINGS, to=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def farthest(memory: Memory, of: Things, to: Things, at: float | None = None) -> Finding:  # noqa: ARG001
    """The one that is farthest from a place, at some moment."""
    return _by_distance(of, to, at, -1.0)


def _by_distance(of: Things, to: Things, at: float | None, sign: float) -> Finding:
    place = one(to, "place")
    others = tuple(item for item in of if item.key != place.key)
    one(others, "thing to compare")
    if sign > 0 and place.kind is Kind.EVENT and all(item.kind is Kind.MARK for item in others):
        return _where_it_happened(place, others)
    gaps = gaps_m(others, place, at)
    gaps = np.where(np.isfinite(gaps), gaps, sign * np.inf)
    order = np.argsort(sign * gaps)
    best = others[int(order[0])]
    if not np.isfinite(gaps[order[0]]):
        raise CannotTell("where these are at that moment is not known")
    sure = 1.0
    if len(order) > 1:
        second = others[int(order[1])]
        margin = float(abs(gaps[order[1]] - gaps[order[0]]))
        sure = chance_apart(margin, (best.error_m, second.error_m, place.error_m))
    start, end = place.place_at(at), best.place_at(at)
    shown = () if start is None or end is None else (showing.line(start, end, f"{gaps[order[0]]:.0f} m"),)
    return Finding((best,), sure, (showing.thing(best, time_s=at), *shown))


def _where_it_happened(event: Thing, marks: Things) -> Finding:
    """The mark at which an event happened, or another of the same sort at about the same time.

    Raises:
        CannotTell: it happened at none of them.
    """
    rivals: Things = event.properties.get("rivals", ())
    some = (event, *rivals)
    gaps = np.array([[float(np.hypot(*(mark.point_xy - item.point_xy))) for mark in marks] for item in some])
    late_s = np.array([abs((item.time_s or 0.0) - (event.time_s or 0.0)) for item in some])
    row, column = np.unravel_index(np.argmin(gaps + SECOND_M * late_s[:, None]), gaps.shape)
    found, mark, gap = some[row], marks[column], float(gaps[row, column])
    allowed = AT_MARK_M + found.error_m + mark.error_m
    if gap > allowed:
        raise CannotTell(
            f"{showing.describe(found)} was {gap:.0f} m away from the nearest mark", "Mark other places.",
            (showing.thing(found), showing.thing(mark)), is_none=True,
        )  # fmt: skip
    others = np.delete(gaps[row], column)
    apart = float(others.min(initial=np.inf)) - gap
    sure = chance_apart(apart, (found.error_m, mark.error_m)) * (1.0 - 0.15 * gap / allowed)
    line = showing.line(found.point_xy, mark.point_xy, f"{gap:.0f} m")
    return Finding((mark,), sure, (showing.thing(mark), showing.thing(found), line))


def chance_apart(margin: float, errors: tuple[float, ...]) -> float:
    """Probability that two quantities which differ by ``margin`` are not the other way round.

    ``errors`` are radii that hold 90 %.
    """
    sigma = float(np.sqrt(sum(error**2 for error in errors))) / SIGMAS_OF_RADIUS
    return float(ndtr(margin / max(sigma, 1e-3))) if np.isfinite(margin) else 1.0


SIZES = Takes(Sort.WORD, words=("speed", "length", "area", "height", "duration"))


@operation(gives=Sort.THINGS, of=Sort.THINGS, by=SIZES)
def largest(memory: Memory, of: Things, by: str) -> Finding:  # noqa: ARG001
    """The one with most of something: mean speed, length, area, height, or time in view."""
    return _extreme(of, by, 1.0)


@operation(gives=Sort.THINGS, of=Sort.THINGS, by=SIZES)
def smallest(memory: Memory, of: Things, by: str) -> Finding:  # noqa: ARG001
    """The one with least of something: mean speed, length, area, height, or time in view."""
    return _extreme(of, by, -1.0)


def _extreme(of: Things, by: str, sign: float) -> Finding:
    known = tuple(item for item in of if _size(item, by) is not None)
    one(known, f"thing of which the {by} is known")
    sizes = np.array([_size(item, by) for item in known], dtype=np.float64)
    order = np.argsort(-sign * sizes, kind="stable")
    best = known[int(order[0])]
    sure = 0.95
    if len(order) > 1 and by == "speed":
        gap = float(abs(sizes[order[0]] - sizes[order[1]]))
        sure = chance_apart(gap, tuple(item.error_m / 4.0 for item in (best, known[int(order[1])])))
    return Finding((best,), sure, (showing.thing(best),))


def _size(item: Thing, by: str) -> float | None:
    """How large a thing is in some respect; ``None`` where that is not known."""
    if by == "height":
        return item.height_m
    if by in ("speed", "duration"):
        if item.path is None:
            return None
        start_s, end_s = item.path.span_s
        return mean_speed_mps(item) if by == "speed" else end_s - start_s
    return float(item.shape.area if by == "area" else item.shape.length)


@operation(gives=Sort.THINGS, of=Sort.THINGS, which=Takes(Sort.WORD, words=("first", "last")))
def pick(memory: Memory, of: Things, which: str) -> Finding:  # noqa: ARG001
    """The first or the last in time."""
    timed = sorted(
        (item for item in of if _start_s(item) is not None), key=lambda item: _start_s(item) or 0.0
    )
    found = one(tuple(timed), "such thing")
    best = found if which == "first" else timed[-1]
    return Finding((best,), 1.0, (showing.thing(best),))


def _start_s(item: Thing) -> float | None:
    if item.time_s is not None:
        return item.time_s
    return None if item.path is None else item.path.span_s[0]


@operation(gives=Sort.THINGS, of=Sort.THINGS, which=Takes(Sort.WORD, words=("first", "last")))
def end_of(memory: Memory, of: Things, which: str) -> Finding:  # noqa: ARG001
    """The first or the last of things that are in an order."""
    found = one(of, "thing")
    best = found if which == "first" else of[-1]
    return Finding((best,), 1.0, (showing.thing(best),))


@operation(gives=Sort.THINGS, of=Sort.THINGS, at=Sort.SECONDS)
def closest_in_time(memory: Memory, of: Things, at: float) -> Finding:  # noqa: ARG001
    """The event that happened nearest to a moment, at most two seconds from it."""
    timed = [(abs(item.time_s - at), number) for number, item in enumerate(of) if item.time_s is not None]
    if not timed or min(timed)[0] > NEAR_S:
        raise CannotTell(f"no such event was seen around {at:g} s")
    gap_s, number = min(timed)
    rivals = tuple(of[other] for gap, other in sorted(timed) if other != number and gap <= NEAR_S)
    found = replace(of[number], properties={**of[number].properties, "rivals": rivals})
    return Finding((found,), 0.95 - 0.1 * gap_s, (showing.thing(found),))


@operation(gives=Sort.THINGS, of=Sort.THINGS, during=Sort.MOMENTS)
def happening(memory: Memory, of: Things, during: Moments) -> Finding:  # noqa: ARG001
    """Events that happened during some time."""
    start_s, end_s = during.spans_s[0][0], during.spans_s[-1][1]
    kept = tuple(item for item in of if item.time_s is not None and start_s <= item.time_s <= end_s)
    return Finding(kept, 1.0, showing.all_of(kept))
