"""What goes with a question to the scene: an area, features under letters, a moment of the clip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .conversation import plain
from .detections import Box

# Marks are called by letters; more of them than this nobody reads.
MAX_PINS = 8
LETTERS = "ABCDEFGH"
_NOW = re.compile(r"\b(right now|just now|now)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Pin:
    """A feature that goes with a question under a letter; ``geometry`` is GeoJSON in degrees."""

    name: str
    title: str
    geometry: Mapping[str, Any] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Attached:
    """What goes with a question: an area (west, south, east, north in degrees), features, a moment."""

    region: Box | None = None
    pins: tuple[Pin, ...] = ()
    now_s: float | None = None


def timed(text: str, now_s: float | None) -> str:
    """A question in which "now" is a moment of the clip; one that does not say "now" is about it, too."""
    if now_s is None:
        return text
    moment = f"at {now_s:.1f} s"
    if _NOW.search(text):
        return _NOW.sub(moment, text)
    body, mark = (text[:-1].rstrip(), text[-1]) if text[-1:] in ("?", ".", "!") else (text, "")
    return f"{body} {moment}{mark}"


def pins_of(features: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[Pin, ...]:
    """Features (title, GeoJSON in degrees) under letters; the first ones of many."""
    return tuple(
        Pin(letter, plain(title).replace("\n", " "), geometry)
        for letter, (title, geometry) in zip(LETTERS, features[:MAX_PINS])
    )
