"""The recipe of a tuning: matrices, numbers, and how conversations are varied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.training.recipe import RECIPES
from rs_copilot.training.vlm.loop import TuningNumbers
from rs_copilot.training.vlm.lora import LoraNumbers
from rs_copilot.training.vlm.preparing import Variation
from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.resize import TRAINED, PixelBudget


class TuningRecipe(BaseModel):
    """Everything that decides a tuning but model and data.

    ``resize`` and ``paraphrase`` as in `Variation`; ``min_px`` and ``max_px`` limit every picture, beside
    what the model allows; ``grid`` is the size in which the data give places, pixels of the file without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    lora: LoraNumbers = LoraNumbers()
    training: TuningNumbers = TuningNumbers()
    resize: float = Field(0.0, ge=0, le=1)
    paraphrase: float = Field(0.5, ge=0, le=1)
    grid: tuple[int, int] | None = None
    min_px: int = Field(TRAINED.min_px, gt=0)
    max_px: int = Field(TRAINED.max_px, gt=0)

    @model_validator(mode="after")
    def _has_room(self) -> TuningRecipe:
        if self.min_px > self.max_px or (self.grid is not None and min(self.grid) < 1):
            raise ValueError("expected min_px up to max_px, and a grid of two numbers over 0")
        return self

    @property
    def variation(self) -> Variation:
        """How conversations are varied."""
        return Variation(self.resize, self.paraphrase, None if self.grid is None else SizeWH(*self.grid))

    def changed(
        self, *, lora: Mapping[str, Any], training: Mapping[str, Any], grid: tuple[int, int] | None
    ) -> TuningRecipe:
        """The recipe with other numbers; ``None`` keeps its own.

        Raises:
            UsageError: a number cannot be.
        """
        said = self.model_dump()
        for part, numbers in (("lora", lora), ("training", training), ("", {"grid": grid})):
            into = said[part] if part else said
            into.update({name: value for name, value in numbers.items() if value is not None})
        try:
            return TuningRecipe.model_validate(said)
        except ValidationError as error:
            raise UsageError(f"the numbers of the tuning cannot be: {error}") from error

    def shown_to(self, family: Family) -> Family:
        """The family with the recipe's limits of pictures, where they are the narrower ones."""
        return replace(family, limits=PixelBudget(self.min_px, self.max_px).within(family.limits))


def open_recipe(name: str) -> TuningRecipe:
    """A recipe that comes along, or one from a JSON file.

    Raises:
        BadInputError: it cannot be read, or a field is wrong.
    """
    packaged = RECIPES / f"{name}.json"
    path = packaged if packaged.is_file() else Path(name)
    try:
        return TuningRecipe.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        raise BadInputError(
            f"cannot read the tuning recipe {path}: {error}", hint="Start from the recipe vlm-lora."
        ) from error
