"""Compiled loops of vectorising: connected areas of a tile, their outlines, and outlines of parts joined.

Outlines run along the edges between pixels with their own area on the right hand, y pointing down: outer
rings are clockwise, holes counter-clockwise. Areas are connected over edges, never over corners.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_copilot.geo.compiling import compiled
from rs_copilot.types import BoolArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# What is known about a vertex. At a junction three or four borders meet; what happens at the rim of a tile
# is known when its neighbours are there.
PLAIN, JUNCTION, RIM = 0, 1, 2

# Steps to the east, south, west and north, and where the pixels beside the next step lie, from a vertex.
_DX = np.array([1, 0, -1, 0])
_DY = np.array([0, 1, 0, -1])


@compiled
def find(parent: Ints, item: int) -> int:
    """The representative of an item's set."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@compiled
def unite(parent: Ints, one: Ints, other: Ints) -> None:
    """Make one set of each pair; the smaller number represents it."""
    for pair in range(one.size):
        a, b = find(parent, one[pair]), find(parent, other[pair])
        if a < b:
            parent[b] = a
        else:
            parent[a] = b


@compiled
def roots(parent: Ints, items: Ints) -> Ints:
    """The representatives of all items."""
    found = np.empty_like(items)
    for number in range(items.size):
        found[number] = find(parent, items[number])
    return found


@compiled
def label_areas(classes: Bytes) -> tuple[Ints, Bytes, Longs]:
    """Number the connected areas of equal class; class 0 is no area.

    Returns numbers ``(H, W)`` from 1 in reading order of their first pixels, and classes and pixel counts
    by number. Two passes with union-find (Rosenfeld and Pfaltz 1966).
    """
    rows, cols = classes.shape
    areas = np.zeros((rows, cols), dtype=np.int32)
    parent = np.zeros(rows * cols + 1, dtype=np.int32)
    count = 0
    for r in range(rows):
        for c in range(cols):
            kind = classes[r, c]
            if kind == 0:
                continue
            up = areas[r - 1, c] if r > 0 and classes[r - 1, c] == kind else 0
            left = areas[r, c - 1] if c > 0 and classes[r, c - 1] == kind else 0
            if up == 0 and left == 0:
                count += 1
                parent[count] = count
                areas[r, c] = count
            elif up == 0 or left in (0, up):
                areas[r, c] = max(up, left)
            else:
                a, b = find(parent, up), find(parent, left)
                parent[max(a, b)] = min(a, b)
                areas[r, c] = min(a, b)
    numbers = np.zeros(count + 1, dtype=np.int32)
    total = 0
    for item in range(1, count + 1):
        root = find(parent, item)
        if root == item:
            total += 1
            numbers[item] = total
        else:
            numbers[item] = numbers[root]
    kinds = np.zeros(total + 1, dtype=np.uint8)
    sizes = np.zeros(total + 1, dtype=np.int64)
    for r in range(rows):
        for c in range(cols):
            if areas[r, c]:
                number = numbers[areas[r, c]]
                areas[r, c] = number
                kinds[number] = classes[r, c]
                sizes[number] += 1
    return areas, kinds, sizes


@compiled
def _longer(values: Ints) -> Ints:
    grown = np.empty((2 * values.shape[0], values.shape[1]), dtype=np.int32)
    grown[: values.shape[0]] = values
    return grown


@compiled
def _pixel(padded: Ints, x: int, y: int, turn: int, side: int) -> int:
    """The area beside a step from a vertex: ``turn`` is its direction, side 0 its right hand, 1 its left.

    Right hands of steps to E, S, W, N are the pixels SE, SW, NW, NE of the vertex; left hands NE, SE, SW, NW.
    """
    place = (turn + 3 * side) % 4
    down = 1 if place < 2 else 0
    right = 1 if place in (0, 3) else 0
    return int(padded[y + down, x + right])


@compiled
def trace(padded: Ints, wanted: BoolArray, rim: BoolArray) -> tuple[Ints, Ints, Ints]:
    """Outlines of areas.

    Args:
        padded: numbers of areas ``(H + 2, W + 2)``, -1 around the tile.
        wanted: by number, whether to trace it.
        rim: by number, whether it touches the tile's rim: then each vertex on the rim is kept.

    Returns:
        Vertices ``(V, 3)``: x, y and one of PLAIN, JUNCTION, RIM; where rings start ``(R + 1,)``; the
        area of each ring ``(R,)``. The outer ring of an area comes before its holes.
    """
    rows, cols = padded.shape[0] - 2, padded.shape[1] - 2
    seen = np.zeros((rows, cols), dtype=np.bool_)
    vertices = np.empty((1024, 3), dtype=np.int32)
    rings = np.empty((256, 2), dtype=np.int32)
    used = ring_count = 0
    for r in range(rows):
        for c in range(cols):
            area = padded[r + 1, c + 1]
            if area <= 0 or not wanted[area] or seen[r, c] or padded[r, c + 1] == area:
                continue
            if ring_count + 2 > rings.shape[0]:
                rings = _longer(rings)
            rings[ring_count, 0], rings[ring_count, 1] = used, area
            ring_count += 1
            x, y, way = c, r, 0
            while True:
                if way == 0:
                    seen[y, x] = True
                behind = _pixel(padded, x, y, way, 1)
                x += _DX[way]
                y += _DY[way]
                right, left = _pixel(padded, x, y, way, 0), _pixel(padded, x, y, way, 1)
                turn = way
                if left == area:
                    # Also where only a corner leads on: else the ring would touch itself there.
                    turn = (way + 3) % 4
                elif right != area:
                    turn = (way + 1) % 4
                meets = right != area if left == area else left != behind or right not in (area, left)
                on_rim = rim[area] and (x == 0 or y == 0 or x == cols or y == rows)
                if on_rim or meets or turn != way:
                    if used == vertices.shape[0]:
                        vertices = _longer(vertices)
                    vertices[used, 0], vertices[used, 1] = x, y
                    vertices[used, 2] = RIM if on_rim else (JUNCTION if meets else PLAIN)
                    used += 1
                way = turn
                if x == c and y == r and way == 0:
                    break
    starts = np.empty(ring_count + 1, dtype=np.int32)
    starts[:ring_count] = rings[:ring_count, 0]
    starts[ring_count] = used
    return vertices[:used].copy(), starts, rings[:ring_count, 1].copy()


