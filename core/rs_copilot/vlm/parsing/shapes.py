"""Numbers of an answer as four corners. In plain floats: answers hold few boxes and come in thousands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from rs_copilot.vlm.answers import Shape

Corner: TypeAlias = tuple[float, float]
Corners: TypeAlias = tuple[Corner, Corner, Corner, Corner]
NUMBERS = {Shape.HBB: 4, Shape.OBB: 5, Shape.QUAD: 8}
# A box that reaches further beyond the picture than this many of its sides is no box.
FAR = 4.0


def corners_of(numbers: Sequence[float], shape: Shape) -> Corners | None:
    """Corners in the order that the numbers give; ``None`` where they go backwards, fold or have no area.

    A horizontal box may start at any of its corners.
    """
    if shape is Shape.HBB:
        x1, y1, x2, y2 = numbers
        return _box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    if shape is Shape.OBB:
        return turned_box(*numbers)
    a, b, c, d = zip(numbers[0::2], numbers[1::2], strict=True)
    return (a, b, c, d)


def _box(x1: float, y1: float, x2: float, y2: float) -> Corners:
    return ((x1, y1), (x2, y1), (x2, y2), (x1, y2))


def turned_box(x: float, y: float, width: float, height: float, angle_deg: float) -> Corners | None:
    """Corners of a rectangle around x, y whose width lies along the angle, from the x axis towards y."""
    if width <= 0 or height <= 0:
        return None
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    along, across = (width / 2 * cos, width / 2 * sin), (-height / 2 * sin, height / 2 * cos)
    return (
        (x - along[0] - across[0], y - along[1] - across[1]),
        (x + along[0] - across[0], y + along[1] - across[1]),
        (x + along[0] + across[0], y + along[1] + across[1]),
        (x - along[0] + across[0], y - along[1] + across[1]),
    )


def normal_form(corners: Sequence[Corner]) -> Corners:
    """Clockwise on screen from the topmost corner, of equal ones the left one (arXiv 2511.21272).

    Corners are sorted by their direction from their middle, so that they may come in any order.
    """
    x, y = sum(corner[0] for corner in corners) / 4, sum(corner[1] for corner in corners) / 4
    turned = sorted(corners, key=lambda corner: math.atan2(corner[1] - y, corner[0] - x))
    first = min(range(4), key=lambda number: (turned[number][1], turned[number][0]))
    a, b, c, d = turned[first:] + turned[:first]
    return (a, b, c, d)


def area_of(corners: Corners) -> float:
    """Area, positive where the corners go clockwise on screen."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    return ((cx - ax) * (dy - by) - (cy - ay) * (dx - bx)) / 2


def crosses_itself(corners: Corners) -> bool:
    """Whether two sides cut each other: a bow tie."""
    a, b, c, d = corners
    return _cut(a, b, c, d) or _cut(b, c, d, a)


def _cut(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Corner, b: Corner, point: Corner) -> float:
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def clipped(corners: Corners, width: float, height: float) -> Corners:
    """Corners moved to the border of the picture where they lie beyond it."""
    a, b, c, d = ((min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in corners)
    return (a, b, c, d)


def is_far(corners: Corners, width: float, height: float) -> bool:
    """Whether a corner lies so far away that the numbers mean nothing; not a number counts as far."""
    return not all(
        -FAR * width <= x <= (1 + FAR) * width and -FAR * height <= y <= (1 + FAR) * height
        for x, y in corners
    )
