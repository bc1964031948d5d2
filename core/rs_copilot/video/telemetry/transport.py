"""The door to metadata streams inside video files: KLV packets with the times of their frames."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError

from rs_copilot.errors import TelemetryError
from rs_copilot.video.decode import open_container
from rs_copilot.video.telemetry.klv import UL_PREFIX, KlvPacket, find_packets

STREAM_SUFFIXES = frozenset({".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".m2t", ".mp4", ".mov", ".mkv"})
# Metadata come several times a second; where none is among so many packets, there is none.
MAX_PROBE_PACKETS = 2000


@dataclass
class _Stream:
    """Bytes of one data stream, and the time of each run of them."""

    data: bytearray = field(default_factory=bytearray)
    offsets: list[int] = field(default_factory=list)
    times_s: list[float | None] = field(default_factory=list)

    progress_s: list[float] = field(default_factory=list)

    def add(self, chunk: bytes, time_s: float | None, progress_s: float) -> None:
        """Append bytes that came when the video had got ``progress_s`` far."""
        self.offsets.append(len(self.data))
        self.times_s.append(time_s)
        self.progress_s.append(progress_s)
        self.data += chunk

    def place_unstamped(self, first_s: float | None) -> None:
        """Give bytes without a time stamp the time of the video frame that they came with."""
        if first_s is not None:
            self.times_s = [
                first_s + progress_s if time_s is None else time_s
                for time_s, progress_s in zip(self.times_s, self.progress_s, strict=True)
            ]

    def packets(self) -> Iterator[tuple[float | None, KlvPacket]]:
        for packet in find_packets(bytes(self.data)):
            yield self.times_s[bisect_right(self.offsets, packet.offset) - 1], packet


def has_klv(path: Path) -> bool:
    """Whether a media file carries KLV packets; a file that cannot be opened carries none."""
    container = open_container(path)
    with container:
        streams = list(container.streams.data)
        if not streams:
            return False
        with suppress(FFmpegError, EOFError):
            for number, packet in enumerate(container.demux(streams)):
                if packet.size and UL_PREFIX in bytes(packet):
                    return True
                if number > MAX_PROBE_PACKETS:
                    break
    return False


def read_stream_packets(path: Path) -> list[tuple[float | None, KlvPacket]]:
    """All KLV packets with their time in seconds from the first video frame.

    A packet without a time stamp of its own (asynchronous metadata, MISB ST 1402) belongs to the video
    frame that it follows in the stream.

    Raises:
        VideoError: it is not a media file.
        TelemetryError: it carries no KLV.
    """
    with open_container(path) as container:
        streams, first_s = _collect(container)
    packets = [found for stream in streams for found in stream.packets()]
    if not packets:
        raise TelemetryError(
            f"expected a KLV stream in {path.name}, found none",
            hint="Give the telemetry as a file with --telemetry, or go on without.",
        )
    return [(None if time_s is None else time_s - first_s, packet) for time_s, packet in packets]


def _collect(container: InputContainer) -> tuple[list[_Stream], float]:
    """All data streams with times of the container's clock, and the time of the first video frame."""
    collected: dict[int, _Stream] = {}
    shown_s: list[float] = []
    first_sent_s, progress_s = None, 0.0
    with suppress(FFmpegError, EOFError):
        for packet in container.demux(*container.streams.video[:1], *container.streams.data):
            if packet.stream.type == "video":
                sent_s = _seconds(packet.dts, packet.time_base)
                if sent_s is not None:
                    first_sent_s = sent_s if first_sent_s is None else first_sent_s
                    progress_s = sent_s - first_sent_s
                if (pts_s := _seconds(packet.pts, packet.time_base)) is not None:
                    shown_s.append(pts_s)
            elif packet.size:
                stamp_s = _seconds(packet.pts, packet.time_base)
                stream = collected.setdefault(packet.stream.index, _Stream())
                stream.add(bytes(packet), stamp_s, progress_s)
    first_s = min(shown_s, default=0.0)
    for stream in collected.values():
        stream.place_unstamped(first_s if shown_s else None)
    return list(collected.values()), first_s


def _seconds(stamp: int | None, base: Fraction | None) -> float | None:
    return None if stamp is None or base is None else float(stamp * base)
