"""Programs for questions about the camera behind a frame: where it was, which way it faced, what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from rs_copilot.reasoning.choosing import SECTORS, compass
from rs_copilot.reasoning.memory import plain
from rs_copilot.reasoning.operations.pose import GRIDS
from rs_copilot.reasoning.planning.draft import Draft, Parsed, Unclear, candidates, event_word
from rs_copilot.reasoning.planning.phrases import phrase
from rs_copilot.reasoning.planning.words import moments
from rs_copilot.reasoning.tasks import AnswerKind, PoseTask
from rs_copilot.reasoning.things import Kind

# What the area of the map is called; the word alone is no name elsewhere.
MAP = "map"
RULES = Path(__file__).with_name("pose.json")
WAY = re.compile(r"\b(?:north|south)(?:[ -]?(?:east|west))?\b|\b(?:east|west)\b")
GRID = re.compile(r"\b(\d{1,2}) ?(?:x|×|by) ?(\d{1,2})\b")


@lru_cache(maxsize=1)
def read_rules() -> tuple[Mapping[str, re.Pattern[str]], tuple[Mapping[str, Any], ...]]:
    """Cues by name, and what each task has to have and must not have."""
    found = json.loads(RULES.read_text(encoding="utf-8"))
    return {name: re.compile(pattern) for name, pattern in found["cues"].items()}, tuple(found["tasks"])


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Words that cues look for: they are no slips of other words."""
    patterns = (re.sub(r"\\[bw]", " ", cue.pattern) for cue in read_rules()[0].values())
    return frozenset(word for pattern in patterns for word in re.findall(r"[a-z]{4,}(?!\w*\*)", pattern))


def says(parsed: Parsed, cue: str) -> bool:
    """Whether a question has one of a group of words."""
    return read_rules()[0][cue].search(parsed.text) is not None


def moments_of(parsed: Parsed) -> tuple[float, ...]:
    """Every moment that a question names, in its order; the only frame's where there is but one."""
    times = parsed.times
    first = [value for value in (times.at_s, times.start_s, times.end_s) if value is not None]
    said = tuple(dict.fromkeys((*first, *moments(parsed.text))))
    views = parsed.memory.views
    return said or ((float(views.times_s[0]),) if len(views) == 1 else ())


def task_of(parsed: Parsed) -> PoseTask | None:
    """Which question about the camera it is; ``None`` where it is about something else."""
    if _is_about_traffic(parsed):
        return None
    numbers = parsed.mentioned()
    marks = [thing for thing in parsed.memory.by_kind[Kind.MARK] if plain(thing.name) != MAP]
    are_points = all(thing.shape.geom_type == "Point" for thing in marks)
    for rule in read_rules()[1]:
        least, most = rule.get("names", (0, 99))
        if (
            all(says(parsed, cue) for cue in rule["has"].split())
            and not any(says(parsed, cue) for cue in rule.get("lacks", "").split())
            and least <= len(numbers) <= most
            and _are_enough(parsed, rule.get("moments", [0, 1]))
            and (len(marks) >= rule["marks"] if rule.get("marks") else rule.get("marks") is None or not marks)
            and (are_points or not rule.get("points"))
        ):
            return PoseTask(rule["task"])
    return None


def _is_about_traffic(parsed: Parsed) -> bool:
    """Whether a question speaks of what vehicles did, and not of the camera."""
    moves = parsed.subject is not None and parsed.subject.kind == "track"
    return (
        moves
        and event_word(parsed.text, "events") is not None
        and not re.search(phrase("drone"), parsed.text)
    )


def _are_enough(parsed: Parsed, wanted: tuple[int, int]) -> bool:
    """Whether a question names so many moments; a span is none of them unless it is all of its ends."""
    count = len(moments_of(parsed))
    is_half_open = parsed.times.has_span and (parsed.times.start_s is None or parsed.times.end_s is None)
    return wanted[0] <= count <= wanted[1] and not is_half_open


