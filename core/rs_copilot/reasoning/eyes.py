"""A model that can see, as programs know it: it is shown a picture and says a text, or where something is.

What it says comes from outside. It is data: an answer's text or a shape, never a name that something else is
found by, and its words are cut to one line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from shapely.geometry.base import BaseGeometry

from rs_copilot.types import FloatArray

# Nobody reads more in an answer.
MAX_SAID = 300
BoxPx = tuple[float, float, float, float]


@dataclass(frozen=True)
class Aim:
    """What is to be looked at: the frame at ``time_s``, or without it the map.

    Of a frame ``box_px`` is the part that is meant, left, top, right, bottom in its pixels; of the map
    ``area_lonlat`` is. Without them all of it is meant.
    """

    time_s: float | None = None
    box_px: BoxPx | None = None
    area_lonlat: BaseGeometry | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Shown:
    """What a model was shown: a part of a frame, or of the map, whose border is ``shape_lonlat``."""

    box_px: BoxPx
    frame: int | None = None
    time_s: float | None = None
    shape_lonlat: BaseGeometry | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Said:
    """An answer in words, by which model, about which picture."""

    text: str
    model: str
    shown: Shown
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spot:
    """A place that a model pointed at: corners ``quad_px`` (4, 2) in pixels of what it was shown from.

    ``shape_lonlat`` is the place on Earth where that is a map. ``said`` is the model's own word for it.
    """

    quad_px: FloatArray = field(repr=False)
    said: str = ""
    shape_lonlat: BaseGeometry | None = field(default=None, repr=False)

    @property
    def box_px(self) -> BoxPx:
        """Left, top, right, bottom."""
        (x1, y1), (x2, y2) = self.quad_px.min(axis=0), self.quad_px.max(axis=0)
        return float(x1), float(y1), float(x2), float(y2)


@dataclass(frozen=True)
class Spotted:
    """The places of what a phrase describes.

    Without any, ``is_empty`` says that the model sees none; else its answer could not be read.
    """

    spots: tuple[Spot, ...]
    is_empty: bool
    model: str
    shown: Shown
    notes: tuple[str, ...] = ()


class Eyes(Protocol):
    """Looks at frames of the clip and at the map."""

    def look(self, aim: Aim, question: str) -> Said:
        """The answer to a question about a picture.

        Raises:
            CannotTell: there is no such picture.
        """
        ...

    def ground(self, aim: Aim, phrase: str) -> Spotted:
        """Where things are that a phrase describes.

        Raises:
            CannotTell: there is no such picture.
        """
        ...


def one_line(text: str) -> str:
    """A model's words on one line that can be shown: no control characters, and not too many."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= MAX_SAID else f"{line[: MAX_SAID - 1]}…"
