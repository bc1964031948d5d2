"""A flat town of noise with things that move over it, seen by a camera with known homographies."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.types import Frame, SizeWH

SIZE = SizeWH(480, 320)
EAST_M, NORTH_M = 470_000.0, 5_400_000.0
TEXEL_M, SIDE_PX = 0.2, 1600
FPS = 10


@dataclass(frozen=True)
class Car:
    """A rectangle that starts at ``start_m`` (relative to the middle of the town) with a steady velocity."""

    start_m: tuple[float, float]
    velocity_mps: tuple[float, float]
    size_m: tuple[float, float] = (4.5, 2.0)
    gray: int = 235

    def at(self, time_s: float) -> np.ndarray:
        return np.array(self.start_m) + time_s * np.array(self.velocity_mps)


@dataclass
class World:
    """``speed_mps`` and ``yaw_rate_dps`` are the camera's; it flies eastwards at 100 m."""

    cars: list[Car] = field(default_factory=list)
    speed_mps: float = 0.0
    yaw_rate_dps: float = 0.0
    pitch_deg: float = -90.0
    seed: int = 3

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        image = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        for cells in (40, 130, 400):
            coarse = rng.normal(0.0, 18.0, (cells, cells)).astype(np.float32)
            image += cv2.resize(coarse, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
        self.ground = np.clip(image + 110, 0, 255).astype(np.uint8)
        self.noise = rng

    def map_from_px(self, time_s: float) -> np.ndarray:
        camera = np.array([EAST_M + self.speed_mps * (time_s - 3.0), NORTH_M, 100.0])
        if self.pitch_deg > -89.0:
            camera[1] -= 100.0 / np.tan(np.radians(-self.pitch_deg))
        attitude = Attitude(self.yaw_rate_dps * time_s, self.pitch_deg)
        return ground_from_px(Intrinsics.from_hfov(SIZE, 65.0), attitude, camera)

    def frame(self, index: int) -> Frame:
        time_s = index / FPS
        ground = self.ground.copy()
        for car in self.cars:
            self._draw(ground, car, time_s)
        # Texel (0, 0) is north-west; the town's middle is at EAST_M, NORTH_M.
        half_m = SIDE_PX * TEXEL_M / 2
        map_from_texel = hg.translation(np.array([EAST_M - half_m, NORTH_M + half_m])) @ np.diag(
            [TEXEL_M, -TEXEL_M, 1.0]
        )
        shift = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        px_from_texel = np.linalg.inv(self.map_from_px(time_s)) @ map_from_texel
        opencv = np.linalg.inv(shift) @ px_from_texel @ shift
        seen = cv2.warpPerspective(ground, opencv, (SIZE.width_px, SIZE.height_px), flags=cv2.INTER_AREA)
        noisy = seen + self.noise.normal(0.0, 2.0, seen.shape)
        return Frame(index, time_s, np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2))

    def _draw(self, ground: np.ndarray, car: Car, time_s: float) -> None:
        east, north = car.at(time_s)
        heading = np.degrees(np.arctan2(-car.velocity_mps[1], car.velocity_mps[0]))
        middle = (SIDE_PX / 2 + east / TEXEL_M, SIDE_PX / 2 - north / TEXEL_M)
        corners = cv2.boxPoints((middle, (car.size_m[0] / TEXEL_M, car.size_m[1] / TEXEL_M), float(heading)))
        cv2.fillPoly(
            ground, [np.round(corners * 16).astype(np.int32)], car.gray, lineType=cv2.LINE_AA, shift=4
        )