def _at(draft: Draft, number: int = 0) -> dict[str, float | str]:
    """One of the moments that are named.

    Raises:
        Unclear: there is none.
    """
    found = moments_of(draft.parsed)
    draft.at()
    if len(found) <= number:
        raise Unclear("it is not clear at which moment the camera is meant")
    return {"value": found[number], "unit": "s"}


def _where(draft: Draft) -> str:
    """The place that a question means: what the picture shows, or else where the camera was."""
    op = "centre_at" if says(draft.parsed, "sees") else "camera_at"
    return draft.add(op, at=_at(draft))


def _only(draft: Draft) -> str:
    """The one thing that is named.

    Raises:
        Unclear: none is.
    """
    numbers = draft.parsed.mentioned()
    if numbers:
        return draft.thing(numbers[0])
    if says(draft.parsed, "map"):
        if any(plain(thing.name) == MAP and thing.shape.area > 0 for thing in draft.parsed.memory.things):
            return draft.add("named", name=MAP)
        raise Unclear("how far the map reaches is not known: mark its area and call it 'map'")
    raise Unclear("it is not clear which place is meant: name it, or mark it on the map")


def heading(draft: Draft) -> AnswerKind:
    """Which way the camera faces."""
    at = _at(draft)
    way = _way(draft.parsed)
    if way is not None:
        found = draft.add("faces", at=at, way=way)
        if says(draft.parsed, "denied"):
            draft.add("opposite", of=found)
        return AnswerKind.CHOICE
    is_word = says(draft.parsed, "named_way") and not says(draft.parsed, "degrees")
    if is_word and not draft.parsed.choices:
        draft.add("facing", at=at)
        return AnswerKind.TEXT
    # Choices may be four directions or eight: the azimuth tells which of them is nearest.
    draft.add("heading_at", at=at)
    return AnswerKind.CHOICE if draft.parsed.choices else AnswerKind.NUMBER


def _way(parsed: Parsed) -> str | None:
    """The one direction that a question asks about with yes or no; ``None`` where it asks which one."""
    if not says(parsed, "is_it"):
        return None
    ways = {word for found in WAY.finditer(parsed.text) if (word := compass(found[0])) in SECTORS}
    return ways.pop() if len(ways) == 1 else None


def clock(draft: Draft) -> AnswerKind:
    """In which direction of the clock something lies from the camera."""
    draft.add("clock", at=_at(draft), to=_only(draft))
    return AnswerKind.CHOICE if draft.parsed.choices else AnswerKind.NUMBER


def standing(draft: Draft) -> AnswerKind:
    """In which direction from something the camera was."""
    start = _only(draft)
    draft.add("direction", start=start, end=draft.add("camera_at", at=_at(draft)))
    return AnswerKind.CHOICE if draft.parsed.choices else AnswerKind.TEXT


def inside(draft: Draft) -> AnswerKind:
    """Whether the camera was in an area, or outside it."""
    zone = _only(draft)
    if says(draft.parsed, "either_side"):
        draft.add("side_of_border", of=draft.add("camera_at", at=_at(draft)), zone=zone)
        return AnswerKind.TEXT
    found = draft.add("stands_in", of=draft.add("camera_at", at=_at(draft)), zone=zone)
    is_outside = says(draft.parsed, "outside") and not re.search(r"\binside\b", draft.parsed.text)
    if is_outside != says(draft.parsed, "denied"):
        draft.add("opposite", of=found)
    return AnswerKind.CHOICE


