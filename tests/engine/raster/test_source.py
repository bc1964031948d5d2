from __future__ import annotations

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling

from rs_copilot.errors import MissingCrsError, RasterError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.raster import levels
from rs_copilot.raster.source import open_raster, read_elevation
from tests.engine.raster.worlds import (
    NORTH,
    SIDE,
    UTM,
    WEST,
    colour,
    pixels_of,
    transform_in,
    truth_of,
    write,
)

INNER = (WEST + 60.0, NORTH - 180.0, WEST + 180.0, NORTH - 60.0)
GEO, MERCATOR = pyproj.CRS.from_epsg(4326), pyproj.CRS.from_epsg(3857)


def bytes_of(crs, transform):
    return np.rint(pixels_of(crs, transform)).astype(np.uint8)


def world(tmp_path, crs=UTM, rotation_deg=0.0, **options):
    transform = transform_in(crs, rotation_deg=rotation_deg)
    return write(tmp_path / "map.tif", bytes_of(crs, transform), crs, transform, **options)


@pytest.mark.parametrize("rotation_deg", [0.0, 30.0])
@pytest.mark.parametrize("crs", [UTM, GEO, MERCATOR], ids=["utm", "4326", "3857"])
def test_colours_lie_where_they_belong_in_any_crs(tmp_path, crs, rotation_deg):
    with open_raster(world(tmp_path, crs, rotation_deg)) as source:
        piece = source.read(1.0, INNER)
    assert source.info.metric_crs == UTM
    assert source.info.gsd_m == pytest.approx(1.0, rel=0.01)
    assert piece.valid.all()
    assert np.abs(piece.image - truth_of(piece)).max() < 5


def test_native_grid_is_read_without_resampling(tmp_path):
    bands = bytes_of(UTM, transform_in(UTM))
    with open_raster(world(tmp_path)) as source:
        piece = source.read(1.0)
    assert np.array_equal(piece.image, np.moveaxis(bands, 0, -1))
    assert (piece.west_m, piece.north_m) == pytest.approx((WEST, NORTH))


def test_ground_control_points_place_a_raster(tmp_path):
    transform = transform_in(UTM, rotation_deg=10.0)
    points = [
        GroundControlPoint(row, col, *(transform @ (col, row))) for row in (0, SIDE) for col in (0, SIDE)
    ]
    path = write(tmp_path / "gcp.tif", bytes_of(UTM, transform), UTM, None, gcps=points)
    with open_raster(path) as source:
        piece = source.read(1.0, INNER)
    assert np.abs(piece.image - truth_of(piece)).max() < 5


def test_pieces_reach_beyond_the_raster_as_invalid(tmp_path):
    with open_raster(world(tmp_path)) as source:
        piece = source.read(2.0, (WEST - 100, NORTH - 100, WEST + 100, NORTH + 100))
        nothing = source.read(2.0, (WEST + 9000, NORTH - 100, WEST + 9100, NORTH))
    assert piece.valid[51:, 51:].all()
    assert not piece.valid[:49].any()
    assert not piece.valid[:, :49].any()
    assert not nothing.valid.any()
    assert not nothing.image.any()


@settings(max_examples=15, deadline=None)
@given(gsd_m=st.floats(0.4, 9.0), x=st.floats(0, 100), y=st.floats(0, 100), side=st.floats(20, 120))
def test_pieces_cover_their_bounds_and_show_the_truth(tmp_path_factory, gsd_m, x, y, side):
    folder = tmp_path_factory.getbasetemp() / "cover"
    if not folder.exists():
        folder.mkdir()
        world(folder)
    bounds = (WEST + x, NORTH - y - side, WEST + x + side, NORTH - y)
    with open_raster(folder / "map.tif") as source:
        piece = source.read(gsd_m, bounds)
    height, width = piece.valid.shape
    assert width * gsd_m >= side - 1e-3
    assert height * gsd_m >= side - 1e-3
    assert (width - 1) * gsd_m < side
    inner = (slice(1, -1), slice(1, -1))
    # A shrinking kernel averages: the error grows with the square of the pixel size.
    assert np.abs(piece.image - truth_of(piece))[inner].max(initial=0) < 4 + 0.9 * gsd_m**2


