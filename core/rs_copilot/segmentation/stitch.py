"""Joins the outlines of neighbouring tiles into whole areas while the tiles come in.

Only polygons on the rims of tiles take part. A group of them is handed out once the row of tiles below the
one that it ends in cannot reach it any more, so memory holds what still reaches into the row to come.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rs_copilot.segmentation.polygons import JUNCTION, RIM, Outlines, Side, TracedTile
from rs_copilot.segmentation.weld import weld

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass
class _Line:
    """What lies along the lower rim of a row of tiles, over the raster's whole width."""

    y_px: int
    classes: Bytes
    ids: Ints

    @staticmethod
    def blank(y_px: int, width_px: int) -> _Line:
        return _Line(y_px, np.zeros(width_px, dtype=np.uint8), np.zeros(width_px, dtype=np.int32))


@dataclass
class _Row:
    """Tiles of one row, as far as they are there."""

    y_px: int
    height_px: int
    top: Bytes
    bottom: _Line
    parts: list[Outlines] = field(default_factory=list)
    ids: list[Ints] = field(default_factory=list)
    junctions: list[Longs] = field(default_factory=list)
    right: Side | None = None
    right_ids: Ints | None = None
    end_px: int = 0


@dataclass(frozen=True)
class _Chunk:
    """Polygons that wait, all of one row of tiles that ends at ``bottom_px``, and their sets."""

    parts: Outlines
    ids: Ints
    bottom_px: int


