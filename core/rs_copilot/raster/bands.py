"""From any bands to RGB bytes (pure): which bands to show, and one stretch for the whole raster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs_copilot.types import BoolArray, ByteImage, FloatArray

STRETCH_PERCENTILES = (1.0, 99.0)


def bands_to_show(roles: Sequence[str]) -> tuple[int, ...]:
    """1-based bands for red, green and blue, or the one band that serves as grey.

    ``roles`` are GDAL's colour interpretations, lower case. Declared red, green and blue win; else the
    first three bands that are no alpha, in file order; fewer than three count as grey.
    """
    named = [roles.index(role) + 1 for role in ("red", "green", "blue") if role in roles]
    if len(named) == 3:
        return tuple(named)
    usable = [number for number, role in enumerate(roles, start=1) if role != "alpha"]
    return tuple(usable[:3]) if len(usable) >= 3 else tuple(usable[:1])


@dataclass(frozen=True)
class Stretch:
    """Linear map of each band to bytes: ``low`` to 0 and ``high`` to 255; arrays of shape (bands,)."""

    low: FloatArray
    high: FloatArray

    @classmethod
    def from_sample(cls, values: NDArray[np.generic], valid: BoolArray) -> Stretch:
        """From ``(bands, N)`` sample values: 1st to 99th percentile of the valid, finite ones."""
        limits = [_limits(band[valid & np.isfinite(band)]) for band in values.astype(np.float64)]
        return cls(np.array([low for low, _ in limits]), np.array([high for _, high in limits]))

    def apply(self, bands: NDArray[np.generic]) -> ByteImage:
        """``(bands, H, W)`` values as an (H, W, 3) image; a single band becomes grey; NaN becomes 0."""
        image = np.empty((*bands.shape[1:], 3), dtype=np.uint8)
        for channel, (band, low, high) in enumerate(zip(bands, self.low, self.high, strict=True)):
            scaled = (band.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
            image[..., channel] = np.nan_to_num(np.clip(scaled, 0.0, 255.0)).astype(np.uint8)
        return _grey(image, len(bands))


def _limits(values: FloatArray) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, STRETCH_PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def bytes_to_rgb(bands: NDArray[np.generic]) -> ByteImage:
    """``(1 or 3, H, W)`` bytes as they are, shape (H, W, 3)."""
    image = np.empty((*bands.shape[1:], 3), dtype=np.uint8)
    image[..., : len(bands)] = np.moveaxis(bands, 0, -1)
    return _grey(image, len(bands))


def _grey(image: ByteImage, band_count: int) -> ByteImage:
    if band_count == 1:
        image[..., 1:] = image[..., :1]
    return image
