"""A question taken apart, and a program being written for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import shapely

from rs_copilot.reasoning.checking import Problem, check
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.planning.mentions import CLOSE, MENTION, OPEN
from rs_copilot.reasoning.planning.phrases import phrase, read_phrases
from rs_copilot.reasoning.planning.subjects import Subject
from rs_copilot.reasoning.planning.words import Times
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.things import Kind, Thing

Steps = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Parsed:
    """A question taken apart. ``text`` is in small letters, its names are numbers in brackets.

    ``unknown`` are names in it that nothing in the scene has.
    """

    text: str
    things: tuple[Thing, ...]
    times: Times
    subject: Subject | None
    choices: Mapping[str, str]
    radius: Mapping[str, float | str] | None
    memory: Memory
    unknown: tuple[str, ...] = ()

    def mentioned(self) -> list[int]:
        """Numbers of the things in the order in which they are named, the question's own marks last."""
        return list(dict.fromkeys(int(number) for number in re.findall(MENTION, self.text)))


class Unclear(ValueError):
    """A question of a task that lacks something; caught by the planner."""


# What stands for the camera and its view until the program finds where they are.
CAMERA = Thing("camera", Kind.VIEW, "camera", "camera", shapely.Point())
CENTRE = Thing("centre", Kind.VIEW, "middle of the picture", "view", shapely.Point())
VIEWS = (("view centre", CENTRE), ("camera place", CAMERA))


def with_views(parsed: Parsed) -> Parsed:
    """The same with the camera and the middle of the picture as things that are named, each at its moment."""
    if parsed.times.moments:
        return _with_views_at(parsed)
    text, things = parsed.text, parsed.things
    for pattern, item in VIEWS:
        found = re.search(phrase(pattern), text)
        if found is not None:
            text = f"{text[: found.start()]} {OPEN}{len(things)}{CLOSE} {text[found.end() :]}"
            things = (*things, item)
    return replace(parsed, text=text, things=things)


def _with_views_at(parsed: Parsed) -> Parsed:
    """Several moments: each stands for what is meant at it, the camera or the middle of its picture."""
    text, things = parsed.text, list(parsed.things)
    sort = next((item for pattern, item in VIEWS if re.search(phrase(pattern), text)), None)
    if sort is None:
        return parsed
    for pattern, _ in VIEWS:
        text = re.sub(phrase(pattern), " ", text)
    for time_s in parsed.times.moments:
        text = re.sub(
            rf"(?:\bat )?⟨{re.escape(f'{time_s:.10g}')}⟩", f"{OPEN}{len(things)}{CLOSE}", text, count=1
        )
        things.append(replace(sort, time_s=time_s))
    return replace(parsed, text=" ".join(text.split()), things=tuple(things))


@dataclass
class Draft:
    """A program being written."""

    parsed: Parsed
    steps: Steps
    used: set[int] = field(default_factory=set)
    has_used_time: bool = False
    has_used_length: bool = False
    has_used_subject: bool = False

    def add(self, op: str, **values: Any) -> str:  # noqa: ANN401  programs are JSON
        """One more step; its name as a reference."""
        name = f"s{len(self.steps) + 1}"
        self.steps[name] = {"op": op, **{key: value for key, value in values.items() if value is not None}}
        return f"${name}"

    def program(self) -> Program | list[Problem]:
        """The steps as a program whose answer is the last of them; or what is wrong with it."""
        return check({"steps": self.steps, "answer": list(self.steps)[-1]})

    def thing(self, number: int) -> str:
        """The step that finds a thing that is named.

        Raises:
            Unclear: the camera is meant, and no moment is named.
        """
        item = self.parsed.things[number]
        self.used.add(number)
        if item.kind is Kind.VIEW:
            at = self.at() if item.time_s is None else _seconds(item.time_s)
            if at is None:
                raise Unclear(f"it is not clear at which moment the {item.name} is meant")
            return self.add("camera_at" if item.key == CAMERA.key else "centre_at", at=at)
        # The pieces of a road share its name: all of them are meant.
        name = item.name if item.kind is Kind.ROAD else item.key
        for known, step in self.steps.items():
            if step == {"op": "named", "name": name}:
                return f"${known}"
        return self.add("named", name=name)

    def all_of(self, numbers: list[int]) -> str:
        """Several things together."""
        found = [self.thing(number) for number in numbers]
        whole = found[0]
        for other in found[1:]:
            whole = self.add("union", a=whole, b=other)
        return whole

    def subject(self) -> str:
        """Things of the class that the question speaks of; vehicles where it speaks of none."""
        subject = self.parsed.subject
        self.has_used_subject = True
        if subject is None:
            return self.add("things", kind="track")
        return self.add("things", kind=subject.kind, label=subject.label)

    def at(self) -> dict[str, float | str] | None:
        """The moment that the question names."""
        at_s = self.parsed.times.at_s
        self.has_used_time |= at_s is not None
        return None if at_s is None else _seconds(at_s)

    def during(self) -> list[float] | None:
        """The span that the question names, open ends closed by the clip's."""
        times = self.parsed.times
        if not times.has_span:
            return None
        self.has_used_time = True
        last_s = float(self.parsed.memory.views.times_s[-1]) if len(self.parsed.memory.views) else 1e6
        start, end = times.start_s or 0.0, times.end_s if times.end_s is not None else last_s
        return [start, max(start, end)]

    def which(self) -> str:
        """First or last."""
        return "last" if re.search(phrase("last"), self.parsed.text) else "first"


def _seconds(value: float) -> dict[str, float | str]:
    return {"value": value, "unit": "s"}


def candidates(parsed: Parsed) -> list[int]:
    """Things to choose among: those that the choices name, else the marks, else all that are named."""
    marks = [n for n, thing in enumerate(parsed.things) if thing.kind is Kind.MARK]
    return marks or parsed.mentioned()


def event_word(text: str, table: str) -> str | None:
    """Which event of a table, ``events`` or ``crossings``, a text speaks of."""
    rows = read_phrases()[table]
    return next((row["event"] for row in rows if re.search(row["pattern"], text)), None)


def replaced_names(text: str, things: tuple[Thing, ...]) -> str:
    """A text with its names back."""
    return re.sub(rf"{OPEN}(\d+){CLOSE}", lambda match: things[int(match[1])].name, text)
