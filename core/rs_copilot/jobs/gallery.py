"""What the jobs that look things up in a gallery share: opening it with its network, and tiles as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from rs_copilot.geo.crs import convergence_deg
from rs_copilot.jobs.context import JobContext
from rs_copilot.localization.assumptions import Assumptions
from rs_copilot.localization.retrieve import Guess, Retriever, guesses
from rs_copilot.localization.view import nadir_view
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.retrieval.gallery import Gallery, RasterRef, open_gallery, require_model
from rs_copilot.types import FloatArray, SizeWH, Telemetry, TelemetryUse
from rs_copilot.vector import build, schema

METHOD = "retrieval"
# A raster wider than this is no limit to how wide a frame can be.
NO_LIMIT_M = 1e7
# Where the scale is unknown only proportions count.
ANY_WIDTH_M = 100.0


@dataclass(frozen=True)
class RankedTile:
    """A tile that a frame may show; ``rank`` counts from 1."""

    frame: int
    time_s: float
    rank: int
    score: float
    tile: int


def open_retriever(index: Path, weights: Path | None, context: JobContext) -> Retriever:
    """A gallery with the network that made it; warns of rasters that changed since.

    Raises:
        BadInputError: either cannot be used, or they do not belong together.
        MissingDependencyError: a package, the device or the network is missing.
    """
    gallery = open_gallery(index)
    embedder = open_embedder(weights, context.device)
    require_model(gallery, embedder)
    for path in changed_rasters(gallery):
        context.warn(f"{path} has changed since it was indexed: index it again to find what is on it now")
    return Retriever(gallery, embedder)


def changed_rasters(gallery: Gallery) -> list[str]:
    """Files of a gallery that are still there, but with another size or time of change."""
    return [
        raster.path
        for raster in gallery.manifest.rasters
        for path in [Path(raster.path)]
        if raster.size_bytes is not None
        and path.is_file()
        and (path.stat().st_size, path.stat().st_mtime) != (raster.size_bytes, raster.modified)
    ]


def guesses_for(
    gallery: Gallery,
    size: SizeWH,
    told: Telemetry | None,
    width_m: float | None = None,
    heading_deg: float | None = None,
) -> list[Guess]:
    """How to draw a frame: from what was said about it, then from what telemetry says, else every way."""
    grid_deg = grid_convergence_deg(gallery)
    if heading_deg is None and told is not None:
        heading_deg = told.yaw_deg
    shape = None
    if width_m is None and told is not None:
        assumed = Assumptions(TelemetryUse.ALL, grid_deg, (NO_LIMIT_M, NO_LIMIT_M))
        shape = assumed.base(size, replace(told, yaw_deg=heading_deg or 0.0))
    scale_known = shape is not None or width_m is not None
    if shape is None:
        shape = nadir_view(size, width_m or ANY_WIDTH_M, (heading_deg or 0.0) - grid_deg)
    sides = gallery.manifest.sides_m
    return guesses(shape, sides, scale_known=scale_known, heading_known=heading_deg is not None)


def provenance_of(gallery: Gallery, clip: str) -> build.Provenance:
    """What goes into every row about a gallery's tiles."""
    model = gallery.manifest.model
    return build.Provenance(clip, METHOD, model.name, model.sha256)


def raster_of(gallery: Gallery, tile: int) -> RasterRef:
    """The raster that a tile was cut from."""
    return gallery.manifest.rasters[int(gallery.tiles.raster[tile])]


def tile_corners_m(gallery: Gallery, tile: int) -> FloatArray:
    """Corners of a tile in its raster's metric CRS, from the north-west clockwise. Shape (4, 2)."""
    half = gallery.tiles.side_m[tile] / 2
    signs = np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    return np.asarray(gallery.tiles.center_xy_m[tile] + half * signs)


def grid_convergence_deg(gallery: Gallery) -> float:
    """Azimuth of grid north in the middle of the first raster: tiles are drawn to grid north."""
    raster = gallery.manifest.rasters[0]
    west, south, east, north = raster.bounds_m
    middle = np.array([(west + east) / 2, (south + north) / 2])
    return convergence_deg(middle, pyproj.CRS.from_user_input(raster.metric_crs))


def candidates_table(
    gallery: Gallery, ranked: Sequence[RankedTile], scene_crs: pyproj.CRS, provenance: build.Provenance
) -> gpd.GeoDataFrame:
    """Rows of the layer ``candidates``; rasters of a gallery may each have a CRS of their own."""
    by_crs: dict[str, list[RankedTile]] = {}
    for item in ranked:
        by_crs.setdefault(raster_of(gallery, item.tile).metric_crs, []).append(item)
    parts = [
        _rows(gallery, some, build.Grid(pyproj.CRS.from_user_input(crs), scene_crs), provenance)
        for crs, some in by_crs.items()
    ]
    if not parts:
        return _rows(gallery, [], build.Grid(scene_crs, scene_crs), provenance)
    together = pd.concat(parts).sort_values(["frame", "rank"])
    return gpd.GeoDataFrame(together.reset_index(drop=True), crs=scene_crs)


def _rows(
    gallery: Gallery, ranked: Sequence[RankedTile], grid: build.Grid, provenance: build.Provenance
) -> gpd.GeoDataFrame:
    rows = [
        {"frame": item.frame, "time_s": item.time_s, "rank": item.rank, "score": item.score}
        for item in ranked
    ]
    shapes = [shapely.Polygon(tile_corners_m(gallery, item.tile)) for item in ranked]
    return build.build_table(schema.CANDIDATES, rows, shapes, grid, provenance)
