"""How often a model answers questions about pictures rightly: yes or no, letters, counts, a few words."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np

from rs_copilot.evaluation.records import Record, lettered, question_of, text_of
from rs_copilot.evaluation.words import Kind, kind_of, normal
from rs_copilot.jobs.answering import Question
from rs_copilot.jobs.asking import Asker, given_answers, read_items
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import SuiteResult
from rs_copilot.jobs.eval_words import (
    Item,
    Judged,
    QuestionParams,
    ask_all,
    report_words,
    word_scores,
    zooms_for,
)
from rs_copilot.vlm.parsing.labels import plain_label
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.short_answers import first_letter, read_count
from rs_copilot.vlm.tasks import Task

NOTES = (
    "accuracy judges yes-no, letters and counts by what was said, other answers by the same words; the rules "
    "named contains_ and _repository are those of published code, for comparison only.",
)


class EvalVqaParams(QuestionParams):
    """Files of questions with true answers."""


def run(params: EvalVqaParams, context: JobContext) -> SuiteResult:
    """Ask every question, and compare. Raises what `eval_words.ask_all` does."""
    records, given = given_answers(params.predictions, read_items(params.data, params.limit))
    items = [_item(key, record) for key, record in records.items()]

    def ask(asker: Asker, item: Item) -> Question:
        return _ask(asker, item, zooms_for(item, params))

    asked = ask_all(params, items, given, ask, context)
    scores = word_scores(asked[0]) | letter_scores(asked[0]) | count_scores(asked[0])
    return report_words("vqa", params, asked, scores, ("benchmark", "kind", "category"), NOTES, context)


def _item(key: str, record: Record) -> Item:
    truth = true_answer(record)
    kind = kind_of(truth, choices_of(record))
    groups = {
        "benchmark": str(record["dataset_name"]),
        "kind": kind.value,
        "category": text_of(record, "category", "Category", "type", "question_type"),
    }
    return Item(key, record, truth, kind, groups)


def choices_of(record: Record) -> list[str]:
    """What a question lets one choose from, without letters."""
    found = next((record[name] for name in ("choices", "Answer choices", "options") if name in record), None)
    return lettered(found) if isinstance(found, list) else []


def true_answer(record: Record) -> str:
    """The true answer; of choices its letter, also where the record says it in words."""
    _, truth = question_of(record)
    choices = [plain_label(choice) for choice in choices_of(record)]
    word = plain_label(truth)
    return string.ascii_uppercase[choices.index(word)] if word in choices else truth


def _ask(asker: Asker, item: Item, zooms: int) -> Question:
    text, _ = question_of(item.record)
    choices = choices_of(item.record)
    task = Task.CHOOSE if choices else Task.ASK
    prompt = write_prompt(task, asker.family, text=text, choices=choices, prompts=asker.prompts)
    return asker.question(item.record, item.key, prompt, zooms, text)


def letter_scores(judged: Sequence[Judged]) -> dict[str, float]:
    """Letters as published code reads them: the first capital anywhere; the letter anywhere in the answer."""
    letters = [item for item in judged if item.item.kind is Kind.LETTER]
    if not letters:
        return {}
    truths = [normal(item.item.truth).upper() for item in letters]
    first = [first_letter(item.reply or "") == true for item, true in zip(letters, truths, strict=True)]
    anywhere = [true in (item.reply or "") for item, true in zip(letters, truths, strict=True)]
    return {
        "letter_repository": float(np.mean(first)),
        "letter_contained_repository": float(np.mean(anywhere)),
    }


def count_scores(judged: Sequence[Judged]) -> dict[str, float]:
    """Mean absolute error of counts, and in percent of the true number where that is not 0.

    Answers without a number have no part in it; how many there are, the counts of answers say.
    """
    errors = [
        (item.verdict.error, read_count(item.item.truth) or 0)
        for item in judged
        if item.verdict.error is not None and item.reply is not None
    ]
    if not errors:
        return {}
    relative = [100.0 * error / true for error, true in errors if true]
    return {
        "count_mae": float(np.mean([error for error, _ in errors])),
        "count_mape_percent": float(np.mean(relative)) if relative else float("nan"),
    }
