"""Orientation fields, correlation, local offsets and frame-to-frame motion on textures with known shifts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.matching.correlate import (
    Block,
    Templates,
    best_peak,
    block_side_px,
    correlate,
    local_maxima,
    subpixel,
)
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


def surfaces_of(whole: np.ndarray, *patches: np.ndarray, least: float = 0.3) -> np.ndarray:
    """Correlation of patches at every place of a square field, as one block."""
    masks = [patch != 0 for patch in patches]
    templates = Templates.of(list(patches), masks, len(whole), min_energy=least)
    return correlate(Block.of(whole), templates)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 136), st.integers(0, 136))
def test_a_patch_is_found_where_it_was_cut(row: int, col: int) -> None:
    whole = field_of(texture(200))
    best = best_peak(surfaces_of(whole, whole[row : row + 64, col : col + 64])[0])
    assert (round(best.row), round(best.col)) == (row, col)
    assert best.value > 0.9


def directly(whole: np.ndarray, patch: np.ndarray, least: float) -> np.ndarray:
    """The correlation by its definition, place by place."""
    mask = patch != 0
    side, places = len(patch), len(whole) - len(patch) + 1
    centred = np.where(mask, patch - patch[mask].mean(), 0)
    own = np.sum(np.abs(centred) ** 2)
    out = np.empty((places, places))
    for row in range(places):
        for col in range(places):
            window = whole[row : row + side, col : col + side]
            energy = max(np.sum(np.abs(window[mask]) ** 2), least * own)
            out[row, col] = np.sum(window * np.conj(centred)).real / np.sqrt(energy * own)
    return out


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 90), st.integers(8, 17).map(lambda half: 2 * half), st.sampled_from([96, 64, 51]))
def test_blocks_correlate_as_the_definition_says(start: int, side: int, block: int) -> None:
    whole = field_of(texture(140))[20 : 20 + block, 10 : 10 + block]
    patch = field_of(texture(140, seed=4))[start : start + side, start : start + side].copy()
    patch[:3, :] = 0
    expected = directly(whole, patch, 0.3)
    found = surfaces_of(whole, patch)[0]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_many_patches_correlate_as_each_alone_where_masks_are_alike() -> None:
    whole = field_of(texture(96))
    patches = [field_of(texture(96, seed))[30:60, 30:60] for seed in range(11)]
    together = surfaces_of(whole, *patches, least=1e-6)
    for number, patch in enumerate(patches):
        alone = surfaces_of(whole, patch, least=1e-6)[0]
        np.testing.assert_allclose(together[number], alone, atol=1e-5)


def test_scores_stay_normalised_and_empty_ground_scores_nothing() -> None:
    whole = field_of(texture(160))
    whole[:, 80:] = 0
    surface = surfaces_of(whole, whole[40:90, 10:60])[0]
    assert surface.max() <= 1.05
    assert np.abs(surface[:, 90:]).max() < 0.2


def test_an_empty_patch_scores_zero() -> None:
    surface = surfaces_of(field_of(texture(96)), np.zeros((32, 32), dtype=np.complex64))
    assert not surface.any()


@given(st.integers(8, 400), st.integers(1, 4000), st.integers(1, 4000))
def test_a_block_is_larger_than_its_patch(patch: int, rows: int, cols: int) -> None:
    side = block_side_px(patch, rows, cols)
    assert side >= patch
    assert side - patch + 1 >= min(side // 4, max(rows, cols)) or side > 2 * patch


def test_maxima_are_apart_and_above_the_least() -> None:
    surface = np.zeros((40, 40), dtype=np.float32)
    surface[5, 5], surface[7, 7], surface[30, 0], surface[20, 20] = 3.0, 2.0, 1.5, 0.4
    assert sorted(local_maxima(surface, 4, 0.5)) == [(5, 5), (30, 0)]


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
