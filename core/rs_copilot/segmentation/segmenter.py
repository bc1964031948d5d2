"""What a segmenter is."""

from __future__ import annotations

from typing import Protocol

from rs_copilot.tiles.model import TileModel
from rs_copilot.types import ByteImage


class Segmenter(TileModel, Protocol):
    """Anything that gives every pixel of a picture a class. Threads may call `segment` at the same time."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """By number; 0 is nothing or background."""
        ...

    @property
    def small_segment_px(self) -> int:
        """The width below which it finds segments not worth keeping."""
        ...

    def segment(self, images: ByteImage) -> ByteImage:
        """Classes ``(B, H, W)`` uint8 of the pixels of ``(B, H, W, 3)`` uint8 RGB pictures of one size."""
        ...
