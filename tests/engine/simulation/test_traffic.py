"""Junctions are fair and nobody drives through anybody."""

from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.simulation.network import make_network, make_plan
from rs_copilot.simulation.paths import STEP_M, Lanes, vehicle_path
from rs_copilot.simulation.settings import ClipSettings, Settings, WorldSettings
from rs_copilot.simulation.traffic import Mover, _Junction

SECONDS = 12.0


@pytest.fixture(scope="module")
def movers() -> tuple[Mover, ...]:
    from rs_copilot.simulation.scenario import make_scenario

    world = WorldSettings(seed=4, extent_m=400.0, cell_m=0.5)
    return make_scenario(Settings(world, ClipSettings(seconds=SECONDS))).movers


def test_vehicles_keep_apart(movers: tuple[Mover, ...]) -> None:
    vehicles = [m for m in movers if m.label != "person"]
    places = np.array([m.xyz_m[: int(SECONDS * 20) : 5] for m in vehicles])
    for k in range(len(vehicles)):
        others = np.delete(places, k, axis=0)
        assert np.linalg.norm(others - places[k], axis=2).min() > 2.0


def test_speed_is_the_derivative_of_position(movers: tuple[Mover, ...]) -> None:
    for mover in movers:
        if mover.label == "person":
            continue
        measured = np.linalg.norm(np.diff(mover.xyz_m[:, :2], axis=0), axis=1) / 0.05
        assert np.abs(measured - mover.speed_mps[1:]).max() < 0.6


def test_some_stop_and_most_move(movers: tuple[Mover, ...]) -> None:
    vehicles = [m for m in movers if m.label != "person"]
    stopped = np.array([np.mean(m.speed_mps < 0.3) for m in vehicles])
    assert len(vehicles) >= 10
    assert np.mean(stopped < 0.5) > 0.4


def test_paths_are_even_and_brake_in_time() -> None:
    rng = np.random.default_rng(2)
    settings = WorldSettings()
    network = make_network(settings, make_plan(settings, rng), rng)
    path = vehicle_path(Lanes(network), 20, True, rng, 400.0)
    steps = np.linalg.norm(np.diff(path.points_xy, axis=0), axis=1)
    assert steps.min() > 0.8 * STEP_M
    assert steps.max() <= 1.001 * STEP_M
    slowing = (path.allowed_mps[:-1] ** 2 - path.allowed_mps[1:] ** 2) / (2.0 * STEP_M)
    assert slowing.max() < 2.0


def test_junction_serves_who_came_first() -> None:
    junction = _Junction()
    assert junction.ask(1, arm=7, can_stop=True, time_s=0.0)
    assert not junction.ask(2, arm=8, can_stop=True, time_s=0.1)
    assert not junction.ask(3, arm=9, can_stop=True, time_s=0.2)
    junction.granted.discard(1)
    assert not junction.ask(3, arm=9, can_stop=True, time_s=0.3)
    assert junction.ask(2, arm=8, can_stop=True, time_s=0.3)


def test_junction_does_not_starve_an_arm() -> None:
    junction = _Junction()
    assert junction.ask(1, arm=7, can_stop=True, time_s=0.0)
    assert not junction.ask(2, arm=8, can_stop=True, time_s=9.0)
    assert not junction.ask(3, arm=7, can_stop=True, time_s=9.1)
    assert junction.ask(4, arm=7, can_stop=False, time_s=9.1)
