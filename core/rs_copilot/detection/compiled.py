"""The inner loops of boxes, as machine code: areas that convex shapes share, and what counts twice.

Only functions import this module: numba costs about a second. Shapes are rows of x, y in float64, convex,
with the corners in the order that gives a positive area by the shoelace formula. No threads are started.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_copilot.geo.compiling import compiled
from rs_copilot.types import BoolArray, FloatArray

IntArray = NDArray[np.int64]

# Corners of two clipped shapes: each of eight sides adds at most one.
ROOM = 24
LEVELS = 20


@compiled
def area(shape: FloatArray, count: int) -> float:
    """Shoelace formula over the first ``count`` corners."""
    double = 0.0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        double += shape[i, 0] * shape[j, 1] - shape[j, 0] * shape[i, 1]
    return 0.5 * double


@compiled
def clip(shape: FloatArray, count: int, by: FloatArray, by_count: int, spare: FloatArray) -> int:
    """Cut ``shape`` by every side of ``by`` in place (Sutherland, Hodgman 1974). Number of corners left."""
    for side in range(by_count):
        after = side + 1 if side + 1 < by_count else 0
        x, y = by[side, 0], by[side, 1]
        dx, dy = by[after, 0] - x, by[after, 1] - y
        kept = 0
        for i in range(count):
            j = i + 1 if i + 1 < count else 0
            here = dx * (shape[i, 1] - y) - dy * (shape[i, 0] - x)
            there = dx * (shape[j, 1] - y) - dy * (shape[j, 0] - x)
            if here >= 0.0:
                spare[kept, 0], spare[kept, 1] = shape[i, 0], shape[i, 1]
                kept += 1
            if (here > 0.0 and there < 0.0) or (here < 0.0 and there > 0.0):
                share = here / (here - there)
                spare[kept, 0] = shape[i, 0] + share * (shape[j, 0] - shape[i, 0])
                spare[kept, 1] = shape[i, 1] + share * (shape[j, 1] - shape[i, 1])
                kept += 1
        count = kept
        for i in range(count):
            shape[i, 0], shape[i, 1] = spare[i, 0], spare[i, 1]
        if count < 3:
            return 0
    return count


@compiled
def is_after(first: FloatArray, second: FloatArray) -> bool:
    """Whether the corners of ``first`` come later in the order of numbers: the same pair, the same sum."""
    for i in range(4):
        for k in range(2):
            if first[i, k] != second[i, k]:
                return bool(first[i, k] > second[i, k])
    return False


@compiled
def shared(first: FloatArray, second: FloatArray, work: FloatArray) -> float:
    """Area that two quads share, whichever is named first; ``work`` is ``(3, ROOM, 2)`` of scratch."""
    if is_after(first, second):
        first, second = second, first
    x, y = first[0, 0], first[0, 1]
    for i in range(4):
        work[0, i, 0], work[0, i, 1] = first[i, 0] - x, first[i, 1] - y
        work[1, i, 0], work[1, i, 1] = second[i, 0] - x, second[i, 1] - y
    count = clip(work[0], 4, work[1], 4, work[2])
    return max(0.0, area(work[0], count)) if count else 0.0


@compiled
def ratio(common: float, first: float, second: float) -> float:
    """Intersection over union from the three areas; 0 where nothing has an area."""
    union = first + second - common
    return min(1.0, max(0.0, common / union)) if union > 0.0 else 0.0


@compiled
def pair_ious(quads: FloatArray, areas: FloatArray, pairs: IntArray) -> FloatArray:
    """IoU of the pairs ``(M, 2)`` of quads ``(N, 4, 2)``."""
    work = np.empty((3, ROOM, 2))
    found = np.empty(len(pairs))
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        found[row] = ratio(shared(quads[i], quads[j], work), areas[i], areas[j])
    return found


@compiled
def _cut(
    quad: FloatArray, window: FloatArray, target: FloatArray, frame: FloatArray, spare: FloatArray
) -> int:
    """The part of a quad inside a window x1, y1, x2, y2, about the window's corner. Number of corners."""
    width, height = window[2] - window[0], window[3] - window[1]
    for i in range(4):
        target[i, 0], target[i, 1] = quad[i, 0] - window[0], quad[i, 1] - window[1]
        frame[i, 0] = width if i in {1, 2} else 0.0
        frame[i, 1] = height if i >= 2 else 0.0
    return clip(target, 4, frame, 4, spare)


