"""Answers as the evaluation code of RSCoVLM reads them (revision c507282), to compare with its figures.

It differs from the product's reading: an unknown name becomes the nearest class however far it is, boxes
without sense stay, and nothing is cut at the border.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
from rapidfuzz import process

from rs_copilot.vlm.answers import Parsed, Shape, Spoken
from rs_copilot.vlm.parsing.emptiness import says_nothing
from rs_copilot.vlm.parsing.gathering import MAX_ANSWER, MAX_KEPT, Said
from rs_copilot.vlm.parsing.items import HUGE, KEYS, LABEL, repaired
from rs_copilot.vlm.parsing.labels import MAX_LABEL
from rs_copilot.vlm.parsing.shapes import NUMBERS, corners_of, normal_form
from rs_copilot.vlm.parsing.thought import split_thought

_INT = re.compile(r"-?\d{1,9}")
_FENCE = re.compile(r"```(?:json)?")


def parse_as_repository(text: str, shape: Shape, classes: Sequence[str], *, is_json: bool) -> Parsed:
    """All objects of an answer, places as they stand there."""
    answer = split_thought(text[:MAX_ANSWER])[1]
    if says_nothing(answer):
        return Parsed((), is_empty=True)
    objects, skipped = [], []
    nearest: dict[str, str] = {}
    for line, raw, said in _items(answer, shape) if is_json else _lines(answer, shape):
        corners = None if said is None else corners_of(said[0], shape)
        if said is None or corners is None:
            skipped.append(raw[:MAX_KEPT])
            continue
        name = _named(said[1], classes, nearest)
        objects.append(Spoken(name, np.array(normal_form(corners)), shape, line))
    return Parsed(tuple(objects), skipped=tuple(skipped))


def _named(label: str, classes: Sequence[str], nearest: dict[str, str]) -> str:
    said = label[:MAX_LABEL].strip().lower()
    if classes and said not in nearest:
        nearest[said] = process.extractOne(said, classes)[0]
    return nearest.get(said, said)


def _lines(answer: str, shape: Shape) -> Iterator[tuple[int, str, Said | None]]:
    for number, line in enumerate(answer.split("\n")):
        if line.strip():
            yield number, line, _line(line.strip(), NUMBERS[shape])


def _line(line: str, wanted: int) -> Said | None:
    """Numbers before the first space, of which the first count, and a name behind it."""
    head, _, label = line.partition(" ")
    numbers = head.split(",", wanted)[:wanted]
    if len(numbers) < wanted or not all(map(_INT.fullmatch, numbers)):
        return None
    return [float(number) for number in numbers], label


def _items(answer: str, shape: Shape) -> Iterator[tuple[int, str, Said | None]]:
    for number, item in enumerate(_list_of(_FENCE.sub("", answer).strip())):
        yield number, str(item)[:MAX_KEPT], _item(item, shape)


def _list_of(text: str) -> list[object]:
    found = _decoded(text)
    if found is None:
        mended = repaired(text)
        found = _decoded(mended)
    if found is None:
        alone = (_decoded(line.strip().rstrip(",")) for line in mended.split("\n") if "{" in line)
        found = [item for item in alone if item is not None]
    return found if isinstance(found, list) else [found]


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _item(item: object, shape: Shape) -> Said | None:
    if not isinstance(item, dict) or not isinstance(item.get(LABEL), str):
        return None
    box = item.get(KEYS[shape])
    if not isinstance(box, list) or len(box) != NUMBERS[shape]:
        return None
    if not all(type(number) is int and abs(number) < HUGE for number in box):
        return None
    return [float(number) for number in box], item[LABEL]
