"""What each block of the town holds: houses, flats, shops with a car park, works, a park, fields."""

from __future__ import annotations

import itertools

import numpy as np

from rs_copilot.simulation import fields as f
from rs_copilot.simulation import layout as lay
from rs_copilot.simulation.layout import Layout, Zone
from rs_copilot.types import FloatArray

# What the blocks nearest to the middle hold, nearest first: every kind is seen in a short flight.
CENTRAL = (
    "shops",
    "houses",
    "flats",
    "park",
    "houses",
    "works",
    "pitch",
    "flats",
    "houses",
    "shops",
    "houses",
)


def fill_blocks(layout: Layout) -> None:
    """Fill every block between four nodes of the road grid."""
    quads = _quads(layout)
    middle = layout.network.plan.center_xy
    order = sorted(quads, key=lambda key: float(np.linalg.norm(quads[key].mean(axis=0) - middle)))
    town = [key for key in order if key[1] < 0]
    for rank, key in enumerate(town):
        kind = (
            CENTRAL[rank]
            if rank < len(CENTRAL)
            else str(layout.rng.choice(["houses", "houses", "houses", "flats", "works", "fields"]))
        )
        FILLERS[kind](layout, quads[key], f"{kind} {key[0]}:{key[1]}")
    for key in order:
        if key[1] >= 1:
            fields(layout, quads[key], f"field {key[0]}:{key[1]}")


def _quads(layout: Layout) -> dict[tuple[int, int], FloatArray]:
    grid, nodes = layout.network.grid, layout.network.nodes_xy
    quads = {}
    for column, row in grid:
        keys = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        # The strip between row 0 and row 1 is the river's valley.
        if row == 0 or any(key not in grid for key in keys):
            continue
        quads[column, row] = inset(nodes[[grid[key] for key in keys]], 9.0)
    return quads


def inset(quad: FloatArray, distance_m: float) -> FloatArray:
    """Draw the corners of a quadrilateral towards its middle."""
    middle = quad.mean(axis=0)
    away = quad - middle
    return np.asarray(
        quad - away / np.linalg.norm(away, axis=1, keepdims=True) * distance_m * 1.4, dtype=np.float64
    )


def _frame(quad: FloatArray) -> tuple[FloatArray, float, float, float]:
    """Middle, angle of the v axis turned to u, and half sizes of a quadrilateral."""
    along = (quad[2] + quad[3] - quad[0] - quad[1]) / 2.0
    across = (quad[1] + quad[2] - quad[0] - quad[3]) / 2.0
    angle = float(np.arctan2(across[1], across[0]))
    return quad.mean(axis=0), angle, float(np.linalg.norm(across)) / 2.0, float(np.linalg.norm(along)) / 2.0


def _ground(layout: Layout, quad: FloatArray, kind: int, name: str, label: str, **values: float) -> int:
    middle, angle, half_u, half_v = _frame(quad)
    index = layout.add(kind, middle, angle, (half_u, half_v), **values)
    layout.outlines[index] = quad
    layout.zones.append(Zone(name, label, quad))
    return index


def houses(layout: Layout, quad: FloatArray, name: str) -> None:
    """Detached houses along the streets, sheds and trees behind."""
    rng = layout.rng
    _ground(layout, quad, f.LAWN, name, "houses")
    middle = quad.mean(axis=0)
    for start, end in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        direction = (end - start) / np.linalg.norm(end - start)
        inward = np.array([-direction[1], direction[0]])
        inward *= np.sign(inward @ (middle - start))
        angle = float(np.arctan2(inward[1], inward[0]))
        for station in np.arange(9.0, np.linalg.norm(end - start) - 6.0, rng.uniform(15.0, 20.0)):
            half = (float(rng.uniform(3.8, 5.2)), float(rng.uniform(4.8, 7.0)))
            style = int(rng.choice([f.GABLE, f.GABLE, f.HIP]))
            center = (
                start
                + direction * (station + rng.uniform(-1.5, 1.5))
                + inward * (half[0] + rng.uniform(2.5, 6.0))
            )
            turn = 0.5 * np.pi * (rng.random() < 0.3)
            lay.place_building(
                layout, center, angle + turn + rng.normal(0.0, 0.03), half, style, int(rng.integers(1, 3))
            )
            _plot(layout, center, direction, inward, half[0])
            shed = center + inward * rng.uniform(11.0, 16.0) + direction * rng.uniform(-4.0, 4.0)
            if rng.random() < 0.5:
                lay.place_building(layout, shed, angle, (1.4, 2.1), f.FLAT, 0)
    lay.scatter_trees(layout, quad, 34, (1.2, 3.6))


