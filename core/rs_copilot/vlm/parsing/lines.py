"""One line of a plain answer: numbers, then a name."""

from __future__ import annotations

import re

from rs_copilot.vlm.answers import Shape, Spoken
from rs_copilot.vlm.parsing.emptiness import says_nothing
from rs_copilot.vlm.parsing.gathering import Gathered, Said
from rs_copilot.vlm.parsing.shapes import NUMBERS

# Longer lines hold no object; they are not looked at.
MAX_LINE = 1000
_STRICT = re.compile(r"(-?\d{1,9}(?:,-?\d{1,9}){3,})[ \t]+(\S.*)")
_NUMBER = r"-?\d{1,9}(?:\.\d{0,9})?"
# A bullet or a bracket before, spaces after commas, a colon before the name: what other models make of it.
_BULLET = r"(?:(?:[-*•]|\d{1,3}[.)])\s{1,3})?[(\[<]{0,2}\s{0,3}"
_TOLERANT = re.compile(
    rf"{_BULLET}({_NUMBER}(?:\s{{0,3}},\s{{0,3}}{_NUMBER}){{3,}})(?![\d.]|\s{{0,9}},\s{{0,9}}-?\d)"
    r"[)\]>:,\s]{0,4}(.*)"
)


def read_line(line: str, shape: Shape, *, is_strict: bool) -> Said | None:
    """Numbers and name of a line; ``None`` where it is no object of this shape.

    Of more than eight numbers of a quad the first eight count, as in RSCoVLM's own evaluation, unless strict.
    """
    if len(line) > MAX_LINE:
        return None
    found = (_STRICT if is_strict else _TOLERANT).fullmatch(line.strip())
    if found is None:
        return None
    numbers = [float(number) for number in found[1].split(",")]
    wanted = NUMBERS[shape]
    if len(numbers) < wanted or (len(numbers) > wanted and (is_strict or shape is not Shape.QUAD)):
        return None
    return numbers[:wanted], found[2]


class LineReader:
    """Reads plain answers piece by piece."""

    def __init__(self, gathered: Gathered, shape: Shape, *, is_strict: bool) -> None:
        self._gathered, self._shape, self._is_strict = gathered, shape, is_strict
        self._held = ""
        self._line = 0
        gathered.is_nothing_said = True

    def feed(self, piece: str) -> list[Spoken]:
        """Objects of the lines that end in this piece."""
        *ended, begun = piece.split("\n")
        found = [spoken for part in ended if (spoken := self._end(part)) is not None]
        self._hold(begun)
        return found

    def finish(self) -> None:
        """The last line needs no end."""
        self._end("")

    def _hold(self, part: str) -> None:
        # One character more than a line may have tells that it is too long.
        self._held += part[: MAX_LINE + 1 - len(self._held)]

    def _end(self, part: str) -> Spoken | None:
        self._hold(part)
        text, self._held = self._held, ""
        number, self._line = self._line, self._line + 1
        if not text or text.isspace():
            return None
        said = read_line(text, self._shape, is_strict=self._is_strict)
        if said is None and says_nothing(text):
            return None
        return self._gathered.take(said, text, number)
