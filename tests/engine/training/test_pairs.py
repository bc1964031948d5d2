"""Pairs: the same ground on both sides, where the offset says, and no ground shared by negatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.training.grounds import Ground, Shot, pyramid_of
from rs_copilot.training.pairs import Batch, Jitter, Sampler, _patch, _rotation

from .conftest import draw_town

STILL = Jitter(yaw_deg=0.0, scale=0.0, tilt=0.0, relief=0.0)


@pytest.fixture(scope="module")
def ground() -> Ground:
    town = pyramid_of(draw_town(640, 1))
    shot = Shot(pyramid_of(draw_town(640, 1)), np.eye(3))
    return Ground("town", (town,), np.ones((640, 640), dtype=bool), (shot,))


@given(st.floats(0.0, 360.0), st.floats(-0.25, 0.25), st.floats(-0.25, 0.25))
@settings(max_examples=20, deadline=None)
def test_a_patch_moves_by_its_offset(ground: Ground, turn: float, x: float, y: float) -> None:
    side, n, axes = 128.0, 64, _rotation(turn)
    offset = np.round(np.array([x, y]) * n) / n
    tile_center = np.array([320.0, 320.0])
    view_center = tile_center + axes.T @ (offset * side)
    tile = _patch(ground.dates[0], np.eye(3), tile_center, side, axes, n)[..., 0].astype(float)
    view = _patch(ground.dates[0], np.eye(3), view_center, side, axes, n)[..., 0].astype(float)
    dx, dy = (int(v) for v in np.round(offset * n))
    a = tile[max(dy, 0) : n + min(dy, 0), max(dx, 0) : n + min(dx, 0)]
    b = view[max(-dy, 0) : n + min(-dy, 0), max(-dx, 0) : n + min(-dx, 0)]
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.95


def test_batches_are_decided_by_their_generator(ground: Ground) -> None:
    sampler = Sampler([ground], np.ones(1), grounds_per_batch=1)
    one, other = (sampler.batch(6, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.views, other.views)
    assert one.views.shape == (6, 96, 96, 4)
    assert set(np.unique(one.views[..., 3])) <= {0, 255}
    assert np.abs(one.offset).max() <= 0.25


def test_shots_are_drawn_where_they_lie(ground: Ground) -> None:
    sampler = Sampler([ground], np.ones(1), jitter=STILL, grounds_per_batch=1, shot_share=1.0)
    batch = sampler.batch(8, np.random.default_rng(2))
    assert (batch.views[..., 3] > 0).mean() > 0.3


def test_tiles_that_share_ground_are_no_negatives() -> None:
    empty = np.zeros((3, 4, 4, 4), dtype=np.uint8)
    centers = np.array([[100.0, 100.0], [150.0, 100.0], [100.0, 100.0]])
    batch = Batch(empty, empty, np.array([0, 0, 1]), centers, np.full(3, 100.0), np.zeros((3, 2)))
    expected = [[True, True, False], [True, True, False], [False, False, True]]
    np.testing.assert_array_equal(batch.overlaps(), expected)
