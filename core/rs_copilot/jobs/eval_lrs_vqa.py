"""LRS-VQA: questions about very large pictures, in eight categories from three sources (arXiv 2503.07588)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rs_copilot.evaluation.records import Record, key_of, question_of, text_of
from rs_copilot.evaluation.synonyms import open_synonyms
from rs_copilot.evaluation.words import Kind, judge, mean_share, normal, share
from rs_copilot.jobs.answering import Question
from rs_copilot.jobs.asking import Asker, given_answers, read_items
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import SuiteResult
from rs_copilot.jobs.eval_words import (
    Item,
    Judged,
    QuestionParams,
    accuracies,
    ask_all,
    report_words,
    zooms_for,
)
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.tasks import Task

SOURCES = ("FAIR", "STAR", "GLH")
NO_WORDNET = (
    "WordNet is not on this machine: only equal words count as right, so that the figures are a little lower "
    "than published ones would be. Install nltk and fetch its corpus wordnet."
)


class EvalLrsVqaParams(QuestionParams):
    """Files of questions: ``question_id``, ``image``, ``text``, ``category``, ``ground_truth``."""


def run(params: EvalLrsVqaParams, context: JobContext) -> SuiteResult:
    """Ask every question, and compare. Raises what `eval_words.ask_all` does."""
    records, given = given_answers(params.predictions, read_items(params.data, params.limit))
    items = [_item(key, record) for key, record in records.items()]
    are_synonyms = open_synonyms()
    if are_synonyms is None:
        context.warn(NO_WORDNET)

    def ask(asker: Asker, item: Item) -> Question:
        return _ask(asker, item, zooms_for(item, params))

    found, counts, who = ask_all(params, items, given, ask, context)
    judged = [_judged(item, are_synonyms) for item in found]
    notes = (
        "Right: the same text in lower case without full stops, or a sense in common in WordNet."
        if are_synonyms
        else NO_WORDNET,
        "aa_SOURCE is the plain mean over the categories of a source, aa the mean of the sources.",
    )
    groups = ("source", "category", "source/category")
    return report_words("lrs-vqa", params, (judged, counts, who), scores_of(judged), groups, notes, context)


def _item(key: str, record: Record) -> Item:
    _, truth = question_of(record)
    name = key_of(record, 0).upper()
    source = next((item for item in SOURCES if name.startswith(item)), "")
    category = text_of(record, "category")
    groups = {"source": source, "category": category}
    groups["source/category"] = f"{source}/{category}" if source and category else ""
    return Item(key, record, truth, Kind.TEXT, groups)


def _ask(asker: Asker, item: Item, zooms: int) -> Question:
    text, _ = question_of(item.record)
    prompt = write_prompt(Task.ASK, asker.family, text=text, prompts=asker.prompts)
    return asker.question(item.record, item.key, prompt, zooms, text)


def _judged(item: Judged, are_synonyms: Callable[[str, str], bool] | None) -> Judged:
    """By the benchmark's rule instead of ours."""
    reply, truth = item.reply or "", item.item.truth
    right = normal(reply) == normal(truth) or (are_synonyms is not None and are_synonyms(reply, truth))
    return Judged(item.item, item.reply, replace(judge(reply, truth, Kind.TEXT), is_right=right))


def scores_of(judged: Sequence[Judged]) -> dict[str, float]:
    """Accuracy over all, and AA: over categories of a source each with the same weight, then over sources."""
    within = accuracies(judged, "source/category")
    by_source = {
        source: mean_share({key: value for key, value in within.items() if key.startswith(f"{source}/")})
        for source in SOURCES
    }
    return {
        "accuracy": share([item.is_right for item in judged]),
        **{f"aa_{source}": value for source, value in by_source.items()},
        "aa": mean_share(by_source),
    }
