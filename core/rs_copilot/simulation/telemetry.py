"""What the drone's recorder writes: the true poses with the errors of real instruments, as SRT."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from rs_copilot.geo import camera
from rs_copilot.geo.crs import convergence_deg, to_lonlat
from rs_copilot.simulation.flight import Flight
from rs_copilot.simulation.world import CRS, World
from rs_copilot.types import FloatArray

# The made-up flight's date: summer, as the clip's default season.
TAKEOFF_UTC = datetime(2025, 7, 5, 14, 12, 30, tzinfo=timezone.utc)
GPS_LATENCY_S = 0.3


@dataclass(frozen=True)
class Reading:
    """One line of telemetry, as written."""

    lon_deg: float
    lat_deg: float
    rel_alt_m: float
    abs_alt_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def drift(count: int, step_s: float, sigma: float, memory_s: float, rng: np.random.Generator) -> FloatArray:
    """An Ornstein-Uhlenbeck process sampled exactly: stationary, fading memory. Shape (count,)."""
    keep = float(np.exp(-step_s / memory_s))
    values = np.empty(count)
    values[0] = rng.normal(0.0, sigma)
    for i in range(1, count):
        values[i] = keep * values[i - 1] + rng.normal(0.0, sigma * np.sqrt(1.0 - keep**2))
    return values


def read_instruments(world: World, flight: Flight, rng: np.random.Generator) -> list[Reading]:
    """One reading per frame: GPS late and wandering, barometer and compass drifting, gimbal noisy."""
    clip = flight.clip
    count, step = clip.frame_count, 1.0 / float(clip.fps)
    bias = rng.normal(0.0, 1.1, 2)
    gps = np.stack([drift(count, step, 1.2, 9.0, rng) for _ in range(2)], axis=1) + bias
    barometer = drift(count, step, 0.9, 40.0, rng) + rng.normal(0.0, 0.5)
    compass = 1.5 * rng.choice([-1.0, 1.0]) + drift(count, step, 0.4, 25.0, rng)
    gimbal = rng.normal(0.0, 0.18, (count, 3)) + np.stack(
        [drift(count, step, 0.22, 3.0, rng) for _ in range(3)], axis=1
    )
    true_north = convergence_deg(world.origin_en + world.network.plan.center_xy, CRS)
    readings = []
    for i in range(count):
        now, late = flight.pose(clip.time_s(i)), flight.pose(clip.time_s(i) - GPS_LATENCY_S)
        lon, lat = to_lonlat(world.origin_en + late.xyz_m[:2] + gps[i], CRS)[0]
        relative = float(now.xyz_m[2] - flight.takeoff_z_m + barometer[i])
        yaw = now.attitude.yaw_deg + true_north + compass[i] + gimbal[i, 0] * 0.4
        readings.append(
            Reading(
                float(lon),
                float(lat),
                relative,
                relative + flight.takeoff_z_m + 2.6,
                float((yaw + 180.0) % 360.0 - 180.0),
                float(max(-90.0, now.attitude.pitch_deg + 0.7 * gimbal[i, 1])),
                float(now.attitude.roll_deg + 0.7 * gimbal[i, 2]),
            )
        )
    return readings


def srt_text(flight: Flight, readings: list[Reading]) -> str:
    """The bracketed dialect of recent DJI drones, one cue per frame."""
    clip = flight.clip
    step = timedelta(seconds=1.0 / float(clip.fps))
    # DJI's "35 mm equivalent" compares diagonals, not widths.
    equivalent_mm = camera.equivalent_from_hfov(flight.intrinsics.hfov_deg)
    cues = []
    for i, r in enumerate(readings):
        start = timedelta(seconds=clip.time_s(i))
        stamp = (TAKEOFF_UTC + start).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        cues.append(
            f"{i + 1}\n{_clock(start)} --> {_clock(start + step)}\n"
            f'<font size="28">FrameCnt: {i + 1}, DiffTime: {round(step.total_seconds() * 1000)}ms\n{stamp}\n'
            f"[iso: 100] [shutter: 1/125.0] [fnum: 2.8] [ev: 0] [color_md: default] "
            f"[focal_len: {equivalent_mm:.2f}] "
            f"[latitude: {r.lat_deg:.6f}] [longitude: {r.lon_deg:.6f}] "
            f"[rel_alt: {r.rel_alt_m:.3f} abs_alt: {r.abs_alt_m:.3f}] [ct: 5480] "
            f"[gb_yaw: {r.yaw_deg:.1f} gb_pitch: {r.pitch_deg:.1f} gb_roll: {r.roll_deg:.1f}] </font>\n"
        )
    return "\n".join(cues) + "\n"


def _clock(at: timedelta) -> str:
    milliseconds = round(at.total_seconds() * 1000)
    seconds, ms = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"
