"""How well questions of the twelve tasks are answered, measured against a question set with answers."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.failures import failure_of
from rs_copilot.evaluation.links2bench import Given, Report, report
from rs_copilot.evaluation.shuffling import agreement, in_order, letter_entropy, said
from rs_copilot.jobs.ask_model import Files, ModelWishes, open_planning
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_priors import PriorKind, open_set_priors
from rs_copilot.jobs.priors import Priors, prior_for
from rs_copilot.jobs.shelf import shelf_of
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.question import Question, QuestionItem, QuestionSet
from rs_copilot.reasoning.scene import read_memory
from rs_copilot.reasoning.tasks import Dimension

ORACLE = "oracle.gpkg"


class EvalLinks2BenchParams(ModelWishes):
    """Question sets, and the scenes that they are asked of.

    Each of ``questions`` is a file in the format of ``questions.json`` of `simulate`. ``scene`` is the name
    of the scene beside it; with ``localization`` ``oracle`` a scene is made from the world's truth instead.
    With ``failures`` everything is asked of that scene as well, to tell what failures are due to. With
    ``shuffles`` questions with choices are asked so many times more, their choices in other orders. ``out``
    gets every answer, a JSON line each, and the scores lie beside it in ``….report.json``. A model that plans
    sees the map of the set and the clip, and is told each of ``prior`` in a run of its own; the first is what
    the scores are of, the others stand beside it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    questions: list[Path]
    scene: str = "scene.gpkg"
    localization: Literal["own", "oracle"] = "own"
    failures: bool = False
    shuffles: int = Field(0, ge=0, le=20)
    prior: list[PriorKind] = Field(default=[PriorKind.NONE], min_length=1)
    out: Path | None = None


class TaskResult(BaseModel):
    """One task: questions that can be answered, their mean score, and how many were not answered."""

    name: str
    dimension: str
    asked: int
    accuracy: float
    abstained: int
    unread: int


class ConditionResult(BaseModel):
    """Scores with one prior: overall, by dimension and by task, what was not answered, and abstentions."""

    prior: PriorKind
    micro: float
    macro: float
    dimensions: dict[str, float]
    tasks: dict[str, float]
    abstained: int
    unread: int
    abstention_precision: float
    abstention_recall: float


class EvalLinks2BenchResult(BaseModel):
    """Scores by task and dimension; micro is over questions, macro over tasks."""

    sets: int
    questions: int
    micro: float
    macro: float
    dimensions: dict[str, float]
    tasks: list[TaskResult]
    unanswerable: int
    abstention_precision: float
    abstention_recall: float
    failures: dict[str, int]
    letter_entropy: float | None = None
    agreement: float | None = None
    conditions: list[ConditionResult]
    predictions: str | None
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        lines = [f"{item.name:26} {100 * item.accuracy:5.1f} % of {item.asked}" for item in self.tasks]
        lines += [
            f"all questions {100 * self.micro:.1f} %, mean of tasks {100 * self.macro:.1f} %",
            f"abstention: precision {100 * self.abstention_precision:.1f} %, "
            f"recall {100 * self.abstention_recall:.1f} % of {self.unanswerable}",
        ]
        if self.agreement is not None:
            lines.append(f"the same answer with choices in another order: {100 * self.agreement:.1f} %")
        if self.failures:
            found = ", ".join(f"{name} {count}" for name, count in self.failures.items())
            lines.append(f"failures: {found}")
        return "\n".join(lines + self._side_by_side())

    def _side_by_side(self) -> list[str]:
        """A line for each task with the scores under each prior."""
        if len(self.conditions) < 2:
            return []
        rows = [("prior", [item.prior.value for item in self.conditions])]
        rows += [
            (task.name, [f"{100 * item.tasks[task.name]:.1f} %" for item in self.conditions])
            for task in self.tasks
        ]
        for name in ("micro", "macro", "abstention_precision", "abstention_recall"):
            shown = [f"{100 * getattr(item, name):.1f} %" for item in self.conditions]
            rows.append((name.replace("_", " "), shown))
        for name in ("abstained", "unread"):
            rows.append((name, [str(getattr(item, name)) for item in self.conditions]))
        return [f"{name:26}" + "".join(f"{value:>10}" for value in values) for name, values in rows]


