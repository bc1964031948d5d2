from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.tiles.plan import axis_of, plan_tiles, scale_for
from rs_copilot.types import SizeWH


@given(st.integers(1, 3000), st.integers(2, 640), st.data())
def test_cores_cover_an_axis_once_and_lie_in_their_windows(
    length: int, side: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, side - 1))
    axis = axis_of(length, side, overlap)
    assert axis.cuts[0] == 0 and axis.cuts[-1] == length
    assert (np.diff(axis.cuts) > 0).all()
    assert (axis.cuts[:-1] >= axis.starts).all() and (axis.cuts[1:] <= axis.starts + side).all()
    if length >= side:
        assert axis.starts[-1] + side == length
    assert (axis.starts[:-1] + side - axis.starts[1:] >= overlap).all()


@pytest.mark.parametrize("bad", [(0, 8, 0), (8, 0, 0), (8, 8, 8), (8, 8, -1)])
def test_an_axis_without_a_way_forward_is_refused(bad: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="positive length"):
        axis_of(*bad)


def test_tiles_are_numbered_row_by_row_and_own_every_pixel_once() -> None:
    plan = plan_tiles(SizeWH(500, 300), SizeWH(128, 96), 16)
    owned = np.zeros((300, 500), dtype=int)
    for tile in plan.tiles():
        x1, y1, x2, y2 = tile.core_px
        owned[y1:y2, x1:x2] += 1
        assert plan.at(tile.number) == tile
    assert (owned == 1).all()
    assert [tile.number for tile in plan.tiles()] == list(range(plan.total))


def test_two_squares_in_opposite_corners_need_exactly_the_tiles_that_meet_them() -> None:
    plan = plan_tiles(SizeWH(8192, 8192), SizeWH(512, 512), 77)
    squares = shapely.union_all([shapely.box(10, 10, 210, 210), shapely.box(7980, 7980, 8180, 8180)])
    meets = [
        tile.number for tile in plan.tiles() if shapely.box(*tile.window_px).intersection(squares).area > 0
    ]
    assert plan.within(squares).numbers.tolist() == meets
    assert 2 <= len(meets) < 20


# Thousandths of a pixel: GEOS divides by zero where edges are 1e-200 long, which no region's are.
EDGES_PX = st.integers(-50_000, 700_000).map(lambda value: value / 1000)


@given(st.lists(st.tuples(*[EDGES_PX] * 4), min_size=1, max_size=4))
def test_a_region_selects_what_shares_ground_with_it(
    corners: list[tuple[float, float, float, float]],
) -> None:
    plan = plan_tiles(SizeWH(640, 480), SizeWH(100, 80), 10)
    region = shapely.union_all(
        [shapely.box(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    )
    windows = shapely.box(*plan.windows_px(np.arange(plan.total)).T)
    found = set(plan.within(region).numbers.tolist())
    # Slivers thinner than rounding may fall on either side.
    shared = shapely.area(shapely.intersection(windows, region))
    assert set(np.flatnonzero(shared > 1e-6).tolist()) <= found
    assert found <= set(np.flatnonzero(shapely.intersects(windows, region)).tolist())


def test_a_region_beside_the_raster_needs_nothing() -> None:
    plan = plan_tiles(SizeWH(640, 480), SizeWH(100, 80), 10)
    assert len(plan.within(shapely.box(1000, 1000, 1100, 1100))) == 0
    assert len(plan.within(shapely.Polygon())) == 0


def test_scales_follow_the_ground_and_small_differences_are_left_alone() -> None:
    assert scale_for((0.3, 0.3), 0.3) == (1.0, 1.0)
    assert scale_for((0.3, 0.3), 0.31) == (1.0, 1.0)
    assert scale_for((0.25, 0.5), 0.5) == (2.0, 1.0)
    assert scale_for((0.25, 0.5), None) == (1.0, 0.5)
    plan = plan_tiles(SizeWH(1000, 600), SizeWH(128, 128), 8, (2.0, 1.5))
    assert plan.size == SizeWH(500, 400)
