"""Operations about what the camera sees, and when."""

from __future__ import annotations

import numpy as np
import shapely

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import chance_apart, one, span_of
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Sort, Things, Verdict
from rs_copilot.reasoning.views import samples_of
from rs_copilot.types import BoolArray, FloatArray

# A thing is seen where this share of it is in the picture and not hidden.
SEEN_SHARE = 0.2
# Lines of sight are followed in so many frames at most: more would tell the same.
MAX_TRACED = 240
# An area of which a picture has less than this is not what it shows.
MIN_SHOWN = 0.15
# A place of which fewer lines of sight than this share are stopped is not hidden.
MIN_HIDDEN = 0.15
# What one can stand under.
OPEN_BELOW = frozenset({"tree", "bridge"})
NO_FRAMES = "no frame of this clip is placed on the map"
NO_HEIGHTS = "no layer says how high houses and trees are"
GIVE_HEIGHTS = "Give a layer of buildings or trees with heights."
PLACE_FIRST = "Locate the clip first, or with more telemetry."


def need_views(memory: Memory) -> None:
    """Make sure that there are placed frames.

    Raises:
        CannotTell: there are none.
    """
    if not len(memory.views):
        raise CannotTell(NO_FRAMES, PLACE_FIRST)


def frame_at(memory: Memory, at: float) -> int:
    """The placed frame of a moment.

    Raises:
        CannotTell: there is none.
    """
    need_views(memory)
    index = memory.views.nearest(at)
    if index is None:
        raise CannotTell(f"no frame is placed at {at:g} s", PLACE_FIRST)
    return index


def chances_seen(memory: Memory, item: Thing, *, look_past: bool = True) -> FloatArray:
    """Probability that each placed frame sees a thing (N,): enough of it in the picture and not hidden."""
    views = memory.views
    if item.path is not None:
        return _chances_followed(memory, item)
    points = samples_of(item.shape)
    _, inside = views.pixels(points)
    chances = views.chance(inside)
    if look_past and memory.occluders:
        chances = chances * ~_hidden(memory, item, points, chances)
    needed = max(1, round(SEEN_SHARE * len(points)))
    return np.asarray(np.sort(chances, axis=1)[:, -needed])


def _chances_followed(memory: Memory, item: Thing) -> FloatArray:
    """Something that was followed is seen as long as it was."""
    start_s, end_s = item.path.span_s if item.path is not None else (0.0, 0.0)
    times = memory.views.times_s
    slack_s = max(memory.views.spacing_s, 0.1)
    return np.where((times >= start_s - slack_s) & (times <= end_s + slack_s), 0.97, 0.1)


def _hidden(memory: Memory, item: Thing, points: FloatArray, chances: FloatArray) -> BoolArray:
    """Which points are hidden in which frame (N, P), where the camera is known."""
    views = memory.views
    hidden = np.zeros(chances.shape, dtype=bool)
    frames = np.flatnonzero((chances.max(axis=1) > 0.3) & np.isfinite(views.cameras_m).all(axis=1))
    if len(frames) > MAX_TRACED:
        frames = frames[np.linspace(0, len(frames) - 1, MAX_TRACED).round().astype(int)]
    if not len(frames):
        return hidden
    cameras = absolute_cameras(memory)[frames]
    own = {item.key}
    ends = np.repeat(cameras, len(points), axis=0)
    hiders = memory.occluders.hiding(ends, np.tile(points, (len(frames), 1)))
    blocked = [hider is not None and hider.key not in own for hider in hiders]
    hidden[frames] = np.array(blocked, dtype=bool).reshape(len(frames), len(points))
    return hidden


def absolute_cameras(memory: Memory) -> FloatArray:
    """Cameras with easting and northing in the CRS of the memory, and height above the ground (N, 3)."""
    return np.asarray(memory.views.cameras_m + np.append(memory.views.origin_m, 0.0))


def spans_where(times_s: FloatArray, seen: BoolArray, spacing_s: float) -> tuple[tuple[float, float], ...]:
    """Spans of time in which something holds; gaps of one frame do not end a span."""
    found: list[list[float]] = []
    for time_s in times_s[seen]:
        if found and time_s - found[-1][1] <= 2.5 * spacing_s + 1e-6:
            found[-1][1] = float(time_s)
        else:
            found.append([float(time_s), float(time_s)])
    return tuple((start, end) for start, end in found)


