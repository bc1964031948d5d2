"""One object from what several overlapping tiles saw of it.

Where two tiles overlap, both should see the same. Two boxes of neighbouring tiles show one object if they
agree in what both tiles cover; outside of that each tile may know more than the other. So a box that reaches
beyond the other tile replaces the stump that is left of it there, and where each reaches beyond the other's
tile, they are two stumps of an object larger than the overlap, and their union is the object.

Objects should be handed out by their centre only afterwards: of an object larger than the overlap, each tile
may see a stump whose centre belongs to the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.detection import boxes
from rs_copilot.detection.found import Found
from rs_copilot.types import BoolArray, Float32Array, FloatArray

MIN_AGREEMENT = 0.5
SLACK_PX = 4.0


@dataclass(frozen=True)
class _Pairs:
    """Boxes of one class and two tiles that agree, and which of them lie in the other's tile."""

    first: boxes.Rows
    second: boxes.Rows
    first_inside: BoolArray
    second_inside: BoolArray

    def take(self, mask: BoolArray) -> tuple[boxes.Rows, boxes.Rows]:
        return self.first[mask], self.second[mask]


def merge_across_seams(
    found: Found,
    tiles: NDArray[np.integer],
    bounds_px: FloatArray,
    *,
    min_agreement: float = MIN_AGREEMENT,
    slack_px: float = SLACK_PX,
) -> Found:
    """Every object once, whole, whatever order tiles and objects come in.

    Args:
        found: what all tiles found, in pixels common to them, each object once in its tile.
        tiles: ``(N,)`` the tile that each object comes from, a row of ``bounds_px``.
        bounds_px: ``(T, 4)`` x1, y1, x2, y2 of the tiles.
        min_agreement: IoU, inside what two tiles cover, from which boxes of them show the same.
        slack_px: how far from the border of its tile a network may end the box of an object that goes on.

    Returns:
        The objects, best first. A merged one has the best score of its parts, the box around them in the
        direction of the largest, and the union of their outlines.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if len(tiles) != len(found) or bounds_px.ndim != 2 or bounds_px.shape[1] != 4:
        raise ValueError(f"expected a tile for each of {len(found)} objects, found {len(tiles)}")
    rows = boxes.ranked(found.quads_px, found.scores, found.labels)
    found, tiles = found.take(rows), tiles[rows]
    shapes = boxes.convex(found.quads_px)
    pairs = _agreeing(shapes, found.labels, bounds_px[tiles].astype(np.float64), min_agreement, slack_px)
    alive = _without_stumps(pairs, boxes.areas_of(shapes))
    _drop_duplicates(pairs, alive, _is_cut(boxes.bounds_of(shapes), bounds_px[tiles], slack_px))
    return _united(found, pairs, alive, min_agreement)


def is_cut(found: Found, tile_px: FloatArray, *, slack_px: float = SLACK_PX) -> BoolArray:
    """Which objects end at the border x1, y1, x2, y2 of their tile, so that they may go on beyond it."""
    return _is_cut(found.bounds_px, np.broadcast_to(tile_px, (len(found), 4)), slack_px)


def _is_cut(bounds: FloatArray, tiles: FloatArray, slack_px: float) -> BoolArray:
    low = bounds[:, :2] <= tiles[:, :2] + slack_px
    return np.asarray((low | (bounds[:, 2:] >= tiles[:, 2:] - slack_px)).any(axis=1))


def _agreeing(
    shapes: FloatArray, labels: boxes.Labels, tiles: FloatArray, min_agreement: float, slack_px: float
) -> _Pairs:
    """Pairs of boxes that show the same where both tiles look. ``tiles``: bounds of each box's tile."""
    bounds = boxes.bounds_of(shapes)
    first, second = shapely.STRtree(shapely.box(*bounds.T)).query(shapely.box(*bounds.T))
    other = (first < second) & (labels[first] == labels[second])
    other &= (tiles[first] != tiles[second]).any(axis=1)
    first, second = first[other], second[other]
    windows = np.concatenate(
        [np.maximum(tiles[first, :2], tiles[second, :2]), np.minimum(tiles[first, 2:], tiles[second, 2:])],
        axis=1,
    )
    seen = (windows[:, :2] < windows[:, 2:]).all(axis=1)
    first, second, windows = first[seen], second[seen], windows[seen]
    if len(first):
        agree = boxes.window_ious(shapes, np.stack([first, second], axis=1), windows) >= min_agreement
        first, second = first[agree], second[agree]
    return _Pairs(
        first,
        second,
        _inside(bounds[first], tiles[second], slack_px),
        _inside(bounds[second], tiles[first], slack_px),
    )


