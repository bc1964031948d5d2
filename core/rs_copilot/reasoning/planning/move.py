"""Programs for questions about what moves: how many, what it did where, whose way, where it went."""

from __future__ import annotations

import re

from rs_copilot.reasoning.operations.motion import EVENTS
from rs_copilot.reasoning.planning.draft import Draft, Unclear, event_word
from rs_copilot.reasoning.planning.phrases import phrase
from rs_copilot.reasoning.planning.roles import source
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.things import Kind

# What is in a zone at a moment is looked for so long before and after it.
MOMENT_S = 0.5


def moving_in(draft: Draft) -> str:
    """The class that is asked about, in the zone or near the place that is named."""
    parsed = draft.parsed
    found = draft.subject()
    numbers = [n for n in parsed.mentioned() if parsed.things[n].kind is not Kind.TRACK]
    what = event_word(parsed.text, "crossings")
    if re.search(phrase("in motion"), parsed.text) or what == "cross":
        found = draft.add("moving", of=found)
    if len(numbers) >= 2 and re.search(phrase("from one to another"), parsed.text):
        if re.search(phrase("going"), parsed.text):
            return draft.add("goes", of=found, start=draft.thing(numbers[0]), end=draft.thing(numbers[1]))
        return draft.add("between", of=found, a=draft.thing(numbers[0]), b=draft.thing(numbers[1]))
    if not numbers:
        return _in_view(draft, found, _about(draft))
    if parsed.radius is not None:
        draft.has_used_length = True
        return draft.add("near", of=found, to=draft.thing(numbers[0]), radius=dict(parsed.radius))
    zone = draft.thing(numbers[0])
    # A clip rarely shows the whole way of what passes through an area: to have been in it is enough.
    is_line = parsed.things[numbers[0]].shape.area == 0.0
    if (
        what is not None
        and (what != "cross" or is_line)
        and (parsed.subject is None or parsed.subject.kind == "track")
    ):
        crossings, during = draft.add("crossings", of=found, zone=zone, what=what), _about(draft)
        if during is not None:
            crossings = draft.add("happening", of=crossings, during=during)
        return draft.add("subjects", of=crossings)
    return draft.add("within", of=found, zone=zone, during=_about(draft))


def _about(draft: Draft) -> list[float] | None:
    """The span that is named, or a little before and after the moment that is."""
    draft.at()
    at_s = draft.parsed.times.at_s
    return draft.during() if at_s is None else [max(0.0, at_s - MOMENT_S), at_s + MOMENT_S]


def _in_view(draft: Draft, found: str, during: list[float] | None) -> str:
    """Where no zone is named: what is in the picture at a moment, or in any picture."""
    at, subject = draft.at(), draft.parsed.subject
    if at is not None:
        return draft.add("within", of=found, zone=draft.add("view", at=at), during=during)
    if (
        subject is not None
        and subject.kind == "occluder"
        and not re.search(phrase("on the map"), draft.parsed.text)
    ):
        return draft.add("within", of=found, zone=draft.add("seen_ground"))
    return draft.add("followed", of=found, during=during) if during is not None else found


def counting(draft: Draft) -> AnswerKind:
    """How many there are."""
    parsed = draft.parsed
    if parsed.subject is None:
        raise Unclear("it is not clear what is to be counted: vehicles, people, buildings, trees")
    draft.add("count", of=happening(draft))
    return AnswerKind.NUMBER


def happening(draft: Draft) -> str:
    """The class that is asked about, or those of it to which the event that is named happened."""
    parsed = draft.parsed
    what = event_word(parsed.text, "events")
    # What appears in a zone was there, no more.
    is_event = what in EVENTS and (what not in ("appear", "disappear") or not parsed.mentioned())
    if is_event and parsed.subject is not None and parsed.subject.kind == "track":
        return draft.add("subjects", of=draft.add("events", of=moving_in(draft), what=what))
    return moving_in(draft)


def events_of(draft: Draft, what: str | None, crossing: str | None) -> str:
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
    found = events_of(draft, what, None if what else crossing)
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


def _traffic(draft: Draft) -> str:
    """What goes from zone to zone: vehicles, unless people are asked about."""
    subject = draft.parsed.subject
    if subject is not None and subject.kind == "track" and subject.label is not None:
        return draft.subject()
    return draft.add("things", kind="track", label="vehicle")


def interaction(draft: Draft) -> AnswerKind:
    """Where traffic goes from a zone, or whether any goes from one to another."""
    parsed = draft.parsed
    numbers = [n for n in parsed.mentioned() if parsed.things[n].kind is not Kind.TRACK]
    tracks = [n for n in parsed.mentioned() if parsed.things[n].kind is Kind.TRACK]
    movers = draft.thing(tracks[0]) if tracks else _traffic(draft)
    if len(numbers) < 2:
        raise Unclear("traffic needs the zones between which it goes")
    base = source(parsed, numbers)
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
