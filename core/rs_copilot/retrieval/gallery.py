"""A gallery on disk: embedded tiles of one or several rasters, and the search among them.

A gallery is a folder:

* ``manifest.json``: version, network, rasters, scales;
* ``tiles.parquet``: one row per tile with its footprint (GeoParquet, EPSG:4326), finest scale first;
* ``embeddings.npy``: ``(N, D)`` float16, row by row as in the table;
* ``index.faiss``: only where there are too many tiles to compare with each (see `nearest`).

New galleries are written beside the old one and take its place whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.errors import BadInputError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.retrieval.embedder import Embedder
from rs_copilot.retrieval.nearest import (
    HalfArray,
    IndexKind,
    fill_index,
    load_faiss,
    new_index,
    range_options,
)
from rs_copilot.retrieval.query import Ids
from rs_copilot.types import Float32Array, FloatArray

GALLERY_VERSION = 1
MANIFEST, TILES, EMBEDDINGS, INDEX = "manifest.json", "tiles.parquet", "embeddings.npy", "index.faiss"
# Quantised scores choose, exact ones rank: this many times the wanted number is compared again.
REFINE = 8
_HINT = "Give a folder that `rs-copilot index` wrote."


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


class Manifest(BaseModel):
    """What a gallery is. ``stride`` is the spacing of tiles in sides."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["rs-copilot-gallery"] = "rs-copilot-gallery"
    version: int = Field(default=GALLERY_VERSION, ge=1, le=GALLERY_VERSION)
    created_at: datetime
    engine: str
    model: ModelRef
    rasters: list[RasterRef]
    sides_m: list[float]
    stride: float
    tiles: int
    kind: IndexKind


@dataclass(frozen=True)
class TileTable:
    """Tiles as columns: number of the raster (N,), centre in its metric CRS (N, 2), side (N,), share of
    the tile that has data (N,).
    """

    raster: NDArray[np.int32]
    center_xy_m: FloatArray
    side_m: FloatArray
    valid_share: Float32Array

    def __post_init__(self) -> None:
        count = len(self.raster)
        shapes = (self.center_xy_m.shape, self.side_m.shape, self.valid_share.shape)
        if shapes != ((count, 2), (count,), (count,)):
            raise ValueError(f"expected columns of {count} tiles, found shapes {shapes}")

    def __len__(self) -> int:
        return len(self.raster)

    @staticmethod
    def join(parts: list[TileTable]) -> TileTable:
        """All rows of several tables, in order."""
        if not parts:
            empty = np.zeros(0)
            return TileTable(empty.astype(np.int32), np.zeros((0, 2)), empty, empty.astype(np.float32))
        return TileTable(
            np.concatenate([part.raster for part in parts]),
            np.concatenate([part.center_xy_m for part in parts]),
            np.concatenate([part.side_m for part in parts]),
            np.concatenate([part.valid_share for part in parts]),
        )


