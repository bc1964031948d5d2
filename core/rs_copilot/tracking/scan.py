"""One pass over a clip: frame-to-frame motion, and what moves in every frame.

Detection of a frame needs its neighbours on both sides, so it lags behind by the widest of them; only
that many frames are held in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.matching.flow import frame_motion, working_gray
from rs_copilot.tracking.motion import (
    DEFAULT_MOTION,
    Blobs,
    MotionSettings,
    background,
    change,
    find_blobs,
    noise_level,
)
from rs_copilot.tracking.overlay import MIN_STEP_PX, OverlayFinder
from rs_copilot.tracking.stabilise import Chain
from rs_copilot.types import BoolArray, ByteImage, Frame, SizeWH

# Detection works at this ground sampling distance where the clip is finer: a car keeps 15 x 6 pixels.
WORKING_GSD_M = 0.3
MIN_WIDTH_PX, MAX_WIDTH_PX = 640, 1280
# Neighbours, as multiples of `NEIGHBOUR_S`: what moves by half its length between two of them is seen.
NEIGHBOUR_S = 0.5
# One-sided neighbours, at the ends of a clip, reach no farther than this: parallax grows with the time.
NEIGHBOUR_STEPS = (1, -1, 2, -2, 3, -3, 4, -4)
NEIGHBOUR_COUNT = 6
MIN_NEIGHBOURS = 4


def working_scale(size: SizeWH, gsd_m: float) -> float:
    """Size of the detection image relative to the frame, at most 1."""
    wanted_px = size.width_px * gsd_m / WORKING_GSD_M
    return float(min(1.0, np.clip(wanted_px, MIN_WIDTH_PX, MAX_WIDTH_PX) / size.width_px))


@dataclass(frozen=True)
class ScannedFrame:
    """What is kept of a frame."""

    index: int
    time_s: float
    file: str | None


class Scanner:
    """Push frames in order, then finish; results grow in ``frames``, ``chain``, ``blobs`` and ``firm``.

    ``firm`` says of each frame whether it was compared with frames before and after it: against one side
    alone, parallax looks more like motion.

    Args:
        size: of the frames.
        gsd_m: gives the ground sampling distance at the image centre for a time in seconds.
        settings: sensitivity.
    """

    def __init__(
        self, size: SizeWH, gsd_m: Callable[[float], float], settings: MotionSettings = DEFAULT_MOTION
    ) -> None:
        self.size = size
        self.settings = settings
        self.frames: list[ScannedFrame] = []
        self.chain = Chain()
        self.blobs: list[Blobs] = []
        self.firm: list[bool] = []
        self._gsd_m = gsd_m
        self._scale = working_scale(size, gsd_m(0.0))
        self._images: dict[int, ByteImage] = {}
        self._previous: ByteImage | None = None
        self._overlay = OverlayFinder()
        self._overlay_frame: int | None = None

    def push(self, frame: Frame) -> None:
        """Take in the next frame; frames of another size break the chain and hold no detections."""
        gray = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        if frame.size != self.size:
            gray = np.zeros((self.size.height_px, self.size.width_px), dtype=np.uint8)
        small, scale = working_gray(gray)
        motion = None if self._previous is None else frame_motion(small, self._previous, scale)
        self._previous = small
        self.chain.add(frame.time_s, None if motion is None else motion.to_from)
        self._look_for_overlay(small, scale)
        self._images[len(self.frames)] = self._working(gray)
        self.frames.append(ScannedFrame(frame.index, frame.time_s, frame.file))
        while self._is_ready(len(self.blobs)):
            self._detect_next()

    def not_overlay(self, blobs: Blobs) -> BoolArray:
        """Which blobs do not lie on a logo or text in the picture, shape (N,)."""
        mask = self._overlay.mask()
        if mask is None or len(blobs) == 0:
            return np.ones(len(blobs), dtype=bool)
        x, y = (blobs.centers_px * mask.shape[1] / self.size.width_px).astype(np.int64).T
        rows, columns = np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)
        return np.asarray(~mask[rows, columns])

    def _look_for_overlay(self, small: ByteImage, scale: float) -> None:
        here, last = len(self.chain) - 1, self._overlay_frame
        if last is not None:
            motion = self.chain.between(here, last)
            center = self.size.center_px
            if motion is not None:
                moved = np.linalg.norm(hg.apply(hg.orient(motion, self.size), center)[0] - center)
                if moved * scale < MIN_STEP_PX:
                    return
            self._overlay.add(small)
        self._overlay_frame = here

    def finish(self) -> None:
        """Detect in the last frames, which have neighbours on one side only."""
        while len(self.blobs) < len(self.frames):
            self._detect_next()

    def _working(self, gray: ByteImage) -> ByteImage:
        if self._scale >= 1.0:
            return gray
        width = round(gray.shape[1] * self._scale)
        height = round(gray.shape[0] * self._scale)
        return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _is_ready(self, i: int) -> bool:
        """Whether neighbours on the far side are there; where the near side is short, twice as many."""
        if i >= len(self.frames):
            return False
        if self.chain.stretch[-1] != self.chain.stretch[i]:
            return True
        start_s = self.frames[self.chain.stretch.index(self.chain.stretch[i])].time_s
        one_sided = self.frames[i].time_s - start_s < NEIGHBOUR_S * NEIGHBOUR_COUNT / 2
        steps = max(NEIGHBOUR_STEPS) if one_sided else NEIGHBOUR_COUNT // 2
        return self.frames[-1].time_s >= self.frames[i].time_s + NEIGHBOUR_S * steps - 1e-6

    def _detect_next(self) -> None:
        i = len(self.blobs)
        self.blobs.append(self._detect(i))
        oldest_s = self.frames[i].time_s - NEIGHBOUR_S * NEIGHBOUR_COUNT
        for k in [k for k in self._images if self.frames[k].time_s < oldest_s]:
            del self._images[k]

    def _detect(self, i: int) -> Blobs:
        neighbours = self._neighbours(i)
        self.firm.append(bool(neighbours) and min(neighbours) < i < max(neighbours))
        if len(neighbours) < MIN_NEIGHBOURS:
            return Blobs.empty()
        current = self._images[i]
        scaling = np.diag([self._scale, self._scale, 1.0])
        matrices = [self.chain.between(k, i) for k in neighbours]
        to_current = [scaling @ m @ np.linalg.inv(scaling) for m in matrices if m is not None]
        empty = background(current, [self._images[k] for k in neighbours], to_current)
        changed = change(current, empty, self.settings)
        gsd_m = self._gsd_m(self.frames[i].time_s) / self._scale
        found = find_blobs(changed, noise_level(current, empty), gsd_m, self.settings)
        return found.scaled(1.0 / self._scale)

    def _neighbours(self, i: int) -> list[int]:
        """An even number of held frames of the same stretch, near to far, on both sides if there are."""
        held = np.array([k for k in self._images if self.chain.stretch[k] == self.chain.stretch[i]])
        times = np.array([self.frames[k].time_s for k in held])
        chosen: list[int] = []
        for step in NEIGHBOUR_STEPS:
            wanted_s = self.frames[i].time_s + step * NEIGHBOUR_S
            nearest = int(np.argmin(np.abs(times - wanted_s)))
            if abs(times[nearest] - wanted_s) < NEIGHBOUR_S / 2 and held[nearest] not in [i, *chosen]:
                chosen.append(int(held[nearest]))
            if len(chosen) == NEIGHBOUR_COUNT:
                break
        return sorted(chosen[: len(chosen) // 2 * 2])
