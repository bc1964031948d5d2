"""One block of tiles from pixels to embeddings: in this process, or in another from plain values.

A tile whose pixels an earlier gallery has seen is not embedded again: the fingerprint of its pixels says so,
wherever it lay and whatever its raster was called.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.raster.source import RasterSource, open_raster
from rs_copilot.retrieval.embedder import Branch, Embedder, open_embedder
from rs_copilot.retrieval.gallery import EMBEDDINGS, MANIFEST, TILES, read_manifest
from rs_copilot.retrieval.nearest import HalfArray
from rs_copilot.retrieval.query import Ids
from rs_copilot.retrieval.table import Fingerprints, TileTable, read_fingerprints
from rs_copilot.retrieval.tiles import Block, fingerprints, tile_grid, valid_shares

# A tile with less map than this shows mostly what is not known.
MIN_VALID_SHARE = 0.35
PARTS_PER_WORKER = 3
RETRIES = 5
POLL_S = 0.1


@dataclass(frozen=True)
class Part:
    """The tiles of a block that have data: rows of the table, embeddings ``(N, D)``, fingerprints (N,).

    ``embedded`` tiles went through the network, the others were known.
    """

    tiles: TileTable
    embeddings: HalfArray
    fingerprints: Fingerprints
    embedded: int


@dataclass(frozen=True)
class PartRequest:
    """Which blocks to embed, in values that any process can be given.

    ``blocks`` are numbers in ``tile_grid(bounds_m, side_m, ..., stride).blocks()``, ``number`` is the
    raster's in the gallery, ``known`` an earlier gallery (see `open_known`).
    """

    raster: str
    number: int
    bounds_m: tuple[float, float, float, float]
    side_m: float
    stride: float
    blocks: tuple[int, ...]
    weights: Path | None = None
    device: str = "cpu"
    known: Path | None = None


class Known:
    """Embeddings by the fingerprints of their tiles; close it, or use it as a context manager."""

    def __init__(self, found: Fingerprints, vectors: HalfArray | None) -> None:
        self._rows = np.argsort(found, kind="stable")
        self._sorted = found[self._rows]
        self._vectors = vectors

    def find(self, wanted: Fingerprints) -> Ids:
        """The row of each tile, -1 where it is not known. Shape (N,)."""
        if not len(self._sorted):
            return np.full(len(wanted), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return np.where(self._sorted[places] == wanted, self._rows[places], -1)

    def embeddings(self, rows: Ids) -> HalfArray:
        """Embeddings of rows that `find` gave, ``(N, D)``.

        Raises:
            ValueError: it is closed, or nothing is known.
        """
        if self._vectors is None:
            raise ValueError("expected an open gallery with tiles")
        return np.asarray(self._vectors[rows])

    def close(self) -> None:
        """Let go of the file, so that the gallery can be replaced."""
        self._vectors = None

    def __enter__(self) -> Known:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_known(path: Path | None, embedder: Embedder) -> Known:
    """What a gallery of the same network knows; nothing where there is none, or none that can be used."""
    nothing = Known(np.zeros(0, dtype=np.int64), None)
    if path is None or not (path / MANIFEST).is_file():
        return nothing
    try:
        model = read_manifest(path).model
        if (model.sha256, model.input_px) != (embedder.sha256, embedder.input_px):
            return nothing
        found = read_fingerprints(path / TILES)
        vectors = np.load(path / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
    except (BadInputError, OSError, ValueError, KeyError):
        # It is about to be replaced: a damaged one helps nobody, and stops nobody.
        return nothing
    return Known(found, vectors) if vectors.shape == (len(found), embedder.dimensions) else nothing


def embed_block(
    source: RasterSource,
    number: int,
    block: Block,
    embedder: Embedder,
    known: Known,
    check: Callable[[], None] = lambda: None,
) -> Part:
    """Read a block and embed those of its tiles that are not known.

    Args:
        source: the raster.
        number: its number in the gallery.
        block: which tiles.
        embedder: the network.
        known: embeddings of tiles that need not be made again.
        check: called before each batch; may raise to stop.

    Raises:
        RasterError: the raster cannot be read.
    """
    input_px = embedder.input_px
    picture = source.read(block.gsd_m(input_px), block.bounds_m)
    rgba = np.dstack([picture.image, np.where(picture.valid, 255, 0).astype(np.uint8)])
    tiles = block.cut(rgba, input_px)
    shares = valid_shares(tiles)
    kept = shares >= MIN_VALID_SHARE
    tiles, count = tiles[kept], int(kept.sum())
    seen = fingerprints(tiles)
    rows = known.find(seen)
    new = rows < 0
    embeddings = np.zeros((count, embedder.dimensions), dtype=np.float16)
    embeddings[new] = embedder.embed(tiles[new], Branch.SATELLITE, check)
    if not new.all():
        embeddings[~new] = known.embeddings(rows[~new])
    table = TileTable(
        np.full(count, number, dtype=np.int32),
        block.centers_xy_m[kept],
        np.full(count, block.side_m),
        shares[kept],
    )
    return Part(table, embeddings, seen, int(new.sum()))


def embed_part(request: PartRequest) -> list[Part]:
    """Open what a request names, and embed its blocks in order; for another process or machine.

    Raises:
        BadInputError: the network cannot be used.
        RasterError: the raster cannot be used.
        MissingDependencyError: a package, the device or the network is missing.
    """
    embedder = open_embedder(request.weights, request.device)
    grid = tile_grid(request.bounds_m, request.side_m, embedder.input_px, request.stride)
    blocks = grid.blocks()
    with open_raster(request.raster) as source, open_known(request.known, embedder) as known:
        return [
            embed_block(source, request.number, blocks[block], embedder, known) for block in request.blocks
        ]


def scatter(
    client: Any,  # noqa: ANN401  distributed has no types
    requests: Sequence[PartRequest],
    check: Callable[[], None] = lambda: None,
) -> Iterator[list[Part]]:
    """Answers of `embed_part` in the order of the requests, made by the workers of a Dask client.

    A worker that is lost costs its requests again, nothing else. As many are in flight as keep every worker
    busy; ``check`` is called while waiting and may raise to stop.
    """
    waiting, flying = iter(requests), deque[Any]()
    try:
        while True:
            room = PARTS_PER_WORKER * max(1, len(client.scheduler_info()["workers"])) - len(flying)
            for request in islice(waiting, max(room, 0)):
                flying.append(client.submit(embed_part, request, retries=RETRIES, pure=False))
            if not flying:
                return
            check()
            if flying[0].done():
                yield flying.popleft().result()
            else:
                time.sleep(POLL_S)
    finally:
        for future in flying:
            future.cancel()
