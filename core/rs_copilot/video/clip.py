"""The door to pictures: one function opens videos, single images and folders of stills."""

from __future__ import annotations

from pathlib import Path

from rs_copilot.errors import VideoError
from rs_copilot.video.base import Clip, ClipInfo
from rs_copilot.video.decode import is_url
from rs_copilot.video.movie import MovieClip
from rs_copilot.video.stills import IMAGE_SUFFIXES, StillsClip
from rs_copilot.video.stream import StreamClip

__all__ = ["Clip", "ClipInfo", "open_clip", "open_stream"]


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
    if path.is_fifo():
        raise VideoError(
            f"expected a file that can be read twice, found the pipe {path}",
            hint="Streams are localised with --causal.",
        )
    return MovieClip(path)


def open_stream(source: str | Path) -> Clip:
    """Open what is read once, as it comes: a pipe, an address such as ``udp://``, or what `open_clip` opens.

    Of a video only `Clip.frames` can be asked for, and only once.

    Raises:
        VideoError: there is nothing, or not a single frame can be decoded.
    """
    path = Path(source)
    if is_url(source) or path.is_fifo() or (path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES):
        return StreamClip(source)
    return open_clip(path)
