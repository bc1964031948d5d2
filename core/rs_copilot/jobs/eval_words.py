"""What the suites whose answers are words have in common: asking, and judging by the same rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from rs_copilot.evaluation.records import Record
from rs_copilot.evaluation.words import Kind, Verdict, judge, mean_share, share
from rs_copilot.jobs.answering import ANSWERS, AnswerParams, Question, Who, open_respondent
from rs_copilot.jobs.asking import Asker, open_asker
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import (
    AnswerCounts,
    SuiteResult,
    count_words,
    known,
    reply_of,
    report_path,
    write_report,
)

# Counts and places in the picture need all of it: published runs do not look closer for them.
WHOLE = frozenset({"count", "position"})
# Words need no more; a model that wants to think gets more by --max-tokens.
MAX_TOKENS = 128


class QuestionParams(AnswerParams):
    """Files of questions. ``zooms``: how often a model that was trained for it may look closer, but not for
    questions of the categories count and position.
    """

    zooms: int = Field(default=0, ge=0, le=3)
    max_tokens: int = MAX_TOKENS


@dataclass(frozen=True)
class Item:
    """One question of a suite: what it asks for, the true answer, and the groups that it belongs to."""

    key: str
    record: Record
    truth: str
    kind: Kind
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Judged:
    """A question, what was answered (``None``: nothing), and the verdict on it."""

    item: Item
    reply: str | None
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether an answer is there and right."""
        return self.reply is not None and self.verdict.is_right


def ask_all(
    params: AnswerParams,
    items: Sequence[Item],
    given: Mapping[str, Record] | None,
    ask: Callable[[Asker, Item], Question],
    context: JobContext,
) -> tuple[list[Judged], AnswerCounts, Who]:
    """Ask every question, judge every answer; also counts and who answered.

    Raises:
        UsageError: neither a model nor predictions, or both.
        BadInputError: a file or picture cannot be used.
        CancelledError: stopped; the answers so far are kept.
        RsCopilotError: whatever the model raises.
    """
    with open_respondent(params, given, context) as respondent:
        asker = open_asker(params, respondent, params.folders)
        answers = respondent.answers([ask(asker, item) for item in items])
        who = respondent.who
    replies = {key: reply_of(record) for key, record in answers.items()}
    judged = [
        Judged(item, replies.get(item.key), judge(replies.get(item.key, ""), item.truth, item.kind))
        for item in items
    ]
    unreadable = sum(item.reply is not None and not item.verdict.is_readable for item in judged)
    return judged, count_words(len(items), answers.values(), unreadable), who


def zooms_for(item: Item, params: QuestionParams) -> int:
    """How often a model may look closer for a question."""
    return 0 if item.groups.get("category", "").lower() in WHOLE else params.zooms


def accuracies(judged: Sequence[Judged], group: str) -> dict[str, float]:
    """Share of right answers for each value of a group; empty values are no group."""
    values = sorted({item.item.groups.get(group, "") for item in judged} - {""})
    return {
        value: share([item.is_right for item in judged if item.item.groups.get(group) == value])
        for value in values
    }


def word_scores(judged: Sequence[Judged]) -> dict[str, float]:
    """Strict accuracy over all and as mean of the benchmarks; lenient ones, for comparison only."""
    answered = [item for item in judged if item.reply is not None]
    count = max(len(judged), 1)
    return {
        "accuracy": share([item.is_right for item in judged]),
        "accuracy_mean_of_benchmarks": mean_share(accuracies(judged, "benchmark")),
        "contains_truth": sum(item.verdict.is_contained for item in answered) / count,
        "contains_either_way": sum(item.verdict.is_contained_either_way for item in answered) / count,
    }


def report_words(
    suite: str,
    params: AnswerParams,
    asked: tuple[list[Judged], AnswerCounts, Who],
    scores: Mapping[str, float],
    groups: Sequence[str],
    notes: Sequence[str],
    context: JobContext,
) -> SuiteResult:
    """The result of a suite, written.

    Raises:
        StorageError: the report cannot be written.
    """
    judged, counts, who = asked
    result = SuiteResult(
        suite=suite,
        model=who.name,
        model_hash=who.sha256,
        counts=counts,
        scores=known(dict(scores)),
        groups={group: known(accuracies(judged, group)) for group in groups},
        report=report_path(params.out),
        answers=None if params.predictions is not None else params.out / ANSWERS,
        notes=list(notes),
        warnings=list(context.warnings),
    )
    return write_report(result, params)
