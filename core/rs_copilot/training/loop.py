"""The training loop: seeded, resumable, with progress; on the CPU in bfloat16 where that is fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from rs_copilot.training.course import HELD_OUT, Course, as_tensor
from rs_copilot.training.loss import contrastive_loss, correlation_loss
from rs_copilot.training.model import SATELLITE, UAV, Cvaa, ModelConfig
from rs_copilot.training.pairs import Batch, Sampler
from rs_copilot.training.whitening import pair_whitening

# A stream of random numbers of its own, beside those of the course.
_WHITENING = 3


class TrainingConfig(BaseModel):
    """Everything that decides a training but the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    steps: int = Field(4000, ge=1)
    batch_size: int = Field(160, ge=4)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    warmup_share: float = Field(0.05, ge=0, lt=1)
    dense_weight: float = Field(0.3, ge=0)
    with_adapters: bool = True
    log_every: int = Field(25, ge=1)
    check_every: int = Field(250, ge=1)
    held_out_pairs: int = Field(512, ge=4)
    whitening_pairs: int = Field(3000, ge=0)


@dataclass(frozen=True)
class Progress:
    """One line of the log. Recalls are ``None`` between checks."""

    step: int
    loss: float
    dense_loss: float
    temperature: float
    seconds: float
    recall_1: float | None = None
    recall_10: float | None = None


Report = Callable[[Progress], None]


class Trainer(Course[Batch, tuple[float, float], Progress]):
    """The retriever's course."""

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainingConfig,
        sampler: Sampler,
        held_out: Sampler,
        folder: Path,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.held_out = config, held_out
        self.model = Cvaa(model_config).to(torch.device(device), memory_format=torch.channels_last)
        for parameter in self.model.branches.parameters():
            parameter.requires_grad_(config.with_adapters)
        super().__init__(self.model, config, sampler, folder, device)

    def whiten(self) -> None:
        """Whiten the embeddings by matching pairs of the training grounds, and keep that."""
        size = self.config.batch_size
        views, tiles = [], []
        for number in range(-(-self.config.whitening_pairs // size)):
            batch = self.sampler.batch(size, np.random.default_rng([self.config.seed, _WHITENING, number]))
            views.append(self._embed(batch.views, UAV, whitened=False))
            tiles.append(self._embed(batch.tiles, SATELLITE, whitened=False))
        if views:
            means, matrix = pair_whitening(torch.cat(views), torch.cat(tiles))
            self.model.whitening_means.copy_(means)
            self.model.whitening.copy_(matrix)
            self.save()

    def losses(self, batch: Batch) -> tuple[Tensor, tuple[float, float]]:
        """Both losses, weighted; and each by itself."""
        embedding_loss, dense_loss = self._losses(batch)
        total = embedding_loss + self.config.dense_weight * dense_loss
        return total, (float(embedding_loss.detach()), float(dense_loss.detach()))

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        count = len(batch.views)
        pictures = torch.cat([as_tensor(batch.views), as_tensor(batch.tiles)]).to(self.device)
        branch = torch.cat([torch.full((count,), UAV), torch.full((count,), SATELLITE)]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            made, fields = self.model.learn(pictures, branch)
        embedded = made.float()
        overlaps = torch.from_numpy(batch.overlaps()).to(self.device)
        loss = contrastive_loss(embedded[:count], embedded[count:], overlaps, self.model.temperature)
        if fields is None:
            return loss, torch.zeros((), device=self.device)
        offset = torch.from_numpy(batch.offset).float().to(self.device)
        sharpness = self.model.log_sharpness.exp()
        halves = fields[:count].float(), fields[count:].float()
        return loss, correlation_loss(*halves, offset, sharpness)

    def line(self, lost: tuple[float, float], *, checked: bool) -> Progress:
        """A line of the log, with recalls where it is to be ``checked``."""
        recall: tuple[float | None, float | None] = self.check() if checked else (None, None)
        temperature = float(self.model.temperature.detach())
        return Progress(self.step, *lost, temperature, self.seconds, *recall)

    def check(self) -> tuple[float, float]:
        """Recall@1 and Recall@10 of held-out views among as many held-out tiles."""
        rng = np.random.default_rng([self.config.seed, HELD_OUT])
        batch = self.held_out.batch(self.config.held_out_pairs, rng)
        views, tiles = self._embed(batch.views, UAV), self._embed(batch.tiles, SATELLITE)
        return recalls((views @ tiles.t()).numpy(), batch.overlaps())

    def _embed(self, pictures: np.ndarray, branch: float, *, whitened: bool = True) -> Tensor:
        self.model.eval()
        last = self.model.head if whitened else self.model.plain
        parts = []
        # Whitening magnifies what eight bits of mantissa lose: no bfloat16 here.
        with torch.no_grad():
            for part in np.array_split(pictures, max(1, len(pictures) // 128)):
                branches = torch.full((len(part),), branch, device=self.device)
                parts.append(last(self.model.features(as_tensor(part).to(self.device)), branches))
        return torch.cat(parts).float().cpu()


def recalls(scores: np.ndarray[Any, Any], overlaps: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Recall@1 and @10 of ``(B, B)`` scores whose truth is the diagonal; overlapping tiles do not compete."""
    own = np.diag(scores)
    better = ((scores > own[:, None]) & ~overlaps).sum(axis=1)
    return float((better < 1).mean()), float((better < 10).mean())
