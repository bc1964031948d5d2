"""Frames of one clip for the video panel: always the newest wanted one, never a queue of old ones.

Free of Qt. Give it a session of its own (`EngineSession`), so that a job never delays a frame::

    player = PlayerClient(session, on_frame=show, on_error=warn)
    player.open("/data/clip.mp4", on_info=start)   # ClipInfo: size, duration_s, fps, times_s
    player.show(time_s=3.2, max_width_px=960)      # as often as a timer likes; on_frame(FrameView) follows
    player.close()

At most one frame is asked for at a time. ``show`` while one is on its way only remembers the wish; the last
wish wins. Pixels come through a memory-mapped ring of slots in ``ring_folder``, which the caller makes,
owns and deletes (a folder in memory, such as ``/dev/shm``, is best), or inside the message where that is
``None``: the way of an engine on another machine.

A `FrameView`'s ``pixels`` stay valid until the frame after the next arrives: paint or copy, do not keep.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rs_copilot_plugin.engine.session import EngineError, EngineSession, Reply, RequestHandle, ignore


@dataclass(frozen=True)
class ClipInfo:
    """What a player must know about a clip. ``fps`` is ``"30000/1001"`` or ``None`` (stills).

    ``times_s`` are the starts of the frames, of the first 540,000; empty where the file does not say.
    """

    path: str
    kind: str
    width_px: int
    height_px: int
    duration_s: float
    fps: str | None = None
    frame_count: int | None = None
    times_s: tuple[float, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_result(cls, result: dict[str, Any]) -> ClipInfo:
        """Read the result of the methods ``player.open`` and ``clip.info``."""
        return cls(
            path=result["path"],
            kind=result["kind"],
            width_px=result["width_px"],
            height_px=result["height_px"],
            duration_s=result["duration_s"],
            fps=result.get("fps"),
            frame_count=result.get("frame_count"),
            times_s=tuple(result.get("times_s") or ()),
            warnings=tuple(result.get("warnings") or ()),
        )


@dataclass(frozen=True)
class FrameView:
    """One picture: 4 bytes per pixel in the order B, G, R, A (``QImage.Format.Format_RGB32``)."""

    index: int
    time_s: float
    width_px: int
    height_px: int
    stride_bytes: int
    pixels: memoryview = field(repr=False)


class PlayerClient:
    """See the module."""

    def __init__(
        self,
        session: EngineSession,
        *,
        on_frame: Callable[[FrameView], None],
        on_error: Callable[[EngineError], None] = ignore,
        ring_folder: str | None = None,
    ) -> None:
        self.info: ClipInfo | None = None
        self._session = session
        self._on_frame, self._on_error = on_frame, on_error
        self._ring_folder = ring_folder
        self._ring: mmap.mmap | None = None
        self._pending: RequestHandle | None = None
        self._wanted: tuple[float, int] | None = None
        self._clip: str | None = None

    def open(self, clip: str, on_info: Callable[[ClipInfo], None] = ignore) -> None:
        """Open a clip (the former one is closed). ``on_info`` comes before the first frame can."""
        self.close()
        self._clip = clip
        params = {"clip": clip, "ring_folder": self._ring_folder}
        self._pending = self._session.request(
            "player.open",
            params,
            on_result=lambda reply: self._opened(clip, reply, on_info),
            on_error=lambda error: self._failed(clip, error),
        )

    def show(self, time_s: float, max_width_px: int) -> None:
        """Want the frame that is seen at ``time_s``, at most ``max_width_px`` wide (0: full size)."""
        self._wanted = (time_s, max_width_px)
        self._ask()

    def close(self) -> None:
        """Forget the clip; answers that are still on their way are dropped. The session stays."""
        if self._clip is not None and self.info is not None:
            self._session.request("player.close", {"clip": self._clip})
        self._clip = self.info = self._wanted = self._pending = None
        self._ring = None  # not closed: a view of it may still be painted; the last reference frees it

    def _opened(self, clip: str, reply: Reply, on_info: Callable[[ClipInfo], None]) -> None:
        if clip != self._clip:
            return
        self._pending = None
        ring = reply.result.get("ring")
        if ring is not None:
            with Path(ring["path"]).open("rb") as file:
                self._ring = mmap.mmap(
                    file.fileno(), ring["slots"] * ring["slot_bytes"], access=mmap.ACCESS_READ
                )
        self.info = ClipInfo.from_result(reply.result)
        on_info(self.info)
        self._ask()

    def _ask(self) -> None:
        if self._pending is not None or self._wanted is None or self.info is None:
            return
        (time_s, max_width_px), self._wanted = self._wanted, None
        clip = self._clip
        self._pending = self._session.request(
            "player.frame",
            {"clip": clip, "time_s": time_s, "max_width_px": max_width_px},
            on_result=lambda reply: self._arrived(clip, reply),
            on_error=lambda error: self._failed(clip, error),
        )

    def _arrived(self, clip: str | None, reply: Reply) -> None:
        if clip != self._clip:
            return
        self._pending = None
        self._on_frame(self._view(reply))
        self._ask()

    def _view(self, reply: Reply) -> FrameView:
        found = reply.result
        offset = found.get("offset")
        pixels = memoryview(reply.payload)
        if offset is not None and self._ring is not None:
            pixels = memoryview(self._ring)[offset : offset + found["stride_bytes"] * found["height_px"]]
        return FrameView(
            index=found["index"],
            time_s=found["time_s"],
            width_px=found["width_px"],
            height_px=found["height_px"],
            stride_bytes=found["stride_bytes"],
            pixels=pixels,
        )

    def _failed(self, clip: str | None, error: EngineError) -> None:
        if clip != self._clip:
            return
        self._pending = None
        if not error.is_cancelled:
            self._on_error(error)
