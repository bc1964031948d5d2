"""How well tiles were retrieved, measured against true places. Pure, except for `read_truth`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pyproj

from rs_copilot.errors import BadInputError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.retrieval.gallery import RasterRef
from rs_copilot.retrieval.table import TileTable
from rs_copilot.types import BoolArray, FloatArray, LonLat

DRAWS = 2000
_HINT = "Give a CSV with the columns file or frame, center_lon and center_lat, or a demo world's truth.gpkg."


@dataclass(frozen=True)
class RetrievalScore:
    """``ranks`` of the first hit by query, from 1; 0 where there was none among those looked at."""

    ranks: np.ndarray[tuple[int], np.dtype[np.int64]]

    def recall(self, count: int) -> float:
        """Share of queries with a hit among the best ``count``; NaN of nothing."""
        return float(self._hits(count).mean()) if len(self.ranks) else float("nan")

    def interval(self, count: int) -> tuple[float, float]:
        """95 % interval of the recall, by drawing queries again (bootstrap); NaN of nothing."""
        hits, rng = self._hits(count), np.random.default_rng(0)
        if not len(hits):
            return float("nan"), float("nan")
        means = hits[rng.integers(0, len(hits), (DRAWS, len(hits)))].mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        return float(low), float(high)

    def _hits(self, count: int) -> BoolArray:
        return (self.ranks > 0) & (self.ranks <= count)


def first_hit(found: Sequence[int], hits: BoolArray) -> int:
    """Rank of the first tile that is a hit, from 1; 0 where none is. ``hits`` is ``(N,)`` over all tiles."""
    return next((rank for rank, tile in enumerate(found, 1) if hits[tile]), 0)


def hits_of(tiles: TileTable, rasters: Sequence[RasterRef], place: LonLat) -> BoolArray:
    """Tiles that show a place: it lies in them, within half a side of their centre. Shape (N,)."""
    out = np.zeros(len(tiles), dtype=bool)
    for number, raster in enumerate(rasters):
        own = tiles.raster == number
        point = geo_crs.from_lonlat(place, pyproj.CRS.from_user_input(raster.metric_crs))
        out[own] = is_near(tiles.center_xy_m[own], tiles.side_m[own], point)
    return out


def is_near(centers_m: FloatArray, sides_m: FloatArray, point_m: FloatArray) -> BoolArray:
    """Whether a point lies within half a side of tiles' centres. Shapes (N, 2), (N,), (2,) to (N,)."""
    return np.asarray(np.linalg.norm(centers_m - point_m, axis=1) <= sides_m / 2)


def read_truth(path: Path) -> dict[str, LonLat]:
    """Ground points at image centres, by file name or by frame number as text.

    Raises:
        BadInputError: the file says nothing of that kind.
    """
    rows = _rows_of_csv(path) if path.suffix.lower() == ".csv" else _rows_of_world(path)
    try:
        found = {
            row.get("file") or row["frame"]: LonLat(float(row["center_lon"]), float(row["center_lat"]))
            for row in rows
            if row["center_lon"] and row["center_lat"]
        }
    except (KeyError, ValueError) as error:
        raise BadInputError(f"{path} has no true places that can be read: {error}", hint=_HINT) from error
    if not found:
        raise BadInputError(f"{path} has no true places", hint=_HINT)
    return found


def _rows_of_csv(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} cannot be read: {error}", hint=_HINT) from error


def _rows_of_world(path: Path) -> list[dict[str, str]]:
    try:
        table = pyogrio.read_dataframe(path, layer="frames", read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise BadInputError(f"{path} cannot be read: {error}", hint=_HINT) from error
    names = {"frame", "lon", "lat"}
    if not names <= set(table.columns):
        raise BadInputError(f"{path} has no fields frame, lon, lat in its layer frames", hint=_HINT)
    return [
        {"frame": str(row.frame), "center_lon": str(row.lon), "center_lat": str(row.lat)}
        for row in table.itertuples()
    ]
