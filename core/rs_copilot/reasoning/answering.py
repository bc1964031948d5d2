"""From a plan to an answer: run the program, say its result in words that add nothing, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.choosing import O_CLOCK, choice_of_none, choose
from rs_copilot.reasoning.confidence import calibrated
from rs_copilot.reasoning.eyes import Eyes
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.showing import describe
from rs_copilot.reasoning.plan import NoPlan, Plan, Planner
from rs_copilot.reasoning.prior import PriorAt
from rs_copilot.reasoning.program import run
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Number, Value, Verdict

# Below this a guess would be no better than tossing a coin between two choices.
MIN_CONFIDENCE = 0.45
# That there is nothing of a sort is as sure as that all of it was found.
SURE_OF_NONE = 0.8
MAX_NAMES = 6


def ask(
    question: Question,
    memory: Memory,
    planner: Planner,
    eyes: Eyes | None = None,
    priors: PriorAt | None = None,
) -> Answer:
    """The answer to a question over a scene, or why there is none; see `program.run` for what may help."""
    known = memory.with_marks(question.marks)
    return answered(question, known, planner(question, known), eyes, priors)


def answered(
    question: Question,
    memory: Memory,
    plan: Plan | NoPlan,
    eyes: Eyes | None = None,
    priors: PriorAt | None = None,
) -> Answer:
    """The answer that a plan leads to. ``memory`` holds the question's marks."""
    found = _of_plan(question, memory, plan, eyes, priors)
    return replace(found, notes=(*plan.notes, *found.notes)) if plan.notes else found


def _of_plan(
    question: Question,
    memory: Memory,
    plan: Plan | NoPlan,
    eyes: Eyes | None,
    priors: PriorAt | None,
) -> Answer:
    if isinstance(plan, NoPlan):
        return Answer(
            "", question.task, question.kind or AnswerKind.TEXT, None, abstained=True,
            reason=plan.reason, settle=plan.settle, missed=plan.missed, planner=plan.planner,
        )  # fmt: skip
    try:
        finding = run(plan.program, memory, eyes, priors)
    except CannotTell as unknown:
        letter = choice_of_none(question.choices) if unknown.is_none else None
        if letter is None:
            return _abstained(plan, unknown.reason, unknown.settle, Finding("", 0.0, unknown.evidence))
        text = f"{letter}: {question.choices[letter]} ({unknown.reason})"
        return Answer(
            text, plan.task, plan.kind, letter, None, SURE_OF_NONE, None, unknown.evidence,
            understood=plan.understood, missed=plan.missed, planner=plan.planner,
        )  # fmt: skip
    return _answered(question, plan, finding, memory.views.times_by_file)


def _abstained(plan: Plan, reason: str, settle: str | None, finding: Finding) -> Answer:
    return Answer(
        "", plan.task, plan.kind, None, evidence=finding.evidence, abstained=True, reason=reason,
        settle=settle, understood=plan.understood, missed=plan.missed, planner=plan.planner,
        confidence=finding.chance, notes=finding.notes,
    )  # fmt: skip


def _answered(question: Question, plan: Plan, finding: Finding, times_by_file: Mapping[str, float]) -> Answer:
    value: str | float | None
    unit, error = None, None
    if question.choices:
        value = choose(finding.value, question.choices, times_by_file)
        if value is None:
            return _abstained(plan, f"none of the choices says {in_words(finding.value)}", None, finding)
        text = f"{value}: {question.choices[value]} ({in_words(finding.value)})"
    else:
        value, unit, error = of_value(finding.value)
        text = in_words(finding.value)
    if finding.chance < MIN_CONFIDENCE:
        return _abstained(plan, f"it is too uncertain: perhaps {in_words(finding.value)}", None, finding)
    confidence = finding.chance if finding.is_measured else calibrated(finding.chance)
    return Answer(
        text, plan.task, plan.kind, value, unit, confidence, error, finding.evidence,
        understood=plan.understood, missed=plan.missed, planner=plan.planner, notes=finding.notes,
        stated=finding.chance,
    )  # fmt: skip


def of_value(value: Value) -> tuple[str | float | None, str | None, float | None]:
    """A value for machines, its unit, and its error."""
    if isinstance(value, Number):
        return value.value, value.unit or None, value.error or None
    if isinstance(value, Moments):
        return value.first_s, "s", value.error_s or None
    if isinstance(value, Verdict):
        return "yes" if value.holds else "no", None, None
    if isinstance(value, str):
        return value, None, None
    return ", ".join(describe(item) for item in value), None, None


def in_words(value: Value) -> str:
    """A value for people, with unit and uncertainty."""
    if isinstance(value, Verdict):
        return "yes" if value.holds else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, Moments):
        return _moments(value)
    if not value:
        return "nothing"
    names = ", ".join(describe(item) for item in value[:MAX_NAMES])
    return names + (f" and {len(value) - MAX_NAMES} more" if len(value) > MAX_NAMES else "")


def _number(value: Number) -> str:
    if not value.unit or value.unit == O_CLOCK:
        return f"{value.value:.0f} {value.unit}".rstrip()
    digits = 0 if abs(value.value) >= 20 else 1
    error = f" ± {value.error:.{digits}f}" if value.error >= 0.05 else ""
    gap = "" if value.unit == "°" else " "
    return f"{value.value:.{digits}f}{error}{gap}{value.unit}"


def _moments(value: Moments) -> str:
    said = [
        f"{start:.1f} s" if end - start < 0.05 else f"{start:.1f} to {end:.1f} s"
        for start, end in value.spans_s
    ]
    error = f" (± {value.error_s:.1f} s)" if value.error_s >= 0.05 else ""
    return ", ".join(said[:MAX_NAMES]) + error
