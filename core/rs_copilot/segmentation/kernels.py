"""Compiled loops of vectorising: connected areas of a tile, and ways along their outlines.

Outlines run along the edges between pixels with their own area on the right hand, y pointing down: outer
rings are clockwise, holes counter-clockwise. Areas are connected over edges, never over corners.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_copilot.geo.compiling import compiled
from rs_copilot.segmentation.polygons import JUNCTION, PLAIN, RIM
from rs_copilot.types import BoolArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]


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
def _pixel(padded: Ints, x: int, y: int, turn: int, side: int) -> int:
    """The area beside a step from a vertex: ``turn`` is its direction, side 0 its right hand, 1 its left.

    Right hands of steps to E, S, W, N are the pixels SE, SW, NW, NE of the vertex; left hands NE, SE, SW, NW.
    """
    place = (turn + 3 * side) % 4
    down = 1 if place < 2 else 0
    right = 1 if place in (0, 3) else 0
    return int(padded[y + down, x + right])


@compiled
def trace(padded: Ints, wanted: BoolArray, rim: BoolArray, vertices: Ints, rings: Ints) -> tuple[int, int]:
    """Outlines of areas, written into arrays that are long enough.

    Args:
        padded: numbers of areas ``(H + 2, W + 2)``, -1 around the tile.
        wanted: by number, whether to trace it.
        rim: by number, whether it touches the tile's rim: then each vertex on the rim is kept.
        vertices: takes x, y and one of PLAIN, JUNCTION, RIM for each; four for each pixel will do.
        rings: takes the first vertex and the area of each; one for each pixel will do. The outer ring of
            an area comes before its holes.

    Returns:
        How many vertices and rings there are.
    """
    rows, cols = padded.shape[0] - 2, padded.shape[1] - 2
    seen = np.zeros((rows, cols), dtype=np.bool_)
    used = ring_count = 0
    for r in range(rows):
        for c in range(cols):
            area = padded[r + 1, c + 1]
            if area <= 0 or not wanted[area] or seen[r, c] or padded[r, c + 1] == area:
                continue
            rings[ring_count, 0], rings[ring_count, 1] = used, area
            ring_count += 1
            x, y, way = c, r, 0
            while True:
                if way == 0:
                    seen[y, x] = True
                behind = _pixel(padded, x, y, way, 1)
                x += (way == 0) - (way == 2)
                y += (way == 1) - (way == 3)
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
                    vertices[used, 0], vertices[used, 1] = x, y
                    vertices[used, 2] = RIM if on_rim else (JUNCTION if meets else PLAIN)
                    used += 1
                way = turn
                if x == c and y == r and way == 0:
                    break
    return used, ring_count


@compiled
def follow(following: Longs, alive: BoolArray, order: Longs, starts: Longs) -> int:
    """Cycles of a permutation of the items alive: their members in turn, and where each cycle starts.

    Returns how many cycles there are; ``starts`` has one more entry, where the last one ends.
    """
    used = cycles = 0
    for first in range(following.size):
        if not alive[first]:
            continue
        starts[cycles] = used
        cycles += 1
        item = first
        while alive[item]:
            alive[item] = False
            order[used] = item
            used += 1
            item = following[item]
    starts[cycles] = used
    return cycles