@compiled
def _way(vertices: Ints, start: int, end: int) -> int:
    """Direction of an edge: 0 east, 1 south, 2 west, 3 north."""
    if vertices[start, 1] == vertices[end, 1]:
        return 0 if vertices[end, 0] > vertices[start, 0] else 2
    return 1 if vertices[end, 1] > vertices[start, 1] else 3


@compiled
def _key(vertices: Ints, number: int) -> int:
    return int((np.int64(vertices[number, 1]) << 32) + np.int64(vertices[number, 0]))


@compiled
def _cancel(vertices: Ints, follower: Longs, alive: BoolArray, first: int, end: int) -> None:
    """Edges that an outline runs both ways lie inside; only edges on rims can be such."""
    keys = np.empty(end - first, dtype=np.int64)
    edges = np.empty(end - first, dtype=np.int64)
    count = 0
    for start in range(first, end):
        stop = follower[start]
        if not (vertices[start, 2] & RIM and vertices[stop, 2] & RIM):
            continue
        dx, dy = vertices[stop, 0] - vertices[start, 0], vertices[stop, 1] - vertices[start, 1]
        if abs(dx) + abs(dy) == 1:
            low = start if dx + dy > 0 else stop
            keys[count] = 2 * _key(vertices, low) + abs(dy)
            edges[count] = start
            count += 1
    order = np.argsort(keys[:count])
    for place in range(1, count):
        one, other = order[place - 1], order[place]
        if keys[one] == keys[other]:
            alive[edges[one]] = alive[edges[other]] = False


@compiled
def _next_edge(vertices: Ints, follower: Longs, edge: int, keys: Longs, edges: Longs, order: Longs) -> int:
    """The edge that goes on where one ends; at a corner where two go on, the one to the left."""
    stop = follower[edge]
    if vertices[stop, 2] == PLAIN:
        return int(stop)
    # Also inside a tile: parts that met at a corner only may be one area now.
    key = _key(vertices, stop)
    low, high = 0, order.size
    while low < high:
        middle = (low + high) // 2
        if keys[order[middle]] < key:
            low = middle + 1
        else:
            high = middle
    found = edges[order[low]]
    if low + 1 < order.size and keys[order[low + 1]] == key:
        left = (_way(vertices, edge, stop) + 3) % 4
        if _way(vertices, found, follower[found]) != left:
            found = edges[order[low + 1]]
    return int(found)


@compiled
def weld(vertices: Ints, ring_starts: Longs, group_starts: Longs) -> tuple[Ints, Ints, Ints]:
    """Outlines of groups of parts that touch along rims.

    Args:
        vertices: ``(V, 3)`` as `trace` gives them, with RIM and JUNCTION as bits.
        ring_starts: ``(R + 1,)``, rings in the order of their groups.
        group_starts: ``(G + 1,)`` into the rings.

    Returns:
        As `trace`, with the group of each ring. Vertices that are neither corner nor junction are gone.
    """
    total = vertices.shape[0]
    follower = np.empty(total, dtype=np.int64)
    for ring in range(ring_starts.size - 1):
        first, end = ring_starts[ring], ring_starts[ring + 1]
        for number in range(first, end - 1):
            follower[number] = number + 1
        follower[end - 1] = first
    alive = np.ones(total, dtype=np.bool_)
    kept = np.empty((total, 3), dtype=np.int32)
    starts = np.empty(total + 1, dtype=np.int32)
    owners = np.empty(total, dtype=np.int32)
    used = rings = 0
    for group in range(group_starts.size - 1):
        first, end = ring_starts[group_starts[group]], ring_starts[group_starts[group + 1]]
        _cancel(vertices, follower, alive, first, end)
        keys = np.empty(end - first, dtype=np.int64)
        edges = np.empty(end - first, dtype=np.int64)
        count = 0
        for edge in range(first, end):
            if alive[edge] and vertices[edge, 2] != PLAIN:
                keys[count], edges[count] = _key(vertices, edge), edge
                count += 1
        order = np.argsort(keys[:count])
        for begin in range(first, end):
            if not alive[begin]:
                continue
            starts[rings], owners[rings] = used, group
            rings += 1
            edge = begin
            while alive[edge]:
                alive[edge] = False
                following = _next_edge(vertices, follower, edge, keys, edges, order)
                way = _way(vertices, edge, follower[edge])
                is_corner = way != _way(vertices, following, follower[following])
                if is_corner or vertices[following, 2] & JUNCTION:
                    kept[used, 0], kept[used, 1] = vertices[following, 0], vertices[following, 1]
                    kept[used, 2] = vertices[following, 2] & JUNCTION
                    used += 1
                edge = following
    starts[rings] = used
    return kept[:used].copy(), starts[: rings + 1].copy(), owners[:rings].copy()
