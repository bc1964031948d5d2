"""What a network says of itself: ONNX metadata of the two kinds that are about, and the card beside the file.

The metadata come from anywhere. They are read as values, never run, and every value is checked.

* Exports of Ultralytics: ``names`` (a Python dictionary as text), ``task``, ``stride``, ``imgsz`` and
  ``end2end``.
* Model zoos of QGIS plugins: ``model_type``, ``class_names``, ``resolution`` (cm per pixel), ``tiles_size``,
  ``tiles_overlap`` (percent), ``det_type``, ``det_conf``, ``det_iou_thresh``, ``standardization_mean`` and
  ``standardization_std``, each as JSON.
* Exports of transformers say nothing in the file; `config.json` and `preprocessor_config.json` lie beside it.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from rs_copilot.errors import BadInputError
from rs_copilot.models.cards import WeightsCard

MAX_TEXT = 1 << 20
MAX_CLASSES = 100_000
MAX_NAME = 100
MAX_PX = 1 << 14
TASKS = ("detect", "segment", "obb")
NEIGHBOURS = ("config.json", "preprocessor_config.json")


class DetectorCard(WeightsCard):
    """What a card may say of a detector; what it does not say the metadata may."""

    class_names: tuple[str, ...] | None = Field(default=None, min_length=1)
    gsd_m: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    det_type: str | None = None
    tile_px: int | None = Field(default=None, gt=0, le=MAX_PX)
    overlap_px: int | None = Field(default=None, ge=0)
    min_score: float | None = Field(default=None, ge=0, le=1)
    min_scores: Mapping[str, float] = Field(default_factory=dict)
    max_iou: float | None = Field(default=None, ge=0, le=1)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Description:
    """What is known; ``None`` means that nobody said.

    ``mean`` and ``std`` are those of values in 0 to 1; sides of the input are multiples of ``multiple_px``.
    """

    class_names: tuple[str, ...] | None = None
    gsd_m: float | None = None
    detector_type: str | None = None
    task: str | None = None
    is_end_to_end: bool = False
    tile_px: int | None = None
    overlap_share: float | None = None
    multiple_px: int = 32
    min_score: float | None = None
    max_iou: float | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


def describe(metadata: Mapping[str, str], card: DetectorCard | None = None) -> Description:
    """What metadata and card say together; the card has the last word.

    Raises:
        BadInputError: they say something that cannot be, or that this is no detector.
    """
    _check_kind(metadata)
    said = Description(
        class_names=_class_names(metadata),
        gsd_m=_per(_number(metadata, "resolution", 1e-3, 1e7), 100.0),
        detector_type=_text(metadata, "det_type"),
        task=_text(metadata, "task"),
        is_end_to_end=str(_value(metadata, "end2end")).lower() in {"true", "1"},
        tile_px=_whole(metadata, "tiles_size", MAX_PX) or _side(metadata),
        overlap_share=_per(_number(metadata, "tiles_overlap", 0.0, 90.0), 100.0),
        multiple_px=_whole(metadata, "stride", 1024) or 32,
        min_score=_number(metadata, "det_conf", 0.0, 1.0),
        max_iou=_number(metadata, "det_iou_thresh", 0.0, 1.0),
        mean=_triple(metadata, "standardization_mean"),
        std=_triple(metadata, "standardization_std", positive=True),
    )
    return said if card is None else _with_card(said, card)


def with_neighbours(metadata: Mapping[str, str], neighbours: Mapping[str, Any]) -> dict[str, str]:
    """Metadata, and what the files that transformers saves beside a network say, where the metadata do not.

    Args:
        metadata: of the ONNX file.
        neighbours: what stands in ``config.json`` and ``preprocessor_config.json``, by the files' names.
    """
    config, pictures = (_dict(neighbours.get(name)) for name in NEIGHBOURS)
    is_normalised = pictures.get("do_normalize") is True
    size = _dict(pictures.get("size"))
    values = {
        "class_names": config.get("id2label"),
        "tiles_size": size.get("height") or size.get("shortest_edge"),
        "standardization_mean": pictures.get("image_mean") if is_normalised else None,
        "standardization_std": pictures.get("image_std") if is_normalised else None,
    }
    if "names" in metadata:
        del values["class_names"]
    known = {key: json.dumps(value) for key, value in values.items() if value is not None}
    return {**known, **metadata}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _with_card(said: Description, card: DetectorCard) -> Description:
    tile_px = card.tile_px or said.tile_px
    share = said.overlap_share
    if card.overlap_px is not None and tile_px:
        share = min(card.overlap_px / tile_px, 0.9)
    return Description(
        class_names=card.class_names or said.class_names,
        gsd_m=card.gsd_m or said.gsd_m,
        detector_type=card.det_type or said.detector_type,
        task=said.task,
        is_end_to_end=said.is_end_to_end,
        tile_px=tile_px,
        overlap_share=share,
        multiple_px=said.multiple_px,
        min_score=said.min_score if card.min_score is None else card.min_score,
        max_iou=said.max_iou if card.max_iou is None else card.max_iou,
        mean=card.mean or said.mean,
        std=card.std or said.std,
    )


def _check_kind(metadata: Mapping[str, str]) -> None:
    kind, task = _text(metadata, "model_type"), _text(metadata, "task")
    if kind is not None and kind.lower() != "detector":
        raise BadInputError(f"the network says that it is a {kind}, expected a Detector")
    if task is not None and task not in TASKS:
        raise BadInputError(f"the network was made for the task {task}, expected {', '.join(TASKS)}")


def _class_names(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Names by number from a list, a dictionary, or a list with a dictionary; gaps are numbered."""
    key = next((key for key in ("class_names", "names") if key in metadata), None)
    if key is None:
        return None
    value = _value(metadata, key)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value))
    numbers = _numbered(value) if isinstance(value, dict) and value else None
    if numbers is None:
        raise BadInputError(f"the metadata {key} are {_short(metadata[key])}, expected names by number")
    return tuple(clean_name(numbers.get(i), i) for i in range(max(numbers) + 1))


