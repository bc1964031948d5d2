"""Scores of question sets against values worked out by hand."""

from __future__ import annotations

import pytest

from rs_copilot.evaluation.failures import Failure, failure_of
from rs_copilot.evaluation.links2bench import Given, is_within_a_second, mean_relative_accuracy, report, score
from rs_copilot.reasoning.question import QuestionItem


@pytest.mark.parametrize(
    ("given", "worth"),
    [(100, 1.0), (104, 1.0), (95, 0.9), (106, 0.9), (90, 0.8), (75, 0.5), (51, 0.1), (150, 0.0)],
)
def test_relative_accuracy_in_exact_arithmetic(given: float, worth: float) -> None:
    assert mean_relative_accuracy(given, 100.0) == pytest.approx(worth)


def test_relative_accuracy_of_nothing_and_nonsense() -> None:
    assert mean_relative_accuracy(0.0, 0.0) == 1.0
    assert mean_relative_accuracy(1.0, 0.0) == 0.0
    assert mean_relative_accuracy(float("nan"), 5.0) == 0.0
    assert mean_relative_accuracy(float("inf"), 5.0) == 0.0


@pytest.mark.parametrize(
    ("given", "true", "right"),
    [
        (12.4, 11.4, True),
        (12.5, 11.4, False),
        (3.0, (4.0, 6.0), True),
        (5.0, (4.0, 6.0), True),
        (7.1, (4.0, 6.0), False),
    ],
)
def test_within_a_second(given: float, true: float | tuple[float, float], right: bool) -> None:
    assert is_within_a_second(given, true) is right


def item(task: str, kind: str, answer: object, **more: object) -> QuestionItem:
    fields = {"id": "q", "text": "?", "task": task, "kind": kind, "answer": answer, **more}
    return QuestionItem.model_validate(fields)


def test_kinds_decide_the_metric() -> None:
    assert score(item("zone counting", "number", 4.0), Given("4")) == 1.0
    assert score(item("zone counting", "number", 4.0), Given("many")) == 0.0
    assert score(item("temporal grounding", "timestamp", 4.0), Given(4.9)) == 1.0
    assert score(item("scene association", "choice", "B"), Given("b")) == 1.0
    assert score(item("scene association", "choice", "B"), Given(None, abstained=True)) == 0.0


def test_a_report_by_hand() -> None:
    items = [
        item("scene association", "choice", "A"),
        item("scene association", "choice", "A"),
        item("zone counting", "number", 100.0),
        item("zone counting", "number", None, answerable=False),
        item("relative distance", "number", None, answerable=False),
    ]
    given = [Given("A"), Given(None, abstained=True), Given(90.0), Given(None, abstained=True), Given(3.0)]
    found = report(items, given)
    assert found.micro == pytest.approx((1 + 0 + 0.8) / 3)
    assert found.macro == pytest.approx((0.5 + 0.8) / 2)
    assert (found.abstention_precision, found.abstention_recall) == (0.5, 0.5)
    assert found.unanswerable == 2


@pytest.mark.parametrize(
    ("task", "kind", "true", "given", "exact", "failure"),
    [
        ("scene association", "choice", "A", Given("A"), Given("B"), None),
        ("scene association", "choice", "A", Given("B"), Given("A"), Failure.ALIGNMENT),
        ("scene association", "choice", "A", Given(None, abstained=True), Given("A"), Failure.ALIGNMENT),
        ("scene association", "choice", "A", Given(None, abstained=True), Given("B"), Failure.ABSTAIN),
        ("scene association", "choice", "A", Given(None), Given(None), Failure.FORMAT),
        ("temporal grounding", "timestamp", 4.0, Given(9.0), Given(9.0), Failure.TEMPORAL),
        ("zone counting", "number", 4.0, Given(40.0), Given(40.0), Failure.RECOGNITION),
        ("relative distance", "number", 100.0, Given(90.0), Given(90.0), None),
        ("relative distance", "number", 100.0, Given(10.0), Given(20.0), Failure.RELATION),
        ("region reachability", "choice", "A", Given("B"), Given("B"), Failure.REASONING),
    ],
)
def test_failures_have_a_cause(
    task: str, kind: str, true: object, given: Given, exact: Given, failure: Failure | None
) -> None:
    assert failure_of(item(task, kind, true), given, exact) is failure


def test_an_answer_to_what_has_none_is_a_failure() -> None:
    nothing = item("scene association", "choice", None, answerable=False)
    assert failure_of(nothing, Given(None, abstained=True), Given("A")) is None
    assert failure_of(nothing, Given("A"), Given(None, abstained=True)) is Failure.ALIGNMENT
    assert failure_of(nothing, Given("A"), Given("A")) is Failure.REASONING
