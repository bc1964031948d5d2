"""Doors to the files of benchmarks of vision-language models: lists of records, in JSON or line by line.

A record of a benchmark is a JSON object; once a model has answered, the same object with ``output`` and the
sizes ``original_width``, ``original_height``, ``resized_width``, ``resized_height``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rs_copilot.detection.boxes import quads_of
from rs_copilot.errors import BadInputError
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vector.json_values import finite
from rs_copilot.writing import write_whole

Record: TypeAlias = Mapping[str, Any]
_KEYS = ("question_id", "id", "Question_id", "idx", "question_idx")
_ANSWERS = ("output", "prediction", "response")
_BOXES = ("bbox", "ground_truth")
_TRUTHS = ("ground_truth", "Ground truth", "gt_answer", "answer", "gt")
_QUESTIONS = ("question", "Text", "text")
MANY = 1_000_000


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a file: a JSON list, or a JSON object on each line.

    Raises:
        BadInputError: it cannot be read, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read {path}: {error}") from error
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else _lines(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(
            f"{path} is neither a JSON list nor a JSON object on each line: {error}",
            hint="See docs/evaluation.md for the formats.",
        ) from error
    if not found or not all(isinstance(item, dict) for item in found):
        raise BadInputError(
            f"{path} holds no list of records", hint="See docs/evaluation.md for the formats."
        )
    return found


def _lines(text: str) -> list[Any]:
    # Not splitlines: texts of models hold other signs that count as line ends there.
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records as a JSON list, complete or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_json(path, list(records))


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, complete or not at all; what is no finite number becomes null.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, json.dumps(finite(value), indent=1) + "\n")


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write records as a JSON object on each line, complete or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, "".join(json.dumps(finite(record)) + "\n" for record in records))


def key_of(record: Record, number: int) -> str:
    """What tells a record from the others of its file: its id where it has one, else its number."""
    found = next((record[name] for name in _KEYS if isinstance(record.get(name), (str, int))), number)
    return str(found)


def answer_of(record: Record) -> str | None:
    """What a model answered, where the record says so.

    Results of GeoX-Bench have it at ``prediction.message``, those of LRS-VQA's own code in ``text``.
    """
    for name in _ANSWERS:
        found = record.get(name)
        if isinstance(found, str):
            return found
        if isinstance(found, Mapping) and isinstance(found.get("message"), str):
            return str(found["message"])
    is_of_lrs = "id" in record and not {"question_id", "question"} & set(record)
    return text_of(record, "text") or None if is_of_lrs else None


def size_of(record: Record, kind: str) -> SizeWH | None:
    """``original`` or ``resized`` size of the picture, where the record has it."""
    sides = [record.get(f"{kind}_{side}") for side in ("width", "height")]
    if not all(isinstance(side, (int, float)) and 0 < side < MANY for side in sides):
        return None
    return SizeWH(int(sides[0] or 0), int(sides[1] or 0))


def text_of(record: Record, *names: str) -> str:
    """The first of some fields that is a text; empty where none is."""
    return next((str(record[name]) for name in names if isinstance(record.get(name), str)), "")


def true_quads(record: Record) -> tuple[FloatArray, bool]:
    """Where the described things truly are: ``(N, 4, 2)`` in pixels of the picture, and whether it was said
    as one box, to be answered with one box.

    ``bbox`` holds four numbers; ``ground_truth`` one or several boxes of four numbers, of eight, or of four
    corners.

    Raises:
        BadInputError: there is no such field, or it holds something else.
    """
    name = next((name for name in _BOXES if record.get(name) is not None), None)
    value = None if name is None else record[name]
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInputError(f"the field {name} holds no boxes: {str(value)[:80]!r}") from error
    if value is None or not numbers.size or numbers.size % 4 or not np.isfinite(numbers).all():
        raise BadInputError(f"expected boxes in bbox or ground_truth, found {str(value)[:80]!r}")
    if numbers.shape == (4,):
        return quads_of(numbers[None]), True
    if numbers.ndim == 2 and numbers.shape[1] == 4:
        return quads_of(numbers), False
    if numbers.shape[-1] in {2, 8} and numbers.size % 8 == 0:
        return numbers.reshape(-1, 4, 2), False
    raise BadInputError(f"expected boxes of 4 or 8 numbers, found {str(value)[:80]!r}")


def question_of(record: Record) -> tuple[str, str]:
    """Question and true answer, also of conversations in LLaVA's form (a human asks, the model answers).

    Raises:
        BadInputError: one of them is missing.
    """
    turns = record.get("conversations")
    if isinstance(turns, list) and len(turns) >= 2 and all(isinstance(turn, Mapping) for turn in turns[:2]):
        asked, told = (str(turn.get("value", "")) for turn in turns[:2])
    else:
        asked = text_of(record, *_QUESTIONS)
        told = next((str(record[name]) for name in _TRUTHS if is_plain(record.get(name))), "")
    if not asked.strip() or not told.strip():
        raise BadInputError(
            f"a record has no question or no true answer: it has {', '.join(map(str, list(record)[:12]))}",
            hint="See docs/evaluation.md for the formats.",
        )
    return asked.replace("<image>", "").strip(), told.strip()


def is_plain(value: object) -> bool:
    """Whether a value of JSON is a text, a number or a truth value."""
    return isinstance(value, (str, int, float, bool))


def class_names(text: str) -> list[str]:
    """Names out of a list in words: separated by commas, a full stop at the end."""
    return [name for word in text.strip().rstrip(".").split(",") if (name := word.strip())]


def lettered(choices: Iterable[object]) -> list[str]:
    """Choices without the letter that may stand before each: ``(A) red``, ``A. red``."""
    return [re.sub(r"^\s*\(?[A-E]\s*[).:]\s*", "", str(choice)).strip() for choice in choices]
