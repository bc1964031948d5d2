"""What went wrong with an answer, as far as scores can tell.

The classes follow the error analysis of LinkS2Bench (arXiv 2604.02020), which names only the largest, errors
of spatial alignment (46 % of those that it looked at); the other classes are ours.
"""

from __future__ import annotations

from enum import Enum

from rs_copilot.evaluation.links2bench import Given, score
from rs_copilot.reasoning.question import QuestionItem
from rs_copilot.reasoning.tasks import AnswerKind, Dimension, SpatialTask

# A number that is worth less than this is a failure.
ENOUGH = 0.5


class Failure(str, Enum):
    """Why an answer is wrong.

    ``alignment``: right where every frame is placed exactly. The others are wrong there, too: ``temporal`` at
    the wrong time, ``recognition`` of the wrong things, ``relation`` a wrong distance or direction or a wrong
    hider, ``reasoning`` anything else. ``abstain``: nothing was said though there is an answer; ``format``:
    no answer could be read.
    """

    ALIGNMENT = "alignment"
    TEMPORAL = "temporal"
    RECOGNITION = "recognition"
    RELATION = "relation"
    REASONING = "reasoning"
    FORMAT = "format"
    ABSTAIN = "abstain"


def failure_of(item: QuestionItem, given: Given, exact: Given) -> Failure | None:
    """What went wrong, ``None`` if nothing did; ``exact`` is the answer with every frame placed exactly."""
    if _is_right(item, given):
        return None
    if _is_right(item, exact):
        return Failure.ALIGNMENT
    if given.abstained or given.value is None:
        return Failure.ABSTAIN if given.abstained else Failure.FORMAT
    return _of_content(item)


def _of_content(item: QuestionItem) -> Failure:
    if item.kind is AnswerKind.TIMESTAMP:
        return Failure.TEMPORAL
    if item.task is SpatialTask.COUNTING:
        return Failure.RECOGNITION
    return Failure.RELATION if item.task.dimension is Dimension.RELATION else Failure.REASONING


def _is_right(item: QuestionItem, given: Given) -> bool:
    return score(item, given) >= ENOUGH if item.answerable else given.abstained