def _plot(
    layout: Layout, house: FloatArray, direction: FloatArray, inward: FloatArray, half_depth_m: float
) -> None:
    """A drive to the street, a terrace behind, and a hedge along one side of the plot."""
    rng = layout.rng
    angle = float(np.arctan2(inward[1], inward[0]))
    side = float(rng.choice([-1.0, 1.0]))
    drive = house + side * 6.6 * direction - inward * (0.5 * half_depth_m + 1.5)
    _patch(layout, f.PAVED if rng.random() < 0.7 else f.GRAVEL, drive, angle, (half_depth_m + 4.5, 1.5))
    terrace = house + inward * (half_depth_m + 1.8) + direction * rng.uniform(-2.0, 2.0)
    _patch(layout, f.PAVED, terrace, angle, (1.8, float(rng.uniform(2.0, 3.6))))
    if rng.random() < 0.6:
        start = house - side * 8.3 * direction - inward * half_depth_m
        for along in np.arange(0.0, rng.uniform(12.0, 22.0), 1.15):
            lay.place_tree(layout, start + inward * along, float(rng.uniform(0.7, 0.95)), hedge=True)


def _patch(layout: Layout, kind: int, center: FloatArray, angle: float, half_uv: tuple[float, float]) -> None:
    index = layout.add(kind, center, angle, half_uv)
    layout.outlines[index] = lay.corners(center, angle, *half_uv)


def flats(layout: Layout, quad: FloatArray, name: str) -> None:
    """Slabs of flats on a lawn, with parking between them."""
    rng = layout.rng
    _ground(layout, quad, f.LAWN, name, "flats")
    middle, angle, half_u, half_v = _frame(quad)
    for offset in (-0.62, 0.45):
        center = lay.oriented(np.array([[offset * half_u, rng.uniform(-4.0, 4.0)]]), middle, angle)[0]
        half = (float(rng.uniform(5.5, 6.5)), min(0.8 * half_v, 27.0))
        lay.place_large(
            layout,
            center,
            angle,
            half,
            int(rng.choice([f.FLAT, f.SOLAR_FLAT, f.HIP])),
            int(rng.integers(3, 6)),
        )
    _car_park(
        layout,
        lay.oriented(np.array([[-0.1 * half_u, 0.0]]), middle, angle)[0],
        angle,
        (8.0, 0.7 * half_v),
        f"{name} car park",
    )
    lay.scatter_trees(layout, quad, 26, (1.8, 4.2))


def shops(layout: Layout, quad: FloatArray, name: str) -> None:
    """A large flat hall with a marked car park in front."""
    rng = layout.rng
    _ground(layout, quad, f.PAVED, name, "shops")
    middle, angle, half_u, half_v = _frame(quad)
    hall = lay.oriented(np.array([[0.52 * half_u, 0.0]]), middle, angle)[0]
    lay.place_large(
        layout, hall, angle, (0.36 * half_u, 0.78 * half_v), int(rng.choice([f.FLAT, f.SOLAR_FLAT])), 2
    )
    lot = lay.oriented(np.array([[-0.36 * half_u, 0.0]]), middle, angle)[0]
    _car_park(layout, lot, angle, (16.0, 0.86 * half_v), f"{name} car park")
    lay.scatter_trees(layout, quad, 8, (1.4, 2.4))


