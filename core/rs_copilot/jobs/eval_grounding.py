"""How often a model finds what is described in words: Acc@0.5 on files like those of refGeo and GeoChat-Bench."""

from __future__ import annotations

import numpy as np

from rs_copilot.evaluation.grounding import (
    Grounded,
    is_complete,
    is_hit,
    is_hit_by_repository,
    match_all,
    overlap,
    tally,
)
from rs_copilot.evaluation.records import Record, text_of, true_quads
from rs_copilot.evaluation.words import mean_share, share
from rs_copilot.jobs.answering import ANSWERS, AnswerParams, Respondent, open_respondent
from rs_copilot.jobs.asking import Asker, given_answers, open_asker, places_of, read_items
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import SuiteResult, count_places, known, report_path, write_report
from rs_copilot.types import FloatArray
from rs_copilot.vlm.answers import Parsed, Shape, source_px
from rs_copilot.vlm.parsing import Reading
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.tasks import Prompt, Task


class EvalGroundingParams(AnswerParams):
    """Files of descriptions; ``reading`` is how forgiving answers are read."""

    reading: Reading = Reading.TOLERANT


def run(params: EvalGroundingParams, context: JobContext) -> SuiteResult:
    """Ask where each described thing is, and compare.

    Raises:
        UsageError: neither a model nor predictions, or both.
        BadInputError: a file or picture cannot be used.
        CancelledError: stopped; the answers so far are kept.
        RsCopilotError: whatever the model raises.
    """
    items, given = given_answers(params.predictions, read_items(params.data, params.limit))
    with open_respondent(params, given, context) as respondent:
        asker = open_asker(params, respondent, params.folders)
        prompts = {key: _prompt(record, asker) for key, record in items.items()}
        questions = [asker.question(record, key, prompts[key]) for key, record in items.items()]
        answers = respondent.answers(questions)
        name = respondent.name
    judged: list[Grounded] = []
    read: list[tuple[Record, Parsed]] = []
    for key, record in items.items():
        found: FloatArray = np.zeros((0, 4, 2))
        if key in answers:
            parsed, found = _found(answers[key], prompts[key], respondent, params.reading)
            read.append((answers[key], parsed))
        judged.append(_judge(key, record, found))
    result = SuiteResult(
        suite="grounding",
        model=name,
        counts=count_places(len(items), read),
        scores=known(_scores(judged)),
        groups=tally(judged),
        report=report_path(params.out),
        answers=None if given is not None else params.out / ANSWERS,
        notes=["A box is right where it overlaps the true one by strictly more than 0.5."],
        warnings=list(context.warnings),
    )
    return write_report(result, params)


def _prompt(record: Record, asker: Asker) -> Prompt:
    """What to say: one thing is grounded, several are detected by their description."""
    text = text_of(record, "question", "normal_caption", "text")
    _, is_single = true_quads(record)
    if is_single:
        return write_prompt(Task.GROUND, asker.family, text=text, shape=Shape.HBB, prompts=asker.prompts)
    return write_prompt(Task.DETECT, asker.family, classes=[text], shape=Shape.QUAD, prompts=asker.prompts)


def _found(
    record: Record, prompt: Prompt, respondent: Respondent, reading: Reading
) -> tuple[Parsed, FloatArray]:
    """What an answer says, and its boxes in pixels of the picture. Labels are not compared."""
    parsed, seen, source = places_of(record, prompt, respondent.family, (), reading)
    quads = np.array([item.quad for item in parsed.objects], dtype=np.float64).reshape(-1, 4, 2)
    return parsed, np.asarray(source_px(quads, seen, source, respondent.family.coordinates))


def _judge(key: str, record: Record, found: FloatArray) -> Grounded:
    true, is_single = true_quads(record)
    shared = None
    if is_single:
        shared = overlap(found[0], true[0]) if len(found) else None
        right = len(found) > 0 and is_hit(found[0], true[0])
        right_there = len(found) > 0 and is_hit_by_repository(found[0], true[0])
    else:
        right = right_there = is_complete(match_all(found, true))
    return Grounded(
        key,
        str(record["dataset_name"]),
        len(true),
        right,
        right_there,
        shared,
        text_of(record, "size", "size_group"),
        text_of(record, "type"),
    )


def _scores(judged: list[Grounded]) -> dict[str, float]:
    """Over all descriptions, and the plain mean over benchmarks."""
    return {
        "acc_50": share([item.is_right for item in judged]),
        "acc_50_mean_of_benchmarks": mean_share(tally(judged)["benchmark"]),
        "acc_50_repository": share([item.is_right_by_repository for item in judged]),
    }
