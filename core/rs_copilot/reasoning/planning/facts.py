"""Programs for questions beyond the twelve tasks: speeds, sizes, headings, how shapes lie to one another."""

from __future__ import annotations

import re

from rs_copilot.reasoning.planning.draft import Draft, Unclear
from rs_copilot.reasoning.planning.move import moving_in
from rs_copilot.reasoning.planning.phrases import phrase, rows
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.things import Kind


def speed(draft: Draft) -> AnswerKind:
    """How fast something was, or which one was fastest or slowest."""
    parsed = draft.parsed
    tracks = [n for n in parsed.mentioned() if parsed.things[n].kind is Kind.TRACK]
    if tracks:
        draft.add("speed", of=draft.thing(tracks[0]), at=draft.at())
        return AnswerKind.NUMBER
    op = "smallest" if re.search(phrase("slowest"), parsed.text) else "largest"
    if parsed.subject is None or not re.search(phrase("fastest or slowest"), parsed.text):
        raise Unclear(
            "it is not clear whose speed is meant: name a vehicle by its number, or ask for the fastest"
        )
    found = draft.add(op, of=moving_in(draft), by="speed")
    if re.search(phrase("how fast"), parsed.text):
        draft.add("speed", of=found, at=draft.at())
        return AnswerKind.NUMBER
    return AnswerKind.TEXT


def size(draft: Draft) -> AnswerKind:
    """How large an area, how long a road, how high a house is; or which is the largest."""
    parsed = draft.parsed
    by, op = next(
        ((row["by"], row["op"]) for row in rows("sizes") if re.search(row["pattern"], parsed.text)),
        ("area", "area"),
    )
    numbers = parsed.mentioned()
    if numbers:
        draft.add(op, of=draft.thing(numbers[0]))
        return AnswerKind.NUMBER
    if parsed.subject is None or parsed.subject.kind == "track":
        raise Unclear("it is not clear whose size is meant: name a zone, a road or a house")
    smallest = re.search(phrase("smallest"), parsed.text)
    draft.add("smallest" if smallest else "largest", of=draft.subject(), by=by)
    return AnswerKind.TEXT


def relation(draft: Draft) -> AnswerKind:
    """How two shapes lie to one another, or whether they lie in a certain way."""
    numbers = draft.parsed.mentioned()
    if len(numbers) < 2:
        raise Unclear("two things that are named are needed to say how they lie to one another")
    a, b = draft.thing(numbers[0]), draft.thing(numbers[1])
    table = rows("relations")
    word = next((row["word"] for row in table if re.search(row["pattern"], draft.parsed.text)), None)
    if word is None or re.search(phrase("asks which"), draft.parsed.text):
        draft.add("relation", a=a, b=b)
        return AnswerKind.TEXT
    draft.add("relates", a=a, b=b, how=word)
    return AnswerKind.CHOICE


def part(draft: Draft) -> AnswerKind:
    """In which part of an area the camera looks, or a thing lies."""
    parsed = draft.parsed
    numbers = parsed.mentioned()
    if not numbers:
        raise Unclear("it is not clear which area is meant")
    if len(numbers) > 1:
        item, area = draft.thing(numbers[0]), draft.thing(numbers[1])
    else:
        at = draft.at()
        if at is None:
            raise Unclear("it is not clear at which moment the camera is meant")
        item, area = draft.add("centre_at", at=at), draft.thing(numbers[0])
    draft.add("part_of", of=item, zone=area)
    return AnswerKind.CHOICE
