"""The loop of a tuning: seeded, resumable, with progress and a loss on conversations that are not learned."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from rs_copilot.errors import BadInputError, StorageError
from rs_copilot.learned.vlm.forward import Forward
from rs_copilot.learned.vlm.transcript import Scribe
from rs_copilot.training.course import LOG, STATE, learning_rate_at
from rs_copilot.training.state import read_notes, read_state, write_state
from rs_copilot.training.vlm.collating import Batch, collate
from rs_copilot.training.vlm.conversations import Example
from rs_copilot.training.vlm.lessons import IGNORED, Lesson, lesson_of
from rs_copilot.training.vlm.lora import learning
from rs_copilot.training.vlm.material import Material
from rs_copilot.training.vlm.pictures import read_pictures
from rs_copilot.training.vlm.preparing import Variation, prepare
from rs_copilot.vlm.families import Family

# Streams of random numbers: how conversations vary, what is dropped, and how held-out ones are shown.
_VARIATION, _DROPOUT, _HELD_OUT = 3, 4, 5
MAX_NORM = 1.0
# Why a conversation is not learned from.
LONG, LOST, BROKEN = "too long", "places without sense", "pictures that cannot be used"


class TuningNumbers(BaseModel):
    """Everything that decides a tuning but model, matrices and data.

    ``steps`` of ``batch_size`` conversations each, ``micro_batch`` of which are in memory at once; without
    ``steps`` as many as ``epochs`` take. ``max_tokens`` of a conversation, pictures counted; longer ones are
    left out. Peak of the learning rate, warm-up and decay are RSCoVLM's but for the rate, which is higher
    because only small matrices learn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, ge=0)
    steps: int | None = Field(None, ge=1)
    epochs: float = Field(1.0, gt=0)
    batch_size: int = Field(16, ge=1)
    micro_batch: int = Field(1, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    warmup_share: float = Field(0.05, ge=0, lt=1)
    max_tokens: int = Field(6144, ge=64)
    log_every: int = Field(1, ge=1)
    check_every: int = Field(100, ge=1)
    held_out_share: float = Field(0.05, ge=0, lt=1)
    held_out_most: int = Field(64, ge=1)


@dataclass(frozen=True)
class Pace:
    """How many steps there are, and how fast they learn."""

    steps: int
    learning_rate: float
    warmup_share: float


@dataclass(frozen=True)
class Line:
    """One line of the log. ``loss`` per token; ``held_out`` is ``None`` between checks."""

    step: int
    loss: float
    learning_rate: float
    tokens: int
    seconds: float
    held_out: float | None = None


@dataclass(frozen=True)
class Student:
    """A network with matrices that learn, and all that shows it conversations.

    ``is_mixed``: whether it computes in 16 bits where that is safe.
    """

    tuned: Any = field(repr=False)
    scribe: Scribe
    forward: Forward
    family: Family
    is_mixed: bool

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of all labelled tokens together, in nats.

        Only they go through the head: scores of 150,000 words for 6,000 tokens would take 3.6 GB.
        """
        with torch.autocast(torch.device(self.forward.device).type, torch.bfloat16, enabled=self.is_mixed):
            hidden = self.forward.inner(**batch.inputs, use_cache=False).last_hidden_state
            following = batch.labels[:, 1:]
            wanted = following != IGNORED
            scores = self.forward.network.lm_head(hidden[:, :-1][wanted])
        return torch.nn.functional.cross_entropy(scores.float(), following[wanted], reduction="sum")


@dataclass(frozen=True)
class Drawn:
    """A lesson, its place in the order, and what had been left out up to there."""

    place: int
    lesson: Lesson
    skipped: Counter[str]


class Tuner:
    """A model that is being tuned; ``folder`` keeps the state between sessions and the log."""

    def __init__(
        self,
        student: Student,
        numbers: TuningNumbers,
        variation: Variation,
        material: Material,
        folder: Path,
        check: Callable[[], None],
    ) -> None:
        self.student, self.numbers, self.variation = student, numbers, variation
        self.material, self.folder, self.check = material, folder, check
        steps = numbers.steps or max(1, round(numbers.epochs * material.count / numbers.batch_size))
        self.pace = Pace(steps, numbers.learning_rate, numbers.warmup_share)
        self.weights = learning(student.tuned)
        self.optimizer = torch.optim.AdamW(
            list(self.weights.values()), lr=numbers.learning_rate, weight_decay=numbers.weight_decay
        )
        self.step, self.seconds, self.place = 0, 0.0, 0
        self.skipped: Counter[str] = Counter()
        self.before: float | None = None
        self.after: float | None = None
        self._measured: list[Lesson] | None = None

    def resume(self) -> None:
        """Go on from the state in the folder, where there is one.

        Raises:
            BadInputError: the state belongs to another tuning.
        """
        path = self.folder / STATE
        if not path.exists():
            return
        try:
            notes: Mapping[str, Any] = json.loads(read_notes(path))
            place, skipped, before = int(notes["place"]), Counter(notes["skipped"]), notes["before"]
        except (ValueError, TypeError, LookupError) as error:
            raise BadInputError(
                f"{path} is the state of another training", hint="Give another --out folder."
            ) from error
        self.step, self.seconds = read_state(path, self.weights, self.optimizer)
        self.place, self.skipped, self.before = place, skipped, before

    def run(self, report: Callable[[Line], None]) -> None:
        """Tune to the last step; ``report`` and ``check`` may raise to stop, and what is done is kept.

        Raises:
            BadInputError: no conversation can be learned from, or the loss is no number any more.
            StorageError: the folder cannot be written.
        """
        began, before = time.monotonic(), self.seconds
        if self.before is None:
            self.before = self.measure()
        lessons = self._lessons()
        try:
            while self.step < self.pace.steps:
                drawn = [next(lessons) for _ in range(self.numbers.batch_size)]
                loss, rate = self._learn([item.lesson for item in drawn])
                self.step += 1
                self.place, self.skipped = drawn[-1].place + 1, drawn[-1].skipped
                self.seconds = before + time.monotonic() - began
                self._tell(loss, rate, sum(item.lesson.length for item in drawn), report)
        finally:
            if self.step:
                self.save()

    def measure(self) -> float:
        """Loss per token on the held-out conversations, always the same ones and as they stand."""
        if self._measured is None:
            self._measured = list(self._held_out())
        self.student.tuned.eval()
        total, tokens = 0.0, 0
        with torch.no_grad():
            for lesson in self._measured:
                self.check()
                total += float(self.student.loss(collate([lesson], self.student.forward)))
                tokens += lesson.learnt
        return total / max(1, tokens)

    @property
    def measured(self) -> int:
        """How many conversations are measured with."""
        return len(self._measured or ())

    def save(self) -> None:
        """Keep matrices, optimiser and place; the file appears whole or not at all."""
        notes = {"place": self.place, "skipped": dict(self.skipped), "before": self.before}
        state = self.folder / STATE
        write_state(state, self.weights, self.optimizer, self.step, self.seconds, json.dumps(notes))

    def _held_out(self) -> Iterator[Lesson]:
        """Those that are not too long, in the order of a shuffle."""
        examples = self.material.held_out
        rng = np.random.default_rng([self.numbers.seed, _HELD_OUT])
        plain = Variation(resize=0.0, paraphrase=0.0, grid=self.variation.grid)
        found = 0
        for row in rng.permutation(len(examples)):
            self.check()
            lesson = self._lesson(examples[row], plain, rng)
            if isinstance(lesson, Lesson):
                found += 1
                yield lesson
            if found == self.numbers.held_out_most:
                return

    def _lessons(self) -> Iterator[Drawn]:
        """Lessons from the place on; what cannot be learned from is counted and left out."""
        skipped, in_vain = Counter(self.skipped), 0
        for place, example in self.material.order(self.numbers.seed, self.place):
            self.check()
            rng = np.random.default_rng([self.numbers.seed, _VARIATION, place])
            lesson = self._lesson(example, self.variation, rng)
            if isinstance(lesson, Lesson):
                in_vain = 0
                yield Drawn(place, lesson, Counter(skipped))
                continue
            skipped[lesson] += 1
            in_vain += 1
            if in_vain >= self.material.count:
                why = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
                raise BadInputError(
                    f"none of {self.material.count} conversations can be learned from: {why}",
                    hint="Show smaller pictures (max_px), or allow longer conversations (max_tokens).",
                )

    def _lesson(self, example: Example, variation: Variation, rng: np.random.Generator) -> Lesson | str:
        """The lesson of a conversation, or why there is none."""
        student = self.student
        try:
            made = prepare(example, read_pictures(example), student.family, variation, rng)
        except BadInputError:
            return BROKEN
        if made.lost:
            return LOST
        lesson = lesson_of(made.messages, student.scribe)
        return lesson if lesson.length <= self.numbers.max_tokens else LONG

    def _learn(self, lessons: Sequence[Lesson]) -> tuple[float, float]:
        """One step; loss per token before it, and its learning rate."""
        rate = learning_rate_at(self.step, self.pace)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # So that a tuning that was stopped drops the same as one that was not.
        state = np.random.SeedSequence([self.numbers.seed, _DROPOUT, self.step]).generate_state(1)
        torch.manual_seed(int(state[0]))
        self.student.tuned.train()
        self.optimizer.zero_grad(set_to_none=True)
        tokens, total = sum(lesson.learnt for lesson in lessons), 0.0
        size = self.numbers.micro_batch
        for start in range(0, len(lessons), size):
            self.check()
            batch = collate(lessons[start : start + size], self.student.forward)
            loss = self.student.loss(batch) / tokens
            loss.backward()
            total += float(loss.detach())
        norm = torch.nn.utils.clip_grad_norm_(list(self.weights.values()), MAX_NORM)
        if not np.isfinite(total) or not bool(norm.isfinite()):
            raise BadInputError(
                f"the loss is no number any more at step {self.step + 1}",
                hint="Lower learning_rate in the recipe, and begin anew in another --out folder.",
            )
        self.optimizer.step()
        return total, rate

    def _tell(self, loss: float, rate: float, tokens: int, report: Callable[[Line], None]) -> None:
        last = self.step == self.pace.steps
        check = self.step % self.numbers.check_every == 0 or last
        if not (check or self.step % self.numbers.log_every == 0):
            return
        held_out = self.measure() if check else None
        if check:
            self.after = held_out
            self.save()
        line = Line(self.step, loss, rate, tokens, round(self.seconds, 1), held_out)
        try:
            with (self.folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(vars(line)) + "\n")
        except OSError as error:
            raise StorageError(f"cannot write the training's log in {self.folder}: {error}") from error
        report(line)