def test_matrices_are_inverses_of_each_other(tmp_path):
    with open_raster(world(tmp_path)) as source:
        piece = source.read(0.7, INNER)
    assert np.allclose(piece.map_from_px @ piece.px_from_map, np.eye(3))
    assert piece.map_from_px @ [0, 0, 1] == pytest.approx([INNER[0], INNER[3], 1])


def test_overviews_are_used_and_agree_with_the_full_raster(tmp_path):
    path = world(tmp_path)
    with rasterio.open(path, "r+") as target:
        target.build_overviews([2, 4, 8], Resampling.average)
    with open_raster(path) as source:
        piece = source.read(4.0)
        assert list(source._levels._files) == [1]
    assert np.abs(piece.image - truth_of(piece))[2:-2, 2:-2].max() < 20


def test_rasters_without_overviews_are_reduced_once(tmp_path, monkeypatch):
    monkeypatch.setattr(levels, "MIN_SOURCE_PX", 1000)
    with open_raster(world(tmp_path)) as source:
        first, second = source.read(4.0), source.read(8.0)
        assert [factor for _, factor in source._levels._made] == [4]
    for piece in (first, second):
        assert piece.valid.all()
        assert np.abs(piece.image - truth_of(piece)).mean() < 6


# --- what the file says about missing pixels -------------------------------------------------------


def hole():
    mask = np.ones((SIDE, SIDE), dtype=bool)
    mask[100:140, 90:150] = False
    return mask


def assert_hole(path, gsd_m=1.0):
    with open_raster(path) as source:
        piece = source.read(gsd_m)
    expected = hole()
    # One pixel around a hole would mix in what is missing, and is missing too.
    assert not piece.valid[~expected].any()
    assert piece.valid.sum() >= expected.sum() - 2 * (40 + 60) - 4
    assert not piece.image[~piece.valid].any()
    kept = piece.valid
    assert np.abs(piece.image - truth_of(piece))[kept].max() < 3


def test_nodata_value(tmp_path):
    bands = np.where(hole(), bytes_of(UTM, transform_in(UTM)), 0).astype(np.uint8)
    assert_hole(write(tmp_path / "n.tif", bands, UTM, transform_in(UTM), nodata=0))


def test_alpha_band(tmp_path):
    alpha = (hole() * 255).astype(np.uint8)[None]
    bands = np.concatenate([bytes_of(UTM, transform_in(UTM)), alpha])
    roles = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    assert_hole(write(tmp_path / "a.tif", bands, UTM, transform_in(UTM), roles=roles))


def test_mask_band(tmp_path):
    bands = bytes_of(UTM, transform_in(UTM))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        assert_hole(write(tmp_path / "m.tif", bands, UTM, transform_in(UTM), mask=hole()))


def test_nodata_survives_reduction_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(levels, "MIN_SOURCE_PX", 1000)
    bands = np.where(hole(), bytes_of(UTM, transform_in(UTM)), 0).astype(np.uint8)
    with open_raster(write(tmp_path / "n.tif", bands, UTM, transform_in(UTM), nodata=0)) as source:
        piece = source.read(4.0)
    assert not piece.valid[26:34, 24:36].any()
    assert piece.valid[:24].all()
    assert piece.image[piece.valid].min() > 20


def test_black_collar_without_declared_nodata_is_missing_but_black_water_is_not(tmp_path):
    bands = bytes_of(UTM, transform_in(UTM))
    bands[:, :30] = 0
    bands[:, :, 200:] = 0
    bands[:, 100:120, 100:120] = 0
    with open_raster(write(tmp_path / "c.tif", bands, UTM, transform_in(UTM))) as source:
        piece = source.read(1.0)
        part = source.read(1.0, (WEST + 95, NORTH - 125, WEST + 125, NORTH - 95))
    assert not piece.valid[:30].any()
    assert not piece.valid[:, 200:].any()
    assert piece.valid[31:, :199].all()
    assert part.valid.all()


def test_raster_without_collar_keeps_dark_edges(tmp_path):
    bands = np.full((3, SIDE, SIDE), 12, dtype=np.uint8)
    with open_raster(write(tmp_path / "d.tif", bands, UTM, transform_in(UTM))) as source:
        assert source.read(1.0).valid.all()


