"""The benchmark of retrieval as a command; see the package."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.retrieval import pairs
from benchmarks.retrieval.bags import BagOfWords, tile_pictures
from benchmarks.retrieval.dense import ranks_of_dense
from benchmarks.retrieval.networks import Network
from benchmarks.retrieval.places import SEEDS, all_places
from benchmarks.retrieval.queries import CONDITIONS, Condition, Query, read_queries
from benchmarks.retrieval.ranking import RANKS, Outcome, rank_of
from benchmarks.retrieval.speed import images_per_core_second
from rs_copilot.evaluation.retrieval import RetrievalScore
from rs_copilot.retrieval.gallery import TileTable

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("method", "known", "queries", "n", "R@1", "R@5", "R@10", "CPU s a query")
DENSE_LIMIT = 60


def main() -> None:
    """Run what was asked for and print the tables."""
    args = _arguments()
    lines: list[str] = []
    for line in _tables(args):
        lines.append(line)
        print(line, flush=True)
    if args.markdown:
        args.markdown.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Retrieval: recall over a gallery of many places.")
    default = os.environ.get("RS_COPILOT_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of real imagery")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench" / "retrieval")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE", help="a network")
    parser.add_argument("--only", default="networks,pairs,bags,dense", help="what to run")
    parser.add_argument("--conditions", default="", help="beginnings of names, separated by semicolons")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="rendered worlds")
    parser.add_argument("--limit", type=int, default=30, help="queries of each place")
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    return parser.parse_args()


def _tables(args: argparse.Namespace) -> Iterator[str]:
    data = args.data if args.data.is_dir() else None
    wanted = set(args.only.split(","))
    models = [(name, Path(path)) for name, _, path in (item.partition("=") for item in args.model)]
    conditions = [
        item
        for item in CONDITIONS
        if not args.conditions or item.name.startswith(tuple(args.conditions.split(";")))
    ]
    yield _provenance()
    if wanted & {"networks", "bags", "dense"}:
        yield from _gallery_tables(args, data, wanted, models, conditions)
    if "pairs" in wanted and data is not None:
        yield from _pair_table(args, data, models)


def _gallery_tables(
    args: argparse.Namespace,
    data: Path | None,
    wanted: set[str],
    models: list[tuple[str, Path]],
    conditions: list[Condition],
) -> Iterator[str]:
    places = all_places(data, args.work, tuple(int(seed) for seed in args.seeds.split(",") if seed))
    names = [place.name for place in places]
    queries = [query for place in places for query in read_queries(place, args.limit)]
    networks = [Network(name, path, places, args.work) for name, path in models]
    tiles = networks[0].retriever.gallery.tiles
    sides = networks[0].retriever.gallery.manifest.sides_m
    counts = ", ".join(f"{(tiles.side_m == side).sum()} of {side:.0f} m" for side in sides)
    yield f"\nGallery: {len(tiles)} tiles of {len(places)} rasters ({counts}); {len(queries)} queries.\n"
    for network in networks:
        rate = images_per_core_second(network.retriever.embedder)
        side = network.retriever.embedder.input_px
        yield f"* {network.name}: {rate:.0f} pictures a core-second at {side} px"
    yield ""
    yield from _head(HEADER)
    if "networks" in wanted:
        for network in networks:
            yield from _rows(network.name, network.rank, queries, tiles, names, conditions)
    if "bags" in wanted:
        for kind in ("SIFT", "ORB"):
            bag = BagOfWords(kind, tile_pictures(places, tiles), tiles)
            yield from _rows(bag.name, bag.rank, queries, tiles, names, conditions)
    if "dense" in wanted:
        some = [queries[i] for i in np.unique(np.linspace(0, len(queries) - 1, DENSE_LIMIT).astype(int))]
        started = time.process_time()
        ranks = ranks_of_dense(some, places, sides)
        seconds = (time.process_time() - started) / len(some)
        for group, numbers in _groups(some).items():
            yield _line(
                Outcome(
                    "exhaustive double-angle FFT", "attitude", group, RetrievalScore(ranks[numbers]), seconds
                )
            )


def _rows(
    name: str,
    rank: Callable[[Query, Condition], list[int]],
    queries: list[Query],
    tiles: TileTable,
    names: list[str],
    conditions: list[Condition],
) -> Iterator[str]:
    for condition in conditions:
        started = time.process_time()
        ranks = np.array([rank_of(query, tiles, names, rank(query, condition)) for query in queries])
        seconds = (time.process_time() - started) / len(queries)
        for group, numbers in _groups(queries).items():
            yield _line(Outcome(name, condition.name, group, RetrievalScore(ranks[numbers]), seconds))


def _groups(queries: list[Query]) -> dict[str, np.ndarray]:
    """Numbers of the queries of each group, and of all."""
    groups = np.array([query.group for query in queries])
    found = {str(group): np.flatnonzero(groups == group) for group in np.unique(groups)}
    return {**found, "all": np.arange(len(queries))}


def _pair_table(args: argparse.Namespace, data: Path, models: list[tuple[str, Path]]) -> Iterator[str]:
    from benchmarks.retrieval.networks import with_card
    from rs_copilot.retrieval.embedder import open_embedder

    drone, satellite = pairs.read_pairs(data)
    yield f"\nUniversity-1652 thumbnails, {len(drone)} pairs; chance: R@1 0.25 %, R@10 2.5 %.\n"
    yield from _head(HEADER)
    for name, path in models:
        embed = pairs.embed_with(open_embedder(with_card(name, path, args.work), "cpu"))
        yield from map(_line, pairs.outcomes(name, drone, satellite, embed))
    for kind in ("SIFT", "ORB"):
        bag = BagOfWords(kind, [*drone, *satellite], TileTable.join([]))
        yield from map(_line, pairs.outcomes(bag.name, drone, satellite, lambda p, _, bag=bag: bag.embed(p)))


def _head(cells: tuple[str, ...]) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
    yield f"|{'---|' * len(cells)}"


def _line(item: Outcome) -> str:
    shares = []
    for rank in RANKS:
        low, high = item.score.interval(rank)
        shares.append(f"{item.score.recall(rank):.1%} ({low:.0%}-{high:.0%})")
    count = str(len(item.score.ranks))
    cells = (
        item.method,
        item.condition,
        item.group,
        count,
        *shares,
        f"{item.seconds:.3f}" if item.seconds else "–",
    )
    return f"| {' | '.join(cells)} |"


def _provenance() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"{date.today()}, commit {commit}, {platform.machine()}, {os.cpu_count()} cores, no GPU."


if __name__ == "__main__":
    main()
