"""What each precision of a model needs on this machine, to choose from before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rs_copilot.models.memory_plan import (
    FreeMemory,
    Placement,
    Precision,
    VlmShape,
    plan_memory,
)

# What to try first. A processor has nothing from 8 bits, and more than 16 change no answer.
ON_CARD = (Precision.BF16, Precision.INT8, Precision.NF4, Precision.FP32)
ON_PROCESSOR = (Precision.BF16, Precision.NF4, Precision.FP32, Precision.INT8)
PROPOSED = (Precision.BF16.value, Precision.NF4.value)
# Where only the number of parameters is known: bytes for each, with what stays in 16 bits, and for the work.
ROUGH_BYTES = {Precision.BF16: 2.0, Precision.INT8: 1.2, Precision.NF4: 0.75, Precision.FP32: 4.0}
ROUGH_WORK_BYTES = 1_500_000_000


@dataclass(frozen=True)
class Need:
    """What one precision needs. ``fits`` counts layers that wait in main memory, ``is_whole`` does not."""

    name: str
    needs_bytes: int
    fits: bool
    is_whole: bool
    note: str = ""


def needs(
    shape: VlmShape | None, parameters: int, free: FreeMemory, *, can_quantise: bool = True
) -> list[Need]:
    """What each precision needs, the one to prefer first.

    Args:
        shape: of the model; ``None`` where nobody knows more than ``parameters``.
        parameters: how many it has.
        free: memory; what is not known is taken as enough.
        can_quantise: whether bitsandbytes is there.
    """
    order = ON_CARD if free.card is not None else ON_PROCESSOR
    found = [
        _rough(parameters, free, precision) if shape is None else _planned(shape, free, precision)
        for precision in order
    ]
    return found if can_quantise else [_without_bitsandbytes(need) for need in found]


def _planned(shape: VlmShape, free: FreeMemory, precision: Precision) -> Need:
    plan = plan_memory(shape, free, precision.value)
    waits = plan.placement is Placement.OFFLOAD
    note = (
        f"{shape.layers - plan.layers_on_card} of {shape.layers} layers wait in main memory" if waits else ""
    )
    return Need(precision.value, plan.needs_bytes, plan.fits, plan.fits and not waits, note)


def _rough(parameters: int, free: FreeMemory, precision: Precision) -> Need:
    needed = round(parameters * ROUGH_BYTES[precision]) + ROUGH_WORK_BYTES
    room = free.main if free.card is None else free.card
    fits = room is None or needed <= room
    return Need(precision.value, needed, fits, fits, "a rough figure")


def _without_bitsandbytes(need: Need) -> Need:
    if need.name not in (Precision.NF4.value, Precision.INT8.value):
        return need
    return Need(
        need.name, need.needs_bytes, fits=False, is_whole=False, note="needs the package bitsandbytes"
    )


def best_need(found: Sequence[Need]) -> Need | None:
    """The precision to propose: 16 bits, else 4, where they fit whole; ``None`` where neither does."""
    return next((need for need in found if need.is_whole and need.name in PROPOSED), None)


def least_need(found: Sequence[Need]) -> Need | None:
    """What to propose where nothing fits whole: the smallest that fits with layers waiting."""
    fitting = [need for need in found if need.fits and need.name in PROPOSED]
    return min(fitting, key=lambda need: need.needs_bytes, default=None)
