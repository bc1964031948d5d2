"""Slips of the finger: words that nobody knows, one change away from a word that patterns look for."""

from __future__ import annotations

import re
from collections.abc import Collection

from rapidfuzz import process
from rapidfuzz.distance import OSA

# Shorter words are too alike, "stop" and "shop": only letters that changed places are mended in them.
MIN_LETTERS = 5
# So long a word may have two slips.
LONG_WORD = 10
WORD = re.compile(r"(?<![\w⟦'])[a-z]{4,}(?![\w⟧'])|^[A-Z][a-z]{3,}\b")
# More than so many words are no question that a slip of the finger keeps from being understood.
MAX_WORDS = 200


def mended(text: str, known: Collection[str], wanted: Collection[str]) -> str:
    """A text in which unknown words in small letters are replaced by the wanted word that they nearly are.

    ``known`` are words that are left as they are, ``wanted`` those that patterns look for. A slip is a letter
    too many, one missing, a wrong one, or two that changed places; the first letter is nearly always right.
    """
    budget = MAX_WORDS
    by_letter: dict[str, list[str]] = {}
    for word in wanted:
        by_letter.setdefault(word[0], []).append(word)

    def better(match: re.Match[str]) -> str:
        nonlocal budget
        word = match[0].lower()
        if word in known or word in wanted or budget <= 0:
            return match[0]
        budget -= 1
        slips = 2 if len(word) >= LONG_WORD else 1
        hit = process.extractOne(
            word, by_letter.get(word[0], ()), scorer=OSA.distance, score_cutoff=slips, processor=None
        )
        if hit is None or (len(word) < MIN_LETTERS and sorted(word) != sorted(hit[0])):
            return match[0]
        return str(hit[0])

    return WORD.sub(better, text)
