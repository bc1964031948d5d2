"""What a model can be asked for, and in which form it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Task(str, Enum):
    """What is wanted of a model."""

    CLASSIFY = "classify"
    """Which of the listed scenes a picture shows."""
    CAPTION = "caption"
    """A picture in words."""
    ASK = "ask"
    """A question, answered in a word or a few."""
    CHOOSE = "choose"
    """A question with lettered choices."""
    GROUND = "ground"
    """Where something is that is described in words."""
    DESCRIBE = "describe"
    """What is in a box that is given."""
    DETECT = "detect"
    """Every object of some classes, as oriented boxes."""
    COMPARE = "compare"
    """Two or more pictures, for example a frame and the map."""
    CLIP = "clip"
    """A question about frames of a clip, whose times are given in words."""
    CHAT = "chat"
    """Anything, answered freely."""


class Grammar(str, Enum):
    """The form of an answer."""

    TEXT = "text"
    LETTER = "letter"
    PLAIN_HBB = "plain-hbb"
    PLAIN_OBB = "plain-obb"
    PLAIN_QUAD = "plain-quad"
    JSON_HBB = "json-hbb"
    JSON_OBB = "json-obb"
    JSON_QUAD = "json-quad"


@dataclass(frozen=True)
class Prompt:
    """What is said to a model, and how its answer has to be read.

    ``version`` names the set of prompts and its number, so that answers can be told apart by it.
    """

    task: Task
    system: str | None
    text: str
    grammar: Grammar
    version: str
