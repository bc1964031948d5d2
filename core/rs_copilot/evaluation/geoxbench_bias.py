"""How a model chooses among fixed options: accuracy, its preference for some of them, its steadiness. Pure.

The measures are those that GeoX-Bench names. The paper's definitions were not to be had, so that the formulas
are the usual ones: normalised entropy of the answers, Kullback-Leibler divergence from the truth, share of
the favourite. A model that always says the same has an entropy of 0 and the accuracy of a constant answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.types import FloatArray

# Below this, answers are so one-sided that the paper takes them for guesses.
STRONG_BIAS = 0.5


@dataclass(frozen=True)
class Bias:
    """Preference for options, over the answers that could be read.

    ``h_norm`` 0 (always the same) to 1 (no preference); ``d_kl`` in nats; ``mode`` the favourite option,
    ``p_mode`` its share; ``mode_baseline_acc`` the accuracy of a model that always says it,
    ``acc_given_mode`` how often it is right where the model says it. NaN, and no mode, without answers.
    """

    h_norm: float
    d_kl: float
    mode: str | None
    p_mode: float
    mode_baseline_acc: float
    acc_given_mode: float


def bias_of(said: Sequence[str | None], truth: Sequence[str], options: Sequence[str]) -> Bias:
    """Measure it.

    Args:
        said: answers, ``None`` where none could be read; those have no part in it.
        truth: the right ones, as many.
        options: all there are, two or more.

    Raises:
        ValueError: the arguments do not fit together.
    """
    if len(said) != len(truth) or len(options) < 2:
        raise ValueError(f"expected as many answers as truths, found {len(said)} and {len(truth)}")
    valid = [answer for answer in said if answer is not None]
    if not valid:
        unknown = float("nan")
        return Bias(unknown, unknown, None, unknown, unknown, unknown)
    p, g = _shares(valid, options), _shares(truth, options)
    favourite = int(np.argmax(p))
    right = [true == answer for answer, true in zip(said, truth, strict=True) if answer == options[favourite]]
    return Bias(
        entropy(p) / float(np.log(len(options))),
        divergence(p, g, len(valid)),
        options[favourite],
        float(p[favourite]),
        float(g[favourite]),
        float(np.mean(right)),
    )


def _shares(values: Sequence[str], options: Sequence[str]) -> FloatArray:
    counts = Counter(values)
    return np.array([counts[option] for option in options]) / max(len(values), 1)


def entropy(shares: FloatArray) -> float:
    """Of shares ``(K,)``, in nats."""
    known = shares[shares > 0]
    return float(-np.sum(known * np.log(known))) + 0.0


def divergence(shares: FloatArray, reference: FloatArray, answers: int) -> float:
    """Kullback-Leibler divergence of ``shares`` from ``reference``, both ``(K,)``, in nats.

    Where the reference lacks an option, both are smoothed by 1 / ``answers`` for each option.
    """
    if (reference <= 0).any():
        shares, reference = ((part + 1.0 / answers) for part in (shares, reference))
        shares, reference = shares / shares.sum(), reference / reference.sum()
    known = shares > 0
    return float(np.sum(shares[known] * np.log(shares[known] / reference[known])))


@dataclass(frozen=True)
class Accuracy:
    """Right answers among all; unread ones are wrong. ``rates``: share found of each option (of ``true`` and
    ``false``: true positive and true negative rate).
    """

    asked: int
    right: int
    unread: int
    rates: Mapping[str, float]

    @property
    def accuracy(self) -> float:
        """0 to 1; NaN where nothing was asked."""
        return self.right / self.asked if self.asked else float("nan")


def accuracy_of(said: Sequence[str | None], truth: Sequence[str], options: Sequence[str]) -> Accuracy:
    """Count right answers, overall and for each true option."""
    right = [answer == true for answer, true in zip(said, truth, strict=True)]
    rates = {
        option: float(np.mean([hit for hit, true in zip(right, truth, strict=True) if true == option]))
        for option in options
        if option in truth
    }
    return Accuracy(len(truth), sum(right), sum(answer is None for answer in said), rates)


@dataclass(frozen=True)
class Agreement:
    """How steady answers are over the nine crops of a map; needs no truth.

    ``share``: answers that agree with the most frequent one of their record, or for the place in the map
    those that follow the crop; ``whole``: records of which all nine do. An unread answer agrees with none.
    """

    records: int
    share: float
    whole: float


def agreement_of(answers: Mapping[str, Sequence[tuple[str, str | None]]], *, follows: bool) -> Agreement:
    """Measure it over records, each with its placements and the answers.

    Args:
        answers: by record pairs of placement and answer.
        follows: the answer should be the placement, not the same for all.
    """
    shares = [_steady(pairs, follows=follows) for pairs in answers.values() if pairs]
    if not shares:
        return Agreement(0, float("nan"), float("nan"))
    return Agreement(len(shares), float(np.mean(shares)), float(np.mean([share == 1.0 for share in shares])))


def _steady(pairs: Sequence[tuple[str, str | None]], *, follows: bool) -> float:
    if follows:
        return sum(place == answer for place, answer in pairs) / len(pairs)
    counts = Counter(answer for _, answer in pairs if answer is not None)
    return max(counts.values(), default=0) / len(pairs)