def _inside(bounds: FloatArray, tiles: FloatArray, slack_px: float) -> BoolArray:
    low = bounds[:, :2] >= tiles[:, :2] - slack_px
    return np.asarray((low & (bounds[:, 2:] <= tiles[:, 2:] + slack_px)).all(axis=1))


def _without_stumps(pairs: _Pairs, areas: FloatArray) -> BoolArray:
    """Which boxes stay after those that another tile saw more of are gone. The largest has the first word."""
    ones, others = pairs.take(pairs.second_inside & ~pairs.first_inside)
    more, less = pairs.take(pairs.first_inside & ~pairs.second_inside)
    winners, losers = np.concatenate([ones, less]), np.concatenate([others, more])
    alive = np.ones(len(areas), dtype=bool)
    for row in np.lexsort((losers, winners, -areas[winners])):
        if alive[winners[row]]:
            alive[losers[row]] = False
    return alive


def _drop_duplicates(pairs: _Pairs, alive: BoolArray, cut: BoolArray) -> None:
    """Of boxes that lie in both tiles keep one, rather one that no border cuts, rather the better one."""
    first, second = pairs.take(pairs.first_inside & pairs.second_inside)
    swap = cut[first] & ~cut[second]
    winners, losers = np.where(swap, second, first), np.where(swap, first, second)
    for row in np.lexsort((losers, winners, cut[winners])):
        if alive[winners[row]]:
            alive[losers[row]] = False


def _united(found: Found, pairs: _Pairs, alive: BoolArray, min_agreement: float) -> Found:
    """What is alive, with stumps of one object made one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = pairs.take(~pairs.first_inside & ~pairs.second_inside)
    both = alive[first] & alive[second]
    first, second = first[both], second[both]
    if not len(first):
        return found.take(alive)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(found), len(found)))
    _, groups = connected_components(links, directed=False)
    sizes = np.bincount(groups[alive], minlength=groups.max() + 1)
    single = alive & (sizes[groups] == 1)
    members = np.flatnonzero(alive & ~single)
    order = members[np.argsort(groups[members], kind="stable")]
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    parts = [_union(found.take(rows)) for rows in np.split(order, starts[1:])]
    merged = Found.join(parts)
    rest = found.take(single)
    result = Found.join([rest.take(~_covered(rest, merged, min_agreement)), merged])
    return result.take(boxes.ranked(result.quads_px, result.scores, result.labels))


def _covered(rest: Found, merged: Found, max_iou: float) -> BoolArray:
    """Which of the others show what a merged object shows, as none of its parts did."""
    tree = shapely.STRtree(shapely.box(*rest.bounds_px.T))
    whole, part = tree.query(shapely.box(*merged.bounds_px.T))
    alike = merged.labels[whole] == rest.labels[part]
    whole, part = whole[alike], part[alike]
    covered = np.zeros(len(rest), dtype=bool)
    covered[part[boxes.ious(merged.quads_px[whole], rest.quads_px[part]) > max_iou]] = True
    return covered


def _union(parts: Found) -> Found:
    """One object of its stumps, which stand in the order of their rank."""
    outlines = None if parts.outlines_px is None else (_joined_outline(parts.outlines_px),)
    quad = np.asarray(_around(parts.quads_px), dtype=np.float32)
    return Found(quad[None], parts.scores[:1], parts.labels[:1], outlines)


def _around(quads: FloatArray) -> FloatArray:
    """The rectangle around quads ``(N, 4, 2)`` in the direction of the largest one."""
    corners = quads.reshape(-1, 2).astype(np.float64)
    if boxes.are_upright(quads).all():
        return np.asarray(boxes.quads_of(boxes.bounds_of(corners[None]))[0])
    largest = quads[np.argmax(boxes.areas_of(boxes.convex(quads)))].astype(np.float64)
    side = largest[1] - largest[0]
    along = side / np.hypot(*side)
    axes = np.stack([along, [-along[1], along[0]]])
    spread = corners @ axes.T
    return np.asarray(boxes.quads_of(boxes.bounds_of(spread[None]))[0] @ axes)


def _joined_outline(outlines: tuple[Float32Array, ...]) -> Float32Array:
    """The border of what rings cover together; of several pieces the largest."""
    whole = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in outlines])
    pieces = [piece for piece in shapely.get_parts(whole) if isinstance(piece, shapely.Polygon)]
    largest = max(pieces, key=shapely.area)
    return np.asarray(shapely.get_coordinates(largest.exterior)[:-1], dtype=np.float32)
