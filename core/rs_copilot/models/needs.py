"""How much memory a model needs, roughly, from the number of its parameters alone."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes for each parameter: what is stored, with the tables of words and the norms that stay in 16 bits.
BYTES_PER_PARAMETER = {"nf4": 0.75, "int8": 1.2, "bf16": 2.0, "fp32": 4.0}
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
    """What each precision needs on a device.

    Args:
        parameters: of the model.
        device: ``cpu`` or ``cuda:N``.
        free_bytes: of its memory; ``None`` where the system does not say.
    """
    needs = []
    for name, each in BYTES_PER_PARAMETER.items():
        needed = round(parameters * each) + WORK_BYTES
        fits = free_bytes is not None and needed <= free_bytes
        needs.append(Need(name, needed, fits, _note(name, device)))
    return needs


def _note(name: str, device: str) -> str:
    if name == "fp32" and device != "cpu":
        return "no better than bf16 on a graphics card"
    if name in ("nf4", "int8") and device == "cpu":
        return "smaller, not faster, without a graphics card"
    return ""


def best_need(needs: list[Need], device: str) -> Need | None:
    """The precision to propose: 16 bits where they fit on a card, else 4; ``None`` where nothing fits."""
    fitting = {need.name: need for need in needs if need.fits}
    order = ("bf16", "nf4") if device != "cpu" else ("fp32", "bf16", "nf4")
    return next((fitting[name] for name in order if name in fitting), None)
