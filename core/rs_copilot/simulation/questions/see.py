"""Makers of questions about what is seen: where, when, in which order, behind what."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import shapely

from rs_copilot.simulation.questions import drawing
from rs_copilot.simulation.questions.drawing import LETTERS, TRIES, Draft, Pair
from rs_copilot.simulation.questions.exact import HIDERS, Exact
from rs_copilot.types import BoolArray, FloatArray

# How many places are looked at for three that come into view one after another.
POOL = 60


def visibility(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Is a marked place seen at all."""
    holds = rng.random() < 0.5
    xy = drawing.seen_place(exact, rng) if holds else drawing.outside(exact, rng)
    if xy is None:
        return None
    choices, letter = drawing.yes_no(rng, holds)
    draft = Draft("visible", drawing.named("mark A"), "choice", letter, {"A": shapely.Point(xy)}, choices)
    twin = Draft(
        "visible",
        drawing.named(drawing.nowhere(rng)),
        "choice",
        None,
        {},
        choices,
        reason="the name is on no map",
    )
    return draft, twin


def association(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which of four squares a frame shows."""
    index = int(rng.integers(len(exact.times_s)))
    side = float(np.clip(np.sqrt(exact.footprints[index].area), 40.0, 110.0))
    true = drawing.square(exact.centers[index], side)
    if not exact.map_area.contains(true):
        return None
    others: list[shapely.Polygon] = []
    far: list[shapely.Polygon] = []
    for _ in range(TRIES):
        other = drawing.square(drawing.near_path(exact, rng, 120.0), side)
        apart = all(other.centroid.distance(known.centroid) > 0.9 * side for known in (*others, *far, true))
        if not apart or exact.footprints[index].distance(other) < 8.0 or not exact.map_area.contains(other):
            continue
        (others if len(others) < 3 else far).append(other)
        if len(far) == 4:
            break
    if len(others) < 3:
        return None
    words = {"t": drawing.clock(float(exact.times_s[index]))}
    places = [*others, true]
    order = rng.permutation(4)
    marks = {LETTERS[k]: places[order[k]] for k in range(4)}
    letter = next(name for name, shape in marks.items() if shape is true)
    choices = {name: f"square {name}" for name in marks}
    twin = None
    if len(far) == 4:
        marks_far = dict(zip(LETTERS, far, strict=True))
        twin = Draft(
            "shown", words, "choice", None, marks_far, choices, reason="none is shown at that moment"
        )
    return Draft("shown", words, "choice", letter, marks, choices), twin


def temporal(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """When a marked place is first seen, or when the view's middle passes nearest to it."""
    passes = rng.random() < 0.5
    for _ in range(TRIES):
        xy = drawing.seen_place(exact, rng)
        if xy is None:
            return None
        time_s = _nearest_pass(exact, xy) if passes else _first_seen(exact, xy)
        if time_s is not None:
            break
    else:
        return None
    form = "nearest time" if passes else "first seen"
    draft = Draft(form, drawing.named("mark A"), "timestamp", time_s, {"A": shapely.Point(xy)}, unit="s")
    if passes:
        # Something is nearest to a place that is never seen, too: only a name without a place has no answer.
        words = drawing.named(drawing.nowhere(rng))
        return draft, Draft(form, words, "timestamp", None, unit="s", reason="the name is on no map")
    away = drawing.outside(exact, rng)
    if away is None:
        return draft, None
    marks = {"A": shapely.Point(away)}
    reason = "it is never seen"
    return draft, Draft(form, drawing.named("mark A"), "timestamp", None, marks, unit="s", reason=reason)


def _first_seen(exact: Exact, xy: FloatArray) -> float | None:
    """The first moment at which a place is seen, where it, its neighbours, a tight and a wide border of the
    picture agree to 0.6 s.
    """
    own = exact.sight(xy)
    moments = [_first(exact, own.seen(margin)) for margin in (0.0, -1.5, 1.5)]
    for place in drawing.around(xy, 1.0)[1:]:
        if not (min(moments) > 0.5 and np.ptp(moments) <= 0.6):
            return None
        moments.append(_first(exact, exact.sight(place).seen()))
    return moments[0] if min(moments) > 0.5 and np.ptp(moments) <= 0.6 else None


def _first(exact: Exact, seen: BoolArray) -> float:
    """The first moment of some frames, negative where there is none."""
    return float(exact.times_s[np.argmax(seen)]) if seen.any() else -1.0


def _nearest_pass(exact: Exact, xy: FloatArray) -> float | None:
    """When the view's middle is nearest to a place, where no other moment comes close."""
    gaps = np.linalg.norm(exact.centers - xy, axis=1)
    best = int(np.argmin(gaps))
    others = np.abs(exact.times_s - exact.times_s[best]) > 0.7
    if gaps[best] > 25.0 or best in (0, len(gaps) - 1) or gaps[others].min() < gaps[best] + 1.5:
        return None
    return float(exact.times_s[best])


def occlusion(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """What hides a marked place at a moment."""
    for _ in range(TRIES):
        xy = drawing.near_path(exact, rng, 25.0)
        if not drawing.open_ground(exact, xy, 1.0):
            continue
        sight = exact.sight(xy, 0.7)
        frames = np.flatnonzero((sight.inside_m > 3.0) & (sight.hider > 0))
        frames = np.array([k for k in frames if _is_surely_hidden(exact, xy, int(k))], dtype=int)
        if len(frames) >= 3:
            index = int(frames[len(frames) // 2])
            break
    else:
        return None
    answer = exact.kind_of(int(sight.hider[index]))
    texts = [f"a {text}" for text in rng.permutation([*HIDERS, "bridge", "vehicle"])]
    choices = dict(zip(LETTERS, texts, strict=True))
    letter = next(name for name, text in choices.items() if text == f"a {answer}")
    words = {"x": "mark A", "t": drawing.clock(float(exact.times_s[index]))}
    draft = Draft("hidden", words, "choice", letter, {"A": shapely.Point(xy)}, choices)
    return draft, _nothing_hides(exact, rng, choices)


def _is_surely_hidden(exact: Exact, xy: FloatArray, index: int) -> bool:
    """Whether one kind of thing alone hides a place in a frame, and its neighbours and the ground as well."""
    places = drawing.around(xy, 0.8)
    kinds = {exact.hiders(index, place, height_m) for place in places for height_m in (0.0, 0.7)}
    near_vehicle = not exact.is_clear_of_vehicles(xy, float(exact.times_s[index]))
    return len(kinds) == 1 and len(next(iter(kinds))) == 1 and not near_vehicle


def _nothing_hides(exact: Exact, rng: np.random.Generator, choices: Mapping[str, str]) -> Draft | None:
    """A place that is plainly seen at a moment."""
    for _ in range(10):
        xy = drawing.seen_place(exact, rng)
        if xy is None:
            return None
        seen = np.flatnonzero(np.all([exact.sight(p).seen(4.0) for p in drawing.around(xy, 0.8)], axis=0))
        time_s = float(exact.times_s[seen[len(seen) // 2]]) if len(seen) else -1.0
        if len(seen) and exact.is_clear_of_vehicles(xy, time_s):
            words = {"x": "mark A", "t": drawing.clock(time_s)}
            marks = {"A": shapely.Point(xy)}
            return Draft("hidden", words, "choice", None, marks, choices, reason="nothing hides it")
    return None


def ordering(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """In which order three marks come into view."""
    places: list[FloatArray] = []
    known: list[float] = []
    for _ in range(POOL):
        xy = drawing.seen_place(exact, rng, 0.6)
        if xy is None:
            return None
        time_s = _first_seen(exact, xy)
        if time_s is None or any(abs(time_s - other) < 1.2 for other in known):
            continue
        places.append(xy)
        known.append(time_s)
        if len(known) == 3:
            break
    else:
        return None
    names = "ABC"
    right = ", ".join(names[k] for k in np.argsort(known))
    lists = [", ".join(item) for item in itertools.permutations(names)]
    wrong = rng.permutation([text for text in lists if text != right])[:3]
    texts = rng.permutation([right, *wrong])
    choices = {LETTERS[k]: str(texts[k]) for k in range(4)}
    letter = next(name for name, text in choices.items() if text == right)
    marks = {names[k]: shapely.Point(places[k]) for k in range(3)}
    draft = Draft("order", {}, "choice", letter, marks, choices)
    away = drawing.outside(exact, rng)
    if away is None:
        return draft, None
    hidden = {**marks, names[int(rng.integers(3))]: shapely.Point(away)}
    return draft, Draft("order", {}, "choice", None, hidden, choices, reason="one of them is never seen")
