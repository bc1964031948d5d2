"""Nearest neighbours by inner product, as exact as the number of tiles allows: three kinds of faiss index."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import MissingDependencyError

# Comparing with every tile is exact, and up to here as quick as anything else.
FLAT_MAX = 10_000
# Eight bits per number are a quarter of the memory; above this many, cells of an inverted file as well.
SQ8_MAX = 100_000
TRAINING_SAMPLE = 65_536

IndexKind = Literal["flat", "sq8", "ivf"]
HalfArray = NDArray[np.float16]


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
    """How that many tiles are searched."""
    if count <= FLAT_MAX:
        return "flat"
    return "sq8" if count <= SQ8_MAX else "ivf"


def new_index(kind: IndexKind, dimensions: int, count: int) -> Any:  # noqa: ANN401  faiss has no types
    """An empty index for inner products; ``ivf`` has about twice the root of ``count`` cells."""
    faiss = load_faiss()
    inner = faiss.METRIC_INNER_PRODUCT
    if kind == "flat":
        return faiss.IndexFlatIP(dimensions)
    if kind == "sq8":
        return faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_8bit, inner)
    # faiss wants 39 training vectors a cell.
    cells = max(16, min(int(2 * np.sqrt(count)), min(count, TRAINING_SAMPLE) // 39))
    index = faiss.index_factory(dimensions, f"IVF{cells},SQ8", inner)
    index.nprobe = max(8, cells // 8)
    # More rounds of k-means move the cells no more than the next tiles do.
    index.cp.niter = 8
    return index


def fill_index(index: Any, vectors: HalfArray, chunk: int = TRAINING_SAMPLE) -> None:  # noqa: ANN401
    """Train an index on a sample of the vectors and add them all, chunk by chunk."""
    if not index.is_trained:
        sample = np.random.default_rng(0).permutation(len(vectors))[:TRAINING_SAMPLE]
        index.train(np.ascontiguousarray(vectors[np.sort(sample)], dtype=np.float32))
    for start in range(0, len(vectors), chunk):
        index.add(np.ascontiguousarray(vectors[start : start + chunk], dtype=np.float32))


def range_options(index: Any, kind: IndexKind, first: int, last: int) -> Any:  # noqa: ANN401
    """Options of a search among the vectors ``first`` to ``last - 1`` alone."""
    faiss = load_faiss()
    selector = faiss.IDSelectorRange(int(first), int(last))
    if kind == "ivf":
        return faiss.SearchParametersIVF(sel=selector, nprobe=index.nprobe)
    return faiss.SearchParameters(sel=selector)
