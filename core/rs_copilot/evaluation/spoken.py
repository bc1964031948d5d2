"""Detections out of a model's answers: places in pixels of the picture, tiles of large ones merged. Pure.

Tiles are those that RSCoVLM was trained and tested with (arXiv 2511.21272): 512 pixels, 100 in common with
the next one, the last one flush with the border. Objects that two tiles name are merged by rotated
suppression at an overlap of 0.1; of those the one whose centre lies farthest from the border of its tile
stays, because it was seen whole. A model gives no scores that could decide that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from rs_copilot.detection import boxes
from rs_copilot.evaluation.detection import NOTHING, Boxes
from rs_copilot.tiles.plan import Tile, plan_tiles
from rs_copilot.types import ByteImage, FloatArray, SizeWH
from rs_copilot.vlm.answers import Parsed, source_px
from rs_copilot.vlm.families import Coordinates

TILE_PX = 512
OVERLAP_PX = 100
MERGE_IOU = 0.1
# What DOTA's tools fill up small pictures with: ImageNet's mean colour, given as BGR in their settings.
PADDING_RGB = (124, 116, 104)


def as_rectangles(quads: FloatArray) -> FloatArray:
    """The smallest rectangle around each quad ``(N, 4, 2)``, as DOTA's evaluation takes it."""
    found = [cv2.boxPoints(cv2.minAreaRect(quad)) for quad in np.asarray(quads, dtype=np.float32)]
    return np.array(found, dtype=np.float64).reshape(-1, 4, 2)


def reshaped(found: Boxes, *, as_quads: bool) -> Boxes:
    """The same objects as rectangles, or as convex quads (the hull of those that are not)."""
    shapes = boxes.convex(found.quads_px) if as_quads else as_rectangles(found.quads_px)
    return Boxes(shapes, found.names, found.scores, found.difficult)


def said_boxes(parsed: Parsed, seen: SizeWH, source: SizeWH, coordinates: Coordinates) -> Boxes:
    """What an answer names, in pixels of the picture, with score 1."""
    if not parsed.objects:
        return NOTHING
    quads = np.array([item.quad for item in parsed.objects])
    return Boxes.of(source_px(quads, seen, source, coordinates), [item.label for item in parsed.objects])


def tiles_of(size: SizeWH, tile_px: int = TILE_PX, overlap_px: int = OVERLAP_PX) -> list[Tile]:
    """The tiles of a picture, row by row; one where the picture is no larger than a tile."""
    return list(plan_tiles(size, SizeWH(tile_px, tile_px), overlap_px).tiles())


def cut_out(picture: ByteImage, tile: Tile) -> ByteImage:
    """What a tile shows of a picture ``(H, W, 3)``; what lies beyond the picture is filled up."""
    x1, y1, x2, y2 = tile.window_px
    part = picture[y1:y2, x1:x2]
    if part.shape[:2] == (y2 - y1, x2 - x1):
        return part
    whole = np.empty((y2 - y1, x2 - x1, 3), dtype=np.uint8)
    whole[:] = PADDING_RGB
    whole[: part.shape[0], : part.shape[1]] = part
    return whole


@dataclass(frozen=True)
class TileAnswer:
    """What was found in a tile x1, y1, x2, y2 of a picture, in pixels of the tile."""

    window_px: tuple[int, int, int, int]
    found: Boxes = field(repr=False)


def merge_tiles(answers: Sequence[TileAnswer], *, max_iou: float = MERGE_IOU) -> Boxes:
    """Objects of a whole picture, each once."""
    parts = [item for item in answers if len(item.found)]
    if not parts:
        return NOTHING
    moved = [item.found.quads_px + np.array(item.window_px[:2]) for item in parts]
    whole = Boxes(
        np.concatenate(moved),
        np.concatenate([item.found.names for item in parts]),
        np.concatenate([item.found.scores for item in parts]),
        np.concatenate([item.found.difficult for item in parts]),
    )
    if len(parts) == 1:
        return whole
    inside = np.concatenate([_depths(item) for item in parts])
    _, labels = np.unique(whole.names.astype(str), return_inverse=True)
    # Suppression goes by rank: better scores first, then what lies deeper in its tile.
    ranks = np.empty(len(whole))
    ranks[np.lexsort((-inside, -whole.scores))] = -np.arange(len(whole), dtype=np.float64)
    kept = boxes.nms(whole.quads_px, ranks, labels, max_iou=max_iou)
    return whole.take(np.isin(np.arange(len(whole)), kept))


def _depths(item: TileAnswer) -> FloatArray:
    """How far the centres lie from the border of their tile, in pixels. Shape (N,)."""
    x1, y1, x2, y2 = item.window_px
    centers = item.found.quads_px.mean(axis=1)
    return np.asarray(np.minimum(centers, np.array([x2 - x1, y2 - y1]) - centers).min(axis=1))
