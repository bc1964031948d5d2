"""Tune a vision-language model on conversations of one's own."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.local_models import find_local
from rs_copilot.models.adapters import read_tuning
from rs_copilot.models.adding import Wish, add
from rs_copilot.models.store import Store, open_store
from rs_copilot.models.vlm_cards import ID


class TrainVlmParams(BaseModel):
    """Which model, what it learns from, and where to.

    ``data`` are files of conversations, ``subsets`` what is learned of them (``NAME%PERCENT*TIMES``), and
    ``held_out`` files that are only measured on. ``recipe`` is a name that comes along or a JSON file; the
    numbers beside it replace its own. ``name`` is the adapter's in the store, the folder's without it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    out: Path
    model: str
    data: list[Path] = Field(min_length=1)
    subsets: list[str] = []
    held_out: list[Path] = []
    pictures: Path | None = None
    recipe: str = "vlm-lora"
    precision: str = "auto"
    grid: tuple[int, int] | None = None
    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)
    rank: int | None = Field(default=None, ge=1, le=1024)
    alpha: float | None = Field(default=None, gt=0)
    dropout: float | None = Field(default=None, ge=0, lt=1)
    learning_rate: float | None = Field(default=None, gt=0)
    seed: int | None = Field(default=None, ge=0)
    name: str | None = None


class TrainVlmResult(BaseModel):
    """The adapter that was written.

    Losses are per token, before and after, on conversations that were ``kept_apart``, or else on those that
    were learned. ``added`` says whether the model manager lists it.
    """

    adapter: Path
    name: str
    sha256: str
    base: str
    added: bool
    steps: int
    seconds: float
    loss_before: float
    loss_after: float
    measured: int
    kept_apart: bool
    skipped: dict[str, int]
    warnings: list[str] = []

    def summary(self) -> str:
        """A few lines for people."""
        use = self.name if self.added else str(self.adapter)
        where = "kept apart" if self.kept_apart else "that were learned"
        left_out = ", ".join(f"{count} {why}" for why, count in sorted(self.skipped.items()))
        lines = [
            f"Adapter: {self.adapter} ({self.steps} steps, {self.seconds:.0f} s)",
            f"Loss per token on {self.measured} conversations {where}: {self.loss_before:.3f} before, "
            f"{self.loss_after:.3f} after",
            *([f"Left out: {left_out}"] if left_out else []),
            f"Use it: --model {self.base} --adapter {use}",
        ]
        return "\n".join([*lines, *(f"Note: {text}" for text in self.warnings)])


def run(params: TrainVlmParams, context: JobContext) -> TrainVlmResult:
    """Tune, or go on where a tuning in the same folder was stopped.

    Raises:
        UsageError: no such model, names that are taken, or numbers that cannot be.
        BadInputError: model or data cannot be used, or the folder holds another tuning.
        MissingDependencyError: a package, the model or the device is missing.
        OutOfMemoryError: it does not fit.
        StorageError: the folder cannot be written.
        CancelledError: the user stopped; run again to go on.
    """
    from rs_copilot.training.vlm.recipe import open_recipe
    from rs_copilot.training.vlm.session import Base, Data, tune

    store = open_store()
    recipe = open_recipe(params.recipe).changed(
        lora={"rank": params.rank, "alpha": params.alpha, "dropout": params.dropout},
        training={
            "steps": params.steps,
            "epochs": params.epochs,
            "learning_rate": params.learning_rate,
            "seed": params.seed,
        },
        grid=params.grid,
    )
    found = find_local(store, params.model)
    if found is None:
        raise UsageError(
            f"No model is called {params.model!r}.",
            hint="Give one of `rs-copilot models list` that is on this machine, or its folder.",
        )
    is_stored = params.model in store.cards
    name = params.name or params.out.resolve().name
    if is_stored:
        _require_free(store, name, params.out)
    licence = store.card(params.model).licence.name if is_stored else "not known"
    made = tune(
        Base(found.folder, found.name, found.family, found.sha256, licence),
        Data(params.data, params.subsets, params.held_out, params.pictures),
        recipe,
        params.out,
        precision=params.precision,
        device=context.device,
        progress=context.progress,
        check=context.check,
    )
    if is_stored:
        _list(store, name, params.out, params.model, context)
    if not made.is_apart:
        context.warn("No conversations were kept apart: the losses say nothing about others.")
    return TrainVlmResult(
        adapter=params.out,
        name=name,
        sha256=made.card.sha256,
        base=params.model,
        added=is_stored,
        steps=made.steps,
        seconds=made.seconds,
        loss_before=made.before,
        loss_after=made.after,
        measured=made.measured,
        kept_apart=made.is_apart,
        skipped=made.skipped,
        warnings=list(context.warnings),
    )


def _require_free(store: Store, name: str, out: Path) -> None:
    """Make sure before hours of work that its result will get its name.

    Raises:
        UsageError: the name cannot be one, or another adapter has it.
    """
    if not re.fullmatch(ID, name) or name in store.cards:
        raise UsageError(f"{name!r} cannot be the name of an adapter.", hint="Give one: --name my-adapter.")
    if name in store.adapters and not _is_from(store, name, out):
        raise UsageError(
            f"There is an adapter {name} already.",
            hint=f"`rs-copilot models remove {name}`, or another --name.",
        )


def _is_from(store: Store, name: str, out: Path) -> bool:
    """Whether an adapter of the store is what was written to a folder before."""
    tuning, before = store.adapters[name].tuning, read_tuning(out)
    return tuning is not None and tuning == before


def _list(store: Store, name: str, out: Path, base: str, context: JobContext) -> None:
    """Add the adapter to the store, in the place of what an earlier session of the same tuning gave."""
    if name in store.adapters:
        store.remove(name)
    add(Store(store.folder), Wish(out, name=name, base=base), context.progress)
