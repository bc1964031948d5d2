"""Tiles cover everything, overlap as promised, and are cut where they claim to lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.retrieval.tiles import (
    MAX_DEFAULT_TILES,
    default_sides_m,
    fingerprints,
    tile_grid,
    valid_shares,
)

extents = st.floats(10.0, 5000.0)
sides = st.floats(5.0, 800.0)
strides = st.floats(0.2, 1.0)
shares = st.floats(0.0, 1.0)


@given(extents, extents, sides, strides, shares, shares)
def test_every_point_lies_in_a_tile(width, height, side, stride, x, y):
    west, south = 1000.0, -2000.0
    grid = tile_grid((west, south, west + width, south + height), side, 96, stride)
    east_m, north_m = west + x * width, south + y * height
    assert ((grid.wests_m <= east_m + 1e-6) & (grid.wests_m + side >= east_m - 1e-6)).any()
    assert ((grid.norths_m >= north_m - 1e-6) & (grid.norths_m - side <= north_m + 1e-6)).any()


@given(extents, sides, strides, shares)
def test_inner_points_are_near_a_centre(extent, side, stride, x):
    grid = tile_grid((0.0, 0.0, extent, extent), side, 96, stride)
    point = side / 2 + x * (extent - side)
    if extent > side:
        assert np.abs(grid.wests_m + side / 2 - point).min() <= stride * side / 2 + 1e-6


@given(st.floats(0.5, 12.0), st.floats(0.5, 12.0), st.floats(0.4, 1.0), st.integers(1, 9))
def test_blocks_hold_every_tile_once(width, height, stride, per_side):
    grid = tile_grid((0.0, 0.0, width, height), 1.0, 96, stride)
    centers = np.concatenate([block.centers_xy_m for block in grid.blocks(per_side)])
    assert len(centers) == len(grid) == len(np.unique(np.round(centers, 6), axis=0))


@given(
    st.floats(-1e6, 1e6),
    st.floats(200.0, 3000.0),
    st.floats(0.0, 2000.0),
    st.floats(0.0, 2000.0),
    strides,
)
def test_a_raster_that_grows_keeps_its_inner_tiles(west, extent, more_west, more_east, stride):
    """To the bit, and in the same block with the same neighbours before it."""
    old = tile_grid((west, 0.0, west + extent, extent), 60.0, 96, stride)
    new = tile_grid((west - more_west, 0.0, west + extent + more_east, extent), 60.0, 96, stride)
    assert np.isin(old.wests_m[1:-1], new.wests_m).all()
    np.testing.assert_array_equal(old.norths_m, new.norths_m)
    assert len(old.wests_m) <= np.ceil((extent - 60.0) / old.step_m) + 3
    borders = {block.wests_m[0] for block in new.blocks()}
    assert {block.wests_m[0] for block in old.blocks()} - set(old.wests_m[:1]) <= borders | set(
        old.wests_m[-1:]
    )


def test_tiles_stay_inside_where_they_fit():
    grid = tile_grid((7.0, 13.0, 1007.0, 513.0), 120.0, 96)
    pixel_m = 120.0 / 96
    assert 7.0 - pixel_m < grid.wests_m[0] <= 7.0
    assert 1007.0 <= grid.wests_m[-1] + 120.0 < 1007.0 + pixel_m
    assert 513.0 <= grid.norths_m[0] < 513.0 + pixel_m
    assert 13.0 - pixel_m < grid.norths_m[-1] - 120.0 <= 13.0
    assert (grid.wests_m[1:-1] % 60.0 == 0.0).all()
    assert np.all(np.diff(grid.wests_m) <= 60.0 + 1e-9)


@pytest.mark.parametrize(
    ("bounds", "side", "stride"),
    [
        ((0, 0, 0, 10), 5.0, 0.5),
        ((0, 10, 10, 0), 5.0, 0.5),
        ((0, 0, 9, 9), 0.0, 0.5),
        ((0, 0, 9, 9), 5.0, 0.0),
    ],
)
def test_nonsense_is_refused(bounds, side, stride):
    with pytest.raises(ValueError, match="expected"):
        tile_grid(bounds, side, 96, stride)


def test_cutting_finds_the_pixels_of_each_tile():
    """A picture whose colours are coordinates: the middle of every tile must name its own centre."""
    input_px, side = 32, 64.0
    (block,) = tile_grid((100.0, 200.0, 420.0, 440.0), side, input_px, 0.5).blocks(50)
    west, south, east, north = block.bounds_m
    gsd = block.gsd_m(input_px)
    cols, rows = round((east - west) / gsd), round((north - south) / gsd)
    picture = np.zeros((rows, cols, 4), dtype=np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(cols)[None, :], np.arange(rows)[:, None]
    tiles = block.cut(picture, input_px)
    assert tiles.shape == (len(block.centers_xy_m), input_px, input_px, 4)
    for tile, (x, y) in zip(tiles, block.centers_xy_m, strict=True):
        # The pixel right and below of the middle starts at the centre.
        col, row = tile[input_px // 2, input_px // 2, :2]
        assert west + col * gsd == pytest.approx(x, abs=gsd / 2)
        assert north - row * gsd == pytest.approx(y, abs=gsd / 2)


@given(st.floats(20.0, 60_000.0), st.floats(20.0, 60_000.0), st.floats(0.05, 30.0))
def test_default_scales_suit_the_raster(width, height, gsd):
    bounds = (0.0, 0.0, width, height)
    chosen = default_sides_m(bounds, gsd, 96)
    assert 1 <= len(chosen) <= 3
    assert list(chosen) == sorted(chosen)
    assert chosen[-1] <= max(min(width, height), 1e-9)
    if len(chosen) > 2:
        assert len(tile_grid(bounds, chosen[0], 96)) <= MAX_DEFAULT_TILES


def test_typical_rasters():
    assert default_sides_m((0, 0, 1400, 1500), 0.5, 96) == (60.0, 120.0, 240.0)
    assert default_sides_m((0, 0, 2300, 3600), 5.0, 96) == (240.0, 480.0, 960.0)
    assert default_sides_m((0, 0, 93, 98), 0.06, 96) == (60.0,)
    assert default_sides_m((0, 0, 5000, 5000), 0.5, 96)[0] == 120.0


def test_shares_of_data():
    tiles = np.zeros((2, 4, 4, 4), dtype=np.uint8)
    tiles[1, :2, :, 3] = 255
    assert valid_shares(tiles).tolist() == [0.0, 0.5]


def test_fingerprints_tell_tiles_apart():
    tiles = np.zeros((3, 8, 8, 4), dtype=np.uint8)
    tiles[1, 7, 7, 3] = 1
    found = fingerprints(tiles)
    assert found.dtype == np.int64
    assert found[0] == found[2] != found[1]
    np.testing.assert_array_equal(fingerprints(tiles[:, ::-1, ::-1][:, ::-1, ::-1]), found)
    assert fingerprints(tiles[:0]).shape == (0,)
