"""Many guesses become one ranked list."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rs_copilot.retrieval.query import ZOOM_STEP, best_per_tile, pool_mean, turns_deg, zooms


def test_a_tile_counts_with_its_best_guess():
    scores = np.array([[0.9, 0.5], [0.95, 0.2]], dtype=np.float32)
    ids = np.array([[3, 7], [7, -1]], dtype=np.int64)
    hits = best_per_tile(scores, ids, [10, 20], 5)
    assert [(hit.tile, hit.guess) for hit in hits] == [(7, 20), (3, 10)]
    assert hits[0].score == np.float32(0.95)


@given(
    arrays(np.float32, (4, 6), elements=st.floats(-1, 1, width=32)),
    arrays(np.int64, (4, 6), elements=st.integers(-1, 9)),
    st.integers(1, 8),
)
def test_ranking_is_by_the_highest_score_of_each_tile(scores, ids, count):
    hits = best_per_tile(scores, ids, range(4), count)
    best = {}
    for tile, score in zip(ids.ravel(), scores.ravel(), strict=True):
        if tile >= 0:
            best[int(tile)] = max(best.get(int(tile), -2.0), float(score))
    assert len({hit.tile for hit in hits}) == len(hits) == min(count, len(best))
    assert [hit.score for hit in hits] == sorted(best.values(), reverse=True)[: len(hits)]


def test_nothing_gives_nothing():
    assert best_per_tile(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int64), [], 3) == []


def test_headings_cover_the_circle_or_are_known():
    assert turns_deg(heading_known=True) == (0.0,)
    assert np.diff([*turns_deg(heading_known=False), 360.0]).max() <= 30.0


def test_zooms_and_the_ladder_of_scales_leave_no_gap():
    together = np.sort(np.concatenate([np.array(zooms()) * scale for scale in (1.0, 2.0, 4.0)]))
    assert (together[1:] / together[:-1]).max() <= ZOOM_STEP + 1e-9


def test_pooling_gives_unit_vectors_and_survives_nothing():
    frames = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
    frames[:, 1] = 0.0
    pooled = pool_mean(frames)
    assert np.linalg.norm(pooled[0]) == np.float32(1.0) or abs(np.linalg.norm(pooled[0]) - 1) < 1e-6
    assert not pooled[1].any()
