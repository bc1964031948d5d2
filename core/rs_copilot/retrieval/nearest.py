"""Nearest neighbours by inner product among the tiles of one scale: all of them, or an inverted file.

A flat index compares with every vector. The inverted file (IVF-PQ: Jégou et al., *Product quantization for
nearest neighbor search*, TPAMI 2011) compares short codes in the cells nearest to the query; the best are
then ranked by the vectors themselves, of which only these rows are read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import MissingDependencyError
from rs_copilot.retrieval.query import Ids
from rs_copilot.types import Float32Array

# Comparing with every tile is exact, and up to here as quick as anything else.
FLAT_MAX = 20_000
TRAINING_SAMPLE = 65_536
CHUNK = 65_536
# Numbers of the vector in one byte of its code; finer codes need fewer vectors to be read again.
NUMBERS_PER_BYTE = 4
# Recall@10 that the choice of cells and of vectors to rank again must reach, on this many queries.
WANTED_RECALL, RECALL_AT, TRIAL_QUERIES = 0.97, 10, 256
# Cells to look into and vectors to rank for each wanted one, from quick to thorough.
PROBES = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
REFINES = (8, 16, 32)
# A view's embedding keeps about this cosine to that of its tile; trial queries are as far off.
VIEW_COSINE = 0.7

IndexKind = Literal["flat", "ivfpq"]
HalfArray = NDArray[np.float16]


@dataclass(frozen=True)
class Effort:
    """How thoroughly to search: cells to look into, vectors to rank again for each wanted one.

    ``recall`` is what that reached when the gallery was written; a flat index needs no effort and misses
    nothing.
    """

    probes: int = 0
    refine: int = 1
    recall: float = 1.0


def load_faiss() -> Any:  # noqa: ANN401  faiss has no types
    """The library, imported late.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "The package 'faiss' is needed for retrieval and not installed.",
            hint="Install it with `pip install faiss-cpu`.",
        ) from error
    return faiss


def kind_for(count: int) -> IndexKind:
    """How that many tiles of one scale are searched."""
    return "flat" if count <= FLAT_MAX else "ivfpq"


def flat_index(vectors: HalfArray) -> Any:  # noqa: ANN401  faiss has no types
    """An index that compares with every vector; it holds them as float32 in memory."""
    index = load_faiss().IndexFlatIP(vectors.shape[1])
    for part in _chunks(vectors):
        index.add(part)
    return index


