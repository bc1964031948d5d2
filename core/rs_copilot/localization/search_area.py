"""Where an unlocated frame may be: the probability over the map, as areas that hold half and 90 % of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization.keyframes import Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, FrameStatus, Placement
from rs_copilot.vector.build import center_xy

IndexArray: TypeAlias = NDArray[np.intp]

LEVELS = (0.5, 0.9)
# Cells along the map's longer side: finer than the eye tells apart on a whole map.
CELLS = 96
# That the clip's place is on the map at all: open until a frame is located there, then nearly sure.
ON_MAP_UNKNOWN, ON_MAP_KNOWN = 0.5, 0.95
# A turn or a jump may have put a frame anywhere, whatever its neighbours say.
STRAY = 0.2
# Frames between and beyond located ones wander by this many times the usual way.
WANDER = 2.0
# An unlocated frame's candidates were not believed, whatever their own evidence says.
MAX_DOUBTED_ODDS = 2.0


@dataclass(frozen=True)
class Spot:
    """A Gaussian on the map with its weight: an unconfirmed candidate's odds, or a neighbour's share."""

    center_m: FloatArray
    sigma_m: float
    weight: float = 1.0


@dataclass(frozen=True)
class SearchArea:
    """A polygon in map metres that holds a frame's centre with ``probability``."""

    probability: float
    polygon: shapely.Polygon

    @property
    def area_km2(self) -> float:
        """Size on the map plane."""
        return float(self.polygon.area) / 1e6


def search_areas(
    candidates: Sequence[Spot], neighbours: Sequence[Spot], bounds_m: Bounds, *, on_map: float
) -> list[SearchArea]:
    """The smallest areas that hold 50 and 90 % of the probability, smaller first.

    What speaks for no candidate is spread over the neighbourhood of located frames, or over the whole map,
    and a part of it lies off the map. Where a level cannot be reached, or only with the whole map, the area
    is the map with the probability that it holds. Areas are convex, since layers hold single polygons.

    Args:
        candidates: weights are the odds of each against all of the rest.
        neighbours: of located frames before and after; none if there are none.
        bounds_m: the raster.
        on_map: probability that the frame lies on the raster, before looking at it.
    """
    mass, xy_m, cell_m = _mass(candidates, neighbours, bounds_m, on_map)
    order = np.argsort(-mass)
    reached = np.cumsum(mass[order])
    whole = SearchArea(float(reached[-1]), shapely.box(*bounds_m))
    areas = [_level(level, mass, order, reached, xy_m, cell_m, whole) for level in LEVELS]
    kept = [area for area in areas if area.polygon.area < whole.polygon.area]
    return kept if len(kept) == len(LEVELS) else [*kept, whole]


def _level(
    level: float,
    mass: FloatArray,
    order: IndexArray,
    reached: FloatArray,
    xy_m: FloatArray,
    cell_m: float,
    whole: SearchArea,
) -> SearchArea:
    if reached[-1] < level:
        return whole
    least = mass[order[int(np.searchsorted(reached, level))]]
    # Cells that are as likely as the last one belong to the area too: nothing prefers one of them.
    inside = mass >= least * (1.0 - 1e-9)
    points = shapely.MultiPoint(xy_m[inside])
    hull = points.convex_hull.buffer(cell_m / 2, join_style="mitre", cap_style="square")
    polygon = hull.intersection(whole.polygon)
    held = float(mass[shapely.contains_xy(polygon, xy_m[:, 0], xy_m[:, 1])].sum())
    return SearchArea(held, polygon)


def _mass(
    candidates: Sequence[Spot], neighbours: Sequence[Spot], bounds_m: Bounds, on_map: float
) -> tuple[FloatArray, FloatArray, float]:
    """Probability per cell, the cells' centres ``(N, 2)``, and their side."""
    west, south, east, north = bounds_m
    cell_m = max(east - west, north - south) / CELLS
    cols, rows = int(np.ceil((east - west) / cell_m)), int(np.ceil((north - south) / cell_m))
    x = west + (np.arange(cols) + 0.5) * (east - west) / cols
    y = south + (np.arange(rows) + 0.5) * (north - south) / rows
    xy_m = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    uniform = np.full(len(xy_m), 1.0 / len(xy_m))
    rest = uniform
    if neighbours:
        around = sum(_gaussian(spot, xy_m, cell_m) for spot in neighbours) / len(neighbours)
        rest = STRAY * uniform + (1.0 - STRAY) * np.asarray(around)
    total = on_map * rest
    for spot in candidates:
        total = total + spot.weight * _gaussian(spot, xy_m, cell_m)
    # What the Gaussians leave beyond the map's edge counts as off the map.
    everything = 1.0 + sum(spot.weight for spot in candidates)
    return np.asarray(total / everything), xy_m, cell_m


