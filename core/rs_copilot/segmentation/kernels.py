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
Floats = NDArray[np.float32]


@compiled
def scale(planes: Bytes, factors: Floats, offsets: Floats, into: Floats) -> None:
    """Bytes of planes ``(B * C, N)`` as floats: value * factor - offset of the plane's channel of ``C``."""
    channels = factors.size
    for row in range(planes.shape[0]):
        factor, offset = factors[row % channels], offsets[row % channels]
        source, target = planes[row], into[row]
        for place in range(source.size):
            target[place] = np.float32(source[place]) * factor - offset


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

    Returns numbers ``(H + 2, W + 2)`` from 1 in reading order of their first pixels, -1 around the tile, and
    classes and pixel counts by number. Two passes with union-find (Rosenfeld and Pfaltz 1966).
    """
    rows, cols = classes.shape
    areas = np.empty((rows + 2, cols + 2), dtype=np.int32)
    areas[0], areas[rows + 1], areas[:, 0], areas[:, cols + 1] = -1, -1, -1, -1
    parent = np.empty(rows * cols + 1, dtype=np.int32)
    kinds = np.zeros(rows * cols + 1, dtype=np.uint8)
    parent[0] = count = 0
    for r in range(rows):
        own = above = last = 0
        for c in range(cols):
            kind = classes[r, c]
            up = areas[r, c + 1] if r > 0 and kind != 0 and classes[r - 1, c] == kind else 0
            if kind != last or kind == 0:
                own = up
                if kind != 0 and up == 0:
                    count += 1
                    parent[count], kinds[count] = count, kind
                    own = count
            elif up not in (0, above, own):
                a, b = find(parent, up), find(parent, own)
                parent[max(a, b)] = min(a, b)
            areas[r + 1, c + 1] = own
            last, above = kind, up
    numbers = np.empty(count + 1, dtype=np.int32)
    numbers[0] = total = 0
    for item in range(1, count + 1):
        root = find(parent, item)
        if root == item:
            total += 1
            kinds[total] = kinds[item]
            numbers[item] = total
        else:
            numbers[item] = numbers[root]
    sizes = np.zeros(total + 1, dtype=np.int64)
    for r in range(1, rows + 1):
        # Numbers are looked up once for each run of pixels.
        last = own = begin = 0
        for c in range(1, cols + 2):
            item = areas[r, c]
            if item != last:
                sizes[own] += c - begin
                last, begin = item, c
                own = numbers[item] if item > 0 else 0
            if item > 0:
                areas[r, c] = own
    sizes[0] = 0
    return areas, kinds[: total + 1].copy(), sizes


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
def trace(
    padded: Ints, wanted: BoolArray, rim: BoolArray, min_px: int, vertices: Ints, rings: Longs
) -> tuple[int, int]:
    """Outlines of areas, written into arrays that are long enough.

    Args:
        padded: numbers of areas ``(H + 2, W + 2)``, -1 around the tile.
        wanted: by number, whether to trace it.
        rim: by number, whether it touches the tile's rim: then each vertex on the rim is kept.
        min_px: smaller holes are left out of areas that do not touch the rim.
        vertices: takes x, y and one of PLAIN, JUNCTION, RIM for each; four for each pixel will do.
        rings: takes the first vertex, the area, and twice the signed surface of each; one for each pixel will
            do. Holes have a negative surface, and the outer ring of an area comes before them.

    Returns:
        How many vertices and rings there are.
    """
    rows, cols = padded.shape[0] - 2, padded.shape[1] - 2
    seen = np.zeros((rows, cols), dtype=np.bool_)
    used = ring_count = 0
    for r in range(rows):
        for c in range(cols):
            area = padded[r + 1, c + 1]
            if area <= 0 or padded[r, c + 1] == area or not wanted[area] or seen[r, c]:
                continue
            x, y, way = c, r, 0
            first, surface = used, 0
            while True:
                if way == 0:
                    seen[y, x] = True
                behind = _pixel(padded, x, y, way, 1)
                along = (way == 0) - (way == 2)
                surface -= y * along
                x += along
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
            if -min_px < surface < 0 and not rim[area]:
                used = first
                continue
            rings[ring_count, 0], rings[ring_count, 1], rings[ring_count, 2] = first, area, 2 * surface
            ring_count += 1
    return used, ring_count


@compiled
def gather(vertices: Ints, starts: Longs, rings: Longs, x: int, y: int) -> tuple[Ints, Longs]:
    """Vertices of some rings in a new order, moved by x and y, and where each ring starts."""
    found = np.empty(rings.size + 1, dtype=np.int64)
    found[0] = 0
    for place in range(rings.size):
        found[place + 1] = found[place] + starts[rings[place] + 1] - starts[rings[place]]
    moved = np.empty((found[rings.size], 3), dtype=np.int32)
    for place in range(rings.size):
        first = starts[rings[place]] - found[place]
        for number in range(found[place], found[place + 1]):
            moved[number, 0] = vertices[first + number, 0] + x
            moved[number, 1] = vertices[first + number, 1] + y
            moved[number, 2] = vertices[first + number, 2]
    return moved, found


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
