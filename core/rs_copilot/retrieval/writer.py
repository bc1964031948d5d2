"""Writing a gallery: tiles come in as they are embedded, and the folder appears whole or not at all.

What comes in goes to disk at once: memory follows neither the number of tiles nor their embeddings.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import numpy as np
import pyproj

from rs_copilot import __version__
from rs_copilot.errors import UsageError
from rs_copilot.retrieval.embedder import Embedder
from rs_copilot.retrieval.gallery import (
    EMBEDDINGS,
    MANIFEST,
    TILES,
    Manifest,
    ModelRef,
    RasterRef,
    ScaleRef,
    index_name,
)
from rs_copilot.retrieval.nearest import (
    Effort,
    HalfArray,
    effort_for,
    kind_for,
    trained_index,
    write_index,
)
from rs_copilot.retrieval.table import Fingerprints, TableWriter, TileTable
from rs_copilot.types import Float32Array


class GalleryWriter:
    """A gallery in the making; use it as a context manager. Without `finish` nothing is left behind."""

    def __init__(self, out: Path, embedder: Embedder, rasters: Sequence[RasterRef]) -> None:
        _check_target(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._embedder, self._rasters = out, embedder, list(rasters)
        self._draft = _new_folder(out.parent)
        self._file = (self._draft / EMBEDDINGS).open("w+b")
        crs = [pyproj.CRS.from_user_input(raster.metric_crs) for raster in rasters]
        self._table = TableWriter(self._draft / TILES, crs)
        # Tiles of each side, in the order of the rows.
        self._counts: dict[float, int] = {}
        self._write_header()

    @property
    def count(self) -> int:
        """Tiles so far."""
        return sum(self._counts.values())

    def add(self, tiles: TileTable, embeddings: Float32Array | HalfArray, fingerprints: Fingerprints) -> None:
        """Append tiles; sides must come in ascending order.

        Raises:
            ValueError: the numbers of tiles, embeddings and fingerprints differ, or a finer scale comes
                after a coarser.
        """
        if embeddings.shape != (len(tiles), self._embedder.dimensions):
            raise ValueError(f"expected {len(tiles)} embeddings, found shape {embeddings.shape}")
        if fingerprints.shape != (len(tiles),):
            raise ValueError(f"expected {len(tiles)} fingerprints, found shape {fingerprints.shape}")
        if not len(tiles):
            return
        if (np.diff([*list(self._counts)[-1:], *tiles.side_m]) < 0).any():
            raise ValueError("expected tiles from the finest scale to the coarsest")
        self._file.write(embeddings.astype("<f2").tobytes())
        self._table.add(tiles, fingerprints)
        for side_m, count in zip(*np.unique(tiles.side_m, return_counts=True), strict=True):
            self._counts[float(side_m)] = self._counts.get(float(side_m), 0) + int(count)

    def finish(self, stride: float) -> Manifest:
        """Write what is left and the indexes, then put the gallery in its place."""
        self._write_header()
        self._file.close()
        self._table.close()
        manifest = Manifest(
            created_at=datetime.now(timezone.utc),
            engine=__version__,
            model=_model(self._embedder),
            rasters=self._rasters,
            stride=stride,
            scales=self._write_indexes(),
        )
        (self._draft / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        self._put_in_place()
        return manifest

    def _write_indexes(self) -> list[ScaleRef]:
        """The index of every scale that needs one; lets go of the embeddings, so that they can be moved."""
        vectors = np.load(self._draft / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        scales, first = [], 0
        for number, (side_m, count) in enumerate(self._counts.items()):
            kind, effort = kind_for(count), Effort()
            if kind != "flat":
                effort = _write_index(vectors[first : first + count], self._draft / index_name(number))
            scales.append(
                ScaleRef(
                    side_m=side_m,
                    tiles=count,
                    kind=kind,
                    probes=effort.probes,
                    refine=effort.refine,
                    recall=effort.recall,
                )
            )
            first += count
        return scales

    def _write_header(self) -> None:
        """The .npy header; numpy pads it, so that it can be written again over itself with more rows."""
        shape = (self.count, self._embedder.dimensions)
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
        self._table.close()
        shutil.rmtree(self._draft, ignore_errors=True)


def _write_index(vectors: HalfArray, path: Path) -> Effort:
    index = trained_index(vectors)
    write_index(index, path)
    return effort_for(index, vectors)


def _model(embedder: Embedder) -> ModelRef:
    return ModelRef(
        name=embedder.card.name,
        sha256=embedder.sha256,
        input_px=embedder.input_px,
        dimensions=embedder.dimensions,
    )


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
