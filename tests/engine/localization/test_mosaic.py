"""The map's pictures at any resolution: as the file gives them, read once, missing where it is."""

from __future__ import annotations

import threading

import numpy as np
import pyproj
import pytest

from rs_copilot.localization import mosaic as module
from rs_copilot.localization.mosaic import Bounds, Mosaic
from rs_copilot.localization.reference import BLOCK_PX, HALO_PX, Reference
from rs_copilot.matching.orientation import orientation_field
from rs_copilot.raster.source import MapImage

CRS = pyproj.CRS.from_epsg(32633)
SIDE_M = 700.0
BOUNDS = (1000.0, 5000.0, 1000.0 + SIDE_M, 5000.0 + SIDE_M)


class File:
    """A map of slow waves, which any resolution shows alike."""

    def __init__(self, hole: Bounds | None = None) -> None:
        self.read_px = 0
        self.hole = hole
        self.busy = threading.Lock()

    def __call__(self, gsd_m: float, bounds: Bounds) -> MapImage:
        assert self.busy.acquire(blocking=False), "two threads read the file at once"
        west, south, east, north = bounds
        cols, rows = (int(np.ceil(v / gsd_m - 1e-6)) for v in (east - west, north - south))
        x = west + (np.arange(cols) + 0.5) * gsd_m
        y = north - (np.arange(rows) + 0.5) * gsd_m
        image = truth(x[None, :], y[:, None])
        valid = ((x > BOUNDS[0]) & (x < BOUNDS[2]))[None, :] & ((y > BOUNDS[1]) & (y < BOUNDS[3]))[:, None]
        if self.hole is not None:
            inside = ((x > self.hole[0]) & (x < self.hole[2]))[None, :]
            valid &= ~(inside & ((y > self.hole[1]) & (y < self.hole[3]))[:, None])
        image[~valid] = 0
        self.read_px += rows * cols
        self.busy.release()
        return MapImage(image, valid, west, north, gsd_m, CRS)


def truth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Three waves of some hundred metres, ``(rows, cols, 3)``."""
    waves = [np.sin(x / 40.0) + np.cos(y / 50.0), np.sin((x + y) / 60.0), np.cos((x - y) / 45.0)]
    return np.stack([np.round(128.0 + 55.0 * wave) for wave in waves], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("gsd_m", [0.84, 1.0, 1.19, 1.68, 2.0, 5.66, 8.0])
@pytest.mark.parametrize("shift_m", [0.0, 13.37])
def test_pictures_lie_where_the_file_says(gsd_m: float, shift_m: float) -> None:
    mosaic = Mosaic(File(), BOUNDS, 0.9, CRS)
    west, north = BOUNDS[0] + 100.0 + shift_m, BOUNDS[3] - 60.0 - shift_m
    bounds = (west, north - 300.0, west + 400.0, north)
    found, wanted = mosaic.picture(gsd_m, bounds), File()(gsd_m, bounds)
    assert found.image.shape == wanted.image.shape
    assert found.valid.all()
    difference = np.abs(found.image.astype(int) - wanted.image.astype(int))
    assert difference.max() <= 2 + 0.1 * gsd_m**2


def test_beyond_the_raster_nothing_is_valid() -> None:
    mosaic = Mosaic(File(), BOUNDS, 1.0, CRS)
    piece = mosaic.picture(1.41, (BOUNDS[0] - 100.0, BOUNDS[1] - 100.0, BOUNDS[0] + 100.0, BOUNDS[1] + 100.0))
    rows, cols = np.nonzero(piece.valid)
    assert cols.min() == pytest.approx(100 / 1.41, abs=2)
    assert rows.max() == pytest.approx(100 / 1.41, abs=2)
    assert not piece.image[~piece.valid].any()
    assert not mosaic.picture(2.0, (0.0, 0.0, 50.0, 50.0)).valid.any()


def test_holes_stay_holes_and_darken_nothing() -> None:
    west, south = BOUNDS[0] + 301.0, BOUNDS[1] + 301.0
    mosaic = Mosaic(File((west, south, west + 41.0, south + 41.0)), BOUNDS, 1.0, CRS)
    piece, full = mosaic.picture(8.0, BOUNDS), File()(8.0, BOUNDS)
    assert 9 <= (~piece.valid).sum() <= 36
    both = piece.valid & full.valid
    assert np.abs(piece.image.astype(int) - full.image.astype(int))[both].max() < 16


def test_every_pixel_of_the_file_is_read_once() -> None:
    file = File()
    mosaic = Mosaic(file, BOUNDS, 1.0, CRS)
    for gsd_m in (4.0, 1.0, 1.19, 1.41, 2.0, 2.38, 16.0):
        mosaic.picture(gsd_m, BOUNDS)
    tiles = -(-SIDE_M // module.TILE_PX)
    assert file.read_px == (tiles * module.TILE_PX) ** 2


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 2_000_000)
    mosaic = Mosaic(File(), BOUNDS, 1.0, CRS)
    wanted = Mosaic(File(), BOUNDS, 1.0, CRS).picture(4.0, BOUNDS)
    assert np.array_equal(mosaic.picture(4.0, BOUNDS).image, wanted.image)
    assert sum(tile.nbytes for tile in mosaic._tiles.values()) == mosaic._bytes <= 2_000_000


def test_large_maps_are_read_at_the_resolution_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FINEST_PX", 1000)
    file = File()
    Mosaic(file, BOUNDS, 1.0, CRS).picture(4.0, BOUNDS)
    assert file.read_px == module.TILE_PX**2


def test_fields_of_windows_are_those_of_the_whole_map() -> None:
    reference = Reference(File(), BOUNDS, 1.0, CRS)
    whole = File()(1.0, BOUNDS)
    expected = orientation_field(whole.image, whole.valid)
    # At the raster's edge the filters see what lies beyond: nothing, or the picture mirrored.
    for row, col, side, rim in (
        (50, 60, 100, 0),
        (5 * BLOCK_PX - 10, BLOCK_PX + 3, 70, 0),
        (0, 0, 300, HALO_PX),
    ):
        window = reference.window(1.0, row, col, side, side)
        wanted = expected[row : row + side, col : col + side]
        assert np.abs(window - wanted)[rim:, rim:].max() < 1e-4
    assert not reference.window(1.0, -200, -200, 100, 100).any()


def test_threads_share_a_reference() -> None:
    reference = Reference(File(), BOUNDS, 1.0, CRS)
    expected = Reference(File(), BOUNDS, 1.0, CRS).window(1.0, 0, 0, 600, 600)
    wrong: list[int] = []

    def look(start: int) -> None:
        for number in range(start, 500, 37):
            window = reference.window(1.0, number, 500 - number, 100, 100)
            wanted = expected[number : number + 100, 500 - number : 600 - number]
            if np.abs(window - wanted).max() > 0.02:
                wrong.append(number)

    threads = [threading.Thread(target=look, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
