"""The lines that vehicles and people follow: lanes joined by arcs over junctions, pavements, crossings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.simulation.layout import point_on
from rs_copilot.simulation.network import WALKS_M, Edge, Network
from rs_copilot.simulation.surfaces import ZEBRA_FROM_M, ZEBRA_TO_M
from rs_copilot.types import FloatArray

SPEEDS_MPS = {2: 13.5, 1: 11.5, 0: 8.3}
TURN_SPEED_MPS = 4.8
BRAKE_MPS2 = 1.9
STEP_M = 1.0
STOP_BACK_M = ZEBRA_TO_M + 1.2


@dataclass(frozen=True)
class Crossing:
    """Where a path meets a junction: stations in metres along the path.

    Drives with the same ``arm`` may use the junction at the same time.
    """

    node: int
    arm: int
    stop_m: float
    clear_m: float
    turn_deg: float
    must_stop: bool


@dataclass(frozen=True)
class Path:
    """A polyline with a point every metre, the speed allowed at each, and its junctions in order."""

    points_xy: FloatArray
    allowed_mps: FloatArray
    crossings: tuple[Crossing, ...]

    @property
    def length_m(self) -> float:
        """Station of the last point."""
        return (len(self.points_xy) - 1) * STEP_M

    def at(self, station_m: float) -> FloatArray:
        """Position at a station, clamped to the ends."""
        s = min(max(station_m, 0.0), self.length_m - 1e-6)
        i = int(s)
        return np.asarray(self.points_xy[i] + (s - i) * (self.points_xy[i + 1] - self.points_xy[i]))

    def heading_rad(self, station_m: float, wheelbase_m: float) -> float:
        """Direction from the rear to the front axle of a vehicle whose middle is at the station."""
        front, rear = self.at(station_m + wheelbase_m / 2.0), self.at(station_m - wheelbase_m / 2.0)
        return float(np.arctan2(front[1] - rear[1], front[0] - rear[0]))


class Lanes:
    """Lane lines of a network, each computed once."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._lines: dict[tuple[int, bool, float], FloatArray] = {}

    def line(self, index: int, forward: bool, offset_m: float) -> FloatArray:
        """The lane right of the middle in driving direction, cut back at the junctions. Shape (N, 2)."""
        key = (index, forward, offset_m)
        if key not in self._lines:
            self._lines[key] = lane_line(self.network.edges[index], forward, offset_m)
        return self._lines[key]


def vehicle_path(lanes: Lanes, start: int, forward: bool, rng: np.random.Generator, length_m: float) -> Path:
    """A random drive of about ``length_m`` that begins on an edge; shorter where a road ends."""
    builder = _Builder(lanes, rng)
    edge, ahead = start, forward
    while True:
        builder.drive(edge, ahead)
        onward = builder.choose(edge, ahead)
        if builder.length_m > length_m or onward is None:
            return builder.finish()
        builder.cross(edge, ahead, *onward)
        edge, ahead = onward


def lane_line(edge: Edge, forward: bool, offset_m: float) -> FloatArray:
    """See `Lanes.line`."""
    stations = edge.stations_m
    low, high = max(edge.mouth_m[0], 2.5), stations[-1] - max(edge.mouth_m[1], 2.5)
    along = np.arange(low, high, STEP_M)
    if not forward:
        along = along[::-1]
    side = -1.0 if forward else 1.0
    pairs = [point_on(edge.points_xy, stations, float(s)) for s in along]
    return np.array([point + side * offset_m * normal for point, normal in pairs])


