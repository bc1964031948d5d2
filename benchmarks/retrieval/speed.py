"""Pictures per second of processor time, on one thread."""

from __future__ import annotations

import time

import numpy as np

from rs_copilot.retrieval.embedder import BATCH, Branch, Embedder

ROUNDS = 6


def images_per_core_second(embedder: Embedder) -> float:
    """Throughput of full batches at the network's own input size."""
    side = embedder.input_px
    images = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 4), dtype=np.uint8)
    embedder.embed(images, Branch.SATELLITE)
    started = time.process_time()
    for _ in range(ROUNDS):
        embedder.embed(images, Branch.SATELLITE)
    return ROUNDS * BATCH / (time.process_time() - started)
