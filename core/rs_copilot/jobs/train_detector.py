"""Train the small detector of oriented boxes from a recipe."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import StorageError
from rs_copilot.jobs.context import JobContext


class TrainDetectorParams(BaseModel):
    """Which recipe (a name that comes along, or a JSON file), the imagery that it names, and where to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    out: Path
    recipe: str = "vehicles-s"
    data: Path | None = None
    steps: int | None = Field(default=None, ge=1)
    seed: int | None = None
    workers: int = Field(default=0, ge=0)
    cache: Path | None = None


class TrainDetectorResult(BaseModel):
    """The network that was written; its loss and average precision on ground kept for measuring."""

    weights: Path
    sha256: str
    steps: int
    seconds: float
    held_out_loss: float
    held_out_ap_50: float
    warnings: list[str] = []

    def summary(self) -> str:
        """A few lines for people."""
        lines = [
            f"Detector: {self.weights} ({self.steps} steps, {self.seconds:.0f} s)",
            f"Held-out AP50 {self.held_out_ap_50:.2f}, loss {self.held_out_loss:.3f} (see losses.png)",
        ]
        return "\n".join([*lines, *(f"Note: {text}" for text in self.warnings)])


def run(params: TrainDetectorParams, context: JobContext) -> TrainDetectorResult:
    """Train, or go on where a training in the same folder was stopped.

    Raises:
        BadInputError: recipe or imagery cannot be used.
        StorageError: the folder cannot be written.
        CancelledError: the user stopped; run again to go on.
    """
    from rs_copilot.training.detector.session import train_detector

    try:
        params.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write to {params.out}: {error}") from error
    cache = params.cache or Path(platformdirs.user_cache_dir("rs-copilot")) / "training-scenes"
    made = train_detector(
        params.recipe,
        params.out,
        data=params.data,
        cache=cache,
        changes={"steps": params.steps, "seed": params.seed},
        workers=params.workers,
        device="cuda" if context.device.startswith("cuda") else "cpu",
        progress=context.progress,
    )
    return TrainDetectorResult(**made, warnings=list(context.warnings))
