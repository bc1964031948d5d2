"""From what was found in a question of a task to the steps of a program."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.motion import EVENTS
from rs_copilot.reasoning.planning.mentions import CLOSE, MENTION, OPEN
from rs_copilot.reasoning.planning.subjects import Subject
from rs_copilot.reasoning.planning.words import Times
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.tasks import SpatialTask as T
from rs_copilot.reasoning.things import Kind, Thing

Steps = dict[str, dict[str, Any]]
PHRASES = Path(__file__).with_name("phrases.json")


@dataclass(frozen=True)
class Parsed:
    """A question taken apart. ``text`` is in small letters, its names are numbers in brackets."""

    text: str
    things: tuple[Thing, ...]
    times: Times
    subject: Subject | None
    choices: Mapping[str, str]
    radius: Mapping[str, float | str] | None
    memory: Memory

    def mentioned(self) -> list[int]:
        """Numbers of the things in the order in which they are named, the question's own marks last."""
        return list(dict.fromkeys(int(number) for number in re.findall(MENTION, self.text)))


@lru_cache(maxsize=1)
def read_phrases() -> dict[str, Any]:
    """Turns of phrase by name."""
    found: dict[str, Any] = json.loads(PHRASES.read_text(encoding="utf-8"))
    return found


def phrase(name: str) -> str:
    """The pattern of a turn of phrase."""
    return str(read_phrases()["words"][name])


def phrases(name: str) -> list[str]:
    """The patterns of one that is said in several ways."""
    return list(read_phrases()[name])


class Unclear(ValueError):
    """A question of a task that lacks something; caught by the planner."""


@dataclass
class Draft:
    """A program being written."""

    parsed: Parsed
    steps: Steps

    def add(self, op: str, **values: Any) -> str:  # noqa: ANN401  programs are JSON
        """One more step; its name as a reference."""
        name = f"s{len(self.steps) + 1}"
        self.steps[name] = {"op": op, **{key: value for key, value in values.items() if value is not None}}
        return f"${name}"

    def thing(self, number: int) -> str:
        """The step that finds a thing that is named."""
        name = self.parsed.things[number].key
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
        if subject is None:
            return self.add("things", kind="track")
        return self.add("things", kind=subject.kind, label=subject.label)

    def at(self) -> dict[str, float | str] | None:
        """The moment that the question names."""
        at_s = self.parsed.times.at_s
        return None if at_s is None else {"value": at_s, "unit": "s"}

    def during(self) -> list[float] | None:
        """The span that the question names, open ends closed by the clip's."""
        times = self.parsed.times
        if not times.has_span:
            return None
        last_s = float(self.parsed.memory.views.times_s[-1]) if len(self.parsed.memory.views) else 1e6
        start, end = times.start_s or 0.0, times.end_s if times.end_s is not None else last_s
        return [start, max(start, end)]

    def which(self) -> str:
        """First or last."""
        return "last" if re.search(phrase("last"), self.parsed.text) else "first"


def candidates(parsed: Parsed) -> list[int]:
    """Things to choose among: those that the choices name, else the marks, else all that are named."""
    marks = [n for n, thing in enumerate(parsed.things) if thing.kind is Kind.MARK]
    return marks or parsed.mentioned()


