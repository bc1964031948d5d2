"""From conversations to an adapter in a folder, with its card and the course of the loss."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rs_copilot.errors import BadInputError, OutOfMemoryError, StorageError, UsageError
from rs_copilot.learned import pretrained
from rs_copilot.learned.vlm import memory
from rs_copilot.learned.vlm.folder import HINT, ModelFolder, read_folder, read_scribe
from rs_copilot.learned.vlm.forward import CHUNK_CPU, Forward
from rs_copilot.learned.vlm.loading import plan_for, read_vlm
from rs_copilot.models.adapters import TUNING, Tuning
from rs_copilot.models.machine import cpu_memory_bytes
from rs_copilot.models.memory_plan import FreeMemory, Placement, Precision
from rs_copilot.training.cards import hardware, write_card
from rs_copilot.training.course import LOG, STATE
from rs_copilot.training.plot import draw_losses, read_log
from rs_copilot.training.vlm.loop import Line, Student, Tuner
from rs_copilot.training.vlm.lora import add_lora, write_adapter
from rs_copilot.training.vlm.material import Material, read_material
from rs_copilot.training.vlm.recipe import TuningRecipe

RUN, PLOT = "run.json", "losses.png"
PRECISIONS = (Precision.NF4, Precision.BF16, Precision.FP32)
HINT_MEMORY = "Take --precision nf4, smaller pictures (max_px) or shorter conversations (max_tokens)."
NOTE = "Made from the weights of the base and from the data: the terms of both hold for it."
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Base:
    """The model that is tuned: folder, name, family and hash, the last two where they are known."""

    folder: Path
    name: str
    family: str | None = None
    sha256: str | None = None
    licence: str = "not known"


@dataclass(frozen=True)
class Data:
    """Files with conversations; see `material.read_material`."""

    files: Sequence[Path]
    subsets: Sequence[str] = ()
    held_out: Sequence[Path] = ()
    pictures: Path | None = None


@dataclass(frozen=True)
class Tuned:
    """What came of it. ``before`` and ``after`` are losses per token on held-out conversations."""

    card: Tuning
    steps: int
    seconds: float
    before: float
    after: float
    is_apart: bool
    measured: int
    skipped: dict[str, int]


def tune(
    base: Base,
    data: Data,
    recipe: TuningRecipe,
    out: Path,
    *,
    precision: str,
    device: str,
    progress: Report,
    check: Callable[[], None],
) -> Tuned:
    """Tune, or go on where a tuning in the same folder was stopped.

    Args:
        base: the model.
        data: the conversations.
        recipe: with the numbers.
        out: folder for state, log, plot, adapter and card.
        precision: of the base's weights: ``auto``, ``nf4``, ``bf16`` or ``fp32``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        progress: hears of steps; may raise to stop.
        check: asked more often, between conversations; raises to stop.

    Raises:
        UsageError: names or combinations that cannot be.
        BadInputError: model or data cannot be used, or the folder holds another tuning.
        MissingDependencyError: a package or the device is missing.
        OutOfMemoryError: it does not fit.
        StorageError: the folder cannot be written.
    """
    progress(0, 1, "reading the conversations")
    numbers = recipe.training
    material = read_material(
        data.files,
        data.subsets,
        data.held_out,
        data.pictures,
        numbers.held_out_share,
        numbers.seed,
        check,
    )
    folder = read_folder(pretrained.folder_of(str(base.folder)))
    progress(0, 1, "taking the hash of the model")
    digest = base.sha256 or pretrained.hash_of(folder.path, HINT)
    _claim(out, _identity(base.name, digest, recipe, data, material))
    progress(0, 1, "loading the model")
    try:
        student = read_student(folder, base.family, recipe, precision, device)
        tuner = Tuner(student, numbers, recipe.variation, material, out, check)
        tuner.resume()

        def report(line: Line) -> None:
            progress(line.step, tuner.pace.steps, _told(line, tuner.pace.steps))

        tuner.run(report)
        after = tuner.measure() if tuner.after is None else tuner.after
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
        raise OutOfMemoryError(f"tuning {base.name} does not fit: {reason}", hint=HINT_MEMORY) from error
    return _written(base, digest, recipe, tuner, after, hardware(student.forward.device.partition(":")[0]))


def read_student(
    folder: ModelFolder, family: str | None, recipe: TuningRecipe, precision: str, device: str
) -> Student:
    """The model of a folder with fresh matrices beside its weights.

    Raises:
        UsageError: no such precision or family.
        BadInputError: the folder holds no such model.
        MissingDependencyError: a package or the device is missing.
        OutOfMemoryError: the weights alone do not fit.
    """
    pretrained.need_transformers()
    used = pretrained.available(device)
    chosen = _precision(folder, precision, used)
    plan = plan_for(folder, FreeMemory(memory.free_bytes(used), cpu_memory_bytes()[0]), chosen.value)
    if not plan.fits or plan.placement is Placement.OFFLOAD:
        raise OutOfMemoryError(
            f"the model {folder.path.name} {plan.sentence}; tuning needs more than that", hint=HINT_MEMORY
        )
    scribe = read_scribe(folder, family, None, used)
    network = read_vlm(folder, chosen, used)
    tuned = add_lora(network, recipe.lora, recipe.training.seed, quantised=chosen is Precision.NF4)
    forward = Forward(tuned.get_base_model(), scribe.optics, used, CHUNK_CPU, len(scribe.tokenizer))
    shown = recipe.shown_to(scribe.optics.family)
    return Student(tuned, scribe, forward, shown, is_mixed=chosen is not Precision.FP32)


def _precision(folder: ModelFolder, asked: str, device: str) -> Precision:
    """As told or as stored; else 4 bits on a graphics card, and 32 bits on the processor."""
    if asked == "auto":
        if folder.stored is not None:
            return folder.stored
        if device == "cpu":
            return Precision.FP32
        return Precision.NF4 if find_spec("bitsandbytes") is not None else Precision.BF16
    known = {item.value: item for item in PRECISIONS}
    if asked not in known:
        raise UsageError(f"tuning has no precision {asked!r}, expected auto, {', '.join(known)}")
    return known[asked]


def _told(line: Line, steps: int) -> str:
    held_out = "" if line.held_out is None else f", {line.held_out:.3f} where it is measured"
    return f"step {line.step} of {steps}, loss {line.loss:.3f}{held_out}"


def _identity(name: str, digest: str, recipe: TuningRecipe, data: Data, material: Material) -> dict[str, Any]:
    """What must be the same for a tuning to go on. There may be more steps than before."""
    numbers = recipe.model_dump(mode="json")
    numbers["training"] = {
        key: value for key, value in numbers["training"].items() if key not in ("steps", "epochs")
    }
    return {
        "base": name,
        "base_sha256": digest,
        "data": material.hashes,
        "subsets": list(data.subsets),
        "recipe": numbers,
    }


def _claim(out: Path, identity: dict[str, Any]) -> None:
    """Note in the folder whose tuning it holds.

    Raises:
        BadInputError: it is another one's.
        StorageError: it cannot be written.
    """
    path = out / RUN
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_begun = path.is_file() and (out / STATE).is_file()
        before = json.loads(path.read_text(encoding="utf-8")) if is_begun else identity
    except OSError as error:
        raise StorageError(f"cannot use the folder {out}: {error}") from error
    except ValueError as error:
        raise BadInputError(f"{path} cannot be read: {error}", hint="Give another --out folder.") from error
    other = sorted(key for key, value in identity.items() if before.get(key) != value)
    if other:
        raise BadInputError(
            f"{out} holds a tuning with another {other[0].replace('_', ' ')}",
            hint="Give another --out folder, or delete this one to begin anew.",
        )
    write_card(path, identity)


def _written(
    base: Base, digest: str, recipe: TuningRecipe, tuner: Tuner, after: float, machine: str
) -> Tuned:
    """Adapter, card and plot."""
    out, before = tuner.folder, tuner.before or 0.0
    weights = write_adapter(tuner.student.tuned, out, base.name)
    lines = read_log(out / LOG)
    card = Tuning(
        base=base.name,
        base_sha256=digest,
        base_licence=base.licence,
        sha256=weights,
        note=NOTE,
        data=tuner.material.hashes,
        made={
            "recipe": recipe.model_dump(mode="json"),
            "subsets": {item.name: vars(item.sampling) for item in tuner.material.subsets},
            "steps": tuner.step,
            "seconds": round(tuner.seconds),
            "hardware": machine,
            "skipped": dict(tuner.skipped),
            "loss": {"first": lines[0]["loss"], "last": lines[-1]["loss"]},
            "held_out": {
                "conversations": tuner.measured,
                "kept_apart": tuner.material.is_apart,
                "before": before,
                "after": after,
            },
        },
    )
    write_card(out / TUNING, card.model_dump(mode="json"))
    if find_spec("matplotlib") is not None:
        title = "held-out conversations" if tuner.material.is_apart else "all as they stand"
        draw_losses(out / LOG, out / PLOT, {"loss": "steps"}, title)
    return Tuned(
        card=card,
        steps=tuner.step,
        seconds=tuner.seconds,
        before=before,
        after=after,
        is_apart=tuner.material.is_apart,
        measured=tuner.measured,
        skipped=dict(tuner.skipped),
    )
