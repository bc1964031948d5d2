"""Objects of one answer: what is taken, what is refused, and the count of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeAlias

import numpy as np

from rs_copilot.types import SizeWH
from rs_copilot.vlm.answers import Parsed, Shape, Spoken
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing.labels import Names
from rs_copilot.vlm.parsing.shapes import (
    Corners,
    area_of,
    clipped,
    corners_of,
    crosses_itself,
    is_far,
    normal_form,
)

Said: TypeAlias = tuple[list[float], str]
# Characters of an answer that are read: eight for each of the 16,384 tokens of RSCoVLM's longest answers.
MAX_ANSWER = 1 << 17
# What is kept of a line that was not understood.
MAX_KEPT = 200
# Turned boxes reach over the border by rounding; that is no cut.
ROUNDING = 1e-6
FULL_PER_MILLE = 1000.0


class Reading(str, Enum):
    """How forgiving a reader is."""

    TOLERANT = "tolerant"
    """What can be understood counts: other spellings of the form, repaired JSON, fractions of the picture."""
    STRICT = "strict"
    """Only what keeps to the grammar letter by letter."""
    REPOSITORY = "repository"
    """As the evaluation code of RSCoVLM reads (its revision c507282): for figures to compare with its own."""


class Gathered:
    """The objects of an answer in the order in which they are said."""

    def __init__(
        self, shape: Shape, size: SizeWH, coordinates: Coordinates, names: Names, reading: Reading
    ) -> None:
        is_per_mille = coordinates is Coordinates.PER_MILLE
        self._width = FULL_PER_MILLE if is_per_mille else float(size.width_px)
        self._height = FULL_PER_MILLE if is_per_mille else float(size.height_px)
        self._shape, self._names, self._reading = shape, names, reading
        self._objects: list[Spoken] = []
        self._skipped: list[str] = []
        self._said: set[tuple[str, Corners]] = set()
        self._unknown = self._clipped = 0
        self.is_nothing_said = False

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was taken nor refused so far."""
        return not self._objects and not self._skipped

    def take(self, said: Said | None, raw: str, line: int) -> Spoken | None:
        """An object that was read from ``raw`` on a line of the answer, if it makes sense."""
        if said is None:
            self.skip(raw)
            return None
        numbers, label = said
        name, given = self._names.match(label), self._corners(numbers)
        self._unknown += name is None
        spoken = None if name is None or given is None else self._place(name, given, line)
        if spoken is None:
            self.skip(raw)
        return spoken

    def skip(self, raw: str) -> None:
        """Count something that was not understood."""
        self._skipped.append(raw[:MAX_KEPT].strip())

    def parsed(self) -> Parsed:
        """All of it."""
        return Parsed(
            tuple(self._objects),
            is_empty=self.is_untouched and self.is_nothing_said,
            skipped=tuple(self._skipped),
            unknown=self._unknown,
            clipped=self._clipped,
        )

    def _place(self, name: str, given: Corners, line: int) -> Spoken | None:
        inside = clipped(given, self._width, self._height)
        corners = normal_form(inside)
        # The same object twice is a model that turns in circles.
        if area_of(corners) <= ROUNDING or (name, corners) in self._said:
            return None
        self._said.add((name, corners))
        self._clipped += _is_moved(given, inside)
        spoken = Spoken(name, np.array(corners, dtype=np.float64), self._shape, line)
        self._objects.append(spoken)
        return spoken

    def _corners(self, numbers: Sequence[float]) -> Corners | None:
        if self._reading is Reading.STRICT and not _is_orderly(numbers, self._shape):
            return None
        corners = corners_of(self._absolute(numbers), self._shape)
        if corners is None or is_far(corners, self._width, self._height):
            return None
        return None if self._shape is Shape.QUAD and crosses_itself(corners) else corners

    def _absolute(self, numbers: Sequence[float]) -> Sequence[float]:
        """Numbers that all lie in 0 to 1 are fractions of the picture, an angle apart."""
        places = numbers[:4] if self._shape is Shape.OBB else numbers
        if self._reading is Reading.STRICT or not all(0.0 <= number <= 1.0 for number in places):
            return numbers
        sides = (self._width, self._height)
        scaled = [number * sides[index % 2] for index, number in enumerate(places)]
        return [*scaled, *numbers[len(places) :]]


def _is_orderly(numbers: Sequence[float], shape: Shape) -> bool:
    """Whether a box goes from left to right and down, and a turned one is wider than high."""
    if shape is Shape.HBB:
        return numbers[0] < numbers[2] and numbers[1] < numbers[3]
    return shape is Shape.QUAD or (numbers[2] >= numbers[3] and -90 <= numbers[4] < 90)


def _is_moved(given: Corners, inside: Corners) -> bool:
    return any(
        abs(old - new) > ROUNDING
        for before, after in zip(given, inside, strict=True)
        for old, new in zip(before, after, strict=True)
    )
