"""Lessons as the tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rs_copilot.learned.vlm.forward import Forward
from rs_copilot.learned.vlm.pictures import Picture
from rs_copilot.training.vlm.lessons import IGNORED, Lesson


@dataclass(frozen=True)
class Batch:
    """``inputs`` of the network without its head, and ``labels`` (B, L) of the tokens at the same places."""

    inputs: dict[str, Any]
    labels: Tensor


def collate(lessons: Sequence[Lesson], forward: Forward) -> Batch:
    """Put lessons side by side, the shorter ones padded on the right.

    Pictures are cut as for answering, in the size that was decided for them, and tokens stand at the same
    places in time, rows and columns.

    Raises:
        BadInputError: the model's processor cuts pictures differently than its configuration says.
    """
    width = max(lesson.length for lesson in lessons)
    places = torch.zeros((3, len(lessons), width), dtype=torch.int64)
    for row, lesson in enumerate(lessons):
        places[:, row, : lesson.length] = forward.positions(lesson.transcript)[0]
    inputs: dict[str, Any] = {
        "input_ids": _padded([lesson.transcript.ids for lesson in lessons], width, 0),
        "mm_token_type_ids": _padded([lesson.transcript.kinds for lesson in lessons], width, 0),
        "position_ids": places,
    }
    if len(lessons) > 1:
        inputs["attention_mask"] = _padded([np.ones(lesson.length, np.int64) for lesson in lessons], width, 0)
    pictures = [picture for lesson in lessons for picture in lesson.transcript.pictures]
    inputs |= _seen([picture for picture in pictures if not picture.is_clip], forward, "image", "")
    inputs |= _seen([picture for picture in pictures if picture.is_clip], forward, "video", "_videos")
    labels = _padded([lesson.labels for lesson in lessons], width, IGNORED)
    moved = {name: value.to(forward.device) for name, value in inputs.items()}
    return Batch(moved, labels.to(forward.device))


def _padded(rows: Sequence[np.ndarray[Any, Any]], width: int, value: int) -> Tensor:
    return torch.from_numpy(
        np.stack([np.pad(row, (0, width - len(row)), constant_values=value) for row in rows])
    )


def _seen(pictures: Sequence[Picture], forward: Forward, kind: str, suffix: str) -> dict[str, Tensor]:
    if not pictures:
        return {}
    return {
        f"pixel_values{suffix}": torch.cat([forward.optics.patches(picture) for picture in pictures]),
        f"{kind}_grid_thw": torch.tensor([picture.grid for picture in pictures]),
    }
