"""Operations about the camera behind a frame: where it was, which way it faced, what of a map it saw.

The questions are those of GeoX-Bench (arXiv 2511.13259) and their kin. What they ask of a ground photo is
asked here of any frame that is placed on the map; the answers come from its pose, never from its looks.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from rs_copilot.reasoning.choosing import O_CLOCK, SECTORS
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.places import camera_at, heading_at
from rs_copilot.reasoning.operations.select import chance_apart, chance_inside, one
from rs_copilot.reasoning.operations.sight import frame_at
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.things import Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Number, Sort, Things, Verdict
from rs_copilot.types import FloatArray

# Grids that areas are cut into: columns by rows.
GRIDS = tuple(f"{columns}x{rows}" for columns in range(2, 11) for rows in range(2, 11))
# Half of an hour on the dial, and of one of eight sectors.
HALF_HOUR_DEG, HALF_SECTOR_DEG = 15.0, 22.5
# Below the camera a thing lies in no direction.
MIN_AWAY_M = 3.0
# Two frames show the same place where the smaller has at least so much in common with the other.
SAME_SHARE = 0.2
# The height is off by about as much as the place, and by what the ground rises between there and the view.
GROUND_SLACK_M = 1.0


def _camera(memory: Memory, at: float) -> tuple[int, FloatArray, float, Thing]:
    """The frame of a moment, its camera (3,) in the CRS of the memory and above the ground, its error, and
    the place below it.

    Raises:
        CannotTell: there is no such frame, or where its camera was is not known.
    """
    place = camera_at(memory, at).value
    item = one(place if isinstance(place, tuple) else (), "camera")
    index = frame_at(memory, at)
    height_m = float(memory.views.cameras_m[index, 2])
    return index, np.append(item.point_xy, height_m), item.error_m, item


def _facing_deg(memory: Memory, at: float) -> tuple[float, float, Finding]:
    """Azimuth that the camera faces and the error of it."""
    found = heading_at(memory, at)
    value = found.value
    azimuth_deg, error_deg = (value.value, value.error) if isinstance(value, Number) else (0.0, 180.0)
    return azimuth_deg, error_deg, found


def off_deg(azimuth_deg: float, step_deg: float) -> float:
    """How far an azimuth is from the next multiple of a step, unsigned."""
    return abs((azimuth_deg + step_deg / 2.0) % step_deg - step_deg / 2.0)


@operation(gives=Sort.TEXT, at=Sort.SECONDS)
def facing(memory: Memory, at: float) -> Finding:
    """Which of eight compass directions the camera faces at a moment."""
    azimuth_deg, error_deg, found = _facing_deg(memory, at)
    sure = chance_apart(HALF_SECTOR_DEG - off_deg(azimuth_deg, 45.0), (error_deg,))
    return Finding(SECTORS[round(azimuth_deg / 45.0) % 8], sure, found.evidence)


@operation(gives=Sort.VERDICT, at=Sort.SECONDS, way=Takes(Sort.WORD, words=SECTORS))
def faces(memory: Memory, at: float, way: str) -> Finding:
    """Whether the camera faces one of eight compass directions at a moment, more than any other of them."""
    azimuth_deg, error_deg, found = _facing_deg(memory, at)
    aside_deg = abs((azimuth_deg - 45.0 * SECTORS.index(way) + 180.0) % 360.0 - 180.0)
    sure = chance_apart(abs(HALF_SECTOR_DEG - aside_deg), (error_deg,))
    return Finding(Verdict(aside_deg <= HALF_SECTOR_DEG), sure, found.evidence)


@operation(gives=Sort.NUMBER, at=Sort.SECONDS, to=Sort.THINGS)
def clock(memory: Memory, at: float, to: Things) -> Finding:
    """In which direction of the clock a thing lies from the camera: 12 is where it faces, 3 to its right.

    Raises:
        CannotTell: the thing lies below the camera, or where the camera was is not known.
    """
    index, camera, error_m, _ = _camera(memory, at)
    azimuth_deg, turned_deg, _ = _facing_deg(memory, at)
    item = one(to, "thing")
    place = item.place_at(at)
    if place is None:
        raise CannotTell(f"where {showing.describe(item)} was at {at:g} s is not known")
    metres, bearing_deg = memory.geodesic(camera[:2], place)
    if metres < MIN_AWAY_M:
        raise CannotTell(f"{showing.describe(item)} lies straight below the camera, in no direction")
    relative_deg = (bearing_deg - azimuth_deg) % 360.0
    hour = round(relative_deg / 30.0) % 12 or 12
    aside_deg = float(np.degrees(np.arctan2(np.hypot(error_m, item.error_m), metres)))
    sure = chance_apart(HALF_HOUR_DEG - off_deg(relative_deg, 30.0), (turned_deg, aside_deg))
    says = f"{showing.describe(item)} at {hour} {O_CLOCK}"
    shown = (showing.line(camera[:2], place, says), showing.thing(item), showing.moment(memory, index, says))
    return Finding(Number(float(hour), O_CLOCK), sure, shown)


@operation(gives=Sort.NUMBER, at=Sort.SECONDS)
def camera_height(memory: Memory, at: float) -> Finding:
    """How many metres the camera was above the ground at a moment."""
    index, camera, error_m, _ = _camera(memory, at)
    if not np.isfinite(camera[2]):
        raise CannotTell(
            f"how high the camera was at {at:g} s is not known", "Locate the clip with its focal length."
        )
    says = f"{camera[2]:.0f} m above the ground"
    error = error_m + GROUND_SLACK_M
    sure = chance_apart(0.05 * abs(float(camera[2])), (error,))
    return Finding(Number(float(camera[2]), "m", error), sure, (showing.moment(memory, index, says),))


@operation(gives=Sort.NUMBER, at=Sort.SECONDS, to=Takes(Sort.THINGS, optional=True))
def camera_range(memory: Memory, at: float, to: Things | None = None) -> Finding:
    """How many metres a thing, or the middle of the picture, was from the camera, along the line of sight."""
    index, camera, error_m, _ = _camera(memory, at)
    if not np.isfinite(camera[2]):
        raise CannotTell(f"how high the camera was at {at:g} s is not known")
    item = None if to is None else one(to, "thing")
    place = memory.views.centers_m[index] if item is None else item.place_at(at)
    if place is None:
        raise CannotTell("where that was at that moment is not known")
    along_m, _ = memory.geodesic(camera[:2], place)
    metres = float(np.hypot(along_m, camera[2]))
    error = float(np.hypot(error_m, 0.0 if item is None else item.error_m))
    says = f"{metres:.0f} m from the camera"
    shown = (showing.line(camera[:2], place, says), showing.moment(memory, index, says))
    return Finding(Number(metres, "m", error), chance_apart(0.05 * metres, (error,)), shown)


@operation(gives=Sort.VERDICT, of=Sort.THINGS, zone=Sort.THINGS)
def stands_in(memory: Memory, of: Things, zone: Things) -> Finding:  # noqa: ARG001
    """Whether the middle of a thing, such as the place below the camera, lies in an area."""
    item, area = one(of, "place"), one(zone, "area")
    if area.shape.area == 0.0:
        raise CannotTell(f"{showing.describe(area)} is no area that something could lie in")
    chance = chance_inside(item, area.shape, None)
    return Finding(Verdict(chance > 0.5), max(chance, 1.0 - chance), showing.all_of((item, area)))


@operation(gives=Sort.TEXT, of=Sort.THINGS, zone=Sort.THINGS)
def side_of_border(memory: Memory, of: Things, zone: Things) -> Finding:
    """On which side of an area's border the middle of a thing lies: inside or outside."""
    found = stands_in(memory, of, zone)
    return replace(found, value="inside" if found.value == Verdict(True) else "outside")