def run(params: EvalLinks2BenchParams, context: JobContext) -> EvalLinks2BenchResult:
    """Ask every question and score the answers.

    Raises:
        BadInputError: a file is no question set.
        SceneError: a scene is missing.
        MissingDependencyError: the model that is asked for is not here.
    """
    with shelf_of(context) as shelf:
        # The model stays for the next set and the next prior.
        held = replace(context, shelf=shelf)
        runs = _runs(params, held)
    conditions = [_condition(kind, report(run.items, run.given)) for kind, run in runs.items()]
    first = runs[params.prior[0]]
    result = _result(report(first.items, first.given), len(params.questions), params.out, context)
    result = result.model_copy(
        update={
            "failures": dict(first.failures.most_common()),
            "conditions": conditions,
            "agreement": _number(agreement(first.groups)),
            "letter_entropy": _number(letter_entropy(first.items, first.given)),
        }
    )
    if params.out is not None:
        records = [record for run in runs.values() for record in run.records]
        params.out.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        params.out.with_suffix(".report.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
    return result


@dataclass
class _Run:
    """All questions with one prior: what was asked and answered, as rows for people too."""

    items: list[QuestionItem] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    records: list[dict[str, object]] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    groups: list[list[str | None]] = field(default_factory=list)

    def add(self, item: QuestionItem, answer: Answer, failure: str | None, **more: str) -> None:
        """One more question with its answer."""
        self.items.append(item)
        self.given.append(_given(answer))
        self.failures.update([failure] if failure else [])
        self.records.append(
            {
                "id": item.id, "task": item.task.value, "text": item.text,
                "answer": item.answer, "answerable": item.answerable, "given": answer.value,
                "abstained": answer.abstained, "reason": answer.reason, "understood": answer.understood,
                "confidence": answer.confidence, "failure": failure, "planner": answer.planner, **more,
            }
        )  # fmt: skip


def _runs(params: EvalLinks2BenchParams, context: JobContext) -> dict[PriorKind, _Run]:
    """Everything asked with each prior, set by set."""
    runs = {kind: _Run() for kind in params.prior}
    total = len(params.questions) * len(runs)
    for number, path in enumerate(params.questions):
        questions = read_question_set(path)
        truth = partial(_memory, path.parent, questions, None)
        with open_set_priors(path.parent, questions, truth, context) as priors:
            for place, (kind, run) in enumerate(runs.items()):
                context.progress(number * len(runs) + place, total, f"asking {path}, prior {kind.value}")
                told = priors.of(kind)
                answers = _answers(path, questions, params, context, told)
                failures = _failures(path, questions, params, answers, context, told)
                again = [
                    _answers(path, questions, params, context, told, k + 1) for k in range(params.shuffles)
                ]
                run.groups += _said_again(questions.questions, [answers, *again] if again else [])
                for item, answer, failure in zip(questions.questions, answers, failures, strict=True):
                    run.add(item, answer, failure, set=str(path), prior=kind.value)
    return runs


def read_question_set(path: Path) -> QuestionSet:
    """Questions with answers from a file.

    Raises:
        BadInputError: it cannot be read, or is something else.
    """
    try:
        return QuestionSet.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(
            f"{path} is no question set: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            hint="Give a questions.json that `rs-copilot simulate` wrote.",
        ) from error


def _said_again(items: Sequence[QuestionItem], rounds: Sequence[Sequence[Answer]]) -> list[list[str | None]]:
    """What was said to each question with choices, as they stood and in every other order of them."""
    return [
        [said(in_order(item.choices, k, place), _given(answers[place])) for k, answers in enumerate(rounds)]
        for place, item in enumerate(items)
        if item.choices and rounds
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _answers(
    path: Path,
    questions: QuestionSet,
    params: EvalLinks2BenchParams,
    context: JobContext,
    priors: Priors | None,
    order: int = 0,
) -> list[Answer]:
    """Answers to all questions of a set, in order. The planner hears neither task nor kind."""
    folder = path.parent
    is_oracle = params.localization == "oracle"
    memory = _memory(folder, questions, None if is_oracle else params.scene)
    files = Files(folder / questions.clip, str(folder / questions.satellite))
    answers = []
    prior_of = None if priors is None else partial(prior_for, priors)
    at = None if priors is None else priors.at
    with open_planning(params, context, lambda: files, prior_of=prior_of) as planning:
        for place, item in enumerate(questions.questions):
            context.check()
            choices = in_order(item.choices, order, place)
            asked = Question(text=item.text, choices=choices, marks=item.marks)
            answers.append(ask(asked, memory, planning.planner, planning.eyes, at))
    return answers


def _memory(folder: Path, questions: QuestionSet, scene: str | None) -> Memory:
    """What is known: from the scene of that name, or without one from that of exact truth."""
    path = _oracle(folder, questions) if scene is None else folder / scene
    layers = {name: str(folder / place) for name, place in questions.layers.items()}
    return read_memory(str(path), None, layers)


def _failures(
    path: Path,
    questions: QuestionSet,
    params: EvalLinks2BenchParams,
    answers: Sequence[Answer],
    context: JobContext,
    priors: Priors | None,
) -> Sequence[str | None]:
    """What went wrong with every answer, where that is wanted."""
    if not params.failures:
        return [None] * len(answers)
    exact = _answers(path, questions, params.model_copy(update={"localization": "oracle"}), context, priors)
    found = [
        failure_of(item, _given(answer), _given(best))
        for item, answer, best in zip(questions.questions, answers, exact, strict=True)
    ]
    return [None if failure is None else failure.value for failure in found]


def _oracle(folder: Path, questions: QuestionSet) -> Path:
    """The scene of exact truth, made once."""
    from rs_copilot.evaluation.oracle_scene import write_oracle_scene
    from rs_copilot.video.clip import open_clip

    scene = folder / ORACLE
    if not scene.exists():
        with open_clip(folder / questions.clip) as clip:
            size = clip.info.size
        write_oracle_scene(folder / "truth.gpkg", size, questions.clip, scene)
    return scene


def _given(answer: Answer) -> Given:
    return Given(answer.value, answer.abstained)


def _condition(kind: PriorKind, found: Report) -> ConditionResult:
    return ConditionResult(
        prior=kind,
        micro=found.micro,
        macro=found.macro,
        dimensions=_known(found.dimensions),
        tasks={task.value: tally.accuracy for task, tally in found.tasks.items()},
        abstained=sum(tally.abstained for tally in found.tasks.values()),
        unread=sum(tally.unread for tally in found.tasks.values()),
        abstention_precision=found.abstention_precision,
        abstention_recall=found.abstention_recall,
    )


def _known(dimensions: Mapping[Dimension, float]) -> dict[str, float]:
    return {key.value: value for key, value in dimensions.items() if not math.isnan(value)}


def _result(found: Report, sets: int, out: Path | None, context: JobContext) -> EvalLinks2BenchResult:
    return EvalLinks2BenchResult(
        sets=sets,
        questions=sum(tally.asked for tally in found.tasks.values()) + found.unanswerable,
        micro=found.micro,
        macro=found.macro,
        dimensions=_known(found.dimensions),
        tasks=[
            TaskResult(
                name=task.value, dimension=task.dimension.value, asked=tally.asked, accuracy=tally.accuracy,
                abstained=tally.abstained, unread=tally.unread,
            )
            for task, tally in found.tasks.items()
        ],
        unanswerable=found.unanswerable,
        abstention_precision=found.abstention_precision,
        abstention_recall=found.abstention_recall,
        failures={}, conditions=[],
        predictions=None if out is None else str(out),
        warnings=list(context.warnings),
    )  # fmt: skip
