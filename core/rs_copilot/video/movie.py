"""Videos: true presentation times, exact seeks, and files that break off in the middle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rs_copilot.errors import VideoError
from rs_copilot.types import ByteImage, Frame, SizeWH
from rs_copilot.video.base import TIME_TOLERANCE_S, Clip, ClipInfo, Sampler
from rs_copilot.video.decode import Cursor, FrameReader, read_index, stamp_of
from rs_copilot.video.index import FrameIndex
from rs_copilot.video.orientation import Turn


class MovieClip(Clip):
    """A clip in a video container."""

    def __init__(self, path: Path) -> None:
        self.warnings = []
        self.path = path
        self._index: FrameIndex | None = None
        self._cursor: Cursor | None = None
        self._shown: Frame | None = None
        reader = FrameReader(path)
        try:
            picture = reader.next()
            if picture is None:
                raise VideoError(
                    f"expected at least one frame in {path.name}, found none that decodes",
                    hint="The file may be cut off or damaged: copy it from the card again.",
                )
            self._first_pts = stamp_of(picture)
            self.info = self._describe(reader, picture)
        finally:
            reader.close()

    def _describe(self, reader: FrameReader, first: VideoFrame) -> ClipInfo:
        stream = reader.stream
        aspect = stream.sample_aspect_ratio
        if aspect and abs(float(aspect) - 1.0) > 0.01:
            self.warn(f"pixels are {float(aspect):.3f} times as wide as high; the picture is not stretched")
        return ClipInfo(
            path=self.path,
            kind="video",
            size=turn_of(first).size(SizeWH(first.width, first.height)),
            frame_count=stream.frames or None,
            duration_s=said_duration_s(reader.container, stream),
            fps=stream.average_rate or stream.guessed_rate or None,
            start_utc=said_start_utc(reader.container, stream),
        )

    def _timing(self) -> FrameIndex:
        """Times of all frames, made on first use by reading packets, not pictures."""
        if self._index is None:
            self._index = read_index(self.path, self._first_pts)
        return self._index

    def frames(
        self, every_s: float | None = None, start_s: float = 0.0, end_s: float | None = None
    ) -> Iterator[Frame]:
        """See `Clip.frames`."""
        return self._iterate(Sampler(every_s, start_s, end_s))

    def _iterate(self, sampler: Sampler) -> Iterator[Frame]:
        reader = FrameReader(self.path)
        try:
            cursor = Cursor(reader, self._timing())
            last_s = 0.0
            cursor.go_to(sampler.next_due_s)
            while (found := cursor.next()) is not None:
                number, last_s, picture = found
                if sampler.is_past(last_s):
                    break
                if sampler.wants(last_s):
                    yield Frame(number, last_s, upright_rgb(picture))
                    # Every frame is wanted where nothing is due later: going to the start would loop.
                    if sampler.next_due_s > last_s:
                        cursor.go_to(sampler.next_due_s)
            else:
                self._check_end(last_s)
            self._report_damage(reader)
        finally:
            reader.close()

    def _check_end(self, last_s: float) -> None:
        step_s = float(1 / self.info.fps) if self.info.fps else 0.0
        if self.info.duration_s - last_s > 2 * step_s + 0.1:
            self.warn(
                f"the video breaks off after {last_s:.2f} s; its header promises {self.info.duration_s:.2f} s"
            )

    def _report_damage(self, reader: FrameReader) -> None:
        if reader.broken_packets:
            self.warn(f"{reader.broken_packets} damaged packets could not be decoded and were skipped")

    def frame_at(self, time_s: float) -> Frame:
        """See `Clip.frame_at`."""
        if self._cursor is None:
            self._cursor = Cursor(FrameReader(self.path), self._timing())
        index = self._timing()
        target_s = index.time_s(index.pts_at(time_s)) if index.timed else max(time_s, 0.0)
        if self._shown is None or abs(self._shown.time_s - target_s) > TIME_TOLERANCE_S:
            self._shown = self._decode_at(self._cursor, target_s)
        return self._shown

    def _decode_at(self, cursor: Cursor, target_s: float) -> Frame:
        best, index = _last_until(cursor, target_s), cursor.index
        pts: int | None = index.pts_at(target_s)
        while best is None:
            # Where a file breaks off, its last keyframe may be incomplete: fall back to the one before.
            keyframe = None if pts is None else index.keyframe_before(pts)
            pts = None if keyframe is None or not index.timed else index.pts_before(keyframe)
            if pts is None:
                raise VideoError(
                    f"expected a frame at {target_s:.3f} s of {self.path.name}, found none that decodes"
                )
            best = _last_until(cursor, index.time_s(pts))
        return Frame(best[0], best[1], upright_rgb(best[2]))

    def frame_times_s(self) -> list[float]:
        """See `Clip.frame_times_s`."""
        index = self._timing()
        return [index.time_s(int(pts)) for pts in index.pts]

    def close(self) -> None:
        """See `Clip.close`."""
        if self._cursor is not None:
            self._cursor.reader.close()
            self._cursor = None


def _last_until(cursor: Cursor, target_s: float) -> tuple[int, float, VideoFrame] | None:
    cursor.go_to(target_s)
    best: tuple[int, float, VideoFrame] | None = None
    while (found := cursor.next()) is not None:
        if best is None or found[1] <= target_s + TIME_TOLERANCE_S:
            best = found
        if found[1] >= target_s - TIME_TOLERANCE_S:
            break
    return best


def upright_rgb(picture: VideoFrame) -> ByteImage:
    """The picture as it is shown, ``(h, w, 3)``."""
    image = np.asarray(picture.to_ndarray(format="rgb24", threads=1), dtype=np.uint8)
    return turn_of(picture).apply(image)


def turn_of(picture: VideoFrame) -> Turn:
    """How a picture is to be turned to be upright."""
    for data in cast("Iterable[SideData]", picture.side_data):
        if data.type is Type.DISPLAYMATRIX:
            return Turn.from_display_matrix(bytes(data))
    return Turn()


def said_duration_s(container: InputContainer, stream: VideoStream) -> float:
    """The container's word on the duration; 0 where it says nothing."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # The container counts in microseconds (AV_TIME_BASE).
    return container.duration / 1e6 if container.duration else 0.0


def said_start_utc(container: InputContainer, stream: VideoStream) -> str | None:
    """The container's word on when recording began, ISO 8601."""
    said = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.year <= 1970:  # a clock that was never set
        return None
    return moment.astimezone(timezone.utc).isoformat()
