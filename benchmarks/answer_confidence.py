"""How often answers of a stated certainty are right over development worlds, as a rising function.

``python -m benchmarks.answer_confidence OUT.json SCENE QUESTIONS MAP [SCENE QUESTIONS MAP ...]``
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np

from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.question import QuestionItem, QuestionSet
from rs_copilot.reasoning.scene import read_memory
from rs_copilot.reasoning.tasks import AnswerKind

LAYERS = ("zones", "roads", "occluders")
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


def main(out: str, *files: str) -> None:
    """Ask, fit, and write."""
    said: list[float] = []
    right: list[bool] = []
    for scene, questions, map_file in zip(files[::3], files[1::3], files[2::3], strict=True):
        memory = read_memory(scene, None, {name: f"{map_file}|layername={name}" for name in LAYERS})
        items = QuestionSet.model_validate_json(Path(questions).read_text(encoding="utf-8")).questions
        for item in items:
            answer = ask(item, memory, plan)
            if not answer.abstained:
                said.append(answer.stated)
                right.append(is_right(item, answer))
    document = fitted(np.array(said), np.array(right))
    Path(out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{len(said)} answers, {np.mean(right):.3f} right", document)


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
