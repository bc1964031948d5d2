"""The town's plan: its axes, the river, and the road network with one bridge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from rs_copilot.simulation import fields as f
from rs_copilot.simulation.settings import WorldSettings
from rs_copilot.types import BoolArray, Float32Array, FloatArray

BANK_M = 48.0  # from the river's middle to the top of its banks: half the bridge
WATER_HALF_M = 17.5
QUAY_M = 28.0  # from the river's middle to the quay road
HALF_WIDTHS_M = {2: 6.5, 1: 3.9, 0: 3.0, -1: 1.4}
WALKS_M = {2: 2.6, 1: 2.0, 0: 1.5, -1: 0.0}
STREET_NAMES = ("Lindenweg", "Mill Lane", "School Street", "Market Street", "Orchard Road", "Church Lane")


@dataclass(frozen=True)
class Plan:
    """The town's own axes: a runs along the river, b across it towards the fields."""

    center_xy: FloatArray
    angle_rad: float
    river_b_m: float
    bend_m: float
    bend_length_m: float
    phase: float
    spacing_m: float

    def xy(self, ab: FloatArray) -> FloatArray:
        """Local metres of ``(N, 2)`` town coordinates."""
        c, s = np.cos(self.angle_rad), np.sin(self.angle_rad)
        turned = np.asarray(ab, dtype=np.float64) @ np.array([[c, s], [-s, c]])
        return np.asarray(turned + self.center_xy, dtype=np.float64)

    def ab(self, xy: FloatArray) -> FloatArray:
        """The inverse of `xy`."""
        c, s = np.cos(self.angle_rad), np.sin(self.angle_rad)
        offset = np.asarray(xy, dtype=np.float64) - self.center_xy
        return np.asarray(offset @ np.array([[c, -s], [s, c]]), dtype=np.float64)

    def river_b(self, a: FloatArray) -> FloatArray:
        """Where the river's middle lies; straight near a = 0, where the bridge is."""
        swing = np.sin(a / self.bend_length_m + self.phase) - np.sin(self.phase)
        return np.asarray(self.river_b_m + self.bend_m * swing * np.tanh((a / 60.0) ** 2), dtype=np.float64)

    def river_distance(self, xy: FloatArray) -> FloatArray:
        """Signed distance from the river's middle, negative on the town's side. Shape (N,)."""
        ab = self.ab(xy)
        slope = (self.river_b(ab[:, 0] + 1.0) - self.river_b(ab[:, 0] - 1.0)) / 2.0
        return np.asarray((ab[:, 1] - self.river_b(ab[:, 0])) / np.hypot(1.0, slope), dtype=np.float64)


@dataclass(frozen=True)
class Edge:
    """A stretch of road between two nodes. ``mouth_m``: radii of the junctions at its ends, 0 for none."""

    name: str
    road_class: int
    points_xy: FloatArray
    node_a: int
    node_b: int
    mouth_m: tuple[float, float] = (0.0, 0.0)
    bridge: bool = False

    @property
    def half_width_m(self) -> float:
        """From the middle to the kerb."""
        return HALF_WIDTHS_M[self.road_class]

    @property
    def stations_m(self) -> FloatArray:
        """Distance along the edge of every point, from 0."""
        steps = np.linalg.norm(np.diff(self.points_xy, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])


@dataclass(frozen=True)
class Network:
    """Nodes (N, 2) and edges; ``grid`` maps the town's columns and rows to nodes."""

    plan: Plan
    nodes_xy: FloatArray
    edges: tuple[Edge, ...]
    grid: dict[tuple[int, int], int]
    segments: Float32Array
    bridge_segment: int

    @property
    def bridge(self) -> Edge:
        """The edge that crosses the river."""
        return next(edge for edge in self.edges if edge.bridge)

    def is_on_deck(self, xy: FloatArray) -> BoolArray:
        """Which of ``(N, 2)`` points lie on the bridge's deck, as booleans."""
        ab = self.plan.ab(xy)
        across = np.abs(ab[:, 0] - self.plan.ab(self.bridge.points_xy[:1])[0, 0])
        near = np.abs(ab[:, 1] - self.plan.river_b_m) < BANK_M
        return np.asarray(near & (across < HALF_WIDTHS_M[2] + WALKS_M[2] + 0.3))


def make_plan(world: WorldSettings, rng: np.random.Generator) -> Plan:
    """Axes and river for a seed."""
    return Plan(
        center_xy=np.full(2, world.side_m / 2.0),
        angle_rad=float(np.radians(rng.uniform(12.0, 33.0))),
        river_b_m=0.17 * max(world.extent_m, 500.0),
        bend_m=float(rng.uniform(12.0, 22.0)),
        bend_length_m=float(rng.uniform(70.0, 110.0)),
        phase=float(rng.uniform(0.0, 6.28)),
        spacing_m=float(rng.uniform(92.0, 108.0)),
    )


def make_network(world: WorldSettings, plan: Plan, rng: np.random.Generator) -> Network:
    """Roads on a loosened grid, the main road over the bridge, a quay road under it."""
    grid, nodes = _make_nodes(world, plan, rng)
    edges = _grid_edges(grid, nodes, rng)
    edges.append(_quay(world, plan, len(nodes)))
    nodes = [*nodes, edges[-1].points_xy[0], edges[-1].points_xy[-1]]
    edges = _with_mouths(edges)
    segments, bridge_segment = _segment_table(edges)
    return Network(plan, np.array(nodes), tuple(edges), grid, segments, bridge_segment)


