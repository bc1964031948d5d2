"""Frame-to-frame motion along a clip, and what it predicts between any two frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rs_copilot.matching.flow import Motion
from rs_copilot.types import FloatArray

# Shares of the frame's width: what one step of corner tracking adds in error, and the least error.
DRIFT_PER_STEP = 0.0003
DRIFT_FLOOR = 0.0008


@dataclass
class Chain:
    """Motions between consecutive visited frames; ``steps[i]`` leads from frame i to frame i + 1.

    A missing step (a cut, a blur, separate stills) breaks the chain.
    """

    steps: list[Motion | None] = field(default_factory=list)
    _section: list[int] = field(default_factory=lambda: [0])
    _from_section_start: list[FloatArray] = field(default_factory=lambda: [np.eye(3)])

    def append(self, motion: Motion | None) -> None:
        """Add the motion from the last frame to a new one."""
        self.steps.append(motion)
        self._section.append(self._section[-1] + (motion is None))
        start = np.eye(3) if motion is None else motion.to_from @ self._from_section_start[-1]
        self._from_section_start.append(start / start[2, 2])

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._section)

    @property
    def is_moving(self) -> bool:
        """Whether any neighbouring frames overlap; separate photos do not."""
        return any(step is not None for step in self.steps)

    def section(self, number: int) -> int:
        """Which unbroken stretch a frame belongs to."""
        return self._section[number]

    def connected(self, first: int, second: int) -> bool:
        """Whether no step between two frames is missing."""
        return self._section[first] == self._section[second]

    def between(self, first: int, second: int) -> FloatArray | None:
        """Homography from pixels of ``first`` to pixels of ``second``; ``None`` across a break."""
        if not self.connected(first, second):
            return None
        direct = self._from_section_start[second] @ np.linalg.inv(self._from_section_start[first])
        return np.asarray(direct / direct[2, 2], dtype=np.float64)

    def predict(self, map_from_first: FloatArray, first: int, second: int) -> FloatArray | None:
        """Place of frame ``second`` by the place of frame ``first`` and the motion between them."""
        back = self.between(second, first)
        return None if back is None else np.asarray(map_from_first @ back, dtype=np.float64)

    @staticmethod
    def drift_m(steps: int, width_m: float) -> float:
        """Standard deviation of a prediction over a number of steps, for frames ``width_m`` wide.

        Tracking errors of single steps are independent, but a homography's tilt error makes later
        steps worse: in between the root and the full sum.
        """
        return float(width_m * (DRIFT_FLOOR + DRIFT_PER_STEP * steps**0.75))
