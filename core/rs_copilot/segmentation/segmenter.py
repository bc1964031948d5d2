"""What a segmenter is."""

from __future__ import annotations

from typing import Protocol

from rs_copilot.types import ByteImage, SizeWH


class Segmenter(Protocol):
    """Anything that gives every pixel of a picture a class. Pictures of one batch have one size.

    ``class_names``: by number; 0 is nothing or background. ``tile`` is the size that it likes best and
    ``overlap_px`` how much of it neighbouring tiles should share; ``gsd_m`` the ground sampling distance
    that it was made for, ``None`` for any; ``batch`` how many pictures it takes at once;
    ``small_segment_px`` the width below which it finds segments not worth keeping. ``model`` and ``sha256``
    go into every row. Threads may call `segment` at the same time.
    """

    class_names: tuple[str, ...]
    tile: SizeWH
    overlap_px: int
    gsd_m: float | None
    batch: int
    small_segment_px: int
    device: str
    model: str
    sha256: str | None

    def segment(self, images: ByteImage) -> ByteImage:
        """Classes ``(B, H, W)`` uint8 of the pixels of ``(B, H, W, 3)`` uint8 RGB pictures."""
        ...
