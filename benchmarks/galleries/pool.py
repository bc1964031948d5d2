"""Embeddings of real ground for large galleries, and of views that look for it.

A pool holds what the network makes of real pixels. Where more vectors are wanted than the pool has, further
ones are put between two of it that lie close together, so that clusters stay as thick as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.retrieval.places import ASKED, DISTRACTORS
from rs_copilot.raster.source import MapImage, RasterSource, open_raster
from rs_copilot.retrieval.embedder import Branch, Embedder
from rs_copilot.retrieval.nearest import HalfArray
from rs_copilot.retrieval.tiles import default_sides_m
from rs_copilot.training.augment import UAV_STRENGTH, change, to_gray
from rs_copilot.types import ByteImage, Float32Array

# Sizes of squares between the steps of the ladder: all of them occur.
ZOOMS = (0.8, 0.9, 1.0, 1.12, 1.25)
TILES, QUERIES = "pool-tiles.npy", "pool-queries.npy"
BATCH = 256
MIN_VALID = 0.9
MAX_TURN_DEG, MAX_ZOOM = 15.0, 1.15
CHUNK = 20_000
# A vector between two: neighbours among so many that follow each other, which are of one or two rasters.
RUN = 4_000


def write_pool(data: Path, folder: Path, embedder: Embedder, tiles: int, queries: int) -> None:
    """Embed ``tiles`` squares and ``queries`` views of the rasters in a folder, each raster as often."""
    folder.mkdir(parents=True, exist_ok=True)
    rasters = [data / path for path in (*ASKED.values(), *DISTRACTORS) if (data / path).is_file()]
    made = np.lib.format.open_memmap(
        folder / TILES, mode="w+", dtype=np.float16, shape=(tiles, embedder.dimensions)
    )
    asked = np.zeros((queries, embedder.dimensions), dtype=np.float16)
    rng = np.random.default_rng(0)
    for number, path in enumerate(rasters):
        own = slice(tiles * number // len(rasters), tiles * (number + 1) // len(rasters))
        views = slice(queries * number // len(rasters), queries * (number + 1) // len(rasters))
        with open_raster(path) as source:
            pieces = list(_pieces(source, embedder.input_px))
        print(f"{path.name}: {own.stop - own.start} squares from {len(pieces)} drawings", flush=True)
        made[own] = _embedded(pieces, embedder, Branch.SATELLITE, own.stop - own.start, rng)
        asked[views] = _embedded(pieces, embedder, Branch.UAV, views.stop - views.start, rng)
    made.flush()
    np.save(folder / QUERIES, asked)


def _pieces(source: RasterSource, input_px: int) -> Iterator[MapImage]:
    """The whole raster at the scales that suit it and between."""
    info = source.info
    for side_m in default_sides_m(info.bounds_m, info.gsd_m, input_px):
        for zoom in ZOOMS:
            piece = source.read(side_m * zoom / input_px)
            if min(piece.image.shape[:2]) > 1.3 * input_px:
                yield piece


def _embedded(
    pieces: list[MapImage], embedder: Embedder, branch: Branch, count: int, rng: np.random.Generator
) -> HalfArray:
    found = []
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        cut = _square if branch == Branch.SATELLITE else _view
        squares = np.stack(
            [cut(pieces[rng.integers(len(pieces))], embedder.input_px, rng) for _ in range(size)]
        )
        found.append(embedder.embed(squares, branch).astype(np.float16))
    return np.concatenate(found)


def _square(piece: MapImage, input_px: int, rng: np.random.Generator) -> ByteImage:
    """A square with data at a random place, by a random quarter turn and mirrored or not."""
    for _ in range(50):
        row, col = (int(rng.integers(size - input_px + 1)) for size in piece.image.shape[:2])
        window = np.s_[row : row + input_px, col : col + input_px]
        if piece.valid[window].mean() >= MIN_VALID:
            break
    rgba = np.dstack([piece.image[window], np.where(piece.valid[window], 255, 0).astype(np.uint8)])
    turned = np.rot90(rgba, int(rng.integers(4)))
    return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)


def _view(piece: MapImage, input_px: int, rng: np.random.Generator) -> ByteImage:
    """What a camera may see of a square: a little turned and zoomed, on another day."""
    wide = _square(piece, int(1.3 * input_px), rng)
    middle = (wide.shape[0] - 1) / 2
    zoom = MAX_ZOOM ** rng.uniform(-1.0, 1.0)
    turn = cv2.getRotationMatrix2D((middle, middle), rng.uniform(-MAX_TURN_DEG, MAX_TURN_DEG), zoom)
    turn[:, 2] += (input_px - 1) / 2 - middle
    seen = cv2.warpAffine(wide, turn, (input_px, input_px), borderMode=cv2.BORDER_CONSTANT)
    grey = change(to_gray(seen[..., :3], UAV_STRENGTH, rng), UAV_STRENGTH, rng)
    alpha = np.where(seen[..., 3] > 127, 255, 0).astype(np.uint8)
    return np.dstack([np.where(alpha > 0, grey, 0)] * 3 + [alpha])


def vectors_like(pool: HalfArray, count: int, rng: np.random.Generator) -> Iterator[Float32Array]:
    """``count`` unit vectors in chunks: the pool in random order, then ones between neighbours of it."""
    order = rng.permutation(len(pool))[:count]
    for start in range(0, len(order), CHUNK):
        yield np.asarray(pool[np.sort(order[start : start + CHUNK])], dtype=np.float32)
    left = count - len(order)
    while left > 0:
        first = int(rng.integers(max(1, len(pool) - RUN)))
        yield _between(np.asarray(pool[first : first + RUN], dtype=np.float32), rng)[:left]
        left -= RUN


def _between(some: Float32Array, rng: np.random.Generator) -> Float32Array:
    """For each vector one between it and one of its eight nearest, with what both lack added at random.

    Mixing alone would shorten the spread around clusters; a little of a third vector restores it.
    """
    import faiss

    _, near = faiss.knn(some, some, 9, metric=faiss.METRIC_INNER_PRODUCT)
    other = some[near[np.arange(len(some)), rng.integers(1, 9, len(some))]]
    third = some[rng.permutation(len(some))]
    share = rng.uniform(0.2, 0.8, (len(some), 1)).astype(np.float32)
    mixed = share * some + (1 - share) * other + np.float32(0.25) * third
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)
