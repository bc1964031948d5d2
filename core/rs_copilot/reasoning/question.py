"""What is asked: words, lettered choices, and marks on the map that the words name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely
from pydantic import BaseModel, ConfigDict, Field, field_validator
from shapely.geometry.base import BaseGeometry

from rs_copilot.reasoning.tasks import AnswerKind, Task


class Mark(BaseModel):
    """Something drawn on the map for a question: a point, a line or an area, in degrees (EPSG:4326)."""

    model_config = ConfigDict(frozen=True)

    name: str
    geometry: Mapping[str, Any]

    @field_validator("geometry")
    @classmethod
    def _is_geojson(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            shape = shapely.geometry.shape(value)
        except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
            raise ValueError(f"expected a GeoJSON geometry: {error}") from error
        if shape.is_empty or not shape.is_valid:
            raise ValueError("expected a valid geometry that is not empty")
        return value

    @property
    def shape_lonlat(self) -> BaseGeometry:
        """The geometry in degrees."""
        return shapely.geometry.shape(self.geometry)


class Question(BaseModel):
    """A question about one clip over one map.

    ``choices`` are texts by letter, empty for open questions. ``kind`` and ``task`` may be left to the
    planner.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    choices: Mapping[str, str] = Field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    kind: AnswerKind | None = None
    task: Task | None = None
    clip: str | None = None


class QuestionItem(Question):
    """A question of a question set, with its answer.

    ``answer``: a letter for a choice, a number, seconds for a timestamp (or a pair of seconds, an interval),
    text otherwise; ``None`` where the question cannot be answered, and ``reason`` says why not. ``pair`` is
    shared by an answerable question and its unanswerable twin; ``form`` numbers the wording.
    """

    id: str
    task: Task
    kind: AnswerKind
    answer: str | float | tuple[float, float] | None
    unit: str | None = None
    answerable: bool = True
    reason: str | None = None
    pair: str | None = None
    form: int = 0


class QuestionSet(BaseModel):
    """Questions about one clip. Paths are relative to the file's folder; ``layers`` are user layers."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    clip: str
    satellite: str
    layers: Mapping[str, str] = Field(default_factory=dict)
    questions: tuple[QuestionItem, ...]
