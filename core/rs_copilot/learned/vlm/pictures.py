"""What a model sees of pictures and clips: sizes decided in one place, pixels cut into its squares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import ImagePart, VideoPart
from rs_copilot.vlm.resize import PixelBudget, seen_size

# Squares of a frame, and of all frames together, where nobody asks for more: a clip of a minute shall not
# cost more than a large picture. 768 is what Qwen's own tools allow a frame (qwen-vl-utils).
FRAME_TOKENS, CLIP_TOKENS = 768, 4096
# Two frames share their tokens (``temporal_patch_size`` of all these models).
FRAMES_PER_STEP = 2


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture or clip as a model sees it.

    ``key`` tells apart what the model would see differently; ``grid`` counts steps in time, rows and columns
    of patches; ``times_s`` are the middles of a clip's steps, empty for a picture.
    """

    key: str
    seen: SizeWH
    grid: tuple[int, int, int]
    times_s: tuple[float, ...]
    part: ImagePart | VideoPart = field(repr=False)

    @property
    def is_clip(self) -> bool:
        """Whether it has more than one moment."""
        return isinstance(self.part, VideoPart)


@dataclass(frozen=True)
class Optics:
    """How a model looks at pictures: ``family.limits`` hold for all, ``usual`` where no budget is asked for.

    The processor never resizes: its own limits are not looked at after loading, so that they cannot disagree.
    """

    family: Family
    usual: PixelBudget
    patch_px: int
    processor: Any = field(repr=False)

    @property
    def merge(self) -> int:
        """Patches along the side of a token's square."""
        return self.family.unit_px // self.patch_px

    def tokens(self, picture: Picture) -> int:
        """Visual tokens of a picture or clip."""
        steps, rows, columns = picture.grid
        return steps * rows * columns // self.merge**2

    def look(self, part: ImagePart | VideoPart, share: float = 1.0) -> Picture:
        """How large the model sees it, with that share of the pixels that it would see.

        Raises:
            BadInputError: it is too long and narrow.
        """
        times_s = step_times_s(part.times_s) if isinstance(part, VideoPart) else ()
        budget = self._budget(part, len(times_s))
        seen = seen_size(part.size, self.family.unit_px, budget)
        if share < 1.0:
            most = max(1, round(seen.width_px * seen.height_px * share))
            smaller = PixelBudget(min(budget.min_px, most), most).within(self.family.limits)
            seen = seen_size(part.size, self.family.unit_px, smaller)
        grid = (max(1, len(times_s)), seen.height_px // self.patch_px, seen.width_px // self.patch_px)
        told = f"{part.digest} {grid} {type(part).__name__}"
        return Picture(hashlib.sha256(told.encode()).hexdigest(), seen, grid, times_s, part)

    def _budget(self, part: ImagePart | VideoPart, steps: int) -> PixelBudget:
        budget = part.budget or self.usual
        if steps and part.budget is None:
            most = max(1, min(FRAME_TOKENS, CLIP_TOKENS // steps)) * self.family.unit_px**2
            budget = PixelBudget(min(budget.min_px, most), min(budget.max_px, most))
        return budget.within(self.family.limits)

    def patches(self, picture: Picture) -> Any:  # noqa: ANN401 - a tensor, and torch is not loaded here
        """The squares of a picture as the network takes them, ``(patches, values)`` float32.

        Raises:
            BadInputError: the model's processor cuts pictures differently than its configuration says.
        """
        import torch

        frames = picture.part.pixels[None] if isinstance(picture.part, ImagePart) else picture.part.frames
        cut = [self._cut(frame, picture) for frame in frames]
        cut += [cut[-1]] * (FRAMES_PER_STEP * picture.grid[0] - len(cut))
        # The processor repeats a picture to make two frames of it: the halves of its rows are equal.
        rows = len(cut[0])
        halves = [frame.view(rows, 3, FRAMES_PER_STEP, -1) for frame in cut]
        steps = [
            torch.stack([first[:, :, 0], second[:, :, 1]], dim=2).reshape(rows, -1)
            for first, second in zip(halves[::2], halves[1::2], strict=True)
        ]
        return torch.cat(steps)

    def _cut(self, frame: ByteImage, picture: Picture) -> Any:  # noqa: ANN401 - a tensor
        size = (picture.seen.width_px, picture.seen.height_px)
        made = self.processor(images=[resized(frame, size)], do_resize=False, return_tensors="pt")
        found, expected = made["image_grid_thw"][0].tolist(), [1, *picture.grid[1:]]
        if found != expected:
            raise BadInputError(
                f"the processor cuts {size[0]} x {size[1]} px into {found} patches, expected {expected}",
                hint="Its preprocessor_config.json does not belong to this model: copy the folder again.",
            )
        return made["pixel_values"]


def resized(image: ByteImage, size: tuple[int, int]) -> ByteImage:
    """A picture in another size ``(width, height)``, by Pillow's bicubic filter, which the processors use."""
    from PIL import Image

    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def step_times_s(times_s: tuple[float, ...]) -> tuple[float, ...]:
    """The middle of each step of two frames; an odd last frame stands alone."""
    pairs = (times_s[first : first + FRAMES_PER_STEP] for first in range(0, len(times_s), FRAMES_PER_STEP))
    return tuple((pair[0] + pair[-1]) / 2.0 for pair in pairs)
