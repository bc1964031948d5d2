"""Rasters of known pixels for the tile engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

GSD_M = 0.5


def write_raster(
    path: Path,
    bands: np.ndarray,
    *,
    crs: str = "EPSG:32633",
    gsd: float = GSD_M,
    origin: tuple[float, float] = (500000.0, 5300000.0),
    **profile: object,
) -> Path:
    """``(C, H, W)`` bands as a tiled GeoTIFF."""
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=count, dtype=bands.dtype, crs=crs,
        transform=from_origin(*origin, gsd, gsd), tiled=True, blockxsize=64, blockysize=64,
        compress="deflate", **profile,
    ) as target:  # fmt: skip
        target.write(bands)
    return path


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Three bands without a black pixel."""
    return np.random.default_rng(seed).integers(1, 255, (3, height, width), dtype=np.uint8)