def _car_park(
    layout: Layout, center: FloatArray, angle: float, half_uv: tuple[float, float], name: str
) -> None:
    index = layout.add(f.CAR_PARK, center, angle, half_uv)
    outline = lay.corners(center, angle, *half_uv)
    layout.outlines[index] = outline
    layout.zones.append(Zone(name, "car park", outline))
    layout.take(lay.rectangle_points(center, angle, half_uv[0] + 0.5, half_uv[1] + 0.5))


def works(layout: Layout, quad: FloatArray, name: str) -> None:
    """Sheds of sheet metal on concrete."""
    rng = layout.rng
    _ground(layout, quad, f.PAVED, name, "works")
    middle, angle, half_u, half_v = _frame(quad)
    for u, v in ((-0.5, 0.4), (0.45, 0.35), (-0.45, -0.5), (0.5, -0.45)):
        center = lay.oriented(np.array([[u * half_u, v * half_v]]), middle, angle)[0]
        half = (float(rng.uniform(0.26, 0.38) * half_u), float(rng.uniform(0.28, 0.42) * half_v))
        lay.place_large(layout, center, angle, half, int(rng.choice([f.HALL, f.HALL, f.FLAT])), 2)
    lay.scatter_trees(layout, quad, 10, (1.4, 2.8))


def park(layout: Layout, quad: FloatArray, name: str) -> None:
    """A meadow with groups of trees and a gravel square."""
    rng = layout.rng
    _ground(layout, quad, f.MEADOW, name, "park")
    middle, angle, half_u, half_v = _frame(quad)
    for turn, half in ((0.0, (1.3, 0.95 * half_v)), (0.5 * np.pi, (1.3, 0.95 * half_u)), (0.0, (7.0, 9.0))):
        index = layout.add(f.GRAVEL, middle, angle + turn, half)
        layout.outlines[index] = lay.corners(middle, angle + turn, *half)
        layout.take(lay.rectangle_points(middle, angle + turn, *half))
    lay.scatter_trees(layout, quad, int(rng.integers(60, 90)), (1.8, 5.0))


def pitch(layout: Layout, quad: FloatArray, name: str) -> None:
    """A football pitch with trees around it."""
    _ground(layout, quad, f.MEADOW, name, "sports ground")
    middle, angle, half_u, half_v = _frame(quad)
    half = (min(0.8 * half_u, 31.0), min(0.9 * half_v, 46.0))
    index = layout.add(f.PITCH, middle, angle, half)
    layout.outlines[index] = lay.corners(middle, angle, *half)
    layout.zones.append(Zone(f"{name} pitch", "pitch", layout.outlines[index]))
    layout.take(lay.rectangle_points(middle, angle, *half))
    lay.scatter_trees(layout, quad, 30, (1.8, 4.0))


def fields(layout: Layout, quad: FloatArray, name: str) -> None:
    """Two or three strips of crops with their own furrows, a hedge between."""
    rng = layout.rng
    cuts = np.sort(np.concatenate([[0.0, 1.0], rng.uniform(0.3, 0.7, int(rng.integers(1, 3)))]))
    wide = inset(quad, -4.0)
    for number, (low, high) in enumerate(itertools.pairwise(cuts)):
        left, right = wide[1] - wide[0], wide[2] - wide[3]
        strip = np.array(
            [wide[0] + left * low, wide[0] + left * high, wide[3] + right * high, wide[3] + right * low]
        )
        index = _ground(layout, strip, f.CROP, f"{name}.{number}", "field", style=float(rng.integers(0, 4)))
        if rng.random() < 0.5:
            row = layout.rows[index]
            row[f.COS], row[f.SIN] = -row[f.SIN], row[f.COS]
        for t in np.arange(0.03, 0.97, 0.05):
            point = strip[1] + (strip[2] - strip[1]) * t + rng.normal(0.0, 0.6, 2)
            if high < 1.0 and rng.random() < 0.4:
                lay.place_tree(layout, point, float(rng.uniform(1.2, 2.8)))


FILLERS = {
    "houses": houses,
    "flats": flats,
    "shops": shops,
    "works": works,
    "park": park,
    "pitch": pitch,
    "fields": fields,
}
