"""The double-angle gradient-orientation field: what an image looks like when light and season are taken away.

A gradient (gx, gy) becomes the complex number (gx + i gy)^2. Squaring doubles the angle, so that an edge
from dark to bright and the same edge from bright to dark agree, as they must between a summer photo and a
winter map. The number is averaged over a small neighbourhood and divided by the local mean magnitude:
what remains is the direction of edges, weighted by how clearly the neighbourhood has one (the coherence of
Bigun and Granlund, Optimal orientation detection of linear symmetry, ICCV 1987). Correlating such fields
by FFT is orientation correlation (Fitch et al., Orientation correlation, BMVC 2002).
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from rs_copilot.types import BoolArray, ByteImage, Float32Array

ComplexField: TypeAlias = NDArray[np.complex64]

SMOOTHING_PX = 0.7
INTEGRATION_PX = 0.7
# The magnitude is normalised over this radius: wider than a roof edge, narrower than a block.
NORMALISATION_PX = 6.0


def to_gray(image: ByteImage) -> Float32Array:
    """``(H, W)`` float32 luminance of a grey or RGB image."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    return np.asarray(gray, dtype=np.float32)


def orientation_field(image: ByteImage, valid: BoolArray) -> ComplexField:
    """Complex double-angle field of an image, shape ``(H, W)``, magnitude at most about 1.

    It is zero where ``valid`` is false and within the filters' reach of such pixels, so that the border of
    the data is never taken for an edge.
    """
    gray = cv2.GaussianBlur(to_gray(image), (0, 0), SMOOTHING_PX)
    gx = cv2.Scharr(gray, cv2.CV_32F, 1, 0, scale=1 / 32)
    gy = cv2.Scharr(gray, cv2.CV_32F, 0, 1, scale=1 / 32)
    inside = erode(valid, 4)
    gx[~inside] = 0.0
    gy[~inside] = 0.0
    squared = (gx + 1j * gy) ** 2
    magnitude = np.abs(squared)
    # The square root of the magnitude keeps strong roofs from drowning everything else.
    squared *= 1.0 / np.sqrt(np.maximum(magnitude, 1e-6))
    smooth = _blur(squared.real, INTEGRATION_PX) + 1j * _blur(squared.imag, INTEGRATION_PX)
    level = _blur(np.sqrt(magnitude), NORMALISATION_PX)
    field = smooth / (level + 0.5)
    field /= np.maximum(1.0, np.abs(field) / 2.0)
    field[~inside] = 0.0
    return np.asarray(field, dtype=np.complex64)


def _blur(image: Float32Array, sigma_px: float) -> Float32Array:
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(image, dtype=np.float32), (0, 0), sigma_px))


def erode(valid: BoolArray, radius_px: int) -> BoolArray:
    """Take ``radius_px`` off the edges of a mask; beyond the array nothing is valid."""
    kernel = np.ones((2 * radius_px + 1, 2 * radius_px + 1), dtype=np.uint8)
    padded = cv2.copyMakeBorder(valid.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(eroded[1:-1, 1:-1], dtype=bool)
