"""Fewer vertices along the stairs that pixel edges make, with the same result on both sides of a border.

A border between two junctions is one arc, and both neighbours simplify it alike: an arc is taken in an order
of its own, and what is kept depends on nothing but the arc. So polygons can be simplified one by one, while
others are still to come, and leave neither gaps nor overlaps.

The split is that of Douglas and Peucker (1973). A piece is replaced by its chord only where no corner of the
pixel grid lies between the two or on the chord but those of the piece itself. All vertices of all other arcs
are such corners, so no arc can end up on the other side of another (after de Berg, van Kreveld and Schirra,
Topologically correct subdivision simplification using the bandwidth criterion, 1998). For a piece that
runs one way along the chord's longer axis this says: at every whole column, the chord passes within less
than one pixel of the piece. An arc that is not straight keeps a vertex between its ends, and one
that ends where it begins is taken as two, so nothing collapses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rs_copilot.geo.compiling import compiled
from rs_copilot.segmentation.polygons import JUNCTION, Ints, Longs, Outlines
from rs_copilot.types import BoolArray


def simplify(outlines: Outlines, tolerance_px: float) -> Outlines:
    """Outlines that stay within ``tolerance_px`` of the given ones; with 0 they are returned as they are.

    Vertices are some of those given; junctions stay.
    """
    if tolerance_px <= 0.0 or not len(outlines):
        return outlines
    kept = _keep(outlines.vertices, outlines.ring_starts, tolerance_px)
    before = np.concatenate([[0], np.cumsum(kept)])
    return replace(outlines, vertices=outlines.vertices[kept], ring_starts=before[outlines.ring_starts])


@compiled
def _keep(vertices: Ints, ring_starts: Longs, tolerance_px: float) -> BoolArray:
    kept = np.zeros(vertices.shape[0], dtype=np.bool_)
    longest = 0
    for ring in range(ring_starts.size - 1):
        longest = max(longest, ring_starts[ring + 1] - ring_starts[ring])
    arc = np.empty(longest + 1, dtype=np.int64)
    stack = np.empty((longest + 2, 3), dtype=np.int64)
    for ring in range(ring_starts.size - 1):
        first, count = ring_starts[ring], ring_starts[ring + 1] - ring_starts[ring]
        anchor = -1
        for number in range(count):
            if vertices[first + number, 2] & JUNCTION:
                anchor = number
                break
        if anchor < 0:
            anchor = _first_of(vertices, first, count)
            far = _farthest_from(vertices, first, count, anchor)
        else:
            far = -1
        kept[first + anchor] = True
        length = 0
        # Once around the ring from the anchor; an arc ends at each junction, or at the far vertex.
        for step in range(count + 1):
            number = first + (anchor + step) % count
            arc[length] = number
            length += 1
            ends = vertices[number, 2] & JUNCTION or number == first + far or step == count
            if step > 0 and ends:
                _keep_in_arc(vertices, arc, length, tolerance_px, kept, stack)
                arc[0], length = number, 1
    return kept


@compiled
def _is_before(vertices: Ints, one: int, other: int) -> bool:
    if vertices[one, 0] != vertices[other, 0]:
        return bool(vertices[one, 0] < vertices[other, 0])
    return bool(vertices[one, 1] < vertices[other, 1])


@compiled
def _first_of(vertices: Ints, first: int, count: int) -> int:
    """The westernmost vertex of a ring, of several the northernmost: rings without junctions begin there."""
    best = 0
    for number in range(1, count):
        if _is_before(vertices, first + number, first + best):
            best = number
    return best


@compiled
def _farthest_from(vertices: Ints, first: int, count: int, anchor: int) -> int:
    best, widest = anchor, np.int64(-1)
    for number in range(count):
        dx = np.int64(vertices[first + number, 0]) - vertices[first + anchor, 0]
        dy = np.int64(vertices[first + number, 1]) - vertices[first + anchor, 1]
        far = dx * dx + dy * dy
        if far > widest or (far == widest and _is_before(vertices, first + number, first + best)):
            best, widest = number, far
    return best


@compiled
def _keep_in_arc(
    vertices: Ints, arc: Longs, length: int, tolerance_px: float, kept: BoolArray, stack: Longs
) -> None:
    """Mark what stays of one arc, given as numbers of vertices."""
    last = length - 1
    one, other = arc[0], arc[last]
    is_loop = vertices[one, 0] == vertices[other, 0] and vertices[one, 1] == vertices[other, 1]
    turned = _is_before(vertices, arc[last - 1], arc[1]) if is_loop else _is_before(vertices, other, one)
    if turned:
        for place in range(length // 2):
            arc[place], arc[last - place] = arc[last - place], arc[place]
    kept[arc[0]] = kept[arc[last]] = True
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, last, 2 if is_loop else 1
    depth = 1
    while depth:
        depth -= 1
        # How many times over this piece has to be split, whatever the tolerance.
        begin, end, splits = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        if end - begin < 2:
            continue
        worst, farthest = _worst(vertices, arc, begin, end)
        if splits or worst > tolerance_px or not _is_free(vertices, arc, begin, end):
            kept[arc[farthest]] = True
            splits = max(splits - 1, 0)
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = begin, farthest, splits
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = farthest, end, splits
            depth += 2


@compiled
def _worst(vertices: Ints, arc: Longs, begin: int, end: int) -> tuple[float, int]:
    """The distance of the vertex that lies farthest from the chord, and which it is."""
    ax, ay = float(vertices[arc[begin], 0]), float(vertices[arc[begin], 1])
    dx, dy = vertices[arc[end], 0] - ax, vertices[arc[end], 1] - ay
    length2 = dx * dx + dy * dy
    worst, farthest = -1.0, begin + 1
    for place in range(begin + 1, end):
        px, py = vertices[arc[place], 0] - ax, vertices[arc[place], 1] - ay
        share = min(1.0, max(0.0, (px * dx + py * dy) / length2)) if length2 > 0.0 else 0.0
        gap2 = (px - share * dx) ** 2 + (py - share * dy) ** 2
        if gap2 > worst:
            worst, farthest = gap2, place
    return np.sqrt(worst), farthest


@compiled
def _is_free(vertices: Ints, arc: Longs, begin: int, end: int) -> bool:
    """Whether only the piece's own corners of the grid lie between it and its chord (see above)."""
    along = 0
    dx = np.int64(vertices[arc[end], 0]) - vertices[arc[begin], 0]
    dy = np.int64(vertices[arc[end], 1]) - vertices[arc[begin], 1]
    if abs(dy) > abs(dx):
        along = 1
    across = 1 - along
    run, rise = (dx, dy) if along == 0 else (dy, dx)
    if run == 0:
        return False
    sign = 1 if run > 0 else -1
    run *= sign
    u0, v0 = np.int64(vertices[arc[begin], along]), np.int64(vertices[arc[begin], across])
    for place in range(begin, end):
        u = (np.int64(vertices[arc[place], along]) - u0) * sign
        v = np.int64(vertices[arc[place], across]) - v0
        to_u = (np.int64(vertices[arc[place + 1], along]) - u0) * sign
        to_v = np.int64(vertices[arc[place + 1], across]) - v0
        if to_u < u:
            return False
        if to_u == u:
            low, high = min(v, to_v), max(v, to_v)
            if not (low - 1) * run < rise * u < (high + 1) * run:
                return False
        elif to_u - u >= 2:
            # Between its ends a level edge is one corner high; the chord is straight, so two tell for all.
            for column in (u + 1, to_u - 1):
                if not (v - 1) * run < rise * column < (v + 1) * run:
                    return False
    return True
