"""Outlines of parts that touch along the rims of tiles become outlines of whole areas.

An edge that two parts of one area run along in opposite directions lies inside the area and goes. What is
left closes to rings again, vertex by vertex.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rs_copilot.segmentation.polygons import (
    JUNCTION,
    PLAIN,
    RIM,
    Outlines,
    fill_small_holes,
    from_rings,
)
from rs_copilot.types import BoolArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
# Welding takes some 150 bytes for each vertex.
MANY_VERTICES = 25_000


def weld(parts: Outlines, sets: Ints, min_px: int = 0) -> Outlines:
    """One polygon of each set of parts, without those that are too small.

    Args:
        parts: with all their vertices on rims, and the junctions there marked.
        sets: ``(P,)``, which area each belongs to.
        min_px: smaller areas, and smaller holes, are left out.
    """
    if not len(parts):
        return parts
    _, group, counts = np.unique(sets, return_inverse=True, return_counts=True)
    pixels = np.bincount(group, weights=parts.sizes_px).astype(np.int64)
    order = np.argsort(group, kind="stable")
    large = pixels >= min_px
    kept = parts.take(order[large[group[order]]])
    if not len(kept):
        return kept
    firsts = np.concatenate([[0], np.cumsum(counts[large])])
    cuts = _portions(kept, firsts)
    return Outlines.join(
        [
            _welded(
                kept.between(int(firsts[first]), int(firsts[last])),
                firsts[first : last + 1] - firsts[first],
                pixels[large][first:last],
                min_px,
            )
            for first, last in itertools.pairwise(cuts)
        ]
    )


def _portions(parts: Outlines, firsts: Longs) -> list[int]:
    """Where groups of parts, which begin at ``firsts``, are cut so that not too many are welded at once."""
    vertices = parts.ring_starts[parts.polygon_starts[firsts]]
    steps = np.arange(0, vertices[-1], MANY_VERTICES)
    cuts = np.unique(np.searchsorted(vertices, steps, side="left"))
    return [*cuts.tolist(), len(firsts) - 1] if cuts[-1] < len(firsts) - 1 else cuts.tolist()


def _welded(parts: Outlines, firsts: Longs, pixels: Longs, min_px: int) -> Outlines:
    """One polygon of each group of parts; ``firsts`` has one more entry, where the last one ends."""
    edges = _edges_of(parts, np.repeat(np.arange(len(firsts) - 1), np.diff(firsts)))
    vertices, ring_starts, owners = _rings(edges, ~_inside(edges))
    whole = from_rings(vertices, ring_starts, owners, parts.classes[firsts[:-1]], pixels)
    return fill_small_holes(whole, min_px)


@dataclass(frozen=True)
class _Edges:
    """One edge from each vertex to the next of its ring. ``ways``: 0 east, 1 south, 2 west, 3 north."""

    vertices: Ints = field(repr=False)
    following: Longs = field(repr=False)
    groups: Longs = field(repr=False)
    steps: Longs = field(repr=False)
    ways: Longs = field(repr=False)

    @property
    def keys(self) -> Longs:
        """A number for each vertex's place."""
        return (self.vertices[:, 1].astype(np.int64) << 32) + self.vertices[:, 0]


def _edges_of(parts: Outlines, group_of_part: Longs) -> _Edges:
    count = len(parts.vertices)
    following = np.arange(1, count + 1)
    following[parts.ring_starts[1:] - 1] = parts.ring_starts[:-1]
    starts = parts.ring_starts[parts.polygon_starts]
    groups = np.repeat(group_of_part, np.diff(starts))
    steps = parts.vertices[following, :2].astype(np.int64) - parts.vertices[:, :2]
    ways = np.where(steps[:, 1] == 0, np.where(steps[:, 0] > 0, 0, 2), np.where(steps[:, 1] > 0, 1, 3))
    return _Edges(parts.vertices, following, groups, steps, ways)


def _inside(edges: _Edges) -> BoolArray:
    """Edges that an area has on both sides; only edges on rims, one pixel long there, can be such."""
    rim = (edges.vertices[:, 2] & RIM) > 0
    asked = np.flatnonzero(rim & rim[edges.following] & (np.abs(edges.steps).sum(axis=1) == 1))
    low = np.where(edges.ways[asked] < 2, asked, edges.following[asked])
    keys = 2 * edges.keys[low] + edges.ways[asked] % 2
    # No more than two parts lie beside an edge: sorting by group as well would only take time.
    order = np.argsort(keys)
    keys, groups = keys[order], edges.groups[asked][order]
    twice = np.flatnonzero((keys[1:] == keys[:-1]) & (groups[1:] == groups[:-1]))
    found = np.zeros(len(rim), dtype=np.bool_)
    found[asked[order[twice]]] = found[asked[order[twice + 1]]] = True
    return found


def _successors(edges: _Edges, alive: BoolArray) -> Longs:
    """The edge that goes on where one ends; at a corner where two go on, the one to the left.

    Places inside tiles count as well: parts that met at a corner only may be one area now.
    """
    following = edges.following.copy()
    marked = np.flatnonzero(edges.vertices[:, 2] != PLAIN)
    # Groups ascend already, so a stable order by place keeps those of one place together.
    order = np.argsort(edges.keys[marked], kind="stable")
    keys, groups = edges.keys[marked][order], edges.groups[marked][order]
    is_new = np.concatenate([[True], (keys[1:] != keys[:-1]) | (groups[1:] != groups[:-1])])
    place = np.zeros(len(following), dtype=np.int64)
    place[marked[order]] = np.cumsum(is_new) - 1
    live = marked[order][alive[marked[order]]]
    first, second = np.full((2, int(is_new.sum())), -1, dtype=np.int64)
    first[place[live]] = live
    other = live[first[place[live]] != live]
    second[place[other]] = other
    asking = np.flatnonzero(alive & (edges.vertices[edges.following, 2] != PLAIN))
    where = place[edges.following[asking]]
    one, two = first[where], second[where]
    is_left = edges.ways[two] == (edges.ways[asking] + 3) % 4
    following[asking] = np.where((two >= 0) & is_left, two, one)
    return following


def _rings(edges: _Edges, alive: BoolArray) -> tuple[Ints, Longs, Longs]:
    """Vertices of the rings that the edges alive form, where rings start, and the group of each.

    Vertices that are neither corner nor junction are gone.
    """
    from rs_copilot.segmentation import kernels

    following = _successors(edges, alive)
    order, starts = np.empty(len(alive), dtype=np.int64), np.empty(len(alive) + 1, dtype=np.int64)
    count = kernels.follow(following, alive, order, starts)
    starts = starts[: count + 1]
    order = order[: starts[-1]]
    before = np.arange(-1, len(order) - 1)
    before[starts[:-1]] = starts[1:] - 1
    is_corner = edges.ways[order] != edges.ways[order[before]]
    kept = is_corner | ((edges.vertices[order, 2] & JUNCTION) > 0)
    vertices = edges.vertices[order[kept]].copy()
    vertices[:, 2] &= JUNCTION
    return vertices, np.concatenate([[0], np.cumsum(kept)])[starts], edges.groups[order[starts[:-1]]]
