"""The twelve tasks of LinkS2Bench (arXiv 2604.02020), tasks about the camera, and the kinds of answers."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias


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


class PoseTask(str, Enum):
    """What is asked about the camera behind a frame or a photo: where it was, which way it faced.

    The first four are those of GeoX-Bench (arXiv 2511.13259): heading, membership, place within a map and
    retrieval among places.
    """

    HEADING = "pose_heading"
    INSIDE = "pose_inside"
    PART = "pose_part"
    PLACE = "pose_place"
    CLOCK = "pose_clock"
    STANDING = "pose_standing"
    OVER = "pose_over"
    HEIGHT = "pose_height"
    RANGE = "pose_range"
    ORDER = "pose_order"
    NEAREST = "pose_nearest"
    SAME = "pose_same"

    @property
    def dimension(self) -> Dimension:
        """All of them are about where a picture was taken."""
        return Dimension.LOCALIZATION


Task: TypeAlias = SpatialTask | PoseTask


class AnswerKind(str, Enum):
    """The form of an answer; it decides how the answer is scored."""

    CHOICE = "choice"
    NUMBER = "number"
    TIMESTAMP = "timestamp"
    POINT = "point"
    POLYLINE = "polyline"
    TEXT = "text"
