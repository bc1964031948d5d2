"""What matchers return is checked before it is used, and SIFT finds what was moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rs_copilot.matching.matcher import Matches, Picture, SiftMatcher

SIDE = 60


def noise(side: int, seed: int = 3) -> np.ndarray:
    import cv2

    rough = np.random.default_rng(seed).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC))


def picture(image: np.ndarray, *, empty_columns: int = 0) -> Picture:
    valid = np.ones(image.shape[:2], dtype=bool)
    valid[:, :empty_columns] = False
    return Picture(image, valid)


BLANK = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(arrays(np.float64, (7, 2), elements=ANY), arrays(np.float64, 7, elements=ANY))
def test_only_finite_matches_with_data_under_them_are_kept(points: np.ndarray, scores: np.ndarray) -> None:
    half = picture(BLANK, empty_columns=30)
    kept = Matches(points, points[::-1], scores).within(half, picture(BLANK))
    assert np.isfinite(kept.frame_px).all()
    assert np.isfinite(kept.ground_px).all()
    assert ((kept.scores > 0) & (kept.scores <= 1)).all()
    assert (kept.frame_px[:, 0] >= 30).all()
    assert ((kept.ground_px >= 0) & (kept.ground_px < SIDE)).all()


def test_good_matches_are_all_kept() -> None:
    points = np.array([[0.0, 0.0], [59.9, 59.9], [31.5, 12.0]])
    assert len(Matches(points, points, np.array([0.1, 1.0, 0.5])).within(*2 * [picture(BLANK)])) == 3


@pytest.mark.parametrize("shapes", [((3, 2), (4, 2), (3,)), ((3, 3), (3, 3), (3,)), ((3, 2), (3, 2), (3, 1))])
def test_arrays_that_do_not_belong_together_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    first, second, scores = (np.ones(shape) for shape in shapes)
    with pytest.raises(ValueError, match="shapes"):
        Matches(first, second, scores).within(picture(BLANK), picture(BLANK))


def test_sift_finds_what_was_moved_and_nothing_in_nothing() -> None:
    whole = noise(320)
    frame, ground = picture(whole[40:240, 70:270]), picture(whole)
    found = SiftMatcher().match(frame, ground).within(frame, ground)
    assert len(found) > 50
    moved = found.ground_px - found.frame_px
    assert np.allclose(np.median(moved, axis=0), [70, 40], atol=0.1)
    assert (np.linalg.norm(moved - [70, 40], axis=1) < 1).mean() > 0.9
    assert len(SiftMatcher().match(picture(BLANK), ground)) == 0
    assert len(SiftMatcher().match(frame, picture(BLANK))) == 0