# --- depths and bands ------------------------------------------------------------------------------


def test_single_band_becomes_grey(tmp_path):
    bands = bytes_of(UTM, transform_in(UTM))[:1]
    with open_raster(write(tmp_path / "g.tif", bands, UTM, transform_in(UTM))) as source:
        piece = source.read(1.0)
    assert np.array_equal(piece.image, np.repeat(bands[0][..., None], 3, axis=2))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_deep_rasters_are_stretched_the_same_everywhere(tmp_path, dtype):
    bands = (pixels_of(UTM, transform_in(UTM)) * 11 + 300).astype(dtype)
    with open_raster(write(tmp_path / "deep.tif", bands, UTM, transform_in(UTM))) as source:
        whole = source.read(1.0)
        part = source.read(1.0, (WEST + 50, NORTH - 100, WEST + 100, NORTH - 50))
    assert np.array_equal(part.image, whole.image[50:100, 50:100])
    for channel in range(3):
        seen, true = whole.image[..., channel].ravel(), truth_of(whole)[..., channel].ravel()
        assert np.corrcoef(seen, true)[0, 1] > 0.995
    assert whole.image.min() == 0
    assert whole.image.max() == 255


def test_not_a_number_is_missing_and_does_not_spread(tmp_path):
    bands = pixels_of(UTM, transform_in(UTM)).astype(np.float32)
    bands[:, 100:110, 100:110] = np.nan
    with open_raster(write(tmp_path / "nan.tif", bands, UTM, transform_in(UTM))) as source:
        piece = source.read(1.0)
    assert not piece.valid[100:110, 100:110].any()
    assert piece.valid[:98].all()


@pytest.mark.parametrize("count", [2, 4, 7])
def test_other_band_counts(tmp_path, count):
    bands = np.repeat(bytes_of(UTM, transform_in(UTM)), 3, axis=0)[:count]
    with open_raster(write(tmp_path / "b.tif", bands, UTM, transform_in(UTM))) as source:
        piece = source.read(1.0)
    expected = bands[:3] if count >= 3 else bands[[0, 0, 0]]
    assert np.array_equal(piece.image, np.moveaxis(expected, 0, -1))
    assert source.info.band_count == count


def test_declared_colours_win_over_order(tmp_path):
    bands = bytes_of(UTM, transform_in(UTM))[::-1]
    roles = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    with open_raster(write(tmp_path / "bgr.tif", bands, UTM, transform_in(UTM), roles=roles)) as source:
        piece = source.read(1.0)
    assert np.array_equal(piece.image, np.moveaxis(bands[::-1], 0, -1))


def test_palette_is_expanded(tmp_path):
    numbers = (np.indices((SIDE, SIDE)).sum(axis=0) // 40 % 3).astype(np.uint8)[None]
    colours = {0: (200, 10, 20, 255), 1: (30, 210, 40, 255), 2: (50, 60, 220, 255)}
    path = write(tmp_path / "p.tif", numbers, UTM, transform_in(UTM), colormap=colours)
    with open_raster(path) as source:
        piece = source.read(1.0)
    table = np.array([colours[i][:3] for i in range(3)], dtype=np.uint8)
    assert np.array_equal(piece.image, table[numbers[0]])


# --- refusals --------------------------------------------------------------------------------------


def test_no_crs_is_refused_with_what_to_do(tmp_path):
    path = write(tmp_path / "x.tif", bytes_of(UTM, transform_in(UTM)), None, transform_in(UTM))
    with pytest.raises(MissingCrsError, match=r"x\.tif") as caught:
        open_raster(path)
    assert "gdal_edit" in caught.value.hint


def test_local_crs_is_refused(tmp_path):
    local = pyproj.CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1],AXIS["X",EAST],AXIS["Y",NORTH]]')
    path = write(tmp_path / "l.tif", bytes_of(UTM, transform_in(UTM)), local, transform_in(UTM))
    with pytest.raises(MissingCrsError):
        open_raster(path)


def test_crs_without_position_is_refused(tmp_path):
    path = write(tmp_path / "x.tif", bytes_of(UTM, transform_in(UTM)), UTM, None)
    with pytest.raises(RasterError, match="no position"):
        open_raster(path)


