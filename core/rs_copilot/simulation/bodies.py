"""Vehicles, people and the bridge as upright boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.simulation import fields as f
from rs_copilot.simulation.network import BANK_M, HALF_WIDTHS_M, WALKS_M
from rs_copilot.simulation.terrain import DECK_TOP_M, WATER_Z_M
from rs_copilot.simulation.world import World
from rs_copilot.types import Float32Array, FloatArray

Rgb = tuple[float, float, float]
CAR_COLORS: tuple[Rgb, ...] = (
    (0.62, 0.62, 0.62),
    (0.40, 0.41, 0.43),
    (0.16, 0.165, 0.175),
    (0.022, 0.022, 0.025),
    (0.34, 0.030, 0.026),
    (0.035, 0.075, 0.24),
    (0.055, 0.10, 0.075),
    (0.30, 0.26, 0.19),
    (0.50, 0.36, 0.05),
)
COLOR_SHARES = (0.26, 0.17, 0.15, 0.14, 0.08, 0.09, 0.04, 0.04, 0.03)
CLOTHES: tuple[Rgb, ...] = (
    (0.05, 0.06, 0.10),
    (0.32, 0.06, 0.05),
    (0.45, 0.44, 0.42),
    (0.08, 0.16, 0.30),
    (0.42, 0.33, 0.10),
)
GLASS_RGB: Rgb = (0.022, 0.026, 0.032)
RUBBER_RGB: Rgb = (0.018, 0.018, 0.018)


@dataclass(frozen=True)
class BodyKind:
    """Label and outer size of a kind of object."""

    label: str
    length_m: float
    width_m: float
    height_m: float


CAR = BodyKind("car", 4.5, 1.82, 1.48)
VAN = BodyKind("van", 5.6, 2.0, 2.35)
TRUCK = BodyKind("truck", 9.2, 2.5, 3.5)
BUS = BodyKind("bus", 12.0, 2.55, 3.1)
PERSON = BodyKind("person", 0.42, 0.62, 1.74)
KINDS = {kind.label: kind for kind in (CAR, VAN, TRUCK, BUS, PERSON)}

# Per kind: boxes as (centre along, half length, half width, low, high, material, colour: None for paint).
_Part = tuple[float, float, float, float, float, int, Rgb | None]
PARTS: dict[str, tuple[_Part, ...]] = {
    "car": (
        (0.0, 2.25, 0.91, 0.22, 0.82, f.PAINT, None),
        (0.0, 2.02, 0.86, 0.05, 0.22, f.CLOTH, RUBBER_RGB),
        (-0.25, 1.42, 0.80, 0.82, 1.38, f.GLASS, GLASS_RGB),
        (-0.38, 0.88, 0.72, 1.38, 1.48, f.PAINT, None),
    ),
    "van": (
        (-0.35, 2.40, 0.99, 0.25, 2.30, f.PAINT, None),
        (2.15, 0.62, 0.95, 0.25, 1.15, f.PAINT, None),
        (2.0, 0.40, 0.90, 1.15, 1.85, f.GLASS, GLASS_RGB),
    ),
    "truck": (
        (-0.95, 3.60, 1.25, 0.75, 3.50, f.PAINT, (0.52, 0.52, 0.50)),
        (3.55, 1.00, 1.20, 0.35, 2.85, f.PAINT, None),
        (4.50, 0.08, 1.05, 1.5, 2.6, f.GLASS, GLASS_RGB),
        (0.0, 4.4, 0.95, 0.30, 0.75, f.CLOTH, RUBBER_RGB),
    ),
    "bus": (
        (0.0, 6.0, 1.275, 0.3, 1.4, f.PAINT, None),
        (0.0, 5.96, 1.25, 1.4, 2.5, f.GLASS, GLASS_RGB),
        (0.0, 6.0, 1.275, 2.5, 2.95, f.PAINT, None),
        (1.6, 1.1, 0.8, 2.95, 3.15, f.PAINT, (0.30, 0.30, 0.31)),
        (-2.6, 0.8, 0.7, 2.95, 3.12, f.PAINT, (0.42, 0.42, 0.42)),
    ),
    "person": (
        (0.0, 0.14, 0.20, 0.0, 0.82, f.CLOTH, (0.05, 0.05, 0.07)),
        (0.0, 0.17, 0.26, 0.82, 1.48, f.CLOTH, None),
        (0.03, 0.12, 0.11, 1.48, 1.74, f.CLOTH, (0.12, 0.075, 0.05)),
    ),
}


@dataclass(frozen=True)
class Crowd:
    """Objects at one moment. ``boxes`` (M, BOX_COLUMNS); object k owns boxes ``spans[k]`` = (first, end)."""

    boxes: Float32Array
    spans: tuple[tuple[int, int], ...]
    tags: tuple[int, ...]


def body_boxes(label: str, xyz_m: FloatArray, heading_rad: float, color: Rgb, owner: int) -> FloatArray:
    """Boxes of one object standing at ``xyz_m`` and facing ``heading_rad`` (from east, anticlockwise)."""
    c, s = np.cos(heading_rad), np.sin(heading_rad)
    rows = np.zeros((len(PARTS[label]), f.BOX_COLUMNS))
    for row, (ahead, hx, hy, low, high, material, own) in zip(rows, PARTS[label], strict=True):
        row[: f.BOX_COLOR] = (
            xyz_m[0] + c * ahead,
            xyz_m[1] + s * ahead,
            xyz_m[2] + (low + high) / 2.0,
            c,
            s,
            hx,
            hy,
            (high - low) / 2.0,
        )
        row[f.BOX_COLOR : f.BOX_COLOR + 3] = own or color
        row[f.BOX_MATERIAL], row[f.BOX_OWNER] = material, owner
    return rows


def bridge_boxes(world: World) -> FloatArray:
    """Deck, kerb walls and piers; they belong to owner -1 and stand in every picture."""
    network = world.network
    start, end = network.bridge.points_xy[0], network.bridge.points_xy[-1]
    direction = (end - start) / np.linalg.norm(end - start)
    middle = network.plan.xy(np.array([[network.plan.ab(start[None])[0, 0], network.plan.river_b_m]]))[0]
    normal = np.array([-direction[1], direction[0]])
    half_width = HALF_WIDTHS_M[2] + WALKS_M[2] + 0.3
    concrete = (0.33, 0.32, 0.30)
    deck = _box(
        middle,
        DECK_TOP_M - 0.55,
        direction,
        (BANK_M, half_width, 0.55),
        f.DECK,
        (network.bridge_segment, 0.0, 0.0),
    )
    rows = [deck]
    for side in (-1.0, 1.0):
        place = middle + side * (half_width - 0.15) * normal
        rows.append(_box(place, DECK_TOP_M + 0.5, direction, (BANK_M, 0.12, 0.5), f.CONCRETE, concrete))
    for station in (-20.5, 20.5):
        low, high = WATER_Z_M - 1.0, DECK_TOP_M - 1.1
        rows.append(
            _box(
                middle + station * direction,
                (low + high) / 2.0,
                direction,
                (0.9, half_width - 1.5, (high - low) / 2.0),
                f.CONCRETE,
                concrete,
            )
        )
    return np.array(rows)


def _box(
    xy: FloatArray,
    z: float,
    direction: FloatArray,
    half: tuple[float, float, float],
    material: int,
    color: Rgb,
) -> FloatArray:
    return np.array([*xy, z, *direction, *half, *color, material, -1.0])


def box_corners(boxes: FloatArray | Float32Array) -> FloatArray:
    """The eight corners of every box, shape (N * 8, 3)."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T.astype(np.float64)
    b = np.asarray(boxes, dtype=np.float64)
    local = signs[None] * b[:, None, f.BOX_HX : f.BOX_HZ + 1]
    c, s = b[:, None, f.BOX_COS], b[:, None, f.BOX_SIN]
    x = c * local[..., 0] - s * local[..., 1] + b[:, None, f.BOX_X]
    y = s * local[..., 0] + c * local[..., 1] + b[:, None, f.BOX_Y]
    return np.stack([x, y, local[..., 2] + b[:, None, f.BOX_Z]], axis=-1).reshape(-1, 3)
