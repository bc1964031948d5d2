from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.segmentation.sweep import NOTHING_PX, without_data

# Top, left, height and width of black patches; some are cut by the edges, some are too small to count.
PATCHES = st.lists(st.tuples(*[st.integers(-9, 50)] * 2, *[st.integers(3, 14)] * 2), max_size=4)


@given(st.integers(5, 60), st.integers(5, 60), PATCHES)
def test_black_patches_are_found_wherever_they_lie(
    height: int, width: int, patches: list[tuple[int, int, int, int]]
) -> None:
    image = np.ones((height, width, 3), dtype=np.uint8)
    for top, left, down, across in patches:
        image[max(top, 0) : max(top + down, 0), max(left, 0) : max(left + across, 0)] = 0
    black = (image == 0).all(axis=-1).astype(np.uint8)
    kernel = np.ones((NOTHING_PX, NOTHING_PX), dtype=np.uint8)
    right = cv2.morphologyEx(black, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE) > 0
    found = without_data(image)
    if found is None:
        assert not right.any()
    else:
        np.testing.assert_array_equal(found, right)
