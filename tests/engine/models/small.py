"""Folders of models with the files that real ones have, of a few hundred kilobytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from rs_copilot.models.memory_plan import shape_of

PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
# Sizes of a network that could be, though the weights here are not its own.
SIZES = {
    "tie_word_embeddings": True,
    "text_config": {
        **{"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
        **{"num_key_value_heads": 2, "vocab_size": 512},
    },
    "vision_config": {
        **{"depth": 2, "hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 64, "patch_size": 16},
    },
}
PARAMETERS = shape_of(SIZES | {"model_type": "qwen3_vl"}).parameters


def save_model(folder: Path, seed: int = 0, kind: str = "qwen3_vl") -> Path:
    """Weights in two files with their index, settings and words; and what must not be taken along."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for number, name in enumerate(PARTS):
        save_file({f"w{number}": random.normal(size=(200, 200)).astype(np.float32)}, folder / name)
    weight_map = {f"w{number}": name for number, name in enumerate(PARTS)}
    texts: dict[str, Any] = {
        "config.json": SIZES | {"model_type": kind},
        "model.safetensors.index.json": {"metadata": {}, "weight_map": weight_map},
        "tokenizer.json": {"model": {"vocab": {}}},
    }
    for name, value in texts.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    (folder / "merges.txt").write_text("a b\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Do what is right.\n", encoding="utf-8")
    (folder / "modeling.py").write_text("raise SystemExit\n", encoding="utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    return folder


TAKEN = {*PARTS, "config.json", "model.safetensors.index.json", "tokenizer.json", "merges.txt", "LICENSE"}


def card(**changed: Any) -> dict[str, Any]:
    """A card of one's own for the model above."""
    return {
        "id": "tiny",
        "title": "Tiny",
        "repository": "someone/tiny",
        "licence": {"name": "MIT", "is_open": True},
        "family": "qwen3-vl",
        "architecture": "qwen3_vl",
        "parameters": PARAMETERS,
        "min_px": 4096,
        "max_px": 1 << 20,
    } | changed


def write_card(store: Path, **changed: Any) -> Path:
    """The card in a store's folder of own cards."""
    path = store / "cards" / "tiny.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(card(**changed)), encoding="utf-8")
    return path


def save_adapter(folder: Path, base: str) -> Path:
    """A LoRA adapter as peft writes it."""
    folder.mkdir(parents=True)
    save_file({"lora_A": np.zeros((4, 8), np.float32)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    return folder
