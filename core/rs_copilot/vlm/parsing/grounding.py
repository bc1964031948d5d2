"""The one box of an answer to a grounding, as benchmarks score it (Acc@0.5)."""

from __future__ import annotations

import re
from typing import TypeAlias

import numpy as np

from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing.gathering import Reading
from rs_copilot.vlm.parsing.listener import JSON, Listener
from rs_copilot.vlm.parsing.thought import split_thought
from rs_copilot.vlm.tasks import Grammar

Bounds: TypeAlias = tuple[float, float, float, float]
_NUMBER = r"(-?\d{1,9}(?:\.\d{0,9})?)"
_GAP = r"\s{0,9}"
_BOX = re.compile(
    rf"\[{_GAP}{_NUMBER}{_GAP},{_GAP}{_NUMBER}{_GAP},{_GAP}{_NUMBER}{_GAP},{_GAP}{_NUMBER}{_GAP}\]"
)
_LINE = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})\s+\S")
# Fractions count as thousandths in the code of RSCoVLM.
FRACTION = 1000.0


def parse_box(
    text: str,
    grammar: Grammar,
    size: SizeWH,
    *,
    coordinates: Coordinates = Coordinates.SEEN_PX,
    reading: Reading = Reading.STRICT,
) -> Bounds | None:
    """Left, top, right, bottom in the model's coordinates; ``None`` counts as wrong. Never raises.

    ``STRICT`` and ``REPOSITORY`` take a JSON answer's first list of four numbers anywhere, and of a plain
    answer only the first line, which must begin with four whole numbers without spaces, then a name.
    Where all four are at most 1 the first refuses them, the second multiplies them by 1000.
    ``TOLERANT`` takes the first object of the product's reading.
    """
    if reading is Reading.TOLERANT:
        return _first_object(text, grammar, size, coordinates)
    answer = split_thought(text)[1].strip()
    found = _BOX.search(answer) if grammar in JSON else _LINE.match(answer)
    if found is None:
        return None
    x1, y1, x2, y2 = (float(number) for number in found.groups())
    if grammar not in JSON or max(x1, y1, x2, y2) > 1.0:
        return x1, y1, x2, y2
    if reading is Reading.STRICT:
        return None
    return x1 * FRACTION, y1 * FRACTION, x2 * FRACTION, y2 * FRACTION


def _first_object(text: str, grammar: Grammar, size: SizeWH, coordinates: Coordinates) -> Bounds | None:
    listener = Listener(grammar, size, coordinates=coordinates)
    listener.feed(text)
    objects = listener.finish().objects
    if not objects:
        return None
    x1, y1, x2, y2 = np.concatenate([objects[0].quad.min(axis=0), objects[0].quad.max(axis=0)])
    return float(x1), float(y1), float(x2), float(y2)
