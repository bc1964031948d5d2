"""The inner loops of boxes for the few that a picture holds, with the answers of `compiled`.

Loading the compiler takes time and memory, which pays above some hundred boxes only; see `boxes`.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.types import BoolArray, FloatArray

Pairs = NDArray[np.int64]


def pair_ious(quads: FloatArray, areas: FloatArray, pairs: Pairs) -> FloatArray:
    """IoU of the pairs ``(M, 2)`` of convex quads ``(N, 4, 2)``."""
    shapes = shapely.polygons(quads)
    first, second = _in_order(quads, pairs)
    common = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    return _ratios(common, areas[first], areas[second])


def window_ious(quads: FloatArray, pairs: Pairs, windows: FloatArray) -> FloatArray:
    """IoU of pairs of quads inside a window ``(M, 4)`` for each pair: 0 where one has no part in it."""
    frames = shapely.box(*windows.T)
    shapes = shapely.polygons(quads)
    first, second = (shapely.intersection(shapes[side], frames) for side in _in_order(quads, pairs))
    common = shapely.area(shapely.intersection(first, second))
    return _ratios(common, shapely.area(first), shapely.area(second))


def kept_of(quads: FloatArray, areas: FloatArray, labels: NDArray[np.integer], limit: float) -> BoolArray:
    """Greedy suppression of quads that stand in the order of their rank. A mask of what stays."""
    boxes = shapely.box(*np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1).T)
    better, worse = shapely.STRtree(boxes).query(boxes)
    alike = (better < worse) & (labels[better] == labels[worse])
    pairs = np.stack([better[alike], worse[alike]], axis=1).astype(np.int64)
    over = pairs[pair_ious(quads, areas, pairs) > limit]
    keep = np.ones(len(quads), dtype=np.bool_)
    for one, other in over[np.lexsort((over[:, 1], over[:, 0]))]:
        if keep[one]:
            keep[other] = False
    return keep


def _in_order(quads: FloatArray, pairs: Pairs) -> tuple[Pairs, Pairs]:
    """The two sides of each pair, the smaller coordinates first: the same pair, the same sum."""
    first, second = pairs.T
    ones, others = quads[first].reshape(-1, 8), quads[second].reshape(-1, 8)
    place = (ones != others).argmax(axis=1)
    rows = np.arange(len(pairs))
    swap = ones[rows, place] > others[rows, place]
    return np.where(swap, second, first), np.where(swap, first, second)


def _ratios(common: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    union = first + second - common
    return np.clip(np.divide(common, union, out=np.zeros_like(common), where=union > 0.0), 0.0, 1.0)
