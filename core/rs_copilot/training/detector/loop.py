"""The detector's training loop: seeded, resumable, with progress and held-out scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from rs_copilot.training.course import HELD_OUT, Course, as_tensor
from rs_copilot.training.detector.loss import Losses, detection_loss
from rs_copilot.training.detector.measure import Measured, measure
from rs_copilot.training.detector.network import NetworkConfig, VehicleNetwork
from rs_copilot.training.detector.sampler import Batch, Sampler


class DetectorTraining(BaseModel):
    """Everything that decides a training but the data and the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    steps: int = Field(2000, ge=1)
    batch_size: int = Field(16, ge=2)
    side_px: int = Field(192, ge=64, multiple_of=32)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    warmup_share: float = Field(0.04, ge=0, lt=1)
    log_every: int = Field(20, ge=1)
    check_every: int = Field(250, ge=1)
    held_out_pictures: int = Field(64, ge=2)


@dataclass(frozen=True)
class Line:
    """One line of the log; ``held_out`` is the loss on held-out ground, ``None`` between checks."""

    step: int
    loss: float
    score: float
    box: float
    angle: float
    seconds: float
    held_out: float | None = None


Report = Callable[[Line], None]


def as_input(pictures: np.ndarray) -> Tensor:
    """``(B, S, S, 3)`` bytes as ``(B, 3, S, S)`` floats in 0 to 1, channels last in memory."""
    return as_tensor(pictures) / 255.0


class DetectorTrainer(Course[Batch, Losses, Line]):
    """The detector's course."""

    longest_gradient = 10.0

    def __init__(
        self,
        network: NetworkConfig,
        config: DetectorTraining,
        samplers: tuple[Sampler, Sampler],
        folder: Path,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(config.seed)
        sampler, self.held_out = samplers
        self.config = config
        self.model = VehicleNetwork(network).to(torch.device(device), memory_format=torch.channels_last)
        super().__init__(self.model, config, sampler, folder, device)

    def losses(self, batch: Batch) -> tuple[Tensor, Losses]:
        """The sum, and its parts."""
        losses = self._losses(batch)
        return losses.total, losses

    def _losses(self, batch: Batch) -> Losses:
        logits, raw = self.model(as_input(batch.pictures).to(self.device))
        boxes = [torch.from_numpy(item).to(self.device) for item in batch.boxes]
        asked = [torch.from_numpy(item).to(self.device) for item in batch.asked]
        return detection_loss(logits, raw, boxes, asked)

    def line(self, lost: Losses, *, checked: bool) -> Line:
        """A line of the log, with the loss on held-out ground where it is to be ``checked``."""
        held_out = self.check() if checked else None
        names = ("score", "box", "angle")
        parts = {name: round(float(getattr(lost, name).detach()), 4) for name in names}
        total = round(float(lost.total.detach()), 4)
        return Line(step=self.step, loss=total, **parts, seconds=round(self.seconds, 1), held_out=held_out)

    def check(self) -> float:
        """The loss on pictures of held-out ground, always the same ones."""
        self.model.eval()
        found = []
        with torch.no_grad():
            for number in range(-(-self.config.held_out_pictures // self.config.batch_size)):
                rng = np.random.default_rng([self.config.seed, HELD_OUT, number])
                found.append(float(self._losses(self.held_out.batch(self.config.batch_size, rng)).total))
        return float(np.mean(found))

    def score(self) -> Measured:
        """Average precision on pictures of held-out ground, always the same ones."""
        rng = np.random.default_rng([self.config.seed, HELD_OUT])
        batch = self.held_out.batch(self.config.held_out_pictures, rng)
        return measure(self.model, as_input(batch.pictures).to(self.device), batch)