@operation(gives=Sort.THINGS, of=Sort.THINGS, place=Sort.THINGS)
def area_with(memory: Memory, of: Things, place: Things) -> Finding:  # noqa: ARG001
    """Which of several areas a place lies in.

    Raises:
        CannotTell: it lies in none of them.
    """
    item = one(place, "place")
    one(of, "area")
    chances = [chance_inside(item, area.shape, None) for area in of]
    best = int(np.argmax(chances))
    if chances[best] <= 0.5:
        raise CannotTell(
            f"{showing.describe(item)} lies in none of these", "Mark other areas.",
            showing.all_of((item, *of)), is_none=True,
        )  # fmt: skip
    return Finding((of[best],), chances[best], showing.all_of((item, of[best])))


@operation(gives=Sort.TEXT, of=Sort.THINGS, zone=Sort.THINGS, grid=Takes(Sort.WORD, words=GRIDS))
def cell_of(memory: Memory, of: Things, zone: Things, grid: str) -> Finding:  # noqa: ARG001
    """In which cell of a grid over an area a thing lies: columns A, B, ... from the west, rows 1, 2, ... from
    the north; of a grid of 2x2, north-west and so on.
    """
    item, area = one(of, "thing"), one(zone, "area")
    columns, rows = (int(part) for part in grid.split("x"))
    west, south, east, north = area.shape.bounds
    x, y = item.point_xy
    if not (west <= x <= east and south <= y <= north):
        raise CannotTell(
            f"{showing.describe(item)} lies outside {showing.describe(area)}", None,
            showing.all_of((item, area)), is_none=True,
        )  # fmt: skip
    column = min(int((x - west) / (east - west) * columns), columns - 1)
    row = min(int((north - y) / (north - south) * rows), rows - 1)
    margin_m = min(
        _margin_m(x - west, (east - west) / columns, columns),
        _margin_m(north - y, (north - south) / rows, rows),
    )
    sure = chance_apart(margin_m, (item.error_m,)) if item.error_m else 1.0
    return Finding(_cell_name(column, row, grid), sure, showing.all_of((item, area)))


