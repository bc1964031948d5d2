"""Detection over a raster of any size: what tiles found becomes objects of the whole, row by row.

Objects are given out as soon as no tile that is still to come can see them, so that memory follows a row of
tiles. What is given when depends on the plan alone: a run that was killed and goes on gives the same objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.detection.found import Detector, Found
from rs_copilot.detection.seams import merge_across_seams
from rs_copilot.tiles.plan import Tile, TilePlan
from rs_copilot.types import BoolArray, ByteImage

Answers = Iterator[tuple[Tile, Mapping[str, NDArray[Any]] | None]]


def to_arrays(found: Found) -> dict[str, NDArray[Any]]:
    """As a journal keeps it and a cluster sends it."""
    arrays: dict[str, NDArray[Any]] = {
        "quads": found.quads_px,
        "scores": found.scores,
        "labels": found.labels,
    }
    if found.outlines_px is not None:
        arrays["outlines"] = np.concatenate([*found.outlines_px, np.zeros((0, 2), dtype=np.float32)])
        arrays["corners"] = np.array([len(ring) for ring in found.outlines_px], dtype=np.int64)
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Found:
    """What `to_arrays` made."""
    outlines = None
    if "outlines" in arrays:
        rings = np.split(arrays["outlines"], np.cumsum(arrays["corners"]))[:-1]
        outlines = tuple(np.asarray(ring, dtype=np.float32) for ring in rings)
    return Found(arrays["quads"], arrays["scores"], arrays["labels"], outlines)


def moved(found: Found, x_px: float, y_px: float) -> Found:
    """The same objects in pixels that start elsewhere."""
    step = np.array([x_px, y_px], dtype=np.float32)
    outlines = found.outlines_px
    return Found(
        found.quads_px + step,
        found.scores,
        found.labels,
        None if outlines is None else tuple(ring + step for ring in outlines),
    )


def work_of(detector: Detector) -> Callable[[ByteImage, Sequence[Tile]], list[dict[str, NDArray[Any]]]]:
    """What a detector does with a batch of tiles, as a sweep calls it."""

    def work(images: ByteImage, tiles: Sequence[Tile]) -> list[dict[str, NDArray[Any]]]:
        del tiles
        return [to_arrays(found) for found in detector.detect(images)]

    return work


@dataclass
class RowMerger:
    """Objects of the tiles so far that are not complete yet, in pixels of the plan."""

    plan: TilePlan
    pool: Found = field(default_factory=Found.nothing)
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _new: list[tuple[int, Found]] = field(default_factory=list)

    def add(self, tile: Tile, found: Found) -> None:
        """What a tile found, in its own pixels."""
        if len(found):
            self._new.append((tile.number, moved(found, *tile.window_px[:2])))

    def finished(self, next_row: int | None) -> Found:
        """Objects that no tile from ``next_row`` on can see; all that is left where no row is to come."""
        new = [found for _, found in self._new]
        self.pool = Found.join([self.pool, *new] if len(self.pool) else new)
        counts = [np.full(len(found), number, dtype=np.int64) for number, found in self._new]
        self.numbers = np.concatenate([self.numbers, *counts])
        self._new = []
        done = self._complete(next_row)
        tiles, rows = np.unique(self.numbers[done], return_inverse=True)
        whole = merge_across_seams(self.pool.take(done), rows, self.plan.windows_px(tiles).reshape(-1, 4))
        self.pool, self.numbers = self.pool.take(~done), self.numbers[~done]
        return whole

    def _complete(self, next_row: int | None) -> BoolArray:
        """Objects whose whole heap of overlapping boxes ends above the next row of tiles."""
        if next_row is None or not len(self.pool):
            return np.ones(len(self.pool), dtype=np.bool_)
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count, bounds = len(self.pool), self.pool.bounds_px.astype(np.float64)
        reaches = bounds[:, 3] >= float(self.plan.rows.starts[next_row])
        if not reaches.any():
            return np.ones(count, dtype=np.bool_)
        boxes = shapely.box(*bounds.T)
        one, other = shapely.STRtree(boxes).query(boxes)
        links = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
        _, heaps = connected_components(links, directed=False)
        waits = np.zeros(int(heaps.max()) + 1, dtype=np.bool_)
        waits[heaps[reaches]] = True
        return np.asarray(~waits[heaps], dtype=np.bool_)


def objects(plan: TilePlan, answers: Answers) -> Iterator[tuple[int, Found]]:
    """Tiles done so far, and the objects that have become complete; every tile gives one, mostly empty."""
    merger = RowMerger(plan)
    following = [plan.at(int(number)).row for number in plan.numbers[1:]]
    for done, (tile, arrays) in enumerate(answers, start=1):
        if arrays is not None:
            merger.add(tile, from_arrays(arrays))
        is_last = done == len(plan)
        if is_last or following[done - 1] != tile.row:
            yield done, merger.finished(None if is_last else following[done - 1])
        else:
            yield done, Found.nothing()
