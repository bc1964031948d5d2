"""Programs for questions about distances, directions and ways."""

from __future__ import annotations

import re

from rs_copilot.reasoning.planning.draft import Draft, Unclear, with_views
from rs_copilot.reasoning.planning.phrases import phrase, phrases
from rs_copilot.reasoning.tasks import AnswerKind


def distance(draft: Draft) -> AnswerKind:
    """How far apart two things are, how far something went, or which of some is nearer."""
    parsed = draft.parsed
    travelled = re.search(phrase("travelled"), parsed.text)
    if not (travelled and len(parsed.mentioned()) < 2 and not re.search(phrase("far from"), parsed.text)):
        parsed = draft.parsed = with_views(parsed)
    numbers = parsed.mentioned()
    comparing = re.search(phrase("comparing"), parsed.text)
    if comparing and len(numbers) >= 3:
        # "Which is nearer to A, B or C": the one after "to" or "from" is compared with.
        to = re.search(phrase("compared with"), parsed.text)
        base = int(to[1]) if to else numbers[0]
        op = "farthest" if comparing[1].startswith("f") else "nearest"
        draft.add(op, of=draft.all_of([n for n in numbers if n != base]), to=draft.thing(base), at=draft.at())
        return AnswerKind.CHOICE
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
    if re.search(phrase("facing"), draft.parsed.text) and not draft.parsed.mentioned():
        at = draft.at()
        if at is None:
            raise Unclear("it is not clear at which moment the camera is meant")
        draft.add("heading_at", at=at)
        return AnswerKind.CHOICE if draft.parsed.choices else AnswerKind.NUMBER
    draft.parsed = with_views(draft.parsed)
    numbers = draft.parsed.mentioned()
    if len(numbers) < 2:
        raise Unclear("a direction needs two things that are named")
    text = draft.parsed.text
    base = re.search(phrase("seen from"), text) or re.search(phrase("side of"), text)
    start = int(base[1]) if base else numbers[0]
    end = next(number for number in numbers if number != start)
    degrees = re.search(phrase("degrees"), text) and not draft.parsed.choices
    draft.add(
        "bearing" if degrees else "direction", start=draft.thing(start), end=draft.thing(end), at=draft.at()
    )
    return AnswerKind.NUMBER if degrees else AnswerKind.CHOICE


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
