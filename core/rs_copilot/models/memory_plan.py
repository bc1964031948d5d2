"""How much memory a vision-language model needs, from the shapes in its configuration, before it is loaded.

Counted are the weights as each precision stores them, keys and values of a conversation, and what its
largest steps hold in between. Bytes of 4-bit weights follow bitsandbytes (NF4, Dettmers et al. 2023): half a
byte each, a byte of scale per 64 weights, and 4 bytes per 256 scales, which are quantised once more.
Processors with AVX512-BF16 take two bytes a scale from the first use on, 3 % more: that is within what is
kept free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rs_copilot.errors import BadInputError, UsageError

GIB = 1024**3
KINDS = ("qwen2_5_vl", "qwen3_vl")
# Smaller models of each kind that are released, with billions of weights, for advice.
SMALLER = {"qwen2_5_vl": ("3B", 3.8e9), "qwen3_vl": ("2B", 2.2e9)}
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
HALF_BYTES = 2.0
# What CUDA, cuBLAS and the allocator's gaps take beside tensors.
CUDA_BYTES = int(0.5 * GIB)
# Share of the free memory that is planned with: other programs breathe.
USABLE = 0.95
# A long conversation about a picture, and the squares of one of usual size.
TOKENS, VISUAL_TOKENS = 4096, 1280


class Precision(str, Enum):
    """How weights are stored."""

    NF4 = "nf4"
    INT8 = "int8"
    BF16 = "bf16"
    FP32 = "fp32"


class Placement(str, Enum):
    """Where weights are."""

    CARD = "card"
    """All on the graphics card."""
    OFFLOAD = "offload"
    """Some layers wait in main memory."""
    PROCESSOR = "processor"
    """All in main memory."""


@dataclass(frozen=True)
class VlmShape:
    """What a configuration says about sizes.

    ``matrices`` are the weights of the language layers that 4 or 8 bits store smaller, ``rows`` the outputs
    of these matrices; ``words`` the embedding and, where it is another, the head; ``sight`` everything that
    sees pictures; ``rest`` norms and biases.
    """

    kind: str
    matrices: int
    rows: int
    words: int
    sight: int
    rest: int
    layers: int
    hidden: int
    inner: int
    cached: int
    vocabulary: int
    sight_hidden: int
    sight_inner: int
    patches_per_token: int

    @property
    def parameters(self) -> int:
        """All weights."""
        return self.matrices + self.words + self.sight + self.rest


@dataclass(frozen=True)
class FreeMemory:
    """Bytes that are free: on the graphics card, ``None`` where there is none, and in main memory."""

    card: int | None
    main: int | None


@dataclass(frozen=True)
class MemoryPlan:
    """How a model will be loaded, or why it cannot be.

    ``layers_on_card`` of the language layers stay on the graphics card. ``sentence`` says for people what is
    needed, what is free and what helps.
    """

    precision: Precision
    placement: Placement
    needs_bytes: int
    free_bytes: int | None
    layers_on_card: int
    fits: bool
    sentence: str


def shape_of(config: Mapping[str, Any]) -> VlmShape:
    """Sizes from the text of ``config.json``.

    Raises:
        BadInputError: it is of another kind, or lacks sizes.
    """
    kind = config.get("model_type")
    if kind not in KINDS:
        raise BadInputError(f"the configuration is of the kind {kind!r}, expected {' or '.join(KINDS)}")
    text = config.get("text_config") or config
    try:
        return _shape(str(kind), text, config["vision_config"], _is_tied(config, text))
    except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
        raise BadInputError(f"the configuration lacks a size: {error}") from error


def _is_tied(config: Mapping[str, Any], text: Mapping[str, Any]) -> bool:
    return bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False)))


def _shape(kind: str, text: Mapping[str, Any], sight: Mapping[str, Any], is_tied: bool) -> VlmShape:
    hidden, inner, layers = (
        int(text["hidden_size"]),
        int(text["intermediate_size"]),
        int(text["num_hidden_layers"]),
    )
    heads = int(text["num_attention_heads"])
    head = int(text.get("head_dim") or hidden // heads)
    cached = int(text.get("num_key_value_heads") or heads) * head
    has_bias = kind == "qwen2_5_vl"
    matrices = 2 * hidden * heads * head + 2 * hidden * cached + 3 * hidden * inner
    outputs = heads * head + 2 * cached + hidden + 2 * inner + hidden
    norms = 2 * hidden + (heads * head + 2 * cached if has_bias else 2 * head)
    return VlmShape(
        kind=kind,
        matrices=layers * matrices,
        rows=layers * outputs,
        words=int(text["vocab_size"]) * hidden * (1 if is_tied else 2),
        sight=_sight_25(sight) if has_bias else _sight_3(sight),
        rest=layers * norms + hidden,
        layers=layers,
        hidden=hidden,
        inner=inner,
        cached=cached,
        vocabulary=int(text["vocab_size"]),
        sight_hidden=int(sight["hidden_size"]),
        sight_inner=int(sight["intermediate_size"]),
        patches_per_token=int(sight.get("spatial_merge_size", 2)) ** 2,
    )


def _patch_values(sight: Mapping[str, Any]) -> int:
    patch, frames = int(sight["patch_size"]), int(sight.get("temporal_patch_size", 2))
    return int(sight.get("in_channels", sight.get("in_chans", 3))) * frames * patch**2


def _sight_25(sight: Mapping[str, Any]) -> int:
    """Weights of the eyes of Qwen2.5-VL: gated layers with biases, RMS norms, one merger."""
    hidden, inner = int(sight["hidden_size"]), int(sight["intermediate_size"])
    out, merged = int(sight["out_hidden_size"]), hidden * int(sight.get("spatial_merge_size", 2)) ** 2
    attention = 4 * hidden * hidden + 4 * hidden
    gated = 3 * hidden * inner + 2 * inner + hidden
    merger = hidden + merged * merged + merged + merged * out + out
    return hidden * _patch_values(sight) + int(sight["depth"]) * (attention + gated + 2 * hidden) + merger


def _sight_3(sight: Mapping[str, Any]) -> int:
    """Weights of the eyes of Qwen3-VL: places are learned, and mergers feed deeper layers as well."""
    hidden, inner = int(sight["hidden_size"]), int(sight["intermediate_size"])
    out, merged = int(sight["out_hidden_size"]), hidden * int(sight.get("spatial_merge_size", 2)) ** 2
    block = 4 * hidden * hidden + 4 * hidden + 2 * hidden * inner + inner + hidden + 4 * hidden
    merger = merged * merged + merged + merged * out + out
    deeper = len(sight.get("deepstack_visual_indexes", ()))
    places = int(sight.get("num_position_embeddings", 2304)) * hidden
    patches = hidden * _patch_values(sight) + hidden
    mergers = merger + 2 * hidden + deeper * (merger + 2 * merged)
    return patches + places + int(sight["depth"]) * block + mergers


def weight_bytes(shape: VlmShape, precision: Precision) -> int:
    """Bytes of all weights. Words, head, norms and eyes are never stored in fewer than 16 bits here."""
    other = shape.words + shape.sight + shape.rest
    if precision is Precision.NF4:
        return round(shape.matrices * NF4_BYTES + other * HALF_BYTES)
    if precision is Precision.INT8:
        # A scale of 4 bytes for each output.
        return round(shape.matrices + 4 * shape.rows + other * HALF_BYTES)
    return (shape.matrices + other) * (4 if precision is Precision.FP32 else 2)


def cache_bytes(shape: VlmShape, tokens: int, precision: Precision) -> int:
    """Bytes of keys and values of so many tokens."""
    return 2 * shape.layers * shape.cached * tokens * _value_bytes(precision)


def step_bytes(shape: VlmShape, tokens: int, visual_tokens: int, precision: Precision) -> int:
    """Bytes that the largest step holds beside weights and cache: of a look at a picture, or of reading.

    Of a layer its input, its output and the widest values between; 4 bits unpack one matrix; the head gives
    float32 for one token.
    """
    each = _value_bytes(precision)
    patches = visual_tokens * shape.patches_per_token
    # Rotated queries and keys are float32 for a moment.
    look = patches * (
        3 * shape.sight_hidden * each + 2 * shape.sight_hidden * 4 + 3 * shape.sight_inner * each
    )
    read = tokens * (4 * shape.hidden + 3 * shape.inner) * each
    unpacked = shape.hidden * shape.inner * 2 if precision in (Precision.NF4, Precision.INT8) else 0
    return max(look, read) + unpacked + 4 * shape.vocabulary


def _value_bytes(precision: Precision) -> int:
    return 4 if precision is Precision.FP32 else 2


def needed_bytes(
    shape: VlmShape,
    precision: Precision,
    tokens: int = TOKENS,
    visual_tokens: int = VISUAL_TOKENS,
    *,
    on_card: bool = True,
) -> int:
    """Everything at its peak.

    Args:
        shape: of the model.
        precision: of its weights.
        tokens: of conversation and answer.
        visual_tokens: of the largest picture.
        on_card: whether CUDA's own needs count.
    """
    return (
        weight_bytes(shape, precision)
        + cache_bytes(shape, tokens, precision)
        + step_bytes(shape, min(tokens, 2048), visual_tokens, precision)
        + (CUDA_BYTES if on_card else 0)
    )


def plan_memory(
    shape: VlmShape,
    free: FreeMemory,
    precision: str = "auto",
    *,
    stored: Precision | None = None,
    tokens: int = TOKENS,
    visual_tokens: int = VISUAL_TOKENS,
    can_quantise: bool = True,
) -> MemoryPlan:
    """How to load a model into what is free.

    ``auto`` takes what the folder is stored in; else 4 bits on a graphics card; else, on the processor, where
    quantising at each start takes minutes, 16 bits if they fit and 4 bits if not.

    Args:
        shape: of the model.
        free: memory.
        precision: ``auto`` or a `Precision`.
        stored: the precision that the folder's weights were quantised to before.
        tokens: of conversation and answer.
        visual_tokens: of the largest picture.
        can_quantise: whether bitsandbytes is there.

    Raises:
        UsageError: there is no such precision, or the folder is stored in another.
    """
    candidates = _candidates(precision, stored, can_quantise, on_card=free.card is not None)
    plans = [_plan(shape, free, choice, tokens, visual_tokens) for choice in candidates]
    best = next((plan for plan in plans if plan.fits), plans[-1])
    return best if best.fits else _advised(shape, free, best, tokens, visual_tokens, can_quantise)


def _candidates(
    precision: str, stored: Precision | None, can_quantise: bool, *, on_card: bool
) -> Sequence[Precision]:
    if precision != "auto":
        asked = _read_precision(precision)
        if stored is not None and asked is not stored:
            raise UsageError(
                f"the weights are stored as {stored.value}, expected that or auto, found {asked.value}",
                hint="Take the model's own folder for other precisions.",
            )
        return [asked]
    if stored is not None:
        return [stored]
    if not can_quantise:
        return [Precision.BF16]
    return [Precision.NF4] if on_card else [Precision.BF16, Precision.NF4]


def _read_precision(text: str) -> Precision:
    try:
        return Precision(text)
    except ValueError as error:
        known = ", ".join(item.value for item in Precision)
        raise UsageError(f"there is no precision {text!r}, expected auto, {known}") from error


def _plan(
    shape: VlmShape, free: FreeMemory, precision: Precision, tokens: int, visual_tokens: int
) -> MemoryPlan:
    on_card = free.card is not None
    needs = needed_bytes(shape, precision, tokens, visual_tokens, on_card=on_card)
    room = free.card if on_card else free.main
    usable = None if room is None else round(room * USABLE)
    placement = Placement.CARD if on_card else Placement.PROCESSOR
    said = f"needs about {_gib(needs)} as {precision.value}, {_gib(room)} free"
    if usable is None or needs <= usable:
        return MemoryPlan(precision, placement, needs, room, shape.layers if on_card else 0, True, said)
    if on_card and precision is not Precision.INT8:
        kept = _layers_on_card(shape, precision, needs, usable)
        waiting = weight_bytes(shape, precision)
        if kept >= 0 and (free.main is None or waiting <= free.main * USABLE):
            text = (
                f"{said}: {shape.layers - kept} of {shape.layers} layers wait in main memory, which is slower"
            )
            return MemoryPlan(precision, Placement.OFFLOAD, needs, room, kept, True, text)
    return MemoryPlan(precision, placement, needs, room, 0, False, said)


def _layers_on_card(shape: VlmShape, precision: Precision, needs: int, usable: int) -> int:
    """Language layers that may stay on the card; negative where not even none of them would do."""
    each = _layer_bytes(shape, precision)
    # One layer at a time comes to the card, the next is on its way.
    return min(shape.layers, int((usable - (needs - each * shape.layers) - 2 * each) // each))


def _layer_bytes(shape: VlmShape, precision: Precision) -> int:
    per_weight = NF4_BYTES if precision is Precision.NF4 else float(_value_bytes(precision))
    return round(shape.matrices * per_weight / shape.layers)


def _advised(
    shape: VlmShape, free: FreeMemory, plan: MemoryPlan, tokens: int, visual_tokens: int, can_quantise: bool
) -> MemoryPlan:
    """The plan with what would help in its sentence."""
    advice = []
    if plan.precision is not Precision.NF4 and can_quantise:
        four = _plan(shape, free, Precision.NF4, tokens, visual_tokens)
        if four.fits:
            advice.append("4-bit with offload" if four.placement is Placement.OFFLOAD else "4-bit")
    name, weights = SMALLER[shape.kind]
    if shape.parameters > 1.05 * weights:
        advice.append(f"the {name} model")
    if not advice:
        advice.append("a machine with more memory, or a server")
    sentence = f"{plan.sentence}: use {', or '.join(advice)}"
    return MemoryPlan(
        plan.precision,
        plan.placement,
        plan.needs_bytes,
        plan.free_bytes,
        plan.layers_on_card,
        False,
        sentence,
    )


def _gib(count: int | None) -> str:
    return "an unknown amount" if count is None else f"{count / GIB:.1f} GiB"
