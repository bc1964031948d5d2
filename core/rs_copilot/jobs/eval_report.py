"""What an evaluation of a vision-language model gives back, and writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from rs_copilot.evaluation.records import Record, write_json
from rs_copilot.evaluation.words import abstains
from rs_copilot.jobs.answering import REPORT
from rs_copilot.vector.json_values import finite
from rs_copilot.vlm.answers import Parsed
from rs_copilot.vlm.backend import Stop
from rs_copilot.vlm.parsing import split_thought


class AnswerCounts(BaseModel):
    """How questions were answered, apart from right or wrong.

    ``empty`` answers say clearly that there is nothing, or nothing at all; ``unreadable`` ones give nothing
    that could be judged; ``abstained`` ones say that they cannot tell. Of places, ``skipped`` lines were not
    understood, ``unknown`` of them for naming another class, and ``clipped`` objects reached beyond the
    picture. ``cut_off`` answers had more to say than was allowed, or repeated themselves; before ``zoomed``
    ones the model looked closer.
    """

    asked: int = 0
    answered: int = 0
    empty: int = 0
    unreadable: int = 0
    abstained: int = 0
    skipped: int = 0
    unknown: int = 0
    clipped: int = 0
    cut_off: int = 0
    zoomed: int = 0


class SuiteResult(BaseModel):
    """Figures of a suite. ``scores`` are those of the whole, shares from 0 to 1 unless their name says else;
    ``groups`` those of classes, tasks, benchmarks.
    """

    model_config = ConfigDict(protected_namespaces=())

    suite: str
    model: str
    model_hash: str | None
    counts: AnswerCounts
    scores: dict[str, float | None]
    groups: dict[str, Any]
    report: Path
    answers: Path | None
    notes: list[str]
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        figures = ", ".join(f"{name} {value:.4f}" for name, value in self.scores.items() if value is not None)
        counts = self.counts
        return (
            f"{self.suite} by {self.model}: {figures or 'nothing to score'}\n"
            f"{counts.answered} of {counts.asked} answered, {counts.empty} empty, {counts.unreadable} not "
            f"readable, {counts.abstained} abstentions\n-> {self.report}"
        )


def write_report(result: SuiteResult, params: BaseModel) -> SuiteResult:
    """Write the report beside the answers, with the parameters it was made with.

    Raises:
        StorageError: it cannot be written.
    """
    whole = result.model_dump(mode="json") | {"parameters": params.model_dump(mode="json")}
    write_json(result.report, whole)
    return result


def report_path(out: Path) -> Path:
    """Where the report of an evaluation goes."""
    return out / REPORT


def known(values: dict[str, float]) -> dict[str, float | None]:
    """Figures with ``None`` for those that nothing was there for."""
    return dict(finite(values))


def reply_of(record: Record) -> str:
    """What was answered, without a thought before it."""
    return split_thought(str(record["output"]))[1]


def count_words(asked: int, answers: Iterable[Record], unreadable: int) -> AnswerCounts:
    """Counts of answers in words."""
    records = list(answers)
    replies = [reply_of(record) for record in records]
    return AnswerCounts(
        asked=asked,
        answered=len(records),
        empty=sum(not reply.strip() for reply in replies),
        unreadable=unreadable,
        abstained=sum(map(abstains, replies)),
        cut_off=sum(map(is_cut_off, records)),
        zoomed=sum(bool(record.get("zooms")) for record in records),
    )


def count_places(asked: int, answers: Iterable[tuple[Record, Parsed]]) -> AnswerCounts:
    """Counts of answers with places."""
    pairs = list(answers)
    said = [parsed for _, parsed in pairs]
    return AnswerCounts(
        asked=asked,
        answered=len(pairs),
        empty=sum(parsed.is_empty for parsed in said),
        unreadable=sum(not parsed.objects and not parsed.is_empty for parsed in said),
        abstained=sum(abstains(reply_of(record)) and not parsed.objects for record, parsed in pairs),
        skipped=sum(len(parsed.skipped) for parsed in said),
        unknown=sum(parsed.unknown for parsed in said),
        clipped=sum(parsed.clipped for parsed in said),
        cut_off=sum(is_cut_off(record) for record, _ in pairs),
    )


def is_cut_off(record: Record) -> bool:
    """Whether an answer was ended before its end."""
    return record.get("stop") in {Stop.LENGTH.value, Stop.REPEATED.value}
