"""The benchmark of retrieval as a command; see the package."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.retrieval import pairs
from benchmarks.retrieval.bags import FEATURES, WORDS, BagOfWords, tile_pictures
from benchmarks.retrieval.dense import ranks_of_dense
from benchmarks.retrieval.networks import Network, with_card
from benchmarks.retrieval.places import SEEDS, all_places
from benchmarks.retrieval.queries import CONDITIONS, Condition, Query, read_queries
from benchmarks.retrieval.ranking import Outcome, rank_of
from benchmarks.retrieval.report import notes, table
from benchmarks.retrieval.speed import images_per_core_second
from benchmarks.retrieval.store import keep, read_kept, stamp
from rs_copilot.evaluation.retrieval import RetrievalScore
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.retrieval.gallery import TileTable

ROOT = Path(__file__).resolve().parents[2]
DENSE_LIMIT = 60


def main() -> None:
    """Measure what was asked for, keep it, and write the tables of all that is kept."""
    args = _arguments()
    data = args.data if args.data.is_dir() else None
    wanted = set(args.only.split(","))
    models = [(name, Path(path)) for name, _, path in (item.partition("=") for item in args.model)]
    lines = [f"{stamp()}, {platform.machine()}, {os.cpu_count()} cores, no GPU."]
    if not models:
        raise SystemExit("give at least one network with --model NAME=FILE: its gallery is everyone's")
    lines += _Gallery(args, data, models).measured(wanted)
    if "pairs" in wanted and data is not None:
        lines += _pairs(args, data, models)
    print("\n".join(lines), flush=True)
    if args.markdown:
        args.markdown.parent.mkdir(parents=True, exist_ok=True)
        args.markdown.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Retrieval: recall over a gallery of many places.")
    default = os.environ.get("RS_COPILOT_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of real imagery")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench" / "retrieval")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE", help="a network")
    parser.add_argument(
        "--only",
        default="networks,pairs,bags,dense",
        help="what to run; pairbags: bags of words on pairs only",
    )
    parser.add_argument("--conditions", default="", help="beginnings of names, separated by semicolons")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="rendered worlds")
    parser.add_argument("--limit", type=int, default=30, help="queries of each place")
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    return parser.parse_args()


class _Gallery:
    """The gallery of all places, the queries, and the methods that are measured on them."""

    def __init__(self, args: argparse.Namespace, data: Path | None, models: list[tuple[str, Path]]) -> None:
        self.args = args
        seeds = tuple(int(seed) for seed in args.seeds.split(",") if seed)
        self.places = all_places(data, args.work, seeds)
        self.names = [place.name for place in self.places]
        self.queries = [query for place in self.places for query in read_queries(place, args.limit)]
        self.networks = [Network(name, path, self.places, args.work) for name, path in models]
        gallery = self.networks[0].retriever.gallery
        self.tiles, self.sides_m = gallery.tiles, gallery.manifest.sides_m
        wanted = tuple(args.conditions.split(";")) if args.conditions else ("",)
        self.conditions = [item for item in CONDITIONS if item.name.startswith(wanted)]
        counts = ", ".join(f"{(self.tiles.side_m == side).sum()} of {side:.0f} m" for side in self.sides_m)
        self.subject = (
            f"{len(self.tiles)} tiles of {len(self.places)} rasters ({counts}); {len(self.queries)} queries"
        )

    def measured(self, wanted: set[str]) -> list[str]:
        """Measure the wanted methods, and give the table of all that are kept."""
        if "networks" in wanted:
            for network in self.networks:
                self._keep(network.name, self._ranks(network.rank), _speed(network))
        if "bags" in wanted:
            for kind in ("SIFT", "ORB"):
                bag = BagOfWords(kind, tile_pictures(self.places, self.tiles), self.tiles)
                self._keep(bag.name, self._ranks(bag.rank), f"{FEATURES} features, {WORDS} words.")
        if "dense" in wanted:
            self._keep("exhaustive double-angle FFT", self._dense(), f"{DENSE_LIMIT} of the queries.")
        kept = read_kept(self.args.work, self.subject)
        names = [condition.name for condition in CONDITIONS]
        return ["", f"{self.subject}. Recall@1 / Recall@10 in %.", "", *table(kept, names), "", *notes(kept)]

    def _keep(self, name: str, outcomes: list[tuple[str, str, np.ndarray, float]], note: str) -> None:
        found = [
            Outcome(name, condition, group, RetrievalScore(ranks), seconds)
            for condition, group, ranks, seconds in outcomes
        ]
        keep(self.args.work, name, self.subject, note, found)
        print(f"{name}: measured", flush=True)

    def _ranks(
        self, rank: Callable[[Query, Condition], list[int]]
    ) -> list[tuple[str, str, np.ndarray, float]]:
        """Condition, group, ranks of the first hits, CPU seconds a query."""
        found = []
        for condition in self.conditions:
            started = time.process_time()
            ranks = np.array(
                [rank_of(q, self.tiles, self.names, rank(q, condition)) for q in self.queries], dtype=np.int64
            )
            seconds = (time.process_time() - started) / len(self.queries)
            found += [(condition.name, group, ranks[some], seconds) for group, some in _groups(self.queries)]
            print(
                f"{condition.name}: R@1 {(ranks == 1).mean():.1%}, R@10 {(ranks > 0).mean():.1%}", flush=True
            )
        return found

    def _dense(self) -> list[tuple[str, str, np.ndarray, float]]:
        numbers = np.unique(np.linspace(0, len(self.queries) - 1, DENSE_LIMIT).round().astype(int))
        some = [self.queries[i] for i in numbers]
        started = time.process_time()
        ranks = ranks_of_dense(some, self.places, self.sides_m)
        seconds = (time.process_time() - started) / len(some)
        return [("attitude", group, ranks[which], seconds) for group, which in _groups(some)]


def _groups(queries: list[Query]) -> list[tuple[str, np.ndarray]]:
    """Numbers of the queries of each group, and of all."""
    groups = np.array([query.group for query in queries])
    found = [(str(group), np.flatnonzero(groups == group)) for group in np.unique(groups)]
    return [*found, ("all", np.arange(len(queries)))]


def _speed(network: Network) -> str:
    embedder = network.retriever.embedder
    rate = images_per_core_second(embedder)
    return f"{rate:.0f} pictures a core-second at {embedder.input_px} px."


def _pairs(args: argparse.Namespace, data: Path, models: list[tuple[str, Path]]) -> list[str]:
    """Measure University-1652, and give the table of all methods that are kept."""
    drone, satellite = pairs.read_pairs(data)
    subject = f"University-1652 thumbnails, {len(drone)} pairs; by chance R@1 is 0.25 %, R@10 2.5 %"
    for name, path in models:
        embed = pairs.embed_with(open_embedder(with_card(name, path, args.work), "cpu"))
        keep(args.work, name, subject, "", pairs.outcomes(name, drone, satellite, embed))
    for kind in ("SIFT", "ORB") if {"bags", "pairbags"} & set(args.only.split(",")) else ():
        bag = BagOfWords(kind, [*drone, *satellite], TileTable.join([]))
        found = pairs.outcomes(bag.name, drone, satellite, lambda p, _, bag=bag: bag.embed(p))
        keep(args.work, bag.name, subject, "", found)
    kept = read_kept(args.work, subject)
    return ["", f"{subject}. Recall@1 / Recall@10 in %.", "", *table(kept, pairs.HEADINGS), "", *notes(kept)]


if __name__ == "__main__":
    main()
