"""Outlines of tiles, joined, are those of the whole raster, however it was cut; simplified, they fit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rs_copilot.segmentation import weld
from rs_copilot.segmentation.polygons import Outlines, to_shapes, trace_tile
from rs_copilot.segmentation.simplify import simplify
from rs_copilot.segmentation.stitch import Stitcher
from rs_copilot.segmentation.sweep import from_arrays, to_arrays

RASTERS = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10), elements=st.integers(0, 3)
)
SIDES = st.integers(1, 9)


@pytest.fixture(scope="module", autouse=True)
def prepared() -> Iterator[None]:
    """Machine code is made on first use, which may take longer than an example is allowed to.

    Groups of parts are welded a few at a time, as in rasters that are much wider.
    """
    simplify(outlines(np.ones((2, 2), dtype=np.uint8), 1, 2), 1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weld, "MANY_VERTICES", 30)
        yield


def outlines(classes: np.ndarray, height: int, width: int, *, min_px: int = 0) -> Outlines:
    """Cut, trace and stitch."""
    stitcher = Stitcher(classes.shape[1], min_px=min_px)
    found = []
    for y, x in itertools.product(range(0, classes.shape[0], height), range(0, classes.shape[1], width)):
        piece = np.ascontiguousarray(classes[y : y + height, x : x + width])
        tile = trace_tile(piece, x, y, min_px=min_px)
        found.append(stitcher.add(from_arrays(to_arrays(tile))))
    return Outlines.join([*found, stitcher.finish()])


def known(found: Outlines) -> list[tuple[int, str]]:
    """Polygons in an order of their own, whatever the order and starts of their rings."""
    shapes = shapely.normalize(to_shapes(found))
    assert shapely.is_valid(shapes).all()
    return sorted(zip(found.classes.tolist(), shapely.to_wkt(shapes), strict=True))


@given(RASTERS)
def test_a_raster_in_one_piece_gives_what_gdal_gives(classes: np.ndarray) -> None:
    agrees_with_gdal(classes)


@given(RASTERS, st.lists(st.integers(0, 20), min_size=10, max_size=10).filter(any))
@settings(deadline=None)
def test_long_runs_of_pixels_give_what_gdal_gives(classes: np.ndarray, lengths: list[int]) -> None:
    """Runs are looked through eight pixels at a time."""
    stretched = np.repeat(classes, lengths[: classes.shape[1]], axis=1)
    if stretched.size:
        agrees_with_gdal(stretched)


def agrees_with_gdal(classes: np.ndarray) -> None:
    """The same areas of the same classes."""
    found = outlines(classes, *classes.shape)
    shapes = to_shapes(found)
    assert shapely.is_valid(shapes).all()
    np.testing.assert_array_equal(shapely.area(shapes), found.sizes_px)
    theirs = rasterio.features.shapes(classes, mask=classes > 0, connectivity=4)
    pairs = [(int(kind), shapely.geometry.shape(geometry)) for geometry, kind in theirs]
    key = {(kind, shape.representative_point().wkt): shape for kind, shape in pairs}
    assert len(key) == len(found)
    tree = shapely.STRtree(shapes)
    for kind, shape in pairs:
        (own,) = tree.query(shape.representative_point(), predicate="within")
        assert found.classes[own] == kind
        assert shapely.symmetric_difference(shapes[own], shape).area == 0


@given(RASTERS, SIDES, SIDES)
@settings(deadline=None)
def test_how_a_raster_is_cut_makes_no_difference(classes: np.ndarray, height: int, width: int) -> None:
    assert known(outlines(classes, height, width)) == known(outlines(classes, *classes.shape))


@given(RASTERS, SIDES, SIDES, st.integers(2, 6))
@settings(deadline=None, max_examples=50)
def test_small_areas_and_holes_go_wherever_they_lie(
    classes: np.ndarray, height: int, width: int, min_px: int
) -> None:
    found = outlines(classes, height, width, min_px=min_px)
    assert known(found) == known(outlines(classes, *classes.shape, min_px=min_px))
    assert (found.sizes_px >= min_px).all()
    holes = [shapely.Polygon(ring) for shape in to_shapes(found) for ring in shape.interiors]
    assert all(hole.area >= min_px for hole in holes)
    assert shapely.union_all(to_shapes(found)).area == pytest.approx(shapely.area(to_shapes(found)).sum())


@given(RASTERS, SIDES, SIDES, st.sampled_from([0.4, 0.75, 1.0, 2.0, 50.0]))
@settings(deadline=None)
def test_simplified_neighbours_still_share_their_borders(
    classes: np.ndarray, height: int, width: int, tolerance_px: float
) -> None:
    exact = outlines(classes, *classes.shape)
    found = simplify(exact, tolerance_px)
    assert known(simplify(outlines(classes, height, width), tolerance_px)) == known(found)
    before, after = to_shapes(exact), to_shapes(found)
    assert shapely.coverage_is_valid(after)
    assert (shapely.area(after) > 0).all()
    if len(found):
        assert shapely.hausdorff_distance(before, after).max() <= tolerance_px + 1e-9


def smooth(side: int, classes: int, sigma: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    fields = [cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), sigma) for _ in range(classes)]
    return np.argmax(fields, axis=0).astype(np.uint8)


def test_stairs_become_lines() -> None:
    classes = smooth(300, 4, 8.0)
    exact = outlines(classes, 64, 64)
    found = simplify(exact, 1.0)
    assert len(found.vertices) < 0.35 * len(exact.vertices)
    assert shapely.coverage_is_valid(to_shapes(found))
    line = simplify(outlines(np.tri(50, dtype=np.uint8), 50, 50), 1.0)
    assert len(line.vertices) <= 6
    assert simplify(exact, 0.0) is exact


def test_missing_tiles_are_nothing() -> None:
    classes = np.ones((12, 12), dtype=np.uint8)
    stitcher = Stitcher(12)
    found = []
    for y, x in itertools.product(range(0, 12, 4), range(0, 12, 4)):
        if (y, x) not in {(4, 4), (8, 0)}:
            found.append(stitcher.add(trace_tile(classes[y : y + 4, x : x + 4], x, y)))
    (shape,) = to_shapes(Outlines.join([*found, stitcher.finish()]))
    right = shapely.difference(
        shapely.box(0, 0, 12, 12), shapely.union_all([shapely.box(4, 4, 8, 8), shapely.box(0, 8, 4, 12)])
    )
    assert shape.equals(right)


def test_a_missing_row_ends_what_waits() -> None:
    classes = np.ones((4, 8), dtype=np.uint8)
    stitcher = Stitcher(8)
    assert len(stitcher.add(trace_tile(classes, 0, 0))) == 0
    assert len(stitcher.add(trace_tile(classes, 0, 8))) == 1
    assert len(stitcher.finish()) == 1
    assert len(stitcher.finish()) == 0


def test_only_what_reaches_the_next_row_is_kept() -> None:
    classes = smooth(512, 3, 2.0)
    stitcher = Stitcher(512)
    waiting = []
    for y in range(0, 512, 32):
        for x in range(0, 512, 32):
            stitcher.add(trace_tile(np.ascontiguousarray(classes[y : y + 32, x : x + 32]), x, y))
        waiting.append(sum(len(chunk.parts) for chunk in stitcher._waiting))
    first, later = max(waiting[2:5]), max(waiting[-3:])
    assert later < 1.5 * first


@pytest.mark.parametrize(
    ("x", "y", "height"), [(0, 0, 4), (2, 0, 4), (6, 0, 4), (4, 0, 3)], ids=["again", "over", "out", "lower"]
)
def test_tiles_out_of_place_are_refused(x: int, y: int, height: int) -> None:
    stitcher = Stitcher(8)
    stitcher.add(trace_tile(np.ones((4, 4), dtype=np.uint8), 0, 0))
    with pytest.raises(ValueError, match="expected a tile"):
        stitcher.add(trace_tile(np.ones((height, 4), dtype=np.uint8), x, y))


def test_tiles_above_are_refused() -> None:
    stitcher = Stitcher(4)
    for y in (0, 4):
        stitcher.add(trace_tile(np.ones((4, 4), dtype=np.uint8), 0, y))
    with pytest.raises(ValueError, match="from row 8 on"):
        stitcher.add(trace_tile(np.ones((4, 4), dtype=np.uint8), 0, 0))


def test_pictures_are_no_classes() -> None:
    with pytest.raises(ValueError, match="uint8"):
        trace_tile(np.zeros((4, 4), dtype=np.int64))


def test_shapes_follow_the_matrix() -> None:
    found = outlines(np.ones((2, 3), dtype=np.uint8), 2, 3)
    matrix = np.array([[0.5, 0, 100.0], [0, -0.5, 200.0], [0, 0, 1.0]])
    assert to_shapes(found, matrix)[0].equals(shapely.box(100.0, 199.0, 101.5, 200.0))
    assert len(to_shapes(Outlines.nothing())) == 0
