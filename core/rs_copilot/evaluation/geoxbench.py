"""GeoX-Bench (arXiv 2511.13259): seven closed questions about aerial images and a photo from the ground.

Pure. The benchmark's repository gives records and how it reads answers, not how it scores them; measures of
bias are in `geoxbench_bias`. Its random placements are nine crops of two thirds of the map, in which the
camera stands at a quarter, a half or three quarters of the width and of the height.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rs_copilot.errors import BadInputError
from rs_copilot.types import ByteImage

DIRECTIONS = ("N", "E", "S", "W")
# Where the camera stands in the crop, and what is cut off: left, top, right, bottom, in sixths of the side.
PLACEMENTS: Mapping[str, tuple[int, int, int, int]] = {
    "center": (1, 1, 1, 1),
    "left": (2, 1, 0, 1),
    "right": (0, 1, 2, 1),
    "top": (1, 2, 1, 0),
    "bottom": (1, 0, 1, 2),
    "top left": (2, 2, 0, 0),
    "top right": (0, 2, 2, 0),
    "bottom left": (2, 0, 0, 2),
    "bottom right": (0, 0, 2, 2),
}
CANDIDATES = 4
# The models of the benchmark see at most so many pixels of a picture.
MAX_PX = 1_003_520


class GeoTask(str, Enum):
    """The seven tasks."""

    POSE = "pose"
    POSE_RANDOM = "pose-random"
    MEMBERSHIP = "membership"
    MEMBERSHIP_RANDOM = "membership-random"
    INTRA_MAP = "intra-map"
    CROSS_MAP = "cross-map"
    CROSS_MAP_RANDOM = "cross-map-random"

    @property
    def field(self) -> str:
        """The field of the answer that decides."""
        return _FIELDS[self.value.removesuffix("-random")]

    @property
    def options(self) -> tuple[str, ...]:
        """All answers there are."""
        return _OPTIONS[self.field]

    @property
    def is_placed(self) -> bool:
        """Whether every record is asked about nine times, with nine crops."""
        return self is GeoTask.INTRA_MAP or self.value.endswith("-random")

    @property
    def module(self) -> str:
        """What the benchmark's repository calls it."""
        return _MODULES[self]


_FIELDS = {
    "pose": "direction",
    "membership": "is_in_range",
    "intra-map": "location",
    "cross-map": "matched_aerial_index",
}
_OPTIONS = {
    "direction": DIRECTIONS,
    "is_in_range": ("true", "false"),
    "location": tuple(PLACEMENTS),
    "matched_aerial_index": tuple(map(str, range(CANDIDATES))),
}
_MODULES = {
    GeoTask.POSE: "orin_task",
    GeoTask.POSE_RANDOM: "orin_task_random",
    GeoTask.MEMBERSHIP: "location_task",
    GeoTask.MEMBERSHIP_RANDOM: "location_random_task",
    GeoTask.INTRA_MAP: "location_8_gauss",
    GeoTask.CROSS_MAP: "map_gauss",
    GeoTask.CROSS_MAP_RANDOM: "map_gauss_random",
}
# As the repository reads answers: the first hit, whatever it says.
_REPOSITORY = {
    "direction": re.compile(r'"direction"\s*:\s*"([NSEW]{1,2})"', re.IGNORECASE),
    "is_in_range": re.compile(r'"is_in_range"\s*:\s*(true|false)', re.IGNORECASE),
    "location": re.compile(r'"location"\s*:\s*"([^"]*)"', re.IGNORECASE),
    "matched_aerial_index": re.compile(r'"matched_aerial_index"\s*:\s*(\d+)', re.IGNORECASE),
}
# The field in quotes first: without them the word may stand in the explanation as well.
_STRICT = {
    name: tuple(
        re.compile(rf"{quote}{name}{quote}\s*[:=]\s*[\"']?([A-Za-z0-9_ -]+)", re.IGNORECASE)
        for quote in ("[\"']", r"\b")
    )
    for name in _REPOSITORY
}
_WORDS_OF_DIRECTIONS = {"north": "N", "east": "E", "south": "S", "west": "W"}


def find_task(name: str) -> GeoTask:
    """A task by its name or by the repository's.

    Raises:
        BadInputError: there is none.
    """
    for task in GeoTask:
        if name in {task.value, task.module}:
            return task
    raise BadInputError(f"GeoX-Bench has no task {name!r}", hint=f"There are {', '.join(GeoTask)}.")


