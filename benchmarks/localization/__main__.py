"""Measure every row that is missing, then write tables, plots and the errors of all queries."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.localization import maps, modalities, report, runner, sources, store, worlds
from benchmarks.localization.cases import Case

QUICK_QUERIES = 3
FOREIGN_PHOTOS = 8
SLOW = ("02_ariel",)
ALL = 1000


def cases_of(data: Path | None, work: Path) -> Iterator[Case]:
    """Every case that this machine can run, in the order of the report."""
    real = sources.real_cases(data, work) if data else []
    # Photos without truth cost as much as the others, and here they would take minutes.
    yield from (sources.with_few(case, work, ALL) if case.name in SLOW else case for case in real)
    yield from worlds.tilt_cases(work)
    yield from worlds.season_cases(work)
    yield from worlds.area_cases(work)
    yield from worlds.foreign_cases(work)
    # To find nothing anywhere takes the longest.
    yield from sources.foreign_cases([sources.with_few(case, work, FOREIGN_PHOTOS) for case in real])
    yield from modalities.photo_cases(work, real)
    yield from maps.map_cases(work, worlds.tilt_cases(work, worlds.SEEDS[:1], (0,))[0])
    for make in (maps.composite_case, maps.orthority_case):
        case = make(data, work) if data else None
        if case is not None:
            yield case


def quick_cases(data: Path | None, work: Path) -> list[Case]:
    """One small source and one flight: enough to see that everything runs."""
    real = [case for case in sources.real_cases(data, work) if case.name == "04_brighton"] if data else []
    town = worlds.tilt_cases(work, worlds.SEEDS[:1], (0,))
    return [*real, *(replace(case, methods=("double-angle",)) for case in town)]


def main() -> None:
    """Run, and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("RS_COPILOT_DATA"))
    parser.add_argument("--only", default="", help="groups or beginnings of names, separated by commas")
    parser.add_argument("--skip", default="", help="beginnings of names to leave for another run")
    parser.add_argument("--quick", action="store_true", help="a few frames, about a minute")
    parser.add_argument(
        "--budget", type=float, default=math.inf, help="seconds; what is kept serves after it"
    )
    parser.add_argument("--row-limit", type=float, default=runner.LIMIT_S, help="seconds for one row")
    parser.add_argument(
        "--methods",
        default="",
        help="measure only these, separated by commas; of the others what is kept serves",
    )
    parser.add_argument("--markdown", type=Path, help="also write the report here")
    parser.add_argument("--images", type=Path, help="folder for the plots")
    args = parser.parse_args()
    data = Path(args.data) if args.data and Path(args.data).is_dir() else None
    folder, work = store.OUT / "localization", store.OUT / "work"
    work.mkdir(parents=True, exist_ok=True)
    words = tuple(filter(None, args.only.split(",")))
    found = quick_cases(data, work) if args.quick else list(cases_of(data, work))
    chosen = [case for case in found if not words or case.group in words or case.name.startswith(words)]
    skipped = tuple(filter(None, args.skip.split(",")))
    chosen = [case for case in chosen if not (skipped and case.name.startswith(skipped))]
    limit = QUICK_QUERIES if args.quick else None
    tasks = runner.tasks_of(chosen, folder / "quick" if args.quick else folder, limit=limit)
    methods = tuple(filter(None, args.methods.split(",")))
    rows = runner.run_all(tasks, runner.Limits(args.row_limit, args.budget, methods))
    store.write_errors(store.OUT / "localization.csv", rows)
    images = []
    if args.images:
        from benchmarks.localization.plots import draw_all

        images = draw_all(rows, args.images)
    text = report.document(rows, images)
    if args.markdown:
        args.markdown.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
