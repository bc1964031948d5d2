"""Ways to search a gallery side by side: time of a query, recall against exact search, memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.galleries.measures import Memory, memory_mb
from rs_copilot.retrieval.nearest import CHUNK, TRAINING_SAMPLE, HalfArray, recall_of
from rs_copilot.retrieval.query import Ids
from rs_copilot.types import Float32Array

WANTED = 10
COLUMNS = (
    "kind",
    "cells",
    "ranked again",
    "Recall@10",
    "p50 ms",
    "p95 ms",
    "CPU ms",
    "disk B/vector",
    "opened MB",
    "after queries MB (private + mapped)",
    "built in CPU-s",
)


@dataclass(frozen=True)
class Kind:
    """A factory string of faiss; ``probes`` and ``refines`` are the settings to try."""

    name: str
    factory: str
    probes: tuple[int, ...] = (0,)
    refines: tuple[int, ...] = (1,)
    most: int = 10**9


def kinds_for(count: int, dimensions: int) -> list[Kind]:
    """What is compared, with about twice the root of ``count`` cells as in the engine."""
    cells = min(int(2 * np.sqrt(count)), TRAINING_SAMPLE // 39)
    probes, refines = (8, 16, 32, 64), (8, 16, 32)
    quarter, eighth = dimensions // 4, dimensions // 8
    return [
        Kind("flat, float32", "Flat"),
        Kind("SQ8", "SQ8", refines=(4, 8)),
        Kind("IVF-SQ8", f"IVF{cells},SQ8", probes, (4, 8)),
        Kind(f"IVF-PQ{quarter}", f"IVF{cells},PQ{quarter}x8np", probes, refines),
        Kind(f"IVF-PQ{eighth}", f"IVF{cells},PQ{eighth}x8np", probes, refines),
        Kind(f"OPQ-IVF-PQ{eighth}", f"OPQ{eighth},IVF{cells},PQ{eighth}x8np", probes, refines),
        Kind(f"IVF-PQ{quarter} 4-bit fast scan", f"IVF{cells},PQ{quarter}x4fs", probes, refines),
        Kind("HNSW32", "HNSW32,Flat", (32, 64, 128), most=200_000),
    ]


def compared(vectors: HalfArray, queries: Float32Array, exact: Ids, kind: Kind, folder: Path) -> list[str]:
    """The row of a kind: the quickest of its settings that reaches 95 %, else the most faithful."""
    path = folder / f"{kind.name.replace(' ', '-')}-{len(vectors)}.faiss"
    started = time.process_time()
    faiss.write_index(_built(vectors, kind), str(path))
    built_s = time.process_time() - started
    before = memory_mb()
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    opened = memory_mb() - before
    tried = [
        (probes, refine, *_measured(index, vectors, queries, exact, kind, probes, refine))
        for probes, refine in _settings(kind)
    ]
    grown = memory_mb() - before
    good = [item for item in tried if item[2] >= 0.95]
    probes, refine, recall, times, cpu_s = (
        min(good, key=lambda item: item[4]) if good else max(tried, key=lambda item: item[2])
    )
    size = path.stat().st_size / len(vectors)
    path.unlink()
    return _row(kind, (probes, refine), recall, times, cpu_s, size, (opened, grown), built_s)


def _row(
    kind: Kind,
    setting: tuple[int, int],
    recall: float,
    times: Float32Array,
    cpu_s: float,
    size: float,
    memory: tuple[Memory, Memory],
    built_s: float,
) -> list[str]:
    p50, p95 = np.percentile(1e3 * times, (50, 95))
    return [
        kind.name,
        str(setting[0] or "–"),
        str(WANTED * setting[1] if setting[1] > 1 else "–"),
        f"{recall:.3f}",
        f"{p50:.2f}",
        f"{p95:.2f}",
        f"{1e3 * cpu_s:.2f}",
        f"{size:.0f}",
        f"{memory[0].private:.0f} + {memory[0].mapped:.0f}",
        f"{memory[1].private:.0f} + {memory[1].mapped:.0f}",
        f"{built_s:.0f}",
    ]


def _settings(kind: Kind) -> Iterator[tuple[int, int]]:
    return ((probes, refine) for probes in kind.probes for refine in kind.refines)


def _built(vectors: HalfArray, kind: Kind) -> Any:  # noqa: ANN401  faiss has no types
    index = faiss.index_factory(vectors.shape[1], kind.factory, faiss.METRIC_INNER_PRODUCT)
    if "IVF" in kind.factory:
        inverted = faiss.extract_index_ivf(index)
        inverted.cp.niter = 8
        if hasattr(inverted, "pq"):
            inverted.pq.cp.niter, inverted.pq.cp.max_points_per_centroid = 8, 64
    if not index.is_trained:
        sample = np.random.default_rng(0).permutation(len(vectors))[:TRAINING_SAMPLE]
        index.train(np.asarray(vectors[np.sort(sample)], dtype=np.float32))
    for start in range(0, len(vectors), CHUNK):
        index.add(np.asarray(vectors[start : start + CHUNK], dtype=np.float32))
    return index


def _measured(
    index: Any,  # noqa: ANN401  faiss has no types
    vectors: HalfArray,
    queries: Float32Array,
    exact: Ids,
    kind: Kind,
    probes: int,
    refine: int,
) -> tuple[float, Float32Array, float]:
    """Recall@10, seconds of each query by itself, and mean seconds of processor time."""
    if "IVF" in kind.factory:
        faiss.extract_index_ivf(index).nprobe = probes
    elif "HNSW" in kind.factory:
        faiss.downcast_index(index).hnsw.efSearch = probes
    found, times = [], np.zeros(len(queries), dtype=np.float32)
    started_cpu = time.process_time()
    for number, query in enumerate(queries):
        started = time.perf_counter()
        _, ids = index.search(query[None], WANTED * refine)
        if refine > 1:
            rows = ids[0, ids[0] >= 0]
            order = np.argsort(-(np.asarray(vectors[rows], dtype=np.float32) @ query))
            ids = rows[order][None, :WANTED]
        times[number] = time.perf_counter() - started
        found.append(ids[0, :WANTED])
    cpu_s = (time.process_time() - started_cpu) / len(queries)
    return recall_of(np.stack(found), exact), times, cpu_s
