"""What words of a question are about: seeing, hiding, going, where, when, and so on."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

CONCEPTS = Path(__file__).with_name("concepts.json")
VOWELS = "aeiou"


@lru_cache(maxsize=1)
def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(CONCEPTS.read_text(encoding="utf-8"))["concepts"]
    return found


@lru_cache(maxsize=1)
def _by_word() -> dict[str, tuple[str, ...]]:
    """Names of concepts by the words that stand for them."""
    found: dict[str, list[str]] = {}
    for name, row in _read().items():
        for word in forms_of(row):
            found.setdefault(word, []).append(name)
    return {word: tuple(names) for word, names in found.items()}


@lru_cache(maxsize=1)
def _by_phrase() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (name, re.compile(rf"(?<![a-z])(?:{'|'.join(row['phrases'])})(?![a-z])"))
        for name, row in _read().items()
        if row.get("phrases")
    )


def forms_of(row: dict[str, Any]) -> set[str]:
    """All forms of the words of a concept."""
    made = {form for word in str(row.get("words", "")).split() for form in inflected(word)}
    return made | set(str(row.get("forms", "")).split())


def inflected(word: str) -> set[str]:
    """A word with its regular endings; some of them are no words, which does no harm."""
    stem = word.removesuffix("e")
    found = {word, f"{word}s", f"{stem}ing", f"{stem}ed"}
    if word.endswith(("s", "x", "ch", "sh", "o")):
        found.add(f"{word}es")
    if word.endswith("y") and word[-2] not in VOWELS:
        found |= {f"{word[:-1]}ies", f"{word[:-1]}ied"}
    if word[-1] in "bdglmnprt" and word[-2] in VOWELS and word[-3:-2] not in VOWELS:
        found |= {f"{word}{word[-1]}ed", f"{word}{word[-1]}ing"}
    return found


@lru_cache(maxsize=1)
def words() -> frozenset[str]:
    """All words of all concepts."""
    phrases = [phrase for row in _read().values() for phrase in row.get("phrases", [])]
    letters = {
        word for phrase in phrases for word in re.findall(r"[a-z]{4,}", re.sub(r"\\[bwWsd]", " ", phrase))
    }
    return frozenset(_by_word()) | letters


def concepts_of(text: str) -> set[str]:
    """Names of the concepts that a text in small letters speaks of."""
    by_word = _by_word()
    found = {name for word in re.findall(r"[a-z/-]+", text) for name in by_word.get(word, ())}
    return found | {name for name, pattern in _by_phrase() if pattern.search(text)}


@lru_cache(maxsize=8)
def any_of(name: str) -> str:
    """A pattern that finds any word or phrase of a concept."""
    row = _read()[name]
    return "|".join([*row.get("phrases", ()), *sorted(forms_of(row), key=len, reverse=True)])
