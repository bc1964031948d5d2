"""A second opinion on places that the search found: how well the learned dense field correlates there.

The double-angle field knows where edges run, and furrows, rows of trees and street grids run alike in many
places. The learned field knows other things, so that chance matches of one seldom are chance matches of the
other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import scipy.fft

from rs_copilot.localization.patches import Pyramid, ladder_gsd_m, shape_key
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.sweep import MIN_ENERGY, Hit
from rs_copilot.localization.view import View, render
from rs_copilot.matching.orientation import ComplexField
from rs_copilot.retrieval.dense import MULTIPLE_PX, STRIDE, DenseNetwork
from rs_copilot.types import BoolArray, Float32Array

# Map pixels of a block of fields, and the margin beyond which the network sees nothing.
BLOCK_PX, HALO_PX = 64, 16
CELLS = BLOCK_PX // STRIDE
MAX_BYTES = 100_000_000

Spectra = tuple[ComplexField, ComplexField, int]


@dataclass(frozen=True)
class Sight:
    """What the learned field shows at a hit.

    ``value`` is the best normalised correlation within reach, about in [-1, 1]; ``sigma`` how much the
    correlation scatters farther off.
    """

    value: float
    sigma: float

    @property
    def z(self) -> float:
        """Height over what the surroundings give, in standard deviations."""
        return self.value / self.sigma if self.sigma > 0 else 0.0


@dataclass
class FieldMap:
    """Learned fields of a map, in blocks on one grid per resolution; made when needed, kept for a while."""

    reference: Reference
    network: DenseNetwork
    _blocks: OrderedDict[tuple[float, int, int], Float32Array] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def window(self, gsd_m: float, row: int, col: int, side: int) -> Float32Array:
        """``(C, side, side)`` cells from the one at (row, col) of the grid; zero beyond the map."""
        rows, cols = (range(start // CELLS, (start + side - 1) // CELLS + 1) for start in (row, col))
        with self._lock:
            wanted = [(r, c) for r in rows for c in cols]
            blocks = self._made(gsd_m, [place for place in wanted if (gsd_m, *place) not in self._blocks])
            blocks |= {place: self._blocks[(gsd_m, *place)] for place in wanted if place not in blocks}
            self._keep(gsd_m, blocks)
        whole = np.concatenate([np.concatenate([blocks[r, c] for c in cols], axis=2) for r in rows], axis=1)
        top, left = row - rows[0] * CELLS, col - cols[0] * CELLS
        return np.ascontiguousarray(whole[:, top : top + side, left : left + side])

    def _made(self, gsd_m: float, places: list[tuple[int, int]]) -> dict[tuple[int, int], Float32Array]:
        """Blocks cut from the field of the rectangle that they span: one picture is quicker than many."""
        if not places:
            return {}
        first, last = np.min(places, axis=0), np.max(places, axis=0) + 1
        height, width = (last - first) * BLOCK_PX + 2 * HALO_PX
        west, north = self.reference.xy(first[::-1] * BLOCK_PX - HALO_PX, gsd_m)
        bounds = (west, north - height * gsd_m, west + width * gsd_m, north)
        picture = self.reference.read(gsd_m, bounds)
        made = self.network.field(picture.image[:height, :width], picture.valid[:height, :width])
        inner = made[:, HALO_PX // STRIDE :, HALO_PX // STRIDE :]
        found = {}
        for place in places:
            top, left = (np.array(place) - first) * CELLS
            found[place] = inner[:, top : top + CELLS, left : left + CELLS].copy()
        return found

    def _keep(self, gsd_m: float, blocks: dict[tuple[int, int], Float32Array]) -> None:
        for place, block in blocks.items():
            key = (gsd_m, *place)
            self._bytes += block.nbytes if key not in self._blocks else 0
            self._blocks[key] = block
            self._blocks.move_to_end(key)
        while self._bytes > MAX_BYTES:
            self._bytes -= self._blocks.popitem(last=False)[1].nbytes


@dataclass(frozen=True)
class Patch:
    """A view's learned field without its mean, where it has data, and its radius in pixels."""

    values: Float32Array
    mask: BoolArray
    radius_px: int


