"""Pictures with black around what they show: the black is left out, its rim is no edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rs_copilot.localization.patches import patch_field
from rs_copilot.localization.surround import RIM_PX, without_surround
from rs_copilot.localization.view import nadir_view, render
from rs_copilot.types import SizeWH


def picture(seed: int = 3) -> np.ndarray:
    """Coarse random patches, none of them black."""
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(40, 230, (18, 32, 3), dtype=np.uint8), (320, 180))


def letterboxed() -> np.ndarray:
    image = picture()
    image[:30] = 0
    image[-30:] = 2
    return image


def test_a_full_picture_stays_as_it_is() -> None:
    image = picture()
    image[80:120, 100:180] = 0
    assert without_surround(image) is image


def test_night_without_anything_stays_as_it_is() -> None:
    image = np.zeros((90, 160, 3), dtype=np.uint8)
    assert without_surround(image) is image


def test_bars_are_left_out_and_the_picture_goes_on() -> None:
    image = letterboxed()
    found = without_surround(image)
    shown = found[..., 3] == 255
    assert shown[30 + RIM_PX : 150 - RIM_PX].all()
    assert not shown[:30].any()
    assert not shown[-30:].any()
    assert np.array_equal(found[shown][:, :3], image[shown])
    assert found[..., :3].min() > 20


def test_turned_corners_are_left_out() -> None:
    turned = cv2.warpAffine(picture(), cv2.getRotationMatrix2D((160, 90), 30, 0.7), (320, 180))
    shown = without_surround(turned)[..., 3] == 255
    assert shown[90, 160]
    assert not shown[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert 0.1 < shown.mean() < 0.6


@pytest.mark.parametrize("yaw_deg", [0.0, 35.0])
def test_the_rim_of_what_is_shown_is_no_edge(yaw_deg: float) -> None:
    view = nadir_view(SizeWH(320, 180), 160.0, yaw_deg)
    flat = np.full((180, 320, 3), 120, dtype=np.uint8)
    flat[:40] = 0
    values, mask = patch_field(without_surround(flat), view, 1.0)
    whole = render(np.full_like(flat, 120), view, 1.0).mask
    assert 0.5 * whole.sum() < mask.sum() < 0.85 * whole.sum()
    assert np.abs(values).max() < 0.01
