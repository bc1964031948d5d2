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
Words = NDArray[np.uint64]
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
def unite(parent: Ints, classes: Bytes, items: Ints, side: Bytes, parts: Ints, before: int) -> None:
    """Make one set of each two areas of equal class that lie beside each other along a line.

    On the one side pixels have their item, on the other their part of a tile, ``before`` its item. The
    smaller number represents a set.
    """
    for place in range(classes.size):
        if classes[place] == side[place] and classes[place] != 0:
            _joined(parent, items[place], before + parts[place])


@compiled
def items_along(parts: Ints, before: int, items: Ints) -> None:
    """Fill in the items of pixels by their parts of a tile; 0 is none."""
    for place in range(parts.size):
        items[place] = before + parts[place] if parts[place] > 0 else 0


@compiled
def junctions(one: Bytes, other: Bytes) -> Longs:
    """Corners between two lines of pixels where three or more of four edges part different classes.

    Corner k lies before pixel k; the first and the last corner are not looked at.
    """
    found = np.empty(max(one.size - 1, 0), dtype=np.int64)
    count = 0
    for k in range(1, one.size):
        edges = int(one[k - 1] != other[k - 1]) + int(one[k] != other[k])
        edges += int(one[k - 1] != one[k]) + int(other[k - 1] != other[k])
        if edges >= 3:
            found[count] = k
            count += 1
    return found[:count]


@compiled
def roots(parent: Ints, items: Ints) -> Ints:
    """The representatives of all items."""
    found = np.empty_like(items)
    for number in range(items.size):
        found[number] = find(parent, items[number])
    return found


@compiled
def outline(
    classes: Bytes,
    words: Words,
    areas: Ints,
    ends: Ints,
    labels: Ints,
    parent: Ints,
    kinds: Bytes,
    seen: BoolArray,
    vertices: Ints,
    rings: Longs,
    corner_x: int,
    corner_y: int,
    min_px: int,
) -> tuple[Ints, Longs, Longs, Bytes, Longs, int, Bytes, Ints]:
    """Outlines of a tile's areas in one go: between two compiled calls numpy would take as long as they do.

    Arguments up to ``kinds`` are those of `label_areas`, up to ``rings`` of `trace`; the corner is where the
    tile lies in the raster; ``min_px`` is the least size of areas and holes that do not touch the rim.

    Returns:
        Vertices, where rings start, at which ring polygons start, their classes and pixel counts (first those
        that do not touch the rim), how many these are; and of the pixels along the rim, top, bottom, left and
        right, the classes and polygons, counted from 1 among those that touch it.
    """
    sizes = label_areas(classes, words, areas, ends, labels, parent, kinds)
    side = _side_areas(areas)
    rim = np.zeros(sizes.size, dtype=np.bool_)
    for place in range(side.size):
        rim[side[place]] = True
    rim[0] = False
    polygons = np.full(sizes.size, -1, dtype=np.int64)
    inner = 0
    for area in range(1, sizes.size):
        if not rim[area] and sizes[area] >= min_px:
            polygons[area] = inner
            inner += 1
    count = inner
    for area in range(1, sizes.size):
        if rim[area]:
            polygons[area] = count
            count += 1
    own_kinds, own_sizes = np.empty(count, dtype=np.uint8), np.empty(count, dtype=np.int64)
    for area in range(1, sizes.size):
        if polygons[area] >= 0:
            own_kinds[polygons[area]], own_sizes[polygons[area]] = kinds[area], sizes[area]
    used, ring_count = trace(areas, ends, polygons, rim, min_px, seen, vertices, rings)
    rings[ring_count, 0] = used
    order, starts = _by_polygon(rings[:ring_count], polygons, count)
    points, ring_starts = gather(vertices, rings, order, corner_x, corner_y)
    side_kinds, parts = np.empty(side.size, dtype=np.uint8), np.zeros(side.size, dtype=np.int32)
    for place in range(side.size):
        side_kinds[place] = kinds[side[place]]
        if side[place] > 0:
            parts[place] = polygons[side[place]] - inner + 1
    return points, ring_starts, starts, own_kinds, own_sizes, inner, side_kinds, parts


