"""Sizes that a model sees, with the values that were executed with the models' own processor."""

from __future__ import annotations

import pytest

from rs_copilot.errors import BadInputError
from rs_copilot.types import SizeWH
from rs_copilot.vlm.resize import TRAINED, PixelBudget, seen_size


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ((512, 512), (504, 504)),
        ((600, 600), (588, 588)),
        ((800, 800), (812, 812)),
        ((1024, 1024), (1008, 1008)),
        ((256, 256), (252, 252)),
        ((100, 100), (224, 224)),
        ((1920, 1080), (1344, 756)),
        ((7099, 6329), (1064, 924)),
    ],
)
def test_sizes_of_the_specification(given: tuple[int, int], seen: tuple[int, int]) -> None:
    assert seen_size(SizeWH(*given), 28, TRAINED) == SizeWH(*seen)


def test_growing_to_an_exact_budget_may_overshoot() -> None:
    assert seen_size(SizeWH(98, 98), 28, PixelBudget(1008**2, 1008**2)) == SizeWH(1036, 1036)


def test_strips_are_refused() -> None:
    with pytest.raises(BadInputError, match="too narrow"):
        seen_size(SizeWH(2010, 10), 28, TRAINED)


def test_a_budget_keeps_to_limits() -> None:
    assert PixelBudget(1, 10**9).within(TRAINED) == TRAINED
    assert PixelBudget(10, 100).within(TRAINED) == PixelBudget(TRAINED.min_px, TRAINED.min_px)
