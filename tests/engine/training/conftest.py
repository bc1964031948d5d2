"""Small ground to train on: streets, roofs and fields of random places, written as GeoTIFFs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio

pytest.importorskip("torch", reason="training needs torch: install the extra `train`")
pytest.importorskip("onnx", reason="exporting needs onnx: install the extra `train`")


def draw_town(side_px: int, seed: int) -> np.ndarray:
    """``(side, side, 3)`` uint8 with something distinct everywhere."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.uniform(60, 120, (12, 12, 3)).astype(np.float32), (side_px, side_px))
    for _ in range(side_px // 2):
        size = rng.uniform(4, 30, 2)
        box = cv2.boxPoints((tuple(rng.uniform(0, side_px, 2)), tuple(size), float(rng.uniform(0, 180))))
        cv2.fillConvexPoly(image, box.astype(np.int32), rng.uniform(20, 240, 3).tolist())
    for _ in range(8):
        ends = rng.uniform(0, side_px, (2, 2)).astype(int)
        cv2.line(image, tuple(ends[0].tolist()), tuple(ends[1].tolist()), (70, 70, 75), 5)
    return np.asarray(np.clip(image + rng.normal(0, 3, image.shape), 0, 255), dtype=np.uint8)


@pytest.fixture(scope="session")
def town_raster(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """Writes a town as GeoTIFF, 0.5 m, UTM."""

    def write(side_px: int, seed: int) -> Path:
        path = tmp_path_factory.mktemp("town") / f"town-{seed}.tif"
        profile = {
            "driver": "GTiff",
            "width": side_px,
            "height": side_px,
            "count": 3,
            "dtype": "uint8",
            "crs": "EPSG:32632",
            "transform": rasterio.Affine(0.5, 0.0, 500000.0, 0.0, -0.5, 5400000.0),
        }
        with rasterio.open(path, "w", **profile) as target:
            target.write(np.moveaxis(draw_town(side_px, seed), 2, 0))
        return path

    return write
