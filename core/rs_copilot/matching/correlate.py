"""Where does a patch lie on a map? Normalised correlation of orientation fields for every shift at once.

The map is cut into square blocks that overlap by a patch (overlap-save; Oppenheim and Schafer, Discrete-Time
Signal Processing, section 8.7.3), so that the spectra of many patches serve all blocks and blocks serve all
patches. A complex field is correlated as two real channels: only the real part of the complex correlation is
wanted, and half spectra hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft

from rs_copilot.matching.orientation import ComplexField
from rs_copilot.types import BoolArray, Float32Array, FloatArray

FFT_WORKERS = 2
# Products of this many patches at a time stay in the processor's cache.
PATCHES_AT_ONCE = 8
# Sides that FFTs are fast at and that keep a block's spectra in the cache.
BLOCK_SIDES_PX = (64, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024)


@dataclass(frozen=True)
class Block:
    """A square piece of a map, transformed: both channels of its field, and its energy."""

    side_px: int
    channels: ComplexField
    energy: ComplexField

    @classmethod
    def of(cls, field: ComplexField) -> Block:
        """Transform a ``(B, B)`` field."""
        energy = (field.real**2 + field.imag**2).astype(np.float32)
        return cls(field.shape[0], scipy.fft.rfft2(_channels(field)), scipy.fft.rfft2(energy))

    @property
    def size_bytes(self) -> int:
        """Memory that the spectra take."""
        return self.channels.nbytes + self.energy.nbytes


@dataclass(frozen=True)
class Templates:
    """Patches of one size, ready to be correlated with any blocks of one size.

    ``spectra`` is ``(N, 2, B, B // 2 + 1)``, of patches with unit energy; ``weight`` is the spectrum of the
    mean of their masks; ``floor`` is the map energy below which there is nothing to compare with.
    """

    patch_px: int
    block_px: int
    spectra: ComplexField
    weight: ComplexField
    floor: float

    @classmethod
    def of(
        cls,
        patches: Sequence[ComplexField],
        masks: Sequence[BoolArray],
        block_px: int,
        *,
        min_energy: float,
    ) -> Templates:
        """Prepare patches.

        Each patch's own mean orientation is removed: a street grid that runs everywhere in one direction
        must not make every place look alike.

        Args:
            patches: square fields of one size, which is at most ``block_px``.
            masks: where each patch has data.
            block_px: side of the blocks.
            min_energy: map energy under the mask, as a share of the patches', below which scores fall
                to zero (no data, water).
        """
        weights = np.stack(masks).astype(np.float32)
        fields = np.stack(patches)
        mean = (fields * weights).sum(axis=(1, 2)) / np.maximum(weights.sum(axis=(1, 2)), 1.0)
        fields = ((fields - mean[:, None, None]) * weights).astype(np.complex64)
        energy = (fields.real**2 + fields.imag**2).sum(axis=(1, 2))
        fields /= np.sqrt(np.maximum(energy, 1e-12))[:, None, None]
        shape = (block_px, block_px)
        return cls(
            fields.shape[1],
            block_px,
            np.conj(scipy.fft.rfft2(_channels(fields), shape)),
            np.conj(scipy.fft.rfft2(weights.mean(axis=0), shape)),
            max(min_energy * float(energy.mean()), 1e-6),
        )

    @property
    def places_px(self) -> int:
        """How many places along each axis a block has for a patch."""
        return self.block_px - self.patch_px + 1


def _channels(field: ComplexField) -> Float32Array:
    """Real and imaginary part of ``(..., h, w)`` as ``(..., 2, h, w)``."""
    return np.stack([field.real, field.imag], axis=-3).astype(np.float32)


def correlate(block: Block, templates: Templates) -> Float32Array:
    """Normalised correlation of every patch at every place of a block, about in [-1, 1].

    Entry ``[n, r, c]`` of the ``(N, places, places)`` result is patch n with its first pixel at row r and
    column c. The map's energy is taken under the mean mask of the patches: exact for one patch, and within
    a few per cent for one view at several headings.
    """
    shape, places = (block.side_px, block.side_px), templates.places_px
    energy = scipy.fft.irfft2(block.energy * templates.weight, shape)[:places, :places]
    gain = 1.0 / np.sqrt(np.maximum(energy, templates.floor))
    score = np.empty((len(templates.spectra), places, places), dtype=np.float32)
    for start in range(0, len(score), PATCHES_AT_ONCE):
        some = slice(start, start + PATCHES_AT_ONCE)
        product = block.channels[0] * templates.spectra[some, 0]
        product += block.channels[1] * templates.spectra[some, 1]
        np.multiply(scipy.fft.irfft2(product, shape)[:, :places, :places], gain, out=score[some])
    return score


def block_side_px(patch_px: int, rows: int, cols: int) -> int:
    """The side of blocks that covers ``rows`` x ``cols`` places of a patch at the least cost."""

    def cost(side: int) -> float:
        places = side - patch_px + 1
        return float(-(-rows // places) * -(-cols // places) * side**2 * np.log2(side))

    usable = [side for side in BLOCK_SIDES_PX if side - patch_px >= min(side // 4, max(rows, cols) - 1)]
    return min(usable, key=cost) if usable else scipy.fft.next_fast_len(2 * patch_px, real=True)


@dataclass(frozen=True)
class Peak:
    """A local maximum of a correlation surface: row and column with sub-pixel parts, and its value."""

    row: float
    col: float
    value: float


def local_maxima(surface: Float32Array, radius_px: int, least: float) -> list[tuple[int, int]]:
    """Rows and columns of values above ``least`` that nothing within ``radius_px`` exceeds."""
    window = np.ones((2 * radius_px + 1, 2 * radius_px + 1), dtype=np.uint8)
    # Constant borders at -infinity: a maximum at the edge is one, and the next block sees whether it is more.
    highest = cv2.dilate(surface, window, borderType=cv2.BORDER_CONSTANT, borderValue=-np.inf)
    rows, cols = np.nonzero((surface >= highest) & (surface > least))
    return list(zip(rows.tolist(), cols.tolist(), strict=True))


def best_peak(surface: Float32Array) -> Peak:
    """The highest value of a surface, to a fraction of a pixel."""
    row, col = (int(i) for i in np.unravel_index(int(np.argmax(surface)), surface.shape))
    dr, dc = subpixel(surface, row, col)
    return Peak(row + dr, col + dc, float(surface[row, col]))


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
