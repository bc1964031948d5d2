"""Turn stored pictures upright (pure)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from rs_copilot.types import ByteImage, SizeWH


@dataclass(frozen=True)
class Turn:
    """A way to put a picture upright: transpose first, then flip columns, then flip rows."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Turn:
        """From the 3x3 display matrix of ISO 14496-12 section 8.3.2 (nine 32-bit fixed-point numbers).

        Points are row vectors: ``x' = a x + c y``, ``y' = b x + d y``. An angle that is no multiple
        of 90 degrees is rounded to the nearest. Short or all-zero data mean no turn.
        """
        if len(matrix) < 36:
            return cls()
        a, b, _, c, d = struct.unpack("<5i", matrix[:20])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(flip_x=a < 0, flip_y=d < 0)
        return cls(transpose=True, flip_x=c < 0, flip_y=b < 0)

    def apply(self, image: ByteImage) -> ByteImage:
        """The upright picture, C-contiguous."""
        if self.transpose:
            image = np.swapaxes(image, 0, 1)
        if self.flip_x:
            image = image[:, ::-1]
        if self.flip_y:
            image = image[::-1]
        return np.ascontiguousarray(image)

    def size(self, stored: SizeWH) -> SizeWH:
        """Width and height after the turn."""
        return SizeWH(stored.height_px, stored.width_px) if self.transpose else stored