def visibility(draft: Draft) -> AnswerKind:
    """Is it seen, at a moment, during a span, or ever."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    if parsed.subject is not None and parsed.subject.kind in ("track", "object"):
        found = draft.subject()
        if numbers:
            found = draft.add("within", of=found, zone=draft.thing(numbers[0]), during=draft.during())
        draft.add("exists", of=found)
        return AnswerKind.CHOICE
    if not numbers:
        raise Unclear("it is not clear what is to be seen: name a zone, a place or a mark")
    draft.add("visible", of=draft.thing(numbers[0]), at=draft.at(), during=draft.during())
    return AnswerKind.CHOICE


def association(draft: Draft) -> AnswerKind:
    """Which area the clip shows."""
    numbers = candidates(draft.parsed)
    if not numbers:
        # No candidates are given: all zones are.
        draft.add("shown", of=draft.add("things", kind="zone"), at=draft.at())
        return AnswerKind.TEXT
    draft.add("shown", of=draft.all_of(numbers), at=draft.at())
    return AnswerKind.CHOICE


def event_word(text: str, table: str) -> str | None:
    """Which event of a table, ``events`` or ``crossings``, a text speaks of."""
    rows = read_phrases()[table]
    return next((row["event"] for row in rows if re.search(row["pattern"], text)), None)


def moving_in(draft: Draft) -> str:
    """The class that is asked about, in the zone or near the place that is named."""
    parsed = draft.parsed
    found = draft.subject()
    numbers = [n for n in parsed.mentioned() if parsed.things[n].kind is not Kind.TRACK]
    if re.search(phrase("in motion"), parsed.text):
        found = draft.add("moving", of=found)
    if len(numbers) >= 2 and re.search(phrase("from one to another"), parsed.text):
        if re.search(phrase("going"), parsed.text):
            return draft.add("goes", of=found, start=draft.thing(numbers[0]), end=draft.thing(numbers[1]))
        return draft.add("between", of=found, a=draft.thing(numbers[0]), b=draft.thing(numbers[1]))
    if not numbers:
        return found
    if parsed.radius is not None:
        return draft.add("near", of=found, to=draft.thing(numbers[0]), radius=dict(parsed.radius))
    zone = draft.thing(numbers[0])
    what = event_word(parsed.text, "crossings")
    if what is not None and (parsed.subject is None or parsed.subject.kind == "track"):
        return draft.add("subjects", of=draft.add("crossings", of=found, zone=zone, what=what))
    return draft.add("within", of=found, zone=zone, during=draft.during())


def counting(draft: Draft) -> AnswerKind:
    """How many there are."""
    parsed = draft.parsed
    what = event_word(parsed.text, "events")
    if what is not None and parsed.subject is not None and parsed.subject.kind == "track":
        found = draft.add("subjects", of=draft.add("events", of=moving_in(draft), what=what))
    else:
        found = moving_in(draft)
    draft.add("count", of=found)
    return AnswerKind.NUMBER


def when(draft: Draft) -> AnswerKind:
    """When something is seen, passed, entered or happens."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    what, crossing = event_word(parsed.text, "events"), event_word(parsed.text, "crossings")
    if parsed.subject is not None and parsed.subject.kind == "track" and (what or crossing):
        found = _events(draft, what, crossing)
        draft.add("time_of", of=draft.add("pick", of=found, which=draft.which()))
        return AnswerKind.TIMESTAMP
    if not numbers:
        raise Unclear("it is not clear what the time is asked of: name a zone, a place, a mark or a vehicle")
    target = draft.thing(numbers[0])
    if re.search(
        phrase("overhead"),
        parsed.text,
    ):
        draft.add("nearest_time", to=target)
    elif re.search(phrase("leaving view"), parsed.text):
        draft.add("last_seen", of=target)
    else:
        draft.add("first_seen", of=target)
    return AnswerKind.TIMESTAMP


def _events(draft: Draft, what: str | None, crossing: str | None) -> str:
    """What happened to the class or the thing that is asked about."""
    parsed = draft.parsed
    tracks = [n for n in parsed.mentioned() if parsed.things[n].kind is Kind.TRACK]
    places = [n for n in parsed.mentioned() if parsed.things[n].kind not in (Kind.TRACK, Kind.MARK)]
    movers = draft.thing(tracks[0]) if tracks else draft.subject()
    if what is None:
        zones = places or [n for n in parsed.mentioned() if n not in tracks]
        if not zones:
            raise Unclear("it is not clear which zone is meant")
        return draft.add("crossings", of=movers, zone=draft.thing(zones[0]), what=crossing)
    if what not in EVENTS:
        raise Unclear(f"{what} is no event that is looked for")
    found = draft.add("events", of=movers, what=what)
    if places and not tracks:
        found = draft.add("within", of=found, zone=draft.thing(places[0]))
    return found


