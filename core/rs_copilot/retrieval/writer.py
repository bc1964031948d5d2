"""Writing a gallery: tiles come in as they are embedded, and the folder appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import numpy as np

from rs_copilot import __version__
from rs_copilot.errors import UsageError
from rs_copilot.retrieval.embedder import Embedder
from rs_copilot.retrieval.gallery import (
    EMBEDDINGS,
    INDEX,
    MANIFEST,
    TILES,
    Manifest,
    ModelRef,
    RasterRef,
    TileTable,
    footprints,
)
from rs_copilot.retrieval.nearest import fill_index, kind_for, load_faiss, new_index
from rs_copilot.types import Float32Array


class GalleryWriter:
    """A gallery in the making; use it as a context manager. Without `finish` nothing is left behind."""

    def __init__(self, out: Path, embedder: Embedder) -> None:
        _check_target(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._embedder = out, embedder
        self._draft = _new_folder(out.parent)
        self._file = (self._draft / EMBEDDINGS).open("w+b")
        self._tables: list[TileTable] = []
        self._count = 0
        self._write_header()

    def add(self, tiles: TileTable, embeddings: Float32Array) -> None:
        """Append tiles; sides must come in ascending order.

        Raises:
            ValueError: the numbers of tiles and embeddings differ, or a finer scale comes after a coarser.
        """
        if embeddings.shape != (len(tiles), self._embedder.dimensions):
            raise ValueError(f"expected {len(tiles)} embeddings, found shape {embeddings.shape}")
        if not len(tiles):
            return
        sides_m = np.concatenate([self._tables[-1].side_m[-1:] if self._tables else [], tiles.side_m])
        if (np.diff(sides_m) < 0).any():
            raise ValueError("expected tiles from the finest scale to the coarsest")
        self._file.write(embeddings.astype("<f2").tobytes())
        self._tables.append(tiles)
        self._count += len(tiles)

    def finish(self, rasters: Sequence[RasterRef], stride: float) -> Manifest:
        """Write tables and index, then put the gallery in its place."""
        self._write_header()
        self._file.close()
        tiles = TileTable.join(self._tables)
        footprints(tiles, list(rasters)).to_parquet(self._draft / TILES, index=False)
        manifest = self._manifest(tiles, rasters, stride)
        if manifest.kind != "flat":
            vectors = np.load(self._draft / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
            index = new_index(manifest.kind, self._embedder.dimensions, len(vectors))
            fill_index(index, vectors)
            load_faiss().write_index(index, str(self._draft / INDEX))
        (self._draft / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        self._put_in_place()
        return manifest

    def _manifest(self, tiles: TileTable, rasters: Sequence[RasterRef], stride: float) -> Manifest:
        card = self._embedder.card
        return Manifest(
            created_at=datetime.now(timezone.utc),
            engine=__version__,
            model=ModelRef(
                name=card.name,
                sha256=card.sha256,
                input_px=card.input_px,
                dimensions=self._embedder.dimensions,
            ),
            rasters=list(rasters),
            sides_m=[float(side) for side in np.unique(tiles.side_m)],
            stride=stride,
            tiles=self._count,
            kind=kind_for(self._count),
        )

    def _write_header(self) -> None:
        """The .npy header; numpy pads it, so that it can be written again over itself with more rows."""
        shape = (self._count, self._embedder.dimensions)
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, header)

    def _put_in_place(self) -> None:
        if self._out.exists():
            old = _new_folder(self._out.parent)
            self._out.replace(old / "old")
            self._draft.replace(self._out)
            shutil.rmtree(old)
        else:
            self._draft.replace(self._out)

    def __enter__(self) -> GalleryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        shutil.rmtree(self._draft, ignore_errors=True)


def _new_folder(parent: Path) -> Path:
    """A hidden folder of its own; unlike ``mkdtemp``, as readable as any other result."""
    folder = parent / f".rs-copilot-{uuid4().hex}"
    folder.mkdir()
    return folder


def _check_target(out: Path) -> None:
    """An index may be replaced, and an empty folder filled; anything else belongs to somebody."""
    if not out.exists() or (out / MANIFEST).is_file():
        return
    if not out.is_dir():
        raise UsageError(f"--out: {out} is a file", hint="An index is a folder: choose another name.")
    if any(out.iterdir()):
        raise UsageError(f"--out: {out} holds other files", hint="Choose a new or an empty folder.")
