from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.geo import homography as hg
from rs_copilot.tracking.stabilise import Chain, steady_ground

from .world import SIZE, World


def exact_chain(world, count, breaks=()):
    chain = Chain()
    for i in range(count):
        previous = np.linalg.inv(world.map_from_px((i - 1) / 10)) @ world.map_from_px(i / 10)
        chain.add(i / 10, None if i == 0 or i in breaks else previous)
    return chain


def centers(ground):
    return np.array([hg.apply(matrix, SIZE.center_px)[0] for matrix in ground])


def test_noise_of_placements_is_taken_out():
    world = World(speed_mps=12.0, yaw_rate_dps=4.0)
    rng = np.random.default_rng(0)
    placed = {i: hg.translation(rng.normal(0.0, 1.5, 2)) @ world.map_from_px(i / 10) for i in range(60)}
    ground = steady_ground(exact_chain(world, 60), placed, SIZE)
    truth = centers([world.map_from_px(i / 10) for i in range(60)])
    error = np.linalg.norm(centers(ground) - truth, axis=1)
    jitter = np.linalg.norm(np.diff(centers(ground) - truth, axis=0), axis=1)
    assert error.mean() < 0.8
    assert np.median(jitter) < 0.1


def test_frames_between_placed_ones_are_filled():
    world = World(speed_mps=12.0, yaw_rate_dps=4.0)
    placed = {i: world.map_from_px(i / 10) for i in (0, 20, 40)}
    ground = steady_ground(exact_chain(world, 50), placed, SIZE)
    truth = centers([world.map_from_px(i / 10) for i in range(50)])
    np.testing.assert_allclose(centers(ground), truth, atol=1e-3)


def test_nothing_is_carried_across_a_break_or_too_far():
    world = World(speed_mps=5.0)
    placed = {0: world.map_from_px(0.0)}
    ground = steady_ground(exact_chain(world, 80, breaks=(70,)), placed, SIZE)
    assert ground[40] is not None
    assert ground[41] is None
    assert ground[75] is None


def test_what_localisation_did_not_trust_stays_without_ground():
    world = World()
    placed = {i: world.map_from_px(i / 10) for i in range(10) if i != 5}
    ground = steady_ground(exact_chain(world, 10), placed, SIZE, untrusted=frozenset({5}))
    assert [i for i, matrix in enumerate(ground) if matrix is None] == [5]


def test_nothing_placed_gives_nothing():
    assert steady_ground(exact_chain(World(), 3), {}, SIZE) == [None, None, None]


def test_chain_composes_and_breaks():
    world = World(speed_mps=10.0, yaw_rate_dps=10.0)
    chain = exact_chain(world, 10, breaks=(6,))
    direct = np.linalg.inv(world.map_from_px(0.1)) @ world.map_from_px(0.4)
    found = chain.between(4, 1)
    assert found is not None
    np.testing.assert_allclose(found / found[2, 2], direct / direct[2, 2], rtol=1e-6, atol=1e-9)
    assert chain.between(5, 6) is None
    assert len(chain) == pytest.approx(10)
