"""Dense correlation by FFT, as simply as it can be done: every shift of every assumed view, best peak wins.

Two fields: grey levels normalised by their neighbourhood, and the double angle of the gradient. They stand
on their own, so that these rows mean the same whatever becomes of the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import scipy.fft

from benchmarks.localization.queries import Query, View, draw
from rs_copilot.raster.grid import MapImage
from rs_copilot.raster.source import RasterSource
from rs_copilot.types import BoolArray, ByteImage, Float32Array, FloatArray

Field = np.ndarray
NEIGHBOURHOOD_PX = 6.0
# Pixels across the frame: with one view to try, and with hundreds.
DETAIL_PX, BLIND_DETAIL_PX = 150, 48
# Less structure on the map than this share of the frame's own is nothing to compare with.
MIN_ENERGY = 0.3
AREA_RADIUS_M = 25.0
GSD_STEP = 1.1
MAX_SPECTRA = 16


@dataclass(frozen=True)
class Answer:
    """Best place of a query, its candidates best first, and the share of the map that scores as high as
    the truth does.
    """

    center_m: FloatArray | None
    candidates_m: list[FloatArray] | None = None
    area_share: float | None = None


def grey_field(image: ByteImage, valid: BoolArray) -> Field:
    """Grey levels less their local mean, over their local deviation; float32, zero where not valid."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    weight = _blur(valid.astype(np.float32)) + 1e-6
    grey[~valid] = 0.0
    mean = _blur(grey) / weight
    variance = _blur(grey**2) / weight - mean**2
    found = (grey - mean) / np.sqrt(np.maximum(variance, 4.0))
    found[~_inner(valid)] = 0.0
    return found


