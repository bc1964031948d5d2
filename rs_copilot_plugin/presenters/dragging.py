"""A frame that the user drags over the map: moved and turned as a whole, then kept as control points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .frames import FrameRow
from .projection import XY

# Where the points lie that stand for a dragged frame, as shares of its width and height.
QUARTERS = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
# A footprint is laid on what the map shows to so many pixels of the screen, and no better than to this share
# of its width: its edges are far from its centre, and its shape is that of the place that was wrong.
SCREEN_PX = 3.0
WIDTH_SHARE = 0.01


@dataclass(frozen=True)
class FrameDrag:
    """A frame's place, turned clockwise by ``turn_rad`` about its centre and moved by ``shift_m``.

    ``row`` is placed; metres are those of its ``metric_crs``.
    """

    row: FrameRow
    shift_m: XY = (0.0, 0.0)
    turn_rad: float = 0.0

    @classmethod
    def of(cls, row: FrameRow, quarters_m: Sequence[XY]) -> FrameDrag:
        """The drag that brought the quarter points of a frame where they are now."""
        fresh = cls(row)
        before, after = fresh.quarters_m(), list(quarters_m)
        if len(before) != len(after):
            return fresh
        start, end = _mean(before), _mean(after)
        cross = sum((b[0] - start[0]) * (a[1] - end[1]) - (b[1] - start[1]) * (a[0] - end[0])
                    for b, a in zip(before, after))  # fmt: skip
        along = sum((b[0] - start[0]) * (a[0] - end[0]) + (b[1] - start[1]) * (a[1] - end[1])
                    for b, a in zip(before, after))  # fmt: skip
        turned = cls(row, turn_rad=-math.atan2(cross, along))
        now = _mean(turned.quarters_m())
        return cls(row, (end[0] - now[0], end[1] - now[1]), turned.turn_rad)

    def moved(self, start_m: XY, end_m: XY) -> FrameDrag:
        """Grabbed at one point and brought to another."""
        shift = (self.shift_m[0] + end_m[0] - start_m[0], self.shift_m[1] + end_m[1] - start_m[1])
        return FrameDrag(self.row, shift, self.turn_rad)

    def turned(self, start_m: XY, end_m: XY) -> FrameDrag:
        """Grabbed at one point and turned about the frame's centre towards another."""
        centre = self.ground_at((0.5, 0.5))
        if centre is None:
            return self
        before = math.atan2(start_m[1] - centre[1], start_m[0] - centre[0])
        after = math.atan2(end_m[1] - centre[1], end_m[0] - centre[0])
        return FrameDrag(self.row, self.shift_m, self.turn_rad + before - after)

    def ground_at(self, uv: XY) -> XY | None:
        """Where a place in the picture lies now, given as shares of width and height."""
        point, centre = self.row.ground_at(uv), self.row.ground_at((0.5, 0.5))
        if point is None or centre is None:
            return None
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        dx, dy = point[0] - centre[0], point[1] - centre[1]
        x, y = centre[0] + cos * dx + sin * dy, centre[1] - sin * dx + cos * dy
        return x + self.shift_m[0], y + self.shift_m[1]

    def ring_m(self) -> list[XY]:
        """The corners of the frame, clockwise from top-left; empty where one is beyond the horizon."""
        return self._all(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))

    def quarters_m(self) -> list[XY]:
        """Where the points lie that stand for the frame; empty where one is beyond the horizon."""
        return self._all(QUARTERS)

    def holds(self, point_m: XY) -> bool:
        """Whether a map point lies inside the frame."""
        ring = self.ring_m()
        sides = [
            (b[0] - a[0]) * (point_m[1] - a[1]) - (b[1] - a[1]) * (point_m[0] - a[0])
            for a, b in zip(ring, [*ring[1:], *ring[:1]])
        ]
        return bool(sides) and (all(side <= 0 for side in sides) or all(side >= 0 for side in sides))

    def sigma_m(self, metres_per_screen_px: float) -> float:
        """Standard deviation per axis of where it was laid."""
        left, right = self.ground_at((0.0, 0.5)), self.ground_at((1.0, 0.5))
        width_m = 0.0 if left is None or right is None else math.dist(left, right)
        return max(WIDTH_SHARE * width_m, SCREEN_PX * metres_per_screen_px)

    def _all(self, shares: Sequence[XY]) -> list[XY]:
        found = [self.ground_at(uv) for uv in shares]
        return [] if any(point is None for point in found) else [p for p in found if p is not None]


def _mean(points: Sequence[XY]) -> XY:
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def quarter_px(row: FrameRow) -> list[XY]:
    """The pixels of the points that stand for a frame."""
    return [(u * row.width_px, v * row.height_px) for u, v in QUARTERS]
