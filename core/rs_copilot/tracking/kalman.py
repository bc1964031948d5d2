"""Many constant-velocity Kalman filters at once, on the ground plane in metres.

Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section
6.3.2: continuous white-noise acceleration. State is (x, y, vx, vy); axes share their covariance, so a
filter holds one 2x2 block for position and velocity instead of a 4x4 matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.types import FloatArray


@dataclass(frozen=True)
class Filters:
    """States of N filters: ``position`` and ``velocity`` ``(N, 2)``, ``covariance`` ``(N, 2, 2)``."""

    position: FloatArray
    velocity: FloatArray
    covariance: FloatArray

    def __len__(self) -> int:
        return len(self.position)

    @classmethod
    def start(cls, position: FloatArray, noise_m: FloatArray, speed_mps: float) -> Filters:
        """New filters at rest, with that uncertainty of position ``(N,)`` and of each velocity component."""
        count = len(position)
        covariance = np.zeros((count, 2, 2))
        covariance[:, 0, 0] = np.asarray(noise_m) ** 2
        covariance[:, 1, 1] = speed_mps**2
        return cls(np.array(position, dtype=np.float64).reshape(-1, 2), np.zeros((count, 2)), covariance)

    def predicted(self, seconds: float, acceleration_mps2: float) -> Filters:
        """The states that much later; ``acceleration_mps2`` is what an object may do in one second."""
        step = np.array([[1.0, seconds], [0.0, 1.0]])
        spread = acceleration_mps2**2 * np.array(
            [[seconds**3 / 3.0, seconds**2 / 2.0], [seconds**2 / 2.0, seconds]]
        )
        return Filters(
            self.position + seconds * self.velocity,
            self.velocity,
            step @ self.covariance @ step.T + spread,
        )

    def distances(self, points: FloatArray, noise_m: FloatArray) -> FloatArray:
        """Squared Mahalanobis distance of every filter to every point, shape (N, M)."""
        offset = self.position[:, None, :] - np.asarray(points)[None, :, :]
        variance = self.covariance[:, 0, 0][:, None] + np.asarray(noise_m)[None, :] ** 2
        return np.asarray((offset**2).sum(axis=2) / variance, dtype=np.float64)

    def updated(self, points: FloatArray, noise_m: FloatArray) -> Filters:
        """The states after one measurement each: points ``(N, 2)`` with noise ``(N,)``."""
        variance = self.covariance[:, 0, 0] + np.asarray(noise_m) ** 2
        gain = self.covariance[:, :, 0] / variance[:, None]
        offset = np.asarray(points) - self.position
        return Filters(
            self.position + gain[:, :1] * offset,
            self.velocity + gain[:, 1:] * offset,
            self.covariance - gain[:, :, None] * self.covariance[:, None, 0, :],
        )

    def take(self, indices: np.ndarray) -> Filters:
        """The filters at these indices."""
        return Filters(self.position[indices], self.velocity[indices], self.covariance[indices])

    def put(self, indices: np.ndarray, other: Filters) -> Filters:
        """A copy with ``other`` in these places."""
        result = Filters(self.position.copy(), self.velocity.copy(), self.covariance.copy())
        result.position[indices] = other.position
        result.velocity[indices] = other.velocity
        result.covariance[indices] = other.covariance
        return result

    def joined(self, other: Filters) -> Filters:
        """These filters followed by those of ``other``."""
        return Filters(
            np.concatenate([self.position, other.position]),
            np.concatenate([self.velocity, other.velocity]),
            np.concatenate([self.covariance, other.covariance]),
        )
