"""Train the retriever from a recipe, or adapt it to a user's own layer."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import StorageError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS, read_card

WEIGHTS, CARD = DEFAULT_WEIGHTS.name, DEFAULT_WEIGHTS.with_suffix(".json").name


class TrainParams(BaseModel):
    """What to train and where to.

    With ``rasters`` the network's adapters are tuned on them, without a whole training follows ``recipe``
    (a name that comes along, or a JSON file) with the imagery under ``data``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    target: Literal["retriever"] = "retriever"
    rasters: list[Path] = []
    out: Path
    recipe: str = "cvaa-s"
    backbone: str | None = None
    data: Path | None = None
    weights: Path | None = None
    steps: int | None = Field(default=None, ge=1)
    pairs: int = Field(default=3072, ge=64)
    seed: int | None = None
    workers: int = Field(default=1, ge=0)
    undo: bool = False


class TrainResult(BaseModel):
    """The network that was written, and its recall on ground that was kept for measuring."""

    weights: Path
    sha256: str
    steps: int
    seconds: float
    recall_1: float | None = None
    recall_10: float | None = None
    before_recall_1: float | None = None
    before_recall_10: float | None = None
    kept: bool = True
    warnings: list[str] = []

    def summary(self) -> str:
        """A few lines for people."""
        lines = [f"Network: {self.weights} ({self.steps} steps, {self.seconds:.0f} s)"]
        if self.before_recall_1 is not None and self.recall_1 is not None:
            lines.append(
                f"Recall@1 on the held-out part of the layer: {self.before_recall_1:.0%} before, "
                f"{self.recall_1:.0%} after; Recall@10: {self.before_recall_10:.0%}, {self.recall_10:.0%}"
            )
            if not self.kept:
                lines.append("Tuning did not help on this layer: the network was left as it was.")
        elif self.recall_1 is not None:
            lines.append(f"Recall@1 {self.recall_1:.0%}, Recall@10 {self.recall_10:.0%} on held-out ground")
        return "\n".join([*lines, *(f"Note: {text}" for text in self.warnings)])


def run(params: TrainParams, context: JobContext) -> TrainResult:
    """Train, adapt, or take the last adaptation back.

    Raises:
        BadInputError: recipe, imagery or network cannot be used.
        StorageError: the folder cannot be written.
        CancelledError: the user stopped; a training goes on from there when it is run again.
    """
    try:
        params.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write to {params.out}: {error}") from error
    if params.undo:
        return _undo(params.out)
    return _adapt(params, context) if params.rasters else _train(params, context)


def _train(params: TrainParams, context: JobContext) -> TrainResult:
    from rs_copilot.training.session import train_recipe

    cache = Path(platformdirs.user_cache_dir("rs-copilot")) / "training-worlds"
    return TrainResult(
        **train_recipe(
            params.recipe,
            params.out,
            data=params.data,
            cache=cache,
            changes={"steps": params.steps, "seed": params.seed},
            backbone=params.backbone,
            workers=params.workers,
            device="cuda" if context.device.startswith("cuda") else "cpu",
            progress=context.progress,
        )
    )


def _adapt(params: TrainParams, context: JobContext) -> TrainResult:
    from rs_copilot.training.adapt import adapt, read_network, write_adapted
    from rs_copilot.training.cards import write_card
    from rs_copilot.training.grounds import read_raster_ground
    from rs_copilot.training.loop import Progress, TrainingConfig

    began = time.monotonic()
    base = params.weights or _existing(params.out) or DEFAULT_WEIGHTS
    before_card = read_card(base)
    context.progress(0, 1, "reading the layer and computing features")
    network = read_network(base)
    ground = read_raster_ground(params.rasters)
    config = TrainingConfig(
        seed=params.seed or 1, steps=params.steps or 150, batch_size=256, learning_rate=2e-4, check_every=50
    )

    def report(line: Progress) -> None:
        found = f"Recall@1 {line.recall_1:.0%}" if line.recall_1 is not None else ""
        context.progress(line.step, config.steps, f"tuning, step {line.step}: {found}")

    outcome = adapt(network, ground, config, params.pairs, report)
    digest = before_card.sha256
    if outcome.helped:
        # What `undo` goes back to.
        _copy(base, params.out / "previous")
        digest = write_adapted(network, params.out / WEIGHTS)
        card = {
            "name": f"{before_card.name}, adapted",
            "sha256": digest,
            "input_px": network.input_px,
            "dimensions": before_card.dimensions,
            "adapted_from": before_card.sha256,
            "layer": [path.name for path in params.rasters],
        }
        write_card(params.out / CARD, card)
    elif not (params.out / WEIGHTS).exists():
        _copy(base, params.out)
    return TrainResult(
        weights=params.out / WEIGHTS,
        sha256=digest,
        steps=config.steps,
        seconds=time.monotonic() - began,
        recall_1=outcome.after[0],
        recall_10=outcome.after[1],
        before_recall_1=outcome.before[0],
        before_recall_10=outcome.before[1],
        kept=outcome.helped,
    )


def _undo(out: Path) -> TrainResult:
    previous = out / "previous"
    if not (previous / WEIGHTS).exists():
        raise UsageError(
            f"{out} holds no earlier network to go back to.",
            hint="Without an adapted network RS Copilot uses the one that it came with.",
        )
    try:
        for name in (WEIGHTS, CARD):
            (previous / name).replace(out / name)
    except OSError as error:
        raise StorageError(f"cannot restore the network in {out}: {error}") from error
    card = read_card(out / WEIGHTS)
    return TrainResult(weights=out / WEIGHTS, sha256=card.sha256, steps=0, seconds=0.0)


def _existing(out: Path) -> Path | None:
    return out / WEIGHTS if (out / WEIGHTS).is_file() else None


def _copy(weights: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, folder / WEIGHTS)
        shutil.copyfile(weights.with_suffix(".json"), folder / CARD)
    except OSError as error:
        raise StorageError(f"cannot keep the network in {folder}: {error}") from error
