"""Coarse search: every place of a region, for every assumed heading and scale, by FFT correlation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.view import View, render
from rs_copilot.matching.correlate import Spectrum, correlate, top_peaks
from rs_copilot.matching.orientation import ComplexField, orientation_field
from rs_copilot.types import BoolArray, ByteImage, FloatArray

# Width of the patch in the coarse search: 100 px keep street corners at 1/30 of the cost of full detail.
COARSE_WIDTH_PX = 100
# With hundreds of views to try, half the detail still ranks the true place among the best.
BLIND_WIDTH_PX = 48
MANY_VIEWS = 60
# Spectra are cut into tiles of this size, so that memory does not grow with the map.
TILE_PX = 1536
MAX_SPECTRA = 12
# Less map structure than this share of the frame's own is nothing to compare with (water, no data).
MIN_ENERGY = 0.3


@dataclass(frozen=True)
class Candidate:
    """One place where a frame may lie.

    ``peak`` is the normalised correlation, ``z`` its height over the surface in standard deviations,
    ``margin`` its ratio to the best peak elsewhere.
    """

    view: View
    center_xy_m: FloatArray
    peak: float
    z: float
    margin: float = 1.0

    @property
    def map_from_px(self) -> FloatArray:
        """Homography from frame pixels to map metres."""
        return self.view.at(self.center_xy_m)


@dataclass(frozen=True)
class Tile:
    """A part of the map grid: rows and columns of the window whose centres it owns, and its spectrum."""

    row: int
    col: int
    spectrum: Spectrum
    owned: tuple[slice, slice]


@dataclass
class CoarseMap:
    """Spectra of a reference, made when first needed and kept while there is room."""

    reference: Reference
    _spectra: OrderedDict[tuple[float, int, int, int, int, int], Spectrum] = field(
        default_factory=OrderedDict
    )

    def tiles(self, gsd_m: float, bounds_m: Bounds, reach_px: int) -> Iterator[Tile]:
        """Tiles that together own every grid pixel of ``bounds_m`` once; patches reach ``reach_px``."""
        top, left, bottom, right = self._grid_bounds(gsd_m, bounds_m)
        halo = reach_px // 2
        step = max(TILE_PX - reach_px, TILE_PX // 2)
        for row in range(top, bottom, step):
            for col in range(left, right, step):
                height, width = min(step, bottom - row), min(step, right - col)
                window = (row - halo, col - halo, height + 2 * halo, width + 2 * halo)
                owned = (slice(halo, halo + height), slice(halo, halo + width))
                yield Tile(row - halo, col - halo, self._spectrum(gsd_m, window, reach_px), owned)

    def _grid_bounds(self, gsd_m: float, bounds_m: Bounds) -> tuple[int, int, int, int]:
        west, south, east, north = bounds_m
        corners = self.reference.col_row(np.array([[west, north], [east, south]]), gsd_m)
        rows, cols = self.reference.grid_shape(gsd_m)
        left, top = np.floor(corners[0]).astype(int)
        right, bottom = np.ceil(corners[1]).astype(int)
        return max(top, 0), max(left, 0), min(bottom, rows), min(right, cols)

    def _spectrum(self, gsd_m: float, window: tuple[int, int, int, int], reach_px: int) -> Spectrum:
        key = (gsd_m, *window, reach_px)
        if key not in self._spectra:
            self._spectra[key] = Spectrum.of(self.reference.window(gsd_m, *window), reach_px)
        self._spectra.move_to_end(key)
        while len(self._spectra) > MAX_SPECTRA:
            self._spectra.popitem(last=False)
        return self._spectra[key]


def ladder_gsd_m(wanted_m: float, finest_m: float) -> float:
    """The nearest step of a fixed ladder (factor 1.19) that is not finer than the map.

    Fixed steps let frames and scales share the map's spectra.
    """
    step = 2.0**0.25
    exponent = round(np.log(max(wanted_m, finest_m)) / np.log(step))
    return float(step**exponent)


def coarse_gsd_m(view: View, reference: Reference, view_count: int) -> float:
    """Resolution at which the coarse search looks at one of ``view_count`` views."""
    detail_px = COARSE_WIDTH_PX if view_count <= MANY_VIEWS else BLIND_WIDTH_PX
    return ladder_gsd_m(view.width_m / detail_px, reference.gsd_m)


def search(
    image: ByteImage, views: Sequence[View], coarse: CoarseMap, bounds_m: Bounds, *, count: int = 5
) -> list[Candidate]:
    """The best places of a frame over all assumed views, best first, at least half a patch apart."""
    if not views:
        return []
    found: list[Candidate] = []
    for view in views:
        gsd_m = coarse_gsd_m(view, coarse.reference, len(views))
        found += _search_view(image, view, coarse, bounds_m, gsd_m, count)
    return _distinct(sorted(found, key=lambda c: -c.peak), count, separation_m=0.15 * views[0].width_m)


def _search_view(
    image: ByteImage, view: View, coarse: CoarseMap, bounds_m: Bounds, gsd_m: float, count: int
) -> list[Candidate]:
    patch, mask = patch_field(image, view, gsd_m)
    if mask.sum() < 200:
        return []
    radius_px = max(4, round(0.12 * view.width_m / gsd_m))
    found: list[Candidate] = []
    reach = -(-max(patch.shape) // 32) * 32
    for tile in coarse.tiles(gsd_m, bounds_m, reach):
        surface = correlate(tile.spectrum, patch, mask, min_energy=MIN_ENERGY)[tile.owned]
        mean, spread = float(surface.mean()), float(surface.std()) + 1e-6
        for peak in top_peaks(np.ascontiguousarray(surface), count, radius_px):
            grid = np.array(
                [tile.col + tile.owned[1].start + peak.col, tile.row + tile.owned[0].start + peak.row]
            )
            xy_m = coarse.reference.xy(grid, gsd_m)
            found.append(Candidate(view, xy_m, peak.value, (peak.value - mean) / spread))
    return found


def patch_field(image: ByteImage, view: View, gsd_m: float) -> tuple[ComplexField, BoolArray]:
    """Orientation field of a frame drawn north-up at a resolution, and where it has data."""
    patch = render(image, view, gsd_m)
    patch_values = orientation_field(patch.image, patch.mask)
    return patch_values, np.asarray(patch_values != 0)


def _distinct(ranked: list[Candidate], count: int, separation_m: float) -> list[Candidate]:
    """Drop candidates near a better one, then give the rest their margins."""
    kept: list[Candidate] = []
    for candidate in ranked:
        apart = (np.linalg.norm(candidate.center_xy_m - other.center_xy_m) > separation_m for other in kept)
        if all(apart):
            kept.append(candidate)
        if len(kept) == count + 1:
            break
    return [_with_margin(candidate, kept) for candidate in kept[:count]]


def _with_margin(candidate: Candidate, others: list[Candidate]) -> Candidate:
    rivals = [other.peak for other in others if other is not candidate]
    margin = candidate.peak / max(rivals) if rivals and max(rivals) > 0 else 2.0
    return Candidate(candidate.view, candidate.center_xy_m, candidate.peak, candidate.z, min(margin, 2.0))
