from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.tracking.kalman import Filters

speeds = st.floats(-30.0, 30.0)


@given(vx=speeds, vy=speeds, step_s=st.floats(0.04, 0.5))
def test_a_steady_object_is_learned(vx, vy, step_s):
    filters = Filters.start(np.zeros((1, 2)), np.array([0.5]), 15.0)
    for i in range(1, 40):
        filters = filters.predicted(step_s, 2.0)
        filters = filters.updated(np.array([[vx, vy]]) * i * step_s, np.array([0.5]))
    np.testing.assert_allclose(filters.velocity[0], [vx, vy], atol=0.05 * max(abs(vx), abs(vy)) + 0.1)


@given(seconds=st.floats(0.01, 3.0))
def test_covariance_stays_symmetric_and_positive(seconds):
    filters = Filters.start(np.zeros((3, 2)), np.array([0.3, 1.0, 2.0]), 10.0)
    for _ in range(5):
        filters = filters.predicted(seconds, 4.0)
        filters = filters.updated(filters.position + 1.0, np.array([0.3, 1.0, 2.0]))
    np.testing.assert_allclose(filters.covariance, filters.covariance.transpose(0, 2, 1), rtol=1e-9)
    assert (np.linalg.eigvalsh(filters.covariance) > 0).all()


def test_it_is_the_textbook_filter():
    """Against the full 4x4 equations (Bar-Shalom 2001, section 5.2)."""
    dt, q, r = 0.2, 3.0, 0.7
    f = np.kron(np.array([[1, dt], [0, 1]]), np.eye(2))
    noise = q**2 * np.kron(np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]), np.eye(2))
    h = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    x, p = np.array([1.0, 2.0, 0.0, 0.0]), np.diag([0.25, 0.25, 100.0, 100.0])
    filters = Filters.start(np.array([[1.0, 2.0]]), np.array([0.5]), 10.0)
    for z in (np.array([1.5, 2.2]), np.array([2.1, 2.3]), np.array([2.4, 2.9])):
        x, p = f @ x, f @ p @ f.T + noise
        gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + r**2 * np.eye(2))
        x, p = x + gain @ (z - h @ x), p - gain @ h @ p
        filters = filters.predicted(dt, q)
        expected = ((z - filters.position[0]) ** 2).sum() / (filters.covariance[0, 0, 0] + r**2)
        assert filters.distances(z[None], np.array([r]))[0, 0] == pytest.approx(expected)
        filters = filters.updated(z[None], np.array([r]))
    np.testing.assert_allclose(filters.position[0], x[:2])
    np.testing.assert_allclose(filters.velocity[0], x[2:])
    np.testing.assert_allclose(filters.covariance[0], p[np.ix_([0, 2], [0, 2])])


def test_no_filters_are_legal():
    none = Filters.start(np.empty((0, 2)), np.empty(0), 1.0).predicted(0.1, 1.0)
    assert none.distances(np.zeros((3, 2)), np.ones(3)).shape == (0, 3)
    assert len(none.joined(Filters.start(np.zeros((2, 2)), np.ones(2), 1.0))) == 2
