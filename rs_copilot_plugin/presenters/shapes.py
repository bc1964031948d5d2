"""Geometry from GeoJSON as plain numbers; what is not finite or not understood is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .conversation import parse_number
from .detections import Box
from .projection import XY

Ring = tuple[XY, ...]


class ShapeKind(Enum):
    """What a shape is made of."""

    POINT = "point"
    LINE = "line"
    AREA = "area"


@dataclass(frozen=True)
class Shape:
    """Points, lines or areas in degrees. Each part of an area is its outer ring and its holes; each part of
    the others is one line, or one point, alone."""

    kind: ShapeKind
    parts: tuple[tuple[Ring, ...], ...]

    @property
    def bounds(self) -> Box:
        """West, south, east, north."""
        points = [point for part in self.parts for ring in part for point in ring]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)


# How deep the coordinates of a type are nested, with what it is made of.
_TYPES = {
    "Point": (ShapeKind.POINT, 0, False),
    "MultiPoint": (ShapeKind.POINT, 0, True),
    "LineString": (ShapeKind.LINE, 1, False),
    "MultiLineString": (ShapeKind.LINE, 1, True),
    "Polygon": (ShapeKind.AREA, 2, False),
    "MultiPolygon": (ShapeKind.AREA, 2, True),
}
_LEAST = {ShapeKind.POINT: 1, ShapeKind.LINE: 2, ShapeKind.AREA: 3}


def parse_shape(geometry: object) -> Shape | None:
    """The geometry of a GeoJSON object; of a collection, what is of the kind of its first part."""
    if not isinstance(geometry, Mapping):
        return None
    if geometry.get("type") == "GeometryCollection":
        return _collected(geometry.get("geometries"))
    known = _TYPES.get(str(geometry.get("type")))
    if known is None:
        return None
    kind, depth, is_many = known
    found = geometry.get("coordinates")
    several = found if is_many else [found]
    parts = [_part(item, depth) for item in several] if isinstance(several, (list, tuple)) else []
    kept = tuple(part for part in parts if part and all(len(ring) >= _LEAST[kind] for ring in part))
    return Shape(kind, kept) if kept else None


def _collected(items: object) -> Shape | None:
    shapes = [parse_shape(item) for item in items] if isinstance(items, (list, tuple)) else []
    found = [shape for shape in shapes if shape is not None]
    if not found:
        return None
    same = [shape for shape in found if shape.kind is found[0].kind]
    return Shape(found[0].kind, tuple(part for shape in same for part in shape.parts))


def _part(coordinates: object, depth: int) -> tuple[Ring, ...]:
    if depth == 0:
        return (_ring([coordinates]),)
    if depth == 1:
        return (_ring(coordinates),)
    rings = coordinates if isinstance(coordinates, (list, tuple)) else ()
    return tuple(_ring(ring) for ring in rings)


def _ring(points: Any) -> Ring:  # noqa: ANN401 - JSON may hold anything
    """The points, none of them where one makes no sense."""
    if not isinstance(points, (list, tuple)):
        return ()
    found: list[XY] = []
    for point in points:
        numbers = list(_numbers(point))
        if len(numbers) < 2:
            return ()
        found.append((numbers[0], numbers[1]))
    return tuple(found)


def _numbers(point: object) -> Iterable[float]:
    if isinstance(point, (list, tuple)):
        for value in point[:2]:
            number = parse_number(value)
            if number is not None:
                yield number
