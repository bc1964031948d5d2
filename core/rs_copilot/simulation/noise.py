"""Value noise in world coordinates, compiled: the same place always has the same texture."""

from __future__ import annotations

import math

from rs_copilot.geo.compiling import compiled

MASK = 0xFFFFFFFF


@compiled
def hash01(ix: int, iy: int, seed: int) -> float:
    """A number in [0, 1) for a lattice point: a multiplicative integer hash with two xor-shifts."""
    h = (ix * 374761393 + iy * 668265263 + seed * 1274126177) & MASK
    h = ((h ^ (h >> 13)) * 1103515245) & MASK
    h = ((h ^ (h >> 15)) * 2246822519) & MASK
    return ((h ^ (h >> 16)) & 0xFFFFFF) / 16777216.0


@compiled
def value_noise(x: float, y: float, seed: int) -> float:
    """Smooth noise in [-1, 1] with lattice spacing 1."""
    fx, fy = math.floor(x), math.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    a, b = hash01(ix, iy, seed), hash01(ix + 1, iy, seed)
    c, d = hash01(ix, iy + 1, seed), hash01(ix + 1, iy + 1, seed)
    low, high = a + (b - a) * u, c + (d - c) * u
    return 2.0 * (low + (high - low) * v) - 1.0


@compiled
def fractal(x: float, y: float, wavelength_m: float, footprint_m: float, gain: float, seed: int) -> float:
    """Octaves from ``wavelength_m`` down to what a pixel of ``footprint_m`` can still show.

    Octaves near the limit fade instead of ending, so textures neither alias nor pop.
    """
    total, amplitude, turn = 0.0, 1.0, seed
    for _ in range(9):
        fade = wavelength_m / footprint_m - 1.0
        if fade <= 0.0:
            break
        total += amplitude * min(1.0, fade) * value_noise(x / wavelength_m, y / wavelength_m, turn)
        wavelength_m *= 0.40
        amplitude *= gain
        x, y = 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y
        turn += 17
    return total
