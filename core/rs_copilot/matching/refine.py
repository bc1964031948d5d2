"""Local refinement: many small windows of a patch each find their own offset on the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import scipy.fft

from rs_copilot.matching.correlate import FFT_WORKERS, subpixel
from rs_copilot.matching.orientation import ComplexField
from rs_copilot.types import BoolArray, Float32Array, FloatArray

MIN_COVERAGE = 0.6
# A peak is as wide as an edge is blurred; a rival beyond this radius is another place.
CLEAR_RADIUS_PX = 4


@dataclass(frozen=True)
class Offsets:
    """Where windows centred at ``points_px`` went: ``(N, 2)`` points and offsets, ``(N,)`` correlations.

    ``clarity`` says how much lower the correlation is everywhere else, as a share of the best: near 0 for
    furrows and rails, along which a window slides without losing anything.
    """

    points_px: FloatArray
    offsets_px: FloatArray
    values: FloatArray
    clarity: FloatArray

    def __len__(self) -> int:
        return len(self.values)


def window_offsets(
    patch: ComplexField, mask: BoolArray, surroundings: ComplexField, *, window_px: int, reach_px: int
) -> Offsets:
    """Offset of every window of a patch within its surroundings.

    Args:
        patch: ``(h, w)`` field of the frame.
        mask: ``(h, w)``, where it has data.
        surroundings: ``(h + 2 reach, w + 2 reach)`` field of the map around the same place.
        window_px: side of the windows; neighbours overlap by half.
        reach_px: largest offset looked for along each axis.
    """
    corners = _window_corners(mask, window_px)
    if not corners:
        return Offsets(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    side = window_px + 2 * reach_px
    small = np.stack([patch[r : r + window_px, c : c + window_px] for r, c in corners])
    large = np.stack([surroundings[r : r + side, c : c + side] for r, c in corners])
    surfaces = _surfaces(small, large, reach_px)
    found = [_best(surface, reach_px) for surface in surfaces]
    points = np.array([[c + window_px / 2, r + window_px / 2] for r, c in corners])
    table = np.array(found)
    return Offsets(points, table[:, :2], table[:, 2], table[:, 3])


def _window_corners(mask: BoolArray, window_px: int) -> list[tuple[int, int]]:
    step = window_px // 2
    height, width = mask.shape
    covered = cv2.integral(mask.astype(np.uint8))
    least = MIN_COVERAGE * window_px**2
    return [
        (r, c)
        for r in range(0, height - window_px + 1, step)
        for c in range(0, width - window_px + 1, step)
        if covered[r + window_px, c + window_px]
        - covered[r, c + window_px]
        - covered[r + window_px, c]
        + covered[r, c]
        >= least
    ]


def _surfaces(small: ComplexField, large: ComplexField, reach_px: int) -> Float32Array:
    """Normalised correlations ``(N, 2 reach + 1, 2 reach + 1)`` of N windows for every offset."""
    side = large.shape[1]
    spectrum = scipy.fft.fft2(large, workers=FFT_WORKERS)
    spectrum *= np.conj(scipy.fft.fft2(small, (side, side), workers=FFT_WORKERS))
    extent = 2 * reach_px + 1
    similarity = scipy.fft.ifft2(spectrum, workers=FFT_WORKERS).real[:, :extent, :extent]
    own = np.sum(np.abs(small) ** 2, axis=(1, 2))
    window = small.shape[1]
    power = np.abs(large) ** 2
    summed = np.cumsum(np.cumsum(np.pad(power, ((0, 0), (1, 0), (1, 0))), axis=1, dtype=np.float64), axis=2)
    energy = (
        summed[:, window : window + extent, window : window + extent]
        - summed[:, :extent, window : window + extent]
        - summed[:, window : window + extent, :extent]
        + summed[:, :extent, :extent]
    )
    floor = np.maximum(energy, 0.2 * own[:, None, None] + 1e-3)
    return np.asarray(similarity / np.sqrt(floor * (own[:, None, None] + 1e-3)), dtype=np.float32)


def _best(surface: Float32Array, reach_px: int) -> tuple[float, float, float, float]:
    """Offset in x and y, correlation and clarity of one window's surface."""
    row, col = (int(i) for i in np.unravel_index(int(np.argmax(surface)), surface.shape))
    dr, dc = subpixel(surface, row, col)
    best = float(surface[row, col])
    rows, cols = np.ogrid[: surface.shape[0], : surface.shape[1]]
    elsewhere = (rows - row) ** 2 + (cols - col) ** 2 > CLEAR_RADIUS_PX**2
    rival = float(np.max(surface, where=elsewhere, initial=0.0))
    clarity = 1.0 - rival / best if best > 1e-3 else 0.0
    return col + dc - reach_px, row + dr - reach_px, best, clarity


def fit_motion(
    points: FloatArray, moved: FloatArray, model: str, tolerance_px: float
) -> tuple[FloatArray, BoolArray]:
    """Robust similarity, affine map or homography between ``(N, 2)`` points, and who agrees with it.

    Returns the identity and nobody where no model fits.
    """
    nobody = np.zeros(len(points), dtype=bool)
    least = {"similarity": 3, "affine": 6, "homography": 10}[model]
    if len(points) < least:
        return np.eye(3), nobody
    found: Any  # OpenCV's stubs do not know that a fit may fail and give None
    inliers: Any
    if model == "homography":
        found, inliers = cv2.findHomography(points, moved, cv2.USAC_MAGSAC, tolerance_px, maxIters=3000)
    else:
        estimate = cv2.estimateAffinePartial2D if model == "similarity" else cv2.estimateAffine2D
        found, inliers = estimate(
            points, moved, method=cv2.RANSAC, ransacReprojThreshold=tolerance_px, maxIters=3000
        )
        found = None if found is None else np.vstack([found, [0.0, 0.0, 1.0]])
    if found is None or inliers is None:
        return np.eye(3), nobody
    return np.asarray(found, dtype=np.float64), inliers.ravel().astype(bool)
