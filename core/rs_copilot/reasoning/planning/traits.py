"""Facts about a question besides its words: how many names it has, what is marked, what its choices are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rs_copilot.reasoning.choosing import SECTORS, bare, compass, in_order, names_of, says_yes
from rs_copilot.reasoning.memory import plain
from rs_copilot.reasoning.planning.draft import Parsed, event_word
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.things import Kind, Thing

SORTS = {"Point": "point", "LineString": "line", "MultiLineString": "line"}
MIN_MARKS = {"point": 3, "line": 2, "area": 3}
HIDERS = re.compile(r"\b(buildings?|trees?|bridges?|house|houses|roof|wall|vehicle)\b", re.IGNORECASE)
NUMBER_OF_NAMES = ("no_name", "one_name", "two_names", "three_names")


def facts_of(parsed: Parsed, question: Question) -> set[str]:
    """All facts about a question."""
    numbers = parsed.mentioned()
    found = {NUMBER_OF_NAMES[min(len(numbers), 3)]}
    found |= {"track_name"} if any(parsed.things[n].kind is Kind.TRACK for n in numbers) else set()
    found |= {"road_name"} if any(is_way(parsed.things[n]) for n in numbers) else set()
    times = parsed.times
    found |= {"moment"} if times.at_s is not None else {"span"} if times.has_span else set()
    found |= {"two_moments"} if len(times.moments) > 1 else set()
    subject = parsed.subject
    if subject is not None:
        found.add({"track": "mover", "object": "mover", "occluder": "building"}.get(subject.kind, "class"))
    if event_word(parsed.text, "events") not in (None, "appear", "disappear"):
        found.add("event_verb")
    if event_word(parsed.text, "crossings") is not None:
        found.add("crossing_verb")
    return found | _by_kind(question.kind) | _by_marks(question) | _by_choices(question.choices, parsed)


def is_way(thing: Thing) -> bool:
    """Whether a thing is a road or a bridge."""
    return thing.kind is Kind.ROAD or (thing.kind is Kind.OCCLUDER and thing.label == "bridge")


def _by_kind(kind: AnswerKind | None) -> set[str]:
    wanted = {AnswerKind.TIMESTAMP: "wants_time", AnswerKind.NUMBER: "wants_number"}
    return {wanted[kind]} if kind in wanted else set()


def _by_marks(question: Question) -> set[str]:
    sorts = [SORTS.get(mark.shape_lonlat.geom_type, "area") for mark in question.marks]
    return {f"{sort}_marks" for sort, least in MIN_MARKS.items() if sorts.count(sort) == len(sorts) >= least}


def _by_choices(choices: Mapping[str, str], parsed: Parsed) -> set[str]:
    texts = list(choices.values())
    if not texts:
        return set()
    found = {"choices"}
    if is_yes_or_no(texts):
        return found | {"yes_no"}
    if all(compass(text) in SECTORS for text in texts):
        return found | {"sectors"}
    if all(len(in_order(text)) >= 2 for text in texts):
        return found | {"orders"}
    meant = chosen_among(parsed)
    if len(meant) >= 2:
        rest = set(parsed.mentioned()) - set(meant)
        is_source = rest and set(meant) <= set(parsed.mentioned())
        return found | ({"alternatives"} if is_source else {"names_marks"})
    return found | ({"hiders"} if any(HIDERS.search(text) for text in texts) else set())


def is_yes_or_no(texts: Sequence[str]) -> bool:
    """Whether choices are a yes and a no."""
    said = [says_yes(text) for text in texts]
    return None not in said and sorted(said, key=bool) == [False, True]


def chosen_among(parsed: Parsed) -> list[int]:
    """Numbers of the things that the choices name, in the order of the choices."""
    named = {
        name: number for number, thing in reversed(list(enumerate(parsed.things))) for name in _names(thing)
    }
    found = [named.get(bare(text), named.get(plain(text))) for text in parsed.choices.values()]
    return [number for number in found if number is not None]


def _names(thing: Thing) -> set[str]:
    return (
        {plain(thing.name), plain(thing.key)} if thing.kind is not Kind.MARK else names_of(thing) - {"mark"}
    )
