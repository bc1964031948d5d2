"""Vehicles drawn from above, to be put on real ground: outlines, glass, roofs, loads and shadows in metres.

What is drawn is made up from outer sizes of common vehicles; nothing is cut from a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.types import Float32Array, FloatArray

# Share, length in m (low, high), length over width (low, high), height in m.
_KINDS: dict[str, tuple[float, tuple[float, float], tuple[float, float], float]] = {
    "car": (0.52, (3.6, 5.0), (2.25, 2.65), 1.5),
    "suv": (0.18, (4.2, 5.2), (2.3, 2.6), 1.8),
    "van": (0.10, (4.8, 6.6), (2.5, 2.9), 2.3),
    "pickup": (0.08, (5.0, 6.0), (2.6, 3.0), 1.8),
    "truck": (0.07, (6.5, 12.0), (2.9, 4.6), 3.4),
    "bus": (0.05, (8.5, 13.0), (3.6, 4.9), 3.1),
}
# Paints in sRGB, 0 to 255, and how often they are seen on roads.
_PAINTS = np.array(
    [
        (232, 232, 230),
        (188, 190, 192),
        (128, 130, 134),
        (72, 74, 78),
        (28, 28, 31),
        (150, 26, 24),
        (32, 58, 128),
        (46, 74, 54),
        (176, 160, 128),
        (206, 160, 40),
        (100, 120, 150),
    ],
    dtype=np.float32,
)
_PAINT_SHARES = (0.27, 0.15, 0.12, 0.10, 0.17, 0.06, 0.05, 0.02, 0.02, 0.02, 0.02)
# Bits of fraction that OpenCV's drawing takes.
_SHIFT = 5


@dataclass(frozen=True)
class Sun:
    """Shadows: ``(2,)`` metres in the picture per metre of height, and the light that is left there."""

    reach: FloatArray
    shade: float

    @staticmethod
    def random(rng: np.random.Generator) -> Sun:
        """A sun between noon and late afternoon, or clouds."""
        azimuth, length = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.1, 1.4)
        shade = rng.uniform(0.3, 0.6) if rng.random() < 0.65 else rng.uniform(0.7, 0.95)
        return Sun(length * np.array([np.cos(azimuth), np.sin(azimuth)]), float(shade))


@dataclass(frozen=True)
class Vehicle:
    """A vehicle to draw: ``middle_px`` ``(2,)`` and heading in the picture, x right and y down."""

    kind: str
    length_m: float
    width_m: float
    height_m: float
    paint: Float32Array
    middle_px: FloatArray
    heading_rad: float

    def quad_px(self, gsd_m: float) -> FloatArray:
        """Its corners, the long side first. Shape (4, 2)."""
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [self.length_m / 2, self.width_m / 2]
        return self.placed(half, gsd_m)

    def placed(self, points_m: FloatArray, gsd_m: float) -> FloatArray:
        """Points ``(N, 2)`` of the body (ahead, to the right) as pixels of a picture."""
        c, s = np.cos(self.heading_rad), np.sin(self.heading_rad)
        return np.asarray(self.middle_px + points_m @ np.array([[c, s], [-s, c]]) / gsd_m)


def random_vehicle(
    middle_px: FloatArray, heading_rad: float, rng: np.random.Generator, kind: str | None = None
) -> Vehicle:
    """A vehicle of any kind and paint."""
    names = list(_KINDS)
    kind = kind or str(rng.choice(names, p=[_KINDS[name][0] for name in names]))
    _, lengths, ratios, height = _KINDS[kind]
    length = float(rng.uniform(*lengths))
    paint = _PAINTS[int(rng.choice(len(_PAINTS), p=_PAINT_SHARES))] * np.float32(rng.uniform(0.8, 1.1))
    paint = np.clip(paint + rng.normal(0.0, 8.0, 3), 4.0, 255.0).astype(np.float32)
    width = length / float(rng.uniform(*ratios))
    return Vehicle(kind, length, width, height, paint, np.asarray(middle_px), heading_rad)


def draw_vehicle(
    picture: Float32Array, vehicle: Vehicle, gsd_m: float, sun: Sun, rng: np.random.Generator
) -> None:
    """Draw a vehicle and its shadow into an RGB picture ``(H, W, 3)`` in 0 to 255, in place."""
    body = _rounded(vehicle.length_m, vehicle.width_m, float(rng.uniform(0.12, 0.4)))
    outline = vehicle.placed(body, gsd_m)
    _shadow(picture, outline, vehicle.height_m * sun.reach / gsd_m, sun.shade)
    light = np.float32(rng.uniform(0.75, 1.15))
    _fill(picture, outline, vehicle.paint * light * np.float32(0.88))
    shapes = {"truck": _truck, "bus": _bus, "van": _van, "pickup": _pickup}.get(vehicle.kind, _car)
    for points_m, color in shapes(vehicle, rng):
        _fill(picture, vehicle.placed(points_m, gsd_m), np.clip(color * light, 2.0, 255.0))


_Shape = tuple[FloatArray, Float32Array]


def _car(vehicle: Vehicle, rng: np.random.Generator) -> list[_Shape]:
    """Bonnet, glass all around, roof: a car's roof is shorter than its glass."""
    length, width, paint = vehicle.length_m, vehicle.width_m, vehicle.paint
    front, back = rng.uniform(0.12, 0.24) * length, -rng.uniform(0.30, 0.46) * length
    side = rng.uniform(0.40, 0.45) * width
    slope_front, slope_back = rng.uniform(0.45, 0.9), rng.uniform(0.15, 0.8)
    glass = _trapezoid(back, front, side * rng.uniform(0.85, 1.0), side)
    inner = rng.uniform(0.70, 0.9) * side
    roof = _trapezoid(back + slope_back, front - slope_front, inner, inner)
    shapes = [
        *_highlights(vehicle, rng),
        (glass, _glass(rng)),
        (roof, paint * np.float32(rng.uniform(0.95, 1.2))),
    ]
    if rng.random() < 0.2:
        shapes.append(
            (
                _trapezoid(back + slope_back + 0.3, front - slope_front - 0.3, inner * 0.7, inner * 0.7),
                _glass(rng),
            )
        )
    return shapes


