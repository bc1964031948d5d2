"""What a planner makes of a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import AnswerKind, Task


@dataclass(frozen=True)
class Plan:
    """A program for a question, and what was understood of it.

    ``understood`` repeats the question in plain words, ``missed`` are words that nothing was made of,
    ``notes`` say what else one should know of how it was made.
    """

    program: Program
    task: Task | None
    kind: AnswerKind
    understood: str
    missed: tuple[str, ...] = ()
    planner: str = "built in"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoPlan:
    """Why nothing could be made of a question, and how it could be put.

    ``is_final``: it was understood, and what it asks for is not known.
    """

    reason: str
    settle: str | None = None
    missed: tuple[str, ...] = ()
    planner: str = "built in"
    notes: tuple[str, ...] = ()
    is_final: bool = False


Planner: TypeAlias = Callable[[Question, Memory], "Plan | NoPlan"]
