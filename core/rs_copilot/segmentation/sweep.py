"""Segmentation of a raster of any size: classes of tiles to whole polygons, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs_copilot.segmentation.polygons import Outlines, Side, TracedTile, trace_tile
from rs_copilot.segmentation.segmenter import Segmenter
from rs_copilot.segmentation.stitch import Stitcher
from rs_copilot.tiles.plan import Tile, TilePlan
from rs_copilot.types import BoolArray, ByteImage

Arrays = Mapping[str, NDArray[Any]]
Answers = Iterator[tuple[Tile, Arrays | None]]
# Black this wide is no shadow but the surroundings of a raster, or a hole in it.
NOTHING_PX = 9
# Tiles that are joined at a time.
TOGETHER = 8


def to_arrays(tile: TracedTile) -> dict[str, NDArray[Any]]:
    """As a journal keeps it and a cluster sends it."""
    both = tile.outlines
    return {
        "place": np.array([tile.x_px, tile.y_px, tile.width_px, tile.height_px, tile.inner_count]),
        "vertices": both.vertices,
        "ring_starts": both.ring_starts,
        "polygon_starts": both.polygon_starts,
        "classes": both.classes,
        "sizes_px": both.sizes_px,
        "side_classes": tile.sides.classes,
        "side_parts": tile.sides.parts,
    }


def from_arrays(arrays: Arrays) -> TracedTile:
    """What `to_arrays` made."""
    names = ("vertices", "ring_starts", "polygon_starts", "classes", "sizes_px")
    outlines = Outlines(*(arrays[name] for name in names))
    x, y, width, height, inner_count = arrays["place"].tolist()
    sides = Side(arrays["side_classes"], arrays["side_parts"])
    return TracedTile(x, y, width, height, inner_count, outlines, sides)


def without_data(image: ByteImage) -> BoolArray | None:
    """Where a picture ``(H, W, 3)`` is black in a patch, as the tile engine paints what has no data.

    ``None`` where there is no such patch, as in most tiles.
    """
    # A patch cut by the picture's edge is still half as wide, so some of these pixels lie in it.
    step = NOTHING_PX // 2 + 1
    red, green, blue = np.moveaxis(image, -1, 0)
    if (
        red[::step, ::step].all()
        or (red[::step, ::step] | green[::step, ::step] | blue[::step, ::step]).all()
    ):
        return None
    black = np.asarray((red | green | blue) == 0)
    # Most rasters never need it, and it takes 25 MB.
    import cv2

    kernel = np.ones((NOTHING_PX, NOTHING_PX), dtype=np.uint8)
    opened = cv2.morphologyEx(black.view(np.uint8), cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(opened > 0)


def work_of(
    segmenter: Segmenter, wanted: Sequence[int] | None = None, min_px: int = 0
) -> Callable[[ByteImage, Sequence[Tile]], list[dict[str, NDArray[Any]]]]:
    """What a segmenter does with a batch of tiles, as a sweep calls it.

    Args:
        segmenter: the network.
        wanted: numbers of the classes to keep; all but 0 without it.
        min_px: smaller areas are left out.
    """
    table = np.zeros(256, dtype=np.uint8)
    kept = np.arange(1, 256) if wanted is None else np.array(wanted, dtype=np.int64)
    table[kept] = kept
    is_plain = wanted is None

    def work(images: ByteImage, tiles: Sequence[Tile]) -> list[dict[str, NDArray[Any]]]:
        found = segmenter.segment(images)
        answers = []
        for image, classes, tile in zip(images, found, tiles, strict=True):
            x, y = tile.window_px[:2]
            x1, y1, x2, y2 = tile.core_px
            core = (slice(y1 - y, y2 - y), slice(x1 - x, x2 - x))
            own = classes[core] if is_plain else table[classes[core]]
            nothing = without_data(image)
            if nothing is not None:
                own = np.where(nothing[core], np.uint8(0), own)
            answers.append(to_arrays(trace_tile(own, x1, y1, min_px=min_px)))
        return answers

    return work


def polygons(plan: TilePlan, answers: Answers, min_px: int = 0) -> Iterator[tuple[int, Outlines]]:
    """Tiles done so far, and the polygons that have become complete; every tile gives one, mostly empty.

    Tiles are joined some at a time: between two network runs nothing that Python needs is left in the caches,
    and the first of several tiles costs as much as all others together.
    """
    stitcher = Stitcher(plan.size.width_px, min_px=min_px)
    rows = [*(plan.at(int(number)).row for number in plan.numbers), None]
    waiting: list[Arrays] = []
    for done, (tile, arrays) in enumerate(answers, start=1):
        if arrays is not None:
            waiting.append(arrays)
        if rows[done] == tile.row and len(waiting) < TOGETHER:
            yield done, Outlines.nothing()
            continue
        found = [stitcher.add(from_arrays(item)) for item in waiting]
        if rows[done] is None:
            found.append(stitcher.finish())
        waiting = []
        yield done, Outlines.join(found)
