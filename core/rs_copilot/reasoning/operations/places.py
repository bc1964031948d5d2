"""Operations about places: of the camera and its view, and how shapes lie to one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import chance_apart, one
from rs_copilot.reasoning.operations.sight import frame_at, need_views
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Number, Sort, Things, Verdict
from rs_copilot.types import FloatArray

# Relations of DE-9IM in words, the more special ones first (OGC 06-103r4, 6.1.15).
RELATIONS = ("equals", "inside", "contains", "touches", "crosses", "overlaps", "apart")
# Nine parts of an area, north up, as GeoX-Bench names them (arXiv 2511.13259).
COLUMNS, ROWS = ("left", "", "right"), ("bottom", "", "top")


def _place(memory: Memory, index: int, name: str, xy: FloatArray, error_m: float) -> Thing:
    views = memory.views
    time_s = float(views.times_s[index])
    return Thing(
        f"{name} {views.frames[index]:.0f}", Kind.VIEW, f"{name} at {time_s:.1f} s", name, shapely.Point(xy),
        error_m=error_m, time_s=time_s, layer="frames", fid=int(views.fids[index]), clip=views.clip,
    )  # fmt: skip


@operation(gives=Sort.THINGS, at=Sort.SECONDS)
def centre_at(memory: Memory, at: float) -> Finding:
    """The place on the ground in the middle of the picture at a moment."""
    index = frame_at(memory, at)
    views = memory.views
    item = _place(memory, index, "middle of the picture", views.centers_m[index], float(views.error_m[index]))
    return Finding((item,), 1.0, (showing.moment(memory, index, item.name),))


@operation(gives=Sort.THINGS, at=Sort.SECONDS)
def camera_at(memory: Memory, at: float) -> Finding:
    """The place on the ground straight below the camera at a moment.

    Raises:
        CannotTell: where the camera was is not known.
    """
    index = frame_at(memory, at)
    views = memory.views
    xy = views.cameras_m[index, :2] + views.origin_m
    if not np.isfinite(xy).all():
        raise CannotTell(
            f"where the camera was at {at:g} s is not known", "Locate the clip with its focal length."
        )
    # The camera is found from the same frame; a wrong tilt moves it by more than the ground in view.
    item = _place(memory, index, "camera", xy, 2.0 * float(views.error_m[index]) + 1.0)
    return Finding((item,), 1.0, (showing.moment(memory, index, item.name),))


@operation(gives=Sort.NUMBER, at=Sort.SECONDS)
def heading_at(memory: Memory, at: float) -> Finding:
    """Azimuth on the map of what is up in the picture, in degrees from north: where the camera faces."""
    index = frame_at(memory, at)
    views = memory.views
    start, end = views.upward_m(index)
    _, azimuth_deg = memory.geodesic(start, end)
    shown = (showing.line(start, end, f"up in the picture is {azimuth_deg:.0f}°"),)
    return Finding(
        Number(azimuth_deg, "°", 2.0), 0.97, (*shown, showing.moment(memory, index, shown[0].says))
    )


@operation(gives=Sort.TEXT, a=Sort.THINGS, b=Sort.THINGS)
def relation(memory: Memory, a: Things, b: Things) -> Finding:  # noqa: ARG001  operations share a form
    """How two shapes lie to one another by DE-9IM: equals, inside, contains, touches and so on."""
    first, second = one(a, "first thing"), one(b, "second thing")
    word = relation_of(first.shape, second.shape)
    margin_m = float(shapely.boundary(first.shape).distance(shapely.boundary(second.shape)))
    errors = (first.error_m, second.error_m)
    is_exact = max(errors) == 0.0 or word in ("crosses", "overlaps")
    return Finding(word, 1.0 if is_exact else chance_apart(margin_m, errors), showing.all_of((first, second)))


def relation_of(a: shapely.Geometry, b: shapely.Geometry) -> str:
    """The most special relation that holds between two shapes, one of `RELATIONS`."""
    tests = (
        shapely.equals, shapely.covered_by, shapely.covers, shapely.touches, shapely.crosses,
        shapely.overlaps,
    )  # fmt: skip
    for word, test in zip(RELATIONS, tests, strict=False):
        if bool(test(a, b)):
            return word
    return "apart"


@operation(gives=Sort.VERDICT, a=Sort.THINGS, b=Sort.THINGS, how=Takes(Sort.WORD, words=RELATIONS))
def relates(memory: Memory, a: Things, b: Things, how: str) -> Finding:
    """Whether two shapes lie to one another in a certain way; what is equal lies inside, too."""
    found = relation(memory, a, b)
    also = {
        "inside": ("equals",),
        "contains": ("equals",),
        "overlaps": ("inside", "contains", "crosses", "equals"),
    }
    return replace(found, value=Verdict(found.value in (how, *also.get(how, ()))))


@operation(gives=Sort.THINGS)
def seen_ground(memory: Memory) -> Finding:
    """All ground that the clip shows."""
    need_views(memory)
    views = memory.views
    error_m = float(np.median(views.error_m))
    item = Thing("ground", Kind.VIEW, "ground in view", "view", views.ground, error_m, clip=views.clip)
    return Finding((item,), 1.0, (showing.thing(item),))


@operation(gives=Sort.TEXT, of=Sort.THINGS, zone=Sort.THINGS)
def part_of(memory: Memory, of: Things, zone: Things) -> Finding:  # noqa: ARG001
    """In which of nine parts of an area a thing lies, north up: center, left, top right and so on."""
    item, area = one(of, "thing"), one(zone, "area")
    west, south, east, north = area.shape.bounds
    x, y = item.point_xy
    share = np.array([(x - west) / max(east - west, 1e-6), (y - south) / max(north - south, 1e-6)])
    if (share < 0.0).any() or (share > 1.0).any():
        raise CannotTell(f"{showing.describe(item)} lies outside {showing.describe(area)}", is_none=True)
    column, row = np.minimum((share * 3.0).astype(int), 2)
    words = " ".join(word for word in (ROWS[row], COLUMNS[column]) if word)
    margin_m = float(
        np.min(np.abs(share[:, None] - np.array([1 / 3, 2 / 3])) * [[east - west], [north - south]])
    )
    sure = chance_apart(margin_m, (item.error_m,)) if item.error_m else 1.0
    return Finding(words or "center", sure, showing.all_of((item, area)))
