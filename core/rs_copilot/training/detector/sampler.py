"""Training pictures: a piece of ground at about the network's resolution, with more vehicles drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.training.detector.sprites import (
    Sun,
    Vehicle,
    darken,
    draw_polygon,
    draw_vehicle,
    random_vehicle,
)
from rs_copilot.training.detector.weather import cast_shadows, photographed
from rs_copilot.types import BoolArray, ByteImage, Float32Array, FloatArray

# Pictures are put together this much finer than they end up, and then averaged.
FINE = 2
# The ground sampling distance is drawn between these multiples of the network's.
FINEST, COARSEST = 0.72, 1.4
NEAR_VEHICLE_SHARE = 0.7
# Vehicles that are cut by the border count while this much of their middle is inside, in pixels.
INSIDE_PX = 0.0
SMALLEST_PX = 3.0


@dataclass(frozen=True)
class Ground:
    """A picture ``(H, W, 3)`` from straight above with its vehicles: ``quads_px`` ``(M, 4, 2)``, of which
    those that are not ``asked`` ``(M,)`` count neither as vehicles nor as their absence.
    ``drawn_share``: of the pictures from here that get drawn vehicles.
    """

    name: str
    picture: ByteImage
    gsd_m: float
    quads_px: FloatArray
    asked: BoolArray
    drawn_share: float


@dataclass(frozen=True)
class Batch:
    """``pictures`` ``(B, S, S, 3)``, and per picture boxes ``(M, 5)`` (middle x, y, long and short side in
    pixels, angle of the long side in radians, clockwise on the screen) and which of them are asked for.
    """

    pictures: ByteImage
    boxes: tuple[Float32Array, ...]
    asked: tuple[BoolArray, ...]


@dataclass(frozen=True)
class Sampler:
    """Draws training pictures of ``side_px`` at about ``gsd_m`` from weighted grounds."""

    grounds: Sequence[Ground]
    weights: FloatArray
    side_px: int
    gsd_m: float
    varied: bool = True

    def batch(self, count: int, rng: np.random.Generator) -> Batch:
        """``count`` pictures; the same generator gives the same ones."""
        shares = self.weights / self.weights.sum()
        drawn = [self._one(self.grounds[int(rng.choice(len(shares), p=shares))], rng) for _ in range(count)]
        pictures, boxes, asked = zip(*drawn, strict=True)
        return Batch(np.stack(pictures), boxes, asked)

    def _one(self, ground: Ground, rng: np.random.Generator) -> tuple[ByteImage, Float32Array, BoolArray]:
        stretch = float(np.exp(rng.uniform(np.log(FINEST), np.log(COARSEST)))) if self.varied else 1.0
        gsd_m = self.gsd_m * stretch
        forward = _placement(ground, gsd_m / FINE, FINE * self.side_px, rng)
        side = FINE * self.side_px
        beyond = (float(rng.uniform(0, 255)),) * 3
        matrix = _for_opencv(forward)
        piece = cv2.warpAffine(
            ground.picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=beyond
        )
        fine = np.asarray(piece, dtype=np.float32)
        quads: FloatArray = ground.quads_px @ forward[:, :2].T + forward[:, 2]
        quads, asked = _drawn_on(fine, quads, ground, gsd_m / FINE, rng)
        reduced = cv2.resize(fine, (self.side_px, self.side_px), interpolation=cv2.INTER_AREA)
        picture = np.asarray(reduced, dtype=np.float32)
        image = photographed(picture, rng) if self.varied else np.clip(picture, 0, 255).astype(np.uint8)
        boxes = boxes_of(quads / FINE)
        kept = _inside(boxes, self.side_px)
        return image, boxes[kept], asked[kept]


def boxes_of(quads_px: FloatArray) -> Float32Array:
    """Rectangles ``(N, 4, 2)`` as ``(N, 5)``: middle, long and short side, angle of the long one."""
    first, second = quads_px[:, 1] - quads_px[:, 0], quads_px[:, 2] - quads_px[:, 1]
    sides = np.stack([np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)], axis=1)
    long = np.where((sides[:, 0] >= sides[:, 1])[:, None], first, second)
    angle = np.arctan2(long[:, 1], long[:, 0])
    sizes = np.stack([sides.max(axis=1), sides.min(axis=1)], axis=1)
    return np.concatenate([quads_px.mean(axis=1), sizes, angle[:, None]], axis=1).astype(np.float32)


def _inside(boxes: Float32Array, side_px: int) -> BoolArray:
    middle = boxes[:, :2]
    inside = (middle > INSIDE_PX).all(axis=1) & (middle < side_px - INSIDE_PX).all(axis=1)
    return np.asarray(inside & (boxes[:, 3] >= SMALLEST_PX))


def _placement(ground: Ground, gsd_m: float, side: int, rng: np.random.Generator) -> FloatArray:
    """Turn, mirror, scale and shift from the ground's pixels to the picture's. Shape (2, 3)."""
    size = np.array(ground.picture.shape[1::-1], dtype=np.float64)
    reach = 0.5 * side * gsd_m / ground.gsd_m
    middle = rng.uniform(0.0, 1.0, 2) * size
    if len(ground.quads_px) and rng.random() < NEAR_VEHICLE_SHARE:
        chosen = ground.quads_px[int(rng.integers(len(ground.quads_px)))].mean(axis=0)
        middle = chosen + rng.uniform(-0.9, 0.9, 2) * reach
    # Beyond the picture's border there is nothing to learn.
    margin = np.minimum(0.85 * reach, size / 2.0)
    middle = np.clip(middle, margin, size - margin)
    angle, scale = rng.uniform(0.0, 2.0 * np.pi), ground.gsd_m / gsd_m
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        turn = turn @ np.diag([-1.0, 1.0])
    return np.column_stack([turn, side / 2.0 - turn @ middle])


def _for_opencv(forward: FloatArray) -> FloatArray:
    """The same transform between pixels whose (0, 0) is the middle of the first one."""
    half = np.array([0.5, 0.5])
    return np.column_stack([forward[:, :2], forward[:, :2] @ half + forward[:, 2] - half])


def _drawn_on(
    fine: Float32Array, quads: FloatArray, ground: Ground, gsd_m: float, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Draw clutter, vehicles and shadows into the picture; all quads there are then, and which are asked."""
    asked = ground.asked
    if rng.random() < ground.drawn_share:
        if rng.random() < 0.5:
            _clutter(fine, quads, gsd_m, rng)
        sun = Sun.random(rng)
        rows = _rows(fine.shape[0], gsd_m, rng)
        placed = _apart(_arranged(rows, rng), quads, gsd_m)
        if not len(quads) and rng.random() < 0.6:
            for row in rows:
                if row.side_by_side:
                    _bay_lines(fine, row, gsd_m, rng)
        for vehicle in placed:
            draw_vehicle(fine, vehicle, gsd_m, sun, rng)
        if placed:
            quads = np.concatenate([quads, [vehicle.quad_px(gsd_m) for vehicle in placed]])
            asked = np.concatenate([asked, np.ones(len(placed), dtype=bool)])
    if rng.random() < 0.3:
        cast_shadows(fine, rng)
    return quads, asked


