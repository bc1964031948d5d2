"""A window of a raster made small: the right pixels, whatever the file is like, within a bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from rs_copilot.errors import RasterError
from rs_copilot.tiles import glance as module
from rs_copilot.tiles.glance import glance
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.types import SizeWH
from tests.engine.tiles.rasters import noise, write_raster


def means(bands: np.ndarray, factor: int) -> np.ndarray:
    """Of cells of factor x factor pixels, as a picture."""
    count, height, width = bands.shape
    cells = bands.reshape(count, height // factor, factor, width // factor, factor).mean(axis=(2, 4))
    return np.moveaxis(cells, 0, -1)


def look(path: Path, window: tuple[int, int, int, int], size: SizeWH, **more: bool) -> module.Glance:
    with open_tile_pictures(str(path)) as pictures:
        return glance(pictures, window, size, **more)


def test_pixels_come_as_they_are_where_they_fit(tmp_path: Path) -> None:
    bands = noise(300, 400)
    path = write_raster(tmp_path / "a.tif", bands)
    got = look(path, (37, 21, 237, 171), SizeWH(200, 150))
    assert np.array_equal(got.image, np.moveaxis(bands[:, 21:171, 37:237], 0, -1)) and got.share == 1.0


TILED = {"tiled": True, "blockxsize": 64, "blockysize": 64}
STRIPS: list[dict[str, object]] = [{"tiled": False, "blockysize": rows} for rows in (1, 32)]


@pytest.mark.parametrize("profile", [TILED, *STRIPS])
def test_smaller_pictures_are_means(tmp_path: Path, profile: dict[str, object]) -> None:
    bands = noise(400, 600)
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=600, height=400, count=3, dtype="uint8", crs="EPSG:32633",
        transform=from_origin(500000, 5300000, 1, 1), compress="deflate",
        **profile,
    ) as target:  # fmt: skip
        target.write(bands)
    got = look(path, (40, 80, 560, 400), SizeWH(130, 80))
    assert np.abs(got.image - means(bands[:, 80:400, 40:560], 4)).max() <= 1


@pytest.mark.parametrize("factors", [(), (2, 4, 8), (3, 9)])
def test_a_mark_stays_where_it_is(tmp_path: Path, factors: tuple[int, ...]) -> None:
    bands = np.full((3, 1501, 2003), 60, dtype=np.uint8)
    bands[0, 900:960, 1300:1400] = 250
    path = write_raster(tmp_path / "a.tif", bands)
    with rasterio.open(path, "r+") as target:
        if factors:
            target.build_overviews(list(factors), rasterio.enums.Resampling.average)
    x1, y1, x2, y2 = 203, 101, 1803, 1401
    got = look(path, (x1, y1, x2, y2), SizeWH(160, 130))
    rows, columns = np.nonzero(got.image[..., 0] > 155)
    edges = np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]) * 10
    assert np.abs(edges - [1300 - x1, 1400 - x1, 900 - y1, 960 - y1]).max() <= 10


def test_what_has_no_data_is_black(tmp_path: Path) -> None:
    bands = noise(256, 512) // 2 + 100
    bands[:, :, 256:] = 0
    path = write_raster(tmp_path / "a.tif", bands.astype(np.uint8), nodata=0)
    got = look(path, (0, 0, 512, 256), SizeWH(64, 32))
    assert not got.image[:, 33:].any() and got.image[:, :31].min() > 95


def test_beyond_the_bound_blocks_are_read_evenly_and_the_rest_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Colours that change slowly: what is filled in should look like what is there.
    y, x = np.mgrid[0:2048, 0:2048]
    ramp = np.stack([x // 16 + 60, y // 16 + 60, (x + y) // 32 + 60]).astype(np.uint8)
    path = write_raster(tmp_path / "a.tif", ramp)
    monkeypatch.setattr(module, "PART_UNIT_PX", 128)
    monkeypatch.setattr(module, "_affordable_px", lambda _: 2048 * 2048 * 0.4)
    got = look(path, (0, 0, 2048, 2048), SizeWH(256, 256))
    whole = look(path, (0, 0, 2048, 2048), SizeWH(256, 256), is_patient=True)
    assert 0.25 < got.share < 0.5 and whole.share == 1.0
    off = np.abs(got.image.astype(int) - whole.image)
    assert off.max() <= 20 and off.mean() < 4


def test_the_cost_does_not_grow_with_the_raster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.tif"
    side = 90_000
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8", crs="EPSG:32633",
        transform=from_origin(500000, 5300000, 0.1, 0.1), tiled=True, blockxsize=512, blockysize=512,
        compress="deflate", SPARSE_OK=True, BIGTIFF="YES",
    ):  # fmt: skip
        pass
    unpacked: list[int] = []
    plain = TilePictures.sample

    def counted(self: TilePictures, columns: np.ndarray, rows: np.ndarray, level: int | None) -> object:
        unpacked.append(int(np.ptp(columns) + 1) * int(np.ptp(rows) + 1))
        return plain(self, columns, rows, level)

    monkeypatch.setattr(TilePictures, "sample", counted)
    # What a second on a slow core unpacks, so that the test is quick.
    monkeypatch.setattr(module, "_affordable_px", lambda _: 30_000_000)
    got = look(path, (0, 0, side, side), SizeWH(504, 504))
    assert sum(unpacked) <= 1.5 * 30_000_000 and 0 < got.share < 0.01


def test_windows_beyond_the_raster_are_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(64, 64))
    with pytest.raises(ValueError, match="window"):
        look(path, (0, 0, 65, 64), SizeWH(8, 8))
    with pytest.raises(ValueError, match="no larger"):
        look(path, (0, 0, 32, 32), SizeWH(33, 8))


def test_damage_costs_no_more_than_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bands = np.full((3, 1024, 1024), 90, dtype=np.uint8) + noise(1024, 1024) // 16
    path = write_raster(tmp_path / "a.tif", bands)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    path.write_bytes(bytes(data))
    monkeypatch.setattr(module, "UNIT_PX", 128)
    got = look(path, (0, 0, 1024, 1024), SizeWH(128, 128))
    assert got.damaged >= 1 and 0.9 < got.share < 1.0 and got.image.min() > 80


def test_a_raster_that_is_damaged_all_over_says_so(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(64, 64))
    with rasterio.open(path) as opened:
        offset = int(opened.tags(ns="TIFF", bidx=1).get("BLOCK_OFFSET_0_0", 0)) or 600
    data = bytearray(path.read_bytes())
    data[offset : offset + 64] = b"\xff" * 64
    path.write_bytes(bytes(data))
    with pytest.raises(RasterError, match="damage"):
        look(path, (0, 0, 64, 64), SizeWH(8, 8))