@compiled
def _side_areas(areas: Ints) -> Ints:
    """Areas of the pixels along the rim: top, bottom, left, right."""
    rows, cols = areas.shape[0] - 2, areas.shape[1] - 2
    found = np.empty(2 * (rows + cols), dtype=np.int32)
    found[:cols], found[cols : 2 * cols] = areas[1, 1:-1], areas[rows, 1:-1]
    found[2 * cols : 2 * cols + rows], found[2 * cols + rows :] = areas[1:-1, 1], areas[1:-1, cols]
    return found


@compiled
def _by_polygon(rings: Longs, polygons: Longs, count: int) -> tuple[Longs, Longs]:
    """Rings polygon by polygon, the largest surface (the outer ring) first, and where polygons start."""
    starts = np.zeros(count + 1, dtype=np.int64)
    for ring in range(len(rings)):
        starts[polygons[rings[ring, 1]] + 1] += 1
    starts = np.cumsum(starts)
    order, filled = np.empty(len(rings), dtype=np.int64), starts[:-1].copy()
    for ring in range(len(rings)):
        polygon = polygons[rings[ring, 1]]
        order[filled[polygon]] = ring
        filled[polygon] += 1
    for polygon in range(count):
        first, last = starts[polygon], starts[polygon + 1]
        # The outer ring comes first already, and holes have a negative surface.
        if last - first > 2:
            own = order[first:last].copy()
            order[first:last] = own[np.argsort(-rings[own, 2], kind="mergesort")]
    return order, starts


@compiled
def label_areas(
    classes: Bytes, words: Words, areas: Ints, ends: Ints, labels: Ints, parent: Ints, kinds: Bytes
) -> Longs:
    """Number the connected areas of equal class; class 0 is no area.

    Union-find over runs of pixels in two passes (Rosenfeld and Pfaltz 1966; He, Chao and Suzuki 2008).

    Args:
        classes: ``(H, S)``, rows of a multiple of eight bytes, of which the first ``W`` are pixels.
        words: the same memory, eight bytes each.
        areas: takes numbers ``(H + 2, W + 2)`` from 1 in reading order of their first pixels, -1 around the
            tile.
        ends: scratch, one for each pixel.
        labels: likewise.
        parent: scratch, one more than there are pixels.
        kinds: takes the classes by number; one more than there are pixels will do.

    Returns:
        Pixel counts by number.
    """
    rows, cols = classes.shape[0], areas.shape[1] - 2
    areas[0], areas[rows + 1], areas[:, 0], areas[:, cols + 1] = -1, -1, -1, -1
    kinds[0] = count = used = above = 0
    for r in range(rows):
        begin = 0
        while begin < cols:
            end = _run_end(classes[r], words[r], begin, cols)
            kind, own = classes[r, begin], 0
            # From the first to the last run of the row above that lies over this one.
            while r > 0:
                other = labels[above]
                if other > 0 and kinds[other] == kind:
                    own = _joined(parent, own, other)
                if ends[above] >= end:
                    above += ends[above] == end
                    break
                above += 1
            if own == 0 and kind != 0:
                count += 1
                parent[count], kinds[count] = count, kind
                own = count
            ends[used], labels[used] = end, own
            used += 1
            begin = end
    return _numbered(areas, ends, labels, parent, kinds, count)


@compiled
def _run_end(row: Bytes, words: Words, begin: int, limit: int) -> int:
    """Where the run of equal bytes ends that begins at a place; ``words`` is the same row, eight by eight."""
    kind = row[begin]
    place = begin + 1
    while place % 8 != 0:
        if place == limit or row[place] != kind:
            return place
        place += 1
    same = np.uint64(kind) * np.uint64(0x0101010101010101)
    word = place // 8
    while 8 * word < limit and words[word] == same:
        word += 1
    place = 8 * word
    while place < limit and row[place] == kind:
        place += 1
    return min(place, limit)


@compiled
def _joined(parent: Ints, one: int, other: int) -> int:
    """The representative of two sets that become one; 0 is no set."""
    b = find(parent, other)
    if one == 0 or one == b:  # noqa: PLR1714 - numba compares no tuples of mixed widths
        return b
    a = find(parent, one)
    low, high = min(a, b), max(a, b)
    parent[high] = low
    return low


