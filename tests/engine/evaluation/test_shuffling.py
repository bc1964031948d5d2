"""An answerer that likes a letter is found out without the truth; one that reads the choices is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.evaluation.links2bench import Given
from rs_copilot.evaluation.shuffling import agreement, in_order, letter_entropy, said
from rs_copilot.reasoning.question import QuestionItem
from rs_copilot.reasoning.tasks import AnswerKind, PoseTask

WAYS = dict(zip("ABCD", ("north", "east", "south", "west"), strict=True))


@given(st.integers(1, 20), st.integers(0, 50), st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_another_order_has_the_same_texts_under_other_letters(number: int, seed: int, count: int) -> None:
    choices = {letter: f"text {letter}" for letter in "ABCDEF"[:count]}
    other = in_order(choices, number, seed)
    assert sorted(other.values()) == sorted(choices.values())
    assert list(other) == list(choices)
    assert other != choices
    assert other == in_order(choices, number, seed)


def test_the_first_order_is_the_one_that_was_given() -> None:
    assert in_order(WAYS, 0) == WAYS
    assert in_order({"A": "yes", "B": "yes"}, 3) == {"A": "yes", "B": "yes"}


def test_a_favourite_letter_shows() -> None:
    steady, drawn = [], []
    for place in range(40):
        rounds = [in_order(WAYS, number, place) for number in range(4)]
        drawn.append([said(choices, Given("A")) for choices in rounds])
        letters = [next(k for k, text in choices.items() if text == "south") for choices in rounds]
        steady.append([said(choices, Given(letter)) for choices, letter in zip(rounds, letters, strict=True)])
    assert agreement(steady) == 1.0
    assert agreement(drawn) < 0.4
    assert math.isnan(agreement([["north"]]))


def item(number: int, answer: str) -> QuestionItem:
    return QuestionItem(
        id=str(number), text="Which way?", choices=WAYS, task=PoseTask.HEADING, kind=AnswerKind.CHOICE,
        answer=answer,
    )  # fmt: skip


def test_letters_without_preference_have_an_entropy_of_one() -> None:
    items = [item(number, "ABCD"[number % 4]) for number in range(40)]
    assert letter_entropy(items, [Given("A")] * 40) == 0.0
    assert letter_entropy(items, [Given(row.answer) for row in items]) == pytest.approx(1.0)  # type: ignore[arg-type]
    assert math.isnan(letter_entropy(items, [Given(None, abstained=True)] * 40))
