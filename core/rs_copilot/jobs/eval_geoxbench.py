"""GeoX-Bench: where a ground photo was taken and which way it looks, by aerial images (arXiv 2511.13259)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import field_validator

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.geoxbench import (
    MAX_PX,
    GeoCase,
    GeoTask,
    cases_of,
    cropped,
    find_task,
    parse_answer,
    parse_as_repository,
)
from rs_copilot.evaluation.geoxbench_bias import STRONG_BIAS, Agreement, accuracy_of, agreement_of, bias_of
from rs_copilot.evaluation.geoxbench_words import write_question
from rs_copilot.evaluation.pictures import find_picture, read_picture
from rs_copilot.evaluation.records import Record, answer_of, read_records, write_records
from rs_copilot.evaluation.words import mean_share, share
from rs_copilot.jobs.answering import ANSWERS, AnswerParams, Question, open_respondent
from rs_copilot.jobs.asking import conversation_of, words_of
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import SuiteResult, count_words, reply_of, report_path, write_report
from rs_copilot.types import SizeWH
from rs_copilot.vector.json_values import finite
from rs_copilot.vlm.backend import Conversation
from rs_copilot.vlm.resize import PixelBudget

SEED = 42
NOTES = (
    "Answers are compared after normalisation; accuracy_repository takes them as the benchmark's code reads "
    "them, so that the four corners are always wrong there.",
    f"h_norm below {STRONG_BIAS} with an accuracy near mode_baseline_acc means guessing.",
)


class EvalGeoxbenchParams(AnswerParams):
    """``indices``: files of the benchmark's Dataset_Index, each as ``TASK=FILE``; a file is a subset.

    ``results``: the same for files of results, which bear the answers. ``sample`` takes so many records of
    each subset, balanced over the answers that are right (seed 42).
    """

    indices: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    sample: int | None = None
    max_tokens: int = 512

    @field_validator("sample")
    @classmethod
    def _is_positive(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError("expected a sample of 1 or more")
        return value


@dataclass(frozen=True)
class Heard:
    """A question, the answer (``None``: none was given), and what was read out of it, in both ways."""

    case: GeoCase
    reply: str | None
    option: str | None
    option_in_repository: str | None


def run(params: EvalGeoxbenchParams, context: JobContext) -> SuiteResult:
    """Ask every question, measure accuracy, bias and steadiness of each task.

    Raises:
        UsageError: neither a model nor results, or both.
        BadInputError: a file or picture cannot be used.
        CancelledError: stopped; the answers so far are kept.
        RsCopilotError: whatever the model raises.
    """
    cases = [case for entry in params.results or params.indices for case in read_cases(entry, params.sample)]
    cases = cases[: params.limit]
    if not cases:
        raise BadInputError("there is nothing to ask", hint="Give --index TASK=FILE, once for each file.")
    given = {case.key: case.record for case in cases if answer_of(case.record) is not None}
    with open_respondent(params, given if params.results else None, context) as respondent:
        answers = respondent.answers([_question(case, params) for case in cases])
        who = respondent.who
    heard = [_hear(case, answers.get(case.key)) for case in cases]
    tasks = {task: [item for item in heard if item.case.task is task] for task in GeoTask}
    if not params.results:
        _write_results(params.out, tasks, who.name)
    unreadable = sum(item.reply is not None and item.option is None for item in heard)
    groups = {task.value: task_report(task, items) for task, items in tasks.items() if items}
    result = SuiteResult(
        suite="geoxbench",
        model=who.name,
        model_hash=who.sha256,
        counts=count_words(len(cases), answers.values(), unreadable),
        scores={f"accuracy_{task}": report["accuracy"] for task, report in groups.items()},
        groups=groups,
        report=report_path(params.out),
        answers=None if params.results else params.out / ANSWERS,
        notes=list(NOTES),
        warnings=list(context.warnings),
    )
    return write_report(result, params)


def read_cases(entry: str, sample: int | None) -> list[GeoCase]:
    """The questions of a file, given as ``TASK=FILE``.

    Raises:
        BadInputError: no such task or file, or records of another form.
    """
    name, _, place = entry.partition("=")
    if not place:
        raise BadInputError(f"expected TASK=FILE, found {entry!r}", hint=f"TASK: {', '.join(GeoTask)}")
    task, path = find_task(name), Path(place)
    groups = [cases_of(item, k, task, path.stem) for k, item in enumerate(read_records(path))]
    if sample is None or sample >= len(groups):
        return [case for group in groups for case in group]
    return [case for group in balanced(groups, sample) for case in group]


def balanced(groups: Sequence[list[GeoCase]], count: int) -> list[list[GeoCase]]:
    """So many of the records, as evenly over their truths as can be, always the same ones, in their order."""
    numbers = np.random.default_rng(SEED).permutation(len(groups)).tolist()
    by_truth: dict[str, list[int]] = {}
    for number in numbers:
        by_truth.setdefault(groups[number][0].truth, []).append(number)
    rounds = max(map(len, by_truth.values()))
    drawn = [
        by_truth[truth][k] for k in range(rounds) for truth in sorted(by_truth) if k < len(by_truth[truth])
    ]
    return [groups[number] for number in sorted(drawn[:count])]


def _question(case: GeoCase, params: EvalGeoxbenchParams) -> Question:
    prompt = write_question(case.task)
    budget = PixelBudget(min(params.min_px or 1, MAX_PX), params.max_px or MAX_PX)
    beside = {Path(entry.partition("=")[2]).parent for entry in params.indices}
    folders = [params.images] if params.images is not None else sorted(beside)

    def open_pictures() -> tuple[Conversation, SizeWH]:
        maps = [read_picture(find_picture(folders, name), budget.max_px)[0] for name in case.maps]
        photo, _ = read_picture(find_picture(folders, case.photo), budget.max_px)
        shown = [cropped(picture, case.placement) for picture in maps]
        size = SizeWH(shown[0].shape[1], shown[0].shape[0])
        return conversation_of(prompt, [*shown, photo], budget), size

    record = {**case.record, "task": case.task.value, "subset": case.subset, "placement": case.placement}
    return Question(case.key, record, words_of(prompt, budget, case.placement, case.maps), open_pictures)


def _hear(case: GeoCase, record: Record | None) -> Heard:
    if record is None:
        return Heard(case, None, None, None)
    text = reply_of(record)
    return Heard(case, text, parse_answer(text, case.task), parse_as_repository(text, case.task))


def task_report(task: GeoTask, heard: Sequence[Heard]) -> dict[str, Any]:
    """All figures of a task; those of accuracy also for each subset."""
    truth, said = [item.case.truth for item in heard], [item.option for item in heard]
    counted = accuracy_of(said, truth, task.options)
    subsets = _by_subset(heard)
    report: dict[str, Any] = {
        "asked": counted.asked,
        "answered": sum(item.reply is not None for item in heard),
        "unread": counted.unread,
        "accuracy": counted.accuracy,
        "accuracy_mean_of_subsets": mean_share(subsets),
        "accuracy_repository": share(
            [item.option_in_repository == item.case.truth_in_repository for item in heard]
        ),
        "chance": 1.0 / len(task.options),
        "rates": dict(counted.rates),
        **asdict(bias_of(said, truth, task.options)),
        "subsets": subsets,
    }
    if task is GeoTask.MEMBERSHIP or task is GeoTask.MEMBERSHIP_RANDOM:
        report |= {"tpr": counted.rates.get("true"), "tnr": counted.rates.get("false")}
    if task.is_placed:
        report["agreement"] = asdict(_agreement(task, heard))
    found: dict[str, Any] = finite(report)
    return found


def _by_subset(heard: Sequence[Heard]) -> dict[str, float]:
    names = sorted({item.case.subset for item in heard})
    return {
        name: share([item.option == item.case.truth for item in heard if item.case.subset == name])
        for name in names
    }


def _agreement(task: GeoTask, heard: Sequence[Heard]) -> Agreement:
    """Over the nine crops: the place must follow the crop, everything else must not change."""
    records: dict[str, list[tuple[str, str | None]]] = {}
    for item in heard:
        place = item.case.placement or ""
        records.setdefault(item.case.key.removesuffix(f"/{place}"), []).append((place, item.option))
    return agreement_of(records, follows=task is GeoTask.INTRA_MAP)


def _write_results(out: Path, tasks: Mapping[GeoTask, Sequence[Heard]], model: str) -> None:
    """Files of results as the benchmark's code writes them: one for each task and subset."""
    for task, heard in tasks.items():
        for subset in sorted({item.case.subset for item in heard}):
            records = [_result(item) for item in heard if item.case.subset == subset]
            name = model.replace("/", "_")
            write_records(out / "results" / task.module / f"{name}-{subset}.json", records)


def _result(item: Heard) -> dict[str, Any]:
    ground = dict(item.case.record["GroundImage"])
    if item.case.placement is not None:
        ground["RelativeLocation"] = item.case.placement.replace(" ", "_")
    prediction = {"message": item.reply, "prediction_element": item.option_in_repository}
    return {**item.case.record, "GroundImage": ground, "prediction": prediction}
