"""A vision-language model from a folder, ready to answer. Nothing is downloaded, no model's code is run."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rs_copilot.errors import BadInputError, MissingDependencyError, OutOfMemoryError
from rs_copilot.learned import pretrained
from rs_copilot.learned.vlm import memory
from rs_copilot.learned.vlm.folder import (
    HINT,
    LaterHash,
    ModelFolder,
    copy_processor,
    read_folder,
    read_scribe,
)
from rs_copilot.learned.vlm.forward import CHUNK_CPU, CHUNK_GPU, Forward, Network
from rs_copilot.learned.vlm.local import HINT_MEMORY, LocalBackend
from rs_copilot.models.cards import sha256_of
from rs_copilot.models.machine import cpu_memory_bytes
from rs_copilot.models.memory_plan import FreeMemory, MemoryPlan, Placement, Precision, plan_memory, shape_of
from rs_copilot.models.vlm_cards import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from rs_copilot.vlm.messages import ImagePart, user
from rs_copilot.vlm.resize import PixelBudget

LOADER = "AutoModelForImageTextToText"
# What sees and what names words stays in 16 bits: a small part of the weights, and in 4 bits the eyes of such
# models are reported to fail (unsloth, "Dynamic 4-bit quantization", December 2024).
KEPT = ("model.visual", "lm_head")


def open_local(
    place: str | Path,
    *,
    precision: str = "auto",
    adapter: str | Path | None = None,
    device: str = "auto",
    budget: PixelBudget | None = None,
    family: str | None = None,
    name: str | None = None,
    sha256: str | None = None,
    free: FreeMemory | None = None,
) -> LocalBackend:
    """The model in a folder, after it has looked at one blank picture.

    Args:
        place: a folder, or ``repo@revision`` in the local cache of Hugging Face.
        precision: ``auto``, ``nf4``, ``int8``, ``bf16`` or ``fp32``; weights that are stored in 4 or 8 bits
            are read as they are.
        adapter: folder with LoRA matrices of peft.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        budget: how many pixels of a picture are seen where nobody asks for another number.
        family: how to speak to it, where its card says so.
        name: of model and adapter in results; those of the folders otherwise.
        sha256: of its weights, where somebody verified it; otherwise it is read while the model works.
        free: memory to plan with, instead of what is free.

    Raises:
        UsageError: no such precision, family or place.
        BadInputError: the files are no such model, or it does not work.
        MissingDependencyError: torch, transformers, bitsandbytes or the device are missing.
        OutOfMemoryError: it does not fit; said before it is loaded.
    """
    folder = read_folder(pretrained.folder_of(str(place)))
    pretrained.need_transformers()
    used = pretrained.available(device)
    room = free or FreeMemory(memory.free_bytes(used), cpu_memory_bytes()[0])
    plan = plan_for(folder, room, precision)
    if not plan.fits:
        raise OutOfMemoryError(f"the model {folder.path.name} {plan.sentence}", hint=HINT_MEMORY)
    scribe = read_scribe(folder, family, budget, used)
    network = _read_planned(folder, plan, used)
    if adapter is not None:
        network = _adapted(network, Path(adapter))
    hashed = _hasher(folder.path, adapter, sha256)
    backend = LocalBackend(
        model=name or folder.path.name + ("" if adapter is None else f" + {Path(adapter).name}"),
        hashed=hashed,
        family=scribe.optics.family,
        device=used,
        precision=plan.precision.value,
        scribe=scribe,
        forward=Forward(
            network, scribe.optics, used, CHUNK_CPU if used == "cpu" else CHUNK_GPU, len(scribe.tokenizer)
        ),
        ends=_ends(network, scribe.tokenizer),
        most_tokens=folder.most_tokens,
        offload=_offload(network, plan, used),
        notes=(f"{plan.sentence}.",) if plan.placement is Placement.OFFLOAD else (),
    )
    _try_out(backend, folder)
    return backend


def plan_for(folder: ModelFolder, free: FreeMemory, precision: str = "auto") -> MemoryPlan:
    """How the model in a folder would be loaded; see `plan_memory`."""
    can_quantise = find_spec("bitsandbytes") is not None
    return plan_memory(
        shape_of(folder.config), free, precision, stored=folder.stored, can_quantise=can_quantise
    )


def _read_planned(folder: ModelFolder, plan: MemoryPlan, device: str) -> Network:
    is_parted = plan.placement is Placement.OFFLOAD
    try:
        network = read_vlm(folder, plan.precision, "cpu" if is_parted else device)
        if is_parted:
            _part(network, device, plan.layers_on_card)
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            f"the model {folder.path.name} did not fit after all: {plan.sentence}", hint=HINT_MEMORY
        ) from error
    return network


def read_vlm(folder: ModelFolder, precision: Precision, device: str) -> Network:
    """The network of a folder, its weights in that precision on that device.

    Raises:
        MissingDependencyError: bitsandbytes or accelerate is missing.
        BadInputError: something is missing or is not what it should be.
    """
    import torch

    options: dict[str, Any] = {"dtype": torch.float32 if precision is Precision.FP32 else torch.bfloat16}
    if precision in (Precision.NF4, Precision.INT8):
        _need_bitsandbytes()
        options["device_map"] = {"": device}
        if folder.stored is None:
            options["quantization_config"] = _quantisation(precision)
    elif device != "cpu":
        options["device_map"] = {"": device}
    return pretrained.read_network(folder.path, LOADER, HINT, checks_numbers=False, **options)


def save_quantised(place: str | Path, out: Path, device: str = "auto", family: str | None = None) -> Path:
    """Write a model's weights as NF4 once, so that it loads in seconds and in a third of the memory.

    What is written gives exactly the scores that quantising at each start would.

    Args:
        place: folder of the model in 16 or 32 bits.
        out: folder to write; must not exist.
        device: what quantises.
        family: how to speak to it, where its card says so; its limits of pictures are written with it.

    Raises:
        UsageError: no such family or place.
        BadInputError: the folder is no such model, is quantised already, or ``out`` exists.
        MissingDependencyError: a package or the device is missing.
    """
    folder = read_folder(pretrained.folder_of(str(place)))
    pretrained.need_transformers()
    if folder.stored is not None:
        raise BadInputError(
            f"{folder.path} is stored as {folder.stored.value} already", hint="Use it as it is."
        )
    if out.exists():
        raise BadInputError(f"{out} exists already", hint="Choose a new folder.")
    used = pretrained.available(device)
    scribe = read_scribe(folder, family, None, used)
    try:
        network = read_vlm(folder, Precision.NF4, used)
        network.save_pretrained(out)
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        raise OutOfMemoryError(f"{folder.path.name} does not fit on {used}", hint=HINT_MEMORY) from error
    scribe.tokenizer.save_pretrained(out)
    copy_processor(folder.path, out, scribe.optics.family.limits)
    return out


def _quantisation(precision: Precision) -> Any:  # noqa: ANN401 - transformers has no types
    import torch
    import transformers

    if precision is Precision.INT8:
        # It says at every layer of every step that it works with float16 inside.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return transformers.BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=list(KEPT))
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=list(KEPT),
    )


def _need_bitsandbytes() -> None:
    missing = [name for name in ("bitsandbytes", "accelerate") if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"4 and 8 bits need the package {missing[0]}.",
            hint="Install the extra `vlm`: pip install 'rs-copilot[vlm]', or use --precision bf16.",
        )


def _adapted(network: Network, folder: Path) -> Network:
    """The network with the matrices of an adapter beside its weights.

    Raises:
        BadInputError: the folder holds no adapter in safetensors, or one for another network.
    """
    absent = [name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS) if not (folder / name).is_file()]
    hint = "Give a folder that `rs-copilot train vlm` wrote, or one of peft with safetensors."
    if absent:
        raise BadInputError(f"{folder} is no adapter: it lacks {absent[0]}", hint=hint)
    try:
        import peft
    except ImportError as error:
        raise MissingDependencyError(
            "Adapters need the package peft.", hint="Install the extra `vlm`: pip install 'rs-copilot[vlm]'."
        ) from error
    try:
        with warnings.catch_warnings():
            # peft asks transformers for something by its old name, and only warns of what is missing.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", "Found missing adapter keys")
            tuned = peft.PeftModel.from_pretrained(network, str(folder))
        wanted = set(peft.get_peft_model_state_dict(tuned, save_embedding_layers=False))
        strange = wanted ^ set(_names_of(folder / ADAPTER_WEIGHTS))
    except pretrained.UNREADABLE as error:
        raise BadInputError(f"the adapter in {folder} does not suit the model: {error}", hint=hint) from error
    if strange:
        raise BadInputError(
            f"the adapter in {folder} does not suit the model: {len(strange)} matrices have no counterpart, "
            f"{min(strange)} first",
            hint=hint,
        )
    return tuned.get_base_model().eval()


def _names_of(weights: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(weights, "pt") as file:
        return list(file.keys())


def _hasher(folder: Path, adapter: str | Path | None, known: str | None) -> Callable[[], str]:
    """Gives the hash of weights and adapter when it is asked for."""
    base = LaterHash(folder).value if known is None else partial(str, known)
    if adapter is None:
        return base
    weights = Path(adapter) / ADAPTER_WEIGHTS

    def both() -> str:
        return hashlib.sha256(f"{base()}{sha256_of(weights)}".encode()).hexdigest()

    return both


def _ends(network: Network, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401
    """Words that end an answer."""
    told = network.generation_config.eos_token_id
    ids = told if isinstance(told, (list, tuple)) else [told]
    return frozenset(int(number) for number in (*ids, tokenizer.eos_token_id) if number is not None)


def _offload(network: Network, plan: MemoryPlan, device: str) -> Callable[[], None] | None:
    """What still can be moved out of the device's memory; weights in 8 bits cannot."""
    if plan.placement is not Placement.CARD or plan.precision is Precision.INT8:
        return None
    layers = network.model.language_model.layers
    return partial(memory.stream_layers, layers[len(layers) // 2 :], device)


def _part(network: Network, device: str, kept: int) -> None:
    """Move a network to the device, except for language layers after the first ones, which wait."""
    language = network.model.language_model
    for name, part in language.named_children():
        if name != "layers":
            part.to(device)
    network.model.visual.to(device)
    network.lm_head.to(device)
    for layer in language.layers[:kept]:
        layer.to(device)
    memory.stream_layers(language.layers[kept:], device)


def _try_out(backend: LocalBackend, folder: ModelFolder) -> None:
    """One look at a blank picture: weights that are no numbers, or do not fit together, show at once.

    Raises:
        BadInputError: it does not work.
    """
    import torch

    blank = np.full((backend.family.unit_px * 2, backend.family.unit_px * 2, 3), 128, dtype=np.uint8)
    budget = PixelBudget(1, backend.family.limits.max_px)
    try:
        with torch.inference_mode():
            script = backend.scribe.write([user(ImagePart(blank, budget), "?")])
            *_, (_, scores) = backend.forward.read([script], backend.forward.new_cache())
            words = backend.forward.network.get_input_embeddings().weight
            works = bool(scores.isfinite().all()) and bool(words.isfinite().all())
    except pretrained.UNREADABLE as error:
        if memory.is_out_of_memory(error):
            raise OutOfMemoryError(
                f"the model {backend.model} fits, but no picture beside it", hint=HINT_MEMORY
            ) from error
        raise BadInputError(f"the model in {folder.path} does not work: {error}", hint=HINT) from error
    if not works:
        raise BadInputError(f"{folder.path} has weights that are no numbers", hint=HINT)
    backend.forward.features.clear()
