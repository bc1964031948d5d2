"""The tiles of a gallery as a table: columns in memory, GeoParquet on disk, written row group by row group.

GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0): footprints as WKB polygons in EPSG:4326, their
bounds in a column of their own so that readers can skip row groups.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray

from rs_copilot import __version__
from rs_copilot.geo import crs as geo_crs
from rs_copilot.types import Float32Array, FloatArray

ROWS_PER_GROUP = 50_000
BOUNDS = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("raster", "x_m", "y_m", "side_m", "valid_share")

Fingerprints = NDArray[np.int64]


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


class TableWriter:
    """Writes tiles as they come; holds one row group in memory. Close it."""

    def __init__(self, path: Path, metric_crs: Sequence[pyproj.CRS]) -> None:
        self._crs = list(metric_crs)
        self._file = pq.ParquetWriter(path, _schema())
        self._waiting: list[TileTable] = []
        self._fingerprints: list[Fingerprints] = []
        self._written = 0

    def add(self, tiles: TileTable, fingerprints: Fingerprints) -> None:
        """Append tiles."""
        self._waiting.append(tiles)
        self._fingerprints.append(fingerprints)
        if sum(map(len, self._waiting)) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the end of the file; closing twice is allowed."""
        if self._waiting:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        tiles = TileTable.join(self._waiting)
        columns = {
            "tile": np.arange(self._written, self._written + len(tiles), dtype=np.int64),
            "raster": tiles.raster,
            "x_m": tiles.center_xy_m[:, 0],
            "y_m": tiles.center_xy_m[:, 1],
            "side_m": tiles.side_m,
            "valid_share": tiles.valid_share,
            "fingerprint": np.concatenate(self._fingerprints),
            **_geometry(footprints_lonlat(tiles, self._crs)),
        }
        self._file.write_table(pa.table(columns, schema=_schema()), row_group_size=len(tiles))
        self._written += len(tiles)
        self._waiting.clear()
        self._fingerprints.clear()


def footprints_lonlat(tiles: TileTable, metric_crs: Sequence[pyproj.CRS]) -> FloatArray:
    """Corners of tiles in longitude and latitude, from the north-west clockwise. Shape (N, 4, 2)."""
    corners = np.zeros((len(tiles), 4, 2))
    signs = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]])
    for number in np.unique(tiles.raster):
        own = tiles.raster == number
        xy_m = tiles.center_xy_m[own, None] + signs * tiles.side_m[own, None, None]
        corners[own] = geo_crs.to_lonlat(xy_m.reshape(-1, 2), metric_crs[number]).reshape(-1, 4, 2)
    return corners


def read_tiles(path: Path) -> TileTable:
    """The columns that a search needs; the footprints are for people and other programs.

    Raises:
        OSError: there is no such file.
        ValueError: it is no Parquet file.
        KeyError: a column is missing.
    """
    table = _read(path, COLUMNS)
    raster, x_m, y_m, side_m, valid_share = (table[name].to_numpy() for name in COLUMNS)
    return TileTable(raster.astype(np.int32, copy=False), np.stack([x_m, y_m], axis=1), side_m, valid_share)


def read_fingerprints(path: Path) -> Fingerprints:
    """What the tiles looked like, ``(N,)``; raises what `read_tiles` does."""
    found: Fingerprints = _read(path, ["fingerprint"])["fingerprint"].to_numpy()
    return found


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    # Arrow's datasets, which `read_table` brings in, take more memory than the table.
    with pq.ParquetFile(path) as file:
        return file.read(columns=list(columns))


def _geometry(corners: FloatArray) -> dict[str, Any]:
    """The columns of footprints: WKB, and their bounds."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    sides = (low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    return {
        "geometry": pa.array(shapely.to_wkb(shapely.polygons(corners)), type=pa.binary()),
        "bbox": pa.StructArray.from_arrays([pa.array(side) for side in sides], names=list(BOUNDS)),
    }


def _schema() -> pa.Schema:
    """Types of the columns with the ``geo`` entry that makes the file GeoParquet."""
    covering = {"bbox": {name: ["bbox", name] for name in BOUNDS}}
    geometry = {
        "encoding": "WKB",
        "geometry_types": ["Polygon"],
        "crs": pyproj.CRS.from_user_input(geo_crs.WGS84).to_json_dict(),
        "edges": "planar",
        "covering": covering,
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    fields = {
        "tile": pa.int64(),
        "raster": pa.int32(),
        "x_m": pa.float64(),
        "y_m": pa.float64(),
        "side_m": pa.float64(),
        "valid_share": pa.float32(),
        "fingerprint": pa.int64(),
        "geometry": pa.binary(),
        "bbox": pa.struct([(name, pa.float64()) for name in BOUNDS]),
    }
    return pa.schema(list(fields.items()), metadata={"geo": json.dumps(geo), "rs-copilot": __version__})