@dataclass(frozen=True)
class _Row:
    """Places side by side, or one behind the other: ``spots_px`` ``(N, 2)`` and the heading at each."""

    spots_px: FloatArray
    heading_rad: float
    step_m: float
    side_by_side: bool


def _rows(side: int, gsd_m: float, rng: np.random.Generator) -> list[_Row]:
    """Where vehicles shall stand: on their own, in rows side by side, one behind the other."""
    rows = []
    for _ in range(int(rng.integers(1, 6))):
        middle, heading = rng.uniform(0.0, side, 2), float(rng.uniform(0.0, 2.0 * np.pi))
        together = rng.random() < 0.65
        step_m = float(rng.uniform(2.3, 3.2) if together else rng.uniform(5.8, 11.0))
        along = heading + (np.pi / 2.0 if together else 0.0)
        count = 1 if rng.random() < 0.45 else int(rng.integers(2, 9))
        steps = np.arange(count)[:, None] * step_m / gsd_m
        spots = middle + steps * np.array([np.cos(along), np.sin(along)])
        rows.append(_Row(spots, heading, step_m, bool(together and count > 1)))
    return rows


def _arranged(rows: list[_Row], rng: np.random.Generator) -> list[Vehicle]:
    """A vehicle on three of four places; lorries and buses do not stand side by side."""
    vehicles = []
    for row in rows:
        slant = float(rng.choice([0.0, 0.0, 0.5])) if row.side_by_side else 0.0
        for spot in row.spots_px:
            if len(row.spots_px) > 1 and rng.random() < 0.3:
                continue
            turn = row.heading_rad + slant + rng.normal(0.0, 0.03) + (np.pi if rng.random() < 0.4 else 0.0)
            names, shares = ("car", "suv", "van", "pickup"), (0.62, 0.2, 0.1, 0.08)
            kind = str(rng.choice(names, p=shares)) if row.side_by_side else None
            vehicles.append(random_vehicle(spot, turn, rng, kind))
    return vehicles


