"""What a model's text says about places: readers for each grammar, whole or while it comes, and a writer."""

from __future__ import annotations

from collections.abc import Sequence

from rs_copilot.types import SizeWH
from rs_copilot.vlm.answers import Parsed
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing.gathering import Reading
from rs_copilot.vlm.parsing.grounding import parse_box
from rs_copilot.vlm.parsing.listener import JSON, SHAPES, Listener
from rs_copilot.vlm.parsing.repeats import Repeats
from rs_copilot.vlm.parsing.repository import parse_as_repository
from rs_copilot.vlm.parsing.thought import split_thought
from rs_copilot.vlm.parsing.writing import write_objects
from rs_copilot.vlm.tasks import Grammar

__all__ = [
    "JSON",
    "SHAPES",
    "Listener",
    "Reading",
    "Repeats",
    "parse",
    "parse_box",
    "split_thought",
    "write_objects",
]


def parse(
    text: str,
    grammar: Grammar,
    size: SizeWH,
    *,
    coordinates: Coordinates = Coordinates.SEEN_PX,
    classes: Sequence[str] = (),
    min_match: float = 80.0,
    reading: Reading = Reading.TOLERANT,
) -> Parsed:
    """A whole answer; the arguments are those of `Listener`. ``REPOSITORY`` needs neither size nor
    ``min_match``. No text makes it raise."""
    if reading is Reading.REPOSITORY and grammar in SHAPES:
        return parse_as_repository(text, SHAPES[grammar], classes, is_json=grammar in JSON)
    listener = Listener(
        grammar, size, coordinates=coordinates, classes=classes, min_match=min_match, reading=reading
    )
    listener.feed(text)
    return listener.finish()
