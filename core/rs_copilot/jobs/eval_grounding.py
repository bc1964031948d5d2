"""How often a model finds what is described in words: Acc@0.5 on files like those of refGeo and GeoChat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.detection.boxes import quads_of
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
from rs_copilot.jobs.answering import ANSWERS, AnswerParams, open_respondent
from rs_copilot.jobs.asking import Asker, given_answers, open_asker, places_of, read_items
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import SuiteResult, count_places, known, report_path, write_report
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.answers import Parsed, Shape, source_px
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.parsing import Reading, parse_box
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.tasks import Prompt, Task


class EvalGroundingParams(AnswerParams):
    """Files of descriptions; ``reading`` is how forgiving answers are read."""

    reading: Reading = Reading.STRICT


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
        who = respondent.who
    looks = [
        _look(key, record, answers.get(key), prompts[key], asker.family, params.reading)
        for key, record in items.items()
    ]
    judged = [item.judged for item in looks]
    result = SuiteResult(
        suite="grounding",
        model=who.name,
        model_hash=who.sha256,
        counts=count_places(len(items), [item.said for item in looks if item.said is not None]),
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


@dataclass(frozen=True)
class Look:
    """What was answered to one description, as it was read, and whether it is right."""

    said: tuple[Record, Parsed] | None
    judged: Grounded


def _look(
    key: str, record: Record, answer: Record | None, prompt: Prompt, family: Family, reading: Reading
) -> Look:
    true, is_single = true_quads(record)
    facts = (str(record["dataset_name"]), len(true))
    about = (text_of(record, "size", "size_group"), text_of(record, "type"))
    if answer is None:
        return Look(None, Grounded(key, *facts, False, False, None, *about))
    parsed, seen, source = places_of(answer, prompt, family, (), reading)
    if not is_single:
        quads = np.array([item.quad for item in parsed.objects], dtype=np.float64).reshape(-1, 4, 2)
        right = is_complete(match_all(source_px(quads, seen, source, family.coordinates), true))
        return Look((answer, parsed), Grounded(key, *facts, right, right, None, *about))
    box, theirs = (
        _one_box(answer, prompt, family, seen, source, kind) for kind in (reading, Reading.REPOSITORY)
    )
    judged = Grounded(
        key,
        *facts,
        box is not None and is_hit(box, true[0]),
        theirs is not None and is_hit_by_repository(theirs, true[0]),
        None if box is None else overlap(box, true[0]),
        *about,
    )
    return Look((answer, parsed), judged)


def _one_box(
    answer: Record, prompt: Prompt, family: Family, seen: SizeWH, source: SizeWH, reading: Reading
) -> FloatArray | None:
    """The box of an answer as a quad ``(4, 2)`` in pixels of the picture."""
    box = parse_box(
        str(answer["output"]), prompt.grammar, seen, coordinates=family.coordinates, reading=reading
    )
    if box is None:
        return None
    return source_px(quads_of(np.array([box]))[0], seen, source, family.coordinates)


def _scores(judged: list[Grounded]) -> dict[str, float]:
    """Over all descriptions, and the plain mean over benchmarks."""
    return {
        "acc_50": share([item.is_right for item in judged]),
        "acc_50_mean_of_benchmarks": mean_share(tally(judged)["benchmark"]),
        "acc_50_repository": share([item.is_right_by_repository for item in judged]),
    }