class Stitcher:
    """Takes traced tiles in reading order and gives whole polygons.

    What comes out does not depend on how the raster was cut. Tiles of a row have one top and one height;
    tiles may be missing, and nothing is where they would have been. Not for several threads at once.
    """

    def __init__(self, width_px: int, *, min_px: int = 0) -> None:
        self._width_px = width_px
        self._min_px = min_px
        self._row: _Row | None = None
        self._above = _Line.blank(0, width_px)
        self._waiting: list[_Chunk] = []
        self._parent = np.zeros(1024, dtype=np.int32)
        self._count = 0

    def add(self, tile: TracedTile) -> Outlines:
        """Take a tile; returns the polygons that are complete now, vertices in pixels of the raster.

        Raises:
            ValueError: the tile lies outside the raster, or does not follow the ones before it.
        """
        done = [tile.inner]
        if self._row is None or tile.y_px != self._row.y_px:
            done.append(self._end_row())
            self._row = self._begin_row(tile)
            done.append(self._pass_gap(tile.y_px))
        row = self._row
        if tile.x_px < row.end_px or tile.x_px + tile.width_px > self._width_px:
            raise ValueError(
                f"expected a tile between column {row.end_px} and {self._width_px}, found one from "
                f"{tile.x_px} to {tile.x_px + tile.width_px}"
            )
        if tile.height_px != row.height_px:
            raise ValueError(f"expected a tile of {row.height_px} rows, found {tile.height_px}")
        self._take(tile, row)
        return Outlines.join(done)

    def finish(self) -> Outlines:
        """All that is left, after the last tile; then the stitcher is empty."""
        done = self._end_row()
        rest = self._pass_gap(self._above.y_px + 1)
        self._above = _Line.blank(0, self._width_px)
        return Outlines.join([done, rest])

    def _begin_row(self, tile: TracedTile) -> _Row:
        if tile.y_px < self._above.y_px:
            raise ValueError(f"expected a tile from row {self._above.y_px} on, found one at {tile.y_px}")
        bottom = _Line.blank(tile.y_px + tile.height_px, self._width_px)
        return _Row(tile.y_px, tile.height_px, np.zeros(self._width_px, dtype=np.uint8), bottom)

    def _pass_gap(self, y_px: int) -> Outlines:
        """Where no tiles follow at once, what waits ends."""
        if y_px == self._above.y_px:
            return Outlines.nothing()
        line = self._above
        keys = _across(line.y_px, line.classes, np.zeros_like(line.classes))
        self._settle(keys, line.y_px)
        self._above = _Line.blank(y_px, self._width_px)
        return self._release(np.zeros(0, dtype=np.int32))

    def _take(self, tile: TracedTile, row: _Row) -> None:
        from rs_copilot.segmentation import kernels

        rim, before = tile.rim, self._count
        row.ids.append(self._new_ids(len(rim)))
        row.parts.append(rim)
        span = slice(tile.x_px, tile.x_px + tile.width_px)
        top, bottom, left, right = tile.top, tile.bottom, tile.left, tile.right
        row.top[span] = top.classes
        row.bottom.classes[span] = bottom.classes
        kernels.items_along(bottom.parts, before, row.bottom.ids[span])
        self._unite(self._above.classes[span], self._above.ids[span], top, before)
        if row.right is not None and row.right_ids is not None and row.end_px == tile.x_px:
            self._unite(row.right.classes, row.right_ids, left, before)
            row.junctions.append(_down(tile.x_px, tile.y_px, row.right.classes, left.classes))
        else:
            self._end_run(row)
            blank = np.zeros_like(left.classes)
            row.junctions.append(_down(tile.x_px, tile.y_px, blank, left.classes))
        row.right, row.right_ids = right, np.empty(tile.height_px, dtype=np.int32)
        kernels.items_along(right.parts, before, row.right_ids)
        row.end_px = tile.x_px + tile.width_px

    def _end_run(self, row: _Row) -> None:
        """The tile at the right end of a run of tiles has nothing beside it."""
        if row.right is not None:
            blank = np.zeros_like(row.right.classes)
            row.junctions.append(_down(row.end_px, row.y_px, row.right.classes, blank))

    def _new_ids(self, count: int) -> Ints:
        first, self._count = self._count + 1, self._count + count
        if self._count >= len(self._parent):
            grown = np.zeros(2 * (self._count + 1), dtype=np.int32)
            grown[: len(self._parent)] = self._parent
            self._parent = grown
        ids = np.arange(first, self._count + 1, dtype=np.int32)
        self._parent[ids] = ids
        return ids

    def _unite(self, classes: Bytes, ids: Ints, side: Side, before: int) -> None:
        """One set for polygons of equal class that share an edge."""
        from rs_copilot.segmentation import kernels

        kernels.unite(self._parent, classes, ids, side.classes, side.parts, before)

    def _end_row(self) -> Outlines:
        row, self._row = self._row, None
        if row is None:
            return Outlines.nothing()
        self._end_run(row)
        keys = _across(row.y_px, self._above.classes, row.top)
        self._settle(keys, row.y_px)
        parts = Outlines.join(row.parts)
        known = np.concatenate([keys, np.sort(np.concatenate(row.junctions))])
        inside = parts.vertices[:, 1] < row.bottom.y_px
        self._waiting.append(_Chunk(_marked(parts, inside, known), np.concatenate(row.ids), row.bottom.y_px))
        self._above = row.bottom
        return self._release(row.bottom.ids[row.bottom.ids > 0])

    def _settle(self, keys: Longs, y_px: int) -> None:
        """Now it is known what happens on the lower rim of the row that ends here."""
        for number, chunk in enumerate(self._waiting):
            if chunk.bottom_px == y_px:
                parts = _marked(chunk.parts, chunk.parts.vertices[:, 1] == y_px, keys)
                self._waiting[number] = replace(chunk, parts=parts)

    def _release(self, open_ids: Ints) -> Outlines:
        """Polygons whose set has no member among the open ones; sets are numbered anew."""
        from rs_copilot.segmentation import kernels

        active = np.unique(kernels.roots(self._parent, open_ids))
        done, sets, waiting = [], [], []
        for chunk in self._waiting:
            found = kernels.roots(self._parent, chunk.ids)
            place = np.searchsorted(active, found)
            stays = np.zeros(len(found), dtype=np.bool_)
            stays[place < len(active)] = active[place[place < len(active)]] == found[place < len(active)]
            if not stays.all():
                done.append(chunk.parts.take(~stays))
                sets.append(found[~stays])
            if stays.any():
                left = chunk.parts if stays.all() else chunk.parts.take(stays)
                waiting.append(replace(chunk, parts=left, ids=(place[stays] + 1).astype(np.int32)))
        on_line = self._above.ids > 0
        roots = kernels.roots(self._parent, self._above.ids[on_line])
        if len(active):
            self._above.ids[on_line] = np.searchsorted(active, roots) + 1
        self._waiting, self._count = waiting, len(active)
        self._parent[: self._count + 1] = np.arange(self._count + 1)
        return weld(Outlines.join(done), np.concatenate([*sets, open_ids[:0]]), self._min_px)


def _across(y_px: int, above: Bytes, below: Bytes) -> Longs:
    """Sorted keys of the junctions on a level line through the whole raster."""
    from rs_copilot.segmentation import kernels

    return (np.int64(y_px) << 32) + kernels.junctions(np.pad(above, 1), np.pad(below, 1)) - 1


def _down(x_px: int, y_px: int, left: Bytes, right: Bytes) -> Longs:
    """Sorted keys of the junctions on an upright line between two tiles, its ends excepted."""
    from rs_copilot.segmentation import kernels

    return ((np.int64(y_px) + kernels.junctions(left, right)) << 32) + x_px


def _marked(outlines: Outlines, rows: NDArray[np.bool_], keys: Longs) -> Outlines:
    """With the junctions among some vertices on rims marked."""
    vertices = outlines.vertices.copy()
    asked = np.flatnonzero(rows & (vertices[:, 2] == RIM))
    own = (vertices[asked, 1].astype(np.int64) << 32) + vertices[asked, 0]
    place = np.minimum(np.searchsorted(keys, own), max(len(keys) - 1, 0))
    if len(keys):
        vertices[asked[keys[place] == own], 2] |= JUNCTION
    return replace(outlines, vertices=vertices)