def _van(vehicle: Vehicle, rng: np.random.Generator) -> list[_Shape]:
    """A long roof, a windscreen, a short bonnet."""
    length, width = vehicle.length_m, vehicle.width_m
    front = rng.uniform(0.26, 0.36) * length
    screen = _trapezoid(front - rng.uniform(0.3, 0.7), front + 0.2, 0.42 * width, 0.38 * width)
    roof = _trapezoid(-0.49 * length, front - 0.5, 0.46 * width, 0.46 * width)
    return [(screen, _glass(rng)), (roof, vehicle.paint * np.float32(rng.uniform(1.0, 1.15)))]


def _pickup(vehicle: Vehicle, rng: np.random.Generator) -> list[_Shape]:
    """A cab like a car's in front, an open bed behind."""
    length, width = vehicle.length_m, vehicle.width_m
    bed = _trapezoid(-0.46 * length, -0.12 * length, 0.40 * width, 0.40 * width)
    inside = vehicle.paint * np.float32(rng.uniform(0.2, 0.8))
    glass = _trapezoid(-0.10 * length, 0.22 * length, 0.43 * width, 0.42 * width)
    roof = _trapezoid(-0.07 * length, 0.10 * length, 0.36 * width, 0.36 * width)
    return [(bed, inside), (glass, _glass(rng)), (roof, vehicle.paint)]


def _truck(vehicle: Vehicle, rng: np.random.Generator) -> list[_Shape]:
    """A cab and a box or a flat bed, with a gap between them."""
    length, width = vehicle.length_m, vehicle.width_m
    cab = length / 2.0 - rng.uniform(1.4, 2.3)
    load = rng.choice(["box", "bed", "earth"], p=[0.6, 0.25, 0.15])
    tint = {"box": rng.uniform(170, 250), "bed": rng.uniform(60, 130), "earth": rng.uniform(90, 150)}[
        str(load)
    ]
    color = np.full(3, tint, np.float32) * (
        np.array([1.1, 0.95, 0.75], np.float32) if load == "earth" else np.float32(1.0)
    )
    if rng.random() < 0.3:
        color = _PAINTS[int(rng.integers(len(_PAINTS)))]
    gap = _trapezoid(cab - 0.5, cab, 0.46 * width, 0.46 * width)
    box = _trapezoid(-0.5 * length, cab - 0.35, 0.49 * width, 0.49 * width)
    screen = _trapezoid(length / 2.0 - 0.55, length / 2.0 - 0.1, 0.42 * width, 0.42 * width)
    return [(gap, np.full(3, 25.0, np.float32)), (box, color), (screen, _glass(rng))]


