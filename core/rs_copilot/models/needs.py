"""How much memory a model needs, roughly, from the number of its parameters alone."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes for each parameter: what is stored, with the tables of words and the norms that stay in 16 bits.
BYTES_PER_PARAMETER = {"bf16": 2.0, "int8": 1.2, "nf4": 0.75, "fp32": 4.0}
# What to try first. A processor has nothing from 8 bits, and more than 16 change no answer.
ON_CARD, ON_PROCESSOR = ("bf16", "int8", "nf4", "fp32"), ("bf16", "nf4", "fp32", "int8")
# A picture of a million pixels, the cache of a conversation and what the libraries take for themselves.
WORK_BYTES = 1_500_000_000


@dataclass(frozen=True)
class Need:
    """What one precision needs, and whether it fits into memory that is free; unknown memory never fits."""

    name: str
    needs_bytes: int
    fits: bool
    note: str


def rough_needs(parameters: int, device: str, free_bytes: int | None) -> list[Need]:
    """What each precision needs on a device, the one to prefer first.

    Args:
        parameters: of the model.
        device: ``cpu`` or ``cuda:N``.
        free_bytes: of its memory; ``None`` where the system does not say.
    """
    needs = []
    for name in ON_PROCESSOR if device == "cpu" else ON_CARD:
        needed = round(parameters * BYTES_PER_PARAMETER[name]) + WORK_BYTES
        fits = free_bytes is not None and needed <= free_bytes
        needs.append(Need(name, needed, fits, _note(name, device)))
    return needs


def _note(name: str, device: str) -> str:
    if name == "fp32":
        return "answers are those of bf16"
    if name in ("nf4", "int8") and device == "cpu":
        return "smaller, not faster, without a graphics card"
    return ""


def best_need(needs: list[Need]) -> Need | None:
    """The precision to propose: 16 bits where they fit, else 4; ``None`` where nothing fits."""
    return next((need for need in needs if need.fits and need.name in ("bf16", "nf4")), None)
