"""The drone's flight: a smooth loop over the town, with nadir and oblique passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.geo.camera import Attitude, Intrinsics, rays
from rs_copilot.simulation.settings import ClipSettings
from rs_copilot.simulation.views import DroneView, Pose
from rs_copilot.simulation.world import World
from rs_copilot.types import FloatArray

# The loop in town coordinates (a, b) for a world of 800 m: over houses and a junction, then to the bridge.
LOOP_AB_M = np.array(
    [[-115, -75], [-40, -48], [22, -8], [24, 62], [-22, 108], [-105, 88], [-165, 20], [-160, -45]],
    dtype=np.float64,
)
# Gimbal pitch over the share of the clip.
PITCH_KEYS = np.array(
    [[0.0, -90.0], [0.28, -90.0], [0.40, -50.0], [0.66, -48.0], [0.78, -66.0], [0.90, -90.0], [1.0, -90.0]]
)
READOUT_S = 0.016  # first to last row of the rolling shutter
EXPOSURE_S = 0.008


@dataclass(frozen=True)
class Flight:
    """Poses over time, in local metres. All randomness was drawn when it was made."""

    clip: ClipSettings
    knots_xy: FloatArray
    stations_m: FloatArray
    speed_mps: float
    altitude_m: float
    takeoff_z_m: float
    phases: FloatArray

    @property
    def intrinsics(self) -> Intrinsics:
        """Focal length from its equivalent on a sensor 36 mm wide."""
        return Intrinsics(self.clip.size, self.clip.focal_35mm / 36.0 * self.clip.size.width_px)

    def position_xy(self, time_s: float) -> FloatArray:
        """Over the ground, without vibration."""
        station = (time_s + 1.0) * self.speed_mps % self.stations_m[-1]
        return np.array([np.interp(station, self.stations_m, self.knots_xy[:, k]) for k in (0, 1)])

    def heading_deg(self, time_s: float) -> float:
        """Grid azimuth of the course, smoothed over two seconds."""
        step = self.position_xy(time_s + 1.1) - self.position_xy(time_s - 0.9)
        return float(np.degrees(np.arctan2(step[0], step[1])))

    def pose(self, time_s: float) -> Pose:
        """Camera centre and attitude at a time."""
        wobble = self._wobble(time_s)
        pitch = self._pitch_deg(time_s)
        yaw = self.heading_deg(time_s) + 14.0 * np.sin(0.31 * time_s + self.phases[0])
        height = self.altitude_m * (1.0 + 0.10 * np.sin(0.22 * time_s + self.phases[1]))
        xyz = np.array([*self.position_xy(time_s), self.takeoff_z_m + height]) + 0.12 * wobble[:3]
        attitude = Attitude(
            float((yaw + 0.10 * wobble[3]) % 360.0), min(pitch + 0.08 * wobble[4], -5.0), 0.25 * wobble[5]
        )
        return Pose(xyz, attitude)

    def _pitch_deg(self, time_s: float) -> float:
        """Of the gimbal, without vibration."""
        if self.clip.off_nadir_deg is not None:
            return self.clip.off_nadir_deg - 90.0
        share = min(max(time_s / max(self.clip.seconds, 1e-6), 0.0), 1.0)
        return float(np.interp(share, PITCH_KEYS[:, 0], PITCH_KEYS[:, 1]))

    def _wobble(self, time_s: float) -> FloatArray:
        """Six vibrations, each a sum of three sines, about in [-2, 2]."""
        rates = np.array([0.9, 2.3, 5.1])[:, None] * (1.0 + 0.13 * np.arange(6))
        return np.asarray(
            (np.sin(rates * time_s + self.phases[2:20].reshape(3, 6)) * [[1.0], [0.6], [0.25]]).sum(axis=0)
        )

    def view(self, time_s: float) -> DroneView:
        """The camera while a frame is read; the middle row is exposed at ``time_s``."""
        half = READOUT_S / 2.0
        return DroneView(
            self.intrinsics, self.pose(time_s), self.pose(time_s - half), self.pose(time_s + half)
        )


def plan_flight(world: World, clip: ClipSettings, rng: np.random.Generator) -> Flight:
    """A closed Catmull-Rom loop through the waypoints, scaled to the world."""
    scale = min(1.0, max(0.5, world.settings.extent_m / 800.0))
    plan = world.network.plan
    shift = np.array([[0.0, 0.35 * (plan.river_b_m - 136.0)]])
    knots = plan.xy(_catmull_rom(LOOP_AB_M * scale + shift))
    steps = np.linalg.norm(np.diff(knots, axis=0), axis=1)
    takeoff = float(world.ground_z(plan.center_xy[None])[0])
    stations = np.concatenate([[0.0], np.cumsum(steps)])
    return Flight(
        clip, knots, stations, 11.5 * scale**0.5, 108.0 * scale, takeoff, rng.uniform(0.0, 6.283, 20)
    )


def _catmull_rom(points: FloatArray) -> FloatArray:
    """A closed, uniformly parametrised Catmull-Rom spline, 40 points per span; ends where it starts."""
    t = np.linspace(0.0, 1.0, 40, endpoint=False)[:, None]
    spans = []
    for i in range(len(points)):
        a, b, c, d = (points[(i + k) % len(points)] for k in (-1, 0, 1, 2))
        spans.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    line = np.vstack(spans)
    return np.vstack([line, line[:1]])


def ground_hits(world: World, pose: Pose, intrinsics: Intrinsics, points_px: FloatArray) -> FloatArray:
    """Where rays through ``(N, 2)`` pixels meet the bare terrain, local metres (N, 3).

    Coarse steps down each ray, then bisection; rays must point below the horizon.
    """
    directions = rays(intrinsics, pose.attitude, points_px)
    ground = world.field.ground
    high, low = float(ground.max()) + 0.1, float(ground.min()) - 0.1
    t0 = (high - pose.xyz_m[2]) / directions[:, 2]
    t1 = (low - pose.xyz_m[2]) / directions[:, 2]
    shares = np.linspace(0.0, 1.0, 65)
    t = t0[:, None] + (t1 - t0)[:, None] * shares
    points = pose.xyz_m + t[..., None] * directions[:, None, :]
    below = points[..., 2] <= world.ground_z(points[..., :2].reshape(-1, 2)).reshape(t.shape)
    first = np.maximum(np.argmax(below, axis=1), 1)
    rows = np.arange(len(t))
    near, far = t[rows, first - 1], t[rows, first]
    for _ in range(30):
        middle = 0.5 * (near + far)
        point = pose.xyz_m + middle[:, None] * directions
        under = point[:, 2] <= world.ground_z(point[:, :2])
        near, far = np.where(under, near, middle), np.where(under, middle, far)
    return np.asarray(pose.xyz_m + far[:, None] * directions)