def _gaussian(spot: Spot, xy_m: FloatArray, cell_m: float) -> FloatArray:
    sigma = max(spot.sigma_m, cell_m / 2)
    squared = np.sum((xy_m - spot.center_m) ** 2, axis=1) / sigma**2
    mass = np.exp(-0.5 * squared) * cell_m**2 / (2 * np.pi * sigma**2)
    # Sampled at the centres of few cells it may sum to a little more than one; what is beyond the map is not.
    return np.asarray(mass / max(1.0, float(mass.sum())))


def neighbour_spots(placements: Sequence[Placement], width_m: float) -> list[list[Spot]]:
    """For every frame what the nearest located frames before and after say about its place.

    Args:
        placements: of the whole clip, in time order.
        width_m: usual ground width of a frame, the least uncertainty that moving on brings.
    """
    located = [i for i, p in enumerate(placements) if p.status is not FrameStatus.UNLOCATED]
    if not located:
        return [[] for _ in placements]
    centers = {i: center for i in located if (center := center_xy(placements[i])) is not None}
    step_m = _usual_step_m(centers)
    spots = []
    for number in range(len(placements)):
        position = int(np.searchsorted(located, number))
        near = located[max(position - 1, 0) : position + 1]
        spots.append(
            [
                Spot(centers[i], max(WANDER * step_m * abs(i - number), width_m / 4))
                for i in near
                if i in centers
            ]
        )
    return spots


def _usual_step_m(centers: dict[int, FloatArray]) -> float:
    numbers = sorted(centers)
    steps = [
        float(np.linalg.norm(centers[after] - centers[before])) / (after - before)
        for before, after in itertools.pairwise(numbers)
    ]
    return float(np.median(steps)) if steps else 0.0


def areas_of(
    recording: Recording,
    judged: Mapping[int, Sequence[Fix]],
    placements: Sequence[Placement],
    bounds_m: Bounds,
) -> dict[int, list[SearchArea]]:
    """Search areas of all unlocated frames, by index of the frame.

    Args:
        recording: of the clip.
        judged: registered places by keyframe number.
        placements: one per visit, in the same order.
        bounds_m: the raster.
    """
    placed = [p for p in placements if p.status is not FrameStatus.UNLOCATED]
    widths = [
        view_of_placement(p.map_from_px, p.size).width_m
        for p in placed
        if p.map_from_px is not None and p.size
    ]
    neighbours = neighbour_spots(placements, float(np.median(widths)) if widths else 0.0)
    on_map = ON_MAP_KNOWN if placed else ON_MAP_UNKNOWN
    return {
        item.frame: search_areas(
            _candidates(recording, judged, number), neighbours[number], bounds_m, on_map=on_map
        )
        for number, item in enumerate(placements)
        if item.status is FrameStatus.UNLOCATED
    }


def _candidates(recording: Recording, judged: Mapping[int, Sequence[Fix]], number: int) -> list[Spot]:
    """Places that the nearest keyframe was compared with, carried to a visited frame by motion."""
    near = [key for key in judged if recording.chain.connected(recording.keyframes[key].visit, number)]
    if not near:
        return []
    key = min(near, key=lambda other: abs(recording.keyframes[other].visit - number))
    visit, size = recording.keyframes[key].visit, recording.visits[number].size
    spots: list[Spot] = []
    for fix in sorted(judged[key], key=lambda fix: -fix.log_odds):
        place = recording.chain.predict(fix.registration.map_from_px, visit, number)
        if place is None or not hg.is_plausible(place, size):
            continue
        center = hg.apply(hg.orient(place, size), size.center_px)[0]
        apart_m = fix.candidate.view.width_m / 4
        if all(np.linalg.norm(center - spot.center_m) > apart_m for spot in spots):
            sigma_m = confidence.sigma_m(fix.registration) + 0.02 * fix.candidate.view.width_m
            spots.append(Spot(center, sigma_m, float(np.exp(min(fix.log_odds, MAX_DOUBTED_ODDS)))))
    return spots
