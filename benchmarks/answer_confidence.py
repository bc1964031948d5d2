"""How often answers of a stated certainty are right over development worlds, as a rising function.

    python -m benchmarks.answer_confidence OUT.json FOLDER [FOLDER ...]

Each folder is a development world: ``attitude.gpkg`` of our own localisation and tracks, ``questions.json``
and the layers that it names. How reliable the confidences are is told of each world by what the others teach.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.confidence import MOST
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.question import Question, QuestionItem, QuestionSet
from rs_copilot.reasoning.scene import read_memory
from rs_copilot.reasoning.tasks import AnswerKind

SCENE, QUESTIONS = "attitude.gpkg", "questions.json"
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
# A number is right within a tenth, a moment within a second.
NUMBER_SHARE, MOMENT_S = 0.1, 1.0
KNOTS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


def is_right(item: QuestionItem, answer: Answer) -> bool:
    """Whether an answer that was given is the right one."""
    if not item.answerable or item.answer is None:
        return False
    if item.kind in (AnswerKind.NUMBER, AnswerKind.TIMESTAMP):
        low, high = item.answer if isinstance(item.answer, tuple) else (item.answer, item.answer)
        if not isinstance(answer.value, (int, float)):
            return False
        slack = MOMENT_S if item.kind is AnswerKind.TIMESTAMP else NUMBER_SHARE * abs(float(high))
        return float(low) - slack <= float(answer.value) <= float(high) + slack
    return answer.value == item.answer


def monotone(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The nearest rising sequence, by pooling neighbours that fall (Ayer et al. 1955)."""
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([float(value), float(weight), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            upper, lower = blocks.pop(), blocks.pop()
            total = lower[1] + upper[1]
            blocks.append([(lower[0] * lower[1] + upper[0] * upper[1]) / total, total, lower[2] + upper[2]])
    return np.concatenate([[value] * int(count) for value, _, count in blocks])


def asked(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Stated certainties of the answers about a world, and whether they are right (N,)."""
    questions = QuestionSet.model_validate_json((folder / QUESTIONS).read_text(encoding="utf-8"))
    layers = {name: str(folder / place) for name, place in questions.layers.items()}
    memory = read_memory(str(folder / SCENE), None, layers)
    answers = [(item, ask(_heard(item), memory, plan)) for item in questions.questions]
    given = [(answer.stated, is_right(item, answer)) for item, answer in answers if not answer.abstained]
    return np.array([stated for stated, _ in given]), np.array([right for _, right in given], dtype=bool)


def _heard(item: QuestionItem) -> Question:
    """What the planner hears: neither the task nor the kind of the answer."""
    return Question(text=item.text, choices=item.choices, marks=item.marks)


def applied(document: Mapping[str, Any], stated: np.ndarray) -> np.ndarray:
    """Confidences that a fit gives to stated certainties, as `reasoning.confidence` does."""
    return np.minimum(np.interp(stated, document["stated"], document["right"]), MOST)


def reliability(confidence: np.ndarray, right: np.ndarray) -> tuple[float, list[str]]:
    """Expected calibration error (Naeini et al. 2015) over `BINS`, and a line of Markdown for each."""
    number = np.clip(np.searchsorted(BINS, confidence, side="right") - 1, 0, len(BINS) - 2)
    lines, error = [], 0.0
    for index, (low, high) in enumerate(itertools.pairwise(BINS)):
        mine = number == index
        if not mine.any():
            continue
        said, true = float(confidence[mine].mean()), float(right[mine].mean())
        error += abs(said - true) * float(mine.mean())
        lines.append(f"| {low:.2f} to {high:.2f} | {mine.sum()} | {said:.3f} | {true:.3f} |")
    return error, lines


def main(out: str, *folders: str) -> None:
    """Ask, fit, write, and tell how reliable it is."""
    worlds = [asked(Path(folder)) for folder in folders]
    stated, right = (np.concatenate(column) for column in zip(*worlds, strict=True))
    document = fitted(stated, right)
    Path(out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    unseen = []
    for number, (own, _) in enumerate(worlds):
        rest = [world for place, world in enumerate(worlds) if place != number] or worlds
        taught = fitted(*(np.concatenate(column) for column in zip(*rest, strict=True)))
        unseen.append(applied(taught, own))
    error, lines = reliability(np.concatenate(unseen), right)
    before, _ = reliability(stated, right)
    print(
        f"{len(stated)} answers about {len(worlds)} worlds, {right.mean():.3f} right; expected calibration "
    )
    print(
        f"error {before:.3f} of what operations state, {error:.3f} of confidences in worlds not fitted on\n"
    )
    print("| confidence | answers | mean confidence | right |\n| --- | --- | --- | --- |", *lines, sep="\n")
    print(json.dumps(document))


def fitted(stated: np.ndarray, right: np.ndarray) -> dict[str, object]:
    """The share of right answers by stated certainty, rising, and how many answers each rests on."""
    count = len(KNOTS) - 1
    bins = np.clip(np.searchsorted(KNOTS, stated, side="right") - 1, 0, count - 1)
    answers = np.bincount(bins, minlength=count)
    # One right and one wrong answer are added to every bin, so that few answers make no certainty.
    rates = (np.bincount(bins, weights=right.astype(np.float64), minlength=count) + 1.0) / (answers + 2.0)
    return {
        "about": "stated certainty and share of right answers; made by benchmarks/answer_confidence.py",
        "stated": [(low + high) / 2.0 for low, high in itertools.pairwise(KNOTS)],
        "right": [round(float(value), 3) for value in monotone(rates, answers + 2.0)],
        "answers": answers.tolist(),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
