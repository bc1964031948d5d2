"""Objects as the text that a model is trained to answer with: the inverse of reading."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import shapely

from rs_copilot.types import FloatArray
from rs_copilot.vlm.answers import Shape, Spoken
from rs_copilot.vlm.parsing.emptiness import SENTENCE
from rs_copilot.vlm.parsing.items import KEYS, LABEL
from rs_copilot.vlm.parsing.listener import JSON, SHAPES
from rs_copilot.vlm.parsing.shapes import normal_form
from rs_copilot.vlm.tasks import Grammar

# Sines and cosines leave this much, in pixels; without it 29.9999999 would be cut to 29.
ROUNDING = 1e-6


def write_objects(objects: Sequence[Spoken], grammar: Grammar) -> str:
    """An answer that names the objects: by class in alphabetical order, then from top and from left.

    Places are cut to whole numbers towards zero, as RSCoVLM's training data are. Without objects it is the
    sentence that says so.

    Raises:
        ValueError: the grammar gives no places.
    """
    if grammar not in SHAPES:
        raise ValueError(f"expected a grammar that gives places, found {grammar.value!r}")
    if not objects:
        return SENTENCE
    shape = SHAPES[grammar]
    said = [(_numbers(spoken.quad, shape), spoken.label) for spoken in sorted(objects, key=_rank)]
    if grammar not in JSON:
        return "\n".join(f"{','.join(map(str, numbers))} {label}" for numbers, label in said)
    items = (json.dumps({KEYS[shape]: numbers, LABEL: label}, ensure_ascii=False) for numbers, label in said)
    return "```json\n[\n\t" + ",\n\t".join(items) + "\n]\n```"


def turned_of(quad: FloatArray) -> tuple[float, float, float, float, float]:
    """The smallest rectangle around corners ``(4, 2)``: centre x, y, width, height, angle in degrees.

    Width is the longer side; the angle lies in [-90, 90), from the x axis towards y.
    """
    corners = shapely.get_coordinates(shapely.oriented_envelope(shapely.MultiPoint(quad)))[:4]
    sides = corners[1:3] - corners[:2]
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    long = int(lengths[1] > lengths[0])
    x, y = corners.mean(axis=0)
    angle = math.degrees(math.atan2(sides[long, 1], sides[long, 0]))
    return float(x), float(y), float(lengths[long]), float(lengths[1 - long]), (angle + 90.0) % 180.0 - 90.0


def _rank(spoken: Spoken) -> tuple[str, float, float]:
    """Order of RSCoVLM's code: names without dashes in lower case, then top and left of the box around it."""
    left, top = spoken.quad.min(axis=0)
    return spoken.label.lower().replace("-", " "), float(top), float(left)


def _numbers(quad: FloatArray, shape: Shape) -> list[int]:
    if shape is Shape.HBB:
        return [_whole(number) for number in (*quad.min(axis=0), *quad.max(axis=0))]
    if shape is Shape.QUAD:
        corners = normal_form([(float(x), float(y)) for x, y in quad])
        return [_whole(number) for corner in corners for number in corner]
    *box, angle = turned_of(quad)
    return [*(_whole(number) for number in box), (round(angle) + 90) % 180 - 90]


def _whole(number: float) -> int:
    return math.trunc(number + math.copysign(ROUNDING, number))
