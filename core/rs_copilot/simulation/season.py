"""Seasons and lights: the same town in other colours under another sun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.types import Float32Array

# Rows of the palette.
(GRASS, GRASS_DRY, CROWN_A, CROWN_B, CROWN_C, TWIGS, CROP_A, CROP_B, CROP_C, CROP_D) = range(10)
SOIL, WATER, ASPHALT, PAVING, PALETTE_ROWS = 10, 11, 12, 13, 14


@dataclass(frozen=True)
class Season:
    """Colours (linear reflectance), leaves, sun and air. ``haze`` is the share of airlight from space."""

    name: str
    colors: tuple[tuple[float, float, float], ...]
    sun_azimuth_deg: float
    sun_elevation_deg: float
    sun_color: tuple[float, float, float]
    sky_color: tuple[float, float, float]
    leaf: float
    wet: float
    haze: float

    def __post_init__(self) -> None:
        if len(self.colors) != PALETTE_ROWS:
            raise ValueError(f"expected {PALETTE_ROWS} colours, found {len(self.colors)}")

    @property
    def palette(self) -> Float32Array:
        """The colours as an array, shape (PALETTE_ROWS, 3)."""
        return np.array(self.colors, dtype=np.float32)

    @property
    def sun_vector(self) -> Float32Array:
        """Unit vector towards the sun in east, north, up; shape (3,)."""
        azimuth, elevation = np.radians([self.sun_azimuth_deg, self.sun_elevation_deg])
        flat = np.cos(elevation)
        return np.array([np.sin(azimuth) * flat, np.cos(azimuth) * flat, np.sin(elevation)], dtype=np.float32)


SUMMER = Season(
    "summer",
    (
        (0.060, 0.105, 0.028),
        (0.150, 0.150, 0.062),
        (0.030, 0.062, 0.016),
        (0.050, 0.085, 0.024),
        (0.062, 0.070, 0.020),
        (0.10, 0.08, 0.06),
        (0.090, 0.135, 0.030),
        (0.290, 0.235, 0.105),
        (0.170, 0.130, 0.085),
        (0.065, 0.115, 0.030),
        (0.150, 0.110, 0.072),
        (0.038, 0.058, 0.048),
        (0.105, 0.107, 0.112),
        (0.270, 0.255, 0.230),
    ),
    sun_azimuth_deg=238.0,
    sun_elevation_deg=47.0,
    sun_color=(2.55, 2.38, 2.10),
    sky_color=(0.42, 0.52, 0.72),
    leaf=1.0,
    wet=0.0,
    haze=0.03,
)

AUTUMN = Season(
    "autumn",
    (
        (0.085, 0.100, 0.040),
        (0.165, 0.140, 0.072),
        (0.085, 0.082, 0.028),
        (0.150, 0.098, 0.032),
        (0.030, 0.048, 0.022),
        (0.150, 0.122, 0.092),
        (0.150, 0.115, 0.075),
        (0.115, 0.125, 0.048),
        (0.120, 0.092, 0.066),
        (0.205, 0.170, 0.100),
        (0.125, 0.092, 0.064),
        (0.046, 0.060, 0.052),
        (0.090, 0.092, 0.096),
        (0.240, 0.230, 0.215),
    ),
    sun_azimuth_deg=158.0,
    sun_elevation_deg=36.0,
    sun_color=(2.35, 2.10, 1.72),
    sky_color=(0.36, 0.46, 0.66),
    leaf=0.62,
    wet=0.2,
    haze=0.10,
)

SEASONS = {season.name: season for season in (SUMMER, AUTUMN)}
