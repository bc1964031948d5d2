"""Overlap of boxes against shapely, suppression against the obvious loop."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rs_copilot.detection import boxes
from rs_copilot.types import FloatArray


@pytest.fixture(autouse=True, scope="module", params=["few", "compiled"])
def inner_loops(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything holds for the loops of a few boxes, and for those of many."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("FEW", "FEW_UNLOADED"):
            patch.setattr(boxes, limit, 3000 if request.param == "few" else 0)
        yield


NUMBERS = st.floats(-100.0, 100.0, width=32)
SEEDS = st.integers(0, 2**32 - 1)


def turned(seed: int, count: int, *, side: float = 40.0, upright: bool = False) -> FloatArray:
    """Rectangles, crowded so that most overlap others; every third is like the one before, but for a bit."""
    rng = np.random.default_rng(seed)
    centers, sizes = rng.uniform(0.0, side, (count, 2)), rng.uniform(0.5, 25.0, (count, 2))
    angles = np.zeros(count) if upright else rng.uniform(-4.0, 4.0, count)
    for values in (centers, sizes, angles):
        values[2::3] = values[1::3][: len(values[2::3])]
    centers[2::3] += rng.normal(0.0, 1.0, centers[2::3].shape)
    return boxes.turned_quads(centers, sizes, angles)


def brute(quads: FloatArray, scores: FloatArray, labels: FloatArray, max_iou: float) -> list[int]:
    """All with all, through shapely."""
    keys = [(-scores[i], labels[i], *quads[i].ravel()) for i in range(len(quads))]
    shapes = [shapely.convex_hull(shapely.MultiPoint(quad)) for quad in quads]
    kept: list[int] = []
    for i in sorted(range(len(quads)), key=keys.__getitem__):
        rivals = [j for j in kept if labels[j] == labels[i]]
        if all(_iou(shapes[i], shapes[j]) <= max_iou for j in rivals):
            kept.append(i)
    return kept


def _iou(first: shapely.Geometry, second: shapely.Geometry) -> float:
    union = first.union(second).area
    return first.intersection(second).area / union if union > 0 else 0.0


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_iou_is_what_shapely_says_and_the_same_both_ways(seed: int) -> None:
    quads = turned(seed, 30)
    first, second = quads[:15], np.concatenate([quads[15:29, ::-1], quads[14:15]])
    found = boxes.ious(first, second)
    expected = [_iou(shapely.Polygon(a), shapely.Polygon(b)) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert (found == boxes.ious(second, first)).all()
    assert ((found >= 0.0) & (found <= 1.0)).all()
    np.testing.assert_allclose(boxes.ious(quads, quads), 1.0)


@given(arrays(np.float64, (4, 4, 2), elements=NUMBERS))
@settings(max_examples=100, deadline=None)
def test_iou_of_any_four_points_is_that_of_their_hulls_or_of_nothing(quads: FloatArray) -> None:
    """Bow ties, points and lines included."""
    found = boxes.ious(quads[:2], quads[2:])
    assert ((found >= 0.0) & (found <= 1.0)).all()
    assert (found == boxes.ious(quads[2:], quads[:2])).all()


@pytest.mark.parametrize("offset", [0.0, 4e5])
def test_boxes_that_differ_by_rounding_overlap_wholly(offset: float) -> None:
    quads = turned(3, 300) + offset
    nudged = np.nextafter(quads, quads + np.random.default_rng(0).choice([-1.0, 1.0], quads.shape))
    np.testing.assert_allclose(boxes.ious(quads, nudged), 1.0, atol=1e-6)


@given(SEEDS, st.integers(1, 60), st.floats(0.0, 1.0), st.booleans())
@settings(max_examples=80, deadline=None)
def test_suppression_is_that_of_the_obvious_loop(
    seed: int, count: int, max_iou: float, upright: bool
) -> None:
    quads = turned(seed, count, upright=upright)
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, 6, count) / 5.0, rng.integers(0, 2, count)
    assert boxes.nms(quads, scores, labels, max_iou=max_iou).tolist() == brute(quads, scores, labels, max_iou)


@given(SEEDS, st.integers(2, 200))
@settings(max_examples=40, deadline=None)
def test_suppression_knows_no_order_and_does_nothing_twice(seed: int, count: int) -> None:
    quads = turned(seed, count)
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, count) / 3.0
    kept = boxes.nms(quads, scores, max_iou=0.4)
    mixed = rng.permutation(count)
    np.testing.assert_array_equal(mixed[boxes.nms(quads[mixed], scores[mixed], max_iou=0.4)], kept)
    again = boxes.nms(quads[kept], scores[kept], max_iou=0.4)
    np.testing.assert_array_equal(again, np.arange(len(kept)))


def test_boxes_of_every_size_find_each_other() -> None:
    """From a thousandth of a pixel to a thousand: each size has its own grid."""
    sizes = np.geomspace(1e-3, 1e3, 80)
    quads = boxes.turned_quads(np.full((80, 2), 7.0), np.stack([sizes, sizes], axis=1), np.zeros(80))
    scores = np.random.default_rng(0).permutation(80) / 80.0
    for max_iou in (0.0, 0.3, 0.9):
        kept = boxes.nms(quads, scores, max_iou=max_iou)
        assert kept.tolist() == brute(quads, scores, np.zeros(80), max_iou)


def test_the_order_of_corners_and_their_sense_do_not_matter() -> None:
    quads = turned(1, 20)
    for other in (quads[:, ::-1], np.roll(quads, 1, axis=1)):
        np.testing.assert_allclose(boxes.ious(quads, other), 1.0)


def test_nothing_stays_nothing_and_what_is_no_number_is_refused() -> None:
    assert boxes.nms(np.zeros((0, 4, 2)), np.zeros(0)).tolist() == []
    assert boxes.ious(np.zeros((0, 4, 2)), np.zeros((0, 4, 2))).tolist() == []
    quads = turned(0, 2)
    with pytest.raises(ValueError, match="finite"):
        boxes.nms(quads, np.array([0.5, np.nan]))
    with pytest.raises(ValueError, match="finite"):
        boxes.nms(quads + np.inf, np.ones(2))
    with pytest.raises(ValueError, match="a score and a label"):
        boxes.nms(quads, np.ones(3))
    with pytest.raises(ValueError, match=r"\(N, 4, 2\)"):
        boxes.ious(quads[0], quads[0])


@pytest.mark.parametrize("spread", [0.0, 3000.0])
def test_time_grows_with_the_number_of_boxes_not_with_its_square(spread: float) -> None:
    """Spread like cars in a city, or all on one spot."""
    took = []
    boxes.nms(turned(0, 10), np.ones(10))
    for count in (2_000, 16_000):
        quads = turned(0, count, side=1.0 + spread * np.sqrt(count / 16_000))
        scores = np.random.default_rng(0).uniform(size=count)
        start = time.process_time()
        boxes.nms(quads, scores)
        took.append(time.process_time() - start)
    assert took[1] < 30.0 * took[0] + 0.1


def test_a_turned_rectangle_without_a_turn_is_the_horizontal_box() -> None:
    box = np.array([[10.0, 20.0, 50.0, 40.0]])
    quads = boxes.turned_quads(np.array([[30.0, 30.0]]), np.array([[40.0, 20.0]]), np.zeros(1))
    np.testing.assert_array_equal(quads, boxes.quads_of(box))
    assert boxes.are_upright(quads).all()
    assert not boxes.are_upright(turned(0, 3)).any()


def test_the_boxes_of_a_row_of_tiles_need_no_compiler() -> None:
    """It takes half a second and 80 MB to load."""
    code = """
import sys
import numpy as np
from rs_copilot.detection import boxes
rng = np.random.default_rng(0)
def among(count):
    corners = rng.uniform(0.0, 5000.0, (count, 2))
    quads = corners[:, None] + np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 20.0], [0.0, 20.0]])
    return len(boxes.nms(quads, rng.uniform(size=count)))
print(among(900) > 800, "numba" in sys.modules, among(1100) > 1000, "numba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "True", "True"]
