"""What is said to a model that plans. The words are data, with a version that answers are noted with."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.reasoning.operations.table import Operation
from rs_copilot.reasoning.program import OPERATIONS
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import SpatialTask

WORDS = Path(__file__).with_name("words") / "plan.json"
# More choices and longer ones than these are not told: a model would not keep them apart.
MAX_CHOICES, MAX_CHOICE = 26, 200


class Example(BaseModel):
    """A question, and what a model shall say to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    answer: Mapping[str, Any]


class PlanWords(BaseModel):
    """Lines of all that is said. Fields in braces are filled in; lines that stay empty are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    version: int = Field(ge=1)
    system: tuple[str, ...]
    examples: tuple[Example, ...]
    user: tuple[str, ...]
    map: str
    repair: tuple[str, ...]
    phrase: tuple[str, ...]


@cache
def plan_words() -> PlanWords:
    """The words that come with the engine."""
    return PlanWords.model_validate_json(WORDS.read_bytes())


def filled(lines: Sequence[str], values: Mapping[str, str]) -> str:
    """Lines with their fields filled in. What looks like a field in a value stays as it is."""
    field = re.compile("{(" + "|".join(values) + ")}")
    said = (field.sub(lambda found: values[found[1]], line) for line in lines)
    return "\n".join(line for line in said if line)


def system_words(without: Collection[str] = ()) -> str:
    """What a model is told of its part: the same for every scene, so that it is read once.

    Args:
        without: operations that there is no use for.
    """
    words = plan_words()
    known = (operation for name, operation in sorted(OPERATIONS.items()) if name not in without)
    return filled(
        words.system,
        {
            "tasks": ", ".join(f'"{task.value}"' for task in SpatialTask),
            "operations": "\n".join(map(_operation, known)),
            "examples": "\n".join(f"{item.question}\n{json.dumps(item.answer)}" for item in words.examples),
        },
    )


def _operation(operation: Operation) -> str:
    """An operation in one line."""
    takes = ", ".join(
        f"{key}{'?' if item.optional else ''}: {'|'.join(item.words) if item.words else item.sort.value}"
        for key, item in operation.takes.items()
    )
    return f"{operation.name}({takes}) -> {operation.gives.value}: {operation.meaning}"


def question_words(question: Question, summary: str, prior: str, *, has_map: bool) -> str:
    """What a model is asked, after what there is in the scene."""
    words = plan_words()
    chosen = list(question.choices.items())[:MAX_CHOICES]
    choices = "; ".join(f"{letter}: {text[:MAX_CHOICE]}" for letter, text in chosen)
    return filled(
        words.user,
        {
            "summary": summary,
            "map": words.map if has_map else "",
            "prior": prior,
            "question": " ".join(question.text.split()),
            "choices": f"Choices: {choices}" if choices else "",
        },
    )
