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
from rs_copilot.vlm.short_answers import NO, YES, read_count, read_letter, read_presence

_ABSTAINS = re.compile(
    r"\b(?:unknown|unsure|not sure|unclear|unanswerable|don'?t know|do not know)\b"
    r"|\b(?:cannot|can'?t|can not|could not|unable to|impossible to)\b"
    r".{0,20}\b(?:say|tell|determined?|answer(?:ed)?|know|identify|seen?)\b"
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


def is_contained(said: str, truth: str) -> bool:
    """The rule of GeoChat's suites: the truth stands anywhere in what was said."""
    return normal(truth) in normal(said)


def is_contained_either_way(said: str, truth: str) -> bool:
    """The rule of VHM's suites. A single letter, even an empty answer, counts as right."""
    return normal(truth) in normal(said) or normal(said) in normal(truth)


def abstains(text: str) -> bool:
    """Whether an answer says that it cannot be given."""
    return _ABSTAINS.search(text.lower()) is not None


def kind_of(truth: str, choices: Sequence[str] = ()) -> Kind:
    """What sort of answer is wanted, by the true one."""
    if choices or re.fullmatch(r"\s*[A-E]\s*\.?\s*", truth):
        return Kind.LETTER
    word = normal(truth)
    if word in YES | NO:
        return Kind.YES_NO
    is_number = word.isalpha() and word != "none" and read_count(word) is not None
    return Kind.COUNT if is_number or word.isdecimal() else Kind.TEXT


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

    Counts are right where the numbers are equal; letters and yes or no where `vlm.short_answers` reads the
    true one; everything else where the words are the same.
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
        return read_presence(text)
    if kind is Kind.LETTER:
        return read_letter(text)
    return read_count(text) if kind is Kind.COUNT else plain_label(text) or None


def share(flags: Sequence[bool]) -> float:
    """How many of them hold, 0 to 1; NaN of none."""
    return float(np.mean(flags)) if len(flags) else float("nan")


def mean_share(shares: Mapping[str, float]) -> float:
    """The plain mean of the shares there are, each group with the same weight; NaN of none."""
    known = [value for value in shares.values() if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
