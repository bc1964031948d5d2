"""What an ONNX segmentation network says about itself, in its metadata or in a card beside it.

The keys of the metadata are those of the model zoo of the QGIS plugin Deepness (its documentation, "Adding
metadata to ONNX model"): values are JSON; ``resolution`` is in centimetres per pixel, ``tiles_overlap`` in
per cent; means and deviations belong to values from 0 to 1. All of it may be wrong or hostile.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rs_copilot.errors import BadInputError
from rs_copilot.models.cards import WeightsCard

MAX_TEXT = 1 << 16
MAX_CLASSES = 256
MAX_NAME = 80
HINT_METADATA = (
    "Correct the network's metadata, or write a card NAME.json beside NAME.onnx that says it right: "
    "docs/segmentation.md."
)
_BACKGROUND = frozenset(
    (
        "bg",
        "none",
        "nothing",
        "other",
        "others",
        "unlabeled",
        "unlabelled",
        "unknown",
        "void",
        "ignore",
        "nodata",
    )
)
_NOT = ("not_", "not ", "non_", "non-", "no_", "no ")


class About(BaseModel):
    """What is known about a network. ``None``: nothing was said.

    ``mean`` and ``std`` are for pixel values times ``scale``. ``output`` says what the numbers are that the
    network gives; without it a look at some of them decides.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    class_names: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=MAX_CLASSES)
    gsd_m: float | None = Field(default=None, ge=0.001, le=10_000.0)
    tile_px: int | None = Field(default=None, ge=32, le=8192)
    overlap: float | None = Field(default=None, ge=0.0, le=0.9)
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    small_segment_px: int = Field(default=0, ge=0, le=10_000)
    scale: float = Field(default=1.0 / 255.0, gt=0.0, le=1.0)
    mean: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=4)
    std: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=4)
    output: Literal["probabilities", "logits", "classes"] | None = None

    @field_validator("class_names")
    @classmethod
    def _readable(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if names is None else tuple(_clean(name, number) for number, name in enumerate(names))

    @field_validator("std")
    @classmethod
    def _divides(cls, std: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if std is not None and not all(value >= 1e-6 for value in std):
            raise ValueError("standard deviations are above 0")
        return std


class SegmenterCard(WeightsCard, About):
    """The card of a segmentation network: what `About` knows, with name and hash."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def about_from_metadata(metadata: Mapping[str, str], weights: Path) -> About:
    """What the metadata say; unknown keys are left alone.

    Raises:
        BadInputError: the network says that it is of another type, or a value cannot be.
    """
    kind = str(_value(metadata.get("model_type", "Segmentor"), "model_type"))
    if kind.lower() not in {"segmentor", "segmenter", "segmentation"}:
        raise BadInputError(
            f"{weights.name} says that it is a {kind[:MAX_NAME]!r}, expected a Segmentor.",
            hint="Detectors run with `rs-copilot detect`.",
        )
    told = {key: _value(metadata[key], key) for key in _READERS if key in metadata}
    values: dict[str, Any] = {}
    try:
        for key, value in told.items():
            name, read = _READERS[key]
            values.setdefault(name, read(value))
        return About.model_validate(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInputError(
            f"the metadata of {weights.name} cannot be used: {_in_words(error)}", hint=HINT_METADATA
        ) from error


def _value(text: str, key: str) -> Any:  # noqa: ANN401  JSON
    """JSON, or the text itself where it is none."""
    if len(text) > MAX_TEXT:
        raise BadInputError(
            f"the metadata of the network cannot be used: {key} has {len(text)} characters, "
            f"expected {MAX_TEXT} at most",
            hint=HINT_METADATA,
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return str(error)[:200]


def _names(value: object) -> list[str]:
    """``{"0": "background", "1": "field"}``, a list of such for several outputs, or a list of names."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        value = value[0]
    if isinstance(value, Mapping):
        by_number = {int(key): name for key, name in value.items()}
        if sorted(by_number) != list(range(len(by_number))):
            raise ValueError("class_names: expected the numbers from 0 on without gaps")
        value = [by_number[number] for number in range(len(by_number))]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("class_names: expected an object of numbers and names")
    return value


def _number(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]  # what is no number raises
    if not math.isfinite(number):
        raise ValueError(f"expected a number, found {value}")
    return number


def _numbers(value: object) -> list[float]:
    return [_number(item) for item in (value if isinstance(value, list) else [value])]


_READERS: dict[str, tuple[str, Any]] = {
    "class_names": ("class_names", _names),
    "names": ("class_names", _names),
    "resolution": ("gsd_m", lambda value: _number(value) / 100.0),
    "tiles_size": ("tile_px", lambda value: int(_number(value))),
    "tile_size": ("tile_px", lambda value: int(_number(value))),
    "tiles_overlap": ("overlap", lambda value: _number(value) / 100.0),
    "seg_thresh": ("threshold", _number),
    "seg_small_segment": ("small_segment_px", lambda value: int(_number(value))),
    "standardization_mean": ("mean", _numbers),
    "standardization_std": ("std", _numbers),
}


def _clean(name: str, number: int) -> str:
    """A name that can stand in a table: one line, not too long."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    return text[:MAX_NAME] or f"class {number}"


def is_background(name: str) -> bool:
    """Whether a class of that name is what is not looked for."""
    low = name.lower().strip(" _-")
    return "background" in low or low in _BACKGROUND or name.lower().startswith(_NOT)
