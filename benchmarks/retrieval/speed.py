"""Pictures per second of processor time, on one thread."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rs_copilot.retrieval.embedder import BATCH, Branch, Embedder, open_embedder

ROUNDS = 6
# The input of many published networks, for comparison.
USUAL_PX = 224


def speed_note(embedder: Embedder, work: Path) -> str:
    """Throughput at the network's own size, and where torch is, of the same layers at the usual one."""
    own = f"{images_per_core_second(embedder):.0f} pictures a core-second at {embedder.input_px} px"
    usual = open_untrained(USUAL_PX, work)
    if usual is None:
        return f"{own}."
    return f"{own}; the same layers, untrained, {images_per_core_second(usual):.0f} at {USUAL_PX} px."


def open_untrained(input_px: int, work: Path) -> Embedder | None:
    """The network's layers with random weights at another input size; ``None`` without torch."""
    if find_spec("torch") is None:
        return None
    from rs_copilot.training.cards import write_card
    from rs_copilot.training.export import write_onnx
    from rs_copilot.training.model import Cvaa, ModelConfig

    path = work / "networks" / f"untrained-{input_px}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    config = ModelConfig()
    digest = write_onnx(Cvaa(config).eval(), path, input_px)
    write_card(
        path.with_suffix(".json"),
        {"name": path.stem, "sha256": digest, "input_px": input_px, "dimensions": config.embedding},
    )
    return open_embedder(path, "cpu")


def images_per_core_second(embedder: Embedder) -> float:
    """Throughput of full batches at the network's own input size."""
    side = embedder.input_px
    images = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 4), dtype=np.uint8)
    embedder.embed(images, Branch.SATELLITE)
    started = time.process_time()
    for _ in range(ROUNDS):
        embedder.embed(images, Branch.SATELLITE)
    return ROUNDS * BATCH / (time.process_time() - started)