@compiled
def _numbered(areas: Ints, ends: Ints, labels: Ints, parent: Ints, kinds: Bytes, count: int) -> Longs:
    """The second pass of `label_areas`, over the runs of the first, whose labels go up to ``count``."""
    total = 0
    for item in range(1, count + 1):
        # Representatives come before what they stand for: their numbers are known by then.
        if parent[item] == item:
            total += 1
            kinds[total] = kinds[item]
            parent[item] = total
        else:
            parent[item] = parent[parent[item]]
    sizes = np.zeros(total + 1, dtype=np.int64)
    used, cols = 0, areas.shape[1] - 2
    for r in range(1, areas.shape[0] - 1):
        begin = 0
        while begin < cols:
            number = parent[labels[used]] if labels[used] > 0 else 0
            areas[r, begin + 1 : ends[used] + 1] = number
            sizes[number] += ends[used] - begin
            begin = ends[used]
            used += 1
    sizes[0] = 0
    return sizes


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
    padded: Ints,
    ends: Ints,
    polygons: Longs,
    rim: BoolArray,
    min_px: int,
    seen: BoolArray,
    vertices: Ints,
    rings: Longs,
) -> tuple[int, int]:
    """Outlines of areas, written into arrays that are long enough.

    An outline is found at the first of its pixels in reading order that has something else above; runs are
    compared with those above, so that what lies inside an area is not looked at.

    Args:
        padded: numbers of areas ``(H + 2, W + 2)``, -1 around the tile.
        ends: where each run of a row ends, row by row, as `label_areas` left it.
        polygons: by number, which polygon it becomes; below 0 it is not traced.
        rim: by number, whether it touches the tile's rim: then each vertex on the rim is kept.
        min_px: smaller holes are left out of areas that do not touch the rim.
        seen: scratch ``(H, W)``.
        vertices: takes x, y and one of PLAIN, JUNCTION, RIM for each; four for each pixel will do.
        rings: takes the first vertex, the area, and twice the signed surface of each; one more than there are
            pixels will do. Holes have a negative surface, and the outer ring of an area comes before them.

    Returns:
        How many vertices and rings there are.
    """
    rows, cols = padded.shape[0] - 2, padded.shape[1] - 2
    seen[:] = False
    used = ring_count = run = above = 0
    for r in range(rows):
        low = 0
        while low < cols:
            high = ends[run] if r == 0 else min(ends[run], ends[above])
            area = padded[r + 1, low + 1]
            if area > 0 and padded[r, low + 1] != area and polygons[area] >= 0:
                for c in range(low, high):
                    if seen[r, c]:
                        continue
                    first = used
                    used, surface = _walk(padded, rim[area], seen, vertices, first, c, r)
                    if -min_px < surface < 0 and not rim[area]:
                        used = first
                        continue
                    rings[ring_count, 0], rings[ring_count, 1] = first, area
                    rings[ring_count, 2] = 2 * surface
                    ring_count += 1
            above += r > 0 and ends[above] == high
            run += ends[run] == high
            low = high
    return used, ring_count


@compiled
def _walk(
    padded: Ints, keeps_rim: bool, seen: BoolArray, vertices: Ints, used: int, column: int, row: int
) -> tuple[int, int]:
    """Once around an area from the upper edge of a pixel: vertices used then, and the surface within."""
    rows, cols = padded.shape[0] - 2, padded.shape[1] - 2
    area = padded[row + 1, column + 1]
    x, y, way, surface = column, row, 0, 0
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
        on_rim = keeps_rim and (x == 0 or y == 0 or x == cols or y == rows)
        if on_rim or meets or turn != way:
            vertices[used, 0], vertices[used, 1] = x, y
            vertices[used, 2] = RIM if on_rim else (JUNCTION if meets else PLAIN)
            used += 1
        way = turn
        if x == column and y == row and way == 0:
            return used, surface


@compiled
def gather(vertices: Ints, rings: Longs, order: Longs, x: int, y: int) -> tuple[Ints, Longs]:
    """Vertices of rings in a new order, moved by x and y, and where each ring starts.

    The row of ``rings`` after the last one tells where its vertices end.
    """
    found = np.empty(order.size + 1, dtype=np.int64)
    found[0] = 0
    for place in range(order.size):
        found[place + 1] = found[place] + rings[order[place] + 1, 0] - rings[order[place], 0]
    moved = np.empty((found[order.size], 3), dtype=np.int32)
    for place in range(order.size):
        first = rings[order[place], 0] - found[place]
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
