"""Where houses, trees, car parks and fields stand: the town's content as one table of regions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rs_copilot.simulation import fields as f
from rs_copilot.simulation.network import BANK_M, WATER_HALF_M, Network
from rs_copilot.simulation.settings import WorldSettings
from rs_copilot.types import BoolArray, FloatArray

Rgb = tuple[float, float, float]
TILE_COLORS: tuple[Rgb, ...] = (
    (0.26, 0.085, 0.048),
    (0.20, 0.066, 0.042),
    (0.30, 0.125, 0.068),
    (0.13, 0.062, 0.046),
    (0.068, 0.068, 0.074),
    (0.115, 0.108, 0.102),
    (0.225, 0.155, 0.105),
)
FLAT_COLORS: tuple[Rgb, ...] = (
    (0.30, 0.29, 0.27),
    (0.16, 0.16, 0.165),
    (0.40, 0.39, 0.37),
    (0.22, 0.21, 0.18),
)
SHEET_COLORS: tuple[Rgb, ...] = (
    (0.42, 0.44, 0.46),
    (0.12, 0.20, 0.29),
    (0.30, 0.32, 0.31),
    (0.19, 0.23, 0.18),
)
WALL_COLORS: tuple[Rgb, ...] = (
    (0.52, 0.47, 0.37),
    (0.58, 0.56, 0.52),
    (0.45, 0.36, 0.25),
    (0.40, 0.19, 0.13),
    (0.50, 0.45, 0.42),
)
TRIES = 3


@dataclass(frozen=True)
class Zone:
    """A named piece of the town: its kind and its outline in local metres, (N, 2)."""

    name: str
    kind: str
    outline_xy: FloatArray


@dataclass
class Layout:
    """What was placed so far. ``taken`` is a 1 m raster of ground that is no longer free."""

    world: WorldSettings
    network: Network
    rng: np.random.Generator
    taken: BoolArray
    rows: list[FloatArray] = field(default_factory=lambda: [np.zeros(f.REGION_COLUMNS)])
    outlines: dict[int, FloatArray] = field(default_factory=dict)
    zones: list[Zone] = field(default_factory=list)

    def add(
        self, kind: int, center: FloatArray, angle_rad: float, half_uv: tuple[float, float], **values: float
    ) -> int:
        """Append a region and return its row."""
        row = np.zeros(f.REGION_COLUMNS)
        row[[f.KIND, f.CX, f.CY, f.COS, f.SIN]] = kind, *center, np.cos(angle_rad), np.sin(angle_rad)
        row[[f.HALF_U, f.HALF_V]] = half_uv
        row[[f.HEIGHT, f.RISE, f.STYLE]] = (
            values.get("height", 0.0),
            values.get("rise", 0.0),
            values.get("style", 0.0),
        )
        row[f.SEED] = float(self.rng.integers(1, 60000))
        self.rows.append(row)
        return len(self.rows) - 1

    def is_free(self, cells: FloatArray) -> bool:
        """Whether all of ``(N, 2)`` points are free ground inside the world."""
        index = np.floor(cells).astype(int)
        side = len(self.taken)
        if (index < 2).any() or (index >= side - 2).any():
            return False
        return not self.taken[index[:, 1], index[:, 0]].any()

    def take(self, cells: FloatArray) -> None:
        """Mark points as built on."""
        index = np.clip(np.floor(cells).astype(int), 0, len(self.taken) - 1)
        self.taken[index[:, 1], index[:, 0]] = True


def rectangle_points(center: FloatArray, angle_rad: float, half_u: float, half_v: float) -> FloatArray:
    """A grid of points, at most 0.8 m apart, that fills an oriented rectangle. Shape (N, 2)."""
    u = np.linspace(-half_u, half_u, max(2, int(2.0 * half_u / 0.8) + 2))
    v = np.linspace(-half_v, half_v, max(2, int(2.0 * half_v / 0.8) + 2))
    grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    return oriented(grid, center, angle_rad)


def oriented(uv: FloatArray, center: FloatArray, angle_rad: float) -> FloatArray:
    """Local metres of points in an object's own axes."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.asarray(uv @ np.array([[c, s], [-s, c]]) + center, dtype=np.float64)


