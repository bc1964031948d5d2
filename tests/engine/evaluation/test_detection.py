"""Average precision and F1 of oriented boxes against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.evaluation.detection import (
    Boxes,
    average_precision,
    quad_overlaps,
    rotated_score,
    score_without_confidence,
)
from rs_copilot.evaluation.detection_coco import coco_score
from rs_copilot.evaluation.detection_data import quads_of
from rs_copilot.evaluation.detection_f1 import Counts, best_threshold_f1, repository_f1, strict_f1
from rs_copilot.types import FloatArray


def squares(*corners: float, side: float = 10.0) -> FloatArray:
    """Squares on the diagonal, by their top left corner."""
    at = np.array(corners)
    return quads_of(np.stack([at, at, at + side, at + side], axis=1))


def turned(x: float, y: float, long: float, short: float, degrees: float) -> FloatArray:
    angle = np.radians(degrees)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2.0
    return np.array([[x, y] + a * long * along + b * short * across for a, b in signs])


def test_overlap_of_a_box_with_itself_shifted_and_turned():
    upright = turned(0, 0, 20, 10, 0)
    others = np.array(
        [upright, turned(10, 0, 20, 10, 0), turned(0, 0, 20, 10, 90), turned(50, 0, 20, 10, 30)]
    )
    # Half of it common: 100 of 300. Crossed at right angles: 10 x 10 of 300.
    assert quad_overlaps(upright[None], others)[0] == pytest.approx([1.0, 1 / 3, 1 / 3, 0.0])


@given(
    st.tuples(*[st.floats(-40, 40)] * 2, st.floats(5, 40), st.floats(2, 20), st.floats(0, 180)),
    st.tuples(*[st.floats(-40, 40)] * 2, st.floats(5, 40), st.floats(2, 20), st.floats(0, 180)),
    st.floats(0, 360),
)
@settings(max_examples=60, deadline=None)
def test_overlap_is_symmetric_and_does_not_mind_turning_the_picture(first, second, degrees):
    a, b = turned(*first)[None], turned(*second)[None]
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    overlap = quad_overlaps(a, b)[0, 0]
    assert overlap == pytest.approx(quad_overlaps(b, a)[0, 0], abs=1e-9)
    assert overlap == pytest.approx(quad_overlaps(a @ turn.T, b @ turn.T)[0, 0], abs=1e-6)
    assert 0.0 <= overlap <= 1.0 + 1e-9


def test_average_precision_by_hand():
    """Right, wrong, right of two objects: precision 1 up to recall 0.5, then 2/3."""
    recall, precision = np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3])
    assert average_precision(recall, precision) == pytest.approx(0.5 + 0.5 * 2 / 3)
    # Six of eleven points up to 0.5 have 1, five have 2/3.
    assert average_precision(recall, precision, eleven_points=True) == pytest.approx((6 + 5 * 2 / 3) / 11)
    assert average_precision(np.zeros(0), np.zeros(0)) == 0.0


@pytest.fixture
def two_pictures() -> tuple[dict[str, Boxes], dict[str, Boxes]]:
    """Three cars and a difficult one; found: two of them, one twice, the difficult one, and nothing."""
    difficult = np.array([False, False, True])
    truth = {
        "a": Boxes.of(squares(0, 30, 60), "car", difficult=difficult),
        "b": Boxes.of(squares(0), "car"),
    }
    found = {
        # Exact; the same again, a little off; the difficult one; on nothing.
        "a": Boxes.of(squares(0, 1, 60, 90), "car", np.array([0.9, 0.8, 0.7, 0.6])),
        "b": Boxes.of(squares(0.5), "car", np.array([0.5])),
        "elsewhere": Boxes.of(squares(0), "car", np.array([1.0])),
    }
    return truth, found


def test_doubles_are_wrong_and_difficult_ones_are_nothing(two_pictures):
    truth, found = two_pictures
    score = rotated_score(truth, found, thresholds=(0.5, 0.95))
    # In order: right, double, (difficult), wrong, right: precision 1, 1/2, 1/3, 2/4 at recalls 1/3 and 2/3.
    assert score.classes[0].wanted == 3
    assert score.mean_at(0.5) == pytest.approx(1 / 3 * 1 + 1 / 3 * 0.5)
    # The last one, half a pixel off, has too little overlap for 0.95.
    assert score.mean_at(0.95) == pytest.approx(1 / 3)


def test_f1_is_strict_about_doubles_and_forgives_difficult_ones(two_pictures):
    truth, found = two_pictures
    score = strict_f1(truth, found)
    assert score.classes["car"] == Counts(found=2, false=2, missed=1)
    assert score.macro == score.micro == pytest.approx(4 / 7)


def test_the_best_threshold_leaves_noise_out():
    truth = {"a": Boxes.of(squares(0, 30), "car")}
    found = {"a": Boxes.of(squares(0, 30, 60, 90, 120), "car", np.array([0.9, 0.62, 0.5, 0.3, 0.1]))}
    least, score = best_threshold_f1(truth, found)
    assert least == pytest.approx(0.55)
    assert score.classes["car"] == Counts(found=2)


def test_an_empty_answer_to_an_empty_picture_costs_nothing():
    nothing = Boxes.of(np.zeros((0, 4, 2)), [])
    truth = {"a": nothing, "b": Boxes.of(squares(0), "car")}
    assert strict_f1(truth, {"b": Boxes.of(squares(0), "car")}).macro == 1.0
    assert math.isnan(strict_f1({"a": nothing}, {}).macro)
    assert math.isnan(rotated_score({"a": nothing}, {}).mean)


def test_the_repositorys_f1_counts_doubles_and_background():
    """One class, perfect: precision and recall are (1, 0) over car and background, so the F1 is a half."""
    truth = {"a": Boxes.of(squares(0, 30), "car")}
    assert repository_f1(truth, truth) == pytest.approx(0.5)
    twice = {"a": Boxes.of(squares(0, 0.2, 30, 80), "car")}
    # Three of four in the column of cars are right, no object is missed, one detection lies on background:
    # rows: car 3 of 3; columns: car 3 of 4. Means over two: 1/2 and 3/8.
    assert repository_f1(truth, twice) == pytest.approx(2 * 0.5 * 0.375 / 0.875)
    assert repository_f1(truth, {"a": Boxes.of(squares(80), "car")}) == 0.0


PRECISION, RECALL = 0.8, 0.65


def without_scores(*, right_first: bool) -> tuple[dict[str, Boxes], dict[str, Boxes]]:
    """Many objects and detections of precision 0.8 and recall 0.65, the right ones first or last."""
    count = 400
    at = np.arange(count) * 30.0
    right = round(RECALL * count)
    truth = {"a": Boxes.of(squares(*at), "car")}
    wrong = squares(*(at[: round(right / PRECISION) - right] + 15.0))
    parts = [squares(*at[:right]), wrong]
    return truth, {"a": Boxes.of(np.concatenate(parts if right_first else parts[::-1]), "car")}


def test_the_order_of_equal_scores_does_not_decide():
    """About P (floor(10 R) + 1) / 11, the expectation for very many: 0.53 in the published simulation."""
    expected = PRECISION * (np.floor(10 * RECALL) + 1) / 11
    assert expected == pytest.approx(0.509, abs=5e-4)
    found = [
        score_without_confidence(*without_scores(right_first=first), thresholds=(0.5,))
        for first in (True, False)
    ]
    assert found[0].constant_mean() == pytest.approx(0.636, abs=5e-4) == pytest.approx(7 / 11, abs=5e-4)
    assert found[1].constant_mean() == pytest.approx(0.509, abs=5e-4)
    for score in found:
        mean, deviation = score.mean_and_deviation()
        assert mean == pytest.approx(0.53, abs=0.015)
        assert mean >= expected
        assert 0.0 < deviation < 0.02
        assert score.class_mean("car") == pytest.approx(mean)
    again = score_without_confidence(*without_scores(right_first=True), thresholds=(0.5,))
    assert again.drawn.tolist() == found[0].drawn.tolist()


def test_classes_without_wanted_objects_have_no_part_in_means():
    hard = Boxes.of(squares(0, 30), ["car", "bus"], difficult=np.array([False, True]))
    score = score_without_confidence({"a": hard}, {"a": Boxes.of(squares(0, 90), ["car", "bus"])}, seeds=2)
    assert score.names == ("bus", "car")
    assert score.wanted == (0, 1)
    assert score.mean_and_deviation([0.5]) == (1.0, 0.0)
    assert score.mean_and_deviation() == (1.0, 0.0)
    assert math.isnan(score.class_mean("bus"))
    assert math.isnan(score_without_confidence({}, {}).mean_and_deviation()[0])


def test_coco_agrees_on_upright_boxes():
    rng = np.random.default_rng(5)
    truth, found = {}, {}
    for key in "abc":
        at = np.arange(20) * 40.0
        moved = quads_of(np.stack([at, at, at + 20, at + 20], axis=1)) + rng.normal(0, 2.0, (20, 1, 2))
        truth[key] = Boxes.of(quads_of(np.stack([at, at, at + 20, at + 20], axis=1)), "car")
        found[key] = Boxes.of(moved, "car", rng.uniform(0, 1, 20))
    coco, ours = coco_score(truth, found), rotated_score(truth, found)
    # COCO reads the curve at 101 points.
    assert coco.mean == pytest.approx(ours.mean, abs=0.01)
    assert coco.at_50 == pytest.approx(ours.mean_at(0.5), abs=0.01)
    assert coco_score(truth, {}).mean == 0.0


def test_boxes_must_fit_together():
    with pytest.raises(ValueError, match="quads"):
        Boxes(np.zeros((2, 4, 2)), np.array(["a"]), np.ones(1), np.zeros(1, dtype=bool))