@dataclass(frozen=True)
class Gallery:
    """An opened gallery."""

    path: Path
    manifest: Manifest
    tiles: TileTable
    vectors: HalfArray
    index: Any

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
        wanted = (
            self.manifest.sides_m if sides_m is None else [s for s in self.manifest.sides_m if s in sides_m]
        )
        empty = (
            np.full((len(queries), 1), -1.0, dtype=np.float32),
            np.full((len(queries), 1), -1, dtype=np.int64),
        )
        parts = [self._search_side(queries, count, side) for side in wanted if len(queries)] or [empty]
        scores = np.concatenate([part[0] for part in parts], axis=1)
        ids = np.concatenate([part[1] for part in parts], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)

    def _search_side(self, queries: Float32Array, count: int, side_m: float) -> tuple[Float32Array, Ids]:
        first, last = np.searchsorted(self.tiles.side_m, [side_m, np.nextafter(side_m, np.inf)])
        exact = self.manifest.kind == "flat"
        wanted = int(min(count if exact else count * REFINE, last - first))
        if wanted <= 0:
            return np.zeros((len(queries), 0), dtype=np.float32), np.zeros((len(queries), 0), dtype=np.int64)
        options = range_options(self.index, self.manifest.kind, first, last)
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        scores, ids = self.index.search(queries, wanted, params=options)
        return (scores, ids) if exact else self._refined(queries, ids, count)

    def _refined(self, queries: Float32Array, ids: Ids, count: int) -> tuple[Float32Array, Ids]:
        """Rank what a quantised search chose by the stored embeddings."""
        scores = np.full(ids.shape, -1.0, dtype=np.float32)
        for row, (query, found) in enumerate(zip(queries, ids, strict=True)):
            real = found >= 0
            scores[row, real] = np.asarray(self.vectors[found[real]], dtype=np.float32) @ query
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


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
    """Open a gallery for searching; embeddings are mapped, not read.

    Raises:
        BadInputError: it is no gallery, from a later version, or incomplete.
        MissingDependencyError: faiss is not installed.
    """
    manifest = read_manifest(path)
    faiss = load_faiss()
    try:
        tiles = _read_tiles(path / TILES)
        vectors = np.load(path / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        if manifest.kind == "flat":
            index = new_index("flat", manifest.model.dimensions, manifest.tiles)
            fill_index(index, vectors)
        else:
            index = faiss.read_index(str(path / INDEX))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BadInputError(
            f"the index {path} is incomplete or damaged: {error}", hint="Index the raster again."
        ) from error
    counts = {manifest.tiles, len(tiles), len(vectors), int(index.ntotal)}
    if len(counts) != 1 or vectors.shape[1:] != (manifest.model.dimensions,):
        raise BadInputError(
            f"the index {path} does not fit together: {manifest.tiles} tiles in its manifest, "
            f"{len(tiles)} in its table, embeddings of shape {vectors.shape}",
            hint="Index the raster again.",
        )
    return Gallery(path, manifest, tiles, vectors, index)


def read_manifest(path: Path) -> Manifest:
    """What a gallery is, without opening it.

    Raises:
        BadInputError: it is no gallery, or from a later version.
    """
    try:
        return Manifest.model_validate_json((path / MANIFEST).read_bytes())
    except OSError as error:
        raise BadInputError(f"{path} is no index: it has no {MANIFEST}", hint=_HINT) from error
    except ValidationError as error:
        raise BadInputError(
            f"{path} is no index that this version can use: {error.errors()[0]['msg']}", hint=_HINT
        ) from error


def _read_tiles(path: Path) -> TileTable:
    # Only the columns are needed here; the footprints are for people and other programs.
    table = pd.read_parquet(path, columns=["raster", "x_m", "y_m", "side_m", "valid_share"])
    return TileTable(
        table["raster"].to_numpy(np.int32),
        table[["x_m", "y_m"]].to_numpy(np.float64),
        table["side_m"].to_numpy(np.float64),
        table["valid_share"].to_numpy(np.float32),
    )


def footprints(tiles: TileTable, rasters: list[RasterRef]) -> gpd.GeoDataFrame:
    """The table of tiles with their footprints in EPSG:4326, as the gallery keeps it."""
    corners = np.zeros((len(tiles), 4, 2))
    signs = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]])
    for number, raster in enumerate(rasters):
        own = tiles.raster == number
        xy_m = tiles.center_xy_m[own, None] + signs * tiles.side_m[own, None, None]
        crs = pyproj.CRS.from_user_input(raster.metric_crs)
        corners[own] = geo_crs.to_lonlat(xy_m.reshape(-1, 2), crs).reshape(-1, 4, 2)
    columns = {
        "tile": np.arange(len(tiles), dtype=np.int64),
        "raster": tiles.raster,
        "x_m": tiles.center_xy_m[:, 0],
        "y_m": tiles.center_xy_m[:, 1],
        "side_m": tiles.side_m,
        "valid_share": tiles.valid_share,
    }
    shapes = shapely.polygons(corners) if len(tiles) else []
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=geo_crs.WGS84), crs=geo_crs.WGS84)