@dataclass
class FieldFrame:
    """A frame whose views are drawn and compared with the learned field of a map."""

    pyramid: Pyramid
    fields: FieldMap
    _drawn: dict[tuple[float, bytes], Patch] = field(default_factory=dict)

    def look(self, hit: Hit, detail_px: float, reach_m_share: float) -> Sight:
        """Compare a hit's view with the map around it.

        Args:
            hit: a view and its place.
            detail_px: how wide the frame is drawn, if the map has such detail.
            reach_m_share: how far off the place may be, as a share of the frame's width.
        """
        gsd_m = ladder_gsd_m(hit.view.width_m / detail_px, self.fields.reference.gsd_m)
        patch = self.patch(hit.view, gsd_m)
        reach = max(2, round(reach_m_share * hit.view.width_m / gsd_m / STRIDE))
        corner = self.fields.reference.col_row(hit.center_xy_m, gsd_m).ravel() - patch.radius_px
        col, row = np.round(corner / STRIDE).astype(int) - reach
        side = len(patch.mask) + 2 * reach
        return _sight(patch, self.fields.window(gsd_m, int(row), int(col), side), 2 * reach + 1)

    def patch(self, view: View, gsd_m: float) -> Patch:
        """A view's learned field at a resolution, drawn once."""
        shape = shape_key(view)
        if (gsd_m, shape) not in self._drawn:
            self._drawn[gsd_m, shape] = self._draw(view, gsd_m)
        return self._drawn[gsd_m, shape]

    def _draw(self, view: View, gsd_m: float) -> Patch:
        drawn = render(self.pyramid.for_width(2.0 * view.width_m / gsd_m), view, gsd_m)
        more = -len(drawn.mask) % MULTIPLE_PX
        image = np.pad(drawn.image, ((0, more), (0, more), (0, 0)), mode="edge")
        mask = np.pad(drawn.mask, ((0, more), (0, more)))
        # Beyond the frame the picture is continued, so its edge is no edge.
        values = self.fields.network.field(image, np.ones_like(mask))
        cells = np.asarray(mask.reshape(len(mask) // STRIDE, STRIDE, -1, STRIDE).all(axis=(1, 3)))
        mean = (values * cells).sum(axis=(1, 2), keepdims=True) / max(int(cells.sum()), 1)
        return Patch((values - mean) * cells, cells, len(drawn.mask) // 2)


def _sight(patch: Patch, window: Float32Array, extent: int) -> Sight:
    """The best of the first ``extent`` x ``extent`` shifts, and the scatter over all others.

    All shifts come from one product of spectra. Those that wrap around compare the frame with ground that is
    as near as its own but not in its place: what chance does here.
    """
    surface = surface_of(patch, *spectra_of(window))
    elsewhere = float((surface**2).sum() - (surface[:extent, :extent] ** 2).sum())
    sigma = np.sqrt(max(elsewhere, 0.0) / max(surface.size - extent**2, 1))
    return Sight(float(surface[:extent, :extent].max()), float(sigma))


def spectra_of(window: Float32Array) -> Spectra:
    """Spectra of a map's field ``(C, n, n)`` and of its squared length, and their side."""
    side = scipy.fft.next_fast_len(window.shape[1], real=True)
    energies = (window**2).sum(axis=0)
    return scipy.fft.rfft2(window, (side, side)), scipy.fft.rfft2(energies, (side, side)), side


def surface_of(patch: Patch, window: ComplexField, energies: ComplexField, side: int) -> Float32Array:
    """Normalised correlations of a patch with a window at all shifts, wrapped around, ``(side, side)``.

    Args:
        patch: the frame's field.
        window: spectrum of the map's field, ``(C, side, side // 2 + 1)``.
        energies: spectrum of its squared length.
        side: of the window with what it was padded by.
    """
    shape = side, side
    product = window * np.conj(scipy.fft.rfft2(patch.values, shape))
    similarity = scipy.fft.irfft2(product.sum(axis=0), shape)
    weight = np.conj(scipy.fft.rfft2(patch.mask.astype(np.float32), shape))
    own = float((patch.values**2).sum()) + 1e-9
    energy = np.maximum(scipy.fft.irfft2(energies * weight, shape), MIN_ENERGY * own)
    return np.asarray(similarity / np.sqrt(energy * own), dtype=np.float32)
