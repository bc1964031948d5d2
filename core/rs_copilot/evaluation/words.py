"""Answers in words, judged without a judge: the same text, a letter, a number, yes or no. Pure.

Each rule exists twice where a published benchmark is more lenient than is honest: the strict one is ours, the
other one only serves to compare with published numbers, and says so by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rs_copilot.vlm.parsing.labels import plain_label

_NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_NUMBERS = {word: value for value, word in enumerate(_NUMBER_WORDS)}
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w.]*\d)|\b(?:" + "|".join(_NUMBER_WORDS) + r")\b")
_YES, _NO = re.compile(r"\b(?:yes|true)\b"), re.compile(r"\b(?:no|false)\b")
_LETTER = re.compile(r"(?<![A-Za-z])[A-E](?![A-Za-z'])")
_ABSTAINS = re.compile(
    r"\b(?:unknown|unsure|not sure|unclear|unanswerable|don'?t know|do not know|impossible to (?:say|tell|determine))"
    r"|\b(?:cannot|can'?t|can not|could not|unable to)\b.{0,20}\b(?:say|tell|determined?|answer(?:ed)?|know|identify|see)\b"
)


class Kind(str, Enum):
    """What sort of answer a question asks for."""

    YES_NO = "yes-no"
    LETTER = "letter"
    COUNT = "count"
    TEXT = "text"


def normal(text: str) -> str:
    """How RSCoVLM's evaluation compares texts: lower case, no blanks and no full stops around."""
    return text.lower().strip().strip(".").strip()


def is_exact(said: str, truth: str) -> bool:
    """The strict rule: the same words, whatever case, hyphens and marks around them."""
    return plain_label(said) == plain_label(truth)


def is_contained(said: str, truth: str) -> bool:
    """The rule of GeoChat's suites: the truth stands anywhere in what was said."""
    return normal(truth) in normal(said)


def is_contained_either_way(said: str, truth: str) -> bool:
    """The rule of VHM's suites. A single letter, even an empty answer, counts as right."""
    return normal(truth) in normal(said) or normal(said) in normal(truth)


def yes_or_no(text: str) -> bool | None:
    """What was said; ``None`` for neither or both."""
    yes, no = _YES.search(text.lower()), _NO.search(text.lower())
    return None if bool(yes) == bool(no) else bool(yes)


def letter_of(text: str) -> str | None:
    """The first of A to E that stands alone."""
    found = _LETTER.search(text)
    return found.group() if found else None


def letter_anywhere(text: str) -> str | None:
    """The first capital A to E, also within a word, as published code reads it."""
    return next((letter for letter in text if letter in "ABCDE"), None)


def count_of(text: str) -> int | None:
    """The first whole number, in digits or as an English word up to twenty."""
    found = _NUMBER.search(text.lower())
    if found is None:
        return None
    return _NUMBERS[found.group()] if found.group() in _NUMBERS else int(found.group())


def abstains(text: str) -> bool:
    """Whether an answer says that it cannot be given."""
    return _ABSTAINS.search(text.lower()) is not None


def kind_of(truth: str, choices: Sequence[str] = ()) -> Kind:
    """What sort of answer is wanted, by the true one."""
    if choices or re.fullmatch(r"\s*[A-E]\s*\.?\s*", truth):
        return Kind.LETTER
    if normal(truth) in {"yes", "no", "true", "false"}:
        return Kind.YES_NO
    return Kind.COUNT if re.fullmatch(r"\d+", normal(truth)) or normal(truth) in _NUMBERS else Kind.TEXT


@dataclass(frozen=True)
class Verdict:
    """One answer: strictly right or not, readable or not, and what more lenient rules say."""

    kind: Kind
    is_right: bool
    is_readable: bool
    is_contained: bool
    is_contained_either_way: bool
    error: float | None = None
    """Of counts: how far off."""


def judge(said: str, truth: str, kind: Kind | None = None) -> Verdict:
    """Judge an answer by the rule of its kind.

    Counts are right where the numbers are equal; letters where the first one that stands alone is the true
    one; yes and no where exactly one of them was said; everything else where the words are the same.
    """
    sort = kind or kind_of(truth)
    found, wanted = _read(said, sort), _read(truth, sort)
    error = None
    if sort is Kind.COUNT and isinstance(found, int) and isinstance(wanted, int):
        error = float(abs(found - wanted))
    return Verdict(
        sort,
        found is not None and found == wanted,
        found is not None,
        is_contained(said, truth),
        is_contained_either_way(said, truth),
        error,
    )


def _read(text: str, kind: Kind) -> str | int | bool | None:
    """What an answer of a kind says."""
    if kind is Kind.YES_NO:
        return yes_or_no(text)
    if kind is Kind.LETTER:
        return letter_of(text)
    return count_of(text) if kind is Kind.COUNT else plain_label(text) or None


def share(flags: Sequence[bool]) -> float:
    """How many of them hold, 0 to 1; NaN of none."""
    return float(np.mean(flags)) if len(flags) else float("nan")


def mean_share(shares: Mapping[str, float]) -> float:
    """The plain mean of the shares there are, each group with the same weight; NaN of none."""
    known = [value for value in shares.values() if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
