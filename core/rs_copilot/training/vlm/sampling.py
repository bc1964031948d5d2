"""How much of a subset is learnt from: ``NAME%30`` keeps 30 percent, ``NAME*3`` says it three times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import UsageError

_SUFFIXES = re.compile(r"(.*?)(?:%(\d{1,3}(?:\.\d{1,6})?))?(?:\*(\d{1,4}))?")


@dataclass(frozen=True)
class Sampling:
    """``percent`` of the conversations, drawn without replacement, ``repeats`` times."""

    percent: float = 100.0
    repeats: int = 1


def parse_subset(text: str) -> tuple[str, Sampling]:
    """Name of a subset and what its suffixes ask for, as in RSCoVLM's configuration.

    Raises:
        UsageError: the numbers make no sense.
    """
    found = _SUFFIXES.fullmatch(text)
    if found is None or not found[1]:
        raise UsageError(f"expected NAME, NAME%PERCENT or NAME*TIMES, found {text!r}")
    sampling = Sampling(float(found[2] or 100.0), int(found[3] or 1))
    if not 0 < sampling.percent <= 100 or sampling.repeats < 1:
        raise UsageError(
            f"expected a percentage over 0 up to 100 and a number of times over 0, found {text!r}"
        )
    return found[1], sampling


def drawn(count: int, sampling: Sampling, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of the conversations of one epoch, in order; at least one, where there is any."""
    kept = count if sampling.percent == 100 else min(count, max(1, round(count * sampling.percent / 100)))
    rows = np.sort(rng.permutation(count)[:kept]).astype(np.int64)
    return np.tile(rows, sampling.repeats)


def epoch_of(
    counts: Sequence[int], samplings: Sequence[Sampling], rng: np.random.Generator
) -> NDArray[np.int64]:
    """What one epoch learns from, shuffled: number of the subset and of its conversation. Shape (N, 2).

    Args:
        counts: how many conversations each subset has.
        samplings: how much of each is wanted.
        rng: where chance comes from.
    """
    subsets = [drawn(count, sampling, rng) for count, sampling in zip(counts, samplings, strict=True)]
    pairs = [np.stack([np.full_like(rows, number), rows], axis=1) for number, rows in enumerate(subsets)]
    return rng.permutation(np.concatenate([np.zeros((0, 2), np.int64), *pairs]))
