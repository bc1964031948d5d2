"""Where does a patch lie on a map? Normalised correlation of orientation fields for every shift at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from rs_copilot.matching.orientation import ComplexField
from rs_copilot.types import BoolArray, Float32Array, FloatArray

FFT_WORKERS = 2


@dataclass(frozen=True)
class Spectrum:
    """A map field prepared for any number of patches up to ``reach_px`` wide and high."""

    shape: tuple[int, int]
    padded: tuple[int, int]
    field: ComplexField
    energy: ComplexField

    @classmethod
    def of(cls, field: ComplexField, reach_px: int) -> Spectrum:
        """Transform ``(H, W)`` once; the padding keeps shifts from wrapping around."""
        height, width = field.shape
        padded = (scipy.fft.next_fast_len(height + reach_px), scipy.fft.next_fast_len(width + reach_px))
        energy = np.abs(field) ** 2
        return cls(
            (height, width),
            padded,
            scipy.fft.fft2(field, padded, workers=FFT_WORKERS),
            scipy.fft.rfft2(energy, padded, workers=FFT_WORKERS),
        )


def correlate(spectrum: Spectrum, patch: ComplexField, mask: BoolArray, *, min_energy: float) -> Float32Array:
    """Normalised correlation of a patch centred on every map pixel, shape of the map, in [-1, 1].

    The patch's own mean orientation is removed: a street grid that runs everywhere in one direction
    must not make every place look alike.

    Args:
        spectrum: the map.
        patch: ``(h, w)`` field, zero outside ``mask``.
        mask: ``(h, w)``, where the patch has data.
        min_energy: map energy under the mask, as a share of the patch's, below which the score is zero
            (nothing to compare with: no data, water).
    """
    centred = np.where(mask, patch - patch[mask].mean(), 0).astype(np.complex64)
    patch_energy = float(np.sum(np.abs(centred) ** 2))
    if patch_energy <= 0:
        return np.zeros(spectrum.shape, dtype=np.float32)
    product = spectrum.field * np.conj(scipy.fft.fft2(centred, spectrum.padded, workers=FFT_WORKERS))
    similarity = scipy.fft.ifft2(product, overwrite_x=True, workers=FFT_WORKERS).real
    weight = np.conj(scipy.fft.rfft2(mask.astype(np.float32), spectrum.padded, workers=FFT_WORKERS))
    energy = scipy.fft.irfft2(spectrum.energy * weight, spectrum.padded, workers=FFT_WORKERS)
    energy = np.maximum(energy, min_energy * patch_energy)
    score = similarity / np.sqrt(energy * patch_energy)
    return _centred(score.astype(np.float32), patch.shape, spectrum.shape)


def _centred(score: Float32Array, patch: tuple[int, ...], shape: tuple[int, int]) -> Float32Array:
    """Index the score by the patch centre instead of its corner; off-map corners come from the wrap."""
    rolled = np.roll(score, (patch[0] // 2, patch[1] // 2), axis=(0, 1))
    return rolled[: shape[0], : shape[1]]


@dataclass(frozen=True)
class Peak:
    """A local maximum of a correlation surface: row and column with sub-pixel parts, and its value."""

    row: float
    col: float
    value: float


def top_peaks(surface: Float32Array, count: int, radius_px: int) -> list[Peak]:
    """The highest values that are at least ``radius_px`` apart, best first."""
    work = surface.copy()
    peaks: list[Peak] = []
    for _ in range(count):
        row, col = np.unravel_index(int(np.argmax(work)), work.shape)
        value = float(work[row, col])
        if value <= 0:
            break
        dr, dc = subpixel(surface, int(row), int(col))
        peaks.append(Peak(row + dr, col + dc, value))
        work[
            max(0, row - radius_px) : row + radius_px + 1, max(0, col - radius_px) : col + radius_px + 1
        ] = -1.0
    return peaks


def subpixel(surface: Float32Array, row: int, col: int) -> tuple[float, float]:
    """Offset of the true maximum from an integer one, by a parabola along each axis; within half a pixel."""

    def vertex(line: FloatArray) -> float:
        before, at, after = (float(v) for v in line)
        curvature = before - 2 * at + after
        return float(np.clip(0.5 * (before - after) / curvature, -0.5, 0.5)) if curvature < 0 else 0.0

    height, width = surface.shape
    dr = vertex(surface[row - 1 : row + 2, col]) if 0 < row < height - 1 else 0.0
    dc = vertex(surface[row, col - 1 : col + 2]) if 0 < col < width - 1 else 0.0
    return dr, dc
