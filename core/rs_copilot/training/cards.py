"""What every training writes beside its weights."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import torch

from rs_copilot.writing import write_whole


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write the card beside the network.

    Raises:
        StorageError: the file cannot be written.
    """
    write_whole(path, json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def hardware(device: str) -> str:
    """What a training ran on, for its card."""
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"
