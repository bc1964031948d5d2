"""Places in the words of a conversation, moved along when its pictures are seen in another size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.answers import Shape
from rs_copilot.vlm.parsing import JSON, SHAPES, parse, write_objects
from rs_copilot.vlm.parsing.items import KEYS
from rs_copilot.vlm.parsing.shapes import NUMBERS
from rs_copilot.vlm.tasks import Grammar

_PLAIN = re.compile(r"\s*(-?\d[\d.]*(?:,-?\d[\d.]*){3,8})[ \t]+\S")
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_BRACKETS = re.compile(rf"\[(\s*{_NUMBER}\s*(?:,\s*{_NUMBER}\s*){{3,7}})\]")
ROUNDING = 1e-6


@dataclass(frozen=True)
class Moved:
    """Words with their places in the new size; ``lost`` lines or items made no sense."""

    text: str
    lost: int = 0


def grammar_of(text: str) -> Grammar | None:
    """The grammar that an answer is written in; ``None`` for words."""
    if '"' in text:
        shapes = [shape for shape, key in KEYS.items() if f'"{key}"' in text]
        found = [grammar for grammar in JSON if SHAPES[grammar] in shapes]
        return found[0] if len(found) == 1 else None
    line = _PLAIN.match(text)
    if line is None:
        return None
    count = line[1].count(",") + 1
    return next((g for g, shape in SHAPES.items() if g not in JSON and NUMBERS[shape] == count), None)


def moved_answer(text: str, given: SizeWH, wanted: SizeWH) -> Moved:
    """An answer whose places are in ``given``, in ``wanted``.

    Lists of objects are read and written anew, in the order that models are trained with. One of which
    nothing can be read stays as it is, since it does not mean that there is nothing. All else, a call of the
    zoom tool for example, keeps its words and changes its bracketed boxes.
    """
    grammar = grammar_of(text)
    if grammar is None:
        return Moved(moved_boxes(text, given, wanted))
    parsed = parse(text, grammar, given)
    if not parsed.objects:
        return Moved(text, len(parsed.skipped))
    scale = _scale(given, wanted)
    objects = [replace(spoken, quad=np.asarray(spoken.quad * scale)) for spoken in parsed.objects]
    return Moved(write_objects(objects, grammar), len(parsed.skipped))


def moved_boxes(text: str, given: SizeWH, wanted: SizeWH) -> str:
    """Words in which every ``[...]`` of four or eight numbers, a box or corners, is in the new size."""
    scale = _scale(given, wanted)

    def move(found: re.Match[str]) -> str:
        numbers = [float(number) for number in found[1].split(",")]
        if len(numbers) not in (NUMBERS[Shape.HBB], NUMBERS[Shape.QUAD]):
            return found[0]
        gap = ", " if ", " in found[1] else ","
        return "[" + gap.join(map(str, _whole(numbers, scale))) + "]"

    return _BRACKETS.sub(move, text)


def _whole(numbers: Sequence[float], scale: FloatArray) -> list[int]:
    """Towards zero, as everything that models are trained with."""
    return [int(number) for number in (np.reshape(numbers, (-1, 2)) * scale + ROUNDING).ravel()]


def _scale(given: SizeWH, wanted: SizeWH) -> FloatArray:
    scale: FloatArray = np.array([wanted.width_px / given.width_px, wanted.height_px / given.height_px])
    return scale
