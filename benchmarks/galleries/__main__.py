"""The benchmark of galleries as a command; see the package."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import faiss
import numpy as np

from benchmarks.galleries import kinds, whole
from benchmarks.galleries.pool import QUERIES, TILES, vectors_like, write_pool
from benchmarks.localization.report import provenance
from benchmarks.localization.store import OUT, ROOT
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.retrieval.nearest import exact_ids

MOST_QUERIES = 500


def main() -> None:
    """Do one step and print its table."""
    args = _arguments()
    faiss.omp_set_num_threads(args.threads)
    if args.step == "pool":
        write_pool(args.data, args.work, open_embedder(None, "cpu"), args.tiles, args.queries)
        return
    sizes = [int(size) for size in args.sizes.split(",")]
    columns = kinds.COLUMNS if args.step == "kinds" else whole.COLUMNS
    lines = [provenance([]), "", *([f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"])]
    print("\n".join(lines), flush=True)
    for size in sizes:
        for cells in (
            _compared(args, size) if args.step == "kinds" else [whole.row(args.work, size, args.threads)]
        ):
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    if args.markdown:
        args.markdown.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _compared(args: argparse.Namespace, size: int):  # noqa: ANN202  rows of cells
    pool = np.load(args.work / TILES, mmap_mode="r")
    queries = np.load(args.work / QUERIES)[:: max(1, args.queries // MOST_QUERIES)].astype(np.float32)
    path = args.work / f"vectors-{size}.npy"
    if not path.is_file():
        made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(size, pool.shape[1]))
        first = 0
        for part in vectors_like(pool, size, np.random.default_rng(0)):
            made[first : first + len(part)] = part
            first += len(part)
        made.flush()
    vectors = np.load(path, mmap_mode="r")
    exact = exact_ids(vectors, queries, kinds.WANTED)
    for kind in kinds.kinds_for(size, vectors.shape[1]):
        if size <= kind.most and (not args.only or kind.name in args.only.split(";")):
            cells = kinds.compared(vectors, queries, exact, kind, args.work)
            yield [f"{cells[0]}, {size:,} tiles", *cells[1:]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Galleries: time, recall and memory.")
    parser.add_argument("step", choices=["pool", "kinds", "whole"])
    default = os.environ.get("RS_COPILOT_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of real imagery")
    parser.add_argument("--work", type=Path, default=OUT / "galleries")
    parser.add_argument("--tiles", type=int, default=120_000, help="squares of the pool")
    parser.add_argument("--queries", type=int, default=2000, help="views of the pool")
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="kinds by name, separated by semicolons")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
