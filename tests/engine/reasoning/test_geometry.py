"""Views, occlusion, roads and fragments against brute force and known truth."""

from __future__ import annotations

import itertools

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.reasoning.fragments import joined
from rs_copilot.reasoning.occlusion import CLEARANCE_M, Occluders
from rs_copilot.reasoning.operations.places import RELATIONS, relation_of
from rs_copilot.reasoning.roads import build_roads
from rs_copilot.reasoning.things import Kind, Path, Thing
from tests.engine.reasoning import town

SMALL = st.floats(-40.0, 40.0)
METRES = st.floats(2.0, 30.0)


def house(number: int, x: float, y: float, side: float, height: float) -> Thing:
    shape = shapely.box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Thing(
        f"house {number}",
        Kind.OCCLUDER,
        f"house {number}",
        "building",
        shape,
        properties={"height_m": height},
    )


@given(
    st.lists(st.tuples(SMALL, SMALL, METRES, METRES), min_size=1, max_size=5),
    st.tuples(SMALL, SMALL),
    st.tuples(SMALL, SMALL, st.floats(40.0, 90.0)),
)
@settings(max_examples=60, deadline=None)
def test_what_hides_a_place_is_what_a_ray_meets_first(
    houses: list[tuple[float, float, float, float]],
    place: tuple[float, float],
    camera: tuple[float, float, float],
) -> None:
    things = tuple(house(number, *item) for number, item in enumerate(houses))
    point = np.array(place)
    on_top = max([0.7, *(t.height_m or 0.0 for t in things if t.shape.covers(shapely.Point(place)))])
    found = Occluders(things).hiding(np.array([camera]), point[None])[0]
    # Brute force: small steps along the ray, and which house each lies in.
    start, end = np.array([*place, on_top]), np.array(camera)
    steps = start + np.linspace(0.0, 1.0, 1500)[:, None] * (end - start)
    depths = [
        [
            (thing.height_m or 0.0) - z - CLEARANCE_M if thing.shape.covers(shapely.Point(x, y)) else -np.inf
            for thing in things
        ]
        for x, y, z in steps[::3]
    ]
    deepest = np.array(depths).max(axis=0)
    if found is None:
        assert (deepest < 0.2).all()
    else:
        assert deepest[int(found.key.split()[1])] > -0.2


def test_what_stands_on_a_house_is_seen_and_what_is_behind_is_not() -> None:
    houses = Occluders((house(0, 0.0, 0.0, 10.0, 12.0),))
    camera = np.array([[60.0, 0.0, 50.0]])
    assert houses.hiding(camera, np.array([[0.0, 0.0]]))[0] is None
    assert houses.hiding(camera, np.array([[0.0, 0.0]]), is_below=True)[0] is not None
    assert houses.hiding(camera, np.array([[-8.0, 0.0]]))[0] is not None
    assert houses.hiding(camera, np.array([[8.0, 0.0]]))[0] is None


@given(st.floats(-60.0, 260.0), st.floats(-40.0, 40.0))
@settings(max_examples=60, deadline=None)
def test_frames_see_what_their_footprints_hold(x: float, y: float) -> None:
    views = town.memory_once().views
    point = shapely.Point(town.place(x, y))
    _, inside = views.pixels(town.place(x, y)[None])
    for index in range(0, len(views), 9):
        outline = views.footprint(index)
        border = outline.exterior.distance(point)
        assert border < 0.05 or (inside[index, 0] > 0) == outline.covers(point)
        if outline.covers(point):
            assert abs(inside[index, 0] - border) < 0.05


LINKS = st.sets(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda link: link[0] < link[1]), min_size=1
)


@given(LINKS, st.sets(st.integers(0, 14), max_size=4))
@settings(max_examples=60, deadline=None)
def test_ways_are_the_shortest_of_a_brute_force_search(links: set[tuple[int, int]], shut: set[int]) -> None:
    # Six places on a circle: roads between them cross nowhere but at bridges, which join at their ends only.
    places = [100.0 * np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, 2 * np.pi, 7)[:-1]]
    roads = [
        Thing(
            f"road {n}", Kind.ROAD, f"road {n}", "road", shapely.LineString([places[a], places[b]]),
            properties={"bridge": True},
        )
        for n, (a, b) in enumerate(sorted(links))
    ]  # fmt: skip
    closed = [roads[n] for n in shut if n < len(roads)]
    best = np.full((6, 6), np.inf)
    np.fill_diagonal(best, 0.0)
    for road, (a, b) in zip(roads, sorted(links), strict=True):
        if road not in closed:
            best[a, b] = best[b, a] = road.shape.length
    for k, i, j in itertools.product(range(6), repeat=3):
        best[i, j] = min(best[i, j], best[i, k] + best[k, j])
    network = build_roads(roads)
    served = sorted({place for link in links for place in link})
    for a, b in itertools.combinations(served, 2):
        way = network.way(shapely.Point(places[a]), shapely.Point(places[b]), [road.shape for road in closed])
        found = np.inf if way.length_m is None else way.length_m
        assert np.isclose(found, best[a, b], atol=2.0) or (np.isinf(found) and np.isinf(best[a, b]))


def test_a_closed_road_leaves_its_crossings_open() -> None:
    cross = [
        Thing(name, Kind.ROAD, name, "road", shapely.LineString(line))
        for name, line in {"long": [(-100, 0), (100, 0)], "short": [(0, -100), (0, 100)]}.items()
    ]
    network = build_roads(cross)
    north, south, east = (shapely.Point(xy) for xy in ((0, 90), (0, -90), (90, 0)))
    assert network.way(north, south, [cross[0].shape]).length_m is not None
    assert network.way(north, east, [cross[0].shape]).length_m is None


@given(st.floats(2.0, 15.0), st.floats(0.2, 3.5), st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_pieces_of_one_drive_are_one_track(speed: float, gap_s: float, count: int) -> None:
    pieces = []
    for number in range(count):
        start = number * (3.0 + gap_s)
        times = start + np.arange(0.0, 3.01, 0.2)
        xy = np.stack([speed * times, np.zeros(len(times))], axis=1)
        pieces.append(track(number, times, xy))
    aside = track(9, np.arange(0.0, 30.0, 0.2), np.tile([0.0, 300.0], (150, 1)))
    whole = joined([*pieces, aside])
    assert len(whole) == 2
    assert whole[0].path is not None and len(whole[0].path.times_s) == sum(
        len(piece.path.times_s) for piece in pieces if piece.path is not None
    )


def track(number: int, times: np.ndarray, xy: np.ndarray) -> Thing:
    return Thing(
        f"track {number}",
        Kind.TRACK,
        f"track {number}",
        "vehicle",
        shapely.LineString(xy),
        path=Path(times, xy),
    )


BOXES = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4), st.integers(1, 4))


@given(BOXES, BOXES)
@settings(max_examples=80, deadline=None)
def test_relations_are_those_of_de9im(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    first, second = (shapely.box(x, y, x + w, y + h) for x, y, w, h in (a, b))
    word = relation_of(first, second)
    matrix = shapely.relate(first, second)
    # OGC 06-103r4: patterns of interiors, borders and outsides of two areas.
    patterns = {
        "equals": "T*F**FFF*", "inside": "**F**F***", "contains": "******FF*", "touches": "F***T****",
        "overlaps": "T*T***T**", "apart": "FF*FF****",
    }  # fmt: skip
    assert word in RELATIONS and shapely.relate_pattern(first, second, patterns[word]), matrix