def event_place(draft: Draft) -> AnswerKind:
    """Where something happened: at which mark, or at which point."""
    parsed = draft.parsed
    what, crossing = event_word(parsed.text, "events"), event_word(parsed.text, "crossings")
    if what is None and crossing is None:
        raise Unclear("it is not clear which event is meant: a stop, a start, a turn, entering a zone")
    found = _events(draft, what, None if what else crossing)
    at = draft.at()
    if at is not None:
        event = draft.add("closest_in_time", of=found, at=at)
    elif draft.during() is not None:
        event = draft.add(
            "pick", of=draft.add("happening", of=found, during=draft.during()), which=draft.which()
        )
    else:
        event = draft.add("pick", of=found, which=draft.which())
    marks = [n for n, thing in enumerate(parsed.things) if thing.kind is Kind.MARK]
    if not marks:
        return AnswerKind.POINT
    draft.add("nearest", of=draft.all_of(marks), to=event)
    return AnswerKind.CHOICE


def trajectory(draft: Draft) -> AnswerKind:
    """Which drawn line a path follows."""
    parsed = draft.parsed
    tracks = [n for n in parsed.mentioned() if parsed.things[n].kind is Kind.TRACK]
    lines = [n for n, thing in enumerate(parsed.things) if thing.kind is Kind.MARK]
    if tracks:
        path = draft.add("path_of", what="thing", of=draft.thing(tracks[0]))
    elif parsed.subject is not None and parsed.subject.kind == "track" and "drone" not in parsed.text:
        path = draft.add("path_of", what="thing", of=draft.add("largest", of=draft.subject(), by="length"))
    else:
        centre = re.search(phrase("middle of the picture"), parsed.text)
        path = draft.add("path_of", what="centre" if centre else "camera")
    if not lines:
        return AnswerKind.POLYLINE
    draft.add("match", path=path, among=draft.all_of(lines))
    return AnswerKind.CHOICE


def distance(draft: Draft) -> AnswerKind:
    """How far apart two things are, how far something went, or which of some is nearer."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    comparing = re.search(phrase("comparing"), parsed.text)
    if comparing and len(numbers) >= 3:
        # "Which is nearer to A, B or C": the one after "to" or "from" is compared with.
        to = re.search(phrase("compared with"), parsed.text)
        base = int(to[1]) if to else numbers[0]
        op = "farthest" if comparing[1].startswith("f") else "nearest"
        draft.add(op, of=draft.all_of([n for n in numbers if n != base]), to=draft.thing(base), at=draft.at())
        return AnswerKind.CHOICE
    travelled = re.search(
        phrase("travelled"),
        parsed.text,
    )
    if travelled and len(numbers) < 2:
        drone = re.search(phrase("drone"), parsed.text)
        path = draft.add("path_of", what="camera") if drone else draft.thing(numbers[0]) if numbers else None
        if path is None:
            raise Unclear("it is not clear whose way is meant")
        draft.add("length", of=path)
        return AnswerKind.NUMBER
    if len(numbers) < 2:
        raise Unclear("a distance needs two things that are named")
    first, second = draft.thing(numbers[0]), draft.thing(numbers[1])
    if re.search(phrase("by road"), parsed.text):
        draft.add("way_length", start=first, end=second)
    else:
        edge = re.search(phrase("edges"), parsed.text)
        draft.add("distance", a=first, b=second, at=draft.at(), measure="edge" if edge else None)
    return AnswerKind.NUMBER


def direction(draft: Draft) -> AnswerKind:
    """In which direction one thing lies from another."""
    numbers = draft.parsed.mentioned()
    if len(numbers) < 2:
        raise Unclear("a direction needs two things that are named")
    text = draft.parsed.text
    base = re.search(
        phrase("seen from"),
        text,
    )
    start = int(base[1]) if base else numbers[0]
    end = next(number for number in numbers if number != start)
    degrees = re.search(phrase("degrees"), text) and not draft.parsed.choices
    draft.add(
        "bearing" if degrees else "direction", start=draft.thing(start), end=draft.thing(end), at=draft.at()
    )
    return AnswerKind.NUMBER if degrees else AnswerKind.CHOICE


def occlusion(draft: Draft) -> AnswerKind:
    """What hides something."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    tracks = [n for n in numbers if parsed.things[n].kind is Kind.TRACK]
    if numbers:
        draft.add("occluder", of=draft.thing((tracks or numbers)[0]), at=draft.at())
        return AnswerKind.CHOICE
    lost = draft.add("events", of=draft.subject(), what="occluded")
    at = draft.at()
    event = (
        draft.add("closest_in_time", of=lost, at=at)
        if at
        else draft.add("pick", of=lost, which=draft.which())
    )
    draft.add("occluder", of=event, at=at or draft.add("time_of", of=event))
    return AnswerKind.CHOICE


