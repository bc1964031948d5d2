"""Pictures as a network wants them, and how its pixels relate to theirs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rs_copilot.types import ByteImage, FloatArray, SizeWH

# Rec. 601: what grey pictures are made of everywhere.
GREY = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Input:
    """The input of a network. A side that is ``None`` may be any multiple of ``multiple_px``.

    float32 and float16 get values in 0 to 1, less ``mean`` and divided by ``std``; uint8 the bytes.
    """

    name: str
    width_px: int | None
    height_px: int | None
    bands: int
    dtype: np.dtype[np.generic]
    is_channels_last: bool = False
    multiple_px: int = 32
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    def canvas(self, size: SizeWH) -> SizeWH:
        """What the network sees of pictures of a size."""
        width, height = (
            fixed or side + -side % self.multiple_px
            for fixed, side in ((self.width_px, size.width_px), (self.height_px, size.height_px))
        )
        return SizeWH(width, height)


def fitted(images: ByteImage, wanted: Input) -> tuple[NDArray[np.generic], FloatArray]:
    """Pictures as an input.

    Those that are larger are made smaller, all sides alike; what is missing on the right and below is black.
    Pictures are never enlarged: their ground sampling distance was chosen for the network.

    Args:
        images: ``(B, H, W, K)`` uint8 with 1, 3 or 4 bands.
        wanted: the input.

    Returns:
        The array, and ``(2,)`` how many pixels of the picture one of the input's covers in x and y.
    """
    size = SizeWH(images.shape[2], images.shape[1])
    canvas = wanted.canvas(size)
    share = min(1.0, canvas.width_px / size.width_px, canvas.height_px / size.height_px)
    width, height = max(1, round(size.width_px * share)), max(1, round(size.height_px * share))
    if (width, height) != (size.width_px, size.height_px):
        images = np.stack([_smaller(image, width, height) for image in images])
    images = _banded(images, wanted.bands)
    padding = ((0, 0), (0, canvas.height_px - height), (0, canvas.width_px - width), (0, 0))
    if any(map(sum, padding)):
        images = np.pad(images, padding)
    scale = np.array([size.width_px / width, size.height_px / height])
    return _typed(images, wanted), scale


def _smaller(image: ByteImage, width: int, height: int) -> ByteImage:
    smaller = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, dtype=np.uint8).reshape(height, width, -1)


def _banded(images: ByteImage, bands: int) -> ByteImage:
    """With as many bands as asked for: grey repeated or weighed, bands that are too many left out."""
    given = images.shape[3]
    if bands == 1 and given >= 3:
        return np.asarray(np.rint(images[..., :3] @ GREY), dtype=np.uint8)[..., None]
    if given == 1 and bands > 1:
        images = np.repeat(images, 3, axis=3)
    if images.shape[3] < bands:
        raise ValueError(f"expected pictures with {bands} bands, found {given}")
    return images[..., :bands]


def _typed(images: ByteImage, wanted: Input) -> NDArray[np.generic]:
    """Numbers and axes as the network has them."""
    if not wanted.is_channels_last:
        images = images.transpose(0, 3, 1, 2)
    if wanted.dtype == np.uint8:
        return np.ascontiguousarray(images)
    values = np.multiply(images, np.float32(1.0 / 255.0), dtype=np.float32, order="C")
    axis = (1, 1, 1, -1) if wanted.is_channels_last else (1, -1, 1, 1)
    if wanted.mean is not None and wanted.bands == 3:
        values -= np.asarray(wanted.mean, dtype=np.float32).reshape(axis)
    if wanted.std is not None and wanted.bands == 3:
        values /= np.asarray(wanted.std, dtype=np.float32).reshape(axis)
    return values.astype(wanted.dtype, copy=False)
