"""Videos that are read once as they come: pipes, files that still grow, addresses of live sources."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame

from rs_copilot.errors import VideoError
from rs_copilot.types import Frame, SizeWH
from rs_copilot.video.base import Clip, ClipInfo, Sampler
from rs_copilot.video.decode import FALLBACK_RATE, FrameReader, name_of, stamp_of
from rs_copilot.video.movie import said_duration_s, said_start_utc, turn_of, upright_rgb

HINT = "A stream passes once: write it to a file, and open that, to go back."


class StreamClip(Clip):
    """A clip that is read forwards once. Frames are numbered as they are decoded, without an index.

    Raises:
        VideoError: nothing is there, or not a single frame can be decoded.
    """

    def __init__(self, source: str | Path) -> None:
        self.warnings = []
        self._reader = FrameReader(source)
        first = self._reader.next()
        if first is None:
            self._reader.close()
            raise VideoError(f"expected at least one frame from {name_of(source)}, found none that decodes")
        self._first: VideoFrame | None = first
        stream = self._reader.stream
        self.info = ClipInfo(
            path=Path(source),
            kind="video",
            size=turn_of(first).size(SizeWH(first.width, first.height)),
            frame_count=stream.frames or None,
            duration_s=said_duration_s(self._reader.container, stream),
            fps=stream.average_rate or stream.guessed_rate or None,
            start_utc=said_start_utc(self._reader.container, stream),
        )

    def frames(
        self, every_s: float | None = None, start_s: float = 0.0, end_s: float | None = None
    ) -> Iterator[Frame]:
        """See `Clip.frames`; a second time there is nothing left.

        Raises:
            VideoError: the frames were asked for before.
        """
        first, self._first = self._first, None
        if first is None:
            raise VideoError("expected to read the stream once, found that it was read before", hint=HINT)
        return self._iterate(first, Sampler(every_s, start_s, end_s))

    def _iterate(self, first: VideoFrame, sampler: Sampler) -> Iterator[Frame]:
        for number, (time_s, picture) in enumerate(self._timed(first)):
            if sampler.is_past(time_s):
                break
            if sampler.wants(time_s):
                yield Frame(number, time_s, upright_rgb(picture))
        if self._reader.broken_packets:
            self.warn(f"{self._reader.broken_packets} damaged packets could not be decoded and were skipped")

    def _timed(self, first: VideoFrame) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures with their seconds from the first; at the rate where stamps are missing or fall back."""
        stream = self._reader.stream
        base_s, start = stream.time_base or Fraction(1, 1000), stamp_of(first)
        step_s = float(1 / (stream.average_rate or stream.guessed_rate or FALLBACK_RATE))
        last_s = -step_s
        picture: VideoFrame | None = first
        while picture is not None:
            stamp = stamp_of(picture)
            time_s = last_s + step_s if stamp is None or start is None else float((stamp - start) * base_s)
            last_s = time_s if time_s > last_s else last_s + step_s
            yield last_s, picture
            picture = self._reader.next()

    def frame_at(self, time_s: float) -> Frame:
        """Not of a stream.

        Raises:
            VideoError: always.
        """
        raise VideoError(f"expected a file to show {time_s:.1f} s of, found a stream", hint=HINT)

    def frame_times_s(self) -> list[float]:
        """Not known before they came: empty."""
        return []

    def close(self) -> None:
        """See `Clip.close`."""
        self._reader.close()
