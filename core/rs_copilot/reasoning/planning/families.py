"""Which task a question is of, by what comes together in it: concepts, names, moments, marks, choices."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rs_copilot.reasoning.planning import concepts
from rs_copilot.reasoning.planning.phrases import read_phrases
from rs_copilot.reasoning.planning.subjects import CLASSES

# What comes together in questions of a family, and what it is worth.
RULES = Path(__file__).with_name("families.json")
# Below this nothing is typical of any task.
MIN_WORTH = 2.0
# So much less typical a family may be to be tried where nothing comes of the most typical one.
MAX_BEHIND = 2.5
# Nobody needs more letters to say what is asked, and patterns take long on many.
MAX_READ = 1500


@dataclass(frozen=True)
class Rule:
    """Concepts and facts of which one of each group has to be there, others that must not, and a pattern."""

    has: tuple[frozenset[str], ...]
    lacks: frozenset[str]
    pattern: re.Pattern[str] | None
    worth: float

    def holds(self, known: set[str], text: str) -> bool:
        """Whether it applies to a text of which this is known."""
        return (
            all(group & known for group in self.has)
            and not self.lacks & known
            and (self.pattern is None or self.pattern.search(text) is not None)
        )


@dataclass(frozen=True)
class Family:
    """What speaks for and against a family, groups of which one each is needed, and facts that exclude it."""

    needs: tuple[frozenset[str], ...]
    never: frozenset[str]
    rules: tuple[Rule, ...]


@lru_cache(maxsize=1)
def read_rules() -> dict[str, Family]:
    """Families by name: the twelve tasks, and those beyond them."""
    rows = json.loads(RULES.read_text(encoding="utf-8"))["families"]
    return {
        name: Family(_groups(row["needs"]), frozenset(row["never"].split()), tuple(map(_rule, row["rules"])))
        for name, row in rows.items()
    }


def _groups(text: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(group.split("|")) for group in text.split())


def _rule(row: Mapping[str, str | float]) -> Rule:
    pattern = row.get("pattern")
    return Rule(
        _groups(str(row["has"])),
        frozenset(str(row.get("lacks", "")).split()),
        None if pattern is None else re.compile(str(pattern)),
        float(row["worth"]),
    )


def scores(text: str, facts: set[str]) -> dict[str, float]:
    """How typical a question is of each family that its facts do not exclude."""
    line = text[:MAX_READ]
    known = facts | concepts.concepts_of(line)
    return {
        name: sum(rule.worth for rule in family.rules if rule.holds(known, line))
        for name, family in read_rules().items()
        if not family.never & facts and all(group & known for group in family.needs)
    }


def ranked(found: Mapping[str, float]) -> list[str]:
    """Families that a question may be of, the most typical first; none where nothing is typical."""
    order = sorted(found, key=lambda name: -found[name])
    least = max(MIN_WORTH, found[order[0]] - MAX_BEHIND) if order else MIN_WORTH
    return [name for name in order if found[name] >= least]


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Words that something is made of, and common ones that mean nothing here."""
    return sought() | frozenset(str(read_phrases()["common"]).split())


@lru_cache(maxsize=1)
def sought() -> frozenset[str]:
    """Words that patterns and tables look for."""
    table = read_phrases()
    patterns = [row["pattern"] for name in ("events", "crossings") for row in table[name]]
    patterns += [*table["words"].values(), str(table["spelt"])]
    patterns += [
        rule.pattern.pattern for family in read_rules().values() for rule in family.rules if rule.pattern
    ]
    words = {word for pattern in patterns for word in _letters(pattern)}
    return frozenset(words | concepts.words() | set(CLASSES) | {f"{word}s" for word in CLASSES})


def _letters(pattern: str) -> list[str]:
    return re.findall(r"[a-z]{4,}(?![a-z]*\\w)", re.sub(r"\\[bsdWS]", " ", pattern))
