from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.tracking.associate import Tracker

FRAME_S = 0.1


def run(positions_at, count, keep=lambda frame, obj: True):
    tracker = Tracker()
    for frame in range(count):
        points = np.array([p for i, p in enumerate(positions_at(frame * FRAME_S)) if keep(frame, i)]).reshape(
            -1, 2
        )
        tracker.step(frame, frame * FRAME_S, points, np.full(len(points), 0.5))
    return tracker.paths


def test_two_that_pass_each_other_keep_their_names():
    paths = run(lambda t: [(10.0 * t, 0.0), (40.0 - 10.0 * t, 3.5)], 40)
    assert [len(path.frames) for path in paths] == [40, 40]
    assert [set(path.blobs) for path in paths] == [{0}, {1}]


@pytest.mark.parametrize(("gap_s", "parts"), [(1.5, 1), (3.0, 2)])
def test_a_short_disappearance_is_bridged(gap_s, parts):
    hidden = range(15, 15 + int(gap_s / FRAME_S))
    paths = run(lambda t: [(8.0 * t, 0.0)], 70, lambda frame, _: frame not in hidden)
    assert len(paths) == parts


def test_two_that_merge_for_a_moment_come_out_as_two():
    def at(t):
        a, b = (8.0 * t, 0.0), (30.0 - 7.0 * t, 1.0)
        return [((a[0] + b[0]) / 2, 0.5)] if abs(a[0] - b[0]) < 4.0 else [a, b]

    paths = run(at, 40)
    assert len(paths) == 2
    assert all(path.times_s[-1] > 3.5 for path in paths)


def test_flicker_is_no_object():
    rng = np.random.default_rng(1)
    assert len(run(lambda t: rng.uniform(0, 400, (5, 2)), 50)) <= 2


def test_nothing_is_legal():
    assert run(lambda t: [], 5) == []