def parse_answer(text: str, task: GeoTask) -> str | None:
    """The option that was chosen; ``None`` where no field or no option was named.

    Quotes may be missing, letters may be large or small, underscores may stand for blanks.
    """
    tried = (pattern.search(text) for pattern in _STRICT[task.field])
    found = next((hit for hit in tried if hit is not None), None)
    return None if found is None else _option(found.group(1), task)


def _option(said: str, task: GeoTask) -> str | None:
    word = " ".join(said.replace("_", " ").replace("-", " ").lower().split())
    if task.field == "direction":
        word = _WORDS_OF_DIRECTIONS.get(word, word.upper())
    if task.field == "matched_aerial_index" and word.isdecimal():
        word = str(int(word))
    return word if word in task.options else None


def parse_as_repository(text: str, task: GeoTask) -> str | None:
    """The answer as the benchmark's code keeps it: not checked, and places as they were written."""
    found = _REPOSITORY[task.field].search(text)
    if found is None:
        return None
    value = found.group(1)
    return {"direction": value.upper(), "is_in_range": value.lower()}.get(task.field, value)


@dataclass(frozen=True)
class GeoCase:
    """One question: a record of an index, and for placed tasks one of the nine placements.

    ``truth`` is an option of the task; ``maps`` and ``photo`` are paths below the folder of images.
    """

    key: str
    task: GeoTask
    subset: str
    record: Mapping[str, Any]
    placement: str | None
    truth: str
    maps: tuple[str, ...]
    photo: str

    @property
    def truth_in_repository(self) -> str:
        """The truth as the benchmark's code has it: placements with underscores."""
        return self.truth.replace(" ", "_") if self.task is GeoTask.INTRA_MAP else self.truth


def cases_of(record: Mapping[str, Any], number: int, task: GeoTask, subset: str) -> list[GeoCase]:
    """The questions about a record: one, or nine.

    A record that says its ``RelativeLocation`` (of a file of results) is one question.

    Raises:
        BadInputError: the record lacks a field, or holds something else there.
    """
    try:
        ground = record["GroundImage"]
        own = ground.get("RelativeLocation")
        maps, matched = _maps(record, task)
        photo = str(ground["file_path"])
        name = f"{task.value}/{subset}/{number}/{record.get('image_id', '')}"
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"record {number} of {subset} is none of task {task.value}: {error} is missing",
            hint="Records are those of the benchmark's Dataset_Index.",
        ) from error
    places = [None] if not task.is_placed else [_place(own)] if own else list(PLACEMENTS)
    return [
        GeoCase(
            f"{name}/{place}" if place else name,
            task,
            subset,
            record,
            place,
            _truth(ground, task, place, matched, number),
            maps,
            photo,
        )
        for place in places
    ]


def _place(said: str) -> str:
    place = str(said).replace("_", " ").lower()
    if place not in PLACEMENTS:
        raise BadInputError(f"expected one of the nine placements, found {said!r}")
    return place


def _maps(record: Mapping[str, Any], task: GeoTask) -> tuple[tuple[str, ...], int]:
    """Paths of the maps, and for retrieval which one is right."""
    if task.field != "matched_aerial_index":
        return (str(record["AerialImage"]["file_path"]),), 0
    found = record["AerialCandidates"]
    right = [number for number, item in enumerate(found) if item["is_original"]]
    if len(found) != CANDIDATES or len(right) != 1:
        raise BadInputError(
            f"expected {CANDIDATES} candidates with one true one, found {len(found)} with {len(right)}"
        )
    return tuple(str(item["AerialImage"]["file_path"]) for item in found), right[0]


def _truth(ground: Mapping[str, Any], task: GeoTask, place: str | None, matched: int, number: int) -> str:
    if task.field == "location":
        return str(place)
    if task.field == "matched_aerial_index":
        return str(matched)
    said = ground.get("orientation" if task.field == "direction" else "in_range")
    value = str(said).lower() if task.field == "is_in_range" else str(said)
    if value not in task.options:
        raise BadInputError(
            f"record {number}: the truth of {task.field} is {said!r}, expected {', '.join(task.options)}"
        )
    return value


def cropped(aerial: ByteImage, placement: str | None) -> ByteImage:
    """The two thirds of a map ``(H, W, 3)`` in which the camera, at its middle, stands at a placement."""
    if placement is None:
        return aerial
    height, width = aerial.shape[:2]
    left, top, right, bottom = PLACEMENTS[placement]
    rows = slice(round(height * top / 6), height - round(height * bottom / 6))
    columns = slice(round(width * left / 6), width - round(width * right / 6))
    return aerial[rows, columns]
