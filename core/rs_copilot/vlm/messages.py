"""A conversation with a vision-language model: who said what, and which pictures were shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TypeAlias

import numpy as np

from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.resize import PixelBudget


class Role(str, Enum):
    """Who says it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class TextPart:
    """Words."""

    text: str


@dataclass(frozen=True, eq=False)
class ImagePart:
    """A picture: ``(H, W, 3)`` uint8 RGB.

    ``budget`` is how many pixels of it the model shall see; without it what suits model and device.
    """

    pixels: ByteImage = field(repr=False)
    budget: PixelBudget | None = None

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"expected a uint8 picture (H, W, 3), found {self.pixels.dtype} {shape}")

    @property
    def size(self) -> SizeWH:
        """Size of the picture as it was given."""
        return SizeWH(int(self.pixels.shape[1]), int(self.pixels.shape[0]))

    @cached_property
    def digest(self) -> str:
        """What tells pictures apart: SHA-256 of pixels, shape and budget."""
        return _digest(self.pixels, self.budget, ())


@dataclass(frozen=True, eq=False)
class VideoPart:
    """Frames of a clip: ``(T, H, W, 3)`` uint8 RGB, with the time of each in seconds of the clip."""

    frames: ByteImage = field(repr=False)
    times_s: tuple[float, ...]
    budget: PixelBudget | None = None

    def __post_init__(self) -> None:
        shape = self.frames.shape
        if self.frames.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape:
            raise ValueError(f"expected uint8 frames (T, H, W, 3), found {self.frames.dtype} {shape}")
        if len(self.times_s) != shape[0]:
            raise ValueError(f"expected a time for each of {shape[0]} frames, found {len(self.times_s)}")

    @property
    def size(self) -> SizeWH:
        """Size of a frame as it was given."""
        return SizeWH(int(self.frames.shape[2]), int(self.frames.shape[1]))

    @cached_property
    def digest(self) -> str:
        """What tells clips apart: SHA-256 of pixels, shape, times and budget."""
        return _digest(self.frames, self.budget, self.times_s)


def _digest(pixels: ByteImage, budget: PixelBudget | None, times_s: tuple[float, ...]) -> str:
    digest = hashlib.sha256(repr((pixels.shape, budget, times_s)).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


Part: TypeAlias = TextPart | ImagePart | VideoPart


@dataclass(frozen=True)
class Message:
    """What one side says in one turn. Pictures come before the words about them."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The words of the message, in order."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def pictures(self) -> tuple[ImagePart | VideoPart, ...]:
        """The pictures and clips of the message, in order."""
        return tuple(part for part in self.parts if not isinstance(part, TextPart))


def system(text: str) -> Message:
    """What the model is told about its role."""
    return Message(Role.SYSTEM, (TextPart(text),))


def user(*parts: Part | str) -> Message:
    """What a person, or the program for them, says and shows."""
    return Message(Role.USER, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


def assistant(text: str) -> Message:
    """What the model said."""
    return Message(Role.ASSISTANT, (TextPart(text),))
