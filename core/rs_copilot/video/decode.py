"""The door to one video stream: packets in, pictures out, damage skipped and counted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rs_copilot.errors import VideoError
from rs_copilot.video.index import FrameIndex, PacketStamp, build_index, untimed_index

if TYPE_CHECKING:
    VideoPacket: TypeAlias = Packet[VideoStream]

# Undecodable packets in a row after which the rest of the file is given up.
MAX_BROKEN_IN_A_ROW = 1000
# Transport streams may land behind the wanted keyframe; each retry starts this much earlier.
SEEK_MARGINS_S = (0.0, 1.0, 5.0, 30.0)
# How long a stream may take to open, and how long it may pause before it counts as ended.
URL_TIMEOUTS_S = (20.0, 30.0)
# Where neither container nor codec says how fast an untimed stream runs.
FALLBACK_RATE = Fraction(25)


def is_url(source: Path | str) -> bool:
    """Whether a source is a stream's address, not a path."""
    return "://" in str(source)


def name_of(source: Path | str) -> str:
    """What a source is called: a file's name; an address without user, password and query."""
    if not is_url(source):
        return Path(source).name
    parts = urlsplit(str(source))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_container(path: Path | str) -> InputContainer:
    """Open a media file, or a stream by its address, for reading.

    Raises:
        VideoError: it is not a media file, or its header is missing or damaged; or nothing is sent.
    """
    if is_url(path):
        return _open_url(str(path))
    try:
        return av.open(str(path))
    except (FFmpegError, OSError) as error:
        raise VideoError(
            f"expected a video file, found that {name_of(path)} cannot be opened ({error})",
            hint="If recording was cut off, the index at the end of an mp4 may be missing: "
            "repair it first (for example with `untrunc`), or copy the file from the card again.",
        ) from error


def _open_url(address: str) -> InputContainer:
    try:
        return av.open(address, timeout=URL_TIMEOUTS_S)
    except (FFmpegError, OSError) as error:
        # FFmpeg's message repeats the address, and with it the password.
        raise VideoError(
            f"expected a video stream at {name_of(address)}, found none ({type(error).__name__})",
            hint="Check the address, and that the source is sending.",
        ) from None


def picture_stream(container: InputContainer, path: Path | str) -> VideoStream:
    """The first moving-picture stream (cover art of an audio file is none).

    Raises:
        VideoError: there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    found = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise VideoError(
        f"expected a video stream in {name_of(path)}, found {found}",
        hint="Choose the video file itself, not its sound or telemetry.",
    )


class FrameReader:
    """Decodes one stream forward from the start or from a keyframe.

    ``broken_packets`` counts what could not be decoded.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.broken_packets = 0
        self._open()

    def _open(self) -> None:
        path = self.path
        self.container = open_container(path)
        try:
            self.stream = picture_stream(self.container, path)
        except VideoError:
            self.container.close()
            raise
        self.stream.thread_type = "AUTO"
        self._pictures = self._decode(self._packets())

    def close(self) -> None:
        """Let go of the file."""
        self._pictures.close()
        self.container.close()

    def next(self) -> VideoFrame | None:
        """The next picture in presentation order; ``None`` at the end or where nothing more decodes."""
        return next(self._pictures, None)

    def _packets(self) -> Iterator[VideoPacket]:
        # A file that breaks off ends the iteration like a complete one; the last flush packet is empty.
        with suppress(FFmpegError, EOFError):
            yield from self.container.demux(self.stream)

    def _decode(self, packets: Iterator[VideoPacket]) -> Generator[VideoFrame, None, None]:
        broken_in_a_row = 0
        for packet in packets:
            try:
                pictures = packet.decode()
            except FFmpegError:
                self.broken_packets += 1
                broken_in_a_row += 1
                if broken_in_a_row > MAX_BROKEN_IN_A_ROW:
                    return
                continue
            broken_in_a_row = 0
            yield from pictures

    def rewind(self) -> None:
        """Start over at the beginning of the file."""
        self.close()
        self._open()

    def seek(self, keyframe_pts: int) -> None:
        """Continue with the keyframe at ``keyframe_pts`` or an earlier one."""
        base = self.stream.time_base or Fraction(1, 1000)
        for margin_s in SEEK_MARGINS_S:
            target = keyframe_pts - int(margin_s / base)
            with suppress(FFmpegError):
                self.container.seek(target, stream=self.stream, backward=True)
                packets = self._packets()
                first = next((p for p in packets if p.is_keyframe and stamp_of(p) is not None), None)
                if first is not None and (stamp_of(first) or 0) <= keyframe_pts:
                    self._pictures = self._decode(_chain(first, packets))
                    return
        self.rewind()


def _chain(first: VideoPacket, rest: Iterator[VideoPacket]) -> Iterator[VideoPacket]:
    yield first
    yield from rest


def stamp_of(item: VideoPacket | VideoFrame) -> int | None:
    """Presentation timestamp, or the decoding one where a container keeps no other (AVI)."""
    return item.pts if item.pts is not None else item.dts


def read_index(path: Path, first_pts: int | None) -> FrameIndex:
    """Read the timing of all frames without decoding them.

    Raises:
        VideoError: the file cannot be opened any more.
    """
    with open_container(path) as container:
        stream = picture_stream(container, path)
        stamps = list(_stamps(container, stream))
        base_s = stream.time_base
        if first_pts is None or base_s is None or any(stamp.pts is None for stamp in stamps):
            return untimed_index(1 / (stream.average_rate or FALLBACK_RATE), len(stamps))
        return build_index(stamps, first_pts, base_s)


def _stamps(container: InputContainer, stream: VideoStream) -> Iterator[PacketStamp]:
    with suppress(FFmpegError, EOFError):
        for packet in container.demux(stream):
            # The last packet of a demuxer is an empty one; discarded ones lie before an edit list's start.
            if packet.size and not packet.is_discard:
                yield PacketStamp(stamp_of(packet), packet.is_keyframe)


class Cursor:
    """A reader that knows where it is: frames come with number and time, and it skips ahead by keyframes."""

    def __init__(self, reader: FrameReader, index: FrameIndex) -> None:
        self.reader = reader
        self.index = index
        self._at_pts: int | None = None
        self._count = 0

    def go_to(self, time_s: float) -> None:
        """Make sure that the next frames lead up to ``time_s``, skipping what need not be decoded."""
        if not self.index.timed:
            if self._count and (self._count - 1) * float(self.index.time_base_s) >= time_s:
                self.reader.rewind()
                self._count = 0
            return
        target = self.index.pts_at(time_s)
        keyframe = self.index.keyframe_before(target)
        behind = self._at_pts is not None and self._at_pts >= target
        far_ahead = keyframe is not None and keyframe > (
            self.index.first_pts if self._at_pts is None else self._at_pts
        )
        if behind and keyframe is None:
            self.reader.rewind()
        elif keyframe is not None and (behind or far_ahead):
            self.reader.seek(keyframe)

    def next(self) -> tuple[int, float, VideoFrame] | None:
        """Number, time in seconds, and picture; ``None`` at the end."""
        while (picture := self.reader.next()) is not None:
            if not self.index.timed:
                self._count += 1
                return self._count - 1, float((self._count - 1) * self.index.time_base_s), picture
            pts = stamp_of(picture)
            if pts is None or pts < self.index.first_pts:
                continue
            self._at_pts = pts
            return self.index.number(pts), self.index.time_s(pts), picture
        return None
