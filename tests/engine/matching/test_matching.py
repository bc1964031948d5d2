"""Orientation fields, correlation, local offsets and frame-to-frame motion on textures with known shifts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.matching.correlate import Spectrum, correlate, subpixel, top_peaks
from rs_copilot.matching.flow import frame_motion, working_gray
from rs_copilot.matching.orientation import orientation_field
from rs_copilot.matching.refine import fit_motion, window_offsets


def texture(side: int, seed: int = 3) -> np.ndarray:
    """Blobs and edges at several scales, without symmetry."""
    rng = np.random.default_rng(seed)
    image = np.zeros((side, side), dtype=np.float32)
    for _ in range(side):
        x, y = rng.integers(0, side, 2)
        w, h = rng.integers(4, side // 8, 2)
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), float(rng.uniform(20, 235)), -1)
    return cv2.GaussianBlur(image, (0, 0), 1.0).astype(np.uint8)


def field_of(image: np.ndarray) -> np.ndarray:
    return orientation_field(image, np.ones(image.shape[:2], dtype=bool))


def test_the_field_does_not_see_inverted_light() -> None:
    image = texture(128)
    np.testing.assert_allclose(field_of(image), field_of(255 - image), atol=1e-5)


def test_the_field_hardly_sees_brightness_and_contrast() -> None:
    image = texture(128)
    dim = (image * 0.5 + 40).astype(np.uint8)
    a, b = field_of(image).ravel(), field_of(dim).ravel()
    assert np.abs(np.vdot(a, b)) / (np.linalg.norm(a) * np.linalg.norm(b)) > 0.95


def test_the_edge_of_the_data_is_no_edge() -> None:
    image = np.full((64, 64), 200, dtype=np.uint8)
    valid = np.zeros((64, 64), dtype=bool)
    valid[16:48, 16:48] = True
    image[~valid] = 0
    assert np.abs(orientation_field(image, valid)).max() < 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(40, 150), st.integers(40, 150))
def test_a_patch_is_found_where_it_was_cut(row: int, col: int) -> None:
    whole = field_of(texture(200))
    patch = whole[row - 32 : row + 32, col - 32 : col + 32]
    surface = correlate(Spectrum.of(whole, 64), patch, np.ones(patch.shape, dtype=bool), min_energy=0.1)
    best = top_peaks(surface, 1, 5)[0]
    assert (round(best.row), round(best.col)) == (row, col)
    assert best.value > 0.9


def test_scores_stay_normalised_and_empty_ground_scores_nothing() -> None:
    whole = field_of(texture(160))
    whole[:, 80:] = 0
    patch = whole[40:90, 10:60]
    surface = correlate(Spectrum.of(whole, 64), patch, patch != 0, min_energy=0.3)
    assert surface.max() <= 1.05
    assert np.abs(surface[:, 140:]).max() < 0.2


def test_an_empty_patch_scores_zero() -> None:
    empty = np.zeros((32, 32), dtype=np.complex64)
    surface = correlate(
        Spectrum.of(field_of(texture(96)), 32), empty, np.ones((32, 32), dtype=bool), min_energy=0.3
    )
    assert not surface.any()


@given(st.floats(-0.45, 0.45), st.floats(-0.45, 0.45))
def test_subpixel_finds_the_vertex_of_a_parabola(dr: float, dc: float) -> None:
    rows, cols = np.mgrid[0:5, 0:5]
    surface = (9.0 - (rows - 2 - dr) ** 2 - (cols - 2 - dc) ** 2).astype(np.float32)
    np.testing.assert_allclose(subpixel(surface, 2, 2), (dr, dc), atol=1e-3)


def test_windows_find_a_common_offset() -> None:
    whole = field_of(texture(260))
    patch = whole[50:210, 40:200]
    around = whole[50 - 12 + 5 : 210 + 12 + 5, 40 - 12 - 3 : 200 + 12 - 3]
    offsets = window_offsets(patch, patch != 0, around, window_px=32, reach_px=12)
    assert len(offsets) > 30
    np.testing.assert_allclose(np.median(offsets.offsets_px, axis=0), [3.0, -5.0], atol=0.05)
    assert offsets.values.mean() > 0.9
    assert np.median(offsets.clarity) > 0.2


def test_furrows_are_not_clear() -> None:
    furrows = np.tile((127 + 90 * np.sin(np.arange(260) / 2.0)).astype(np.uint8)[:, None], (1, 260))
    whole = field_of(furrows)
    patch = whole[50:210, 40:200]
    offsets = window_offsets(patch, patch != 0, whole[38:222, 28:212], window_px=32, reach_px=12)
    assert offsets.clarity.max() < 0.05


@pytest.mark.parametrize("model", ["similarity", "affine", "homography"])
def test_robust_fits_ignore_a_third_of_wrong_points(model: str) -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 300, (60, 2))
    moved = points @ np.array([[0.99, 0.05], [-0.05, 0.99]]).T + [4.0, -7.0]
    moved[:20] += rng.uniform(15, 40, (20, 2))
    motion, agree = fit_motion(points, moved, model, 1.5)
    assert agree[20:].mean() > 0.95
    assert agree[:20].mean() < 0.1
    np.testing.assert_allclose(motion[:2, 2] / motion[2, 2], [4.0, -7.0], atol=0.5)


def test_too_few_points_fit_nothing() -> None:
    motion, agree = fit_motion(np.zeros((2, 2)), np.zeros((2, 2)), "similarity", 1.0)
    np.testing.assert_array_equal(motion, np.eye(3))
    assert not agree.any()


def test_motion_between_frames_is_in_full_pixels() -> None:
    image = texture(900)
    # Shift by (14, -6) full pixels; the frames are looked at at two thirds of their size.
    shifted = np.roll(image, (-6, 14), axis=(0, 1))
    first, scale = working_gray(image, 600)
    second, _ = working_gray(shifted, 600)
    motion = frame_motion(first, second, scale)
    assert motion is not None
    center = motion.to_from @ [450.0, 450.0, 1.0]
    np.testing.assert_allclose(center[:2] / center[2], [464.0, 444.0], atol=0.15)


def test_a_blank_frame_has_no_motion() -> None:
    blank = np.full((240, 320), 90, dtype=np.uint8)
    assert frame_motion(blank, blank) is None
    assert frame_motion(texture(320)[:240], blank) is None
