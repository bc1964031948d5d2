"""Makers of questions about what moves: how many, where they stop, where they go, whose way it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely

from rs_copilot.simulation.questions import drawing
from rs_copilot.simulation.questions.drawing import LETTERS, TRIES, Draft, Pair
from rs_copilot.simulation.questions.exact import Exact, Walk
from rs_copilot.types import FloatArray


def counting(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """How many moving vehicles were in a marked zone, or how many buildings stand in it."""
    if rng.random() < 0.4:
        return _count_buildings(exact, rng)
    vehicles = [walk for walk in exact.walks if walk.label != "person" and (walk.speed_mps > 2.0).sum() >= 4]
    for _ in range(TRIES):
        if not vehicles:
            return None
        walk = vehicles[rng.integers(len(vehicles))]
        zone = drawing.square(
            walk.xy[rng.integers(len(walk.xy))] + rng.normal(0, 4, 2), float(rng.uniform(24, 48))
        )
        counted = _vehicles_in(exact, vehicles, zone)
        if counted is not None and counted >= 1:
            break
    else:
        return None
    draft = Draft("vehicles in zone", drawing.named("zone A"), "number", float(counted), {"A": zone})
    away = drawing.outside(exact, rng, 60.0)
    twin = None if away is None else Draft(
        "vehicles in zone", drawing.named("zone A"), "number", None, {"A": drawing.square(away, 40.0)},
        reason="the zone is in no frame",
    )  # fmt: skip
    return draft, twin


def _vehicles_in(exact: Exact, vehicles: list[Walk], zone: shapely.Polygon) -> int | None:
    """Moving vehicles that were clearly in a zone; ``None`` where one is a doubtful case."""
    deep, wide = zone.buffer(-3.0), zone.buffer(3.0)
    count = 0
    for walk in exact.walks:
        if walk.label == "person" or not walk.inside(wide).any():
            continue
        moved = float(np.hypot(*(walk.xy.max(axis=0) - walk.xy.min(axis=0))))
        if walk in vehicles and walk.inside(deep).sum() >= 4 and moved > 12.0:
            count += 1
        else:
            return None
    return count


def _count_buildings(exact: Exact, rng: np.random.Generator) -> Pair | None:
    shapes = [shapely.Polygon(outline) for outline in _buildings(exact)]
    tree = shapely.STRtree(shapes)
    for _ in range(TRIES):
        zone = drawing.square(drawing.near_path(exact, rng, 60.0), float(rng.uniform(50, 90)))
        hit = tree.query(zone.buffer(2.0), predicate="intersects")
        whole = [number for number in hit if zone.buffer(-2.0).contains(shapes[number])]
        if len(whole) == len(hit) and len(whole) >= 2:
            draft = Draft(
                "buildings in zone", drawing.named("zone A"), "number", float(len(whole)), {"A": zone}
            )
            twin = Draft(
                "buildings in zone",
                drawing.named(drawing.nowhere(rng)),
                "number",
                None,
                reason="the name is on no map",
            )
            return draft, twin
    return None


def _buildings(exact: Exact) -> list[FloatArray]:
    return [
        outline
        for number, outline in exact.scenario.world.outlines.items()
        if exact.kind_of(number) == "building"
    ]


def event_place(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """At which of four marks a vehicle stopped, started or turned."""
    wanted = exact.events[exact.events["event"].isin(("stop", "start", "turn left", "turn right"))]
    wanted = wanted[wanted["label"] != "person"]
    clear = {walk.track_id: walk for walk in exact.walks}
    rows = [row for row in wanted.itertuples() if _is_clear_event(clear.get(row.track_id), float(row.time_s))]
    if not rows:
        return None
    row = rows[rng.integers(len(rows))]
    same = wanted[(wanted["event"] == row.event) & (abs(wanted["time_s"] - row.time_s) < 4.0)]
    if len(same) > 1:
        return None
    true = shapely.get_coordinates(row.geometry)[0] - exact.scenario.world.origin_en
    places = [true]
    for _ in range(TRIES):
        other = drawing.near_path(exact, rng, 50.0)
        if all(np.hypot(*(other - known)) > 30.0 for known in places):
            places.append(other)
        if len(places) == 4:
            break
    else:
        return None
    order = rng.permutation(4)
    marks = {LETTERS[k]: shapely.Point(places[order[k]]) for k in range(4)}
    letter = LETTERS[int(np.flatnonzero(order == 0)[0])]
    choices = {name: f"mark {name}" for name in marks}
    words = {"t": drawing.clock(float(row.time_s)), "event": row.event}
    draft = Draft("event", words, "choice", letter, marks, choices)
    return draft, _no_event(exact, rng, marks, choices)


def _is_clear_event(walk: Walk | None, at: float) -> bool:
    """Whether the object was seen for a second before and after, and really moved before or after."""
    if walk is None or walk.times_s[0] > at - 1.0 or walk.times_s[-1] < at + 1.0:
        return False
    return bool(walk.speed_mps[np.abs(walk.times_s - at) < 2.5].max(initial=0.0) > 3.0)


def _no_event(
    exact: Exact, rng: np.random.Generator, marks: Mapping[str, shapely.Geometry], choices: Mapping[str, str]
) -> Draft | None:
    """An event of a kind that did not happen within six seconds of a moment."""
    for name in rng.permutation(["stop", "start", "turn left", "turn right"]):
        times = exact.events[exact.events["event"] == name]["time_s"].to_numpy(dtype=np.float64)
        for time_s in rng.permutation(exact.times_s):
            if not len(times) or np.abs(times - time_s).min() > 6.0:
                words = {"t": drawing.clock(float(time_s)), "event": str(name)}
                return Draft("event", words, "choice", None, marks, choices, reason="there was no such event")
    return None


def trajectory(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which of four lines is the way of the drone."""
    path = exact.cameras[:: max(1, len(exact.cameras) // 30), :2]
    middle = path.mean(axis=0)

    def turned(degrees: float) -> FloatArray:
        angle = np.radians(degrees)
        c, s = np.cos(angle), np.sin(angle)
        return np.asarray((path - middle) @ np.array([[c, s], [-s, c]]) + middle)

    angle, shift = rng.uniform(50, 130) * rng.choice([-1, 1]), rng.uniform(0, 2 * np.pi)
    moved = path + 60.0 * np.array([np.cos(shift), np.sin(shift)])
    wrong = [turned(angle), moved, turned(180.0), path[::-1]]
    chosen = [wrong[k] for k in rng.permutation(4)[:3]]
    places = [*chosen, path]
    order = rng.permutation(4)
    marks = {LETTERS[k]: shapely.LineString(places[order[k]]) for k in range(4)}
    letter = LETTERS[int(np.flatnonzero(order == 3)[0])]
    choices = {name: f"line {name}" for name in marks}
    far = [
        turned(angle),
        moved,
        turned(-angle),
        path + 80.0 * np.array([-np.sin(shift), np.cos(shift)]),
    ]
    lines = {name: shapely.LineString(line) for name, line in zip(LETTERS, far, strict=True)}
    twin = Draft("path", {}, "choice", None, lines, choices, reason="none of the lines is the way")
    return Draft("path", {}, "choice", letter, marks, choices), twin


def interaction(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """To which of two zones vehicles went from a third."""
    movers = [
        walk for walk in exact.walks
        if walk.label != "person" and np.hypot(*(walk.xy[-1] - walk.xy[0])) > 35.0 and len(walk.xy) > 12
    ]  # fmt: skip
    if not movers:
        return None
    for _ in range(TRIES):
        walk = movers[rng.integers(len(movers))]
        start, end = drawing.square(walk.xy[2], 22.0), drawing.square(walk.xy[-3], 22.0)
        other = drawing.square(drawing.near_path(exact, rng, 40.0), 22.0)
        if start.distance(end) < 6.0 or other.distance(start) < 10.0 or other.distance(end) < 10.0:
            continue
        counts = [_went(exact, start, zone) for zone in (end, other)]
        if counts[0] is not None and counts[1] == 0 and counts[0] >= 1 and exact.seen_ground.contains(other):
            break
    else:
        return None
    swap = rng.random() < 0.5
    marks = {"A": start, "B": other if swap else end, "C": end if swap else other}
    choices = {"A": "zone B", "B": "zone C"}
    draft = Draft(
        "flow", {"x": "zone A", "y": "zone B", "z": "zone C"}, "choice", "B" if swap else "A", marks, choices
    )
    away = [drawing.outside(exact, rng, 60.0) for _ in range(3)]
    twin = None
    if all(place is not None for place in away):
        far = {
            name: drawing.square(place, 22.0)
            for name, place in zip("ABC", away, strict=True)
            if place is not None
        }
        words = {"x": "zone A", "y": "zone B", "z": "zone C"}
        twin = Draft("flow", words, "choice", None, far, choices, reason="the zones are in no frame")
    return draft, twin


def _went(exact: Exact, start: shapely.Polygon, end: shapely.Polygon) -> int | None:
    """How many vehicles clearly went from one zone to another; ``None`` where one is a doubtful case."""
    count = 0
    for walk in exact.walks:
        if walk.label == "person":
            continue
        inner, outer = (
            [np.flatnonzero(walk.inside(zone.buffer(grow))) for zone in (start, end)] for grow in (-3.0, 3.0)
        )
        surely = len(inner[0]) >= 2 and len(inner[1]) >= 2 and inner[0][0] < inner[1][-1]
        perhaps = len(outer[0]) > 0 and len(outer[1]) > 0 and outer[0][0] < outer[1][-1]
        if perhaps and not surely:
            return None
        count += surely
    return count
