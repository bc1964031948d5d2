"""How much less surely windows on one side of a frame place its centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.localization.confidence import sigma_m
from rs_copilot.localization.register import MAX_EXTRAPOLATION, extrapolation_of
from rs_copilot.types import SizeWH
from tests.engine.localization.test_sequence import place, registration

SIZE = SizeWH(640, 360)


def cover(low: float, high: float, count: int = 21) -> np.ndarray:
    """Points over a vertical strip of the frame, from one share of its width to another."""
    x, y = np.meshgrid(np.linspace(low, high, count) * 640, np.linspace(0, 1, count) * 360)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def test_an_even_cover_extrapolates_nothing() -> None:
    assert extrapolation_of(cover(0.0, 1.0), SIZE) == pytest.approx(1.0, abs=0.02)


def test_the_less_of_the_frame_agrees_on_one_side_the_less_sure_is_the_centre() -> None:
    values = [extrapolation_of(cover(0.0, share), SIZE) for share in (1.0, 0.7, 0.5, 0.4, 0.3)]
    assert values == sorted(values)
    # By the variance of a fitted homography, worked out for a strip that ends at the centre.
    assert values[2] == pytest.approx(1.85, abs=0.15)


@given(st.lists(st.tuples(st.floats(0, 640), st.floats(0, 360)), min_size=4, max_size=40))
def test_any_points_give_a_bounded_factor(points: list[tuple[float, float]]) -> None:
    assert 1.0 <= extrapolation_of(np.array(points), SIZE) <= MAX_EXTRAPOLATION


def test_predicted_scatter_is_that_of_fitted_centres() -> None:
    """Homographies fitted to noisy points, many times: their centres scatter as the factor says."""
    import cv2

    rng = np.random.default_rng(2)
    scatter = []
    for points in (cover(0.0, 1.0, 9), cover(0.0, 0.55, 9)):
        found = []
        for _ in range(300):
            homography, _ = cv2.findHomography(points, points + rng.normal(0.0, 0.5, points.shape))
            center = homography @ [320.0, 180.0, 1.0]
            found.append(center[:2] / center[2])
        scatter.append(np.array(found).std(axis=0).mean() / extrapolation_of(points, SIZE))
    assert scatter[1] / scatter[0] == pytest.approx(1.0, abs=0.15)


def test_the_radius_grows_with_it() -> None:
    one = registration(place(0.0, 0.0))
    assert sigma_m(replace(one, extrapolation=2.0)) == pytest.approx(2.0 * sigma_m(one))
