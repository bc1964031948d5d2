"""Stands in until the prompts and parsers land; then this file goes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.answers import Parsed, Shape, Spoken
from rs_copilot.vlm.families import Coordinates, Family
from rs_copilot.vlm.tasks import Grammar, Prompt, Task

LINE = re.compile(r"(-?\d+(?:,-?\d+)+)\s+(.+)")


def write_prompt(
    task: Task,
    family: Family,
    *,
    text: str = "",
    classes: Sequence[str] = (),
    choices: Sequence[str] = (),
    quad: FloatArray | None = None,
    times_s: Sequence[float] = (),
) -> Prompt:
    """Stands in."""
    grammar = {Task.GROUND: Grammar.PLAIN_HBB, Task.DETECT: Grammar.PLAIN_QUAD}.get(task, Grammar.TEXT)
    words = [text, ", ".join(classes), "\n".join(choices)]
    words += ["" if quad is None else str(quad.tolist()), " ".join(f"{time:.2f} s" for time in times_s)]
    return Prompt(task, None, "\n".join(word for word in words if word), grammar, f"{family.name}-0")


class Listener:
    """Stands in."""

    def __init__(
        self,
        grammar: Grammar,
        size: SizeWH,
        *,
        coordinates: Coordinates = Coordinates.SEEN_PX,
        classes: Sequence[str] = (),
    ) -> None:
        del size, coordinates, classes
        self._grammar, self._rest, self._line = grammar, "", 0
        self._objects: list[Spoken] = []

    def feed(self, piece: str) -> list[Spoken]:
        """Stands in."""
        *lines, self._rest = (self._rest + piece).split("\n")
        new = [spoken for line in lines for spoken in self._read(line)]
        self._objects += new
        return new

    def finish(self) -> Parsed:
        """Stands in."""
        self._objects += self._read(self._rest)
        return Parsed(tuple(self._objects), is_empty=not self._objects and self._grammar is not Grammar.TEXT)

    def _read(self, line: str) -> list[Spoken]:
        self._line += 1
        found = LINE.fullmatch(line.strip())
        if found is None or self._grammar is Grammar.TEXT:
            return []
        numbers = [float(number) for number in found[1].split(",")]
        if len(numbers) == 4:
            x1, y1, x2, y2 = numbers
            numbers = [x1, y1, x2, y1, x2, y2, x1, y2]
        if len(numbers) != 8:
            return []
        return [Spoken(found[2], np.array(numbers).reshape(4, 2), Shape.QUAD, self._line - 1)]
