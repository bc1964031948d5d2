"""The bare terrain: rolling ground, and the river's valley with its quay."""

from __future__ import annotations

import numpy as np

from rs_copilot.simulation.network import BANK_M, WATER_HALF_M, Plan
from rs_copilot.simulation.settings import WorldSettings
from rs_copilot.types import Float32Array, FloatArray

GROUND_CELL_M = 1.0
BASE_Z_M = 240.0  # the plateau of the town, metres above sea level
WATER_Z_M = BASE_Z_M - 7.6
QUAY_Z_M = BASE_Z_M - 6.0
DECK_TOP_M = BASE_Z_M + 0.12


def make_ground(world: WorldSettings, plan: Plan, rng: np.random.Generator) -> Float32Array:
    """Heights above sea level on a grid of GROUND_CELL_M, shape (R, R)."""
    count = int(np.ceil(world.side_m / GROUND_CELL_M))
    centers = (np.arange(count) + 0.5) * GROUND_CELL_M
    x, y = np.meshgrid(centers, centers)
    xy = np.stack([x.ravel(), y.ravel()], axis=1)
    across = plan.river_distance(xy)
    rolling = _rolling(xy, rng) * world.relief_m
    # Flat at the banks for the bridge and near the middle, where the aircraft takes off.
    town = np.linalg.norm(xy - plan.center_xy, axis=1)
    calm = _ramp(np.abs(across), BANK_M + 8.0, BANK_M + 150.0) * (0.25 + 0.75 * _ramp(town, 40.0, 220.0))
    return (BASE_Z_M + rolling * calm + _valley(across)).reshape(count, count).astype(np.float32)


def _rolling(xy: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A few long waves in random directions, within about [-1, 1]."""
    total = np.zeros(len(xy))
    for wavelength, share in ((620.0, 0.5), (410.0, 0.35), (230.0, 0.2), (120.0, 0.08)):
        angle, phase = rng.uniform(0.0, 6.283, 2)
        total += share * np.sin((xy @ [np.cos(angle), np.sin(angle)]) * 6.283 / wavelength + phase)
    return total


def _valley(across: FloatArray) -> FloatArray:
    """Depth below the plateau over the signed distance from the river's middle."""
    distance = np.abs(across)
    quay = QUAY_Z_M - BASE_Z_M
    bank_start = np.where(across < 0.0, 35.0, 24.0)
    depth = quay * (1.0 - _ramp(distance, bank_start, BANK_M - 1.0))
    bed = WATER_Z_M - BASE_Z_M
    return np.where(
        distance < WATER_HALF_M + 3.0,
        quay + (bed - quay) * (1.0 - _ramp(distance, WATER_HALF_M, WATER_HALF_M + 3.0)),
        depth,
    )


def _ramp(x: FloatArray, low: FloatArray | float, high: float) -> FloatArray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float64)
