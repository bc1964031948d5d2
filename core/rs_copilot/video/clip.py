"""The door to pictures: one function opens videos, single images and folders of stills."""

from __future__ import annotations

from pathlib import Path

from rs_copilot.errors import VideoError
from rs_copilot.video.base import Clip, ClipInfo
from rs_copilot.video.movie import MovieClip
from rs_copilot.video.stills import IMAGE_SUFFIXES, StillsClip

__all__ = ["Clip", "ClipInfo", "open_clip"]


def open_clip(path: str | Path) -> Clip:
    """Open a video, an image, or a folder of images in name order.

    Raises:
        VideoError: there is nothing at ``path``, it has no video stream or no image, or not a single
            frame can be decoded.
    """
    path = Path(path)
    if not path.exists():
        raise VideoError(
            f"expected a video, an image or a folder of images, found nothing at {path}",
            hint="Check the path; a network drive may have to be connected first.",
        )
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return StillsClip(path)
    return MovieClip(path)
