"""How well questions of the twelve tasks are answered, measured against a question set with answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.failures import failure_of
from rs_copilot.evaluation.links2bench import Given, Report, report
from rs_copilot.evaluation.records import write_json, write_lines
from rs_copilot.jobs.context import JobContext
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.question import Question, QuestionSet
from rs_copilot.reasoning.scene import read_memory

ORACLE = "oracle.gpkg"


class EvalLinks2BenchParams(BaseModel):
    """Question sets, and the scenes that they are asked of.

    Each of ``questions`` is a file in the format of ``questions.json`` of `simulate`. ``scene`` is the name
    of the scene beside it; with ``localization`` ``oracle`` a scene is made from the world's truth instead.
    With ``failures`` everything is asked of that scene as well, to tell what failures are due to. ``out``
    gets every answer, a JSON line each, and the scores lie beside it in ``….report.json``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    questions: list[Path]
    scene: str = "scene.gpkg"
    localization: Literal["own", "oracle"] = "own"
    failures: bool = False
    out: Path | None = None


class TaskResult(BaseModel):
    """One task: questions that can be answered, their mean score, and how many were not answered."""

    name: str
    dimension: str
    asked: int
    accuracy: float
    abstained: int
    unread: int


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
        if self.failures:
            found = ", ".join(f"{name} {count}" for name, count in self.failures.items())
            lines.append(f"failures: {found}")
        return "\n".join(lines)


def run(params: EvalLinks2BenchParams, context: JobContext) -> EvalLinks2BenchResult:
    """Ask every question and score the answers.

    Raises:
        BadInputError: a file is no question set.
        SceneError: a scene is missing.
        StorageError: the answers cannot be written.
    """
    items, given, records = [], [], []
    failures: Counter[str] = Counter()
    for number, path in enumerate(params.questions):
        context.progress(number, len(params.questions), f"asking {path}")
        questions = read_question_set(path)
        answers = _answers(path, questions, params)
        for item, answer, failure in zip(
            questions.questions, answers, _failures(path, questions, params, answers), strict=True
        ):
            items.append(item)
            given.append(_given(answer))
            failures.update([failure] if failure else [])
            records.append(
                {
                    "set": str(path), "id": item.id, "task": item.task.value, "text": item.text,
                    "answer": item.answer, "answerable": item.answerable, "given": answer.value,
                    "abstained": answer.abstained, "reason": answer.reason, "understood": answer.understood,
                    "confidence": answer.confidence, "failure": failure,
                }
            )  # fmt: skip
    if params.out is not None:
        write_lines(params.out, records)
    result = _result(report(items, given), len(params.questions), params.out, context)
    result = result.model_copy(update={"failures": dict(failures.most_common())})
    if params.out is not None:
        write_json(params.out.with_suffix(".report.json"), result.model_dump(mode="json"))
    return result


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


def _answers(path: Path, questions: QuestionSet, params: EvalLinks2BenchParams) -> list[Answer]:
    """Answers to all questions of a set, in order. The planner hears neither task nor kind."""
    scene = path.parent / params.scene
    if params.localization == "oracle":
        scene = _oracle(path.parent, questions)
    layers = {name: str(path.parent / place) for name, place in questions.layers.items()}
    memory = read_memory(str(scene), None, layers)
    return [
        ask(Question(text=item.text, choices=item.choices, marks=item.marks), memory, plan)
        for item in questions.questions
    ]


def _failures(
    path: Path, questions: QuestionSet, params: EvalLinks2BenchParams, answers: Sequence[Answer]
) -> Sequence[str | None]:
    """What went wrong with every answer, where that is wanted."""
    if not params.failures:
        return [None] * len(answers)
    exact = _answers(path, questions, params.model_copy(update={"localization": "oracle"}))
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


def _result(found: Report, sets: int, out: Path | None, context: JobContext) -> EvalLinks2BenchResult:
    return EvalLinks2BenchResult(
        sets=sets,
        questions=sum(tally.asked for tally in found.tasks.values()) + found.unanswerable,
        micro=found.micro,
        macro=found.macro,
        dimensions={key.value: value for key, value in found.dimensions.items() if not math.isnan(value)},
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
        failures={},
        predictions=None if out is None else str(out),
        warnings=list(context.warnings),
    )  # fmt: skip