def _make_nodes(
    world: WorldSettings, plan: Plan, rng: np.random.Generator
) -> tuple[dict[tuple[int, int], int], list[FloatArray]]:
    """Grid nodes: row 0 is the first street on the town's bank, rows above it lie beyond the river."""
    reach = int(np.ceil(0.75 * world.side_m / plan.spacing_m))
    grid: dict[tuple[int, int], int] = {}
    nodes: list[FloatArray] = []
    for column in range(-reach, reach + 1):
        for row in range(-reach, 4):
            a, b = column * plan.spacing_m, plan.river_b_m - BANK_M - 12.0 + row * plan.spacing_m
            if row > 0:
                b = plan.river_b_m + BANK_M + 14.0 + (row - 1) * 1.5 * plan.spacing_m
            jitter = rng.uniform(-9.0, 9.0, 2)
            jitter[0] *= 0.0 if column == 0 else 1.0
            jitter[1] *= 0.0 if row in (0, 1) else 1.0
            if row in (0, 1):
                # The streets along the banks follow the river.
                b += float(plan.river_b(np.array(a)) - plan.river_b_m)
            grid[column, row] = len(nodes)
            nodes.append(plan.xy(np.array([[a, b]]) + jitter)[0])
    return grid, nodes


def _grid_edges(
    grid: dict[tuple[int, int], int], nodes: list[FloatArray], rng: np.random.Generator
) -> list[Edge]:
    edges = []
    for (column, row), start in grid.items():
        for step in ((1, 0), (0, 1)):
            end = grid.get((column + step[0], row + step[1]))
            keep = rng.random()
            if end is None:
                continue
            road_class = _class_of(column, row, step)
            crosses = step == (0, 1) and row == 0
            if (
                (crosses and column != 0)
                or (road_class == 0 and keep < 0.16)
                or (row > 0 and column and keep < 0.5)
            ):
                continue
            points = _bent(nodes[start], nodes[end], 0.0 if road_class else float(rng.uniform(-5.0, 5.0)))
            edges.append(Edge(_name_of(column, row, step), road_class, points, start, end, bridge=crosses))
    return edges


def _class_of(column: int, row: int, step: tuple[int, int]) -> int:
    if step == (0, 1):
        return 2 if column == 0 else 0
    return 1 if row in (0, -2, 1) else 0


def _name_of(column: int, row: int, step: tuple[int, int]) -> str:
    if step == (0, 1) and column == 0:
        return "Bridge Street"
    if step == (0, 1):
        return f"{STREET_NAMES[column % len(STREET_NAMES)]} {abs(column)}"
    return {0: "River Street", 1: "Field Road", -2: "Station Street"}.get(row, f"Row {abs(row)}")


def _bent(start: FloatArray, end: FloatArray, bow_m: float) -> FloatArray:
    """A shallow parabola between two nodes, a point every 8 m or so."""
    count = max(2, int(np.linalg.norm(end - start) / 8.0))
    t = np.linspace(0.0, 1.0, count + 1)[:, None]
    direction = (end - start) / np.linalg.norm(end - start)
    normal = np.array([-direction[1], direction[0]])
    return np.asarray(start + t * (end - start) + 4.0 * t * (1.0 - t) * bow_m * normal, dtype=np.float64)


def _quay(world: WorldSettings, plan: Plan, first_node: int) -> Edge:
    a = np.arange(-0.8 * world.side_m, 0.8 * world.side_m, 8.0)
    middle = plan.river_b(a)
    slope = np.gradient(middle, a)
    normal = np.stack([slope, -np.ones_like(slope)], axis=1) / np.hypot(1.0, slope)[:, None]
    points = plan.xy(np.stack([a, middle], axis=1) + QUAY_M * normal)
    return Edge("Quay Road", 1, points, first_node, first_node + 1)


def _with_mouths(edges: list[Edge]) -> list[Edge]:
    """Junction radii: where three or more edges meet, the width of the widest and a bit."""
    degree = Counter(node for edge in edges for node in (edge.node_a, edge.node_b))
    widest: dict[int, float] = {}
    for edge in edges:
        for node in (edge.node_a, edge.node_b):
            widest[node] = max(widest.get(node, 0.0), edge.half_width_m)
    mouth = {node: widest[node] + 2.0 if degree[node] >= 3 else 0.0 for node in degree}
    return [
        Edge(
            e.name,
            e.road_class,
            e.points_xy,
            e.node_a,
            e.node_b,
            (mouth[e.node_a], mouth[e.node_b]),
            e.bridge,
        )
        for e in edges
    ]


def _segment_table(edges: list[Edge]) -> tuple[Float32Array, int]:
    """All edges as straight segments; row 0 means "no road". Also the bridge's first row."""
    rows, bridge_segment = [np.zeros(f.SEGMENT_COLUMNS)], 0
    for edge in edges:
        if edge.bridge:
            bridge_segment = len(rows)
        stations = edge.stations_m
        for i in range(len(stations) - 1):
            ends = np.concatenate([edge.points_xy[i], edge.points_xy[i + 1]])
            rest = [stations[i], stations[-1], edge.half_width_m, WALKS_M[edge.road_class], edge.road_class]
            rows.append(np.concatenate([ends, rest, edge.mouth_m]))
    return np.array(rows, dtype=np.float32), bridge_segment
