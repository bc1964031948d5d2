"""The state of a training between two sessions, as safetensors: weights, optimiser, step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rs_copilot.errors import BadInputError, StorageError


def write_state(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
    notes: str = "",
) -> None:
    """Write everything that is needed to go on, with what a training notes for itself; atomic.

    Raises:
        StorageError: the file cannot be written.
    """
    from safetensors.torch import save_file

    tensors = {f"model.{name}": value.detach().contiguous() for name, value in model.state_dict().items()}
    for number, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value).detach().contiguous()
    draft = path.with_suffix(".part")
    try:
        save_file(tensors, draft, metadata={"step": str(step), "seconds": f"{seconds:.1f}", "notes": notes})
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot keep the training's state at {path}: {error}") from error


def read_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> tuple[int, float]:
    """Load a state into a network and, where given, its optimiser; step and seconds so far.

    Raises:
        BadInputError: the file is no state of this network.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        model.load_state_dict(_part(tensors, "model."))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BadInputError(
            f"{path} is no training state of this network: {error}",
            hint="Give another --out folder, or delete it to begin anew.",
        ) from error
    if optimizer is not None:
        _load_optimizer(optimizer, _part(tensors, "optimizer."))
    return int(metadata.get("step", 0)), float(metadata.get("seconds", 0.0))


def read_notes(path: Path) -> str:
    """What a training noted for itself; empty where it noted nothing.

    Raises:
        BadInputError: the file is no state.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return str((file.metadata() or {}).get("notes", ""))
    except (OSError, SafetensorError) as error:
        raise BadInputError(f"{path} is no training state: {error}") from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    whole = optimizer.state_dict()
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = value
    whole["state"] = state
    optimizer.load_state_dict(whole)
