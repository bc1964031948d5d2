"""When each frame of a video is shown, read from its packets without decoding a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rs_copilot.video.base import TIME_TOLERANCE_S


@dataclass(frozen=True)
class PacketStamp:
    """The timing of one compressed frame, in units of the stream's time base."""

    pts: int | None
    is_keyframe: bool


@dataclass(frozen=True)
class FrameIndex:
    """Presentation order and times of a video's frames; frame 0 is the first that decodes.

    ``pts`` (N,) and ``keyframe_pts`` (K,) are sorted and in units of ``time_base_s``. ``timed`` is
    false for streams without timestamps: their times follow from the frame rate, and they can only be
    read from the start.
    """

    pts: NDArray[np.int64]
    keyframe_pts: NDArray[np.int64]
    first_pts: int
    time_base_s: Fraction
    timed: bool = True

    def __post_init__(self) -> None:
        if np.any(np.diff(self.pts) < 0) or np.any(np.diff(self.keyframe_pts) < 0):
            raise ValueError("expected sorted timestamps")

    def time_s(self, pts: int) -> float:
        """Seconds from the first frame."""
        return float((pts - self.first_pts) * self.time_base_s)

    def number(self, pts: int) -> int:
        """Presentation order of the frame with this timestamp, from 0."""
        return int(np.searchsorted(self.pts, pts))

    def pts_at(self, time_s: float) -> int:
        """Timestamp of the frame on screen at a time, clamped to the clip."""
        if not len(self.pts):
            return self.first_pts
        wanted = self.first_pts + math.floor((time_s + TIME_TOLERANCE_S) / float(self.time_base_s))
        at = int(np.searchsorted(self.pts, wanted, side="right")) - 1
        return int(self.pts[max(at, 0)])

    def pts_before(self, pts: int) -> int | None:
        """Timestamp of the frame shown before the one at ``pts``; ``None`` before the first."""
        at = self.number(pts) - 1
        return int(self.pts[at]) if at >= 0 else None

    def keyframe_before(self, pts: int) -> int | None:
        """The last keyframe that is shown at or before ``pts``; ``None`` means the start of the file."""
        at = int(np.searchsorted(self.keyframe_pts, pts, side="right")) - 1
        return int(self.keyframe_pts[at]) if at >= 0 else None


def build_index(stamps: Sequence[PacketStamp], first_pts: int, time_base_s: Fraction) -> FrameIndex:
    """Index the packets of one stream; packets before the first decodable frame do not count.

    Raises:
        ValueError: a packet has no timestamp (such a stream has an `untimed_index`).
    """
    if any(stamp.pts is None for stamp in stamps):
        raise ValueError("expected a timestamp on every packet, found a packet without one")
    pts = np.array([stamp.pts for stamp in stamps], dtype=np.int64)
    is_key = np.array([stamp.is_keyframe for stamp in stamps], dtype=np.bool_)
    return FrameIndex(np.sort(pts[pts >= first_pts]), np.sort(pts[is_key]), first_pts, time_base_s)


def untimed_index(frame_interval_s: Fraction, frame_count: int) -> FrameIndex:
    """Index of a stream without timestamps: one tick per frame."""
    ticks = np.arange(frame_count, dtype=np.int64)
    return FrameIndex(ticks, ticks[:1], 0, frame_interval_s, timed=False)
