"""Makers of questions about what moves: how many, where they stop, where they go, whose way it is."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import shapely

from rs_copilot.simulation.questions import drawing
from rs_copilot.simulation.questions.drawing import LETTERS, TRIES, Draft, Pair
from rs_copilot.simulation.questions.exact import Exact, Walk
from rs_copilot.types import FloatArray

# Below this a vehicle may be taken for one that stands; above BEND_DEG a bend for a turn.
SLOW_MPS, BEND_DEG = 1.5, 25.0
# Lines that are nowhere farther apart than this may be taken for one another.
APART_M = 25.0


def counting(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """How many moving vehicles were in a marked zone, or how many buildings stand in it."""
    makers = (_count_buildings, _count_vehicles)
    makers = makers if rng.random() < 0.4 else makers[::-1]
    return next((pair for pair in (maker(exact, rng) for maker in makers) if pair is not None), None)


def _count_vehicles(exact: Exact, rng: np.random.Generator) -> Pair | None:
    vehicles = [walk for walk in exact.walks if walk.label != "person" and (walk.speed_mps > 2.0).sum() >= 4]
    for _ in range(TRIES):
        if not vehicles:
            return None
        walk = vehicles[rng.integers(len(vehicles))]
        zone = drawing.square(
            walk.xy[rng.integers(len(walk.xy))] + rng.normal(0, 4, 2), float(rng.uniform(24, 48))
        )
        counted = _vehicles_in(exact, vehicles, zone)
        if counted is not None and counted >= 1 and exact.map_area.contains(zone):
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
    deep = zone.buffer(-3.0)
    sure = set()
    for walk in vehicles:
        moved = float(np.hypot(*(walk.xy.max(axis=0) - walk.xy.min(axis=0))))
        if (walk.inside(deep) & (walk.speed_mps > 2.0)).sum() >= 4 and moved > 12.0:
            sure.add(walk.track_id)
    return len(sure) if exact.glimpsed(zone.buffer(3.0)) == sure else None


def _count_buildings(exact: Exact, rng: np.random.Generator) -> Pair | None:
    shapes = [shapely.Polygon(outline) for outline in _buildings(exact)]
    tree = shapely.STRtree(shapes)
    for _ in range(4 * TRIES):
        zone = drawing.square(drawing.near_path(exact, rng, 60.0), float(rng.uniform(35, 90)))
        hit = tree.query(zone.buffer(2.0), predicate="intersects")
        whole = [number for number in hit if zone.buffer(-2.0).contains(shapes[number])]
        if len(whole) == len(hit) and len(whole) >= 2 and exact.map_area.contains(zone):
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
    rows = [
        row
        for row in wanted.itertuples()
        if _is_clear_event(clear.get(row.track_id), float(row.time_s), exact.step_s)
        and _is_alone(exact, wanted, row.event, row.time_s, row.track_id)
    ]
    if not rows:
        return None
    row = rows[rng.integers(len(rows))]
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


def _is_clear_event(walk: Walk | None, at: float, step_s: float) -> bool:
    """Whether the object was seen all of the second before and after, and really moved before or after.

    ``step_s`` is the time between frames; one missing frame in a row does not count.
    """
    if walk is None:
        return False
    seen = walk.times_s[np.abs(walk.times_s - at) < 1.0 + 2.0 * step_s]
    whole = np.concatenate([[at - 1.0 - 2.0 * step_s], seen, [at + 1.0 + 2.0 * step_s]])
    if np.diff(whole).max() > 2.5 * step_s:
        return False
    return bool(walk.speed_mps[np.abs(walk.times_s - at) < 2.5].max(initial=0.0) > 3.0)


def _is_alone(exact: Exact, wanted: gpd.GeoDataFrame, event: str, at: float, track_id: int) -> bool:
    """Whether no other vehicle did the same, or nearly, at about the same time."""
    same = wanted[(wanted["event"] == event) & (abs(wanted["time_s"] - at) < 4.0)]
    others = [walk for walk in exact.walks if walk.track_id != track_id]
    return len(same) == 1 and not any(_nearly(walk, event, at, 4.0) for walk in others)


def _nearly(walk: Walk, event: str, at: float, within_s: float) -> bool:
    """Whether somebody who watches a track may think that an event happened about a moment."""
    near = np.flatnonzero(np.abs(walk.times_s - at) < within_s)
    if len(near) < 3:
        return False
    if event in ("stop", "start"):
        slow = walk.speed_mps[near] < SLOW_MPS
        change = np.diff(slow.astype(int))
        return bool((change == (1 if event == "stop" else -1)).any())
    moving = walk.xy[near][walk.speed_mps[near] > SLOW_MPS]
    steps = np.diff(moving, axis=0)
    if len(steps) < 2:
        return False
    turned = np.degrees(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    # Counter-clockwise is to the left; what was turned back again counts as well.
    turned = turned if event == "turn left" else -turned
    return float((turned - np.minimum.accumulate(turned)).max()) > BEND_DEG


def _no_event(
    exact: Exact, rng: np.random.Generator, marks: Mapping[str, shapely.Geometry], choices: Mapping[str, str]
) -> Draft | None:
    """An event of a kind that did not happen, nor nearly, within six seconds of a moment."""
    for name in rng.permutation(["stop", "start", "turn left", "turn right"]):
        times = exact.events[exact.events["event"] == name]["time_s"].to_numpy(dtype=np.float64)
        for time_s in rng.permutation(exact.times_s):
            near = any(_nearly(walk, str(name), float(time_s), 6.0) for walk in exact.walks)
            if not near and (not len(times) or np.abs(times - time_s).min() > 6.0):
                words = {"t": drawing.clock(float(time_s)), "event": str(name)}
                return Draft("event", words, "choice", None, marks, choices, reason="there was no such event")
    return None


def trajectory(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which of four lines is the way of the drone."""
    path = exact.cameras[:: max(1, len(exact.cameras) // 30), :2]
    if len(path) < 2 or float(np.hypot(*np.ptp(path, axis=0))) < 30.0:
        return None
    true = shapely.LineString(path)
    lines: list[shapely.LineString] = []
    for _ in range(TRIES):
        other = shapely.LineString(_elsewhere(path, rng))
        # Lines look the same from both ends: they differ by their places.
        if all(other.hausdorff_distance(known) > APART_M for known in (true, *lines)):
            lines.append(other)
        if len(lines) == 7:
            break
    else:
        return None
    order = rng.permutation(4)
    places = [*lines[:3], true]
    marks = {LETTERS[k]: places[order[k]] for k in range(4)}
    letter = LETTERS[int(np.flatnonzero(order == 3)[0])]
    choices = {name: f"line {name}" for name in marks}
    wrong = dict(zip(LETTERS, lines[3:], strict=True))
    twin = Draft("path", {}, "choice", None, wrong, choices, reason="none of the lines is the way")
    return Draft("path", {}, "choice", letter, marks, choices), twin


def _elsewhere(path: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A way turned and moved at random."""
    middle = path.mean(axis=0)
    angle = float(rng.uniform(-np.pi, np.pi)) * float(rng.random() < 0.6)
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray((path - middle) @ np.array([[c, s], [-s, c]]) + middle + rng.normal(0.0, 45.0, 2))


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
        if not all(exact.map_area.contains(zone) for zone in (start, end, other)):
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
    return draft, _unseen_flow(exact, rng, choices)


def _unseen_flow(exact: Exact, rng: np.random.Generator, choices: Mapping[str, str]) -> Draft | None:
    """The same of three zones that no frame shows."""
    zones: list[shapely.Polygon] = []
    for _ in range(20):
        place = drawing.outside(exact, rng, 60.0)
        if place is None:
            return None
        zone = drawing.square(place, 22.0)
        if all(zone.distance(known) > 10.0 for known in zones):
            zones.append(zone)
        if len(zones) == 3:
            words = {"x": "zone A", "y": "zone B", "z": "zone C"}
            marks = dict(zip("ABC", zones, strict=True))
            return Draft("flow", words, "choice", None, marks, choices, reason="the zones are in no frame")
    return None


def _went(exact: Exact, start: shapely.Polygon, end: shapely.Polygon) -> int | None:
    """How many vehicles clearly went from one zone to another; ``None`` where one is a doubtful case."""
    wide, deep = ([zone.buffer(grow) for zone in (start, end)] for grow in (3.0, -3.0))
    walks = [walk for walk in exact.walks if walk.label != "person"]
    if not exact.glimpsed(wide[0]) & exact.glimpsed(wide[1]) <= {walk.track_id for walk in walks}:
        return None
    count = 0
    for walk in walks:
        inner, outer = ([np.flatnonzero(walk.inside(z)) for z in zones] for zones in (deep, wide))
        surely = len(inner[0]) >= 2 and len(inner[1]) >= 2 and inner[0][0] < inner[1][-1]
        perhaps = len(outer[0]) > 0 and len(outer[1]) > 0 and outer[0][0] < outer[1][-1]
        if perhaps and not surely:
            return None
        count += surely
    return count
