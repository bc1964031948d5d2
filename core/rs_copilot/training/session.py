"""From a recipe to a network in a folder, with its card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS
from rs_copilot.training.cards import hardware, write_card
from rs_copilot.training.export import write_dense_onnx, write_onnx
from rs_copilot.training.loop import Progress, Trainer
from rs_copilot.training.recipe import RECIPES, Material, Recipe, read_material, read_recipe

WEIGHTS, CARD = DEFAULT_WEIGHTS.name, DEFAULT_WEIGHTS.with_suffix(".json").name
DENSE_WEIGHTS = f"{DEFAULT_WEIGHTS.stem}-dense.onnx"
Report = Callable[[int, int, str], None]


def train_recipe(
    name: str,
    out: Path,
    *,
    data: Path | None,
    cache: Path,
    changes: dict[str, int | None],
    backbone: str | None,
    workers: int,
    device: str,
    progress: Report,
) -> dict[str, Any]:
    """Train, or go on where a training was stopped; where the weights are and what they reach.

    Args:
        name: of a recipe that comes along, or a file.
        out: folder for state, log, weights and card.
        data: folder of the imagery that the recipe names.
        cache: folder for rendered worlds.
        changes: numbers of the training to replace; ``None`` keeps the recipe's.
        backbone: in the place of the recipe's (see `training.backbone.open_backbone`).
        workers: processes that draw pairs.
        device: ``cpu`` or ``cuda``.
        progress: hears of steps; may raise to stop.

    Raises:
        BadInputError: recipe or imagery cannot be used.
        StorageError: the folder cannot be written.
    """
    recipe = _changed(_open_recipe(name), changes, backbone)
    # One thread learns while the workers draw: more threads than cores slow both down.
    torch.set_num_threads(max(1, torch.get_num_threads() - workers))
    material = read_material(recipe, data, cache, progress)
    trainer = Trainer(
        recipe.model.config(), recipe.training, material.train, material.held_out, out, device=device
    )
    trainer.resume()

    def report(line: Progress) -> None:
        progress(line.step, recipe.training.steps, f"step {line.step}, loss {line.loss:.3f}")

    trainer.run(report, workers=workers)
    trainer.whiten()
    recall = trainer.check()
    digest = _write(recipe, material, trainer, recall, device)
    return {
        "weights": out / WEIGHTS,
        "sha256": digest,
        "steps": recipe.training.steps,
        "seconds": trainer.seconds,
        "recall_1": recall[0],
        "recall_10": recall[1],
    }


def _open_recipe(name: str) -> Recipe:
    packaged = RECIPES / f"{name}.json"
    return read_recipe(packaged if packaged.is_file() else Path(name))


def _changed(recipe: Recipe, changes: dict[str, int | None], backbone: str | None) -> Recipe:
    given = {key: value for key, value in changes.items() if value is not None}
    update: dict[str, Any] = {"training": recipe.training.model_copy(update=given)}
    if backbone is not None:
        update["model"] = recipe.model.model_copy(update={"backbone": backbone})
    return recipe.model_copy(update=update)


def _write(
    recipe: Recipe, material: Material, trainer: Trainer, recall: tuple[float, float], device: str
) -> str:
    """Weights and card; the weights' SHA-256."""
    out = trainer.folder
    digest = write_onnx(trainer.model, out / WEIGHTS)
    card: dict[str, Any] = {
        "name": recipe.name,
        "sha256": digest,
        "input_px": recipe.model.input_px,
        "dimensions": recipe.model.embedding,
    }
    if recipe.model.backbone is None:
        dense = DENSE_WEIGHTS.removesuffix(".onnx")
        field = {"name": dense, "sha256": write_dense_onnx(trainer.model, out / DENSE_WEIGHTS)}
        channels = recipe.model.field_channels
        write_card(
            out / f"{dense}.json",
            field | {"input_px": recipe.model.input_px, "channels": channels, "trained_with": digest},
        )
    training = recipe.training
    card |= {
        "licence": recipe.licence,
        "use": recipe.use,
        "limits": recipe.limits,
        "command": f"rs-copilot train retriever --recipe {recipe.name} --data DATA --out OUT",
        "pairs": training.steps * training.batch_size,
        "recipe": recipe.model_dump(mode="json", exclude={"licence", "use", "limits"}),
        "grounds": material.used,
        "seconds": round(trainer.seconds),
        "hardware": hardware(device),
        "held_out": {"recall_1": round(recall[0], 3), "recall_10": round(recall[1], 3)},
    }
    write_card(out / CARD, card)
    return digest
