"""The twelve tasks of LinkS2Bench (arXiv 2604.02020), and the kinds of answers."""

from __future__ import annotations

from enum import Enum


class Dimension(str, Enum):
    """What a task is about."""

    PERCEPTION = "perception"
    LOCALIZATION = "localization"
    RELATION = "relation"
    REASONING = "reasoning"


class SpatialTask(str, Enum):
    """What is asked of a clip and the map."""

    VISIBILITY = "target visibility"
    ASSOCIATION = "scene association"
    COUNTING = "zone counting"
    WHEN = "temporal grounding"
    EVENT_PLACE = "event geo-localization"
    TRAJECTORY = "trajectory matching"
    DISTANCE = "relative distance"
    DIRECTION = "relative direction"
    OCCLUSION = "occlusion attribution"
    REACHABILITY = "region reachability"
    ORDERING = "spatiotemporal ordering"
    INTERACTION = "region interaction"

    @property
    def dimension(self) -> Dimension:
        """Which of the four groups the task belongs to."""
        return list(Dimension)[list(SpatialTask).index(self) // 3]


class AnswerKind(str, Enum):
    """The form of an answer; it decides how the answer is scored."""

    CHOICE = "choice"
    NUMBER = "number"
    TIMESTAMP = "timestamp"
    POINT = "point"
    POLYLINE = "polyline"
    TEXT = "text"
