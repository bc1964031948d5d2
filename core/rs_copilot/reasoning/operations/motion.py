"""Operations about things that move: what they did, where they went, whose path it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import chance_inside, one, span_of, watched
from rs_copilot.reasoning.operations.sight import chances_seen, need_views, spans_where, unseen
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.things import Kind, Path, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Sort, Things, Verdict
from rs_copilot.types import FloatArray

EVENTS = ("stop", "start", "turn left", "turn right", "occluded", "appear", "disappear")
# Speeds between which something counts neither as standing nor as going.
STANDING_MPS, GOING_MPS = 1.0, 1.5
# What is followed by its motion is lost while it slows down, and noticed once it has moved some metres: a
# path that ends or begins below these speeds does so at a stop or a start. Between the two pass the speed
# over so much acceleration: of 26 such stops and starts in demo worlds for development 21 are right to 0.8 s.
LOST_MPS, NOTICED_MPS = 3.0, 4.0
STOPS_MPS2, STARTS_MPS2 = 1.0, 2.0
LAST_S = 1.2
TURN_DEG = 25.0
# Over how long a turn is judged, and over how long speed is.
TURN_S, SPEED_S = 3.0, 0.8
# Over how long a heading is taken, how far something has to get in that time to have one, and how often.
WAY_S, WAY_M, HEADING_EVERY_S = 0.8, 1.2, 0.2
# How far a line may be from a path, on average, to be taken for it: metres, errors of the path, or a share of
# its length, whichever is most.
MATCH_M, MATCH_ERRORS, MATCH_SHARE = 6.0, 3.0, 0.06
# A path that ends deeper in the picture than this did not leave it.
INSIDE_M = 4.0


@operation(gives=Sort.THINGS, cost=5, of=Sort.THINGS, what=Takes(Sort.WORD, words=EVENTS))
def events(memory: Memory, of: Things, what: str) -> Finding:
    """What happened to things that move: where and when they stopped, started, turned or were lost."""
    found = [event for item in of if item.path is not None for event in _events(memory, item, what)]
    found.sort(key=lambda event: event.time_s or 0.0)
    return Finding(tuple(found), 0.85, showing.all_of(tuple(found)))


def _events(memory: Memory, item: Thing, what: str) -> list[Thing]:
    assert item.path is not None  # noqa: S101  # nosec B101 - the caller chose those that have one
    if what in ("appear", "disappear", "occluded"):
        return _ends(memory, item, what)
    if what in ("stop", "start"):
        return _stops(memory, item, what)
    return _turns(item, what)


def _event(item: Thing, what: str, time_s: float, xy: FloatArray) -> Thing:
    name = f"{showing.describe(item)} {what} at {time_s:.1f} s"
    return Thing(
        f"{item.key} {what} {time_s:.1f}", Kind.EVENT, name, what, shapely.Point(xy), item.error_m,
        time_s=time_s, of=item.key, layer=item.layer, fid=item.fid, clip=item.clip,
    )  # fmt: skip


def speeds_mps(path: Path) -> FloatArray:
    """Speed at each moment of a path (N,), over a window that hides the jitter of single places."""
    before, after = path.times_s - SPEED_S / 2, path.times_s + SPEED_S / 2
    low, high = (np.clip(times, *path.span_s) for times in (before, after))
    step = [
        np.interp(high, path.times_s, path.xy_m[:, i]) - np.interp(low, path.times_s, path.xy_m[:, i])
        for i in (0, 1)
    ]
    return np.asarray(np.hypot(*step) / np.maximum(high - low, 1e-3))


def _stops(memory: Memory, item: Thing, what: str) -> list[Thing]:
    path = item.path
    assert path is not None  # noqa: S101  # nosec B101 - narrows
    # Somebody who starts stops in a film that runs backwards.
    turn = slice(None) if what == "stop" else slice(None, None, -1)
    speeds, times, places = speeds_mps(path)[turn], path.times_s[turn], path.xy_m[turn]
    was_going, found = False, []
    for speed, time_s, xy in zip(speeds, times, places, strict=True):
        if speed > GOING_MPS:
            was_going = True
        elif speed < STANDING_MPS and was_going:
            was_going = False
            found.append(_event(item, what, float(time_s), xy))
    # The very first places still mix where something stood with where it is: the least of a second counts.
    slowest = float(speeds[np.abs(times - times[-1]) <= LAST_S].min())
    which, lost_mps, slowing_mps2 = (
        (-1, LOST_MPS, STOPS_MPS2) if what == "stop" else (0, NOTICED_MPS, -STARTS_MPS2)
    )
    if was_going and len(speeds) > 2 and slowest < lost_mps and _is_inside(memory, path, which):
        late_s, clip = slowest / slowing_mps2, memory.views.times_s
        found.append(_event(item, what, float(np.clip(times[-1] + late_s, clip[0], clip[-1])), places[-1]))
    return found


def _is_inside(memory: Memory, path: Path, which: int) -> bool:
    """Whether the first or last place of a path lies well inside the picture of its moment."""
    index = memory.views.nearest(float(path.times_s[which]))
    if index is None:
        return False
    last_of_clip = abs(path.times_s[which] - memory.views.times_s[which]) < 0.5
    return bool(not last_of_clip and memory.views.depth_m(index, path.xy_m[which]) > INSIDE_M)


def _turns(item: Thing, what: str) -> list[Thing]:
    """Where the heading changes by more than `TURN_DEG` within `TURN_S`."""
    path = item.path
    assert path is not None  # noqa: S101  # nosec B101 - narrows
    if len(path.times_s) < 5 or path.span_s[1] - path.span_s[0] < TURN_S / 2:
        return []
    # Over a second the way is longer than places jitter.
    times = np.arange(path.span_s[0] + WAY_S / 2, path.span_s[1] - WAY_S / 2 + 1e-9, HEADING_EVERY_S)
    steps = path.places(times + WAY_S / 2) - path.places(times - WAY_S / 2)
    going = np.linalg.norm(steps, axis=1) > WAY_M
    if going.sum() < 3:
        return []
    # Counter-clockwise is to the left.
    turned = (1.0 if what == "turn left" else -1.0) * np.degrees(
        np.unwrap(np.arctan2(steps[going, 1], steps[going, 0]))
    )
    moments = _bends(times[going], turned)
    return [
        _event(item, what, moment, xy)
        for moment, xy in zip(moments, path.places(np.array(moments)), strict=True)
    ]


def _bends(times: FloatArray, turned_deg: FloatArray) -> list[float]:
    """Moments at which a heading is half way through a rise by more than `TURN_DEG` within `TURN_S`.

    The steepest rise comes first, then what is left before and after it: of somebody who turns left, and
    right soon after, both are found, though the heading is in the end what it was.
    """
    found, waiting = [], [(0, len(times))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        low, high = (first + place for place in _steepest(times[first:last], turned_deg[first:last]))
        rise = float(turned_deg[high] - turned_deg[low])
        if rise > TURN_DEG:
            part = slice(low, high + 1)
            rising = np.maximum.accumulate(turned_deg[part])
            found.append(float(np.interp(turned_deg[low] + rise / 2, rising, times[part])))
            waiting += [(first, low + 1), (high, last)]
    return sorted(found)


def _steepest(times: FloatArray, turned_deg: FloatArray) -> tuple[int, int]:
    """Between which two places, at most `TURN_S` apart, a heading rises most."""
    width = round(TURN_S / HEADING_EVERY_S) + 1
    ahead = np.minimum(np.arange(len(times))[:, None] + np.arange(width), len(times) - 1)
    is_near = times[ahead] - times[:, None] <= TURN_S + 1e-9
    rises = np.where(is_near, turned_deg[ahead] - turned_deg[:, None], -np.inf)
    low, steps = divmod(int(np.argmax(rises)), width)
    return low, min(low + steps, len(times) - 1)


def _ends(memory: Memory, item: Thing, what: str) -> list[Thing]:
    path = item.path
    assert path is not None  # noqa: S101  # nosec B101 - narrows
    which = 0 if what == "appear" else -1
    if what == "occluded" and not _is_inside(memory, path, -1):
        return []
    return [_event(item, what, float(path.times_s[which]), path.xy_m[which])]


@operation(
    gives=Sort.THINGS,
    cost=3,
    of=Sort.THINGS,
    zone=Sort.THINGS,
    what=Takes(Sort.WORD, words=("enter", "leave", "cross")),
)
def crossings(memory: Memory, of: Things, zone: Things, what: str) -> Finding:
    """When and where things entered a zone, left it, or crossed it or a line.

    Raises:
        CannotTell: no frame sees the zone.
    """
    area = one(zone, "zone")
    share, notes = watched(memory, of, area)
    found: list[Thing] = []
    for item in of:
        if item.path is None:
            continue
        if area.shape.area == 0.0:
            found += _line_crossings(item, area)
            continue
        inside = shapely.contains_xy(area.shape, item.path.xy_m[:, 0], item.path.xy_m[:, 1])
        change = np.diff(inside.astype(int))
        enters, leaves = np.flatnonzero(change > 0) + 1, np.flatnonzero(change < 0) + 1
        if what == "cross" and not (len(enters) and len(leaves)):
            continue
        at = leaves if what == "leave" else enters
        found += [_event(item, what, float(item.path.times_s[i]), item.path.xy_m[i]) for i in at]
    found.sort(key=lambda event: event.time_s or 0.0)
    return Finding(tuple(found), 0.9 * share, (showing.thing(area), *showing.all_of(tuple(found))), notes)


def _line_crossings(item: Thing, line: Thing) -> list[Thing]:
    assert item.path is not None  # noqa: S101  # nosec B101 - narrows
    pairs = shapely.linestrings(np.stack([item.path.xy_m[:-1], item.path.xy_m[1:]], axis=1))
    at = np.flatnonzero(shapely.intersects(pairs, line.shape))
    return [_event(item, "cross", float(item.path.times_s[i]), item.path.xy_m[i]) for i in at]


@operation(gives=Sort.THINGS, of=Sort.THINGS)
def subjects(memory: Memory, of: Things) -> Finding:
    """The things that events happened to, each once."""
    keys = dict.fromkeys(event.of for event in of if event.of is not None)
    found = tuple(memory.by_key[key] for key in keys if key in memory.by_key)
    return Finding(found, 1.0, showing.all_of(found))


@operation(
    gives=Sort.THINGS,
    of=Takes(Sort.THINGS, optional=True),
    what=Takes(Sort.WORD, words=("camera", "centre", "thing")),
    during=Takes(Sort.MOMENTS, optional=True),
)
def path_of(memory: Memory, what: str, of: Things | None = None, during: Moments | None = None) -> Finding:
    """The path over the ground of the camera, of the middle of the picture, or of something that moved."""
    found = _whole_path(memory, what, of)
    span = span_of(during)
    if span is None:
        return found
    item = one(found.value if isinstance(found.value, tuple) else (), "path")
    part = None if item.path is None else item.path.within(*span)
    if part is None or len(part.times_s) < 2:
        raise CannotTell(f"{showing.describe(item)} is not known from {span[0]:g} to {span[1]:g} s")
    item = replace(item, path=part, shape=shapely.LineString(part.xy_m))
    return replace(found, value=(item,), evidence=(showing.thing(item),))


def _whole_path(memory: Memory, what: str, of: Things | None) -> Finding:
    if what == "thing":
        item = one(of or (), "moving thing")
        if item.path is None:
            raise CannotTell(f"{showing.describe(item)} was not followed")
        return Finding((item,), 1.0, (showing.thing(item),))
    need_views(memory)
    views = memory.views
    known = np.isfinite(views.cameras_m[:, :2]).all(axis=1)
    by_camera = what == "camera" and known.sum() > 1
    xy = views.cameras_m[known, :2] + views.origin_m if by_camera else views.centers_m
    times = views.times_s[known] if by_camera else views.times_s
    if len(xy) < 2:
        raise CannotTell("fewer than two frames are placed, so that there is no path")
    name = "path of the camera" if by_camera else "path of the middle of the picture"
    error_m = float(np.median(views.error_m))
    item = Thing(
        f"path {what}", Kind.PATH, name, "path", shapely.LineString(xy), error_m, Path(times, xy),
        layer="trajectory", clip=views.clip,
    )  # fmt: skip
    notes = ("Where the camera was is not known: the middle of the picture stands for it.",)
    return Finding((item,), 1.0, (showing.thing(item),), () if by_camera or what == "centre" else notes)


@operation(gives=Sort.THINGS, cost=3, path=Sort.THINGS, among=Sort.THINGS)
def match(memory: Memory, path: Things, among: Things) -> Finding:  # noqa: ARG001
    """Which of several drawn lines a path follows best, its direction included.

    Raises:
        CannotTell: none of them is near it.
    """
    item = one(path, "path")
    own = _evenly(item.shape)
    one(among, "line to compare with")
    gaps = np.array([float(np.linalg.norm(own - _evenly(line.shape), axis=1).mean()) for line in among])
    order = np.argsort(gaps)
    best, gap = among[int(order[0])], float(gaps[order[0]])
    allowed = max(MATCH_M, MATCH_ERRORS * item.error_m, MATCH_SHARE * float(item.shape.length))
    if gap > allowed:
        raise CannotTell(
            f"none of the lines is the {item.name}: the nearest, {best.name}, is {gap:.0f} m away on average",
            "Draw other lines.", (showing.thing(best), showing.thing(item)), is_none=True,
        )  # fmt: skip
    second = float(gaps[order[1]]) if len(order) > 1 else np.inf
    # Between two lines that are alike a coin would do; a line twice as far away is out of the question.
    sure = float(np.clip(0.5 + 0.5 * (second / max(gap, 0.5) - 1.0), 0.5, 0.98))
    sure *= float(np.clip(1.6 - gap / allowed, 0.6, 1.0))
    says = f"{best.name} is {gap:.0f} m away from the path on average"
    return Finding((best,), sure, (showing.thing(best, says), showing.thing(item)))


def _evenly(shape: shapely.Geometry, count: int = 40) -> FloatArray:
    """Points at even distances along a line (count, 2)."""
    if shape.geom_type == "Point":
        raise CannotTell("a point is no path that could be compared")
    line = shape.exterior if shape.geom_type == "Polygon" else shapely.force_2d(shape)
    if line.geom_type == "MultiLineString":
        line = max(line.geoms, key=lambda part: part.length)
    points = shapely.line_interpolate_point(line, np.linspace(0, 1, count), normalized=True)
    return np.asarray(shapely.get_coordinates(points))


@operation(gives=Sort.MOMENTS, of=Sort.THINGS)
def time_of(memory: Memory, of: Things) -> Finding:
    """When an event happened, or from when to when something was followed."""
    item = one(of, "such event")
    error_s = max(0.3, memory.views.spacing_s)
    if item.time_s is not None:
        index = memory.views.nearest(item.time_s)
        seen_ = () if index is None else (showing.moment(memory, index, item.name),)
        return Finding(Moments(((item.time_s, item.time_s),), error_s), 1.0, (showing.thing(item), *seen_))
    if item.path is None:
        raise CannotTell(f"{showing.describe(item)} has no time of its own")
    return Finding(Moments((item.path.span_s,), error_s), 1.0, (showing.thing(item),))


@operation(
    gives=Sort.THINGS,
    cost=20,
    of=Sort.THINGS,
    by=Takes(Sort.WORD, optional=True, words=("seen", "nearest")),
    way=Takes(Sort.WORD, optional=True, words=("forward", "backward")),
)
def order(memory: Memory, of: Things, by: str | None = None, way: str | None = None) -> Finding:
    """Things in the order in which they came into view, or in which the view passed nearest to them.

    Raises:
        CannotTell: one of them is never seen.
    """
    need_views(memory)
    one(of, "thing to put in order")
    moments = np.array([_moment_of(memory, item, by or "seen") for item in of])
    ranks = np.argsort(moments, kind="stable")
    gaps = np.diff(moments[ranks])
    sure = float(np.clip(0.5 + gaps.min() / 2.0, 0.5, 0.99)) if len(gaps) else 1.0
    found = tuple(of[int(rank)] for rank in (ranks[::-1] if way == "backward" else ranks))
    shown_ = tuple(
        showing.thing(
            of[int(rank)], f"{showing.describe(of[int(rank)])} at {moments[rank]:.1f} s", float(moments[rank])
        )
        for rank in ranks
    )
    return Finding(found, sure, shown_)


def _moment_of(memory: Memory, item: Thing, by: str) -> float:
    if item.time_s is not None:
        return item.time_s
    if item.path is not None:
        return item.path.span_s[0]
    chances = chances_seen(memory, item)
    if not (chances > 0.5).any():
        raise unseen(memory, item)
    if by == "seen":
        return float(memory.views.times_s[int(np.argmax(chances > 0.5))])
    gaps = np.linalg.norm(memory.views.centers_m - item.point_xy, axis=1)
    return float(memory.views.times_s[int(np.argmin(gaps))])


@operation(gives=Sort.MOMENTS, cost=40, a=Sort.THINGS, b=Sort.THINGS)
def together(memory: Memory, a: Things, b: Things) -> Finding:
    """When two things are in view at the same time."""
    need_views(memory)
    first, second = one(a, "first thing"), one(b, "second thing")
    both = np.minimum(chances_seen(memory, first), chances_seen(memory, second))
    spans = spans_where(memory.views.times_s, both > 0.5, memory.views.spacing_s)
    if not spans:
        raise CannotTell(
            f"{showing.describe(first)} and {showing.describe(second)} are never in view together"
        )
    return Finding(Moments(spans, memory.views.spacing_s), float(both.max()), showing.all_of((first, second)))


@operation(gives=Sort.VERDICT, of=Sort.THINGS, zone=Sort.THINGS)
def inside(memory: Memory, of: Things, zone: Things) -> Finding:  # noqa: ARG001
    """Whether a thing lies in a zone, or ever was there."""
    item, area = one(of, "thing"), one(zone, "zone")
    chance = chance_inside(item, area.shape, None)
    return Finding(Verdict(chance > 0.5), max(chance, 1.0 - chance), showing.all_of((item, area)))