@compiled
def window_ious(quads: FloatArray, pairs: IntArray, windows: FloatArray) -> FloatArray:
    """IoU of pairs of quads inside a window ``(M, 4)`` for each pair: 0 where one has no part in it."""
    work = np.empty((4, ROOM, 2))
    found = np.zeros(len(pairs))
    for row in range(len(pairs)):
        i, j = pairs[row, 0], pairs[row, 1]
        if is_after(quads[i], quads[j]):
            i, j = j, i
        count = _cut(quads[i], windows[row], work[0], work[2], work[3])
        other = _cut(quads[j], windows[row], work[1], work[2], work[3])
        if count == 0 or other == 0:
            continue
        first, second = area(work[0], count), area(work[1], other)
        count = clip(work[0], count, work[1], other, work[3])
        common = area(work[0], count) if count else 0.0
        found[row] = ratio(common, first, second)
    return found


@compiled
def _bucket(label: int, level: int, column: int, row: int, mask: int) -> int:
    """Where boxes of a cell are listed; cells that share a list cost time, never correctness."""
    mixed = np.uint64(column) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(row) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed += np.uint64(label) * np.uint64(0x165667B19E3779F9) + np.uint64(level) * np.uint64(
        0x27D4EB2F165667C5
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return int((mixed ^ (mixed >> np.uint64(32))) & np.uint64(mask))


@compiled
def _beats(
    i: int,
    other: int,
    quads: FloatArray,
    areas: FloatArray,
    bounds: FloatArray,
    labels: IntArray,
    limit: float,
    work: FloatArray,
) -> bool:
    """Whether ``other`` covers the same as ``i``. The cheap checks stand first."""
    if labels[i] != labels[other]:
        return False
    width = min(bounds[i, 2], bounds[other, 2]) - max(bounds[i, 0], bounds[other, 0])
    height = min(bounds[i, 3], bounds[other, 3]) - max(bounds[i, 1], bounds[other, 1])
    if width <= 0.0 or height <= 0.0:
        return False
    # No intersection is larger than the smaller shape or than what the bounds share.
    most = min(width * height, areas[i], areas[other])
    if ratio(most, areas[i], areas[other]) <= limit:
        return False
    return ratio(shared(quads[i], quads[other], work), areas[i], areas[other]) > limit


@compiled
def kept_of(
    quads: FloatArray,
    areas: FloatArray,
    bounds: FloatArray,
    labels: IntArray,
    levels: IntArray,
    cell: float,
    limit: float,
) -> BoolArray:
    """Greedy suppression of quads that stand in the order of their rank. A mask of what stays.

    Only kept boxes are looked at, and those are found by their centre in a grid for each size: level L has
    cells of ``cell / 2 ** L``, as large as its boxes or larger. Kept boxes cannot lie on one another in any
    number, so a box meets few of them however many candidates there are.
    """
    total = len(quads)
    mask = 1
    while mask < 2 * total:
        mask *= 2
    mask -= 1
    heads, links = np.full(mask + 1, -1, np.int64), np.full(total, -1, np.int64)
    level_heads, level_links = np.full(LEVELS + 1, -1, np.int64), np.full(total, -1, np.int64)
    level_counts, level_areas = np.zeros(LEVELS + 1, np.int64), np.zeros(LEVELS + 1)
    work, keep = np.empty((3, ROOM, 2)), np.ones(total, np.bool_)
    for i in range(total):
        for level in range(LEVELS + 1):
            if level_counts[level] == 0 or level_areas[level] < limit * areas[i]:
                continue
            size = cell / 2.0**level
            left = int(np.floor((bounds[i, 0] - 0.5 * size) / size))
            right = int(np.floor((bounds[i, 2] + 0.5 * size) / size))
            top = int(np.floor((bounds[i, 1] - 0.5 * size) / size))
            bottom = int(np.floor((bounds[i, 3] + 0.5 * size) / size))
            if (right - left + 1.0) * (bottom - top + 1.0) > level_counts[level]:
                other = level_heads[level]
                while other >= 0 and keep[i]:
                    keep[i] = not _beats(i, other, quads, areas, bounds, labels, limit, work)
                    other = level_links[other]
            else:
                for row in range(top, bottom + 1):
                    for column in range(left, right + 1):
                        other = heads[_bucket(labels[i], level, column, row, mask)]
                        while other >= 0 and keep[i]:
                            keep[i] = not _beats(i, other, quads, areas, bounds, labels, limit, work)
                            other = links[other]
            if not keep[i]:
                break
        if keep[i]:
            level = levels[i]
            size = cell / 2.0**level
            column = int(np.floor(0.5 * (bounds[i, 0] + bounds[i, 2]) / size))
            row = int(np.floor(0.5 * (bounds[i, 1] + bounds[i, 3]) / size))
            place = _bucket(labels[i], level, column, row, mask)
            links[i], heads[place] = heads[place], i
            level_links[i], level_heads[level] = level_heads[level], i
            level_counts[level] += 1
            level_areas[level] = max(level_areas[level], areas[i])
    return keep
