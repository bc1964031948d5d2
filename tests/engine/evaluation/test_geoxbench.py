"""GeoX-Bench: records, crops, answers and measures of bias, against values worked out by hand."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.geoxbench import (
    DIRECTIONS,
    PLACEMENTS,
    GeoTask,
    cases_of,
    cropped,
    find_task,
    parse_answer,
    parse_as_repository,
)
from rs_copilot.evaluation.geoxbench_bias import accuracy_of, agreement_of, bias_of, divergence, entropy

RECORD: dict[str, Any] = {
    "image_id": "13824_0",
    "source": "test",
    "GroundImage": {
        "file_path": "street/a.jpg",
        "fov": 90,
        "capture_time": "2022-12",
        "real_location": "-27.4,153.0",
        "orientation": "N",
        "degree": 0.0,
        "in_range": False,
    },
    "AerialImage": {"file_path": "satellite/a.jpg", "zoom_level": 18, "centered": True},
}
CANDIDATES = [{"AerialImage": {"file_path": f"satellite/{k}.jpg"}, "is_original": k == 2} for k in range(4)]


def test_the_benchmark_has_as_many_questions_as_published():
    """11 subsets of 100 records; three tasks ask once, four ask nine times: 42,900."""
    per_record = Counter(task.is_placed for task in GeoTask)
    assert per_record == {False: 3, True: 4}
    retrieval = {**RECORD, "AerialCandidates": CANDIDATES}
    questions = sum(len(cases_of(retrieval, 0, task, "a")) for task in GeoTask)
    assert 11 * 100 * questions == 42_900


@pytest.mark.parametrize(
    ("task", "truth", "maps"),
    [
        (GeoTask.POSE, "N", ("satellite/a.jpg",)),
        (GeoTask.MEMBERSHIP, "false", ("satellite/a.jpg",)),
        (GeoTask.CROSS_MAP, "2", tuple(f"satellite/{k}.jpg" for k in range(4))),
    ],
)
def test_truth_and_pictures_of_a_record(task: GeoTask, truth: str, maps: tuple[str, ...]):
    record = {**RECORD, "AerialCandidates": CANDIDATES} if task is GeoTask.CROSS_MAP else RECORD
    (case,) = cases_of(record, 3, task, "CVUSA_zoom18")
    assert (case.truth, case.maps, case.photo) == (truth, maps, "street/a.jpg")


def test_placed_tasks_ask_nine_times():
    cases = cases_of(RECORD, 0, GeoTask.INTRA_MAP, "a")
    assert [case.truth for case in cases] == [case.placement for case in cases] == list(PLACEMENTS)
    assert len({case.key for case in cases}) == 9
    assert {case.truth_in_repository for case in cases} >= {"top_left", "center"}
    done = {**RECORD, "GroundImage": {**RECORD["GroundImage"], "RelativeLocation": "bottom_right"}}
    assert [case.placement for case in cases_of(done, 0, GeoTask.POSE_RANDOM, "a")] == ["bottom right"]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"GroundImage": 3},
        {**RECORD, "GroundImage": {**RECORD["GroundImage"], "orientation": "NE"}},
        {**RECORD, "AerialImage": None},
    ],
)
def test_records_of_another_form_are_refused(broken: dict[str, Any]):
    with pytest.raises(BadInputError):
        cases_of(broken, 7, GeoTask.POSE, "a")


def test_candidates_must_be_four_with_one_true():
    record = {**RECORD, "AerialCandidates": CANDIDATES[:3]}
    with pytest.raises(BadInputError, match="4 candidates"):
        cases_of(record, 0, GeoTask.CROSS_MAP, "a")


def test_tasks_are_found_by_both_names():
    assert {find_task(task.module) for task in GeoTask} == {find_task(task.value) for task in GeoTask}
    with pytest.raises(BadInputError, match="no task"):
        find_task("flight")


@pytest.mark.parametrize("place", PLACEMENTS)
def test_the_camera_stands_where_the_placement_says(place: str):
    x = 0.25 if "left" in place else 0.75 if "right" in place else 0.5
    y = 0.25 if "top" in place else 0.75 if "bottom" in place else 0.5
    side = 120
    aerial = np.zeros((side, side, 3), np.uint8)
    aerial[side // 2, side // 2] = 255
    crop = cropped(aerial, place)
    assert crop.shape == (80, 80, 3)
    row, col = np.argwhere(crop[..., 0])[0]
    assert (col / 80, row / 80) == pytest.approx((x, y))
    assert cropped(aerial, None) is aerial


@pytest.mark.parametrize(
    ("text", "task", "strict", "repository"),
    [
        ('{"explanation": "north up", "direction": "n"}', GeoTask.POSE, "N", "N"),
        ('{"direction": "NN"}', GeoTask.POSE, None, "NN"),
        ("direction: East", GeoTask.POSE, "E", None),
        ('{"explanation": "the direction: hard", "direction": "W"}', GeoTask.POSE, "W", "W"),
        ('{"is_in_range": TRUE}', GeoTask.MEMBERSHIP, "true", "true"),
        ('{"is_in_range": "false"}', GeoTask.MEMBERSHIP, "false", None),
        ('{"is_in_range": maybe}', GeoTask.MEMBERSHIP, None, None),
        ('{"location": "top left"}', GeoTask.INTRA_MAP, "top left", "top left"),
        ('{"location": "Top_Left"}', GeoTask.INTRA_MAP, "top left", "Top_Left"),
        ('{"location": "not exist"}', GeoTask.INTRA_MAP, None, "not exist"),
        ('{"matched_aerial_index": 3}', GeoTask.CROSS_MAP, "3", "3"),
        ('{"matched_aerial_index": 7}', GeoTask.CROSS_MAP, None, "7"),
        ("no idea", GeoTask.CROSS_MAP, None, None),
        ("", GeoTask.POSE, None, None),
    ],
)
def test_answers_are_read_strictly_and_as_the_repository_does(text, task, strict, repository):
    assert parse_answer(text, task) == strict
    assert parse_as_repository(text, task) == repository


@given(st.text(), st.sampled_from(GeoTask))
def test_any_text_is_an_option_or_none(text: str, task: GeoTask):
    assert parse_answer(text, task) in {None, *task.options}
    parse_as_repository(text, task)


def test_no_preference_and_always_the_same():
    truth = list(DIRECTIONS) * 25
    even = bias_of(truth, truth, DIRECTIONS)
    assert (even.h_norm, even.d_kl, even.p_mode) == pytest.approx((1.0, 0.0, 0.25))
    constant = bias_of(["N"] * 100, truth, DIRECTIONS)
    assert (constant.h_norm, constant.d_kl) == pytest.approx((0.0, math.log(4)))
    assert (constant.mode, constant.p_mode) == ("N", 1.0)
    assert constant.mode_baseline_acc == constant.acc_given_mode == 0.25


def test_entropy_and_divergence_say_the_same_where_the_truth_is_balanced():
    rng = np.random.default_rng(3)
    truth = list(DIRECTIONS) * 50
    said = list(rng.choice(DIRECTIONS, 200, p=[0.6, 0.2, 0.15, 0.05]))
    found = bias_of(said, truth, DIRECTIONS)
    assert found.h_norm == pytest.approx(1.0 - found.d_kl / math.log(4))


def test_the_published_favourite_share_of_a_small_model():
    """p_mode 0.7342 of four options, the others alike: H_norm 0.63."""
    shares = np.array([0.7342, *[(1 - 0.7342) / 3] * 3])
    assert entropy(shares) / math.log(4) == pytest.approx(0.63, abs=0.005)


def test_accuracy_where_the_model_said_its_favourite():
    found = bias_of(["N", "N", "N", "E", None], ["N", "N", "E", "E", "S"], DIRECTIONS)
    assert found.p_mode == 0.75
    assert found.acc_given_mode == pytest.approx(2 / 3)
    assert found.mode_baseline_acc == 0.4
    assert math.isnan(bias_of([None], ["N"], DIRECTIONS).h_norm)
    with pytest.raises(ValueError, match="as many"):
        bias_of([], ["N"], DIRECTIONS)


def test_an_option_that_is_never_true_does_not_make_the_divergence_infinite():
    value = divergence(np.array([0.5, 0.5]), np.array([1.0, 0.0]), 10)
    # Shares (0.6, 0.6) / 1.2 and (1.1, 0.1) / 1.2.
    assert value == pytest.approx(0.5 * math.log(0.5 / (1.1 / 1.2)) + 0.5 * math.log(0.5 / (0.1 / 1.2)))


def test_always_true_is_visible_in_membership():
    truth = ["true", "false"] * 50
    found = accuracy_of(["true"] * 99 + [None], truth, ("true", "false"))
    assert found.accuracy == 0.5
    assert found.rates == {"true": 1.0, "false": 0.0}
    assert found.unread == 1


def test_agreement_over_nine_crops():
    steady = {"a": [(place, "N") for place in PLACEMENTS]}
    assert agreement_of(steady, follows=False).share == 1.0
    half = {**steady, "b": [(place, "N" if k < 6 else None) for k, place in enumerate(PLACEMENTS)]}
    found = agreement_of(half, follows=False)
    assert (found.records, found.share, found.whole) == pytest.approx((2, (1 + 6 / 9) / 2, 0.5))
    following = {
        "a": [(place, place) for place in PLACEMENTS],
        "b": [(place, "left") for place in PLACEMENTS],
    }
    found = agreement_of(following, follows=True)
    assert (found.share, found.whole) == pytest.approx(((1 + 1 / 9) / 2, 0.5))
    assert math.isnan(agreement_of({}, follows=True).share)