@operation(gives=Sort.MOMENTS, cost=20, of=Sort.THINGS)
def seen(memory: Memory, of: Things) -> Finding:
    """When a thing is seen.

    Raises:
        CannotTell: it never is.
    """
    need_views(memory)
    item = one(of, "thing")
    chances = chances_seen(memory, item)
    views = memory.views
    spans = spans_where(views.times_s, chances > 0.5, views.spacing_s)
    if not spans:
        raise unseen(memory, item)
    first = int(np.argmax(chances > 0.5))
    longest = max(spans, key=lambda span: span[1] - span[0])
    middle = int(np.argmin(np.abs(views.times_s - sum(longest) / 2.0)))
    says = f"{showing.describe(item)} is seen from {spans[0][0]:.1f} s"
    shown = (
        showing.thing(item),
        showing.moment(memory, first, says),
        showing.moment(memory, middle, f"{showing.describe(item)} in view"),
    )
    return Finding(Moments(spans, _edge_error_s(memory, item)), _sure_of_edge(chances, first), shown)


def unseen(memory: Memory, item: Thing) -> CannotTell:
    """Why a thing is not seen: never in the picture, or hidden, and what would settle it."""
    name = showing.describe(item)
    can_hide = bool(memory.occluders) and item.path is None
    frames = (
        np.flatnonzero(chances_seen(memory, item, look_past=False) > 0.5)
        if can_hide
        else np.zeros(0, dtype=int)
    )
    if len(frames):
        span = memory.views.times_s[[frames[0], frames[-1]]]
        return CannotTell(
            f"{name} is hidden from {span[0]:.1f} s to {span[1]:.1f} s, whenever the camera looks there",
            f"A nadir pass over {name} would show it.",
            (showing.thing(item),),
        )
    return CannotTell(
        f"{name} is in no frame of the clip", f"A pass over {name} would show it.", (showing.thing(item),)
    )


def _sure_of_edge(chances: FloatArray, first: int) -> float:
    """How sure it is that a thing is seen at all."""
    return float(chances[first:].max()) if len(chances) else 0.0


def _edge_error_s(memory: Memory, item: Thing) -> float:
    """How far the moment at which a thing comes into view may be off: its error by the speed of the view."""
    views = memory.views
    if len(views) < 2 or item.path is not None:
        return views.spacing_s
    _, inside = views.pixels(item.point_xy[None])
    pace = np.abs(np.gradient(inside[:, 0], views.times_s))
    crossing = int(np.argmin(np.abs(inside[:, 0])))
    error_m = float(views.error_m[crossing])
    return float(views.spacing_s + error_m / max(float(pace[crossing]), 0.2))


@operation(gives=Sort.MOMENTS, cost=20, of=Sort.THINGS)
def first_seen(memory: Memory, of: Things) -> Finding:
    """The moment at which a thing comes into view for the first time."""
    return _edge(memory, of, 0)


@operation(gives=Sort.MOMENTS, cost=20, of=Sort.THINGS)
def last_seen(memory: Memory, of: Things) -> Finding:
    """The last moment at which a thing is in view."""
    return _edge(memory, of, -1)


def _edge(memory: Memory, of: Things, which: int) -> Finding:
    found = seen(memory, of)
    assert isinstance(found.value, Moments)  # noqa: S101  # nosec B101 - what `seen` gives
    span = found.value.spans_s[which]
    time_s = span[0] if which == 0 else span[1]
    index = memory.views.nearest(time_s)
    says = f"{showing.describe(of[0])} at {time_s:.1f} s"
    shown = () if index is None else (showing.moment(memory, index, says),)
    sure = found.chance * chance_apart(1.0, (found.value.error_s,))
    return Finding(Moments(((time_s, time_s),), found.value.error_s), sure, (showing.thing(of[0]), *shown))