def corners(center: FloatArray, angle_rad: float, half_u: float, half_v: float) -> FloatArray:
    """The four corners of an oriented rectangle."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    return oriented(signs * [half_u, half_v], center, angle_rad)


def start_layout(world: WorldSettings, network: Network, rng: np.random.Generator) -> Layout:
    """An empty town: only roads and the river's valley are taken."""
    side = int(np.ceil(world.side_m))
    taken = np.zeros((side, side), dtype=bool)
    layout = Layout(world, network, rng, taken)
    for edge in network.edges:
        direction = np.diff(edge.points_xy, axis=0)
        reach = edge.half_width_m + 2.8
        for start, step in zip(edge.points_xy[:-1], direction, strict=True):
            angle = float(np.arctan2(step[1], step[0])) - np.pi / 2.0
            layout.take(
                rectangle_points(start + step / 2.0, angle, reach, float(np.linalg.norm(step)) / 2.0 + 0.5)
            )
    centers = np.arange(side) + 0.5
    x, y = np.meshgrid(centers, centers)
    across = network.plan.river_distance(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(side, side)
    layout.taken |= np.abs(across) < BANK_M + 3.0
    return layout


def place_building(
    layout: Layout,
    center: FloatArray,
    angle_rad: float,
    half_uv: tuple[float, float],
    style: int,
    floors: int,
) -> bool:
    """Put a building there if the ground and a metre around it are free."""
    rng = layout.rng
    if not layout.is_free(rectangle_points(center, angle_rad, half_uv[0] + 1.0, half_uv[1] + 1.0)):
        return False
    pitch = {f.GABLE: 0.75, f.HIP: 0.62, f.HALL: 0.10}.get(style, 0.0)
    height = 6.0 if style == f.HALL else 0.5 + 2.9 * floors
    index = layout.add(
        f.BUILDING,
        center,
        angle_rad,
        half_uv,
        height=height,
        rise=half_uv[0] * pitch * rng.uniform(0.8, 1.15),
        style=style,
    )
    palette = {f.HALL: SHEET_COLORS, f.GABLE: TILE_COLORS, f.HIP: TILE_COLORS}.get(style, FLAT_COLORS)
    shade = rng.uniform(0.82, 1.18)
    layout.rows[index][f.COLOR : f.COLOR + 3] = np.array(palette[rng.integers(len(palette))]) * shade
    layout.rows[index][f.WALL : f.WALL + 3] = np.array(
        WALL_COLORS[rng.integers(len(WALL_COLORS))]
    ) * rng.uniform(0.8, 1.1)
    layout.outlines[index] = corners(center, angle_rad, *half_uv)
    layout.take(rectangle_points(center, angle_rad, half_uv[0] + 0.8, half_uv[1] + 0.8))
    return True


def place_large(
    layout: Layout,
    center: FloatArray,
    angle_rad: float,
    half_uv: tuple[float, float],
    style: int,
    floors: int,
) -> bool:
    """Put a large building there, smaller where the ground does not suffice."""
    sizes = [(half_uv[0] * share, half_uv[1] * share) for share in (1.0, 0.85, 0.7, 0.5)]
    return any(place_building(layout, center, angle_rad, half, style, floors) for half in sizes)


def place_tree(
    layout: Layout, center: FloatArray, radius_m: float, *, on_taken: bool = False, hedge: bool = False
) -> bool:
    """Put a tree there; street trees may stand on taken ground, hedges are low and closed."""
    if not on_taken and not layout.is_free(center[None]):
        return False
    rng = layout.rng
    conifer = rng.random() < 0.18 and not hedge
    height = radius_m * (rng.uniform(2.6, 3.6) if conifer else rng.uniform(1.7, 2.5))
    rise = 0.12 if conifer or hedge else 0.42
    layout.add(f.TREE, center, 0.0, (radius_m, radius_m), height=height, rise=rise)
    if not hedge:
        layout.take(rectangle_points(center, 0.0, 0.6 * radius_m, 0.6 * radius_m))
    return True


def scatter_trees(layout: Layout, quad: FloatArray, count: int, radius_m: tuple[float, float]) -> None:
    """Try ``count`` trees at random places of a quadrilateral (4, 2)."""
    for _ in range(count):
        s, t = layout.rng.random(2)
        point = (quad[0] * (1 - s) + quad[1] * s) * (1 - t) + (quad[3] * (1 - s) + quad[2] * s) * t
        place_tree(layout, point, float(layout.rng.uniform(*radius_m)))


def river_trees(layout: Layout) -> None:
    """Trees along the top of both banks and a few on the meadow side."""
    plan, rng = layout.network.plan, layout.rng
    for a in np.arange(-0.7 * layout.world.side_m, 0.7 * layout.world.side_m, 6.0):
        for side, low, high, chance in (
            (1.0, 30.0, 47.0, 0.5),
            (-1.0, 40.0, 45.0, 0.45),
            (1.0, 21.0, 26.0, 0.3),
        ):
            if rng.random() > chance or abs(a) < 17.0:
                continue
            b = plan.river_b(np.array(a)) + side * rng.uniform(low, high)
            place_tree(
                layout,
                plan.xy(np.array([[a + rng.uniform(-3, 3), b]]))[0],
                float(rng.uniform(2.0, 4.6)),
                on_taken=True,
            )


def street_trees(layout: Layout) -> None:
    """Rows of trees on the pavements; their crowns hang over the kerb."""
    rng = layout.rng
    for edge in layout.network.edges:
        if edge.bridge or edge.name == "Quay Road" or rng.random() < 0.35:
            continue
        stations = edge.stations_m
        for station in np.arange(16.0, stations[-1] - 16.0, rng.uniform(10.0, 17.0)):
            point, normal = point_on(edge.points_xy, stations, float(station))
            for side in (-1.0, 1.0):
                radius = float(rng.uniform(1.7, 3.4))
                if rng.random() < 0.62:
                    place_tree(
                        layout, point + side * (edge.half_width_m + 1.6) * normal, radius, on_taken=True
                    )


def point_on(points_xy: FloatArray, stations: FloatArray, station: float) -> tuple[FloatArray, FloatArray]:
    """Position at a distance along a polyline, and the unit normal to its left."""
    i = int(np.clip(np.searchsorted(stations, station) - 1, 0, len(stations) - 2))
    step = points_xy[i + 1] - points_xy[i]
    length = stations[i + 1] - stations[i]
    tangent = step / length
    return points_xy[i] + tangent * (station - stations[i]), np.array([-tangent[1], tangent[0]])


def water_outline(network: Network, reach_m: float) -> FloatArray:
    """Polygon of the river's water surface."""
    a = np.arange(-reach_m, reach_m, 6.0)
    middle = network.plan.river_b(a)
    near, far = np.stack([a, middle - WATER_HALF_M - 1.0], 1), np.stack([a, middle + WATER_HALF_M + 1.0], 1)
    return network.plan.xy(np.vstack([near, far[::-1]]))
