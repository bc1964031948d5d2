"""Ways along the roads of a user layer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry

from rs_copilot.reasoning.things import Thing
from rs_copilot.types import BoolArray, FloatArray

# Ends of roads that are nearer than this meet; digitised layers rarely close exactly.
SNAP_M = 1.5
# How far a place may lie from the next road to be reached by it.
REACH_M = 60.0
# Roads that are so much farther away than the next one are as good to start from.
CHOICE_M = 10.0


@dataclass(frozen=True)
class Roads:
    """Roads cut at their crossings.

    ``edges`` are pieces of middle lines, ``ends`` (E, 2) the numbers of the nodes that they join, ``nodes``
    (K, 2) places in metres, ``roads`` (E,) the number of the thing that an edge is a piece of.
    """

    things: tuple[Thing, ...]
    edges: tuple[BaseGeometry, ...] = field(repr=False)
    ends: NDArray[np.int64] = field(repr=False)
    nodes: FloatArray = field(repr=False)
    roads: NDArray[np.int64] = field(repr=False)

    def way(self, start: BaseGeometry, goal: BaseGeometry, avoid: Sequence[BaseGeometry] = ()) -> Way:
        """The shortest way between two places or areas that stays off everything in ``avoid``."""
        usable = self._usable(avoid)
        sources, targets = self._near(start, usable), self._near(goal, usable)
        if sources is None or targets is None:
            return Way(None, near_start=sources is not None, near_goal=targets is not None)
        if shapely.intersects(start, goal):
            return Way(0.0)
        count = len(self.nodes)
        lengths = np.array([edge.length for edge in self.edges])[usable]
        rows, columns = self.ends[usable].T
        # Start and goal are two more nodes, joined to every node that they can be left or entered by.
        extra = [(count, node, cost) for node, cost in sources] + [
            (count + 1, node, cost) for node, cost in targets
        ]
        rows = np.concatenate([rows, [item[0] for item in extra]])
        columns = np.concatenate([columns, [item[1] for item in extra]])
        costs = np.concatenate([lengths, [max(item[2], 1e-6) for item in extra]])
        graph = _lightest(rows, columns, costs, count + 2)
        distances, before = dijkstra(graph, directed=False, indices=count, return_predecessors=True)
        if not np.isfinite(distances[count + 1]):
            return Way(None)
        return Way(float(distances[count + 1]), self._line(before, count))

    def _usable(self, avoid: Sequence[BaseGeometry]) -> BoolArray:
        """Pieces that do not run through anything in ``avoid``. What only meets a closed road stays open."""
        usable = np.ones(len(self.edges), dtype=bool)
        edges = np.array(self.edges, dtype=object)
        for shape in avoid:
            if shape.area > 0.0:
                covered = shapely.length(shapely.intersection(edges, shape)) > SNAP_M
                # The outline of a bridge also covers the banks; what it carries is what is closed with it.
                carried = covered & self._on_bridges
                usable &= ~(carried if carried.any() else covered)
                continue
            if shape.geom_type == "Point":
                gaps = shapely.distance(edges, shape)
                usable &= gaps > np.min(gaps, initial=np.inf) + SNAP_M
                continue
            apart = [
                shapely.distance(shapely.line_interpolate_point(edges, share, normalized=True), shape)
                for share in (0.25, 0.5, 0.75)
            ]
            usable &= np.max(apart, axis=0) > SNAP_M if len(edges) else usable
        return usable

    @cached_property
    def _on_bridges(self) -> BoolArray:
        is_bridge = np.array([bool(thing.properties.get("bridge")) for thing in self.things], dtype=bool)
        return is_bridge[self.roads] if len(self.roads) else np.zeros(0, dtype=bool)

    def _near(self, place: BaseGeometry, usable: BoolArray) -> list[tuple[int, float]] | None:
        """Nodes by which a place can be left, with the way to them; ``None`` where no road is near."""
        edges = np.array(self.edges, dtype=object)
        gaps = shapely.distance(edges, place)
        if not len(gaps) or gaps.min() > REACH_M:
            return None
        found = []
        # Where all roads at a place are closed it cannot be left, however near the next one is.
        for number in np.flatnonzero(usable & (gaps <= gaps.min() + CHOICE_M)):
            edge, gap = edges[number], float(gaps[number])
            # An area that a road runs through can be left anywhere along it.
            on_edge = shapely.line_locate_point(edge, shapely.points(_nearest_places(edge, place)))
            first, last = (int(node) for node in self.ends[number])
            found += [(first, gap + float(on_edge.min())), (last, gap + float(edge.length - on_edge.max()))]
        return found

    def _line(self, before: NDArray[np.int32], start: int) -> shapely.LineString | None:
        chain = []
        node = int(before[start + 1])
        while node not in (start, -9999):
            chain.append(self.nodes[node])
            node = int(before[node])
        return shapely.LineString(chain[::-1]) if len(chain) > 1 else None


@dataclass(frozen=True)
class Way:
    """A way, if there is one. ``line`` joins the crossings that it passes."""

    length_m: float | None
    line: BaseGeometry | None = field(default=None, repr=False)
    near_start: bool = True
    near_goal: bool = True


def _nearest_places(edge: BaseGeometry, place: BaseGeometry) -> FloatArray:
    """Where an edge is nearest to a place: the part inside it, or one point (N, 2)."""
    common = shapely.intersection(edge, place)
    nearest = common if not common.is_empty else shapely.shortest_line(edge, place).interpolate(0.0)
    return np.asarray(shapely.get_coordinates(nearest))


def _lightest(
    rows: NDArray[np.int64], columns: NDArray[np.int64], costs: FloatArray, count: int
) -> csr_array:
    """A graph in which the shorter of two edges between the same nodes counts; sparse sums would add them."""
    low, high = np.minimum(rows, columns), np.maximum(rows, columns)
    order = np.lexsort((costs, high, low))
    low, high, costs = low[order], high[order], costs[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return csr_array((costs[first], (low[first], high[first])), shape=(count, count))


def build_roads(things: Sequence[Thing]) -> Roads:
    """Cut roads at their crossings. A bridge joins others at its ends only: nothing turns off below it."""
    lines, owners = _pieces(things)
    ends = np.array([[piece.coords[0][:2], piece.coords[-1][:2]] for piece in lines]).reshape(-1, 2)
    numbers, nodes = _snapped(ends)
    return Roads(tuple(things), tuple(lines), numbers.reshape(-1, 2), nodes, np.array(owners, dtype=np.int64))


def _pieces(things: Sequence[Thing]) -> tuple[list[BaseGeometry], list[int]]:
    parts = [
        (number, part)
        for number, thing in enumerate(things)
        for part in shapely.get_parts(shapely.force_2d(thing.shape))
        if part.geom_type == "LineString" and part.length > 0.0
    ]
    bridges = [bool(things[number].properties.get("bridge")) for number, _ in parts]
    tree = shapely.STRtree([part for _, part in parts])
    lines: list[BaseGeometry] = []
    owners: list[int] = []
    for place, (number, part) in enumerate(parts):
        cuts: list[float] = []
        for other in tree.query(part, predicate="dwithin", distance=SNAP_M):
            if other == place:
                continue
            cuts += _cuts(part, parts[other][1], only_ends=bridges[place] or bridges[other])
        for piece in _cut(part, cuts):
            lines.append(piece)
            owners.append(number)
    return lines, owners


def _cuts(line: BaseGeometry, other: BaseGeometry, *, only_ends: bool) -> list[float]:
    """Where along a line another one meets it."""
    ends = [shapely.Point(other.coords[0]), shapely.Point(other.coords[-1])]
    points = [end for end in ends if line.distance(end) <= SNAP_M]
    if not only_ends:
        points += [shapely.Point(xy) for xy in shapely.get_coordinates(line.intersection(other))]
    return [float(line.project(point)) for point in points]


def _cut(line: BaseGeometry, at_m: Sequence[float]) -> list[BaseGeometry]:
    inner = sorted(cut for cut in at_m if SNAP_M < cut < line.length - SNAP_M)
    stops = [0.0]
    for cut in [*inner, float(line.length)]:
        if cut - stops[-1] > SNAP_M or cut == line.length:
            stops.append(cut)
    return [shapely.ops.substring(line, start, end) for start, end in itertools.pairwise(stops)]


def _snapped(ends: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Numbers of the nodes that ends belong to, and where the nodes lie."""
    tree = shapely.STRtree(shapely.points(ends))
    numbers = np.full(len(ends), -1, dtype=np.int64)
    nodes: list[FloatArray] = []
    for index, end in enumerate(ends):
        if numbers[index] >= 0:
            continue
        close = tree.query(shapely.Point(end), predicate="dwithin", distance=2.0 * SNAP_M)
        numbers[close[numbers[close] < 0]] = len(nodes)
        nodes.append(end)
    return numbers, np.array(nodes).reshape(-1, 2)