def _bay_lines(fine: Float32Array, row: _Row, gsd_m: float, rng: np.random.Generator) -> None:
    """The paint between the places of a row, and beyond its end where nobody stands."""
    light, length = float(rng.uniform(150.0, 250.0)), float(rng.uniform(4.2, 5.6))
    count = len(row.spots_px) + int(rng.integers(0, 5))
    across = np.array([-np.sin(row.heading_rad), np.cos(row.heading_rad)]) * row.step_m / gsd_m
    for number in range(count + 1):
        middle = row.spots_px[0] + (number - 0.5) * across
        _stroke(fine, middle, row.heading_rad, np.array([length, 0.12]) / gsd_m, light)


def _stroke(
    fine: Float32Array, middle: FloatArray, angle_rad: float, size_px: FloatArray, light: float
) -> None:
    box = cv2.boxPoints((tuple(middle), tuple(size_px), float(np.degrees(angle_rad))))
    draw_polygon(fine, box.astype(np.float64), np.full(3, light, np.float32))


def _apart(vehicles: list[Vehicle], quads: FloatArray, gsd_m: float) -> list[Vehicle]:
    """Those that stand on no other one, tested by a row of discs along each."""
    taken = [_discs(quad) for quad in quads]
    kept = []
    for vehicle in vehicles:
        discs, radius = _discs(vehicle.quad_px(gsd_m))
        if all(
            np.linalg.norm(discs[:, None] - other[None], axis=2).min() > 0.92 * (radius + size)
            for other, size in taken
        ):
            kept.append(vehicle)
            taken.append((discs, radius))
    return kept


def _discs(quad: FloatArray) -> tuple[FloatArray, float]:
    box = boxes_of(quad[None])[0].astype(np.float64)
    radius = box[3] / 2.0
    reach = box[2] / 2.0 - radius
    steps = np.linspace(-reach, reach, 5)[:, None]
    return box[:2] + steps * np.array([np.cos(box[4]), np.sin(box[4])]), float(radius)


def _clutter(fine: Float32Array, quads: FloatArray, gsd_m: float, rng: np.random.Generator) -> None:
    """What is no vehicle, and on none: lines, slabs, boxes too small or too large, dark patches."""
    side = fine.shape[0]
    taken = [_discs(quad) for quad in quads]
    for _ in range(int(rng.integers(1, 9))):
        middle = rng.uniform(0.0, side, 2)
        size = _clutter_size(rng) / gsd_m
        reach = float(np.linalg.norm(size)) / 2.0
        if any(np.linalg.norm(discs - middle, axis=1).min() < reach + radius for discs, radius in taken):
            continue
        chance = rng.random()
        box = cv2.boxPoints((tuple(middle), tuple(size), float(rng.uniform(0, 180)))).astype(np.float64)
        color = np.clip(rng.uniform(20.0, 250.0) + rng.normal(0.0, 12.0, 3), 0.0, 255.0).astype(np.float32)
        if chance < 0.25:
            darken(fine, box, float(rng.uniform(0.3, 0.8)))
        elif chance < 0.4:
            round_px = (int(middle[0]), int(middle[1])), (max(1, int(size.min() / 2.0)),) * 2
            cv2.ellipse(fine, *round_px, 0.0, 0.0, 360.0, [float(v) for v in color], -1)
        else:
            draw_polygon(fine, box, color)
        if chance > 0.8:
            _marking(fine, middle, gsd_m, rng)


def _clutter_size(rng: np.random.Generator) -> FloatArray:
    """Sides in metres of a line, of something small, or of something large; none is a vehicle's."""
    chance = rng.random()
    if chance < 0.4:
        return np.array([rng.uniform(1.0, 30.0), rng.uniform(0.1, 0.5)])
    return (
        rng.uniform(0.3, 1.3, 2)
        if chance < 0.7
        else np.array([rng.uniform(4.5, 14.0), rng.uniform(3.8, 9.0)])
    )


def _marking(fine: Float32Array, middle: FloatArray, gsd_m: float, rng: np.random.Generator) -> None:
    """Arrows and letters on a road: a few strokes close together."""
    light, heading = float(rng.uniform(170.0, 250.0)), float(rng.uniform(0.0, np.pi))
    for _ in range(int(rng.integers(2, 6))):
        at = middle + rng.uniform(-1.3, 1.3, 2) / gsd_m
        turn = heading + float(rng.choice([0.0, 0.0, np.pi / 2.0, 0.6, -0.6]))
        _stroke(fine, at, turn, np.array([rng.uniform(0.6, 3.2), rng.uniform(0.12, 0.35)]) / gsd_m, light)
