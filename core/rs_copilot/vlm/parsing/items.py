"""One item of a JSON answer, from its ``{`` to its ``}``, and what models do wrong in it."""

from __future__ import annotations

import json
import re
from typing import Any

from rs_copilot.vlm.answers import Shape, Spoken
from rs_copilot.vlm.parsing.emptiness import MAX_NOTHING, says_nothing
from rs_copilot.vlm.parsing.gathering import Gathered, Said
from rs_copilot.vlm.parsing.shapes import NUMBERS

# Longer items hold no object. It also keeps nesting shallow enough for the decoder.
MAX_ITEM = 1000
MAX_DEPTH = 3
HUGE = 1e9
KEYS = {Shape.HBB: "bbox_2d", Shape.OBB: "oriented bbox", Shape.QUAD: "quadrant bbox"}
LABEL = "label"
# How models that were trained otherwise call the same, in the form of `_plain`.
_OTHER_KEYS = {
    Shape.HBB: ("bbox2d", "bbox", "box", "box2d", "boundingbox"),
    Shape.OBB: ("orientedbbox", "orientedboundingbox", "obb", "rotatedbbox", "rbox"),
    Shape.QUAD: ("quadrantbbox", "quadrilateral", "quad", "polygon", "points", "poly"),
}
_OTHER_LABELS = ("label", "name", "category", "class", "textcontent", "object")
_COMMAS = re.compile(r",(?:\s{0,9},)+")
_GAP = re.compile(r"(\d)\s{1,9}(-?\d)")
_LABELS = re.compile(r'(?:"label"\s{0,9}:\s{0,9}){2,}')
_DIGIT = re.compile(r"[0-9]")
_BRACES = re.compile(r"([{}])")
_BARE = re.compile(r"[\[(]\s{0,9}(-?\d[^\[\]()a-zA-Z]{0,200})[\])]")
_EMPTY_LIST = re.compile(r"\[\s{0,9}\]")
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{0,9})?")
_LAST = re.compile(r",\s{0,9}([\]}])")


def read_item(text: str, shape: Shape, *, is_strict: bool) -> Said | None:
    """Numbers and name of an item; ``None`` where it is no object of this shape."""
    if len(text) > MAX_ITEM or text.count("[") + text.count("(") > MAX_DEPTH or not _DIGIT.search(text):
        return None
    item = _decoded(text)
    if item is None and not is_strict:
        item = _decoded(repaired(text))
    if item is None:
        return None
    box, label = _strict(item, shape) if is_strict else _tolerant(item, shape)
    numbers = _numbers(box, NUMBERS[shape])
    if numbers is None or not isinstance(label, str):
        return None
    if is_strict and not all(number.is_integer() for number in numbers):
        return None
    return numbers, label


def repaired(text: str) -> str:
    """Text with the slips mended that RSCoVLM's evaluation mends, in its order, and a last comma."""
    text = text.replace("(", "[").replace(")", "]")
    text = _COMMAS.sub(",", text)
    text = _GAP.sub(r"\1, \2", text)
    text = _LABELS.sub('"label": ', text)
    return _LAST.sub(r"\1", text)


def _decoded(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _strict(item: dict[str, Any], shape: Shape) -> tuple[Any, Any]:
    return item.get(KEYS[shape]), item.get(LABEL)


def _tolerant(item: dict[str, Any], shape: Shape) -> tuple[Any, Any]:
    plain = {"".join(filter(str.isalnum, key.lower())): value for key, value in item.items()}
    box = next((plain[key] for key in _OTHER_KEYS[shape] if key in plain), None)
    return box, next((plain[key] for key in _OTHER_LABELS if key in plain), "")


def _numbers(found: object, wanted: int) -> list[float] | None:
    """A flat list of numbers, or pairs of them, of the wanted length."""
    if not isinstance(found, list):
        return None
    if all(isinstance(pair, list) for pair in found):
        found = [number for pair in found for number in pair]
    if len(found) != wanted or not all(type(number) in (int, float) for number in found):
        return None
    # Not a number is less than nothing; a whole number can be longer than a float is wide.
    return [float(number) for number in found] if all(abs(number) < HUGE for number in found) else None


class ItemReader:
    """Reads JSON answers piece by piece.

    Items are read one by one, so that a list that breaks off or is not closed loses only what is broken.
    """

    def __init__(self, gathered: Gathered, shape: Shape, *, is_strict: bool) -> None:
        self._gathered, self._shape, self._is_strict = gathered, shape, is_strict
        self._around = self._item = ""
        self._line = self._start = 0

    def feed(self, piece: str) -> list[Spoken]:
        """Objects of the items that end in this piece."""
        found = []
        for part in _BRACES.split(piece):
            if part == "{":
                self._begin()
            elif part == "}":
                spoken = self._end()
                found += [] if spoken is None else [spoken]
            else:
                self._hold(part)
        return found

    def finish(self) -> None:
        """An item that breaks off is lost. Without any, the text may say that there is nothing, or boxes."""
        self._drop()
        if not self._gathered.is_untouched:
            return
        boxes = [] if self._is_strict else _BARE.findall(self._around)
        for box in boxes:
            numbers = [float(number) for number in _NUMBER.findall(box)]
            said = (numbers, "") if len(numbers) == NUMBERS[self._shape] else None
            self._gathered.take(said, box, 0)
        self._gathered.is_nothing_said = self._says_nothing()
        if not boxes and not self._gathered.is_nothing_said:
            self._gathered.skip(self._around)

    def _says_nothing(self) -> bool:
        """Whether every line says so, or there is an empty list among other words."""
        has_list = not self._is_strict and _EMPTY_LIST.search(self._around) is not None
        return has_list or all(map(says_nothing, self._around.split("\n")))

    def _hold(self, part: str) -> None:
        if not part:
            return
        self._line += part.count("\n")
        if self._item:
            self._item += part[: MAX_ITEM + 1 - len(self._item)]
        else:
            words = part if self._around else part.lstrip()
            self._around += words[: MAX_NOTHING + 1 - len(self._around)]

    def _begin(self) -> None:
        self._drop()
        self._item, self._start = "{", self._line

    def _drop(self) -> None:
        """An item that does not end. A brace that only wraps the list, without numbers, is none."""
        if self._item and _DIGIT.search(self._item):
            self._gathered.skip(self._item)
        self._item = ""

    def _end(self) -> Spoken | None:
        text, self._item = self._item + "}", ""
        if text == "}":
            return None
        return self._gathered.take(read_item(text, self._shape, is_strict=self._is_strict), text, self._start)
