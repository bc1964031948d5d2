"""The training loop: seeded, resumable, with progress; on the CPU in bfloat16 where that is fast."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from rs_copilot.errors import StorageError
from rs_copilot.training.loss import contrastive_loss, correlation_loss
from rs_copilot.training.model import SATELLITE, UAV, Cvaa, ModelConfig
from rs_copilot.training.pairs import Batch, Sampler
from rs_copilot.training.state import read_state, write_state
from rs_copilot.training.whitening import pair_whitening

# Streams of random numbers: training batches and held-out batches never share one.
_TRAIN, _HELD_OUT, _WHITENING = 1, 2, 3


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
Drawn = TypeVar("Drawn")


class Schedule(Protocol):
    """What decides the learning rate of a step."""

    @property
    def steps(self) -> int:
        """All of them."""

    @property
    def learning_rate(self) -> float:
        """At its highest."""

    @property
    def warmup_share(self) -> float:
        """Of the steps."""


def learning_rate_at(step: int, config: Schedule) -> float:
    """Linear warm-up, then half a cosine down to a hundredth (Loshchilov and Hutter, SGDR, ICLR 2017)."""
    warm = max(1, round(config.warmup_share * config.steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    share = (step - warm) / max(1, config.steps - warm)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + float(np.cos(np.pi * share))))


def as_tensor(pictures: np.ndarray) -> Tensor:
    """``(B, S, S, 4)`` bytes as ``(B, 4, S, S)`` floats in [0, 255], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float()


class Batches(torch.utils.data.IterableDataset[Drawn]):
    """Batch k of a training is decided by seed and k alone, whichever process draws it."""

    def __init__(self, draw: Callable[[np.random.Generator], Drawn], seed: int, steps: range) -> None:
        self._draw, self._seed, self._steps = draw, seed, steps

    def __iter__(self) -> Iterator[Drawn]:
        worker = torch.utils.data.get_worker_info()
        start, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for step in self._steps[start::stride]:
            yield self._draw(np.random.default_rng([self._seed, _TRAIN, step]))

    def loader(self, workers: int) -> torch.utils.data.DataLoader[Drawn]:
        """The batches in order, drawn by so many processes; 0 for this one."""
        return torch.utils.data.DataLoader(
            self, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
        )


class Trainer:
    """A network on its way; ``folder`` keeps the state between sessions and the log."""

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
        self.config, self.sampler, self.held_out, self.folder = config, sampler, held_out, folder
        self.device = torch.device(device)
        self.model = Cvaa(model_config).to(self.device, memory_format=torch.channels_last)
        for parameter in self.model.branches.parameters():
            parameter.requires_grad_(config.with_adapters)
        wanted = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(wanted, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.step, self.seconds = 0, 0.0

    def resume(self) -> None:
        """Go on from the state in the folder, where there is one.

        Raises:
            BadInputError: the state belongs to another network.
        """
        path = self.folder / "state.safetensors"
        if path.exists():
            self.step, self.seconds = read_state(path, self.model, self.optimizer)

    def run(self, report: Report, *, workers: int = 1) -> None:
        """Train to the last step; ``report`` may raise to stop, and what is done is kept.

        Raises:
            StorageError: the folder cannot be written.
        """
        self._make_folder()
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

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot write the training's folder {self.folder}: {error}") from error

    def _learn(self, batch: Batch) -> tuple[float, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.config)
        self.model.train()
        embedding_loss, dense_loss = self._losses(batch)
        total = embedding_loss + self.config.dense_weight * dense_loss
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return float(embedding_loss.detach()), float(dense_loss.detach())

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

    def _tell(self, losses: tuple[float, float], report: Report) -> None:
        last = self.step == self.config.steps
        check = self.step % self.config.check_every == 0 or last
        if not (check or self.step % self.config.log_every == 0):
            return
        recall: tuple[float | None, float | None] = (None, None)
        if check:
            recall = self.check()
            self.save()
        temperature = float(self.model.temperature.detach())
        line = Progress(self.step, *losses, temperature, self.seconds, *recall)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line.__dict__) + "\n")
        report(line)

    def check(self) -> tuple[float, float]:
        """Recall@1 and Recall@10 of held-out views among as many held-out tiles."""
        rng = np.random.default_rng([self.config.seed, _HELD_OUT])
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

    def save(self) -> None:
        """Keep weights, optimiser and step; the file appears whole or not at all."""
        write_state(self.folder / "state.safetensors", self.model, self.optimizer, self.step, self.seconds)


def recalls(scores: np.ndarray[Any, Any], overlaps: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Recall@1 and @10 of ``(B, B)`` scores whose truth is the diagonal; overlapping tiles do not compete."""
    own = np.diag(scores)
    better = ((scores > own[:, None]) & ~overlaps).sum(axis=1)
    return float((better < 1).mean()), float((better < 10).mean())
