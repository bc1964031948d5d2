"""A small network, and a map of generated texture with a gallery over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.index import IndexParams, run
from rs_copilot.retrieval.embedder import Embedder, open_embedder

from .standin import write_standin

GSD_M = 1.0
WEST_M, NORTH_M = 500_000.0, 5_000_000.0


def texture(height_px: int, width_px: int, seed: int) -> np.ndarray:
    """Blotches of colour at several sizes, different everywhere. ``(H, W, 3)``."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height_px, width_px, 3), dtype=np.float32)
    for step in (8, 24, 64):
        coarse = rng.normal(size=(height_px // step + 2, width_px // step + 2, 3)).astype(np.float32)
        total += cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(127 + 45 * total, 1, 255).astype(np.uint8)


def write_map(path: Path, image: np.ndarray, *, east_m: float = 0.0, nodata: int | None = None) -> Path:
    options = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": "EPSG:32633", "nodata": nodata}
    height, width = image.shape[:2]
    transform = from_origin(WEST_M + east_m, NORTH_M, GSD_M, GSD_M)
    with rasterio.open(path, "w", height=height, width=width, transform=transform, **options) as target:
        target.write(np.moveaxis(image, -1, 0))
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx", reason="the stand-in network is written with onnx")
    pytest.importorskip("onnxruntime", reason="networks run on onnxruntime")
    pytest.importorskip("faiss", reason="galleries are searched with faiss")
    return write_standin(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def embedder(weights: Path) -> Embedder:
    return open_embedder(weights, "cpu")


@pytest.fixture(scope="session")
def map_image() -> np.ndarray:
    return texture(300, 420, seed=5)


@pytest.fixture(scope="session")
def map_path(map_image: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_map(tmp_path_factory.mktemp("map") / "map.tif", map_image)


@pytest.fixture(scope="session")
def index_path(map_path: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gallery") / "map.index"
    run(IndexParams(rasters=[str(map_path)], out=out, weights=weights, scales_m=[60, 120]), JobContext())
    return out
