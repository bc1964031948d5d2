"""Pictures of a clip for a player: newest first, decoded ahead while nobody asks.

Used by the worker's quick lane only, from one thread. Pixels are B, G, R, A because Qt paints that order
without a conversion (0.02 ms instead of 4.65 ms for a 1080p picture, measured).
"""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import UsageError
from rs_copilot.types import Frame, SizeWH
from rs_copilot.video.clip import Clip, open_clip

log = logging.getLogger(__name__)

SLOTS = 4
AHEAD_FRAMES = 6
CACHE_BYTES = 96 * 1024 * 1024
# A step forward that is not longer than this is playback; anything else is a jump.
PLAYBACK_STEP_S = 0.5
# Five hours at 30 frames per second; a longer list would not fit into a message.
MAX_TIMES = 540_000
FALLBACK_STEP_S = 1.0 / 30.0

Bgra = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A frame as the player shows it: ``pixels`` (H, W, 4) uint8 in the order B, G, R, A."""

    index: int
    time_s: float
    pixels: Bgra


class FrameRing:
    """A memory-mapped file of slots for pictures. The reader looks at one slot while the next are written."""

    def __init__(self, folder: Path, slot_bytes: int) -> None:
        self.slot_bytes = slot_bytes
        fd, name = tempfile.mkstemp(prefix="rs-copilot-frames-", suffix=".bgra", dir=folder)
        self.path = Path(name)
        try:
            _reserve(fd, SLOTS * slot_bytes)
            self._memory = mmap.mmap(fd, SLOTS * slot_bytes)
        except OSError:
            self.path.unlink()
            raise
        finally:
            os.close(fd)
        self._slots: Bgra | None = np.frombuffer(self._memory, dtype=np.uint8)
        self._next = 0

    def write(self, pixels: Bgra) -> int:
        """Put a picture into the next slot; returns its offset in bytes."""
        offset = self._next * self.slot_bytes
        self._next = (self._next + 1) % SLOTS
        if self._slots is not None:
            self._slots[offset : offset + pixels.nbytes] = pixels.reshape(-1)
        return offset

    def close(self) -> None:
        """Delete the file; whoever has mapped it keeps its pixels."""
        self._slots = None  # a mapping with views of it cannot be closed
        self._memory.close()
        self.path.unlink(missing_ok=True)


def _reserve(fd: int, size_bytes: int) -> None:
    """Give a file its size for certain.

    A mapped file that was only promised its space kills the process (SIGBUS) when the space is not there,
    and a container's folder in memory has 64 MB.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size_bytes)
    else:
        os.truncate(fd, size_bytes)


def open_ring(folder: str | None, slot_bytes: int) -> FrameRing | None:
    """A ring in ``folder``; ``None``, and pixels inside messages, where that folder or space is not here."""
    if folder is None or not Path(folder).is_dir():
        return None
    try:
        return FrameRing(Path(folder), slot_bytes)
    except OSError as error:
        log.warning("No ring of frames in %s: %s", folder, error)
        return None


class OpenClip:
    """One clip that is being played: decoder, pictures decoded lately or ahead, and the ring."""

    def __init__(self, path: str, ring_folder: str | None) -> None:
        self.clip: Clip = open_clip(path)
        size = self.clip.info.size
        self.ring = open_ring(ring_folder, size.width_px * size.height_px * 4)
        self.times_s = self.clip.frame_times_s()
        self._cache: OrderedDict[tuple[int, int], Picture] = OrderedDict()
        self._width_px = 0
        self._shown_s: float | None = None
        self._ahead_s: float | None = None
        self._ahead_left = 0

    def info(self) -> dict[str, Any]:
        """The result of ``player.open``."""
        info = self.clip.info
        ring = self.ring
        return {
            "path": str(info.path),
            "kind": info.kind,
            "width_px": info.size.width_px,
            "height_px": info.size.height_px,
            "duration_s": info.duration_s,
            "frame_count": info.frame_count,
            "fps": None if info.fps is None else f"{info.fps.numerator}/{info.fps.denominator}",
            "start_utc": info.start_utc,
            "times_s": [round(time_s, 6) for time_s in self.times_s[:MAX_TIMES]],
            "warnings": list(self.clip.warnings),
            "ring": None
            if ring is None
            else {"path": str(ring.path), "slots": SLOTS, "slot_bytes": ring.slot_bytes},
        }

    def picture(self, time_s: float, max_width_px: int) -> Picture:
        """The picture on screen at ``time_s``; plans what to decode ahead."""
        step_s = time_s - self._shown_s if self._shown_s is not None else -1.0
        is_playback = 0.0 <= step_s <= PLAYBACK_STEP_S
        if max_width_px != self._width_px:
            self._cache.clear()
            self._width_px = max_width_px
        picture = self._decode(time_s)
        self._shown_s = picture.time_s
        self._ahead_left = AHEAD_FRAMES if is_playback else 0
        if not is_playback or self._ahead_s is None or self._ahead_s < picture.time_s:
            self._ahead_s = picture.time_s
        return picture

    def work_ahead(self) -> bool:
        """Decode one picture more than was asked for; false when enough are ready."""
        if self._ahead_left <= 0 or self._ahead_s is None or self._shown_s is None:
            return False
        self._ahead_left -= 1
        next_s = self._time_after(self._ahead_s)
        if next_s is None or self._ready_ahead() >= AHEAD_FRAMES:
            self._ahead_left = 0
            return False
        self._ahead_s = max(next_s, self._decode(next_s).time_s)
        return True

    def close(self) -> None:
        """Let go of the clip and delete the ring."""
        self.clip.close()
        if self.ring is not None:
            self.ring.close()

    def _decode(self, time_s: float) -> Picture:
        known = self._cached(time_s)
        if known is not None:
            return known
        frame = self.clip.frame_at(time_s)
        picture = Picture(frame.index, frame.time_s, to_bgra(frame, self._width_px))
        self._cache[frame.index, self._width_px] = picture
        while len(self._cache) > 1 and self._cache_bytes() > CACHE_BYTES:
            self._cache.popitem(last=False)
        return picture

    def _cached(self, time_s: float) -> Picture | None:
        index = self._index_at(time_s)
        return None if index is None else self._cache.get((index, self._width_px))

    def _cache_bytes(self) -> int:
        return sum(picture.pixels.nbytes for picture in self._cache.values())

    def _index_at(self, time_s: float) -> int | None:
        """Which frame is on screen; ``None`` where the clip does not know its times."""
        if not self.times_s:
            return None
        return max(0, int(np.searchsorted(self.times_s, time_s + 1e-4, side="right")) - 1)

    def _ready_ahead(self) -> int:
        return sum(picture.time_s > (self._shown_s or 0.0) for picture in self._cache.values())

    def _time_after(self, time_s: float) -> float | None:
        index = self._index_at(time_s)
        if index is not None:
            return self.times_s[index + 1] if index + 1 < len(self.times_s) else None
        fps = self.clip.info.fps
        next_s = time_s + (float(1 / fps) if fps else FALLBACK_STEP_S)
        return next_s if next_s < self.clip.info.duration_s else None


