"""Makers of questions about what is seen: where, when, in which order, behind what."""

from __future__ import annotations

import itertools

import numpy as np
import shapely

from rs_copilot.simulation.questions import drawing
from rs_copilot.simulation.questions.drawing import LETTERS, TRIES, Draft, Pair
from rs_copilot.simulation.questions.exact import Exact
from rs_copilot.types import FloatArray


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
    others: list[shapely.Polygon] = []
    far: list[shapely.Polygon] = []
    for _ in range(TRIES):
        other = drawing.square(drawing.near_path(exact, rng, 120.0), side)
        apart = all(other.centroid.distance(known.centroid) > 0.9 * side for known in (*others, *far, true))
        if not apart or exact.footprints[index].intersects(other):
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
    away = drawing.outside(exact, rng)
    if away is None:
        return draft, None
    marks = {"A": shapely.Point(away)}
    reason = "it is never seen"
    return draft, Draft(form, drawing.named("mark A"), "timestamp", None, marks, unit="s", reason=reason)


def _first_seen(exact: Exact, xy: FloatArray) -> float | None:
    """The first moment at which a place is seen, where all of a tight and a wide border agree to 0.6 s."""
    sight = exact.sight(xy)
    moments = [np.flatnonzero(sight.seen(margin)) for margin in (-1.5, 0.0, 1.5)]
    if not all(len(found) for found in moments):
        return None
    times = exact.times_s[[found[0] for found in moments]]
    return float(times[1]) if times[0] > 0.5 and np.ptp(times) <= 0.6 else None


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
    kinds = ("building", "tree")
    for _ in range(TRIES):
        xy = drawing.near_path(exact, rng, 25.0)
        if not drawing.open_ground(exact, xy, 1.0):
            continue
        sight = exact.sight(xy, 0.7)
        around = [exact.sight(xy + step, 0.7) for step in 0.8 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])]
        same = np.all([other.hider == sight.hider for other in around], axis=0)
        frames = np.flatnonzero((sight.inside_m > 3.0) & (sight.hider > 0) & same)
        frames = np.array([k for k in frames if exact.kind_of(int(sight.hider[k])) in kinds], dtype=int)
        if len(frames) >= 3:
            index = int(frames[len(frames) // 2])
            break
    else:
        return None
    answer = exact.kind_of(int(sight.hider[index]))
    texts = [f"a {text}" for text in rng.permutation([*kinds, "bridge", "vehicle"])]
    choices = dict(zip(LETTERS, texts, strict=True))
    letter = next(name for name, text in choices.items() if text == f"a {answer}")
    words = {"x": "mark A", "t": drawing.clock(float(exact.times_s[index]))}
    draft = Draft("hidden", words, "choice", letter, {"A": shapely.Point(xy)}, choices)
    clear = drawing.seen_place(exact, rng)
    twin = None
    if clear is not None:
        seen = np.flatnonzero(exact.sight(clear).seen(4.0))
        words = {"x": "mark A", "t": drawing.clock(float(exact.times_s[seen[len(seen) // 2]]))}
        twin = Draft(
            "hidden", words, "choice", None, {"A": shapely.Point(clear)}, choices, reason="nothing hides it"
        )
    return draft, twin


def ordering(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """In which order three marks come into view."""
    for _ in range(TRIES):
        places = [drawing.seen_place(exact, rng, 0.6) for _ in range(3)]
        if any(place is None for place in places):
            return None
        times = [_first_seen(exact, place) for place in places if place is not None]
        known = [time_s for time_s in times if time_s is not None]
        if len(known) == 3 and min(abs(a - b) for a, b in itertools.combinations(known, 2)) > 1.2:
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