@operation(
    gives=Sort.VERDICT,
    cost=20,
    of=Sort.THINGS,
    at=Takes(Sort.SECONDS, optional=True),
    during=Takes(Sort.MOMENTS, optional=True),
)
def visible(memory: Memory, of: Things, at: float | None = None, during: Moments | None = None) -> Finding:
    """Whether a thing is seen: at a moment, during some time, or at all."""
    need_views(memory)
    item = one(of, "thing")
    chances = chances_seen(memory, item)
    times = memory.views.times_s
    span = span_of(during)
    if at is not None:
        index = memory.views.nearest(at)
        if index is None:
            raise CannotTell(f"no frame is placed at {at:g} s", "Ask about a moment that the clip has.")
        keep = np.arange(len(times)) == index
    elif span is not None:
        keep = (times >= span[0]) & (times <= span[1])
        if not keep.any():
            raise CannotTell(f"no frame is placed between {span[0]:g} and {span[1]:g} s")
    else:
        keep = np.ones(len(times), dtype=bool)
    best = int(np.argmax(np.where(keep, chances, -1.0)))
    chance = float(chances[best])
    says = f"{showing.describe(item)} is {'in view' if chance > 0.5 else 'not in view'}"
    shown = (showing.thing(item), showing.moment(memory, best, says))
    notes = (str(unseen(memory, item)) + ".",) if chance <= 0.5 and at is None and span is None else ()
    return Finding(Verdict(chance > 0.5), max(chance, 1.0 - chance), shown, notes)