class Player:
    """All clips that are open for playing, by path. The methods are those of the worker."""

    def __init__(self) -> None:
        self._clips: dict[str, OpenClip] = {}

    def open(self, clip: str, ring_folder: str | None = None) -> dict[str, Any]:
        """Open a clip, with a ring file in ``ring_folder`` or for pictures inside messages.

        Raises:
            VideoError: not a clip.
        """
        self.close(clip)
        opened = self._clips[clip] = OpenClip(clip, ring_folder)
        return opened.info()

    def frame(self, clip: str, time_s: float, max_width_px: int = 0) -> tuple[dict[str, Any], bytes]:
        """Describe the frame at ``time_s``; its pixels are in the ring, or are returned as payload.

        A clip that is not open is opened first: after a restart of the engine the player just goes on.

        Raises:
            UsageError: the time is no time.
            VideoError: no frame can be decoded there.
        """
        if not isinstance(time_s, int | float) or not np.isfinite(time_s):
            raise UsageError(f"expected time_s in seconds, found {time_s!r}")
        opened = self._clips.get(clip)
        if opened is None:
            opened = self._clips[clip] = OpenClip(clip, None)
        picture = opened.picture(float(time_s), int(max_width_px))
        height_px, width_px = picture.pixels.shape[:2]
        result = {
            "index": picture.index,
            "time_s": picture.time_s,
            "width_px": width_px,
            "height_px": height_px,
            "stride_bytes": width_px * 4,
        }
        ring = opened.ring
        if ring is None or picture.pixels.nbytes > ring.slot_bytes:
            return result, picture.pixels.tobytes()
        return {**result, "offset": ring.write(picture.pixels)}, b""

    def close(self, clip: str | None) -> None:
        """Close one clip, or all of them; unknown ones are no error."""
        for path in list(self._clips) if clip is None else [clip]:
            opened = self._clips.pop(path, None)
            if opened is not None:
                opened.close()

    def work_ahead(self) -> bool:
        """Decode one picture ahead for the clip that needs it; false when there is nothing to do."""
        return any(opened.work_ahead() for opened in list(self._clips.values()))


def to_bgra(frame: Frame, max_width_px: int) -> Bgra:
    """Scale down to ``max_width_px`` (0: do not) and order the channels for Qt; shape (H, W, 4)."""
    image, target = frame.image, scaled_size(frame.size, max_width_px)
    if target != frame.size:
        # Area averaging costs four times as much at fractions, where it gains nothing (11 against 3 ms).
        way = cv2.INTER_AREA if frame.size.width_px >= 2 * target.width_px else cv2.INTER_LINEAR
        small = cv2.resize(image, (target.width_px, target.height_px), interpolation=way)
        image = np.asarray(small, dtype=np.uint8)
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGRA), dtype=np.uint8)


def scaled_size(size: SizeWH, max_width_px: int) -> SizeWH:
    """The size that fits ``max_width_px`` with the aspect kept; never larger than the picture."""
    if max_width_px <= 0 or size.width_px <= max_width_px:
        return size
    return SizeWH(max_width_px, max(1, round(size.height_px * max_width_px / size.width_px)))