@pytest.mark.parametrize("content", [b"", b"II*\x00junk", b"not a raster at all" * 50])
def test_junk_is_refused(tmp_path, content):
    path = tmp_path / "junk.tif"
    path.write_bytes(content)
    with pytest.raises(RasterError):
        open_raster(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(RasterError):
        open_raster(tmp_path / "nothing.tif")


def test_truncated_pixels_are_a_raster_error(tmp_path):
    path = world(tmp_path, compress="deflate")
    path.write_bytes(path.read_bytes()[:-40_000])
    with pytest.raises(RasterError), open_raster(path) as source:
        source.read(1.0)


def test_position_outside_the_earth_is_refused(tmp_path):
    path = write(tmp_path / "w.tif", np.ones((1, 8, 8), np.uint8), GEO, Affine(1, 0, 900, 0, -1, 900))
    with pytest.raises(RasterError):
        open_raster(path)


def test_global_raster_is_refused_for_its_extent(tmp_path):
    path = write(tmp_path / "w.tif", np.ones((1, 180, 360), np.uint8), GEO, Affine(1, 0, -180, 0, -1, 90))
    with pytest.raises(RasterError, match="extent"):
        open_raster(path)


@pytest.mark.parametrize(
    ("gsd_m", "bounds"), [(0.0, INNER), (-1.0, INNER), (1.0, (5, 5, 5, 9)), (float("nan"), INNER)]
)
def test_impossible_pieces_are_value_errors(tmp_path, gsd_m, bounds):
    with open_raster(world(tmp_path)) as source, pytest.raises(ValueError, match="expected"):
        source.read(gsd_m, bounds)


def test_pieces_too_large_for_memory_are_refused(tmp_path):
    with open_raster(world(tmp_path)) as source, pytest.raises(RasterError, match="million"):
        source.read(0.01, INNER)


# --- elevation -------------------------------------------------------------------------------------


def test_elevation_keeps_metres_and_says_where_it_is_missing(tmp_path):
    heights = pixels_of(GEO, transform_in(GEO))[:1].astype(np.float32) + 400
    heights[:, 100:140, 90:150] = -9999
    path = write(tmp_path / "dem.tif", heights, GEO, transform_in(GEO), nodata=-9999)
    dem = read_elevation(path, INNER, 2.0, UTM)
    known = np.isfinite(dem.heights_m)
    assert 0.6 < known.mean() < 0.95
    columns, rows = np.meshgrid(np.arange(60) + 0.5, np.arange(60) + 0.5)
    points = np.stack([INNER[0] + columns.ravel() * 2, INNER[3] - rows.ravel() * 2], axis=1)
    true = colour(points)[:, 0].reshape(60, 60) + 400
    assert np.abs(dem.heights_m - true)[known].max() < 5
    assert np.isnan(dem.at(np.array([[WEST - 500.0, NORTH]]))).all()
    spot = points[known.ravel()][:50]
    assert np.nanmax(np.abs(dem.at(spot) - (colour(spot)[:, 0] + 400))) < 5


def test_elevation_interpolates_a_plane_exactly(tmp_path):
    columns, rows = np.meshgrid(np.arange(50) + 0.5, np.arange(50) + 0.5)
    plane = (3.0 * columns - 2.0 * rows)[None].astype(np.float32)
    path = write(tmp_path / "plane.tif", plane, UTM, Affine(1, 0, WEST, 0, -1, NORTH))
    dem = read_elevation(path, (WEST, NORTH - 50, WEST + 50, NORTH), 1.0, UTM)
    at = dem.at(np.array([[WEST + 10.3, NORTH - 7.9]]))
    assert at == pytest.approx([3 * 10.3 - 2 * 7.9], abs=1e-3)


def test_real_rasters_open_and_read(real_data):
    paths = sorted(real_data.glob("0*/*.tif")) + sorted(real_data.glob("14*/*/*.tif"))
    assert paths
    for path in paths:
        with open_raster(path) as source:
            info = source.info
            piece = source.read(max(info.gsd_m, (info.bounds_m.xmax - info.bounds_m.xmin) / 200))
        assert 0.3 < piece.valid.mean() <= 1.0, path.name
        assert geo_crs.metric_crs_for(info.crs, info.center) == info.metric_crs
