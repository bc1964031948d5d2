"""Galleries as the engine writes, opens and searches them, each step in a process of its own."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import faiss
import numpy as np

from benchmarks.galleries.measures import memory_mb, peak_mb
from benchmarks.galleries.pool import QUERIES, TILES, vectors_like
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.retrieval.gallery import EMBEDDINGS, RasterRef, open_gallery
from rs_copilot.retrieval.nearest import exact_ids, recall_of
from rs_copilot.retrieval.table import TileTable
from rs_copilot.retrieval.writer import GalleryWriter

SIDE_M = 60.0
COUNT = 10
COLUMNS = (
    "tiles",
    "written in s",
    "peak MB, writing",
    "disk B/tile: table + embeddings + index",
    "opened in ms",
    "opened MB (private + mapped)",
    "after queries MB",
    "cells, ranked again",
    "recall on trial",
    "Recall@10",
    "p50 ms",
    "p95 ms",
    "CPU ms",
    "p95 ms, files not in memory",
)


def row(folder: Path, count: int, threads: int) -> list[str]:
    """Write a gallery of that many tiles, and search it."""
    out = folder / f"gallery-{count}"
    written = _apart(_write, folder, out, count, threads)
    searched = _apart(_search, folder, out, threads)
    return [f"{count:,}", *written, *searched]


def _apart(function, *arguments) -> list[str]:  # noqa: ANN001, ANN002  any of this module
    """In a fresh process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _write(folder: Path, out: Path, count: int, threads: int) -> list[str]:
    faiss.omp_set_num_threads(threads)
    embedder = open_embedder(None, "cpu")
    pool = np.load(folder / TILES, mmap_mode="r")
    across = int(np.ceil(np.sqrt(count)))
    raster = RasterRef(
        path="benchmark.tif",
        size_bytes=None,
        modified=None,
        crs="EPSG:32633",
        metric_crs="EPSG:32633",
        gsd_m=0.5,
        bounds_m=(400_000.0, 5_000_000.0, 400_000.0 + 30.0 * across, 5_000_000.0 + 30.0 * across),
    )
    started, first = time.perf_counter(), 0
    with GalleryWriter(out, embedder, [raster]) as writer:
        for vectors in vectors_like(pool, count, np.random.default_rng(0)):
            numbers = np.arange(first, first + len(vectors))
            centers = np.stack(
                [400_030.0 + 30.0 * (numbers % across), 5_000_030.0 + 30.0 * (numbers // across)]
            )
            tiles = TileTable(
                np.zeros(len(vectors), np.int32),
                centers.T,
                np.full(len(vectors), SIDE_M),
                np.ones(len(vectors), np.float32),
            )
            writer.add(tiles, vectors, numbers)
            first += len(vectors)
        writer.finish(0.5)
    seconds = time.perf_counter() - started
    sizes = [(out / name).stat().st_size / count for name in ("tiles.parquet", EMBEDDINGS)]
    index = sum(path.stat().st_size for path in out.glob("*.faiss")) / count
    return [f"{seconds:.0f}", f"{peak_mb():.0f}", f"{sizes[0]:.0f} + {sizes[1]:.0f} + {index:.0f}"]


def _search(folder: Path, out: Path, threads: int) -> list[str]:
    faiss.omp_set_num_threads(threads)
    queries = np.load(folder / QUERIES)[::4].astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    forget(out)
    before = memory_mb()
    started = time.perf_counter()
    gallery = open_gallery(out)
    opened_ms = 1e3 * (time.perf_counter() - started)
    opened = memory_mb() - before
    cold, _ = _timed(gallery, queries[:100], out)
    started_cpu = time.process_time()
    times, found = _timed(gallery, queries)
    cpu_ms = 1e3 * (time.process_time() - started_cpu) / len(queries)
    grown = memory_mb() - before
    exact = exact_ids(gallery.vectors, queries, COUNT)
    (scale,) = gallery.manifest.scales
    p50, p95 = np.percentile(times, (50, 95))
    return [
        f"{opened_ms:.0f}",
        f"{opened.private:.0f} + {opened.mapped:.0f}",
        f"{grown.private:.0f} + {grown.mapped:.0f}",
        f"{scale.probes}, {scale.refine * COUNT}",
        f"{scale.recall:.3f}",
        f"{recall_of(found, exact):.3f}",
        f"{p50:.2f}",
        f"{p95:.2f}",
        f"{cpu_ms:.2f}",
        f"{np.percentile(cold, 95):.2f}",
    ]


def _timed(gallery, queries: np.ndarray, cold: Path | None = None) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN001
    """Milliseconds of each query by itself, and what it found.

    ``cold`` files are dropped from memory before each tenth.
    """
    times, found = [], []
    for number, query in enumerate(queries):
        if cold is not None and number % 10 == 0:
            forget(cold)
        started = time.perf_counter()
        _, ids = gallery.search(query[None], COUNT)
        times.append(1e3 * (time.perf_counter() - started))
        found.append(ids[0])
    return np.array(times), np.stack(found)


def forget(folder: Path) -> None:
    """Ask the kernel to drop the files of a folder from its cache; mapped pages may stay."""
    import os

    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
