"""Boxes: how much they overlap, and which of them show the same object.

A box is a quad, four corners in order around it, in either sense. Nothing here compares all with all.
"""

from __future__ import annotations

import sys

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.detection import few
from rs_copilot.types import BoolArray, FloatArray

# Up to here compiled loops cost more than they save: where they are loaded, and where that would come first,
# which takes half a second and 80 MB.
FEW, FEW_UNLOADED = 200, 1_000
Labels = NDArray[np.integer]
Rows = NDArray[np.int64]


def ious(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of quads, row by row.

    Args:
        first: ``(N, 4, 2)``, any unit.
        second: ``(N, 4, 2)``.

    Returns:
        ``(N,)`` in 0 to 1; exactly the same when the two are swapped. Shapes without area overlap nothing.

    Raises:
        ValueError: the arrays have other shapes, or hold something that is no finite number.
    """
    if first.shape != second.shape:
        raise ValueError(f"expected as many quads on both sides, found {first.shape} and {second.shape}")
    both = convex(np.concatenate([first, second]))
    numbers = np.arange(len(first))
    pairs = np.stack([numbers, numbers + len(first)], axis=1)
    if _are_few(len(pairs)):
        return few.pair_ious(both, areas_of(both), pairs)
    from rs_copilot.detection import compiled

    return np.asarray(compiled.pair_ious(both, areas_of(both), pairs))


def _are_few(count: int) -> bool:
    is_loaded = "rs_copilot.detection.compiled" in sys.modules
    return count <= (FEW if is_loaded else FEW_UNLOADED)


def window_ious(shapes: FloatArray, pairs: Rows, windows: FloatArray) -> FloatArray:
    """IoU of pairs of convex quads, of what lies inside a window x1, y1, x2, y2 for each pair.

    Args:
        shapes: ``(N, 4, 2)`` as `convex` gives them.
        pairs: ``(M, 2)`` numbers of quads.
        windows: ``(M, 4)``.

    Returns:
        ``(M,)``; 0 where one has no part in its window.
    """
    if _are_few(len(pairs)):
        return few.window_ious(shapes, pairs, windows)
    from rs_copilot.detection import compiled

    return np.asarray(compiled.window_ious(shapes, pairs, windows))


def nms(quads: FloatArray, scores: FloatArray, labels: Labels | None = None, *, max_iou: float = 0.5) -> Rows:
    """Greedy non-maximum suppression: of boxes that overlap by more than ``max_iou`` the best one.

    Args:
        quads: ``(N, 4, 2)``, any unit.
        scores: ``(N,)``; of equal scores the box with the smaller coordinates comes first, so that the answer
            does not depend on the order of the boxes.
        labels: ``(N,)``; boxes of different classes leave each other alone. Without it all are of one class.
        max_iou: 0 to 1.

    Returns:
        The numbers of those that stay, best first.

    Raises:
        ValueError: the arrays do not fit together, or hold something that is no finite number.
    """
    if len(quads) != len(scores) or (labels is not None and len(labels) != len(quads)):
        raise ValueError(f"expected a score and a label for each of {len(quads)} boxes, found {len(scores)}")
    if not np.isfinite(scores).all():
        raise ValueError("expected scores that are finite numbers")
    if not len(quads):
        return np.zeros(0, dtype=np.int64)
    numbers = np.zeros(len(quads), np.int64) if labels is None else labels.astype(np.int64)
    order = ranked(quads, scores, numbers)
    shapes = convex(quads[order])
    if _are_few(len(shapes)):
        return order[few.kept_of(shapes, areas_of(shapes), numbers[order], max_iou)]
    return order[_kept_of_many(shapes, numbers[order], max_iou)]


def _kept_of_many(shapes: FloatArray, labels: Rows, max_iou: float) -> BoolArray:
    """Suppression among any number of convex quads that stand in the order of their rank."""
    from rs_copilot.detection import compiled

    bounds = bounds_of(shapes)
    extents = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    cell = max(float(extents.max()), np.finfo(np.float64).tiny)
    with np.errstate(divide="ignore"):
        levels = np.clip(np.floor(np.log2(cell / extents)), 0, compiled.LEVELS).astype(np.int64)
    # The grid counts its cells from here, so that their numbers stay small.
    bounds -= np.tile(bounds[:, :2].min(axis=0), 2)
    keep = compiled.kept_of(shapes, areas_of(shapes), bounds, labels, levels, cell, float(max_iou))
    return np.asarray(keep, dtype=np.bool_)


def ranked(quads: FloatArray, scores: FloatArray, labels: Labels) -> Rows:
    """Numbers of the boxes, the best score first; ties by label and coordinates."""
    order = np.argsort(-scores, kind="stable")
    if (np.diff(scores[order]) != 0).all():
        return np.asarray(order, dtype=np.int64)
    keys = quads.reshape(len(quads), 8).T[::-1]
    return np.asarray(np.lexsort((*keys, labels, -scores)), dtype=np.int64)


def convex(quads: FloatArray) -> FloatArray:
    """Quads as float64, corners in the order of a positive area; the hull of those that are not convex.

    Raises:
        ValueError: not ``(N, 4, 2)``, or not finite.
    """
    if quads.ndim != 3 or quads.shape[1:] != (4, 2):
        raise ValueError(f"expected quads of shape (N, 4, 2), found {quads.shape}")
    if not np.isfinite(quads).all():
        raise ValueError("expected corners that are finite numbers")
    shapes = np.array(quads, dtype=np.float64)
    sides = np.roll(shapes, -1, axis=1) - shapes
    following = np.roll(sides, -1, axis=1)
    turns = sides[..., 0] * following[..., 1] - sides[..., 1] * following[..., 0]
    left, right = (turns > 0).any(axis=1), (turns < 0).any(axis=1)
    shapes[right & ~left] = shapes[right & ~left, ::-1]
    # A bow tie turns both ways, and so does, by rounding, a rectangle without width.
    for row in np.flatnonzero(left & right):
        shapes[row] = _hull(shapes[row])
    return shapes


def _hull(quad: FloatArray) -> FloatArray:
    """The hull of four points, its last corner repeated where it has fewer; without area a single point."""
    hull = shapely.convex_hull(shapely.MultiPoint(quad))
    if not isinstance(hull, shapely.Polygon):
        return np.repeat(quad[:1], 4, axis=0)
    corners = shapely.get_coordinates(shapely.orient_polygons(hull))[:-1]
    return np.asarray(np.concatenate([corners, np.repeat(corners[-1:], 4 - len(corners), axis=0)]))


def areas_of(quads: FloatArray) -> FloatArray:
    """Areas of convex quads ``(N, 4, 2)``, by their diagonals. Shape (N,)."""
    along, across = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    return np.asarray(np.abs(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]) / 2.0)


def bounds_of(quads: FloatArray) -> FloatArray:
    """Horizontal boxes x1, y1, x2, y2 around quads ``(N, 4, 2)``. Shape (N, 4)."""
    return np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)


def quads_of(bounds: FloatArray) -> FloatArray:
    """Horizontal boxes ``(N, 4)`` as quads from the top-left corner clockwise. Shape (N, 4, 2)."""
    x1, y1, x2, y2 = bounds.T
    return np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1).reshape(-1, 4, 2)


def turned_quads(centers: FloatArray, sizes: FloatArray, angles_rad: FloatArray) -> FloatArray:
    """Rectangles that are turned.

    Args:
        centers: ``(N, 2)``.
        sizes: ``(N, 2)``: length along the angle, and across.
        angles_rad: ``(N,)`` from the x axis towards the y axis.

    Returns:
        ``(N, 4, 2)``; without a turn from the top-left corner clockwise.
    """
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    along = np.stack([cos, sin], axis=1) * sizes[:, :1] / 2.0
    across = np.stack([-sin, cos], axis=1) * sizes[:, 1:] / 2.0
    corners = (-along - across, along - across, along + across, across - along)
    return np.stack([centers + corner for corner in corners], axis=1)


def are_upright(quads: FloatArray) -> BoolArray:
    """Which quads are horizontal boxes. Shape (N,)."""
    return np.asarray((quads == quads_of(bounds_of(quads))).all(axis=(1, 2)))