def _numbered(value: dict[Any, Any]) -> dict[int, Any] | None:
    keys = [str(key) for key in value]
    if not all(key.isascii() and key.isdigit() and len(key) < 9 and int(key) < MAX_CLASSES for key in keys):
        return None
    return dict(zip(map(int, keys), value.values(), strict=True))


def clean_name(name: object, number: int) -> str:
    """A name that can stand in a table and on a map; ``class_7`` where there is none."""
    plain = "".join(sign for sign in name if sign.isprintable()).strip() if isinstance(name, str) else ""
    return plain[:MAX_NAME] or f"class_{number}"


def _value(metadata: Mapping[str, str], key: str) -> Any:  # noqa: ANN401 - whatever stands there
    """A value as JSON, as a literal of Python, or else the text; ``None`` where there is nothing."""
    text = metadata.get(key)
    if text is None:
        return None
    if len(text) > MAX_TEXT:
        raise BadInputError(f"the metadata {key} have {len(text)} characters, expected {MAX_TEXT} at most")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text


def _text(metadata: Mapping[str, str], key: str) -> str | None:
    value = _value(metadata, key)
    return None if value in (None, "") else str(value)[:MAX_NAME]


def _number(metadata: Mapping[str, str], key: str, low: float, high: float) -> float | None:
    value = _value(metadata, key)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not low <= number <= high:
        raise BadInputError(
            f"the metadata {key} are {_short(metadata[key])}, expected a number from {low:g} to {high:g}"
        )
    return number


def _whole(metadata: Mapping[str, str], key: str, high: int) -> int | None:
    number = _number(metadata, key, 1.0, float(high))
    return None if number is None else round(number)


def _side(metadata: Mapping[str, str]) -> int | None:
    """The longer side of the pictures that Ultralytics made an export for."""
    sides = _value(metadata, "imgsz")
    sides = sides if isinstance(sides, (list, tuple)) else [sides]
    known = [side for side in sides if isinstance(side, int) and 0 < side <= MAX_PX]
    return max(known, default=None)


def _per(number: float | None, unit: float) -> float | None:
    return None if number is None else number / unit


def _triple(
    metadata: Mapping[str, str], key: str, *, positive: bool = False
) -> tuple[float, float, float] | None:
    """One number for each of three bands."""
    value = _value(metadata, key)
    if value is None:
        return None
    try:
        numbers = [float(item) for item in value]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)) or (positive and min(numbers) <= 0.0):
        raise BadInputError(f"the metadata {key} are {_short(metadata[key])}, expected three numbers")
    return numbers[0], numbers[1], numbers[2]


def _short(text: str) -> str:
    return repr(text[:60])
