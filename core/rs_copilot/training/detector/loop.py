"""The detector's training loop: seeded, resumable, with progress and held-out scores."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from rs_copilot.errors import StorageError
from rs_copilot.training.detector.loss import Losses, detection_loss
from rs_copilot.training.detector.measure import Measured, measure
from rs_copilot.training.detector.network import NetworkConfig, VehicleNetwork
from rs_copilot.training.detector.sampler import Batch, Sampler
from rs_copilot.training.loop import Batches, learning_rate_at
from rs_copilot.training.state import read_state, write_state

# Held-out pictures are drawn from a stream of their own.
_HELD_OUT = 2
LOG = "log.jsonl"


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
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0


class DetectorTrainer:
    """A network on its way; ``folder`` keeps the state between sessions and the log."""

    def __init__(
        self,
        network: NetworkConfig,
        config: DetectorTraining,
        samplers: tuple[Sampler, Sampler],
        folder: Path,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.folder, self.device = config, folder, torch.device(device)
        self.sampler, self.held_out = samplers
        self.model = VehicleNetwork(network).to(self.device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step, self.seconds = 0, 0.0

    def resume(self) -> None:
        """Go on from the state in the folder, where there is one.

        Raises:
            BadInputError: the state belongs to another network.
        """
        path = self.folder / "state.safetensors"
        if path.exists():
            self.step, self.seconds = read_state(path, self.model, self.optimizer)

    def run(self, report: Report, *, workers: int = 0) -> None:
        """Train to the last step; ``report`` may raise to stop, and what is done is kept.

        Raises:
            StorageError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot write the training's folder {self.folder}: {error}") from error
        draw = partial(self.sampler.batch, self.config.batch_size)
        batches = Batches(draw, self.config.seed, range(self.step, self.config.steps)).loader(workers)
        began, before = time.monotonic(), self.seconds
        try:
            for batch in batches:
                losses = self._learn(batch)
                self.step += 1
                self.seconds = before + time.monotonic() - began
                self._tell(losses, report)
        finally:
            self.save()

    def _learn(self, batch: Batch) -> Losses:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.config)
        self.model.train()
        losses = self._losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        return losses

    def _losses(self, batch: Batch) -> Losses:
        logits, raw = self.model(as_input(batch.pictures).to(self.device))
        boxes = [torch.from_numpy(item).to(self.device) for item in batch.boxes]
        asked = [torch.from_numpy(item).to(self.device) for item in batch.asked]
        return detection_loss(logits, raw, boxes, asked)

    def _tell(self, losses: Losses, report: Report) -> None:
        check = self.step % self.config.check_every == 0 or self.step == self.config.steps
        if not (check or self.step % self.config.log_every == 0):
            return
        held_out = self.check() if check else None
        if check:
            self.save()
        names = ("score", "box", "angle")
        parts = {name: round(float(getattr(losses, name).detach()), 4) for name in names}
        total = round(float(losses.total.detach()), 4)
        line = Line(step=self.step, loss=total, **parts, seconds=round(self.seconds, 1), held_out=held_out)
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(vars(line)) + "\n")
        report(line)

    def check(self) -> float:
        """The loss on pictures of held-out ground, always the same ones."""
        self.model.eval()
        found = []
        with torch.no_grad():
            for number in range(-(-self.config.held_out_pictures // self.config.batch_size)):
                rng = np.random.default_rng([self.config.seed, _HELD_OUT, number])
                found.append(float(self._losses(self.held_out.batch(self.config.batch_size, rng)).total))
        return float(np.mean(found))

    def score(self) -> Measured:
        """Average precision on pictures of held-out ground, always the same ones."""
        rng = np.random.default_rng([self.config.seed, _HELD_OUT])
        batch = self.held_out.batch(self.config.held_out_pictures, rng)
        return measure(self.model, as_input(batch.pictures).to(self.device), batch)

    def save(self) -> None:
        """Keep weights, optimiser and step; the file appears whole or not at all."""
        write_state(self.folder / "state.safetensors", self.model, self.optimizer, self.step, self.seconds)
