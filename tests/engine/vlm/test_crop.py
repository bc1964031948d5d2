"""Windows that a model looks at closer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.types import SizeWH
from rs_copilot.vlm.crop import MIN_CROP_PX, crop_window, is_same
from rs_copilot.vlm.families import RSCOVLM
from rs_copilot.vlm.resize import seen_size

SIDES = st.integers(1, 60_000)
NUMBERS = st.floats(-1e9, 1e9)


def quad(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float64).reshape(-1, 2)


def test_padding_is_added_on_every_side() -> None:
    assert crop_window(quad(2000, 3000, 3000, 3400), SizeWH(9000, 9000)) == (1850, 2940, 3150, 3460)


def test_a_small_box_is_seen_with_what_is_around_it() -> None:
    assert crop_window(quad(1000, 1000, 1010, 1010), SizeWH(9000, 9000)) == (893, 893, 1117, 1117)


def test_at_the_corner_the_window_moves_inside() -> None:
    assert crop_window(quad(0, 0, 10, 10), SizeWH(9000, 9000)) == (0, 0, 224, 224)
    assert crop_window(quad(95, 95, 100, 100), SizeWH(100, 100)) == (0, 0, 100, 100)


@given(x1=NUMBERS, y1=NUMBERS, x2=NUMBERS, y2=NUMBERS, width=SIDES, height=SIDES)
def test_any_box_gives_a_window_that_a_model_can_see(
    x1: float, y1: float, x2: float, y2: float, width: int, height: int
) -> None:
    source, corners = SizeWH(width, height), quad(x1, y1, x2, y2)
    left, top, right, bottom = crop_window(corners, source)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert right - left >= min(MIN_CROP_PX, width) and bottom - top >= min(MIN_CROP_PX, height)
    low = np.clip(corners.min(axis=0), 0, [width, height])
    high = np.clip(corners.max(axis=0), 0, [width, height])
    assert (low >= [left, top]).all() and (high <= [right, bottom]).all()
    if max(width, height) <= 200 * min(width, height):
        seen_size(SizeWH(right - left, bottom - top), RSCOVLM.unit_px, RSCOVLM.limits)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        crop_window(quad(0, 0, np.nan, 5), SizeWH(100, 100))


def test_windows_that_differ_by_little_are_the_same() -> None:
    assert is_same((0, 0, 1000, 1000), (0, 0, 980, 990))
    assert not is_same((0, 0, 1000, 1000), (0, 0, 500, 1000))
    assert not is_same((0, 0, 10, 10), (20, 0, 30, 10))
