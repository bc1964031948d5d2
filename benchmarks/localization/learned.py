"""The learned dense field alone: as the hand-made double angle, but eight channels at half the resolution."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.fft

from benchmarks.localization.dense import DETAIL_PX, Answer, BestOfViews, answer_from_surface, step_gsd_m
from benchmarks.localization.queries import Query, View, draw
from rs_copilot.raster.grid import MapImage
from rs_copilot.raster.source import RasterSource
from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS
from rs_copilot.types import BoolArray, ByteImage, Float32Array

DENSE_WEIGHTS = DEFAULT_WEIGHTS.with_name("cvaa-s-dense.onnx")
# What the network halves, and what its stem needs a multiple of.
STRIDE, MULTIPLE_PX = 2, 4
# Resolutions of a map that are kept: the nine widths that are tried where none is known, and a few more.
MAX_MAPS = 12


def has_dense_weights() -> bool:
    """Whether the weights that ship with the project are here."""
    return DENSE_WEIGHTS.is_file()


def open_session() -> Any:  # noqa: ANN401 - onnxruntime comes without types
    """The network on the CPU."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(DENSE_WEIGHTS), providers=["CPUExecutionProvider"])


@dataclass
class LearnedMethod:
    """Correlates the fields of all channels at once; only for queries with a known heading."""

    raster: RasterSource
    session: Any = field(default_factory=open_session)
    _maps: dict[tuple[float, int], tuple[MapImage, Float32Array, np.ndarray]] = field(default_factory=dict)

    def answer(self, query: Query) -> Answer:
        """The best peak over the views that telemetry allows."""
        best = BestOfViews()
        for view in query.views():
            gsd_m = step_gsd_m(max(view.width_m / DETAIL_PX, self.raster.info.gsd_m))
            best.add(*self._surface(query, view, gsd_m))
        found = best.together()
        if found is None:
            return Answer(None)
        coarse = replace(found[0], gsd_m=found[0].gsd_m * STRIDE)
        return answer_from_surface(found[1], coarse, query)

    def _surface(self, query: Query, view: View, gsd_m: float) -> tuple[MapImage, Float32Array]:
        patch, mask = draw(query.image, view, gsd_m)
        side = -(-patch.shape[0] // 32) * 32
        small = self._field(patch, mask)
        piece, reference, spectrum = self._map(gsd_m, side)
        padded = _padded(reference.shape[1:], side // STRIDE)
        product = spectrum * np.conj(scipy.fft.rfft2(small, padded))
        similarity = scipy.fft.irfft2(product.sum(axis=0), padded)
        # Views of other widths have other numbers of pixels: chance grows as the root of their energy.
        similarity /= np.sqrt(float((small**2).sum()) + 1e-9)
        rolled = np.roll(similarity, (small.shape[1] // 2, small.shape[2] // 2), axis=(0, 1))
        return piece, rolled[: reference.shape[1], : reference.shape[2]].astype(np.float32)

    def _map(self, gsd_m: float, side: int) -> tuple[MapImage, Float32Array, np.ndarray]:
        key = (gsd_m, side)
        if key not in self._maps:
            if len(self._maps) >= MAX_MAPS:
                self._maps.pop(next(iter(self._maps)))
            piece = self.raster.read(gsd_m)
            reference = self._field(piece.image, piece.valid)
            spectrum = scipy.fft.rfft2(reference, _padded(reference.shape[1:], side // STRIDE))
            self._maps[key] = piece, reference, spectrum
        return self._maps[key]

    def _field(self, image: ByteImage, valid: BoolArray) -> Float32Array:
        """``(C, H/2, W/2)`` of a picture, each pixel's channels of length at most 1."""
        rgba = np.dstack([image, np.where(valid, 255, 0).astype(np.uint8)])
        grow = [(0, -side % MULTIPLE_PX) for side in rgba.shape[:2]]
        (made,) = self.session.run(["field"], {"image": np.pad(rgba, [*grow, (0, 0)])[None]})
        return np.asarray(made[0], dtype=np.float32)


def _padded(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    rows, cols = (scipy.fft.next_fast_len(n + side, real=True) for n in shape)
    return rows, cols
