"""Where described things are: overlaps, generalised overlaps, one and several things."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.detection.boxes import quads_of, turned_quads
from rs_copilot.evaluation.detection_f1 import Counts
from rs_copilot.evaluation.grounding import (
    Grounded,
    generalized_overlaps,
    is_complete,
    is_hit,
    is_hit_by_repository,
    match_all,
    tally,
)
from rs_copilot.types import FloatArray


def box(*bounds: float) -> FloatArray:
    return quads_of(np.array([bounds], dtype=float))[0]


def test_just_a_half_is_not_enough():
    # Shares 10 x 10 of 10 x 20: exactly one half.
    assert not is_hit(box(0, 0, 10, 10), box(0, 0, 10, 20))
    assert is_hit(box(0, 0, 10, 10.1), box(0, 0, 10, 20))
    assert not is_hit(box(0, 0, 0, 0), box(0, 0, 10, 20))


def test_the_repository_does_not_count_a_pixel():
    assert is_hit(box(5, 5, 6, 6), box(5, 5, 6, 6))
    assert not is_hit_by_repository(box(5, 5, 6, 6), box(5, 5, 6, 6))
    assert is_hit_by_repository(box(5, 5, 8, 8), box(5, 5, 8, 8))


def test_generalised_overlap_by_hand():
    first, others = (
        box(0, 0, 10, 10)[None],
        np.array([box(0, 0, 10, 10), box(20, 0, 30, 10), box(5, 0, 15, 10)]),
    )
    # Apart: nothing in common, 200 of 300 around. Half moved: 50 of 150, and what is around is all covered.
    assert generalized_overlaps(first, others)[0] == pytest.approx([1.0, -1 / 3, 1 / 3])
    assert generalized_overlaps(first, others[:0]).shape == (1, 0)


def test_the_hull_encloses_turned_boxes_more_tightly():
    diamond = turned_quads(np.array([[0.0, 0.0]]), np.array([[10.0, 10.0]]), np.array([np.pi / 4]))
    moved = diamond + np.array([np.sqrt(200.0), 0.0])
    # Two diamonds side by side, tip to tip: 200 covered; the hull between them adds two triangles: 100.
    assert generalized_overlaps(diamond, moved)[0, 0] == pytest.approx(-100 / 300)


corners = st.tuples(*[st.floats(-50, 50)] * 2, *[st.floats(1, 40)] * 2, st.floats(0, 3))


@given(corners, corners)
@settings(max_examples=50, deadline=None)
def test_generalised_overlap_is_symmetric_and_no_larger_than_overlap(first, second):
    a, b = (
        turned_quads(np.array([item[:2]]), np.array([item[2:4]]), np.array([item[4]]))
        for item in (first, second)
    )
    value = generalized_overlaps(a, b)[0, 0]
    assert value == pytest.approx(generalized_overlaps(b, a)[0, 0], abs=1e-9)
    assert -1.0 <= value <= 1.0 + 1e-9
    assert generalized_overlaps(a, a)[0, 0] == pytest.approx(1.0)


def test_several_things_must_all_be_found_and_nothing_else():
    true = np.array([box(0, 0, 10, 10), box(20, 0, 30, 10)])
    assert is_complete(match_all(true[::-1], true))
    assert match_all(true[:1], true) == Counts(found=1, missed=1)
    extra = np.concatenate([true, [box(50, 0, 60, 10)]])
    assert match_all(extra, true) == Counts(found=2, false=1)
    assert not is_complete(match_all(extra, true))
    # Saying one thing twice finds one thing.
    assert match_all(true[[0, 0]], true) == Counts(found=1, false=1, missed=1)
    assert not is_complete(Counts())


def test_shares_by_group():
    items = [
        Grounded("1", "a", 1, True, True, 0.9, "small", "ref"),
        Grounded("2", "a", 1, False, False, 0.1, "small"),
        Grounded("3", "b", 3, True, True, None, "large"),
    ]
    assert tally(items) == {
        "benchmark": {"a": 0.5, "b": 1.0},
        "objects": {"several": 1.0, "single": 0.5},
        "size": {"large": 1.0, "small": 0.5},
        "type": {"ref": 1.0},
    }
