"""A recipe: the network, the numbers of its training, and the grounds that it learns from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.errors import BadInputError
from rs_copilot.training.grounds import Ground, read_picture_ground, read_raster_ground, read_world_ground
from rs_copilot.training.loop import TrainingConfig
from rs_copilot.training.model import ModelConfig
from rs_copilot.training.pairs import Sampler
from rs_copilot.training.worlds import FIRST_TRAINING_SEED, render_world, write_world
from rs_copilot.types import FloatArray

RECIPES = Path(__file__).with_name("recipes")
Report = Callable[[int, int, str], None]
Read = TypeVar("Read", bound=BaseModel)


class Frozen(BaseModel):
    """A part of a recipe: what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelNumbers(Frozen):
    """See `training.model.ModelConfig`."""

    widths: tuple[int, ...] = ModelConfig.widths
    depths: tuple[int, ...] = ModelConfig.depths
    grid: int = 4
    grid_channels: int = 64
    embedding: int = 256
    field_channels: int = 8
    input_px: int = Field(96, multiple_of=2)
    backbone: str | None = None

    def config(self) -> ModelConfig:
        """As the network takes it."""
        return ModelConfig(**self.model_dump())


class Worlds(Frozen):
    """Demo worlds to render, by seed."""

    seeds: tuple[int, ...] = ()
    held_out: tuple[int, ...] = ()
    extent_m: float = Field(800.0, ge=300.0, le=1600.0)
    gsd_m: float = Field(0.5, ge=0.2, le=2.0)
    frames: int = Field(10, ge=0)
    weight: float = Field(1.0, ge=0.0)


class Source(Frozen):
    """Files under the data folder: dates of one raster, or pictures that are a ground each."""

    kind: Literal["raster", "pictures"]
    paths: tuple[str, ...]
    weight: float = Field(1.0, gt=0.0)
    licence: str


class Recipe(Frozen):
    """Everything that decides a training; `held_out` rasters are only measured on.

    `licence`, `use` and `limits` of the network go to its card.
    """

    name: str
    licence: str = "not said"
    use: str = ""
    limits: str = ""
    model: ModelNumbers
    training: TrainingConfig
    worlds: Worlds = Worlds()
    sources: tuple[Source, ...] = ()
    held_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """Samplers for learning and for measuring, and what they are made of."""

    train: Sampler
    held_out: Sampler
    used: list[str]


def read_recipe(path: Path) -> Recipe:
    """A recipe from its JSON file.

    Raises:
        BadInputError: it cannot be read, or a field is wrong.
    """
    return read_as(Recipe, path)


def read_as(kind: type[Read], path: Path) -> Read:
    """A recipe of some kind from its JSON file.

    Raises:
        BadInputError: it cannot be read, or a field is wrong.
    """
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        raise BadInputError(
            f"cannot read the training recipe {path}: {error}", hint="Start from a recipe that comes along."
        ) from error


def check_seed(seed: int) -> None:
    """Worlds that are measured on are not learned from.

    Raises:
        BadInputError: the seed is kept for measuring.
    """
    if seed < FIRST_TRAINING_SEED:
        raise BadInputError(
            f"Training on the demo world of seed {seed} is refused: seeds under {FIRST_TRAINING_SEED} are "
            "kept for measuring."
        )


def read_material(recipe: Recipe, data: Path | None, cache: Path, report: Report) -> Material:
    """Load the recipe's grounds; worlds are rendered when the cache does not have them.

    Raises:
        BadInputError: a source is missing or cannot be read.
    """
    worlds = [
        _read_world(seed, recipe.worlds, cache, report)
        for seed in (*recipe.worlds.seeds, *recipe.worlds.held_out)
    ]
    count = len(recipe.worlds.seeds)
    weighted = [(ground, recipe.worlds.weight / max(count, 1)) for ground in worlds[:count]]
    for source in recipe.sources:
        grounds = _read_source(source, data)
        weighted += [(ground, source.weight / len(grounds)) for ground in grounds]
    measured = [*worlds[count:], *(read_raster_ground([_one(data, name)]) for name in recipe.held_out)]
    if not weighted:
        raise BadInputError("The recipe names neither worlds nor sources to learn from.")
    train = [ground for ground, _ in weighted]
    return Material(
        _sampler(recipe, train, np.array([weight for _, weight in weighted])),
        _sampler(recipe, measured or train, np.ones(len(measured or train))),
        [ground.name for ground in train],
    )


def _sampler(recipe: Recipe, grounds: list[Ground], weights: FloatArray) -> Sampler:
    return Sampler(grounds, weights, recipe.model.input_px, grounds_per_batch=min(6, 2 + len(grounds)))


def _read_world(seed: int, worlds: Worlds, cache: Path, report: Report) -> Ground:
    check_seed(seed)
    path = cache / f"{seed}-{worlds.extent_m:g}m-{worlds.gsd_m:g}m-{worlds.frames}.npz"
    if not path.is_file():
        report(0, 1, f"rendering training world {seed}")
        world = render_world(seed, extent_m=worlds.extent_m, gsd_m=worlds.gsd_m, frame_count=worlds.frames)
        write_world(path, world)
    return read_world_ground(path)


def _read_source(source: Source, data: Path | None) -> list[Ground]:
    paths = [path for pattern in source.paths for path in files_of(data, pattern)]
    if source.kind == "raster":
        return [read_raster_ground(paths)]
    return [read_picture_ground(path) for path in paths]


def _one(data: Path | None, name: str) -> Path:
    return files_of(data, name)[0]


def files_of(data: Path | None, pattern: str) -> list[Path]:
    """The files that a recipe's pattern means under the data folder, in order.

    Raises:
        BadInputError: there is none.
    """
    if Path(pattern).is_absolute():
        found = [Path(pattern)] if Path(pattern).is_file() else []
    else:
        found = sorted(data.glob(pattern)) if data is not None else []
    if not found:
        raise BadInputError(
            f"The recipe's source {pattern} is not in the data folder {data}.",
            hint="Give the folder of the training imagery by --data, or a recipe with your own rasters.",
        )
    return found