def double_angle_field(image: ByteImage, valid: BoolArray) -> Field:
    """(gx + i gy) squared over its magnitude and the local mean magnitude; complex64."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    gradient = cv2.Scharr(grey, cv2.CV_32F, 1, 0) + 1j * cv2.Scharr(grey, cv2.CV_32F, 0, 1)
    gradient[~_inner(valid)] = 0.0
    magnitude = np.abs(gradient)
    found = gradient**2 / np.maximum(magnitude, 1e-6) / (_blur(magnitude) + 16.0)
    return found.astype(np.complex64)


def _blur(image: Float32Array) -> Float32Array:
    return cv2.GaussianBlur(np.ascontiguousarray(image, dtype=np.float32), (0, 0), NEIGHBOURHOOD_PX)


def _inner(valid: BoolArray) -> BoolArray:
    padded = cv2.copyMakeBorder(valid.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return cv2.erode(padded, np.ones((7, 7), np.uint8))[1:-1, 1:-1].astype(bool)


@dataclass(frozen=True)
class MapSpectrum:
    """A map's field and its energy, transformed once for all patches of up to ``side`` pixels."""

    shape: tuple[int, int]
    padded: tuple[int, int]
    values: np.ndarray
    energy: np.ndarray

    @classmethod
    def of(cls, reference: Field, side: int) -> MapSpectrum:
        """Padded so that shifts do not wrap."""
        padded = tuple(scipy.fft.next_fast_len(n + side, real=True) for n in reference.shape)
        forward = scipy.fft.fft2 if np.iscomplexobj(reference) else scipy.fft.rfft2
        energy = scipy.fft.rfft2(np.abs(reference) ** 2, padded)
        return cls(reference.shape, padded, forward(reference, padded), energy)

    def correlate(self, patch: Field, mask: BoolArray) -> Float32Array:
        """Normalised correlation with the patch centred on every pixel of the map; shape of the map."""
        inside = mask & (patch != 0)
        centred = np.where(inside, patch - patch[inside].mean() if inside.any() else 0, 0)
        own = float((np.abs(centred) ** 2).sum()) + 1e-9
        if np.iscomplexobj(patch):
            product = self.values * np.conj(scipy.fft.fft2(centred, self.padded))
            similarity = scipy.fft.ifft2(product).real
        else:
            product = self.values * np.conj(scipy.fft.rfft2(centred, self.padded))
            similarity = scipy.fft.irfft2(product, self.padded)
        weight = np.conj(scipy.fft.rfft2(inside.astype(np.float32), self.padded))
        energy = scipy.fft.irfft2(self.energy * weight, self.padded)
        score = similarity / np.sqrt(np.maximum(energy, MIN_ENERGY * own) * own)
        shifted = np.roll(score, (patch.shape[0] // 2, patch.shape[1] // 2), axis=(0, 1))
        return shifted[: self.shape[0], : self.shape[1]].astype(np.float32)


@dataclass
class BestOfViews:
    """The highest score of any view at every place; views of other widths are seen at other resolutions."""

    surfaces: dict[float, tuple[MapImage, Float32Array]] = field(default_factory=dict)

    def add(self, piece: MapImage, surface: Float32Array) -> None:
        """Take in the surface of one view over the grid of ``piece``."""
        before = self.surfaces.get(piece.gsd_m)
        self.surfaces[piece.gsd_m] = (piece, surface if before is None else np.maximum(before[1], surface))

    def together(self) -> tuple[MapImage, Float32Array] | None:
        """All of them on the finest grid; ``None`` without any."""
        if not self.surfaces:
            return None
        piece, surface = self.surfaces[min(self.surfaces)]
        for _, other in self.surfaces.values():
            same_size = cv2.resize(other, surface.shape[::-1], interpolation=cv2.INTER_LINEAR)
            surface = np.maximum(surface, same_size)
        return piece, surface


@dataclass
class DenseMethod:
    """One field as a method; spectra are kept per resolution."""

    name: str
    make_field: Callable[[ByteImage, BoolArray], Field]
    raster: RasterSource
    _spectra: dict[tuple[float, int], tuple[MapImage, MapSpectrum]] = field(default_factory=dict)

    def answer(self, query: Query) -> Answer:
        """Try every view; the best peak of all is the answer."""
        views = list(query.views())
        detail = DETAIL_PX if len(views) == 1 else BLIND_DETAIL_PX
        best = BestOfViews()
        for view in views:
            gsd_m = step_gsd_m(max(view.width_m / detail, self.raster.info.gsd_m))
            best.add(*self._surface(query, view, gsd_m))
        found = best.together()
        return Answer(None) if found is None else answer_from_surface(found[1], found[0], query)

    def _surface(self, query: Query, view: View, gsd_m: float) -> tuple[MapImage, Float32Array]:
        patch, mask = draw(query.image, view, gsd_m)
        key = (gsd_m, -(-patch.shape[0] // 32) * 32)
        if key not in self._spectra:
            if len(self._spectra) >= MAX_SPECTRA:
                self._spectra.pop(next(iter(self._spectra)))
            piece = self.raster.read(gsd_m)
            self._spectra[key] = (piece, MapSpectrum.of(self.make_field(piece.image, piece.valid), key[1]))
        piece, spectrum = self._spectra[key]
        return piece, spectrum.correlate(self.make_field(patch, mask), mask)


def step_gsd_m(wanted_m: float) -> float:
    """The nearest of fixed steps of 10 %, so that pictures from nearly the same height share spectra."""
    return float(GSD_STEP ** round(np.log(wanted_m) / np.log(GSD_STEP)))


def answer_from_surface(surface: Float32Array, piece: MapImage, query: Query, count: int = 10) -> Answer:
    """Peaks of a surface over the grid of ``piece``, and the share of it that scores as high as the truth."""
    truth = (query.truth_m - [piece.west_m, piece.north_m]) / [piece.gsd_m, -piece.gsd_m]
    rows, cols = np.ogrid[: surface.shape[0], : surface.shape[1]]
    near = np.hypot(rows + 0.5 - truth[1], cols + 0.5 - truth[0]) * piece.gsd_m <= AREA_RADIUS_M
    share = float((surface >= surface[near].max()).mean()) if near.any() else np.inf
    places, work = [], surface.copy()
    radius = max(2, round(AREA_RADIUS_M / piece.gsd_m))
    for _ in range(count):
        row, col = np.unravel_index(int(np.argmax(work)), work.shape)
        if work[row, col] <= -1.0:
            break
        places.append(np.array([piece.west_m + col * piece.gsd_m, piece.north_m - row * piece.gsd_m]))
        work[max(0, row - radius) : row + radius + 1, max(0, col - radius) : col + radius + 1] = -2.0
    return Answer(places[0] if places else None, places, share)
