"""A gallery on disk: embedded tiles of one or several rasters, and the search among them.

A gallery is a folder:

* ``manifest.json``: version, network, rasters, scales and how each is searched;
* ``tiles.parquet``: one row per tile with its footprint (GeoParquet, EPSG:4326), finest scale first;
* ``embeddings.npy``: ``(N, D)`` float16, row by row as in the table;
* ``index-K.faiss``: only for scale K with too many tiles to compare with each (see `nearest`).

New galleries are written beside the old one and take its place whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyproj
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.errors import BadInputError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.retrieval.embedder import Embedder
from rs_copilot.retrieval.nearest import (
    Effort,
    HalfArray,
    IndexKind,
    flat_index,
    load_faiss,
    read_index,
    search,
)
from rs_copilot.retrieval.query import Ids
from rs_copilot.retrieval.table import TileTable, read_tiles
from rs_copilot.types import Float32Array, FloatArray

# 2: an index of its own for each scale, fingerprints of tiles.
GALLERY_VERSION = 2
MANIFEST, TILES, EMBEDDINGS = "manifest.json", "tiles.parquet", "embeddings.npy"
_HINT = "Give a folder that `rs-copilot index` wrote."


def index_name(number: int) -> str:
    """The file with the index of a scale, by its number in the manifest."""
    return f"index-{number}.faiss"


class ModelRef(BaseModel):
    """The network that made the embeddings."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    sha256: str
    input_px: int
    dimensions: int


