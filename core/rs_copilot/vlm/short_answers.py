"""Answers without places: a letter, a scene, yes or no, a number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz, process

from rs_copilot.vlm.parsing.labels import plain_label
from rs_copilot.vlm.parsing.thought import split_thought

# A short answer stands at the beginning; what follows is not read.
MAX_READ = 2000
YES, NO = frozenset({"yes", "true"}), frozenset({"no", "false"})
_WORD = re.compile(r"[a-z]+")
# By certainty: nothing else said, after "answer", with a mark as in "(B)" or "B.", by itself.
_LETTERS = (
    re.compile(r"^\W{0,9}([A-Za-z])\W{0,9}$"),
    re.compile(r"\b(?i:answer|option|choice|letter)\b\W{0,9}(?:is\b\W{0,9})?([A-Z])\b"),
    re.compile(r"(?:^|[\s(\[*])([A-Z])(?:[).:\]*]|$)"),
    re.compile(r"(?<![A-Za-z'])([A-Z])(?![A-Za-z'])"),
)
_MARKS = re.compile(r"[^\w ]")
_WHOLE = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3}){1,3}(?![\d,])|\d{1,12}")
_ONES = "zero one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(f"{_ONES} {_TEENS}".split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), start=2)
}
_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000}


def read_letter(text: str, letters: str = "ABCDE") -> str | None:
    """The letter of a choice: alone, or after "answer", or marked as in "(B)", or the first one by itself.

    Args:
        text: the whole answer.
        letters: capitals that are possible.
    """
    answer = _answer(text)
    found = (match[1].upper() for pattern in _LETTERS for match in pattern.finditer(answer))
    return next((letter for letter in found if letter in letters), None)


def first_letter(text: str, letters: str = "ABCDE") -> str | None:
    """The first of the capitals anywhere, even inside a word: as benchmarks take it."""
    return next((sign for sign in split_thought(text)[1] if sign in letters), None)


def read_scene(text: str, classes: Sequence[str], min_match: float = 80.0) -> str | None:
    """The class that an answer names: exactly, or as the only one among its words, or nearly.

    Of classes that contain each other, as "dense residential" and "residential", the longest counts.
    ``min_match`` is the least similarity, 0 to 100 (``fuzz.ratio``).
    """
    said = plain_label(_answer(text))
    plain = [plain_label(name) for name in classes]
    if said in plain:
        return classes[plain.index(said)]
    words = _MARKS.sub(" ", said)
    within = [number for number, name in enumerate(plain) if _stands_in(name, words)]
    within = [n for n in within if not any(n != m and _stands_in(plain[n], plain[m]) for m in within)]
    if within:
        return classes[within[0]] if len(within) == 1 else None
    found = process.extractOne(said, plain, scorer=fuzz.ratio, score_cutoff=min_match)
    return None if found is None else classes[found[2]]


def read_presence(text: str) -> bool | None:
    """Yes or no; ``None`` where an answer says neither or both."""
    words = set(_WORD.findall(_answer(text).lower()))
    yes, no = bool(words & YES), bool(words & NO)
    return yes if yes != no else None


def read_count(text: str) -> int | None:
    """The first whole number, in digits or English words; "none" and "no" are 0 where there is no number."""
    answer = _answer(text).lower()
    tokens = list(_WORD.finditer(answer))
    digits = _WHOLE.search(answer)
    first = next((at for at, word in enumerate(tokens) if word[0] in _SMALL or word[0] in _LARGE), None)
    if digits is not None and (first is None or digits.start() < tokens[first].start()):
        return int(digits[0].replace(",", ""))
    if first is not None:
        return _spelt([word[0] for word in tokens[first:]])
    return 0 if {"no", "none"} & {word[0] for word in tokens} else None


def _answer(text: str) -> str:
    return split_thought(text)[1][:MAX_READ].strip()


def _stands_in(name: str, said: str) -> bool:
    return bool(name) and f" {name} " in f" {said} "


def _spelt(words: Sequence[str]) -> int:
    """The number that the words begin with; "and" may stand between."""
    total = part = 0
    for word in words:
        if word in _SMALL:
            part += _SMALL[word]
        elif word == "hundred":
            part = max(part, 1) * 100
        elif word in _LARGE:
            total, part = total + max(part, 1) * _LARGE[word], 0
        elif word != "and":
            break
    return total + part
