"""Operations that measure. Distances and azimuths are those on the ellipsoid."""

from __future__ import annotations

import numpy as np
import shapely

from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.choosing import SECTORS
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import chance_apart, mean_speed_mps, one
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.things import Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Number, Sort, Things, Verdict
from rs_copilot.types import FloatArray


@operation(gives=Sort.NUMBER, of=Sort.THINGS)
def count(memory: Memory, of: Things) -> Finding:  # noqa: ARG001  operations share a form
    """How many different things there are."""
    number = len({item.key for item in of})
    # A tracker misses some of what moves and follows some of it twice; what a layer holds is counted exactly.
    sure = 0.9 if not of or any(item.path is not None for item in of) else 1.0
    return Finding(Number(float(number), "", 0.0), sure, showing.all_of(of))


@operation(
    gives=Sort.NUMBER,
    a=Sort.THINGS,
    b=Sort.THINGS,
    at=Takes(Sort.SECONDS, optional=True),
    measure=Takes(Sort.WORD, optional=True, words=("centre", "edge")),
)
def distance(
    memory: Memory, a: Things, b: Things, at: float | None = None, measure: str | None = None
) -> Finding:
    """Metres between two things at a moment: between their middles, or between their edges."""
    first, second = one(a, "first thing"), one(b, "second thing")
    start, end = ends_of(first, second, at, measure or "centre")
    metres, _ = memory.geodesic(start, end)
    error_m = float(np.hypot(first.error_m, second.error_m))
    says = f"{showing.describe(first)} to {showing.describe(second)}: {metres:.0f} m"
    shown = (
        showing.line(start, end, says),
        showing.thing(first, time_s=at),
        showing.thing(second, time_s=at),
    )
    return Finding(Number(metres, "m", error_m), _sure_of_number(metres, error_m), shown)


def _sure_of_number(value: float, error: float) -> float:
    """Probability that a number is right to 5 %, which is what counts as exact for LinkS2Bench's scores."""
    return chance_apart(0.05 * abs(value), (error,)) if error > 0 else 1.0


def ends_of(first: Thing, second: Thing, at: float | None, measure: str) -> tuple[FloatArray, FloatArray]:
    """The two points that a distance is taken between.

    Raises:
        CannotTell: one of the places is not known at that moment.
    """
    places = []
    for item in (first, second):
        place = item.place_at(at)
        if place is None:
            raise CannotTell(
                f"{showing.describe(item)} is not seen at {at:g} s", "Ask about a moment at which it is seen."
            )
        places.append(place)
    if measure == "edge":
        shapes = [
            shapely.Point(place) if item.path is not None else item.shape
            for item, place in zip((first, second), places, strict=True)
        ]
        line = shapely.get_coordinates(shapely.shortest_line(*shapes))
        return line[0], line[1]
    return places[0], places[1]


def azimuth(
    memory: Memory, start: Things, end: Things, at: float | None
) -> tuple[float, float, FloatArray, FloatArray]:
    """Azimuth in degrees and the error of it, and the two points."""
    first, second = one(start, "first thing"), one(end, "second thing")
    here, there = ends_of(first, second, at, "centre")
    metres, azimuth_deg = memory.geodesic(here, there)
    if metres < 1.0:
        raise CannotTell("the two are at the same place, so that there is no direction between them")
    error_m = float(np.hypot(first.error_m, second.error_m))
    return azimuth_deg, float(np.degrees(np.arctan2(error_m, metres))), here, there


