"""Programs for questions about what is seen: whether, where, when, in which order, behind what."""

from __future__ import annotations

import re

from rs_copilot.reasoning.choosing import in_order
from rs_copilot.reasoning.memory import plain
from rs_copilot.reasoning.planning.draft import Draft, Unclear, candidates, event_word
from rs_copilot.reasoning.planning.move import events_of, happening
from rs_copilot.reasoning.planning.phrases import phrase
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.things import Kind


def visibility(draft: Draft) -> AnswerKind:
    """Is it seen, at a moment, during a span, or ever."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    is_point = bool(numbers) and parsed.things[numbers[0]].shape.area == 0.0
    if parsed.subject is not None and parsed.subject.kind in ("track", "object") and not is_point:
        draft.add("exists", of=happening(draft))
        return AnswerKind.CHOICE
    if not numbers:
        raise Unclear("it is not clear what is to be seen: name a zone, a place or a mark")
    if re.search(phrase("is hidden"), parsed.text):
        draft.add("hidden", of=draft.thing(numbers[0]), at=draft.at())
        return AnswerKind.CHOICE
    sight = draft.add("visible", of=draft.thing(numbers[0]), at=draft.at(), during=draft.during())
    if re.search(phrase("denied"), parsed.text):
        draft.add("opposite", of=sight)
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


def when(draft: Draft) -> AnswerKind:
    """When something is seen, passed, entered or happens."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    what, crossing = event_word(parsed.text, "events"), event_word(parsed.text, "crossings")
    if parsed.subject is not None and parsed.subject.kind == "track" and (what or crossing):
        found = events_of(draft, what, crossing)
        draft.add("time_of", of=draft.add("pick", of=found, which=draft.which()))
        return AnswerKind.TIMESTAMP
    if not numbers:
        raise Unclear("it is not clear what the time is asked of: name a zone, a place, a mark or a vehicle")
    target = draft.thing(numbers[0])
    if len(numbers) > 1 and re.search(phrase("together"), parsed.text):
        draft.add("together", a=target, b=draft.thing(numbers[1]))
        return AnswerKind.TIMESTAMP
    if re.search(phrase("one of its frames"), parsed.text) and not parsed.choices:
        draft.add("seen", of=target)
        return AnswerKind.TIMESTAMP
    if re.search(phrase("for how long"), parsed.text):
        draft.add("lasting", of=draft.add("seen", of=target))
        return AnswerKind.NUMBER
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


def occlusion(draft: Draft) -> AnswerKind:
    """What hides something."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    tracks = [n for n in numbers if parsed.things[n].kind is Kind.TRACK]
    if numbers:
        draft.add("occluder", of=draft.thing((tracks or numbers)[0]), at=draft.at())
        return AnswerKind.CHOICE
    if parsed.subject is None:
        raise Unclear("it is not clear what is hidden: name a place, a mark or a vehicle")
    lost = draft.add("events", of=draft.subject(), what="occluded")
    at = draft.at()
    event = (
        draft.add("closest_in_time", of=lost, at=at)
        if at
        else draft.add("pick", of=lost, which=draft.which())
    )
    draft.add("occluder", of=event, at=at or draft.add("time_of", of=event))
    return AnswerKind.CHOICE


def ordering(draft: Draft) -> AnswerKind:
    """In which order things are seen, or which comes first."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    listed = {name for text in parsed.choices.values() for name in in_order(text)}
    ordered = [number for number, thing in enumerate(parsed.things) if plain(thing.name) in listed]
    if len(numbers) < 2 or len(ordered) > len(numbers):
        numbers = ordered or candidates(parsed)
    if len(numbers) < 2:
        raise Unclear("an order needs at least two things that are named")
    by = "nearest" if re.search(phrase("passing over"), parsed.text) else "seen"
    way = "backward" if re.search(phrase("backward"), parsed.text) else None
    found = draft.add("order", of=draft.all_of(numbers), by=by, way=way)
    asks_one = re.search(phrase("asks one"), parsed.text)
    lists_orders = any(len(in_order(text)) > 1 for text in parsed.choices.values())
    if asks_one and not lists_orders and not re.search(phrase("order"), parsed.text):
        draft.add("end_of", of=found, which=draft.which())
    return AnswerKind.CHOICE
