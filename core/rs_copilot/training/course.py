"""The course of a training, whatever is trained: seeded, resumable, with a log and held-out checks."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from rs_copilot.errors import StorageError
from rs_copilot.training.state import read_state, write_state

# Streams of random numbers: training batches and held-out batches never share one.
TRAIN, HELD_OUT = 1, 2
LOG = "log.jsonl"
STATE = "state.safetensors"
Drawn = TypeVar("Drawn")
Drawn_co = TypeVar("Drawn_co", covariant=True)
Lost = TypeVar("Lost")
Told = TypeVar("Told")


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


class Rhythm(Schedule, Protocol):
    """What a course has to know of a training's numbers."""

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""

    @property
    def batch_size(self) -> int:
        """Examples a step."""

    @property
    def weight_decay(self) -> float:
        """Of the optimiser."""

    @property
    def log_every(self) -> int:
        """Steps between lines of the log."""

    @property
    def check_every(self) -> int:
        """Steps between checks."""


class Drawer(Protocol[Drawn_co]):
    """Where batches come from."""

    def batch(self, size: int, rng: np.random.Generator, /) -> Drawn_co:
        """So many examples."""


def learning_rate_at(step: int, config: Schedule) -> float:
    """Linear warm-up, then half a cosine down to a hundredth (Loshchilov and Hutter, SGDR, ICLR 2017)."""
    warm = max(1, round(config.warmup_share * config.steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    share = (step - warm) / max(1, config.steps - warm)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + float(np.cos(np.pi * share))))


class Batches(torch.utils.data.IterableDataset[Drawn]):
    """Batch k of a training is decided by seed and k alone, whichever process draws it."""

    def __init__(self, draw: Callable[[np.random.Generator], Drawn], seed: int, steps: range) -> None:
        self._draw, self._seed, self._steps = draw, seed, steps

    def __iter__(self) -> Iterator[Drawn]:
        worker = torch.utils.data.get_worker_info()
        start, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for step in self._steps[start::stride]:
            yield self._draw(np.random.default_rng([self._seed, TRAIN, step]))

    def loader(self, workers: int) -> torch.utils.data.DataLoader[Drawn]:
        """The batches in order, drawn by so many processes; 0 for this one."""
        return torch.utils.data.DataLoader(
            self, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
        )


class Course(ABC, Generic[Drawn, Lost, Told]):
    """A network on its way; ``folder`` keeps the state between sessions and the log."""

    # Gradients longer than this are shortened to it.
    longest_gradient = 1.0

    def __init__(
        self, model: nn.Module, config: Rhythm, sampler: Drawer[Drawn], folder: Path, device: str
    ) -> None:
        """Parameters of ``model`` that want a gradient are trained; it lies on the device already."""
        self.rhythm, self.sampler, self.folder = config, sampler, folder
        self.device, self._network = torch.device(device), model
        wanted = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(wanted, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.step, self.seconds = 0, 0.0

    @abstractmethod
    def losses(self, batch: Drawn) -> tuple[Tensor, Lost]:
        """What is to become smaller, and what the log says of it."""

    @abstractmethod
    def line(self, lost: Lost, *, checked: bool) -> Told:
        """A line of the log; measured on held-out ground where it is to be ``checked``."""

    def resume(self) -> None:
        """Go on from the state in the folder, where there is one.

        Raises:
            BadInputError: the state belongs to another network.
        """
        path = self.folder / STATE
        if path.exists():
            self.step, self.seconds = read_state(path, self._network, self.optimizer)

    def run(self, report: Callable[[Told], None], *, workers: int = 0) -> None:
        """Train to the last step; ``report`` may raise to stop, and what is done is kept.

        Raises:
            StorageError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot write the training's folder {self.folder}: {error}") from error
        draw = partial(self.sampler.batch, self.rhythm.batch_size)
        batches = Batches(draw, self.rhythm.seed, range(self.step, self.rhythm.steps)).loader(workers)
        began, before = time.monotonic(), self.seconds
        try:
            for batch in batches:
                lost = self._learn(batch)
                self.step += 1
                self.seconds = before + time.monotonic() - began
                self._tell(lost, report)
        finally:
            self.save()

    def _learn(self, batch: Drawn) -> Lost:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.rhythm)
        self._network.train()
        total, lost = self.losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self.longest_gradient)
        self.optimizer.step()
        return lost

    def _tell(self, lost: Lost, report: Callable[[Told], None]) -> None:
        rhythm = self.rhythm
        checked = self.step % rhythm.check_every == 0 or self.step == rhythm.steps
        if not (checked or self.step % rhythm.log_every == 0):
            return
        line = self.line(lost, checked=checked)
        if checked:
            self.save()
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(vars(line)) + "\n")
        report(line)

    def save(self) -> None:
        """Keep weights, optimiser and step; the file appears whole or not at all."""
        write_state(self.folder / STATE, self._network, self.optimizer, self.step, self.seconds)


def as_tensor(pictures: np.ndarray[Any, Any]) -> Tensor:
    """``(B, S, S, C)`` bytes as ``(B, C, S, S)`` floats in [0, 255], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