def _bus(vehicle: Vehicle, rng: np.random.Generator) -> list[_Shape]:
    """A long light roof with hatches."""
    length, width = vehicle.length_m, vehicle.width_m
    light = np.full(3, rng.uniform(150, 245), np.float32)
    roof = light if rng.random() < 0.6 else vehicle.paint
    shapes = [(_trapezoid(-0.48 * length, 0.46 * length, 0.45 * width, 0.45 * width), roof)]
    for middle in rng.uniform(-0.38, 0.36, int(rng.integers(1, 5))) * length:
        half = rng.uniform(0.3, 1.0)
        tone = roof * np.float32(rng.uniform(0.5, 1.1))
        shapes.append((_trapezoid(middle - half, middle + half, 0.25 * width, 0.25 * width), tone))
    return shapes


def _highlights(vehicle: Vehicle, rng: np.random.Generator) -> list[_Shape]:
    """One flank catches the sky, the edge of the bonnet too."""
    length, width = vehicle.length_m, vehicle.width_m
    side = 1.0 if rng.random() < 0.5 else -1.0
    strip = _trapezoid(-0.45 * length, 0.45 * length, 0.06 * width, 0.06 * width) + [0.0, side * 0.42 * width]
    bonnet = _trapezoid(0.2 * length, 0.46 * length, 0.36 * width, 0.30 * width)
    brighter = vehicle.paint * np.float32(rng.uniform(0.8, 1.35)) + np.float32(rng.uniform(0.0, 30.0))
    return [(strip, brighter), (bonnet, vehicle.paint * np.float32(rng.uniform(0.9, 1.25)))]


def _glass(rng: np.random.Generator) -> Float32Array:
    """Dark, now and then with the sky in it."""
    tone = rng.uniform(12.0, 60.0) if rng.random() < 0.85 else rng.uniform(90.0, 210.0)
    return np.array([0.95, 1.0, 1.06], np.float32) * np.float32(tone)


def _trapezoid(back: float, front: float, half_back: float, half_front: float) -> FloatArray:
    return np.array([[back, -half_back], [front, -half_front], [front, half_front], [back, half_back]])


def _rounded(length: float, width: float, radius: float) -> FloatArray:
    """A rectangle with round corners. Shape (16, 2)."""
    turns = np.linspace(0.0, np.pi / 2.0, 4)
    arc = radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    middle = np.array([length / 2.0 - radius, width / 2.0 - radius])
    parts = [
        middle + arc,
        middle * [-1, 1] + np.flip(arc, 0) * [-1, 1],
        -middle - arc,
        middle * [1, -1] + np.flip(arc, 0) * [1, -1],
    ]
    return np.concatenate(parts)


def _shadow(picture: Float32Array, outline_px: FloatArray, offset_px: FloatArray, shade: float) -> None:
    swept = cv2.convexHull(np.concatenate([outline_px, outline_px + offset_px]).astype(np.float32))
    darken(picture, np.asarray(swept[:, 0], dtype=np.float64), shade)


def darken(picture: Float32Array, polygon_px: FloatArray, shade: float) -> None:
    """Multiply a convex polygon's pixels by ``shade``, in place."""
    low = np.maximum(np.floor(polygon_px.min(axis=0)).astype(int) - 1, 0)
    high = np.ceil(polygon_px.max(axis=0)).astype(int) + 2
    part = picture[low[1] : high[1], low[0] : high[0]]
    if part.size:
        mask = np.zeros(part.shape[:2], dtype=np.uint8)
        cv2.fillConvexPoly(mask, _fixed(polygon_px - low), 1, cv2.LINE_8, _SHIFT)
        part[mask > 0] *= np.float32(shade)


def _fill(picture: Float32Array, polygon_px: FloatArray, color: Float32Array) -> None:
    cv2.fillConvexPoly(picture, _fixed(polygon_px), [float(v) for v in color], cv2.LINE_8, _SHIFT)


def _fixed(points_px: FloatArray) -> np.ndarray:
    """Pixels as OpenCV's fixed-point numbers, whose (0, 0) is the middle of a pixel."""
    return np.round((points_px - 0.5) * (1 << _SHIFT)).astype(np.int32)


def draw_polygon(picture: Float32Array, polygon_px: FloatArray, color: Float32Array) -> None:
    """Fill a convex polygon with one colour, in place."""
    _fill(picture, polygon_px, color)