def _margin_m(offset_m: float, step_m: float, count: int) -> float:
    """How far a place is from the nearest inner border of a row of cells."""
    borders = step_m * np.arange(1, count)
    return float(np.abs(borders - offset_m).min())


def _cell_name(column: int, row: int, grid: str) -> str:
    if grid == "2x2":
        return f"{('north', 'south')[row]}-{('west', 'east')[column]}"
    return f"{chr(ord('A') + column)}{row + 1}"


@operation(gives=Sort.VERDICT, a=Sort.THINGS, b=Sort.THINGS)
def same_place(memory: Memory, a: Things, b: Things) -> Finding:  # noqa: ARG001
    """Whether two views show the same place: whether they have a good part of the ground in common."""
    first, second = one(a, "first view"), one(b, "second view")
    common = first.shape.intersection(second.shape).area
    smaller = min(first.shape.area, second.shape.area)
    if smaller == 0.0:
        raise CannotTell("what ground these frames show is not known")
    share = float(common / smaller)
    error = float(np.hypot(first.error_m, second.error_m)) / float(np.sqrt(smaller))
    sure = chance_apart(abs(share - SAME_SHARE), (error, 0.05))
    return Finding(Verdict(share > SAME_SHARE), sure, showing.all_of((first, second)))


@operation(gives=Sort.THINGS, of=Sort.THINGS, to=Sort.THINGS, way=Takes(Sort.WORD, words=("near", "far")))
def by_distance(memory: Memory, of: Things, to: Things, way: str) -> Finding:  # noqa: ARG001
    """Things in the order of their distance from another, the nearest or the farthest first."""
    base = one(to, "place")
    one(of, "thing to compare")
    gaps = np.array([float(np.hypot(*(item.point_xy - base.point_xy))) for item in of])
    order = np.argsort(gaps if way == "near" else -gaps, kind="stable")
    found = tuple(of[int(number)] for number in order)
    chances = [
        chance_apart(abs(gaps[b] - gaps[a]), (of[a].error_m, of[b].error_m, base.error_m))
        for a, b in itertools.pairwise(order)
    ]
    lines = tuple(
        showing.line(base.point_xy, item.point_xy, f"{showing.describe(item)}: {gaps[number]:.0f} m")
        for number, item in zip(order, found, strict=True)
    )
    return Finding(found, float(np.prod(chances)), lines)


@operation(gives=Sort.THINGS, of=Sort.THINGS, at=Sort.SECONDS)
def pictured(memory: Memory, of: Things, at: float) -> Finding:
    """Which of several marked points a frame shows; of several that it shows, the one nearest to its middle.

    Raises:
        CannotTell: it shows none of them.
    """
    one(of, "point")
    index = frame_at(memory, at)
    views = memory.views
    points = np.array([item.point_xy for item in of])
    _, inside = views.pixels(points)
    chances = views.chance(inside)[index]
    seen = np.flatnonzero(chances > 0.5)
    if not len(seen):
        raise CannotTell(
            "the picture shows none of these", "Mark other places.", showing.all_of(of), is_none=True
        )
    gaps = np.linalg.norm(points[seen] - views.centers_m[index], axis=1)
    best = int(seen[int(np.argmin(gaps))])
    others = np.delete(chances, best)
    # Where two are in the picture the question has two answers: the middle one is meant more often than not.
    sure = float(chances[best] * np.prod(1.0 - 0.5 * others))
    says = f"shows {showing.describe(of[best])}"
    return Finding((of[best],), sure, (showing.thing(of[best]), showing.moment(memory, index, says)))
