"""From a stored conversation to what a model is shown: pictures, a size for each, and words that fit it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.training.vlm.conversations import Example, Stored, StoredClip, Turn
from rs_copilot.training.vlm.places import moved_answer, moved_boxes
from rs_copilot.training.vlm.wording import reworded
from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.families import Coordinates, Family
from rs_copilot.vlm.messages import ImagePart, Message, Part, Role, TextPart, VideoPart
from rs_copilot.vlm.prompts import PromptSet, prompts_of
from rs_copilot.vlm.resize import PixelBudget, seen_size

PER_MILLE = SizeWH(1000, 1000)


@dataclass(frozen=True)
class Variation:
    """How a conversation is varied each time it is learnt from.

    ``resize`` is the probability of a size by chance, ``paraphrase`` of other words (RSCoVLM: 0 and 0.5).
    ``grid`` is the size in which the data give places; without it they are pixels of the file.
    """

    resize: float = 0.0
    paraphrase: float = 0.5
    grid: SizeWH | None = None


@dataclass(frozen=True)
class Prepared:
    """Messages as a model takes them.

    ``lost`` objects of answers made no sense and were left out. Whoever learns from such an answer learns to
    leave objects out.
    """

    messages: tuple[Message, ...]
    lost: int = 0


def prepare(
    example: Example,
    pictures: Sequence[ByteImage],
    family: Family,
    variation: Variation,
    rng: np.random.Generator,
    prompts: PromptSet | None = None,
) -> Prepared:
    """A conversation in one of its variations.

    Args:
        example: the conversation.
        pictures: its pictures in the order of `Example.pictures`, each ``(H, W, 3)`` uint8.
        family: for which model; it decides sizes and coordinates.
        variation: how it is varied.
        rng: where chance comes from; the same gives the same.
        prompts: other words than those of the program.

    Raises:
        ValueError: the number of pictures is another.
        BadInputError: a picture is too narrow, or frames of a clip differ in size.
    """
    if len(pictures) != len(example.pictures):
        raise ValueError(f"expected {len(example.pictures)} pictures, found {len(pictures)}")
    turns = _varied(example.turns, prompts or prompts_of(family), variation, rng)
    waiting = iter(pictures)
    messages, lost = [], 0
    given = wanted = SizeWH(1, 1)
    for turn in turns:
        parts = [
            part if isinstance(part, TextPart) else _shown(part, waiting, family, variation, rng)
            for part in turn.parts
        ]
        # Words speak of the last picture, be it of this turn or of one before.
        for picture in (part for part in parts if not isinstance(part, TextPart)):
            given, wanted = variation.grid or picture.size, _target(picture, family)
        message, gone = _moved(Message(turn.role, tuple(parts)), given, wanted)
        messages.append(message)
        lost += gone
    return Prepared(tuple(messages), lost)


def _varied(
    turns: Sequence[Turn], prompts: PromptSet, variation: Variation, rng: np.random.Generator
) -> list[Turn]:
    """Other words for the first request, and for what is said before it, or the turns as they are."""
    first = next(number for number, turn in enumerate(turns) if turn.role is Role.USER)
    if rng.random() >= variation.paraphrase:
        return list(turns)
    before = _text_of(turns[0]) if first else None
    system, text = reworded(before, _text_of(turns[first]), prompts, rng)
    pictures = tuple(part for part in turns[first].parts if not isinstance(part, TextPart))
    said = replace(turns[first], parts=(*pictures, TextPart(text)))
    leading = [] if system is None else [Turn(Role.SYSTEM, (TextPart(system),))]
    return [*leading, said, *turns[first + 1 :]]


def _text_of(turn: Turn) -> str:
    return "".join(part.text for part in turn.parts if isinstance(part, TextPart))


def _shown(
    part: Stored | StoredClip,
    waiting: Iterator[ByteImage],
    family: Family,
    variation: Variation,
    rng: np.random.Generator,
) -> ImagePart | VideoPart:
    if isinstance(part, Stored):
        image = ImagePart(next(waiting))
        return replace(image, budget=_budget(part, image.size, family, variation, rng))
    frames = [next(waiting) for _ in part.frames]
    if len({frame.shape for frame in frames}) > 1:
        raise BadInputError(f"frames of one clip differ in size: {sorted({frame.shape for frame in frames})}")
    times_s = tuple(number / part.fps for number in range(len(frames)))
    clip = VideoPart(np.stack(frames), times_s)
    return replace(clip, budget=_budget(part.frames[0], clip.size, family, variation, rng))


def _budget(
    stored: Stored, size: SizeWH, family: Family, variation: Variation, rng: np.random.Generator
) -> PixelBudget:
    """The budget of the data, of the family, or one by chance: as likely between any area and its double."""
    limits = family.limits
    if rng.random() >= variation.resize:
        return (stored.budget or limits).within(limits)
    area = max(limits.min_px, int(np.exp(rng.uniform(np.log(limits.min_px), np.log(limits.max_px)))))
    exact = PixelBudget(area, area)
    seen = seen_size(size, family.unit_px, exact)
    # Growing may end beyond the limit by a row of squares.
    return exact if seen.width_px * seen.height_px <= limits.max_px else PixelBudget(limits.min_px, area)


def _target(shown: ImagePart | VideoPart, family: Family) -> SizeWH:
    """The size in which a model of the family gives places in a picture."""
    if family.coordinates is Coordinates.PER_MILLE:
        return PER_MILLE
    return seen_size(shown.size, family.unit_px, shown.budget or family.limits)


def _moved(message: Message, given: SizeWH, wanted: SizeWH) -> tuple[Message, int]:
    """The message with its places moved, and how many were lost."""
    if given == wanted:
        return message, 0
    parts: list[Part] = []
    lost = 0
    for part in message.parts:
        if not isinstance(part, TextPart):
            parts.append(part)
        elif message.role is not Role.ASSISTANT:
            parts.append(TextPart(moved_boxes(part.text, given, wanted)))
        else:
            moved = moved_answer(part.text, given, wanted)
            parts.append(TextPart(moved.text))
            lost += moved.lost
    return Message(message.role, tuple(parts)), lost
