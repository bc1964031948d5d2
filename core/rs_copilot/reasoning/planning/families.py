"""Which of the twelve tasks a question is, by the words that are typical of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from rs_copilot.reasoning.choosing import COMPASS, compass, in_order
from rs_copilot.reasoning.planning.mentions import MENTION
from rs_copilot.reasoning.tasks import SpatialTask as T

# Patterns with what they are worth, on text in small letters whose names are numbers in brackets.
RULES = Path(__file__).with_name("families.json")
COMMON = frozenset(
    [
        "about",
        "above",
        "along",
        "among",
        "during",
        "ever",
        "exactly",
        "from",
        "have",
        "here",
        "into",
        "just",
        "many",
        "most",
        "much",
        "onto",
        "over",
        "please",
        "same",
        "some",
        "such",
        "tell",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "time",
        "under",
        "until",
        "upon",
        "very",
        "what",
        "when",
        "where",
        "which",
        "while",
        "whose",
        "will",
        "with",
        "within",
        "would",
        "your",
        "other",
        "others",
        "only",
        "being",
        "given",
        "once",
    ]
)
# Below this nothing is typical of any task.
MIN_WORTH = 1.5


@lru_cache(maxsize=1)
def read_rules() -> dict[T, tuple[tuple[re.Pattern[str], float], ...]]:
    """Patterns of each task with what they are worth."""
    rules = json.loads(RULES.read_text(encoding="utf-8"))["rules"]
    return {
        task: tuple((re.compile(rule["pattern"]), float(rule["worth"])) for rule in rules[task.value])
        for task in T
    }


_SECTORS = frozenset(name.replace("-", "") for name in COMPASS.values())


def scores(text: str, choices: Mapping[str, str], mentions: int) -> dict[T, float]:
    """How typical a question is of each task. ``mentions`` is how many things it names."""
    line = text.lower()
    found = {
        task: sum(w for pattern, w in rules if pattern.search(line)) for task, rules in read_rules().items()
    }
    for task, worth in _by_choices(choices).items():
        found[task] += worth
    if mentions < 1:
        found[T.DIRECTION] -= 3.0
        found[T.REACHABILITY] -= 2.0
    if re.search(rf"^(is|are|was|were)\b.*{MENTION}.*\b(north|south|east|west)\b", line):
        found[T.DIRECTION] += 2.0
    return found


def _by_choices(choices: Mapping[str, str]) -> dict[T, float]:
    """What the choices say about the task."""
    texts = list(choices.values())
    if not texts:
        return {}
    if all(compass(text).replace("-", "") in _SECTORS for text in texts):
        return {T.DIRECTION: 4.0}
    if all(len(in_order(text)) >= 3 for text in texts):
        return {T.ORDERING: 5.0}
    joined = " ".join(texts).lower()
    if re.search(r"\b(building|tree|bridge|house|roof)\b", joined):
        return {T.OCCLUSION: 1.5}
    return {}


def best(found: Mapping[T, float]) -> tuple[T, float] | None:
    """The most typical task and how far it is ahead of the next; ``None`` where nothing is typical."""
    ranked = sorted(found.items(), key=lambda item: -item[1])
    (task, worth), (_, second) = ranked[0], ranked[1]
    return (task, worth - second) if worth >= MIN_WORTH else None


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Words that patterns look for, and common ones that mean nothing here."""
    words = {word for rules in read_rules().values() for pattern, _ in rules for word in _letters(pattern)}
    return frozenset(words | COMMON)


def _letters(pattern: re.Pattern[str]) -> list[str]:
    return re.findall(r"[a-z]{4,}", re.sub(r"\\[a-z]", " ", pattern.pattern))
