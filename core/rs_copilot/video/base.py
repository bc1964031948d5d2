"""What every clip offers, whether it is a video or a folder of stills."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal

from rs_copilot.types import Frame, SizeWH

# Timestamps are rounded to the container's clock; a sample due at 2.0 s may be stamped 1.9999 s.
TIME_TOLERANCE_S = 1e-4


@dataclass(frozen=True)
class ClipInfo:
    """What a clip says about itself.

    ``size`` is the upright size (rotation applied) of the first frame; the stills of a folder may differ.
    ``frame_count`` and ``duration_s`` are the container's word and only as good as that;
    ``frame_count`` and ``fps`` are ``None`` where nothing is said. ``start_utc`` is ISO 8601.
    """

    path: Path
    kind: Literal["video", "stills"]
    size: SizeWH
    frame_count: int | None
    duration_s: float
    fps: Fraction | None
    start_utc: str | None


class Clip(ABC):
    """A sequence of pictures with times. Close it, or use it as a context manager.

    ``warnings`` grows while frames are read: what was skipped, and where the file broke off.
    """

    info: ClipInfo
    warnings: list[str]

    @abstractmethod
    def frames(
        self, every_s: float | None = None, start_s: float = 0.0, end_s: float | None = None
    ) -> Iterator[Frame]:
        """Frames with ``start_s <= time_s <= end_s`` in presentation order.

        With ``every_s`` only the first frame at or after each multiple of it (counted from the start
        of the clip). Iterations are independent of each other and of `frame_at`.

        Raises:
            ValueError: ``every_s`` is not positive.
            VideoError: the file vanished or changed since it was opened.
        """

    @abstractmethod
    def frame_at(self, time_s: float) -> Frame:
        """The frame on screen at ``time_s``: the last one that starts at or before it.

        Times before the first frame give the first, times after the end the last readable one.

        Raises:
            VideoError: no frame can be decoded there.
        """

    @abstractmethod
    def frame_times_s(self) -> list[float]:
        """When each frame starts, in presentation order; empty where the file does not say.

        Reads packets, not pictures. Damaged frames are listed like the others.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the file; closing twice is allowed."""

    def warn(self, message: str) -> None:
        """Note a warning once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Sampler:
    """Decides which frames of a rising sequence of times are wanted.

    A frame is wanted when it is the first at or after a multiple of ``every_s``; a long gap in the
    sequence swallows the multiples inside it.
    """

    def __init__(self, every_s: float | None, start_s: float, end_s: float | None) -> None:
        if every_s is not None and not every_s > 0:
            raise ValueError(f"expected a positive sampling interval in seconds, found {every_s}")
        self.every_s = every_s
        self.start_s = start_s
        self.end_s = end_s
        self._next_step = 0 if every_s is None else max(0, self._steps_until(start_s))

    def _steps_until(self, time_s: float) -> int:
        """The smallest n with ``n * every_s >= time_s``, give or take the clock's rounding."""
        assert self.every_s is not None  # noqa: S101  # nosec B101 - narrows the type; callers checked
        return -int((TIME_TOLERANCE_S - time_s) // self.every_s)

    @property
    def next_due_s(self) -> float:
        """No frame before this time is wanted."""
        return self.start_s if self.every_s is None else max(self.start_s, self._next_step * self.every_s)

    def is_due(self, time_s: float) -> bool:
        """Whether the frame at this time is wanted."""
        return time_s >= self.next_due_s - TIME_TOLERANCE_S

    def accept(self, time_s: float) -> None:
        """The frame at this time was taken: wait for the next multiple."""
        if self.every_s is not None:
            self._next_step = self._steps_until(time_s + 2 * TIME_TOLERANCE_S)

    def wants(self, time_s: float) -> bool:
        """`is_due`, and `accept` if so."""
        if not self.is_due(time_s):
            return False
        self.accept(time_s)
        return True

    def is_past(self, time_s: float) -> bool:
        """Whether this and all later frames lie beyond the end."""
        return self.end_s is not None and time_s > self.end_s + TIME_TOLERANCE_S
