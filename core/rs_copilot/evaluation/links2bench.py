"""Scores of LinkS2-style question sets: accuracy, mean relative accuracy, and accuracy within a second.

The metric follows from the kind of answer (arXiv 2604.02020 names the three): numbers are scored by mean
relative accuracy with the thresholds of VSI-Bench, in whole numbers since binary fractions fall on the wrong
side of its borders; moments are right within one second; everything else is right or wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rs_copilot.reasoning.question import QuestionItem
from rs_copilot.reasoning.tasks import AnswerKind, Dimension, PoseTask, SpatialTask, Task

THRESHOLDS = 10
WITHIN_S = 1.0
# Numbers are compared after rounding to this many parts: what was measured in floating point is not finer.
PARTS = 10**6


@dataclass(frozen=True)
class Given:
    """What was answered: a letter, a number, seconds or text; ``None`` where no answer could be read."""

    value: str | float | None
    abstained: bool = False


@dataclass(frozen=True)
class Tally:
    """Scores of some questions. ``accuracy`` is the mean score of those that can be answered."""

    asked: int
    accuracy: float
    unread: int
    abstained: int


@dataclass(frozen=True)
class Report:
    """Scores of a set. Micro is over questions, macro the mean over tasks.

    Abstaining is right where a question cannot be answered: precision is over abstentions, recall over such
    questions; NaN where there are none.
    """

    tasks: Mapping[Task, Tally]
    dimensions: Mapping[Dimension, float]
    micro: float
    macro: float
    abstention_precision: float
    abstention_recall: float
    unanswerable: int


def mean_relative_accuracy(given: float, true: float) -> float:
    """The share of thresholds t of 0.50, 0.55, … 0.95 for which the relative error is below 1 - t.

    A truth of 0 is met by 0 only.
    """
    if not math.isfinite(given):
        return 0.0
    if true == 0:
        return float(given == 0)
    off = abs(Fraction(round(given * PARTS), PARTS) - Fraction(round(true * PARTS), PARTS))
    scale = abs(Fraction(round(true * PARTS), PARTS))
    return sum(20 * off < (THRESHOLDS - step) * scale for step in range(THRESHOLDS)) / THRESHOLDS


def is_within_a_second(given: float, true: float | tuple[float, float]) -> bool:
    """Whether a moment is at most one second from the true one, or from the true interval."""
    start, end = true if isinstance(true, tuple) else (true, true)
    return bool(max(start - given, given - end, 0.0) <= WITHIN_S + 1e-9)


def score(item: QuestionItem, given: Given) -> float:
    """What an answer to an answerable question is worth, 0 to 1."""
    if given.abstained or given.value is None or item.answer is None:
        return 0.0
    if item.kind is AnswerKind.NUMBER or item.kind is AnswerKind.TIMESTAMP:
        value = _number(given.value)
        if value is None:
            return 0.0
        if item.kind is AnswerKind.TIMESTAMP:
            true = item.answer if isinstance(item.answer, tuple) else float(item.answer)
            return float(is_within_a_second(value, true))
        return mean_relative_accuracy(value, float(item.answer))  # type: ignore[arg-type]  # numbers have one
    return float(str(given.value).strip().lower() == str(item.answer).strip().lower())


def _number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def report(items: Sequence[QuestionItem], given: Sequence[Given]) -> Report:
    """Scores of a question set."""
    pairs = list(zip(items, given, strict=True))
    can = [(item, answer) for item, answer in pairs if item.answerable]
    scores: dict[Task, list[float]] = {
        task: [score(i, a) for i, a in can if i.task is task] for task in (*SpatialTask, *PoseTask)
    }
    tasks = {
        task: Tally(
            len(values),
            float(np.mean(values)),
            sum(a.value is None and not a.abstained for i, a in can if i.task is task),
            sum(a.abstained for i, a in can if i.task is task),
        )
        for task, values in scores.items()
        if values
    }
    everything = [value for values in scores.values() for value in values]
    abstained = [not item.answerable for item, answer in pairs if answer.abstained]
    cannot = [answer.abstained for item, answer in pairs if not item.answerable]
    return Report(
        tasks,
        {d: _mean([t.accuracy for task, t in tasks.items() if task.dimension is d]) for d in Dimension},
        _mean(everything),
        _mean([tally.accuracy for tally in tasks.values()]),
        _mean(abstained),
        _mean(cannot),
        len(cannot),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
