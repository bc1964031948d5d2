"""Where an unlocated frame may be: the probability over the map, as areas that hold half and 90 % of it.

Two places far apart are two areas: what lies between them is not likelier for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely

from rs_copilot.geo import homography as hg
from rs_copilot.localization import confidence
from rs_copilot.localization.keyframes import Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, FrameStatus, Placement
from rs_copilot.vector.build import center_xy

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
    """One connected part, in map metres, of the area that holds a frame's centre with about ``level``.

    ``probability`` is what this part holds: those of all parts of one level add up to what the level's
    area holds. Parts of the higher level contain those of the lower one.
    """

    probability: float
    polygon: shapely.Polygon
    level: float

    @property
    def area_km2(self) -> float:
        """Size on the map plane."""
        return float(self.polygon.area) / 1e6


@dataclass(frozen=True)
class _Spread:
    """Probability of every cell, ``(rows, cols)`` from the south, and the cells' centres ``(N, 2)``."""

    mass: FloatArray
    xy_m: FloatArray
    cell_m: float
    bounds: shapely.Polygon

    def held(self, polygon: shapely.Polygon) -> float:
        """Probability of the cells whose centres lie in a polygon."""
        inside = shapely.contains_xy(polygon, self.xy_m[:, 0], self.xy_m[:, 1])
        return float(self.mass.ravel()[inside].sum())


def search_areas(
    candidates: Sequence[Spot], neighbours: Sequence[Spot], bounds_m: Bounds, *, on_map: float
) -> list[SearchArea]:
    """The smallest areas that hold 50 and 90 % of the probability, in parts: the lower level first.

    What speaks for no candidate is spread over the neighbourhood of located frames, or over the whole map,
    and a part of it lies off the map. Where a level cannot be reached, or only with the whole map, the area
    is the map with the probability that it holds. Every part is convex, and those of a level lie apart.

    Args:
        candidates: weights are the odds of each against all of the rest.
        neighbours: of located frames before and after; none if there are none.
        bounds_m: the raster.
        on_map: probability that the frame lies on the raster, before looking at it.
    """
    spread = _spread(candidates, neighbours, bounds_m, on_map)
    whole = float(spread.mass.sum())
    found: list[SearchArea] = []
    for level in LEVELS:
        parts = _parts(level, spread) if whole >= level else []
        if not parts or sum(part.area for part in parts) >= (1.0 - 1e-9) * spread.bounds.area:
            nearest = min(LEVELS, key=lambda other: abs(other - whole))
            return [*found, SearchArea(whole, spread.bounds, max(level, nearest))]
        areas = [SearchArea(spread.held(part), part, level) for part in parts]
        found += sorted(areas, key=lambda area: -area.probability)
    return found


def _parts(level: float, spread: _Spread) -> list[shapely.Polygon]:
    """Hulls of the connected parts of the likeliest cells that hold ``level`` together."""
    ordered = np.sort(spread.mass, axis=None)[::-1]
    last = min(int(np.searchsorted(np.cumsum(ordered), level)), ordered.size - 1)
    # Cells that are as likely as the last one belong to the area too: nothing prefers one of them.
    inside = spread.mass >= ordered[last] * (1.0 - 1e-9)
    count, labels = cv2.connectedComponents(inside.astype(np.uint8), connectivity=8)
    flat = labels.ravel()
    half = spread.cell_m / 2
    hulls = [
        shapely.MultiPoint(spread.xy_m[flat == number])
        .convex_hull.buffer(half, join_style="mitre", cap_style="square")
        .intersection(spread.bounds)
        for number in range(1, count)
    ]
    return _apart(hulls)


def _apart(hulls: Sequence[shapely.Polygon]) -> list[shapely.Polygon]:
    """The same area with overlapping hulls made one, so that nothing is counted twice."""
    apart: list[shapely.Polygon] = []
    for hull in hulls:
        one = hull
        while touching := [other for other in apart if other.intersects(one)]:
            one = shapely.union_all([one, *touching]).convex_hull
            apart = [other for other in apart if all(other is not taken for taken in touching)]
        apart.append(one)
    return apart


def _spread(
    candidates: Sequence[Spot], neighbours: Sequence[Spot], bounds_m: Bounds, on_map: float
) -> _Spread:
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
    mass = np.asarray(total / everything).reshape(rows, cols)
    return _Spread(mass, xy_m, cell_m, shapely.box(*bounds_m))


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


def area_now(
    recording: Recording,
    judged: Mapping[int, Sequence[Fix]],
    number: int,
    neighbours: Sequence[Spot],
    bounds_m: Bounds,
) -> list[SearchArea]:
    """Search areas of a visited frame by what is known so far; ``neighbours`` as `neighbour_spots`."""
    on_map = ON_MAP_KNOWN if neighbours else ON_MAP_UNKNOWN
    return search_areas(_candidates(recording, judged, number), neighbours, bounds_m, on_map=on_map)


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
