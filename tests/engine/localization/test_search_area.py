"""Search areas: they hold what they claim, shrink with evidence, and admit that a frame may be elsewhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.localization.search_area import (
    ON_MAP_KNOWN,
    ON_MAP_UNKNOWN,
    SearchArea,
    Spot,
    neighbour_spots,
    search_areas,
)
from rs_copilot.localization.view import nadir_view
from rs_copilot.types import FrameStatus, Placement, SizeWH

BOUNDS = (1000.0, 2000.0, 2000.0, 2600.0)
SIZE = SizeWH(640, 360)


def placed(frame: int, x_m: float, y_m: float) -> Placement:
    place = nadir_view(SIZE, 120.0).at(np.array([x_m, y_m]))
    return Placement(frame, float(frame), FrameStatus.LOCATED, 0.9, error_m=2.0, map_from_px=place, size=SIZE)


def unlocated(frame: int) -> Placement:
    return Placement(frame, float(frame), FrameStatus.UNLOCATED, 0.0, reason="no match")


def test_without_any_evidence_the_area_is_the_map_and_half_of_it_is_elsewhere() -> None:
    areas = search_areas([], [], BOUNDS, on_map=ON_MAP_UNKNOWN)
    assert [area.polygon.equals(shapely.box(*BOUNDS)) for area in areas] == [True]
    assert areas[0].probability == pytest.approx(0.5)
    assert areas[0].area_km2 == pytest.approx(0.6)


def test_located_neighbours_narrow_the_area() -> None:
    spot = Spot(np.array([1500.0, 2300.0]), 40.0)
    half, most = search_areas([], [spot], BOUNDS, on_map=ON_MAP_KNOWN)[:2]
    assert half.area_km2 < 0.02 < most.area_km2
    assert half.polygon.contains(shapely.Point(1500, 2300))
    assert 0.5 <= half.probability < most.probability


def test_a_likely_candidate_takes_its_share() -> None:
    candidate = Spot(np.array([1800.0, 2500.0]), 15.0, weight=3.0)
    half, rest = search_areas([candidate], [], BOUNDS, on_map=ON_MAP_UNKNOWN)
    assert half.polygon.contains(shapely.Point(1800, 2500))
    assert half.area_km2 < 0.01
    # A frame that may well lie elsewhere cannot be promised to lie on the map with 90 %.
    assert rest.probability == pytest.approx(0.75 + 0.125, abs=0.01)


def test_places_far_apart_are_parts_and_nothing_between_them() -> None:
    candidates = [Spot(np.array([x, 2300.0]), 15.0, weight=w) for x, w in ((1100.0, 8.0), (1900.0, 4.0))]
    areas = search_areas(candidates, [], BOUNDS, on_map=ON_MAP_UNKNOWN)
    half = [area for area in areas if area.level == 0.5]
    most = [area for area in areas if area.level == 0.9]
    assert 0.5 <= sum(area.probability for area in half) < 0.6
    # The likelier place first, each with what it holds; together they hold the level.
    assert [area.probability for area in most] == pytest.approx([0.61, 0.31], abs=0.03)
    assert all(area.area_km2 < 0.01 for area in most)
    assert not any(area.polygon.contains(shapely.Point(1500, 2300)) for area in areas)


def test_parts_whose_hulls_meet_are_one() -> None:
    ring = [
        Spot(np.array([1500 + 200 * np.cos(turn), 2300 + 200 * np.sin(turn)]), 25.0, weight=10.0)
        for turn in np.linspace(0, 2 * np.pi, 30)
    ]
    middle = Spot(np.array([1500.0, 2300.0]), 15.0, weight=20.0)
    most = [a for a in search_areas([*ring, middle], [], BOUNDS, on_map=0.5) if a.level == 0.9]
    assert len(most) == 1
    assert most[0].probability >= 0.9


spots = st.builds(
    lambda x, y, sigma, weight: Spot(np.array([x, y]), sigma, weight),
    st.floats(900, 2100),
    st.floats(1900, 2700),
    st.floats(1, 400),
    st.floats(0, 50),
)


@settings(max_examples=40)
@given(st.lists(spots, max_size=5), st.lists(spots, max_size=2), st.floats(0.05, 1.0))
def test_areas_lie_on_the_map_and_probabilities_are_such(
    candidates: list[Spot], neighbours: list[Spot], on_map: float
) -> None:
    areas = search_areas(candidates, neighbours, BOUNDS, on_map=on_map)
    for level in (0.5, 0.9):
        parts = [area for area in areas if area.level == level]
        held = sum(part.probability for part in parts)
        assert held <= 1.0 + 1e-6
        # A level is reached, or the area is the map.
        assert not parts or held >= level or parts[0].polygon.equals(shapely.box(*BOUNDS))
        assert all(one.polygon.disjoint(other.polygon) for one, other in pairwise(parts))
    for area in areas:
        assert isinstance(area, SearchArea)
        assert isinstance(area.polygon, shapely.Polygon)
        assert area.polygon.is_valid
        assert shapely.box(*BOUNDS).buffer(1e-6).contains(area.polygon)
        assert 0.0 <= area.probability <= 1.0 + 1e-6


def test_truth_is_held_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    neighbour = Spot(np.array([1500.0, 2300.0]), 60.0)
    half, most = search_areas([], [neighbour], BOUNDS, on_map=1.0)
    points = np.where(
        rng.random((4000, 1)) < 0.8,
        rng.normal(neighbour.center_m, neighbour.sigma_m, (4000, 2)),
        rng.uniform(BOUNDS[:2], BOUNDS[2:], (4000, 2)),
    )
    for area in (half, most):
        held = shapely.contains_xy(area.polygon, points[:, 0], points[:, 1]).mean()
        assert held == pytest.approx(area.probability, abs=0.03)


def test_neighbours_farther_away_in_time_say_less() -> None:
    clip = [placed(0, 1100, 2100), placed(1, 1130, 2100), *[unlocated(i) for i in range(2, 6)]]
    near = neighbour_spots(clip, 120.0)
    sigmas = [near[i][-1].sigma_m for i in range(2, 6)]
    assert sigmas == sorted(sigmas)
    assert sigmas[-1] > 200.0
    assert neighbour_spots([unlocated(0)], 120.0) == [[]]
