"""What a detector found in one picture, and what a detector is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rs_copilot.tiles.model import TileModel
from rs_copilot.types import ByteImage, Float32Array


@dataclass(frozen=True)
class Found:
    """Objects in one picture.

    ``quads_px`` ``(N, 4, 2)`` float32: corners in pixels of the picture (GDAL convention), in order
    around the object, a horizontal box from its top-left corner clockwise. ``scores`` ``(N,)`` float32 in
    0 to 1, ``labels`` ``(N,)`` int32: numbers in the detector's ``class_names``. ``outlines_px``: for
    detectors that also draw shapes, one ``(M, 2)`` float32 ring per object, else ``None``.
    """

    quads_px: Float32Array = field(repr=False)
    scores: Float32Array = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
    outlines_px: tuple[Float32Array, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        count = len(self.scores)
        shapes = (self.quads_px.shape, self.scores.shape, self.labels.shape)
        if shapes != ((count, 4, 2), (count,), (count,)):
            raise ValueError(f"expected quads (N, 4, 2), scores (N,) and labels (N,), found {shapes}")
        if self.outlines_px is not None and len(self.outlines_px) != count:
            raise ValueError(f"expected an outline for each of {count}, found {len(self.outlines_px)}")

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def centers_px(self) -> Float32Array:
        """Middles of the quads. Shape (N, 2)."""
        return np.asarray(self.quads_px.mean(axis=1), dtype=np.float32)

    @property
    def bounds_px(self) -> Float32Array:
        """Horizontal boxes around the quads: x1, y1, x2, y2. Shape (N, 4)."""
        return np.concatenate([self.quads_px.min(axis=1), self.quads_px.max(axis=1)], axis=1)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Found:
        """Some of the objects, by number or by mask."""
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        outlines = self.outlines_px
        return Found(
            self.quads_px[numbers],
            self.scores[numbers],
            self.labels[numbers],
            None if outlines is None else tuple(outlines[int(number)] for number in numbers),
        )

    @staticmethod
    def nothing(*, with_outlines: bool = False) -> Found:
        """No objects."""
        empty = np.zeros(0, dtype=np.float32)
        quads = np.zeros((0, 4, 2), dtype=np.float32)
        return Found(quads, empty, empty.astype(np.int32), () if with_outlines else None)

    @staticmethod
    def join(parts: Sequence[Found]) -> Found:
        """All objects of several, in order."""
        if not parts:
            return Found.nothing()
        outlines = [part.outlines_px for part in parts]
        return Found(
            np.concatenate([part.quads_px for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.labels for part in parts]),
            None
            if any(item is None for item in outlines)
            else tuple(ring for item in outlines for ring in item or ()),
        )


class Detector(TileModel, Protocol):
    """Anything that finds objects in pictures. Threads may call `detect` at the same time."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the numbers of labels mean."""
        ...

    def detect(self, images: ByteImage) -> list[Found]:
        """What is in each of ``(B, H, W, 3)`` uint8 RGB pictures of one size, each object once."""
        ...
