"""Memory of the device: whether it ran out, how much is free, and weights that wait elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

# How torch says it on the processor, where its error has no class of its own, on Linux and on Windows.
CPU_MESSAGES = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(message in str(error) for message in CPU_MESSAGES)


def free_unused() -> None:
    """Give memory that nothing uses back to the device."""
    import torch

    # A processor's memory goes back by itself; looking for cycles takes a fifth of a second.
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


def free_bytes(device: str) -> int | None:
    """What is free on a graphics card; ``None`` for the processor, whose memory others know."""
    import torch

    if not device.startswith("cuda"):
        return None
    return int(torch.cuda.mem_get_info(device)[0])


def stream_layers(layers: Sequence[Any], device: str, home: str = "cpu") -> None:
    """Let the weights of layers wait in main memory and come to the device only while a layer runs.

    One layer at a time is on the device. What is small and belongs to 4-bit weights (their scales) stays
    there. Layers in 8 bits keep copies of their weights elsewhere and cannot be moved like this.

    Args:
        layers: modules, on the device or not.
        device: where they run.
        home: where they wait.
    """
    for layer in layers:
        waiting = {name: weight.data.to(home) for name, weight in layer.named_parameters()}
        layer.to(device)
        _part(layer, waiting)
        layer.register_forward_pre_hook(_fetcher(waiting, device))
        layer.register_forward_hook(_sender(waiting))


def _fetcher(waiting: dict[str, Any], device: str) -> Any:  # noqa: ANN401 - a hook of torch
    def fetch(layer: Any, _: Any) -> None:  # noqa: ANN401
        for name, weight in layer.named_parameters():
            weight.data = waiting[name].to(device, non_blocking=True, copy=True)

    return fetch


def _sender(waiting: dict[str, Any]) -> Any:  # noqa: ANN401 - a hook of torch
    def send(layer: Any, *_: Any) -> None:  # noqa: ANN401
        _part(layer, waiting)

    return send


def _part(layer: Any, waiting: dict[str, Any]) -> None:  # noqa: ANN401
    """Let go of the device's copies."""
    for name, weight in layer.named_parameters():
        weight.data = waiting[name]
