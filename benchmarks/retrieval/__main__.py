"""The benchmark of retrieval as a command; see the package."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.localization.report import provenance
from benchmarks.retrieval import pairs
from benchmarks.retrieval.bags import FEATURES, WORDS, BagOfWords, Kind, bag_name, tile_pictures
from benchmarks.retrieval.dense import ranks_of_dense
from benchmarks.retrieval.networks import Network, with_card
from benchmarks.retrieval.places import SEEDS, all_places
from benchmarks.retrieval.queries import CONDITIONS, Condition, Query, read_queries
from benchmarks.retrieval.ranking import Outcome, rank_of
from benchmarks.retrieval.report import notes, table
from benchmarks.retrieval.speed import speed_note
from benchmarks.retrieval.store import code_key, is_kept, keep, read_kept
from benchmarks.retrieval.two_stage import TwoStage
from rs_copilot.evaluation.retrieval import RetrievalScore
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.retrieval.table import TileTable
from rs_copilot.types import ByteImage

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("networks", "second", "pairs", "sift", "orb", "dense")
KINDS: tuple[Kind, ...] = ("SIFT", "ORB")
# A known heading is of no use to features that turn with the picture.
BAG_CONDITIONS = ("attitude", "attitude, all tiles", "no scale")
DENSE_LIMIT = 24
# What decides the outcomes, of the engine.
NETWORK_PARTS = (
    "retrieval/query.py",
    "retrieval/tiles.py",
    "retrieval/gallery.py",
    "localization/retrieve.py",
)
SEARCH_PARTS = (
    "matching",
    *(f"localization/{name}.py" for name in ("search", "sweep", "patches", "reference")),
)
FIELD_PARTS = ("localization/field_look.py", "retrieval/dense.py", "retrieval/weights")
# Condition, group, ranks of the first hits, CPU seconds a query.
Ranks = list[tuple[str, str, np.ndarray, float]]


def main() -> None:
    """Measure what was asked for, keep it, and write the tables of all that is kept."""
    args = _arguments()
    data = args.data if args.data.is_dir() else None
    wanted = args.only.split(",")
    models = [(name, Path(path)) for name, _, path in (item.partition("=") for item in args.model)]
    if not models:
        raise SystemExit("give at least one network with --model NAME=FILE: its gallery is everyone's")
    gallery = _Gallery(args, data, models)
    for step in wanted:
        lines = [provenance([]), *gallery.measured(step)]
        if data is not None:
            lines += _pairs(args, data, models, step)
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
        default=",".join(STEPS),
        help="what to measure; of the rest what is kept serves",
    )
    parser.add_argument("--conditions", default="", help="beginnings of names, separated by semicolons")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="rendered worlds")
    parser.add_argument("--places", default="", help="only these rasters, by name, separated by commas")
    parser.add_argument("--limit", type=int, default=30, help="queries of each place")
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    return parser.parse_args()


class _Gallery:
    """The gallery of all places, the queries, and the methods that are measured on them."""

    def __init__(self, args: argparse.Namespace, data: Path | None, models: list[tuple[str, Path]]) -> None:
        self.args = args
        seeds = tuple(int(seed) for seed in args.seeds.split(",") if seed)
        wanted = tuple(filter(None, args.places.split(",")))
        self.places = [p for p in all_places(data, args.work, seeds) if not wanted or p.name in wanted]
        self.names = [place.name for place in self.places]
        self.queries = [query for place in self.places for query in read_queries(place, args.limit)]
        self.networks = [Network(name, path, self.places, args.work) for name, path in models]
        gallery = self.networks[0].retriever.gallery
        self.tiles, self.sides_m = gallery.tiles, gallery.manifest.sides_m
        beginnings = tuple(args.conditions.split(";")) if args.conditions else ("",)
        self.conditions = [item for item in CONDITIONS if item.name.startswith(beginnings)]
        counts = ", ".join(f"{(self.tiles.side_m == side).sum()} of {side:.0f} m" for side in self.sides_m)
        self.subject = (
            f"{len(self.tiles)} tiles of {len(self.places)} rasters ({counts}); {len(self.queries)} queries"
        )

    def measured(self, step: str) -> list[str]:
        """Measure the methods of a step, and give the table of all that are kept."""
        if step == "networks":
            for network in self.networks:
                embedder = network.retriever.embedder
                key = code_key("networks", engine=NETWORK_PARTS, extra=embedder.sha256)
                self._keep(
                    network.name,
                    key,
                    lambda network=network: self._ranks(network.rank),
                    lambda embedder=embedder: speed_note(embedder, self.args.work),
                )
        if step == "second":
            second = TwoStage(self.networks[0], self.places)
            digest = self.networks[0].retriever.embedder.sha256
            self._keep(
                second.name,
                code_key("two_stage", engine=(*NETWORK_PARTS, *FIELD_PARTS), extra=digest),
                lambda: self._ranks(second.rank, ("attitude",)),
                lambda: "",
            )
        for kind in KINDS:
            if kind.lower() == step:
                self._keep(
                    bag_name(kind),
                    code_key("bags"),
                    lambda kind=kind: self._ranks(self._bag(kind).rank, BAG_CONDITIONS),
                    lambda: f"{FEATURES} features, {WORDS} words; headings are not needed.",
                )
        if step == "dense":
            note = f"{DENSE_LIMIT} of the queries."
            key = code_key("dense", engine=SEARCH_PARTS, extra=note)
            self._keep("exhaustive double-angle FFT", key, self._dense, lambda: note)
        kept = read_kept(self.args.work, self.subject)
        names = [condition.name for condition in CONDITIONS]
        return [f"{self.subject}. Recall@1 / Recall@10 in %.", "", *table(kept, names), "", *notes(kept)]

    def _keep(self, name: str, key: str, rank: Callable[[], Ranks], note: Callable[[], str]) -> None:
        if is_kept(self.args.work, name, self.subject, key):
            return
        found = [
            Outcome(name, condition, group, RetrievalScore(ranks), seconds)
            for condition, group, ranks, seconds in rank()
        ]
        keep(self.args.work, name, self.subject, note(), found, key)
        print(f"{name}: measured", flush=True)

    def _bag(self, kind: Kind) -> BagOfWords:
        return BagOfWords(kind, tile_pictures(self.places, self.tiles), self.tiles)

    def _ranks(self, rank: Callable[[Query, Condition], list[int]], names: tuple[str, ...] = ()) -> Ranks:
        """Under every condition, or those of ``names``."""
        found = []
        for condition in (item for item in self.conditions if not names or item.name in names):
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

    def _dense(self) -> Ranks:
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


def _pairs(args: argparse.Namespace, data: Path, models: list[tuple[str, Path]], step: str) -> list[str]:
    """Measure University-1652, and give the table of all methods that are kept."""
    drone, satellite = pairs.read_pairs(data)
    subject = f"University-1652 thumbnails, {len(drone)} pairs; by chance R@1 is 0.25 %, R@10 2.5 %"

    def measure(name: str, key: str, make: Callable[[], pairs.Embed]) -> None:
        if not is_kept(args.work, name, subject, key):
            keep(args.work, name, subject, "", pairs.outcomes(name, drone, satellite, make()), key)

    for name, path in models if step == "pairs" else ():
        embedder = open_embedder(with_card(name, path, args.work), "cpu")
        measure(
            name,
            code_key("pairs", extra=embedder.sha256),
            lambda embedder=embedder: pairs.embed_with(embedder),
        )
    for kind in KINDS if step == "pairs" else ():
        measure(
            bag_name(kind), code_key("pairs", "bags"), lambda kind=kind: _pair_bag(kind, drone, satellite)
        )
    kept = read_kept(args.work, subject)
    if not kept:
        return []
    return ["", f"{subject}. Recall@1 / Recall@10 in %.", "", *table(kept, pairs.HEADINGS), "", *notes(kept)]


def _pair_bag(kind: Kind, drone: list[ByteImage], satellite: list[ByteImage]) -> pairs.Embed:
    bag = BagOfWords(kind, [*drone, *satellite], TileTable.join([]))
    return lambda pictures, _: bag.embed(pictures)


if __name__ == "__main__":
    main()
