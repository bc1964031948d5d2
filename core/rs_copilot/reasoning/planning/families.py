"""Which of the twelve tasks a question is, by the words that are typical of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rs_copilot.reasoning.choosing import SECTORS, compass, in_order, says_yes
from rs_copilot.reasoning.planning.mentions import MENTION
from rs_copilot.reasoning.planning.phrases import read_phrases
from rs_copilot.reasoning.planning.subjects import CLASSES
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.tasks import SpatialTask as T

# Patterns with what they are worth, on text in small letters whose names are numbers in brackets.
RULES = Path(__file__).with_name("families.json")
# Below this nothing is typical of any task.
MIN_WORTH = 1.5
# Nobody needs more letters to say what is asked, and patterns take long on many.
MAX_READ = 1500


@lru_cache(maxsize=1)
def read_rules() -> dict[str, tuple[tuple[re.Pattern[str], float], ...]]:
    """Patterns of each family with what they are worth: the twelve tasks by name, and those beyond them."""
    rules = json.loads(RULES.read_text(encoding="utf-8"))["rules"]
    return {
        name: tuple((re.compile(rule["pattern"]), float(rule["worth"])) for rule in rows)
        for name, rows in rules.items()
    }


@dataclass(frozen=True)
class Form:
    """What a question looks like besides its words: choices, the form of the answer, and what is marked."""

    choices: Mapping[str, str]
    kind: AnswerKind | None = None
    marks: tuple[str, ...] = ()
    mentions: int = 0

    @property
    def is_yes_or_no(self) -> bool:
        """Whether the choices are a yes and a no."""
        return sorted(says_yes(text) is True for text in self.choices.values()) == [False, True] and all(
            says_yes(text) is not None for text in self.choices.values()
        )


def scores(text: str, form: Form) -> dict[str, float]:
    """How typical a question is of each family."""
    line = text.lower()[:MAX_READ]
    found = {
        name: sum(w for pattern, w in rules if pattern.search(line)) for name, rules in read_rules().items()
    }
    for worths in (_by_choices(form.choices), _by_marks(form), _by_kind(form)):
        for name, worth in worths.items():
            found[name] += worth
    if form.mentions < 1:
        found[T.DIRECTION.value] -= 3.0
        found[T.REACHABILITY.value] -= 2.0
    if form.mentions == 1:
        # A way needs two ends.
        found[T.REACHABILITY.value] -= 3.0
        found[T.VISIBILITY.value] += 1.5 if form.is_yes_or_no else 0.0
    if re.search(rf"^(is|are|was|were)\b.*{MENTION}.*\b(north|south|east|west)\b", line):
        found[T.DIRECTION.value] += 2.0
    return found


def _by_choices(choices: Mapping[str, str]) -> dict[str, float]:
    """What the choices say about the family."""
    texts = list(choices.values())
    if not texts:
        return {}
    if all(compass(text) in SECTORS for text in texts):
        return {T.DIRECTION.value: 4.0, "part": -9.0}
    if all(len(in_order(text)) >= 3 for text in texts):
        return {T.ORDERING.value: 5.0}
    joined = " ".join(texts).lower()
    if re.search(r"\b(buildings?|trees?|bridge|house|roof)\b", joined):
        return {T.OCCLUSION.value: 1.5}
    return {}


def _by_marks(form: Form) -> dict[str, float]:
    """What the marks say: lines are compared with a path, areas with a view, points with an event."""
    count = len(form.marks)
    named = len(form.choices) >= 2 and not form.is_yes_or_no
    if count >= 2 and all(mark == "line" for mark in form.marks):
        return {T.TRAJECTORY.value: 3.0}
    if count >= 3 and named and all(mark == "area" for mark in form.marks):
        return {T.ASSOCIATION.value: 1.0, T.INTERACTION.value: 0.5 if form.mentions >= 3 else 0.0}
    if count >= 3 and named and all(mark == "point" for mark in form.marks) and form.mentions == 0:
        return {T.EVENT_PLACE.value: 1.5}
    return {}


def _by_kind(form: Form) -> dict[str, float]:
    """What the form of the answer says. A family that cannot give it is out."""
    if form.kind is AnswerKind.TIMESTAMP:
        return {name: 2.0 if name == T.WHEN.value else -9.0 for name in read_rules()}
    if form.kind is AnswerKind.NUMBER:
        numbers = {T.COUNTING.value, T.DISTANCE.value, T.DIRECTION.value, T.INTERACTION.value, T.WHEN.value}
        return {name: 0.0 if name in numbers | {"speed", "size"} else -9.0 for name in read_rules()}
    if form.is_yes_or_no:
        return {
            T.VISIBILITY.value: 1.0, T.REACHABILITY.value: 1.0, T.INTERACTION.value: 0.5,
            T.ORDERING.value: -2.0,
            T.TRAJECTORY.value: -2.0, T.ASSOCIATION.value: -3.0, T.WHEN.value: -1.0,
            T.EVENT_PLACE.value: -3.0,
        }  # fmt: skip
    if form.kind is AnswerKind.CHOICE and len(form.choices) > 2:
        return {T.VISIBILITY.value: -1.5, T.REACHABILITY.value: -1.5}
    return {}


def best(found: Mapping[str, float]) -> tuple[str, float] | None:
    """The most typical family and how far it is ahead of the next; ``None`` where nothing is typical."""
    ranked = sorted(found.items(), key=lambda item: -item[1])
    (name, worth), (_, second) = ranked[0], ranked[1]
    return (name, worth - second) if worth >= MIN_WORTH else None


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Words that patterns look for, and common ones that mean nothing here."""
    return sought() | frozenset(str(read_phrases()["common"]).split())


@lru_cache(maxsize=1)
def sought() -> frozenset[str]:
    """Words that patterns and tables look for."""
    patterns = [pattern.pattern for rules in read_rules().values() for pattern, _ in rules]
    table = read_phrases()
    patterns += [row["pattern"] for name in ("events", "crossings") for row in table[name]]
    patterns += [*table["words"].values(), *table["shut"], str(table["spelt"])]
    words = {word for pattern in patterns for word in _letters(pattern)}
    return frozenset(words | set(CLASSES) | {f"{word}s" for word in CLASSES})


def _letters(pattern: str) -> list[str]:
    return re.findall(r"[a-z]{4,}(?![a-z]*\\w)", re.sub(r"\\[bsdWS]", " ", pattern))