class RasterRef(BaseModel):
    """A raster as it was when it was embedded; ``bounds_m`` in ``metric_crs``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    size_bytes: int | None
    modified: float | None
    crs: str
    metric_crs: str
    gsd_m: float
    bounds_m: tuple[float, float, float, float]


class ScaleRef(BaseModel):
    """The tiles of one ground side: a run of rows, and how it is searched (see `nearest.Effort`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    side_m: float
    tiles: int = Field(gt=0)
    kind: IndexKind
    probes: int = 0
    refine: int = 1
    recall: float = 1.0

    @property
    def effort(self) -> Effort:
        """How thoroughly it is searched."""
        return Effort(self.probes, self.refine, self.recall)


class Manifest(BaseModel):
    """What a gallery is. ``stride`` is the spacing of tiles in sides; scales from fine to coarse."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["rs-copilot-gallery"] = "rs-copilot-gallery"
    version: int = GALLERY_VERSION
    created_at: datetime
    engine: str
    model: ModelRef
    rasters: list[RasterRef]
    stride: float
    scales: list[ScaleRef]

    @property
    def tiles(self) -> int:
        """Tiles of all scales."""
        return sum(scale.tiles for scale in self.scales)

    @property
    def sides_m(self) -> list[float]:
        """Ground sides, ascending."""
        return [scale.side_m for scale in self.scales]

    @property
    def kind(self) -> IndexKind:
        """How the scale with the most tiles is searched."""
        return max(self.scales, key=lambda scale: scale.tiles).kind

    def rows(self, number: int) -> slice:
        """The rows of a scale in the table and among the embeddings."""
        first = sum(scale.tiles for scale in self.scales[:number])
        return slice(first, first + self.scales[number].tiles)


class _Kind(BaseModel):
    """What every version of a manifest says."""

    format: Literal["rs-copilot-gallery"]
    version: int


@dataclass(frozen=True)
class Gallery:
    """An opened gallery; ``indexes`` scale by scale."""

    path: Path
    manifest: Manifest
    tiles: TileTable
    vectors: HalfArray
    indexes: tuple[Any, ...]

    @cached_property
    def lonlat(self) -> FloatArray:
        """Longitude and latitude of the tiles' centres, degrees. Shape (N, 2)."""
        out = np.zeros((len(self.tiles), 2))
        for number, raster in enumerate(self.manifest.rasters):
            own = self.tiles.raster == number
            out[own] = geo_crs.to_lonlat(
                self.tiles.center_xy_m[own], pyproj.CRS.from_user_input(raster.metric_crs)
            )
        return out

    def search(
        self, queries: Float32Array, count: int, sides_m: tuple[float, ...] | None = None
    ) -> tuple[Float32Array, Ids]:
        """The most similar tiles of each query, best first, by exact cosine similarity.

        Args:
            queries: ``(Q, D)`` of length 1.
            count: tiles per query at most.
            sides_m: only tiles of these ground sides.

        Returns:
            Scores and numbers of tiles, each ``(Q, K)``; where a query has fewer, -1 with score -1.
        """
        numbers = [
            number
            for number, side_m in enumerate(self.manifest.sides_m)
            if sides_m is None or side_m in sides_m
        ]
        empty = (
            np.full((len(queries), 1), -1.0, dtype=np.float32),
            np.full((len(queries), 1), -1, dtype=np.int64),
        )
        parts = [self._search_scale(queries, count, number) for number in numbers if len(queries)] or [empty]
        scores = np.concatenate([part[0] for part in parts], axis=1)
        ids = np.concatenate([part[1] for part in parts], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)

    def _search_scale(self, queries: Float32Array, count: int, number: int) -> tuple[Float32Array, Ids]:
        rows, effort = self.manifest.rows(number), self.manifest.scales[number].effort
        scores, ids = search(self.indexes[number], self.vectors[rows], queries, count, effort)
        return scores, np.where(ids >= 0, ids + rows.start, -1)


def require_model(gallery: Gallery, embedder: Embedder) -> None:
    """Check that queries and tiles were embedded by the same network.

    Raises:
        BadInputError: they were not.
    """
    made_by = gallery.manifest.model
    if made_by.sha256 != embedder.sha256:
        raise BadInputError(
            f"the index {gallery.path} was made by {made_by.name} ({made_by.sha256[:12]}…), "
            f"but this network is {embedder.card.name} ({embedder.sha256[:12]}…)",
            hint="Index the raster again with this network, or give the other one with --weights.",
        )


def open_gallery(path: Path) -> Gallery:
    """Open a gallery for searching; embeddings and inverted files are mapped, not read.

    Raises:
        BadInputError: it is no gallery, from another version, or incomplete.
        MissingDependencyError: faiss is not installed.
    """
    manifest = read_manifest(path)
    load_faiss()
    try:
        tiles = read_tiles(path / TILES)
        vectors = np.load(path / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        _check_counts(path, manifest, tiles, vectors)
        indexes = tuple(
            _open_index(path / index_name(number), scale, vectors[manifest.rows(number)])
            for number, scale in enumerate(manifest.scales)
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BadInputError(
            f"the index {path} is incomplete or damaged: {error}", hint="Index the raster again."
        ) from error
    return Gallery(path, manifest, tiles, vectors, indexes)


def _check_counts(path: Path, manifest: Manifest, tiles: TileTable, vectors: HalfArray) -> None:
    if (len(tiles), *vectors.shape) != (manifest.tiles, manifest.tiles, manifest.model.dimensions):
        raise BadInputError(
            f"the index {path} does not fit together: {manifest.tiles} tiles in its manifest, "
            f"{len(tiles)} in its table, embeddings of shape {vectors.shape}",
            hint="Index the raster again.",
        )


def _open_index(path: Path, scale: ScaleRef, vectors: HalfArray) -> Any:  # noqa: ANN401  faiss has no types
    if scale.kind == "flat":
        return flat_index(vectors)
    index = read_index(path)
    if (index.ntotal, index.d) != vectors.shape:
        raise ValueError(f"{path.name} holds {index.ntotal} of {len(vectors)} tiles")
    return index


def read_manifest(path: Path) -> Manifest:
    """What a gallery is, without opening it.

    Raises:
        BadInputError: it is no gallery, or from another version.
    """
    try:
        text = (path / MANIFEST).read_bytes()
        version = _Kind.model_validate_json(text).version
        if version != GALLERY_VERSION:
            raise _other_version(path, version)
        return Manifest.model_validate_json(text)
    except OSError as error:
        raise BadInputError(f"{path} is no index: it has no {MANIFEST}", hint=_HINT) from error
    except ValidationError as error:
        raise BadInputError(
            f"{path} is no index that this version can use: {error.errors()[0]['msg']}", hint=_HINT
        ) from error


def _other_version(path: Path, found: int) -> BadInputError:
    age = "an earlier" if found < GALLERY_VERSION else "a later"
    return BadInputError(
        f"the index {path} is from {age} version of RS Copilot: its format is {found}, "
        f"this version reads {GALLERY_VERSION}",
        hint="Index the rasters again: `rs-copilot index RASTER... --out` with the same folder replaces it.",
    )
