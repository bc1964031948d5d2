"""How well questions of the twelve tasks of LinkS2Bench are answered: on real flights, and on demo worlds.

    python -m benchmarks.questions [--work DIR] [--data FOLDER] [--worlds SEED ...] [--markdown FILE]

Real: thirty questions written by hand (``questions-real.json``) whose answers come from the ground truth of
the sources in the folder ``--data``; flights are localised by `localize` on the raster of the place. Worlds:
their own seeds and the wordings for testing, localised and tracked by our own chain, with attitude and
without telemetry, and beside it every frame placed exactly. Each world has a folder in which finished steps
are kept, so that a run that was stopped goes on; ``--rendered`` names a folder of worlds that were made
before. ``--quick`` asks of one real source only.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.localization.cases import ATTITUDE, NONE, Case
from benchmarks.localization.report import percent
from benchmarks.localization.sources import real_cases
from benchmarks.localization.store import OUT
from benchmarks.question_worlds import Worlds, locate_and_track, make_world
from benchmarks.rows import PACKAGE, Job, Kept, key_of, measured, table
from rs_copilot.evaluation.links2bench import Given, score
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_links2bench import EvalLinks2BenchParams, read_question_set
from rs_copilot.jobs.eval_links2bench import run as ask_all
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.question import Question, QuestionItem
from rs_copilot.reasoning.scene import read_memory
from rs_copilot.reasoning.tasks import SpatialTask
from rs_copilot.types import TelemetryUse

REAL = Path(__file__).with_name("questions-real.json")
REAL_COLUMNS = ("", "asked of", "question", "truth", "answer", "worth")
COLUMNS = ("task", "questions", "own chain, attitude", "own chain, no telemetry", "every frame exact")
# No seed that anything was developed on, nor one of another benchmark.
SEEDS = tuple(range(301, 321))
# Rendering a world, localising it twice and tracking take minutes, on a busy machine an hour.
WORLD_S = 7200.0
QUICK = ("04_brighton",)
EXACT = "exact"


def real_questions() -> dict[str, list[QuestionItem]]:
    """Questions by the name of their source."""
    sources = json.loads(REAL.read_text(encoding="utf-8"))["sources"]
    return {
        source["source"]: [QuestionItem.model_validate(item) for item in source["questions"]]
        for source in sources
    }


def real_rows(data: Path, work: Path, name: str) -> list[list[str]]:
    """A line for every question of one source."""
    case = next(case for case in real_cases(data, work) if case.name == name)
    memory = read_memory(str(_scene(case, work)))
    return [_real_row(item, name, ask(_asked(item), memory, plan)) for item in real_questions()[name]]


def _asked(item: QuestionItem) -> Question:
    """What the planner hears: neither the task nor the kind of the answer."""
    return Question(text=item.text, choices=item.choices, marks=item.marks)


def _real_row(item: QuestionItem, source: str, answer: Answer) -> list[str]:
    given = Given(answer.value, answer.abstained)
    worth = score(item, given) if item.answerable else float(answer.abstained)
    said = f"none: {answer.reason}" if answer.abstained else _words(item, answer.value)
    true = f"none: {item.reason}" if item.answer is None else _words(item, item.answer)
    return [item.id, source, item.text, true, said, f"{worth:.1f}"]


def _words(item: QuestionItem, value: object) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:.1f} to {value[1]:.1f} s"
    if isinstance(value, float):
        return f"{value:.1f} {item.unit or ''}".strip()
    return item.choices.get(str(value), str(value))


def _scene(case: Case, work: Path) -> Path:
    """A scene with the frames of a real flight, made once."""
    scene = work / f"{case.name}.gpkg"
    if not scene.exists():
        use = TelemetryUse(case.uses[0])
        locate_and_track(case.clip, Path(case.satellite), scene, use, case.telemetry, tracked=False)
    return scene


def world_rows(work: Path, seed: int, worlds: Worlds, uses: tuple[str, ...]) -> list[list[str]]:
    """A line for every question of one demo world and manner of localisation."""
    questions = make_world(work, seed, worlds, uses)
    return [row for manner in (*uses, EXACT) for row in _world_rows(questions, manner)]


def _world_rows(questions: Path, manner: str) -> Iterator[list[str]]:
    out = questions.with_name(f"answers-{manner}.jsonl")
    params = EvalLinks2BenchParams(
        questions=[questions],
        scene=f"{manner}.gpkg",
        localization="oracle" if manner == EXACT else "own",
        out=out,
    )
    ask_all(params, JobContext())
    answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    for item, answer in zip(read_question_set(questions).questions, answers, strict=True):
        worth = score(item, Given(answer["given"], answer["abstained"])) if item.answerable else 0.0
        flags = str(int(item.answerable)), str(int(answer["abstained"]))
        yield [manner, item.task.value, *flags, f"{worth:.3f}"]


def world_lines(kept: Sequence[Kept]) -> list[tuple[str, ...]]:
    """Scores of all worlds by task, then overall, then of leaving questions without an answer."""
    rows = [row for one in kept for row in one.lines]
    lines = []
    for task in [item.value for item in SpatialTask]:
        mine = [row for row in rows if row[1] == task and row[2] == "1"]
        asked = sum(row[0] == EXACT for row in mine)
        lines.append((task, str(asked), *(_mean(mine, manner) for manner in (ATTITUDE, NONE, EXACT))))
    can = [row for row in rows if row[2] == "1"]
    everything = (_mean(can, manner) for manner in (ATTITUDE, NONE, EXACT))
    lines.append(("**all questions**", str(sum(row[0] == EXACT for row in can)), *everything))
    cannot = str(sum(row[0] == EXACT and row[2] == "0" for row in rows))
    silence = [_silence(rows, manner) for manner in (ATTITUDE, NONE, EXACT)]
    lines.append(("no answer where there is one: precision", cannot, *(pair[0] for pair in silence)))
    lines.append(("no answer where there is none: recall", cannot, *(pair[1] for pair in silence)))
    return lines


def _mean(rows: Sequence[Sequence[str]], manner: str) -> str:
    values = [float(row[4]) for row in rows if row[0] == manner]
    return percent(sum(values) / len(values)) if values else "–"


def _silence(rows: Sequence[Sequence[str]], manner: str) -> tuple[str, str]:
    """Precision and recall of abstaining."""
    mine = [row for row in rows if row[0] == manner]
    right = sum(row[2] == "0" and row[3] == "1" for row in mine)
    silent, cannot = sum(row[3] == "1" for row in mine), sum(row[2] == "0" for row in mine)
    return (percent(right / silent) if silent else "–", percent(right / cannot) if cannot else "–")


def real_total(kept: Sequence[Kept]) -> tuple[str, ...]:
    """The last line of the table of real questions."""
    worth = [float(row[5]) for one in kept for row in one.lines]
    return ("", "", "**all**", "", f"of {len(worth)}", f"**{sum(worth):.1f}**")


def main() -> None:
    """Measure what is missing and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "questions", help="worlds and rows are kept here")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--worlds", type=int, nargs="*", default=SEEDS, help="seeds of demo worlds")
    parser.add_argument("--rendered", type=Path, help="worlds that were made before, a folder for each seed")
    parser.add_argument("--uses", nargs="+", choices=(ATTITUDE, NONE), default=(ATTITUDE, NONE))
    parser.add_argument("--wordings", default="test", help="of the questions about demo worlds")
    parser.add_argument("--seconds", type=float, default=Worlds.seconds, help="of the clips of demo worlds")
    parser.add_argument("--fps", default=Worlds.fps)
    parser.add_argument("--size", default=Worlds.size)
    parser.add_argument("--extent-m", type=float, default=Worlds.extent_m)
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    parser.add_argument("--budget", type=float, default=math.inf, help="seconds; what is kept serves then")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    sources = real_questions() if options.data else {}
    names = [name for name in sources if not options.quick or name in QUICK]
    seeds = () if options.quick else options.worlds
    worlds = Worlds(
        options.seconds, options.fps, options.size, options.extent_m, options.wordings, options.rendered
    )
    uses = tuple(use for use in (ATTITUDE, NONE) if use in options.uses)
    jobs = [Job(name, real_rows, (options.data, options.work, name)) for name in names]
    jobs += [Job(f"seed_{seed}", world_rows, (options.work, seed, worlds, uses), WORLD_S) for seed in seeds]
    asked = [worlds.wordings, *uses, str(worlds.rendered)]
    key = key_of(Path(__file__), REAL, PACKAGE / "reasoning", PACKAGE / "simulation") + " ".join(asked)
    rows = measured(jobs, options.work / "rows", key, budget_s=options.budget)
    text = "\n".join(_tables(rows[: len(names)], rows[len(names) :]))
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


def _tables(real: Sequence[Kept], worlds: Sequence[Kept]) -> Iterator[str]:
    if real:
        total = Kept("all", "", "", (real_total(real),))
        yield from ("Thirty questions about real flights:\n", *table(REAL_COLUMNS, [*real, total]), "")
    if worlds:
        measured_all = [Kept(one.name, "", one.commit, (), one.problem, one.is_old) for one in worlds]
        pooled = Kept("all worlds", "", "", tuple(world_lines(worlds)))
        yield from (f"{sum(bool(one.lines) for one in worlds)} demo worlds:\n",)
        yield from (*table(COLUMNS, [pooled, *measured_all]), "")


if __name__ == "__main__":
    main()
