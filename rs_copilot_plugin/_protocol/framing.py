"""Frames on a byte stream, without any input or output of their own.

A frame is ``RSC1``, the length of the header, the length of the payload (both unsigned 32-bit, big
endian), the header (a JSON object in UTF-8) and the payload (any bytes, mostly none)::

    0      4              8               12
    | RSC1 | header bytes | payload bytes | header ... | payload ... |

The four letters make foreign output (a login banner of ``ssh``, a chatty library) fail at once with its
own text in the message, instead of being read as an absurd length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"RSC1"
MAX_HEADER_BYTES = 16 * 1024 * 1024
MAX_PAYLOAD_BYTES = 256 * 1024 * 1024
_PREFIX = struct.Struct("!4sII")
_SHOWN_BYTES = 80


class ProtocolError(Exception):
    """The other side sent something that is not this protocol. The stream cannot go on."""


@dataclass(frozen=True)
class RawFrame:
    """One frame: the JSON header, still as bytes, and the payload."""

    header: bytes
    payload: bytes = b""


def encode_frame(frame: RawFrame) -> bytes:
    """The bytes of one frame.

    Raises:
        ProtocolError: header or payload are larger than any reader accepts.
    """
    _check_sizes(len(frame.header), len(frame.payload))
    return _PREFIX.pack(MAGIC, len(frame.header), len(frame.payload)) + frame.header + frame.payload


class FrameDecoder:
    """Turns chunks of any size into frames.

    After a ``ProtocolError`` the decoder stays broken: what follows garbage cannot be trusted.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._sizes: tuple[int, int] | None = None
        self._broken: str | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes of an unfinished frame. Not 0 at the end of a stream means that it was cut."""
        return len(self._buffer) + (_PREFIX.size if self._sizes else 0)

    def feed(self, chunk: bytes | bytearray | memoryview) -> list[RawFrame]:
        """Take some bytes, give the frames that they complete.

        Raises:
            ProtocolError: the bytes are not frames, or a frame is too large.
        """
        if self._broken is not None:
            raise ProtocolError(self._broken)
        self._buffer += chunk
        frames = []
        try:
            while (frame := self._next()) is not None:
                frames.append(frame)
        except ProtocolError as error:
            self._broken = str(error)
            self._buffer.clear()
            raise
        return frames

    def _next(self) -> RawFrame | None:
        if self._sizes is None:
            self._sizes = self._take_prefix()
        if self._sizes is None:
            return None
        header_size, payload_size = self._sizes
        if len(self._buffer) < header_size + payload_size:
            return None
        self._sizes = None
        # Copy once through a view: slicing a bytearray and then making bytes would copy a video frame twice.
        with memoryview(self._buffer) as view:
            header = bytes(view[:header_size])
            payload = bytes(view[header_size : header_size + payload_size])
        del self._buffer[: header_size + payload_size]
        return RawFrame(header, payload)

    def _take_prefix(self) -> tuple[int, int] | None:
        start = bytes(self._buffer[: len(MAGIC)])
        if not MAGIC.startswith(start):
            raise ProtocolError(_foreign(bytes(self._buffer[:_SHOWN_BYTES])))
        if len(self._buffer) < _PREFIX.size:
            return None
        _, header_size, payload_size = _PREFIX.unpack_from(self._buffer)
        _check_sizes(header_size, payload_size)
        del self._buffer[: _PREFIX.size]
        return header_size, payload_size


def _check_sizes(header_size: int, payload_size: int) -> None:
    if header_size > MAX_HEADER_BYTES or payload_size > MAX_PAYLOAD_BYTES:
        raise ProtocolError(
            f"A message of {header_size} + {payload_size} bytes is larger than the limit of "
            f"{MAX_HEADER_BYTES} + {MAX_PAYLOAD_BYTES} bytes."
        )


def _foreign(start: bytes) -> str:
    return f"Expected a message that starts with {MAGIC!r}, found {start!r}."