def trained_index(vectors: HalfArray) -> Any:  # noqa: ANN401  faiss has no types
    """An inverted file of all vectors, trained on a sample of them; about twice the root of N cells."""
    faiss = load_faiss()
    count, dimensions = vectors.shape
    # faiss wants 39 training vectors a cell.
    cells = max(1, min(int(2 * np.sqrt(count)), min(count, TRAINING_SAMPLE) // 39))
    codes = next(n for n in range(max(1, dimensions // NUMBERS_PER_BYTE), 0, -1) if dimensions % n == 0)
    # Fewer vectors than code words leave no room for eight bits.
    bits = 8 if count >= 512 else 4
    index = faiss.index_factory(dimensions, f"IVF{cells},PQ{codes}x{bits}np", faiss.METRIC_INNER_PRODUCT)
    # More rounds of k-means move cells and code words no more than the next tiles do.
    index.cp.niter = index.pq.cp.niter = 8
    index.pq.cp.max_points_per_centroid = 64
    sample = np.random.default_rng(0).permutation(count)[:TRAINING_SAMPLE]
    index.train(np.asarray(vectors[np.sort(sample)], dtype=np.float32))
    for part in _chunks(vectors):
        index.add(part)
    return index


def write_index(index: Any, path: Path) -> None:  # noqa: ANN401  faiss has no types
    """Write an inverted file so that `read_index` can map it."""
    load_faiss().write_index(index, str(path))


def read_index(path: Path) -> Any:  # noqa: ANN401  faiss has no types
    """An inverted file whose lists stay on disk: what queries look into is read when they do.

    Raises:
        RuntimeError: faiss cannot read it.
    """
    faiss = load_faiss()
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)


def search(
    index: Any,  # noqa: ANN401  faiss has no types
    vectors: HalfArray,
    queries: Float32Array,
    count: int,
    effort: Effort,
) -> tuple[Float32Array, Ids]:
    """The most similar of the vectors, best first.

    Args:
        index: of exactly these vectors.
        vectors: ``(N, D)``; only rows that the inverted file proposes are read.
        queries: ``(Q, D)`` of length 1.
        count: rows wanted for each query.
        effort: how thoroughly to look; flat where ``probes`` is 0.

    Returns:
        Inner products and numbers of rows, each ``(Q, min(count, N))``; -1 with score -1 where an
        inverted file found fewer.
    """
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    count = min(count, len(vectors))
    if not effort.probes:
        scores, ids = index.search(queries, count)
        return scores, ids
    faiss = load_faiss()
    options = faiss.SearchParametersIVF(nprobe=effort.probes)
    _, ids = index.search(queries, min(count * effort.refine, len(vectors)), params=options)
    return _ranked(vectors, queries, ids, count)


def _ranked(vectors: HalfArray, queries: Float32Array, ids: Ids, count: int) -> tuple[Float32Array, Ids]:
    """Rank what codes have chosen by the vectors themselves."""
    # Each row once and in order of place: similar guesses about a frame find the same tiles.
    rows, places = np.unique(ids, return_inverse=True)
    read = np.asarray(vectors[np.maximum(rows, 0)], dtype=np.float32)
    places = places.reshape(ids.shape)
    scores = np.stack([read[own] @ query for own, query in zip(places, queries, strict=True)])
    scores[ids < 0] = -1.0
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


def effort_for(index: Any, vectors: HalfArray) -> Effort:  # noqa: ANN401  faiss has no types
    """The least effort that finds `WANTED_RECALL` of the nearest; the most there is where none does.

    Tried on vectors of the gallery's own moved away from where they are, as far as views are.
    """
    queries = trial_queries(vectors)
    exact = exact_ids(vectors, queries, RECALL_AT)

    def tried(probes: int, refine: int) -> Effort:
        _, ids = search(index, vectors, queries, RECALL_AT, Effort(probes, refine))
        return Effort(probes, refine, recall_of(ids, exact))

    quick = sorted({min(number, index.nlist) for number in PROBES})
    for refine in REFINES:
        most = tried(quick[-1], refine)
        if most.recall >= WANTED_RECALL:
            # More cells find more.
            least = bisect_left(quick, WANTED_RECALL, key=lambda probes: tried(probes, refine).recall)
            return tried(quick[least], refine) if least < len(quick) else most
    # Data without clusters: what is left is to look into every cell.
    return tried(index.nlist, REFINES[-1])


def trial_queries(vectors: HalfArray, count: int = TRIAL_QUERIES) -> Float32Array:
    """Rows that were moved as far as a view's embedding is from its tile's, towards other rows.

    A step along the difference of two rows stays where embeddings are; isotropic noise would not.
    """
    rng = np.random.default_rng(1)
    chosen = np.sort(rng.integers(0, len(vectors), (3, count)), axis=1)
    own, one, other = (np.asarray(vectors[rows], dtype=np.float32) for rows in chosen)
    step = one[rng.permutation(count)] - other[rng.permutation(count)]
    step -= (step * own).sum(axis=1, keepdims=True) * own
    return _unit(VIEW_COSINE * own + np.sqrt(1.0 - VIEW_COSINE**2) * _unit(step))


def _unit(rows: Float32Array) -> Float32Array:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def exact_ids(vectors: HalfArray, queries: Float32Array, count: int) -> Ids:
    """Numbers of the nearest rows by comparing with all, ``(Q, count)``; memory for one chunk."""
    scores = np.zeros((len(queries), 0), dtype=np.float32)
    ids = np.zeros((len(queries), 0), dtype=np.int64)
    start = 0
    for part in _chunks(vectors):
        found = queries @ part.T
        near = np.argpartition(-found, min(count, len(part)) - 1, axis=1)[:, :count]
        scores = np.hstack([scores, np.take_along_axis(found, near, axis=1)])
        ids = np.hstack([ids, near + start])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        scores, ids = np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
        start += len(part)
    return ids


def recall_of(found: Ids, exact: Ids) -> float:
    """The share of the exact neighbours that were found; row by row, in any order."""
    return float(np.mean([np.isin(want, have).mean() for have, want in zip(found, exact, strict=True)]))


def _chunks(vectors: HalfArray) -> Iterator[Float32Array]:
    """All rows as float32, some at a time."""
    for start in range(0, len(vectors), CHUNK):
        yield np.ascontiguousarray(vectors[start : start + CHUNK], dtype=np.float32)
