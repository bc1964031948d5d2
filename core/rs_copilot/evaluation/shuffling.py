"""Is an answer the same whatever order its choices stand in? One that is not was drawn to a letter. Pure.

GeoX-Bench (arXiv 2511.13259) found models that prefer some options whatever is asked; to ask again with the
choices in another order shows it without knowing the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rs_copilot.evaluation.geoxbench_bias import bias_of
from rs_copilot.evaluation.links2bench import Given
from rs_copilot.reasoning.question import QuestionItem


def in_order(choices: Mapping[str, str], number: int, seed: int = 0) -> dict[str, str]:
    """The same choices under other letters: order ``number`` of them, 0 for the one that was given."""
    letters, texts = list(choices), list(choices.values())
    if number == 0 or len(set(texts)) < 2:
        return dict(choices)
    rng = np.random.default_rng([seed, number])
    order = np.arange(len(letters))
    while (order == np.arange(len(letters))).all():
        order = rng.permutation(len(letters))
    return {letter: texts[int(k)] for letter, k in zip(letters, order, strict=True)}


def said(choices: Mapping[str, str], given: Given) -> str | None:
    """What an answer says in words, ``None`` for an abstention or a letter that is no choice."""
    return None if given.abstained else choices.get(str(given.value))


def agreement(groups: Sequence[Sequence[str | None]]) -> float:
    """Share of repeated answers that say the same as the first of their group; NaN without any."""
    same = [answer == group[0] for group in groups for answer in group[1:]]
    return float(np.mean(same)) if same else float("nan")


def letter_entropy(items: Sequence[QuestionItem], given: Sequence[Given]) -> float:
    """Normalised entropy of the letters chosen among four: 1 without a preference, 0 for always the same.

    NaN where no question has four choices.
    """
    pairs = [
        (answer, item)
        for item, answer in zip(items, given, strict=True)
        if len(item.choices) == 4 and item.answerable and not answer.abstained
    ]
    if not pairs:
        return float("nan")
    letters = list(pairs[0][1].choices)
    chosen = [str(answer.value) if answer.value in letters else None for answer, _ in pairs]
    return bias_of(chosen, [str(item.answer) for _, item in pairs], letters).h_norm