@operation(gives=Sort.VERDICT, cost=30, of=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def hidden(memory: Memory, of: Things, at: float | None = None) -> Finding:
    """Whether something hides a thing that lies in the picture: at a moment, or ever.

    Raises:
        CannotTell: it does not lie in the picture, or nothing with a height is known.
    """
    need_views(memory)
    item = one(of, "thing")
    if not memory.occluders:
        raise CannotTell(NO_HEIGHTS, GIVE_HEIGHTS)
    inside, free = chances_seen(memory, item, look_past=False), chances_seen(memory, item)
    keep = np.ones(len(inside), dtype=bool) if at is None else np.arange(len(inside)) == frame_at(memory, at)
    if not (keep & (inside > 0.5)).any():
        raise unseen(memory, item)
    behind = keep & (inside > 0.5) & (free <= 0.5)
    index = int(np.argmax(behind if behind.any() else keep & (inside > 0.5)))
    says = f"{showing.describe(item)} is {'hidden' if behind.any() else 'in plain view'}"
    shown_ = (showing.thing(item), showing.moment(memory, index, says))
    return Finding(Verdict(bool(behind.any())), 0.85, shown_)


@operation(gives=Sort.MOMENTS, cost=2, to=Sort.THINGS)
def nearest_time(memory: Memory, to: Things) -> Finding:
    """The moment at which the middle of the picture is nearest to a place.

    Raises:
        CannotTell: the place never comes into the picture.
    """
    need_views(memory)
    item = one(to, "place")
    views = memory.views
    gaps = np.linalg.norm(views.centers_m - item.point_xy, axis=1)
    best = int(np.argmin(gaps))
    _, inside = views.pixels(item.point_xy[None])
    if inside[best, 0] < 0 and not (chances_seen(memory, item) > 0.5).any():
        raise unseen(memory, item)
    pace = float(np.abs(np.gradient(gaps, views.times_s)).max()) if len(views) > 1 else 1.0
    error_s = views.spacing_s + float(views.error_m[best]) / max(pace, 0.2)
    time_s = float(views.times_s[best])
    shown = (showing.thing(item), showing.moment(memory, best, f"nearest at {time_s:.1f} s"))
    return Finding(Moments(((time_s, time_s),), error_s), chance_apart(1.0, (error_s,)), shown)


@operation(gives=Sort.THINGS, cost=2, at=Sort.SECONDS)
def view(memory: Memory, at: float) -> Finding:
    """The ground that the camera shows at a moment."""
    index = frame_at(memory, at)
    views = memory.views
    shape = views.footprint(index)
    item = Thing(
        f"view {views.frames[index]:.0f}", Kind.VIEW, f"view at {views.times_s[index]:.1f} s", "view", shape,
        error_m=float(views.error_m[index]), time_s=float(views.times_s[index]), layer="frames",
        fid=int(views.fids[index]), clip=views.clip,
    )  # fmt: skip
    return Finding((item,), 1.0, (showing.moment(memory, index, item.name),))


@operation(gives=Sort.THINGS, cost=30, of=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def shown(memory: Memory, of: Things, at: float | None = None) -> Finding:
    """Which of several areas the clip shows: the one that its frames cover most, at a moment or overall."""
    need_views(memory)
    one(of, "area")
    views = memory.views
    if at is None:
        index, ground = len(views) // 2, views.ground
    else:
        index = frame_at(memory, at)
        ground = views.footprint(index)
    shares = np.array([share_in_common(item, ground) for item in of])
    order = np.argsort(-shares)
    best = of[int(order[0])]
    if shares[order[0]] < MIN_SHOWN:
        raise CannotTell(
            "the picture shows none of these", "Mark other places.", showing.all_of(of), is_none=True
        )
    margin = float(shares[order[0]] - (shares[order[1]] if len(order) > 1 else 0.0))
    error = float(views.error_m[index]) / max(float(np.sqrt(ground.area)), 1.0)
    shown_ = (showing.thing(best), showing.moment(memory, index, f"shows {showing.describe(best)}"))
    return Finding((best,), chance_apart(margin, (error, 0.05)), shown_)


def share_in_common(item: Thing, ground: shapely.Geometry) -> float:
    """How much of a picture and an area is common to both; for a point, whether it is in the picture."""
    if item.shape.area == 0.0:
        return float(ground.intersects(item.shape))
    common = item.shape.intersection(ground).area
    return float(common / min(item.shape.area, ground.area))


@operation(gives=Sort.THINGS, cost=10, of=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def occluder(memory: Memory, of: Things, at: float | None = None) -> Finding:
    """What hides a thing at a moment, or whenever it is hidden.

    Raises:
        CannotTell: heights, the camera or the place are not known, or nothing hides it.
    """
    need_views(memory)
    item = one(of, "thing")
    if not memory.occluders:
        raise CannotTell(NO_HEIGHTS, GIVE_HEIGHTS)
    index = _moment_hidden(memory, item) if at is None else memory.views.nearest(at)
    cameras = absolute_cameras(memory)
    if index is None or not np.isfinite(cameras[index]).all():
        raise CannotTell("where the camera was at that moment is not known", PLACE_FIRST)
    time_s = float(memory.views.times_s[index])
    place = item.place_at(time_s) if item.path is None else item.path.at(time_s, slack_s=5.0)
    if place is None:
        raise CannotTell(f"where {showing.describe(item)} is at {time_s:.1f} s is not known")
    votes = _hiders(memory, cameras[index], float(memory.views.error_m[index]), place, item)
    share = sum(votes.values())
    if share < MIN_HIDDEN:
        raise CannotTell(
            f"nothing hides {showing.describe(item)} at {time_s:.1f} s", None, (showing.thing(item),),
            is_none=True,
        )  # fmt: skip
    key = max(votes, key=lambda name: votes[name])
    found = memory.by_key[key]
    says = f"{showing.describe(found)} hides {showing.describe(item)} at {time_s:.1f} s"
    line = showing.line(cameras[index, :2], place, "line of sight")
    evidence = (showing.thing(found, says), line, showing.moment(memory, index, says))
    return Finding((found,), (0.6 + 0.4 * share) * votes[key] / share, evidence)


def _hiders(
    memory: Memory, camera: FloatArray, error_m: float, place: FloatArray, item: Thing
) -> dict[str, float]:
    """What hides a place (2,) from a camera (3,): shares of the lines of sight that each thing stops.

    The camera has an error, what is looked at has a size, and heights on maps are round numbers: lines
    are drawn from around the one to around the other, past things as high as is said and higher.
    """
    spread_m = min(max(error_m, 0.5), 3.0)
    around = place + np.array([[0, 0], [0.8, 0], [-0.8, 0], [0, 0.8], [0, -0.8]])
    moved = camera + spread_m * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    ends = np.repeat(moved, len(around), axis=0)
    starts = np.tile(around, (len(moved), 1))
    votes: dict[str, float] = {}
    for taller in (1.0, 1.25):
        found = memory.occluders.hiding(ends, starts, taller=taller)
        # What one may stand under hides what is below it.
        below = memory.occluders.hiding(ends, starts, is_below=True, taller=taller)
        for on_top, under in zip(found, below, strict=True):
            hider = on_top if on_top is not None else under
            if hider is None or hider.key == item.key or (on_top is None and hider.label not in OPEN_BELOW):
                continue
            votes[hider.key] = votes.get(hider.key, 0.0) + 0.5 / len(starts)
    return votes


def _moment_hidden(memory: Memory, item: Thing) -> int | None:
    """A frame in the middle of the time in which a thing is in the picture and hidden."""
    if item.path is not None:
        return memory.views.nearest(item.path.span_s[1] + 0.3)
    without, with_ = chances_seen(memory, item, look_past=False), chances_seen(memory, item)
    hidden = np.flatnonzero((without > 0.5) & (with_ < 0.5))
    return int(hidden[len(hidden) // 2]) if len(hidden) else None
