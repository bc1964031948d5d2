"""Plans of memory against the configurations and the numbers of weights of released models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.models.memory_plan import (
    GIB,
    FreeMemory,
    Placement,
    Precision,
    VlmShape,
    cache_bytes,
    needed_bytes,
    plan_memory,
    shape_of,
    weight_bytes,
)

# Sizes from configurations of the released models, numbers of weights as their pages on Hugging Face show.
SHAPES: dict[str, Any] = json.loads((Path(__file__).parent / "shapes.json").read_text(encoding="utf-8"))
SEVEN = shape_of(SHAPES["Qwen2.5-VL-7B"]["config"])
THREE = shape_of(SHAPES["Qwen2.5-VL-3B"]["config"])


@pytest.mark.parametrize("name", SHAPES)
def test_weights_are_counted_to_the_last_one(name: str) -> None:
    assert shape_of(SHAPES[name]["config"]).parameters == SHAPES[name]["parameters"]


def test_bytes_by_hand() -> None:
    # 28 layers x 4 heads x 128, keys and values, 2 bytes each.
    assert cache_bytes(SEVEN, 1000, Precision.BF16) == 2 * 28 * 512 * 1000 * 2
    assert weight_bytes(SEVEN, Precision.BF16) == 2 * SHAPES["Qwen2.5-VL-7B"]["parameters"]
    assert weight_bytes(SEVEN, Precision.FP32) == 4 * SHAPES["Qwen2.5-VL-7B"]["parameters"]
    # Of the language layers 0.5 + 1/64 + 1/4096 bytes for each weight, 2 bytes for all others.
    small = 28 * (2 * 3584**2 + 2 * 3584 * 512 + 3 * 3584 * 18944)
    expected = small * (0.5 + 1 / 64 + 1 / 4096) + 2 * (SEVEN.parameters - small)
    assert abs(weight_bytes(SEVEN, Precision.NF4) - expected) < 1


def test_it_says_what_is_needed_what_is_free_and_what_helps() -> None:
    plan = plan_memory(SEVEN, FreeMemory(int(5.9 * GIB), 20 * GIB), "int8")
    assert not plan.fits
    assert plan.sentence == (
        "needs about 10.5 GiB as int8, 5.9 GiB free: use 4-bit with offload, or the 3B model"
    )
    plan = plan_memory(SEVEN, FreeMemory(8 * GIB, 20 * GIB), "bf16")
    assert plan.placement is Placement.OFFLOAD
    assert "layers wait in main memory" in plan.sentence
    plan = plan_memory(THREE, FreeMemory(1 * GIB, 1 * GIB))
    assert plan.sentence.endswith("use a machine with more memory, or a server")
    plan = plan_memory(SEVEN, FreeMemory(2 * GIB, 3 * GIB))
    assert plan.sentence.endswith("2.0 GiB free: use the 3B model")


def test_automatic_means_4_bits_on_a_card_and_16_on_a_processor_with_room() -> None:
    assert plan_memory(SEVEN, FreeMemory(16 * GIB, None)).precision is Precision.NF4
    assert plan_memory(SEVEN, FreeMemory(None, 32 * GIB)).precision is Precision.BF16
    small = plan_memory(SEVEN, FreeMemory(None, 10 * GIB))
    assert (small.precision, small.placement, small.fits) == (Precision.NF4, Placement.PROCESSOR, True)
    alone = plan_memory(SEVEN, FreeMemory(None, 10 * GIB), can_quantise=False)
    assert (alone.precision, alone.fits) == (Precision.BF16, False)
    assert "4-bit" not in alone.sentence
    stored = plan_memory(SEVEN, FreeMemory(None, 32 * GIB), stored=Precision.NF4)
    assert stored.precision is Precision.NF4


def test_a_system_that_does_not_say_what_is_free_is_tried() -> None:
    plan = plan_memory(SEVEN, FreeMemory(None, None))
    assert plan.fits
    assert "an unknown amount free" in plan.sentence


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="expected auto, nf4"):
        plan_memory(SEVEN, FreeMemory(None, None), "q4")
    with pytest.raises(UsageError, match="stored as nf4"):
        plan_memory(SEVEN, FreeMemory(None, None), "bf16", stored=Precision.NF4)
    for config in (
        {},
        {"model_type": "llama"},
        {"model_type": "qwen3_vl"},
        {"model_type": "qwen3_vl", "vision_config": 3},
    ):
        with pytest.raises(BadInputError):
            shape_of(config)


@given(st.integers(0, 40 * GIB), st.integers(0, 80 * GIB), st.sampled_from(["auto", *Precision]))
def test_a_plan_that_fits_stays_within_what_is_free(card: int, main: int, precision: str) -> None:
    plan = plan_memory(SEVEN, FreeMemory(card, main), getattr(precision, "value", precision))
    if plan.placement is Placement.CARD and plan.fits:
        assert plan.needs_bytes <= card
        assert plan.layers_on_card == SEVEN.layers
    if plan.placement is Placement.OFFLOAD:
        assert plan.needs_bytes > 0.95 * card
        assert 0 <= plan.layers_on_card < SEVEN.layers
        assert main > weight_bytes(SEVEN, plan.precision)
    if not plan.fits:
        assert ": use " in plan.sentence


@given(st.integers(1, 10_000), st.integers(0, 4000), st.sampled_from(list(SHAPES)))
def test_more_of_anything_never_needs_less(tokens: int, visual: int, name: str) -> None:
    shape: VlmShape = shape_of(SHAPES[name]["config"])
    sizes = [needed_bytes(shape, precision, tokens, visual) for precision in Precision]
    assert sizes == sorted(sizes)
    for precision in Precision:
        least = needed_bytes(shape, precision, tokens, visual)
        assert needed_bytes(shape, precision, tokens + 1, visual) >= least
        assert needed_bytes(shape, precision, tokens, visual + 1) >= least
