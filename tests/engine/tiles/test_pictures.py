from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs_copilot.errors import MissingCrsError, RasterError
from rs_copilot.tiles.pictures import open_tile_pictures
from rs_copilot.tiles.plan import plan_tiles, scale_for
from rs_copilot.types import SizeWH
from tests.engine.tiles.rasters import noise, write_raster


def test_windows_are_the_files_pixels(tmp_path: Path) -> None:
    bands = noise(150, 200)
    with open_tile_pictures(str(write_raster(tmp_path / "a.tif", bands))) as pictures:
        plan = plan_tiles(pictures.info.size, SizeWH(64, 48), 8)
        for tile in plan.tiles():
            x1, y1, x2, y2 = tile.window_px
            np.testing.assert_array_equal(
                pictures.read(plan, tile), np.moveaxis(bands[:, y1:y2, x1:x2], 0, -1)
            )


def test_a_raster_smaller_than_a_tile_is_padded_with_black(tmp_path: Path) -> None:
    bands = noise(30, 40)
    with open_tile_pictures(str(write_raster(tmp_path / "a.tif", bands))) as pictures:
        plan = plan_tiles(pictures.info.size, SizeWH(64, 48), 8)
        (tile,) = plan.tiles()
        picture = pictures.read(plan, tile)
    assert picture is not None and picture.shape == (48, 64, 3)
    np.testing.assert_array_equal(picture[:30, :40], np.moveaxis(bands, 0, -1))
    assert not picture[30:].any() and not picture[:, 40:].any()


def test_tiles_without_data_are_known_without_a_look(tmp_path: Path) -> None:
    bands = noise(64, 128)
    bands[:, :, :64] = 7
    with open_tile_pictures(str(write_raster(tmp_path / "a.tif", bands, nodata=7))) as pictures:
        plan = plan_tiles(pictures.info.size, SizeWH(64, 64), 0)
        left, right = (pictures.read(plan, tile) for tile in plan.tiles())
    assert left is None and right is not None


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_depths_are_stretched_alike_in_all_tiles(tmp_path: Path, dtype: str) -> None:
    ramp = np.broadcast_to(np.linspace(100, 2000, 256, dtype=dtype), (1, 64, 256)).copy()
    if dtype == "float32":
        ramp[0, 0, 0] = np.nan
    with open_tile_pictures(str(write_raster(tmp_path / "a.tif", ramp))) as pictures:
        plan = plan_tiles(pictures.info.size, SizeWH(64, 64), 0)
        rows = [
            picture[32, :, 0] for tile in plan.tiles() if (picture := pictures.read(plan, tile)) is not None
        ]
    joined = np.concatenate(rows).astype(int)
    assert len(joined) == 256 and (np.diff(joined) >= 0).all() and np.ptp(joined) > 240


def test_a_model_of_another_resolution_sees_its_own(tmp_path: Path) -> None:
    blocks = np.kron(noise(40, 50), np.ones((1, 4, 4), dtype=np.uint8))
    with open_tile_pictures(str(write_raster(tmp_path / "a.tif", blocks, gsd=0.25))) as pictures:
        plan = plan_tiles(pictures.info.size, SizeWH(32, 32), 0, scale_for(pictures.pixel_m, 1.0))
        assert plan.size == SizeWH(50, 40)
        picture = pictures.read(plan, next(plan.tiles()))
    assert picture is not None
    np.testing.assert_array_equal(picture, np.moveaxis(blocks[:, 2:128:4, 2:128:4], 0, -1))


def test_pixels_that_are_oblong_on_the_ground_become_square(tmp_path: Path) -> None:
    """Degrees are shorter along the parallel: at 60 degrees north by half."""
    path = write_raster(tmp_path / "a.tif", noise(64, 64), crs="EPSG:4326", gsd=1e-5, origin=(10.0, 60.0))
    with open_tile_pictures(str(path)) as pictures:
        x, y = scale_for(pictures.pixel_m, None)
        plan = plan_tiles(pictures.info.size, SizeWH(8, 8), 0, (x, y))
        points = pictures.map_points(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), plan)
    across, down = np.linalg.norm(points[1:] - points[0], axis=1)
    assert x == pytest.approx(1.0) and y == pytest.approx(0.5, abs=0.01)
    assert across == pytest.approx(down, rel=1e-3)


def test_what_is_no_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("nothing")
    with pytest.raises(RasterError, match="expected a raster"):
        open_tile_pictures(str(tmp_path / "a.tif"))
    with pytest.raises(MissingCrsError):
        open_tile_pictures(str(write_raster(tmp_path / "b.tif", noise(8, 8), crs="")))


def test_decoded_blocks_are_kept_for_the_tiles_beside(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(256, 256))
    with open_tile_pictures(str(path)) as pictures:
        plan = plan_tiles(pictures.info.size, SizeWH(128, 128), 64)
        first, _, third, *_ = plan.tiles()
        seen = [pictures.read(plan, tile) for tile in (first, third)]
        # Whatever is asked of the file from here on is damaged.
        path.write_bytes(bytes(path.stat().st_size))
        again = [pictures.read(plan, tile) for tile in (first, third)]
    np.testing.assert_array_equal(seen, again)