def reachability(draft: Draft) -> AnswerKind:
    """Whether a way leads from one to the other."""
    parsed = draft.parsed
    shut = {int(number) for pattern in phrases("shut") for number in re.findall(pattern, parsed.text)}
    numbers = [number for number in parsed.mentioned() if number not in shut]
    if len(numbers) < 2:
        raise Unclear("a way needs a start and a goal that are named")
    avoid = draft.all_of(sorted(shut)) if shut else None
    draft.add("path_exists", start=draft.thing(numbers[0]), end=draft.thing(numbers[1]), avoid=avoid)
    return AnswerKind.CHOICE


def ordering(draft: Draft) -> AnswerKind:
    """In which order things are seen, or which comes first."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    if len(numbers) < 2:
        numbers = candidates(parsed)
    if len(numbers) < 2:
        raise Unclear("an order needs at least two things that are named")
    by = "nearest" if re.search(phrase("passing over"), parsed.text) else "seen"
    found = draft.add("order", of=draft.all_of(numbers), by=by)
    asks_one = re.search(phrase("asks one"), parsed.text)
    if asks_one and not re.search(phrase("order"), parsed.text):
        draft.add("end_of", of=found, which=draft.which())
    return AnswerKind.CHOICE


def interaction(draft: Draft) -> AnswerKind:
    """Where traffic goes from a zone, or whether any goes from one to another."""
    parsed = draft.parsed
    numbers = [n for n in parsed.mentioned() if parsed.things[n].kind is not Kind.TRACK]
    tracks = [n for n in parsed.mentioned() if parsed.things[n].kind is Kind.TRACK]
    movers = draft.thing(tracks[0]) if tracks else draft.add("things", kind="track", label="vehicle")
    start = re.search(phrase("leaving"), parsed.text)
    if len(numbers) < 2:
        raise Unclear("traffic needs the zones between which it goes")
    base = int(start[1]) if start else numbers[0]
    others = [number for number in numbers if number != base]
    asks_which = re.search(phrase("asks which"), parsed.text)
    if asks_which and len(others) > 1:
        draft.add("flow", of=movers, start=draft.thing(base), to=draft.all_of(others))
        return AnswerKind.CHOICE
    gone = draft.add("goes", of=movers, start=draft.thing(base), end=draft.thing(others[0]))
    if re.search(phrase("how many"), parsed.text):
        draft.add("count", of=gone)
        return AnswerKind.NUMBER
    draft.add("exists", of=gone)
    return AnswerKind.CHOICE


BUILDERS: dict[T, Callable[[Draft], AnswerKind]] = {
    T.VISIBILITY: visibility, T.ASSOCIATION: association, T.COUNTING: counting, T.WHEN: when,
    T.EVENT_PLACE: event_place, T.TRAJECTORY: trajectory, T.DISTANCE: distance, T.DIRECTION: direction,
    T.OCCLUSION: occlusion, T.REACHABILITY: reachability, T.ORDERING: ordering, T.INTERACTION: interaction,
}  # fmt: skip


def replaced_names(text: str, things: tuple[Thing, ...]) -> str:
    """A text with its names back."""
    return re.sub(rf"{OPEN}(\d+){CLOSE}", lambda match: things[int(match[1])].name, text)
