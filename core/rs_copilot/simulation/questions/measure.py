"""Makers of questions about distances, directions and ways."""

from __future__ import annotations

import numpy as np
import shapely

from rs_copilot.simulation.network import Edge
from rs_copilot.simulation.questions import drawing
from rs_copilot.simulation.questions.drawing import LETTERS, TRIES, Draft, Pair
from rs_copilot.simulation.questions.exact import Exact
from rs_copilot.simulation.questions.ways import way_exists
from rs_copilot.types import FloatArray

SECTORS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def distance(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Metres between two marks, or between a mark and the middle of the picture at a moment."""
    for _ in range(TRIES):
        a, b = drawing.seen_place(exact, rng), drawing.seen_place(exact, rng)
        index = int(rng.integers(len(exact.times_s)))
        if a is None or b is None:
            return None
        if min(np.hypot(*(a - b)), np.hypot(*(a - exact.centers[index]))) >= 30.0:
            break
    else:
        return None
    if rng.random() < 0.5:
        metres, _ = exact.geodesic(a, b)
        marks = {"A": shapely.Point(a), "B": shapely.Point(b)}
        draft = Draft("distance", {"x": "mark A", "y": "mark B"}, "number", metres, marks, unit="m")
    else:
        metres, _ = exact.geodesic(a, exact.centers[index])
        words = {"x": "mark A", "t": drawing.clock(float(exact.times_s[index]))}
        draft = Draft("distance to view", words, "number", metres, {"A": shapely.Point(a)}, unit="m")
    words = {"x": "mark A", "y": drawing.nowhere(rng)}
    twin = Draft(
        "distance", words, "number", None, {"A": shapely.Point(a)}, unit="m", reason="the name is on no map"
    )
    return draft, twin


def direction(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """In which of eight directions one mark lies from another."""
    for _ in range(TRIES):
        a, b = drawing.near_path(exact, rng, 60.0), drawing.near_path(exact, rng, 60.0)
        metres, azimuth = exact.geodesic(a, b)
        number = round(azimuth / 45.0) % 8
        off = abs((azimuth - 45.0 * number + 180.0) % 360.0 - 180.0)
        if metres > 40.0 and off < 15.0:
            break
    else:
        return None
    wrong = rng.permutation([k for k in range(8) if k != number])[:3]
    order = rng.permutation([number, *wrong])
    choices = {LETTERS[k]: SECTORS[int(order[k])] for k in range(4)}
    letter = next(name for name, text in choices.items() if text == SECTORS[number])
    marks = {"A": shapely.Point(a), "B": shapely.Point(b)}
    draft = Draft("direction", {"x": "mark B", "y": "mark A"}, "choice", letter, marks, choices)
    words = {"x": drawing.nowhere(rng), "y": "mark A"}
    twin = Draft(
        "direction", words, "choice", None, {"A": marks["A"]}, choices, reason="the name is on no map"
    )
    return draft, twin


def reachability(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Whether a way leads from one mark to another that keeps off a road."""
    network = exact.scenario.world.network
    # Quay Road passes below the bridge and meets no other road.
    edges = [edge for edge in network.edges if any(edge.mouth_m)]
    holds = rng.random() < 0.5
    for _ in range(TRIES):
        first, last = (edges[rng.integers(len(edges))] for _ in range(2))
        a, b = (_middle(edge) for edge in (first, last))
        if not all(_is_surely_on(edge, xy, exact) for edge, xy in ((first, a), (last, b))):
            continue
        shut = "the bridge" if rng.random() < 0.5 else str(edges[rng.integers(len(edges))].name)
        shut_edges = [e for e in edges if (e.bridge if shut == "the bridge" else e.name == shut)]
        closed = {id(edge) for edge in shut_edges}
        if id(first) in closed or id(last) in closed or np.hypot(*(a - b)) < 60.0:
            continue
        # Whether a crossing with a closed road may be used is a matter of taste: both ways must agree.
        found = {way_exists(network, first, last, shut_edges, through) for through in (False, True)}
        if found == {holds}:
            break
    else:
        return None
    choices, letter = drawing.yes_no(rng, holds)
    marks = {"A": shapely.Point(a), "B": shapely.Point(b)}
    words = {"x": "mark A", "y": "mark B", "z": shut}
    draft = Draft("way", words, "choice", letter, marks, choices)
    words = {"x": "mark A", "y": drawing.nowhere(rng), "z": shut}
    return draft, Draft(
        "way", words, "choice", None, {"A": marks["A"]}, choices, reason="the name is on no map"
    )


def _middle(edge: Edge) -> FloatArray:
    line = shapely.LineString(edge.points_xy)
    return np.asarray(shapely.get_coordinates(line.interpolate(0.5, normalized=True))[0])


def _is_surely_on(edge: Edge, xy: FloatArray, exact: Exact) -> bool:
    """Whether a place is on the map, and much nearer to a road than to all others."""
    point = shapely.Point(xy)
    others = [shapely.LineString(e.points_xy) for e in exact.scenario.world.network.edges if e is not edge]
    return bool(exact.map_area.contains(point)) and min(line.distance(point) for line in others) > 10.0