class _Builder:
    """Collects points, limits and crossings of one drive."""

    def __init__(self, lanes: Lanes, rng: np.random.Generator) -> None:
        self.lanes, self.network, self.rng = lanes, lanes.network, rng
        self.points: list[FloatArray] = []
        self.limits: list[float] = []
        self.crossings: list[Crossing] = []
        self.inner = bool(rng.random() < 0.5)

    @property
    def length_m(self) -> float:
        """Metres so far."""
        return len(self.points) * STEP_M

    def offset_m(self, edge: Edge) -> float:
        """Distance of the lane's middle from the road's."""
        if edge.road_class == 2:
            return 1.75 if self.inner else 4.9
        return 0.5 * edge.half_width_m

    def drive(self, index: int, forward: bool) -> None:
        """Append a whole lane."""
        edge = self.network.edges[index]
        line = self.lanes.line(index, forward, self.offset_m(edge))
        self.points.extend(line)
        self.limits.extend([SPEEDS_MPS[edge.road_class]] * len(line))

    def choose(self, index: int, forward: bool) -> tuple[int, bool] | None:
        """The next edge: any arm of the junction but the one we came from; straight on is likelier."""
        edge = self.network.edges[index]
        node = edge.node_b if forward else edge.node_a
        arms = [
            (i, e.node_a == node)
            for i, e in enumerate(self.network.edges)
            if i != index and node in (e.node_a, e.node_b)
        ]
        if not arms:
            return None
        heading = _direction(self.points[-2], self.points[-1])
        weights = []
        for i, ahead in arms:
            line = self.lanes.line(i, ahead, self.offset_m(self.network.edges[i]))
            straight = float(heading @ _direction(line[0], line[3]))
            weights.append(0.4 + max(0.0, straight) + 0.5 * self.network.edges[i].road_class)
        share = np.array(weights) / np.sum(weights)
        return arms[int(self.rng.choice(len(arms), p=share))]

    def cross(self, index: int, forward: bool, onward: int, ahead: bool) -> None:
        """Append the arc over a junction and note where to stop before it."""
        edge, following = self.network.edges[index], self.network.edges[onward]
        line = self.lanes.line(onward, ahead, self.offset_m(following))
        start, end = self.points[-1], line[0]
        before, after = _direction(self.points[-2], start), _direction(line[0], line[1])
        reach = 0.42 * float(np.linalg.norm(end - start))
        arc = _bezier(start, start + reach * before, end - reach * after, end)
        turn = float(np.degrees(np.arctan2(before[0] * after[1] - before[1] * after[0], before @ after)))
        mouth = edge.mouth_m[1] if forward else edge.mouth_m[0]
        enter = self.length_m
        self.points.extend(arc)
        speed = (
            TURN_SPEED_MPS
            if abs(turn) > 35.0
            else min(SPEEDS_MPS[edge.road_class], SPEEDS_MPS[following.road_class])
        )
        self.limits.extend([speed] * len(arc))
        if mouth > 0.0:
            node = edge.node_b if forward else edge.node_a
            must = edge.road_class < max(
                e.road_class for e in self.network.edges if node in (e.node_a, e.node_b)
            )
            # Straight drives in opposite directions do not cross: they share one turn.
            arm = index if abs(turn) > 35.0 else 1000 * min(index, onward) + max(index, onward)
            self.crossings.append(Crossing(node, arm, enter - STOP_BACK_M, self.length_m, turn, must))

    def finish(self) -> Path:
        """Smooth the joints, resample, and let braking reach back from every slow place."""
        points, limits = np.array(self.points), np.array(self.limits)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        stations = np.concatenate([[0.0], np.cumsum(steps)])
        even = np.arange(0.0, stations[-1], STEP_M)
        xy = np.stack([np.interp(even, stations, points[:, k]) for k in (0, 1)], axis=1)
        allowed = np.interp(even, stations, limits)
        for i in range(len(allowed) - 2, -1, -1):
            allowed[i] = min(allowed[i], np.sqrt(allowed[i + 1] ** 2 + 2.0 * BRAKE_MPS2 * STEP_M))
        index = np.arange(len(stations))
        moved = [
            Crossing(
                c.node,
                c.arm,
                float(np.interp(c.stop_m, index, stations)),
                float(np.interp(c.clear_m, index, stations)),
                c.turn_deg,
                c.must_stop,
            )
            for c in self.crossings
        ]
        return Path(xy, allowed, tuple(moved))


def _direction(start: FloatArray, end: FloatArray) -> FloatArray:
    step = end - start
    return np.asarray(step / max(float(np.linalg.norm(step)), 1e-9))


def _bezier(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """A cubic Bezier arc without its start, a point about every metre."""
    count = max(2, int(np.linalg.norm(d - a) / STEP_M))
    t = np.linspace(0.0, 1.0, count + 1)[1:, None]
    return np.asarray((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d)


def walk_path(edge: Edge, station_m: float, rng: np.random.Generator) -> Path:
    """A walk along a pavement, some of them over the zebra crossing at the edge's end."""
    stations, side = edge.stations_m, float(rng.choice([-1.0, 1.0]))
    away = edge.half_width_m + WALKS_M[edge.road_class] * float(rng.uniform(0.3, 0.8))
    zebra = stations[-1] - edge.mouth_m[1] - 0.5 * (ZEBRA_FROM_M + ZEBRA_TO_M) + float(rng.uniform(-0.8, 0.8))
    crosses = edge.mouth_m[1] > 0.0 and rng.random() < 0.35
    if crosses:
        station_m = max(4.0, zebra - float(rng.uniform(3.0, 16.0)))
    along = np.arange(station_m, zebra if crosses else stations[-1] - 6.0, STEP_M)
    if rng.random() < 0.5 and not crosses:
        along = np.arange(station_m, 6.0, -STEP_M)
    pairs = [point_on(edge.points_xy, stations, float(s)) for s in along]
    points = [point + side * away * normal for point, normal in pairs]
    if crosses:
        point, normal = point_on(edge.points_xy, stations, float(zebra))
        points += [point - side * a * normal for a in np.arange(-away, away, STEP_M)]
        tail = [point_on(edge.points_xy, stations, float(s)) for s in np.arange(zebra, 8.0, -STEP_M)]
        points += [point - side * away * normal for point, normal in tail]
    if len(points) < 4:
        share = np.linspace(0.0, 1.0, 30)[:, None]
        points = list(edge.points_xy[0] + share * (edge.points_xy[-1] - edge.points_xy[0]))
    line = np.array(points)
    return Path(line, np.full(len(line), float(rng.uniform(1.0, 1.7))), ())
