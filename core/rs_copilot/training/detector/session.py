"""From a recipe to a detector in a folder, with its card and a plot of the losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from rs_copilot.training.course import LOG
from rs_copilot.training.detector.export import write_detector
from rs_copilot.training.detector.loop import DetectorTrainer, Line
from rs_copilot.training.detector.measure import MOST_OVERLAP
from rs_copilot.training.detector.plot import draw_losses
from rs_copilot.training.detector.recipe import DetectorRecipe, Material, open_recipe, read_material
from rs_copilot.training.export import write_card
from rs_copilot.training.session import hardware

# The size of tiles that the card proposes: large enough that little is computed twice at their borders.
TILE_PX = 640
# A bus is 13 m long.
OVERLAP_PX = 64
Report = Callable[[int, int, str], None]


def train_detector(
    name: str,
    out: Path,
    *,
    data: Path | None,
    cache: Path,
    changes: dict[str, int | None],
    workers: int,
    device: str,
    progress: Report,
) -> dict[str, Any]:
    """Train, or go on where a training was stopped; where the weights are and what they reach.

    Args:
        name: of a recipe that comes along, or a file.
        out: folder for state, log, plot, weights and card.
        data: folder of the imagery that the recipe names.
        cache: folder for rendered scenes.
        changes: numbers of the training to replace; ``None`` keeps the recipe's.
        workers: processes that draw pictures; 0 for none beside this one.
        device: ``cpu`` or ``cuda``.
        progress: hears of steps; may raise to stop.

    Raises:
        BadInputError: recipe or imagery cannot be used.
        StorageError: the folder cannot be written.
    """
    recipe = open_recipe(name)
    given = {key: value for key, value in changes.items() if value is not None}
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update=given)})
    torch.set_num_threads(max(1, torch.get_num_threads() - workers))
    material = read_material(recipe, data, cache, progress)
    trainer = DetectorTrainer(
        recipe.network.config(len(recipe.class_names)),
        recipe.training,
        (material.train, material.held_out),
        out,
        device,
    )
    trainer.resume()

    def report(line: Line) -> None:
        progress(line.step, recipe.training.steps, f"step {line.step}, loss {line.loss:.3f}")

    trainer.run(report, workers=workers)
    told = [f"--{key} {value}" for key, value in given.items()]
    return _written(recipe, material, trainer, device, told)


def _written(
    recipe: DetectorRecipe, material: Material, trainer: DetectorTrainer, device: str, told: list[str]
) -> dict[str, Any]:
    """Weights, card and plot; ``told`` is what the command changed."""
    out, loss, measured = trainer.folder, trainer.check(), trainer.score()
    score = measured.precision
    weights = out / f"{recipe.name}.onnx"
    digest = write_detector(
        trainer.model, weights, class_names=recipe.class_names, tile_px=TILE_PX, gsd_m=recipe.gsd_m
    )
    card = {
        "name": recipe.name,
        "sha256": digest,
        "task": "obb",
        "class_names": list(recipe.class_names),
        "gsd_m": recipe.gsd_m,
        "tile_px": TILE_PX,
        "overlap_px": OVERLAP_PX,
        "min_score": measured.min_score,
        "max_iou": MOST_OVERLAP,
        "input": "image: RGB, float32 in 0 to 1, (count, 3, height, width), sides multiples of 32",
        "output": "output0: (count, 4 + classes + 1, places): middle x, y, long and short side (px), "
        "scores, angle of the long side (radians, clockwise)",
        "licence": recipe.licence,
        "use": recipe.use,
        "limits": recipe.limits,
        "must_not": list(recipe.must_not),
        "command": " ".join(["rs-copilot train detector --data DATA --out OUT --recipe", recipe.name, *told]),
        "recipe": recipe.model_dump(mode="json", exclude={"licence", "use", "limits", "must_not"}),
        "grounds": material.used,
        "steps": trainer.step,
        "seconds": round(trainer.seconds),
        "hardware": hardware(device),
        "held_out": {
            "ground": "rendered" if recipe.worlds.held_out else "the training's own",
            "pictures": recipe.training.held_out_pictures,
            "ap_50": round(score.mean_at(0.5), 3),
            "ap_50_95": round(score.mean, 3),
            "loss": round(loss, 3),
        },
        "real_scores": "docs/benchmarks.md",
    }
    write_card(weights.with_suffix(".json"), card)
    draw_losses(out / LOG, out / "losses.png")
    return {
        "weights": weights,
        "sha256": digest,
        "steps": trainer.step,
        "seconds": trainer.seconds,
        "held_out_loss": loss,
        "held_out_ap_50": score.mean_at(0.5),
    }
