"""Programs for questions about distances, directions and ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rs_copilot.reasoning.planning.draft import CAMERA, CENTRE, Draft, Parsed, Unclear, with_views
from rs_copilot.reasoning.planning.mentions import CLOSE, OPEN
from rs_copilot.reasoning.planning.phrases import phrase
from rs_copilot.reasoning.planning.roles import origin, parts, shut
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.things import Kind


def distance(draft: Draft) -> AnswerKind:
    """How far apart two things are, how far something went, or which of some is nearer."""
    parsed = draft.parsed
    travelled = re.search(phrase("travelled"), parsed.text) and not re.search(phrase("far from"), parsed.text)
    if travelled and len(parsed.mentioned()) < 2:
        return _travelled(draft)
    draft.parsed = parsed = with_far_end(parsed)
    numbers = parsed.mentioned()
    if len(numbers) == 1 and parsed.subject is not None and re.search(phrase("comparing"), parsed.text):
        op = "farthest" if re.search(phrase("far away"), parsed.text) else "nearest"
        draft.add(op, of=draft.subject(), to=draft.thing(numbers[0]), at=draft.at())
        return AnswerKind.TEXT
    if len(numbers) >= 3 and (comparing := re.search(phrase("comparing"), parsed.text)):
        # "Which is nearer to A, B or C": the one after "to" or "from" is compared with.
        to = re.search(phrase("compared with"), parsed.text)
        base = int(to[1]) if to else numbers[0]
        op = "farthest" if comparing[1].startswith("f") else "nearest"
        draft.add(op, of=draft.all_of([n for n in numbers if n != base]), to=draft.thing(base), at=draft.at())
        return AnswerKind.CHOICE
    if len(numbers) != 2:
        raise Unclear("a distance needs two things that are named")
    first, second = draft.thing(numbers[0]), draft.thing(numbers[1])
    if re.search(phrase("by road"), parsed.text):
        draft.add("way_length", start=first, end=second)
    else:
        edge = re.search(phrase("edges"), parsed.text)
        draft.add("distance", a=first, b=second, at=draft.at(), measure="edge" if edge else None)
    return AnswerKind.NUMBER


def _travelled(draft: Draft) -> AnswerKind:
    """How far the drone flew, or something drove."""
    numbers = draft.parsed.mentioned()
    during = draft.during()
    if numbers:
        path = draft.thing(numbers[0])
        path = path if during is None else draft.add("path_of", what="thing", of=path, during=during)
    elif re.search(phrase("drone"), draft.parsed.text):
        path = draft.add("path_of", what="camera", during=during)
    else:
        raise Unclear("it is not clear whose way is meant")
    draft.add("length", of=path)
    return AnswerKind.NUMBER


def with_far_end(parsed: Parsed) -> Parsed:
    """The same with the camera and its view among the names.

    Where one name and a moment are given and the far end is said in other words, it is the place in the
    middle of the picture: that is what a camera looks at.
    """
    found = with_views(parsed)
    numbers = found.mentioned()
    views = [number for number in numbers if found.things[number].kind is Kind.VIEW]
    if len(numbers) == 3 and len(views) == 2 and not parsed.times.moments:
        return _with_one_view(found, views)
    is_aimed = re.search(phrase("aimed at"), parsed.text) is not None
    if is_aimed and len(numbers) == 2 and [found.things[n].key for n in views] == [CAMERA.key]:
        things = tuple(CENTRE if number in views else thing for number, thing in enumerate(found.things))
        return replace(found, things=things)
    is_looked_at = re.search(phrase("looked at"), parsed.text) is not None
    if is_looked_at and len(numbers) == 1 and not views and parsed.times.at_s is not None:
        text = f"{found.text} {OPEN}{len(found.things)}{CLOSE}"
        return replace(found, text=text, things=(*found.things, CENTRE))
    return found


def _with_one_view(parsed: Parsed, views: Sequence[int]) -> Parsed:
    """One view that is said in two words: "how far from A is the point that the camera looks at"."""
    camera = next(number for number in views if parsed.things[number].key == CAMERA.key)
    return replace(parsed, text=parsed.text.replace(f"{OPEN}{camera}{CLOSE}", " "))


def direction(draft: Draft) -> AnswerKind:
    """In which direction one thing lies from another."""
    if re.search(phrase("facing"), draft.parsed.text) and not draft.parsed.mentioned():
        at = draft.at()
        if at is not None:
            draft.add("heading_at", at=at)
            return AnswerKind.CHOICE if draft.parsed.choices else AnswerKind.NUMBER
        if not draft.parsed.times.moments:
            raise Unclear("it is not clear at which moment the camera is meant")
    if len(draft.parsed.mentioned()) < 2:
        draft.parsed = _with_both_ends(with_far_end(draft.parsed), draft)
    numbers = draft.parsed.mentioned()
    if len(numbers) != 2:
        raise Unclear("a direction needs two things that are named")
    start = origin(draft.parsed, numbers)
    end = next(number for number in numbers if number != start)
    degrees = re.search(phrase("degrees"), draft.parsed.text) and not draft.parsed.choices
    draft.add(
        "bearing" if degrees else "direction", start=draft.thing(start), end=draft.thing(end), at=draft.at()
    )
    return AnswerKind.NUMBER if degrees else AnswerKind.CHOICE


def _with_both_ends(parsed: Parsed, draft: Draft) -> Parsed:
    """A direction in which the camera moved during a span: from where it was to where it came."""
    numbers, during = parsed.mentioned(), draft.during()
    if during is None or len(numbers) != 1 or parsed.things[numbers[0]].kind is not Kind.VIEW:
        return parsed
    ends = tuple(replace(parsed.things[numbers[0]], time_s=time_s) for time_s in during)
    count = len(parsed.things)
    text = f"from {OPEN}{count}{CLOSE} to {OPEN}{count + 1}{CLOSE}"
    return replace(parsed, text=text, things=(*parsed.things, *ends))


def reachability(draft: Draft) -> AnswerKind:
    """Whether a way leads from one to the other."""
    parsed = draft.parsed
    closed = shut(parsed)
    start, end = (number for number in parsed.mentioned() if number not in closed)
    avoid = draft.all_of(sorted(closed)) if closed else None
    found = draft.add("path_exists", start=draft.thing(start), end=draft.thing(end), avoid=avoid)
    if (closed and re.search(phrase("only by"), parsed.text)) or _asks_cut(parsed, closed):
        draft.add("opposite", of=found)
    return AnswerKind.CHOICE


def _asks_cut(parsed: Parsed, closed: Sequence[int]) -> bool:
    """Whether it is asked if there is no way. What is said of the closed road itself does not count."""
    said = [left for _, left, _ in parts(parsed.text)[:1]]
    said += [right for number, _, right in parts(parsed.text) if number not in closed]
    return any(re.search(phrase("cut"), piece) for piece in said)
