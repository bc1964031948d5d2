"""Where the map says the camera was against where telemetry says: the lag between them and a constant offset.

Positions of small UAVs trail their video by up to seconds, and maps lie some metres beside GPS. Both are
constant over a clip. The lag shows only where the velocity changes: on a straight leg at constant speed it
cannot be told from an offset along the track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.geo.paths import places_at
from rs_copilot.types import BoolArray, FloatArray

MAX_LAG_S = 5.0
STEP_S = 0.1
# Fewer places say nothing about an offset, shorter clips nothing about a lag.
MIN_PLACES = 4
MIN_DURATION_S = 3.0
# Of the places this share must have telemetry at the shifted time.
MIN_OVERLAP = 0.6
# A lag that is known no better than this is not reported.
MAX_LAG_SIGMA_S = 0.5
# What a lag may be where it cannot be measured; the offset along the track is uncertain by as much.
USUAL_LAG_S = 1.0
HUBER_SIGMA = 1.5
# People are told of what is this large, and this far beyond its uncertainty.
NOTABLE_M, NOTABLE_S, NOTABLE_SIGMA = 2.0, 0.2, 3.0
# Of a normal distribution, standard deviations per median absolute deviation.
SIGMA_PER_MAD = 1.4826


@dataclass(frozen=True)
class Alignment:
    """What telemetry positions need to agree with the map.

    Attributes:
        lag_s: how much later than the video telemetry reports a position; ``None`` where the clip does not
            tell.
        lag_sigma_s: its standard deviation.
        east_m: how far the map lies east of the telemetry, grid east of the map's metric CRS.
        north_m: the same to the north.
        offset_sigma_m: standard deviation of either, along the track where the lag is not known.
        places: how many places were compared.
    """

    lag_s: float | None
    lag_sigma_s: float | None
    east_m: float
    north_m: float
    offset_sigma_m: float
    places: int

    @property
    def is_notable(self) -> bool:
        """Whether lag or offset is large against its uncertainty, and large enough to matter."""
        offset_m = float(np.hypot(self.east_m, self.north_m))
        if offset_m > max(NOTABLE_M, NOTABLE_SIGMA * self.offset_sigma_m):
            return True
        if self.lag_s is None or self.lag_sigma_s is None:
            return False
        return abs(self.lag_s) > max(NOTABLE_S, NOTABLE_SIGMA * self.lag_sigma_s)

    def sentence(self) -> str:
        """For people."""
        east = f"{abs(self.east_m):.1f} m {'east' if self.east_m >= 0 else 'west'}"
        north = f"{abs(self.north_m):.1f} m {'north' if self.north_m >= 0 else 'south'}"
        offset = f"the map lies {east}, {north} of GPS (± {self.offset_sigma_m:.1f} m)"
        if self.lag_s is None:
            return f"{offset}; the lag of the telemetry cannot be told from this flight"
        word = "trails" if self.lag_s >= 0 else "leads"
        return f"telemetry {word} the video by {abs(self.lag_s):.1f} s (± {self.lag_sigma_s:.1f} s); {offset}"


def align(
    times_s: FloatArray, camera_m: FloatArray, told_s: FloatArray, told_m: FloatArray
) -> Alignment | None:
    """Lag and offset of telemetry positions against camera positions on the map.

    Args:
        times_s: ``(N,)`` times of the located frames.
        camera_m: ``(N, 2)`` where the map says that the camera was.
        told_s: ``(M,)`` rising times of telemetry positions.
        told_m: ``(M, 2)`` the positions in the same CRS.

    Returns:
        ``None`` where there are too few places to say anything.
    """
    if len(times_s) < MIN_PLACES or len(told_s) < 2:
        return None
    lag = _lag(times_s, camera_m, told_s, told_m)
    residuals, known = _residuals(times_s, camera_m, told_s, told_m, 0.0 if lag is None else lag[0])
    if known.sum() < MIN_PLACES:
        return None
    found = offset(residuals[known])
    if lag is not None:
        return Alignment(lag[0], lag[1], *found, int(known.sum()))
    speed = float(np.median(np.linalg.norm(_velocity(told_s, told_m), axis=1)))
    sigma = float(np.hypot(found[2], speed * USUAL_LAG_S))
    return Alignment(None, None, found[0], found[1], sigma, int(known.sum()))


def offset_of_photos(camera_m: FloatArray, told_m: FloatArray) -> Alignment | None:
    """The offset alone, from separate photos whose telemetry is keyed by file: ``(N, 2)`` each."""
    if len(camera_m) < MIN_PLACES:
        return None
    return Alignment(None, None, *offset(camera_m - told_m), len(camera_m))


def offset(residuals: FloatArray) -> tuple[float, float, float]:
    """Robust mean of ``(N, 2)`` residuals, east and north, and its standard deviation per axis."""
    center, weights, sigma = np.median(residuals, axis=0), np.ones(len(residuals)), 0.0
    for _ in range(10):
        distance = np.linalg.norm(residuals - center, axis=1)
        # Two-dimensional distances: their median is 1.18 standard deviations per axis.
        sigma = max(float(np.median(distance)) / 1.1774, 1e-6)
        weights = np.minimum(1.0, HUBER_SIGMA / np.maximum(distance / sigma, 1e-9))
        center = np.average(residuals, axis=0, weights=weights)
    spread = sigma * _correlation_factor(residuals - center) / np.sqrt(weights.sum())
    return float(center[0]), float(center[1]), float(spread)


def _lag(
    times_s: FloatArray, camera_m: FloatArray, told_s: FloatArray, told_m: FloatArray
) -> tuple[float, float] | None:
    """Lag and its standard deviation, or ``None`` where the clip does not tell."""
    if times_s[-1] - times_s[0] < MIN_DURATION_S:
        return None

    def cost(lag_s: float) -> float:
        residuals, known = _residuals(times_s, camera_m, told_s, told_m, lag_s)
        if known.sum() < max(MIN_PLACES, MIN_OVERLAP * len(times_s)):
            return float("inf")
        center = np.median(residuals[known], axis=0)
        return float(np.mean(np.linalg.norm(residuals[known] - center, axis=1)))

    coarse = np.arange(-MAX_LAG_S, MAX_LAG_S + STEP_S / 2, STEP_S)
    best = float(coarse[int(np.argmin([cost(float(lag)) for lag in coarse]))])
    fine = best + np.linspace(-STEP_S, STEP_S, 21)
    best = float(fine[int(np.argmin([cost(float(lag)) for lag in fine]))])
    if not np.isfinite(cost(best)):
        return None
    sigma = _lag_sigma(times_s, camera_m, told_s, told_m, best)
    if sigma > MAX_LAG_SIGMA_S or abs(best) > MAX_LAG_S - STEP_S:
        return None
    return best, sigma


def _lag_sigma(
    times_s: FloatArray, camera_m: FloatArray, told_s: FloatArray, told_m: FloatArray, lag_s: float
) -> float:
    """Linearised: residuals over what a second of lag changes, which is how far velocities differ."""
    residuals, known = _residuals(times_s, camera_m, told_s, told_m, lag_s)
    apart = residuals[known] - np.median(residuals[known], axis=0)
    velocity = _velocity(told_s, told_m)
    at = places_at(times_s[known] + lag_s, told_s, velocity)
    leverage = float(np.sum((at - at.mean(axis=0)) ** 2))
    sigma = SIGMA_PER_MAD * float(np.median(np.abs(apart)))
    return float(max(sigma, 1e-3) * _correlation_factor(apart) / np.sqrt(max(leverage, 1e-12)))


def _residuals(
    times_s: FloatArray, camera_m: FloatArray, told_s: FloatArray, told_m: FloatArray, lag_s: float
) -> tuple[FloatArray, BoolArray]:
    """Camera minus telemetry at the shifted time ``(N, 2)``, and where telemetry reaches."""
    when = times_s + lag_s
    told = places_at(when, told_s, told_m)
    return camera_m - told, np.asarray((when >= told_s[0]) & (when <= told_s[-1]))


def _velocity(told_s: FloatArray, told_m: FloatArray) -> FloatArray:
    """``(M, 2)`` metres per second, over the telemetry's own steps."""
    return np.asarray(np.gradient(told_m, told_s, axis=0))


def _correlation_factor(residuals: FloatArray) -> float:
    """How much neighbours' likeness widens the error of a mean, from the correlation of successive values."""
    before, after = residuals[:-1].ravel(), residuals[1:].ravel()
    power = float(np.sum(residuals**2))
    alike = float(np.clip(np.sum(before * after) / power, 0.0, 0.95)) if power > 0 else 0.0
    return float(np.sqrt((1 + alike) / (1 - alike)))
