"""From class numbers of pixels to outlines that run exactly along pixel edges, with holes.

A tile's areas that do not touch its rim are done with; the others wait for the neighbours (`stitch`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.types import BoolArray, ByteImage, FloatArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

# Bits of a vertex. At a junction three or four borders meet; what happens on the rim of a tile is known when
# its neighbours are there.
PLAIN, JUNCTION, RIM = 0, 1, 2


@dataclass(frozen=True)
class Outlines:
    """Polygons with holes as flat arrays, in whole pixels (GDAL convention).

    ``vertices`` ``(V, 3)``: x, y, and bits that say whether three or more borders meet there (1) and
    whether it lies on a tile's rim (2). ``ring_starts`` ``(R + 1,)`` counts vertices; rings are not closed.
    ``polygon_starts`` ``(P + 1,)`` counts rings; each polygon's first ring is the outer one. ``classes``
    ``(P,)`` uint8; ``sizes_px`` ``(P,)``: pixels.
    """

    vertices: Ints = field(repr=False)
    ring_starts: Longs = field(repr=False)
    polygon_starts: Longs = field(repr=False)
    classes: NDArray[np.uint8] = field(repr=False)
    sizes_px: Longs = field(repr=False)

    def __post_init__(self) -> None:
        count = len(self.classes)
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3:
            raise ValueError(f"expected vertices (V, 3), found {self.vertices.shape}")
        if len(self.polygon_starts) != count + 1 or len(self.sizes_px) != count:
            raise ValueError(
                f"expected starts and sizes of {count} polygons, found {len(self.polygon_starts)} "
                f"and {len(self.sizes_px)}"
            )

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, rows: NDArray[np.integer[Any]] | BoolArray) -> Outlines:
        """Some of the polygons, by number or by mask."""
        numbers = np.arange(len(self))[rows]
        rings, polygon_starts = _runs(self.polygon_starts, numbers)
        places, ring_starts = _runs(self.ring_starts, rings)
        return Outlines(
            self.vertices[places], ring_starts, polygon_starts, self.classes[numbers], self.sizes_px[numbers]
        )

    def between(self, first: int, last: int) -> Outlines:
        """The polygons from one number up to another, on the same memory."""
        polygon_starts = self.polygon_starts[first : last + 1]
        ring_starts = self.ring_starts[polygon_starts[0] : polygon_starts[-1] + 1]
        return Outlines(
            self.vertices[ring_starts[0] : ring_starts[-1]],
            ring_starts - ring_starts[0],
            polygon_starts - polygon_starts[0],
            self.classes[first:last],
            self.sizes_px[first:last],
        )

    @staticmethod
    def nothing() -> Outlines:
        """No polygons."""
        zero, none = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
        return Outlines(np.zeros((0, 3), dtype=np.int32), zero, zero, none.astype(np.uint8), none)

    @staticmethod
    def join(parts: Sequence[Outlines]) -> Outlines:
        """All polygons of several, in order."""
        parts = [part for part in parts if len(part)]
        if len(parts) <= 1:
            return parts[0] if parts else Outlines.nothing()
        return Outlines(
            np.concatenate([part.vertices for part in parts]),
            _joined([part.ring_starts for part in parts]),
            _joined([part.polygon_starts for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.sizes_px for part in parts]),
        )


def _runs(starts: Longs, numbers: NDArray[np.integer[Any]]) -> tuple[Longs, Longs]:
    """Places of the members of some runs, and where these runs start among themselves."""
    lengths = (starts[1:] - starts[:-1])[numbers]
    own = np.zeros(len(numbers) + 1, dtype=np.int64)
    np.cumsum(lengths, out=own[1:])
    return np.repeat(starts[:-1][numbers] - own[:-1], lengths) + np.arange(own[-1]), own


def _joined(starts: Sequence[Longs]) -> Longs:
    before = np.cumsum([0, *(item[-1] for item in starts)])
    later = [item[1:] + offset for item, offset in zip(starts, before[:-1], strict=True)]
    return np.concatenate([starts[0][:1], *later])


def from_rings(
    vertices: Ints,
    ring_starts: NDArray[np.integer[Any]],
    owners: NDArray[np.integer[Any]],
    classes: NDArray[np.uint8],
    sizes_px: Longs,
) -> Outlines:
    """Outlines of polygons whose rings come in any order; ``owners`` ``(R,)`` says whose each ring is."""
    starts = ring_starts.astype(np.int64)
    # The outer ring runs clockwise, y down: it alone has a positive area.
    order = np.lexsort((-doubled_areas(vertices, starts), owners))
    places, own = _runs(starts, order)
    polygon_starts = np.searchsorted(owners[order], np.arange(len(classes) + 1))
    return Outlines(vertices[places], own, polygon_starts.astype(np.int64), classes, sizes_px)


def doubled_areas(vertices: Ints, ring_starts: Longs) -> Longs:
    """Twice the signed areas of rings, in square pixels; holes are negative. Shape (R,)."""
    if len(ring_starts) == 1:
        return np.zeros(0, dtype=np.int64)
    xy = vertices[:, :2].astype(np.int64)
    following = np.arange(1, len(xy) + 1)
    following[ring_starts[1:] - 1] = ring_starts[:-1]
    cross = xy[:, 0] * xy[following, 1] - xy[following, 0] * xy[:, 1]
    return np.asarray(np.add.reduceat(cross, ring_starts[:-1]), dtype=np.int64)


def fill_small_holes(outlines: Outlines, min_px: int) -> Outlines:
    """Without holes of fewer pixels: what lies in them is smaller still, and left out for the same reason."""
    areas = doubled_areas(outlines.vertices, outlines.ring_starts)
    kept = (areas > 0) | (areas <= -2 * min_px)
    if kept.all():
        return outlines
    places, ring_starts = _runs(outlines.ring_starts, np.flatnonzero(kept))
    before = np.concatenate([[0], np.cumsum(kept)])
    return Outlines(
        outlines.vertices[places],
        ring_starts,
        before[outlines.polygon_starts],
        outlines.classes,
        outlines.sizes_px,
    )


def to_shapes(outlines: Outlines, map_from_px: FloatArray | None = None) -> NDArray[np.object_]:
    """Polygons ``(P,)`` of shapely; ``map_from_px`` (3, 3) is an affine matrix, by default identity."""
    rings = np.arange(len(outlines.ring_starts) - 1)
    places, starts = _runs(outlines.ring_starts, rings)
    # Rings of shapely end where they start.
    closing = np.insert(places, starts[1:], outlines.ring_starts[:-1])
    xy = outlines.vertices[closing, :2].astype(np.float64)
    if map_from_px is not None:
        xy = xy @ map_from_px[:2, :2].T + map_from_px[:2, 2]
    offsets = (starts + np.arange(len(starts)), outlines.polygon_starts)
    if not len(outlines):
        return np.zeros(0, dtype=object)
    return np.asarray(shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, offsets), dtype=object)


@dataclass(frozen=True)
class Side:
    """One rim of a tile, left to right or top to bottom: class of each pixel, and which of the tile's
    ``rim`` polygons it belongs to, counted from 1, 0 for none."""

    classes: NDArray[np.uint8] = field(repr=False)
    parts: Ints = field(repr=False)

    def between(self, first: int, last: int) -> Side:
        """A piece of it, on the same memory."""
        return Side(self.classes[first:last], self.parts[first:last])


@dataclass(frozen=True)
class TracedTile:
    """What there is in a tile's core. All coordinates are pixels of the whole raster.

    ``outlines`` are the polygons: first ``inner_count`` that no neighbour can touch, then those that touch
    the core's rim; all their vertices on it are there, one per pixel. ``sides``: top, bottom, left and right
    one after the other.
    """

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    inner_count: int
    outlines: Outlines
    sides: Side

    @property
    def inner(self) -> Outlines:
        """Polygons that are complete."""
        return self.outlines.between(0, self.inner_count)

    @property
    def rim(self) -> Outlines:
        """Polygons that may go on in the neighbours."""
        return self.outlines.between(self.inner_count, len(self.outlines))

    @property
    def top(self) -> Side:
        """Its upper rim."""
        return self.sides.between(0, self.width_px)

    @property
    def bottom(self) -> Side:
        """Its lower rim."""
        return self.sides.between(self.width_px, 2 * self.width_px)

    @property
    def left(self) -> Side:
        """Its left rim."""
        return self.sides.between(2 * self.width_px, 2 * self.width_px + self.height_px)

    @property
    def right(self) -> Side:
        """Its right rim."""
        return self.sides.between(2 * self.width_px + self.height_px, 2 * (self.width_px + self.height_px))


class _Room:
    """What a thread writes into while it outlines tiles of up to ``count_px`` pixels, so many a row at most.

    Fresh megabytes for every tile cost a third of the time: the system hands them out page by page. Pages
    that no tile needed are never touched.
    """

    def __init__(self, height: int, width: int) -> None:
        self.size = height, width
        count_px = height * width
        self._classes = np.empty(height * _in_words(width), dtype=np.uint8)
        self._areas = np.empty((height + 2) * (width + 2), dtype=np.int32)
        self._seen = np.empty(count_px, dtype=np.bool_)
        self.ends, self.labels = np.empty(count_px, dtype=np.int32), np.empty(count_px, dtype=np.int32)
        self.parent = np.empty(count_px + 1, dtype=np.int32)
        self.kinds = np.empty(count_px + 1, dtype=np.uint8)
        self.vertices = np.empty((4 * count_px, 3), dtype=np.int32)
        self.rings = np.empty((count_px + 1, 3), dtype=np.int64)

    def rows_of(self, classes: ByteImage) -> tuple[ByteImage, NDArray[np.uint64]]:
        """A copy whose rows are whole words, and the words."""
        height, width = classes.shape
        stride = _in_words(width)
        padded = self._classes[: height * stride].reshape(height, stride)
        padded[:, :width] = classes
        return padded, padded.view(np.uint64)

    def areas(self, height: int, width: int) -> Ints:
        """Numbers of areas with a rim of one."""
        return self._areas[: (height + 2) * (width + 2)].reshape(height + 2, width + 2)

    def seen(self, height: int, width: int) -> BoolArray:
        """A mark for each pixel."""
        return self._seen[: height * width].reshape(height, width)


_OWN = threading.local()


def _room_for(height: int, width: int) -> _Room:
    room: _Room | None = getattr(_OWN, "room", None)
    if room is None or room.size[0] < height or room.size[1] < width:
        known = (0, 0) if room is None else room.size
        room = _OWN.room = _Room(max(height, known[0]), max(width, known[1]))
    return room


def _in_words(width: int) -> int:
    """The next multiple of eight."""
    return -(-width // 8) * 8


def trace_tile(classes: ByteImage, x_px: int = 0, y_px: int = 0, *, min_px: int = 0) -> TracedTile:
    """Outlines of all connected areas of a tile's core.

    Args:
        classes: ``(H, W)`` uint8; 0 is nothing. Areas are connected over edges, not over corners.
        x_px: column of the core's first pixel in the raster.
        y_px: its row.
        min_px: smaller areas, and smaller holes, are left out where they do not touch the rim.

    Raises:
        ValueError: not a uint8 image with pixels.
    """
    if classes.ndim != 2 or classes.dtype != np.uint8 or not classes.size:
        raise ValueError(f"expected classes (H, W) uint8, found {classes.shape} {classes.dtype}")
    from rs_copilot.segmentation import kernels

    height, width = classes.shape
    room = _room_for(height, width)
    vertices, ring_starts, polygon_starts, kinds, sizes, inner_count, side_kinds, side_parts = (
        kernels.outline(
            *room.rows_of(classes),
            room.areas(height, width),
            room.ends,
            room.labels,
            room.parent,
            room.kinds,
            room.seen(height, width),
            room.vertices,
            room.rings,
            x_px,
            y_px,
            min_px,
        )
    )
    outlines = Outlines(vertices, ring_starts, polygon_starts, kinds, sizes)
    return TracedTile(x_px, y_px, width, height, inner_count, outlines, Side(side_kinds, side_parts))
