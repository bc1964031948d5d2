"""The first look: every place of a region, at every assumed heading and scale, at little detail."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from rs_copilot.localization.patches import Drawing, Pyramid, ladder_gsd_m
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.view import View
from rs_copilot.matching.correlate import (
    FFT_WORKERS,
    Block,
    Templates,
    block_side_px,
    correlate,
    local_maxima,
)
from rs_copilot.types import FloatArray

# Less map structure than this share of the frame's own is nothing to compare with (water, no data).
MIN_ENERGY = 0.3
# Spectra of a map of 1 km2 at every scale fit; of a larger one they are made again for every frame.
MAX_SPECTRA_BYTES = 250_000_000
# Peaks lower than this many standard deviations are among the noise of any surface.
LEAST_Z = 3.0
# Two peaks closer than this share of the frame's width are one place.
PEAK_RADIUS = 0.12


@dataclass(frozen=True)
class Null:
    """What chance does at one scale: ``sigma`` of its correlations, logarithm of the number of trials.

    Scales are compared by it. Small views see thousands of times more places than large ones, so their best
    chance match is higher.
    """

    sigma: float
    log_trials: float

    def score(self, correlation: float) -> float:
        """Log-likelihood of a correlation over the chance of finding one as high among all trials."""
        return 0.5 * (max(correlation, 0.0) / self.sigma) ** 2 - self.log_trials


@dataclass(frozen=True)
class Hit:
    """A place where a view correlates well with the map."""

    view: View
    center_xy_m: FloatArray
    value: float
    null: Null

    @property
    def z(self) -> float:
        """Height over what chance gives, in standard deviations."""
        return self.value / self.null.sigma

    @property
    def score(self) -> float:
        """How much better than chance; comparable over scales."""
        return self.null.score(self.value)


@dataclass
class CoarseMap:
    """Spectra of a reference, made when first needed and kept while there is room."""

    reference: Reference
    _spectra: OrderedDict[tuple[float, int, int, int], Block] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def kept(self, gsd_m: float, row: int, col: int, side: int) -> Block | None:
        """The spectra of the block whose first pixel is at (row, col), if they are kept."""
        key = (gsd_m, row, col, side)
        with self._lock:
            if key in self._spectra:
                self._spectra.move_to_end(key)
            return self._spectra.get(key)

    def keep(self, gsd_m: float, row: int, col: int, block: Block) -> None:
        """Keep spectra that were made, and let go of the oldest."""
        key = (gsd_m, row, col, block.side_px)
        with self._lock:
            if key not in self._spectra:
                self._spectra[key] = block
                self._bytes += block.size_bytes
            while self._bytes > MAX_SPECTRA_BYTES:
                self._bytes -= self._spectra.popitem(last=False)[1].size_bytes

    def grid_bounds(self, gsd_m: float, bounds_m: Bounds) -> tuple[int, int, int, int]:
        """Top, left, bottom, right of the grid pixels within some bounds."""
        west, south, east, north = bounds_m
        corners = self.reference.col_row(np.array([[west, north], [east, south]]), gsd_m)
        rows, cols = self.reference.grid_shape(gsd_m)
        left, top = np.floor(corners[0]).astype(int)
        right, bottom = np.ceil(corners[1]).astype(int)
        return max(top, 0), max(left, 0), min(bottom, rows), min(right, cols)


@dataclass(frozen=True)
class _Place:
    """A block to correlate: first row and column of the patch centres it owns, and how many it owns."""

    row: int
    col: int
    rows: int
    cols: int


@dataclass(frozen=True)
class _Peaks:
    """What one block gave: peaks (correlation, number of the view, row, column) and its variance."""

    found: list[tuple[float, int, int, int]]
    variance: float
    places: int


def sweep(
    pyramid: Pyramid,
    views: Sequence[View],
    coarse: CoarseMap,
    bounds_m: Bounds,
    *,
    detail_px: float,
    keep: int,
) -> list[Hit]:
    """The places where any view correlates best, best first.

    Args:
        pyramid: the frame's picture.
        views: shapes and headings to try.
        coarse: the map.
        bounds_m: where the image centre may lie.
        detail_px: how many pixels wide the frame is drawn.
        keep: how many places to return at most.
    """
    groups: dict[float, list[View]] = {}
    for view in views:
        gsd_m = ladder_gsd_m(view.width_m / detail_px, coarse.reference.gsd_m)
        groups.setdefault(gsd_m, []).append(view)
    with ThreadPoolExecutor(FFT_WORKERS) as pool:
        hits = [
            hit
            for gsd_m, some in groups.items()
            for hit in _sweep_scale(Drawing(pyramid, gsd_m), some, coarse, bounds_m, pool)
        ]
    return sorted(hits, key=lambda hit: -hit.score)[:keep]


def _sweep_scale(
    drawing: Drawing, views: Sequence[View], coarse: CoarseMap, bounds_m: Bounds, pool: ThreadPoolExecutor
) -> list[Hit]:
    """All peaks of views that share a resolution."""
    gsd_m = drawing.gsd_m
    patches, masks = drawing.patches(views)
    top, left, bottom, right = coarse.grid_bounds(gsd_m, bounds_m)
    if bottom <= top or right <= left:
        return []
    side = block_side_px(len(masks[0]), bottom - top, right - left)
    templates = Templates.of(patches, masks, side, min_energy=MIN_ENERGY)
    radius = max(2, round(PEAK_RADIUS * views[0].width_m / gsd_m))

    half = templates.patch_px // 2

    def work(place: _Place, block: Block | None) -> tuple[Block, _Peaks]:
        if block is None:
            block = Block.of(coarse.reference.window(gsd_m, place.row - half, place.col - half, side, side))
        return block, _peaks(correlate(block, templates)[:, : place.rows, : place.cols], place, radius)

    parts: list[_Peaks] = []
    places = list(_places(top, left, bottom, right, templates.places_px))
    known = [coarse.kept(gsd_m, place.row - half, place.col - half, side) for place in places]
    for place, (block, peaks) in zip(places, pool.map(work, places, known), strict=True):
        coarse.keep(gsd_m, place.row - half, place.col - half, block)
        parts.append(peaks)
    return _hits(parts, views, coarse.reference, gsd_m)


def _places(top: int, left: int, bottom: int, right: int, step: int) -> Iterator[_Place]:
    for row in range(top, bottom, step):
        for col in range(left, right, step):
            yield _Place(row, col, min(step, bottom - row), min(step, right - col))


def _peaks(surfaces: np.ndarray, place: _Place, radius_px: int) -> _Peaks:
    """Peaks of the best of all views at every place. ``surfaces`` is ``(N, rows, cols)``."""
    variance = float(np.mean(surfaces[:, ::2] ** 2))
    highest = surfaces.max(axis=0)
    found = []
    for row, col in local_maxima(highest, radius_px, LEAST_Z * np.sqrt(variance)):
        number = int(surfaces[:, row, col].argmax())
        found.append((float(highest[row, col]), number, place.row + row, place.col + col))
    return _Peaks(found, variance, place.rows * place.cols)


def _hits(parts: Sequence[_Peaks], views: Sequence[View], reference: Reference, gsd_m: float) -> list[Hit]:
    places = sum(part.places for part in parts)
    variance = sum(part.variance * part.places for part in parts) / places
    if variance <= 0:
        return []
    null = Null(float(np.sqrt(variance)), float(np.log(places * len(views))))
    return [
        Hit(views[number], reference.xy(np.array([col, row], dtype=np.float64), gsd_m), value, null)
        for part in parts
        for value, number, row, col in part.found
    ]
