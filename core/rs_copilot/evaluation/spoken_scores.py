"""How well objects were found by what gives no scores: AP_nc and F1, strictly and as published. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rs_copilot.evaluation.detection import Boxes, Pictures, UnrankedScore, score_without_confidence
from rs_copilot.evaluation.detection_f1 import F1Score, repository_f1, strict_f1

SEEDS = 10
# Scores from which detectors that give some are cut, before their scores are taken away.
LEAST_SCORES = tuple(round(0.05 * step, 2) for step in range(20))
F1_SCORES = tuple(round(0.1 * step, 1) for step in range(10))


@dataclass(frozen=True)
class SpokenScore:
    """Average precision without confidence, and F1 at overlap 0.5."""

    unranked: UnrankedScore
    f1: F1Score
    f1_repository: float

    @property
    def values(self) -> dict[str, float]:
        """The figures of the whole, as shares; ``_std`` is the deviation over the drawn orders."""
        result = {}
        for name, thresholds in (("50", [0.5]), ("75", [0.75]), ("50_95", None)):
            mean, deviation = self.unranked.mean_and_deviation(thresholds)
            result[f"ap_nc_{name}"] = mean
            result[f"ap_nc_{name}_std"] = deviation
            result[f"ap_nc_{name}_constant"] = self.unranked.constant_mean(thresholds)
        return result | {"mf1": self.f1.macro, "micro_f1": self.f1.micro, "f1_repository": self.f1_repository}

    @property
    def classes(self) -> dict[str, dict[str, float]]:
        """The figures of each class that was asked for or said."""
        known = set(self.unranked.names)
        return {
            name: {
                "found": counts.found,
                "false": counts.false,
                "missed": counts.missed,
                "precision": counts.precision,
                "recall": counts.recall,
                "f1": counts.f1,
                "ap_nc_50": self.unranked.class_mean(name, [0.5]) if name in known else float("nan"),
                "ap_nc_50_95": self.unranked.class_mean(name) if name in known else float("nan"),
            }
            for name, counts in self.f1.classes.items()
        }


def score_spoken(truth: Pictures, found: Pictures, *, seeds: int = SEEDS) -> SpokenScore:
    """Score detections whose scores mean nothing."""
    return SpokenScore(
        score_without_confidence(truth, found, seeds=seeds),
        strict_f1(truth, found),
        repository_f1(truth, found),
    )


def least_score(truth: Pictures, found: Pictures) -> float | None:
    """From which score on a detector's AP_nc50 is best; ``None`` where all scores are alike.

    Measured with one drawn order, on these pictures: take it from validation data and keep it for tests.
    """
    if not has_scores(found):
        return None
    tried = [
        (score_without_confidence(truth, at_least(found, score), thresholds=(0.5,), seeds=1), -score)
        for score in LEAST_SCORES
    ]
    return -max((np.nan_to_num(score.mean_and_deviation()[0]), rank) for score, rank in tried)[1]


def repository_f1_of_scores(truth: Pictures, found: Pictures) -> tuple[float, float]:
    """Mean and maximum of `repository_f1` over the scores 0, 0.1, … 0.9 from which detections are taken."""
    values = [repository_f1(truth, at_least(found, score)) for score in F1_SCORES]
    return float(np.mean(values)), max(values)


def has_scores(found: Pictures) -> bool:
    """Whether detections differ in their scores."""
    return len(np.unique(np.concatenate([boxes.scores for boxes in found.values()] or [np.zeros(0)]))) > 1


def at_least(found: Pictures, score: float) -> dict[str, Boxes]:
    """Detections from a score on."""
    return {key: boxes.take(boxes.scores >= score) for key, boxes in found.items()}


def renamed(pictures: Pictures, names: Mapping[str, str]) -> dict[str, Boxes]:
    """The same objects under other names; those without one are left out."""
    result = {}
    for key, boxes in pictures.items():
        kept = boxes.take(np.array([str(name) in names for name in boxes.names], dtype=bool))
        called = [names[str(name)] for name in kept.names]
        result[key] = Boxes.of(kept.quads_px, called, kept.scores, kept.difficult)
    return result