def part(draft: Draft) -> AnswerKind:
    """In which part, quarter or cell of an area the camera was, or what it showed lies."""
    parsed = draft.parsed
    areas = [n for n, thing in enumerate(parsed.things) if thing.kind is Kind.MARK and thing.shape.area > 0]
    if not parsed.mentioned() and len(areas) > 1:
        draft.add("area_with", of=draft.all_of(areas), place=_where(draft))
        return AnswerKind.CHOICE
    size = GRID.search(parsed.text)
    grid = "x".join(size.groups()) if size else "2x2" if says(parsed, "quarter") else None
    if grid is None and says(parsed, "cell"):
        raise Unclear("it is not clear how many columns and rows the grid has: say for example 4 x 3")
    if grid is not None and grid not in GRIDS:
        raise Unclear("a grid may have 2 to 10 columns and rows")
    where, zone = _where(draft), _only(draft)
    if grid is None:
        draft.add("part_of", of=where, zone=zone)
    else:
        draft.add("cell_of", of=where, zone=zone, grid=grid)
    return AnswerKind.CHOICE if parsed.choices else AnswerKind.TEXT


def place(draft: Draft) -> AnswerKind:
    """Which of several marked points a frame shows."""
    draft.add("pictured", of=draft.all_of(candidates(draft.parsed)), at=_at(draft))
    return AnswerKind.CHOICE


def over(draft: Draft) -> AnswerKind:
    """Over which of several marks the camera was: the nearest point, or the area that it was in."""
    numbers = candidates(draft.parsed)
    of = draft.all_of(numbers)
    camera = draft.add("camera_at", at=_at(draft))
    if any(draft.parsed.things[number].shape.area > 0 for number in numbers):
        draft.add("area_with", of=of, place=camera)
    else:
        draft.add("nearest", of=of, to=camera)
    return AnswerKind.CHOICE


def height(draft: Draft) -> AnswerKind:
    """How high above the ground the camera was."""
    draft.add("camera_height", at=_at(draft))
    return AnswerKind.NUMBER


def distance(draft: Draft) -> AnswerKind:
    """How far something, or what the picture shows, was from the camera."""
    to = draft.thing(draft.parsed.mentioned()[0]) if draft.parsed.mentioned() else None
    draft.add("camera_range", at=_at(draft), to=to)
    return AnswerKind.NUMBER


def _frames(draft: Draft) -> str:
    """The places of all frames that are named: what they show, or where the camera was if that is said."""
    is_camera = re.search(r"\b(?:camera|drone|uav|aircraft|photographer|taken)\b", draft.parsed.text)
    op = "camera_at" if is_camera and not says(draft.parsed, "sees") else "centre_at"
    found = [draft.add(op, at=_at(draft, number)) for number in range(len(moments_of(draft.parsed)))]
    whole = found[0]
    for other in found[1:]:
        whole = draft.add("union", a=whole, b=other)
    return whole


def order(draft: Draft) -> AnswerKind:
    """Frames in the order of their distance from something."""
    way = "far" if says(draft.parsed, "far_first") else "near"
    to = _only(draft)
    draft.add("by_distance", of=_frames(draft), to=to, way=way)
    return AnswerKind.CHOICE


def nearest(draft: Draft) -> AnswerKind:
    """Which of some frames is nearest to something, or farthest from it."""
    to = _only(draft)
    draft.add("farthest" if says(draft.parsed, "far") else "nearest", of=_frames(draft), to=to)
    return AnswerKind.CHOICE


def same(draft: Draft) -> AnswerKind:
    """Whether two frames show the same place."""
    first, second = (draft.add("view", at=_at(draft, number)) for number in (0, 1))
    draft.add("same_place", a=first, b=second)
    return AnswerKind.CHOICE


BUILDERS: Mapping[PoseTask, Callable[[Draft], AnswerKind]] = {
    PoseTask.HEADING: heading, PoseTask.CLOCK: clock, PoseTask.STANDING: standing, PoseTask.INSIDE: inside,
    PoseTask.PART: part, PoseTask.PLACE: place, PoseTask.OVER: over, PoseTask.HEIGHT: height,
    PoseTask.RANGE: distance, PoseTask.ORDER: order, PoseTask.NEAREST: nearest, PoseTask.SAME: same,
}  # fmt: skip
