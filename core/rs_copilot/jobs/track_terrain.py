"""Which elevation raster tracking uses, and reading the part of it that a clip needs."""

from __future__ import annotations

import math

import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localized import params_of_localize, text_of, where_now
from rs_copilot.raster.source import read_elevation
from rs_copilot.tracking.relief import Terrain
from rs_copilot.vector.build import footprint
from rs_copilot.vector.placements import ClipPlacements

# Lines of sight end on the terrain beside the flat footprint.
MARGIN_M = 50.0
# Relief of roads and fields; more cells than this would only cost memory.
MIN_CELL_M, MAX_CELLS = 1.0, 16_000_000


def read_terrain(scene: str, clip: ClipPlacements, dem: str | None, context: JobContext) -> Terrain | None:
    """The terrain under a clip: from the raster that was named, else from the one that localize had.

    Raises:
        RasterError: the raster that was named cannot be read.
        MissingCrsError: it does not say where on Earth it lies.
    """
    localized_on = text_of(params_of_localize(scene, clip.clip), "dem")
    path = dem if dem is not None else localized_on
    if path is None:
        return None
    if all(place is None for place in clip.cameras):
        context.warn(f"cameras of {clip.clip} are unknown: what moves is laid on flat ground, not on {path}")
        return None
    bounds = _bounds_m(clip)
    cell_m = max(MIN_CELL_M, math.sqrt((bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / MAX_CELLS))
    try:
        terrain = read_elevation(where_now(path, scene), bounds, cell_m, clip.metric_crs)
    except BadInputError as error:
        if dem is not None:
            raise
        context.warn(f"ground is taken for flat, the elevation raster of localize is gone: {error.message}")
        return None
    return Terrain(terrain.at, holds_cameras=localized_on is not None)


def _bounds_m(clip: ClipPlacements) -> tuple[float, float, float, float]:
    boxes = np.array(
        [
            footprint(item.map_from_px, item.size).bounds
            for item in clip.placements
            if item.map_from_px is not None and item.size is not None
        ]
    )
    west, south = boxes[:, :2].min(axis=0) - MARGIN_M
    east, north = boxes[:, 2:].max(axis=0) + MARGIN_M
    return float(west), float(south), float(east), float(north)
