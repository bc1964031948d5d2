"""From numbers to objects: whatever numbers a network returns, the objects are sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rs_copilot.detection import boxes, masks
from rs_copilot.detection.decode import Limits, Rows, decode, probabilities, softmax
from rs_copilot.detection.layouts import Hints, Layout, Plan, recognise
from rs_copilot.errors import BadInputError
from rs_copilot.types import FloatArray, SizeWH

CANVAS = SizeWH(640, 512)
CLASSES = 3
SHAPES: dict[Layout, tuple[tuple[int, ...], ...]] = {
    Layout.OBJECTNESS: ((20, 5 + CLASSES),),
    Layout.COLUMNS: ((4 + CLASSES, 20),),
    Layout.ROWS: ((20, 4 + CLASSES),),
    Layout.TURNED: ((5 + CLASSES, 20),),
    Layout.END_TO_END: ((20, 6),),
    Layout.TURNED_END_TO_END: ((20, 7),),
    Layout.SHARES: ((20, 4 + CLASSES),),
    Layout.SHARES_END_TO_END: ((20, 6),),
    Layout.LOGITS: ((20, CLASSES), (20, 4)),
    Layout.LOGITS_OR_NOTHING: ((20, CLASSES + 1), (20, 4)),
    Layout.LISTS: ((20,), (20, 4), (20,)),
}
ANY = st.floats(width=32) | st.sampled_from([0.0, 1.0, 0.5, 100.0, np.nan, np.inf, -np.inf])


def read(layout: Layout, *outputs: FloatArray, min_score: float = 0.25, max_iou: float = 0.5) -> Rows:
    names = tuple(f"o{i}" for i in range(len(outputs)))
    plan = Plan(layout, names, CLASSES)
    limits = Limits(np.full(CLASSES, min_score), max_iou)
    return decode(plan, dict(zip(names, outputs, strict=True)), CANVAS, limits)


@pytest.mark.parametrize("layout", SHAPES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_comes_the_objects_are_sound(layout: Layout, data: st.DataObject) -> None:
    outputs = [data.draw(arrays(np.float32, shape, elements=ANY)) for shape in SHAPES[layout]]
    with np.errstate(all="ignore"):
        found = read(layout, *outputs)
    assert np.isfinite(found.quads_px).all()
    assert ((found.scores >= 0.25) & (found.scores <= 1.0)).all()
    assert ((found.labels >= 0) & (found.labels < CLASSES)).all()
    assert (np.diff(found.scores) <= 0).all()
    middles = found.quads_px.mean(axis=1)
    assert ((middles >= -1e-3) & (middles <= np.array([640.0, 512.0]) + 1e-3)).all()


@pytest.mark.parametrize("layout", SHAPES)
def test_no_rows_are_no_objects(layout: Layout) -> None:
    empty = [np.zeros([0 if side == 20 else side for side in shape], np.float32) for shape in SHAPES[layout]]
    assert len(read(layout, *empty).scores) == 0


def test_objectness_and_class_are_multiplied() -> None:
    rows = np.array([[100, 90, 40, 20, 0.5, 0.1, 0.8, 0.2]], np.float32)
    found = read(Layout.OBJECTNESS, rows)
    np.testing.assert_allclose(found.quads_px, boxes.quads_of(np.array([[80.0, 80.0, 120.0, 100.0]])))
    np.testing.assert_allclose(found.scores, [0.4])
    assert found.labels.tolist() == [1]


def test_an_angle_turns_from_x_to_y() -> None:
    columns = np.array([[100, 90, 40, 20, 0.1, 0.8, 0.2, np.pi / 2]], np.float32).T
    found = read(Layout.TURNED, columns)
    np.testing.assert_allclose(boxes.bounds_of(found.quads_px), [[90, 70, 110, 110]], atol=1e-4)
    np.testing.assert_allclose(found.quads_px[0, 0], [110, 70], atol=1e-4)


def test_boxes_in_shares_are_of_the_canvas() -> None:
    box = np.array([[0.5, 0.5, 0.25, 0.5]], np.float32)
    logits = np.array([[-9, 2, -9]], np.float32)
    for found in (read(Layout.LOGITS, logits, box), read(Layout.SHARES, np.hstack([box, [[0.1, 0.9, 0.0]]]))):
        np.testing.assert_allclose(boxes.bounds_of(found.quads_px), [[240, 128, 400, 384]])
        assert found.labels.tolist() == [1]


def test_the_last_class_of_a_softmax_is_nothing() -> None:
    box = np.array([[0.5, 0.5, 0.25, 0.5]] * 2, np.float32)
    found = read(Layout.LOGITS_OR_NOTHING, np.array([[0, 0, 0, 9], [0, 9, 0, 0]], np.float32), box)
    assert found.labels.tolist() == [1]


def test_rows_of_nonsense_leave_the_others_alone() -> None:
    good = [100, 100, 140, 120, 0.9, 2]
    bad = [
        [np.nan, 100, 140, 120, 0.9, 2],
        [100, 100, np.inf, 120, 0.9, 2],
        [140, 100, 100, 120, 0.9, 2],
        [100, 100, 100, 120, 0.9, 2],
        [700, 100, 740, 120, 0.9, 2],
        [100, 100, 140, 120, np.nan, 2],
        [100, 100, 140, 120, 0.9, 3],
        [100, 100, 140, 120, 0.9, -1],
        [100, 100, 140, 120, 0.9, np.inf],
        [100, 100, 140, 120, 0.1, 2],
    ]
    assert len(read(Layout.END_TO_END, np.array([*bad, good], np.float32)).scores) == 1


def test_boxes_are_cut_at_the_border_and_doubles_left_out() -> None:
    rows = np.array([[10, 10, 40, 40, 1, 0, 0], [11, 10, 40, 40, 0.9, 0, 0], [10, 10, 40, 40, 0, 0.9, 0]])
    found = read(Layout.ROWS, rows)
    np.testing.assert_allclose(boxes.bounds_of(found.quads_px), [[0, 0, 30, 30]] * 2)
    assert found.labels.tolist() == [0, 1]


def test_probabilities_stay_and_logits_are_turned_into_them() -> None:
    np.testing.assert_allclose(probabilities(np.array([0.0, 0.5, 1.004])), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(probabilities(np.array([0.0, 3.0, -800.0])), [0.5, 0.95257, 0.0], atol=1e-4)
    assert np.isnan(probabilities(np.array([np.inf, 0.5]))[0])
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])


def test_a_mask_is_drawn_along_its_edge() -> None:
    """A mask of pixels 10 to 20 by 8 to 14 of prototypes at a quarter of the size."""
    prototypes = np.full((2, 32, 40), -5.0)
    prototypes[0, 8:14, 10:20] = 5.0
    box = boxes.quads_of(np.array([[36.0, 28.0, 90.0, 60.0]]))
    (ring,) = masks.outlines(np.array([[1.0, 0.0]]), prototypes, box, SizeWH(160, 128))
    np.testing.assert_allclose([ring.min(axis=0), ring.max(axis=0)], [[40.0, 32.0], [80.0, 56.0]], atol=0.6)
    (ring,) = masks.outlines(np.array([[-1.0, 1.0]]), np.abs(prototypes), box, SizeWH(160, 128))
    np.testing.assert_array_equal(ring, box[0])


@pytest.mark.parametrize("mask", [np.eye(1), np.ones((1, 5)), np.eye(3), np.ones((4, 3))])
def test_outlines_of_small_masks_cover_their_pixels(mask: FloatArray) -> None:
    ring = masks.ring_of(np.pad(mask.astype(np.uint8), 1))
    assert ring is not None
    assert ring.min() >= 0.75
    assert masks.ring_of(np.zeros((3, 3), np.uint8)) is None


# Shapes as exporters document them for 640 x 640 pixels and 80 classes of COCO, 15 of DOTA.
@pytest.mark.parametrize(
    ("shapes", "classes", "layout"),
    [
        ({"output": (1, 25200, 85)}, 80, Layout.OBJECTNESS),
        ({"output": (1, 25200, 85)}, None, Layout.OBJECTNESS),
        ({"output": (1, 25200, 6)}, 1, Layout.OBJECTNESS),
        ({"output": (1, 25200, 6)}, None, Layout.OBJECTNESS),
        ({"outputs": (1, 8400, 85)}, 80, Layout.OBJECTNESS),
        ({"output0": (1, 84, 8400)}, 80, Layout.COLUMNS),
        ({"output0": (1, 84, 8400)}, None, Layout.COLUMNS),
        ({"output0": (1, 5, 8400)}, 1, Layout.COLUMNS),
        ({"output0": (1, 116, 8400), "output1": (1, 32, 160, 160)}, 80, Layout.COLUMNS),
        ({"output0": (1, 25200, 117), "output1": (1, 32, 160, 160)}, 80, Layout.OBJECTNESS),
        ({"output0": (1, 300, 38), "output1": (1, 32, 160, 160)}, 80, Layout.END_TO_END),
        ({"output0": (1, 300, 6)}, 80, Layout.END_TO_END),
        ({"output0": (1, 300, 6)}, None, Layout.END_TO_END),
        ({"output0": (1, 300, 7)}, 15, Layout.TURNED_END_TO_END),
        ({"output0": (1, 20, 21504)}, 15, Layout.TURNED),
        ({"output0": (1, 300, 84)}, 80, Layout.SHARES),
        ({"logits": (1, 300, 80), "pred_boxes": (1, 300, 4)}, 80, Layout.LOGITS),
        ({"pred_boxes": (1, 300, 4), "logits": (1, 300, 80)}, None, Layout.LOGITS),
        ({"logits": (1, 100, 92), "pred_boxes": (1, 100, 4)}, 91, Layout.LOGITS_OR_NOTHING),
        ({"dets": (1, 300, 4), "labels": (1, 300, 91)}, None, Layout.LOGITS),
        ({"logits": (1, 300, 4), "pred_boxes": (1, 300, 4)}, 4, Layout.LOGITS),
        ({"labels": (1, 300), "boxes": (1, 300, 4), "scores": (1, 300)}, 80, Layout.LISTS),
        ({"output0": (1, 84, 8400), "output1": (1, 84, 8400)}, 80, Layout.COLUMNS),
    ],
)
def test_layouts_are_told_by_their_shapes(
    shapes: dict[str, tuple[int, ...]], classes: int | None, layout: Layout
) -> None:
    plan = recognise(shapes, (640, 640), Hints(class_count=classes))
    assert plan.layout is layout
    if layout in {Layout.LOGITS, Layout.LOGITS_OR_NOTHING}:
        assert shapes[plan.outputs[1]][2] == 4
    if "output1" in shapes and len(shapes["output1"]) == 4:
        assert (plan.prototypes, plan.mask_numbers) == ("output1", 32)


@pytest.mark.parametrize(
    "shapes", [{}, {"y": (1, 3)}, {"y": (1, 3, 64, 64)}, {"y": (1, 2, 5)}, {"a": (1, 9, 4), "b": (1, 9, 0)}]
)
def test_other_shapes_are_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(BadInputError, match="expected"):
        recognise(shapes, (640, 640), Hints())
