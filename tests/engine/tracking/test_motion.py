from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.geo import homography as hg
from rs_copilot.tracking.motion import (
    Background,
    Blobs,
    MotionSettings,
    _sorted_pixels,
    background,
    change,
    find_blobs,
    noise_level,
)


def scene(seed=0, shape=(120, 160)):
    return np.random.default_rng(seed).integers(60, 140, shape).astype(np.uint8)


def still(image):
    return Background(image, np.zeros_like(image), np.ones(image.shape, bool))


@given(st.integers(1, 9), st.integers(0, 100))
@settings(max_examples=20)
def test_sorting_images_is_sorting_pixels(count, seed):
    images = [scene(seed + i, (5, 7)) for i in range(count)]
    np.testing.assert_array_equal(np.array(_sorted_pixels(images)), np.sort(images, axis=0))


def test_background_removes_what_passes_and_follows_the_camera():
    ground = scene(1, (200, 300))
    views = [ground[40:160, 50 + 5 * i : 210 + 5 * i] for i in range(5)]
    now = views[2].copy()
    now[50:60, 70:90] = 255
    others = [views[i] for i in (0, 1, 3, 4)]
    to_now = [hg.translation(np.array([5.0 * (i - 2), 0.0])) for i in (0, 1, 3, 4)]
    empty = background(now, others, to_now)
    np.testing.assert_allclose(empty.median[20:100, 20:140].astype(int), views[2][20:100, 20:140], atol=1)
    assert empty.known[20:100, 20:140].all()


def test_background_wants_an_even_number_of_neighbours():
    with pytest.raises(ValueError, match="even"):
        background(scene(), [scene()], [np.eye(3)])


def test_a_slip_of_one_pixel_is_no_change():
    ground = scene(2)
    slipped = np.roll(ground, 1, axis=1)
    assert change(slipped, still(ground))[:, 2:-2].max() == 0


def test_exposure_is_no_motion():
    empty = background(
        scene(3), [np.clip(scene(3).astype(int) + 30, 0, 255).astype(np.uint8)] * 4, [np.eye(3)] * 4
    )
    assert np.abs(empty.median.astype(int) - scene(3)).max() <= 1


def test_blobs_come_in_pixels_of_the_gdal_convention():
    flat = np.full((100, 100), 90, np.uint8)
    now = flat.copy()
    now[20:26, 40:52] = 200
    blobs = find_blobs(change(now, still(flat)), noise_level(now, still(flat)), 1.0)
    assert blobs.boxes_px.tolist() == [[40.0, 20.0, 52.0, 26.0]]
    assert blobs.centers_px.tolist() == [[46.0, 23.0]]
    assert blobs.scaled(2.0).centers_px.tolist() == [[92.0, 46.0]]
    assert blobs.area_px.tolist() == [72.0]


def test_parts_of_one_car_are_joined_and_cars_apart_are_not():
    changed = np.zeros((60, 120), np.uint8)
    changed[20:26, 10:15] = changed[20:26, 18:24] = 80  # a windscreen of 0.9 m between them
    changed[20:26, 60:70] = 80
    assert len(find_blobs(changed, 1.0, 0.3)) == 2


def test_a_cut_is_not_an_object():
    assert len(find_blobs(np.full((50, 50), 99, np.uint8), 1.0, 0.3)) == 0


def test_noise_raises_the_threshold():
    changed = np.zeros((60, 60), np.uint8)
    changed[10:20, 10:20] = 30
    assert len(find_blobs(changed, 1.0, 0.3)) == 1
    assert len(find_blobs(changed, 6.0, 0.3)) == 0


def test_blobs_check_their_shapes():
    with pytest.raises(ValueError, match="expected shapes"):
        Blobs(np.zeros((2, 4)), np.zeros((1, 2)), np.zeros(2), np.zeros(2))
    assert len(Blobs.empty()) == 0
    assert MotionSettings().tolerance_px == 1


def test_places_that_few_neighbours_see_are_unknown():
    ground = scene(4, (120, 400))
    now = ground[:, 100:260].copy()
    others = [ground[:, x : x + 160] for x in (20, 60, 140, 180)]
    to_now = [hg.translation(np.array([float(x - 100), 0.0])) for x in (20, 60, 140, 180)]
    empty = background(now, others, to_now)
    assert empty.known[10:-10, 45:115].all()
    np.testing.assert_allclose(empty.median[10:-10, 45:115].astype(int), now[10:-10, 45:115], atol=1)
    now[50:60, 5:15] = 255  # two neighbours see this place, on one side only
    assert find_blobs(change(now, background(now, others, to_now)), 0.7, 0.3).boxes_px.tolist() != []
    far = background(now, others, [hg.translation(np.array([500.0, 0.0]))] * 4)
    assert not far.known.any()
    assert change(now, far).max() == 0