@operation(gives=Sort.NUMBER, start=Sort.THINGS, end=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def bearing(memory: Memory, start: Things, end: Things, at: float | None = None) -> Finding:
    """Azimuth of one thing from another in degrees, clockwise from true north."""
    azimuth_deg, error_deg, here, there = azimuth(memory, start, end, at)
    shown = (showing.line(here, there, f"{azimuth_deg:.0f}°"), *showing.all_of((start[0], end[0])))
    return Finding(Number(azimuth_deg, "°", error_deg), 1.0, shown)


@operation(gives=Sort.TEXT, start=Sort.THINGS, end=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def direction(memory: Memory, start: Things, end: Things, at: float | None = None) -> Finding:
    """Which of eight compass directions one thing lies in, seen from another."""
    azimuth_deg, error_deg, here, there = azimuth(memory, start, end, at)
    number = round(azimuth_deg / 45.0) % 8
    off_deg = abs((azimuth_deg - number * 45.0 + 180.0) % 360.0 - 180.0)
    sure = chance_apart(22.5 - off_deg, (error_deg,)) if error_deg > 0 else 1.0
    shown = (showing.line(here, there, f"{azimuth_deg:.0f}°"), *showing.all_of((start[0], end[0])))
    return Finding(SECTORS[number], sure, shown)


@operation(gives=Sort.NUMBER, of=Sort.THINGS, at=Takes(Sort.SECONDS, optional=True))
def speed(memory: Memory, of: Things, at: float | None = None) -> Finding:  # noqa: ARG001
    """Metres per second over the ground: at a moment, over a second around it, or on average."""
    item = one(of, "moving thing")
    if item.path is None:
        raise CannotTell(f"{showing.describe(item)} was not followed, so that its speed is not known")
    if at is None:
        value, over_s = mean_speed_mps(item), item.path.span_s[1] - item.path.span_s[0]
    else:
        before, after = item.path.at(at - 0.5, 1.0), item.path.at(at + 0.5, 1.0)
        if before is None or after is None:
            raise CannotTell(f"{showing.describe(item)} is not seen at {at:g} s")
        value, over_s = float(np.hypot(*(after - before))), 1.0
    error = 0.5 * item.error_m / max(over_s, 0.5)
    return Finding(Number(value, "m/s", error), 0.9, (showing.thing(item, time_s=at),))


@operation(gives=Sort.NUMBER, of=Sort.THINGS)
def length(memory: Memory, of: Things) -> Finding:
    """Metres along a path, a road or a border, on the ellipsoid."""
    item = one(of, "thing")
    lonlat = memory.to_lonlat(item.shape)
    metres = float(geo_crs.GEOD.geometry_length(lonlat))
    return Finding(Number(metres, "m", item.error_m), 0.95, (showing.thing(item),))


@operation(gives=Sort.NUMBER, of=Sort.THINGS)
def area(memory: Memory, of: Things) -> Finding:
    """Square metres of an area, on the ellipsoid."""
    item = one(of, "area")
    square_m = abs(float(geo_crs.GEOD.geometry_area_perimeter(memory.to_lonlat(item.shape))[0]))
    error = float(item.shape.length) * item.error_m
    return Finding(Number(square_m, "m²", error), 0.95, (showing.thing(item),))


@operation(gives=Sort.NUMBER, of=Sort.THINGS)
def height(memory: Memory, of: Things) -> Finding:  # noqa: ARG001
    """Metres from the ground to the top of a thing, as its layer has it."""
    item = one(of, "thing")
    if item.height_m is None:
        raise CannotTell(f"no layer says how high {showing.describe(item)} is", "Give a layer with heights.")
    return Finding(Number(item.height_m, "m"), 0.95, (showing.thing(item),))


@operation(gives=Sort.NUMBER, of=Sort.MOMENTS)
def lasting(memory: Memory, of: Moments) -> Finding:  # noqa: ARG001
    """How many seconds moments last in all."""
    seconds = sum(end - start for start, end in of.spans_s)
    return Finding(Number(seconds, "s", 2.0 * of.error_s), 0.9)


@operation(gives=Sort.VERDICT, of=Sort.VERDICT)
def opposite(memory: Memory, of: Verdict) -> Finding:  # noqa: ARG001
    """Yes where something does not hold, no where it does."""
    return Finding(Verdict(not of.holds))


@operation(gives=Sort.VERDICT, of=Sort.THINGS)
def exists(memory: Memory, of: Things) -> Finding:  # noqa: ARG001
    """Whether there is any."""
    return Finding(Verdict(bool(of)), 1.0, showing.all_of(of))


@operation(gives=Sort.VERDICT, a=Sort.NUMBER, b=Sort.NUMBER)
def more(memory: Memory, a: Number, b: Number) -> Finding:  # noqa: ARG001
    """Whether the first number is larger than the second."""
    sure = chance_apart(abs(a.value - b.value), (a.error, b.error)) if a.error or b.error else 1.0
    return Finding(Verdict(a.value > b.value), sure)
