"""The questions about real flights are well formed, and their answers follow from the ground truth."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import shapely

from benchmarks import questions
from benchmarks.rows import Kept
from rs_copilot.geo.crs import GEOD
from rs_copilot.reasoning.question import QuestionItem

ITEMS = [item for items in questions.real_questions().values() for item in items]
SOURCES = json.loads(questions.REAL.read_text(encoding="utf-8"))["sources"]
TRUTHS = {item["id"]: item["truth"] for source in SOURCES for item in source["questions"]}


def test_thirty_questions_of_all_that_can_be_checked() -> None:
    assert len(ITEMS) == len({item.id for item in ITEMS}) == 30
    assert len({item.task for item in ITEMS}) >= 7
    for item in ITEMS:
        assert item.answerable == (item.answer is not None) == (item.reason is None)
        assert item.kind.value != "choice" or str(item.answer) in item.choices


def outlines(data: Path, item: QuestionItem) -> list[tuple[shapely.Polygon, tuple[float, float]]]:
    """Outlines and centres of the frames of the ground truth that a question names, in degrees."""
    with (data / TRUTHS[item.id].partition(",")[0].partition(";")[0]).open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["center_lat"]]
    corners = [[(float(r[f"{k}_lon"]), float(r[f"{k}_lat"])) for k in ("tl", "tr", "br", "bl")] for r in rows]
    centers = [(float(row["center_lon"]), float(row["center_lat"])) for row in rows]
    return list(zip(map(shapely.Polygon, corners), centers, strict=True))


@pytest.mark.parametrize("item", [item for item in ITEMS if item.task.value == "target visibility"])
def test_what_is_seen_lies_in_a_frame(real_data: Path, item: QuestionItem) -> None:
    mark = item.marks[0].shape_lonlat
    holds = any(outline.contains(mark) for outline, _ in outlines(real_data, item))
    assert item.choices[str(item.answer)] == ("yes" if holds else "no")


@pytest.mark.parametrize("item", [item for item in ITEMS if item.kind.value == "number" and item.answerable])
def test_distances_end_at_true_centres(real_data: Path, item: QuestionItem) -> None:
    centers = [center for _, center in outlines(real_data, item)]
    starts = [item.marks[0].shape_lonlat.coords[0]] if item.marks else centers
    assert isinstance(item.answer, float)
    off = min(abs(GEOD.inv(*a, *b)[2] - item.answer) for a in starts for b in centers)
    assert off < 0.3


def test_scores_of_worlds_are_pooled_by_task() -> None:
    rows = (
        ("attitude", "zone counting", "1", "0", "0.500"),
        ("attitude", "zone counting", "0", "1", "0.000"),
        ("exact", "zone counting", "1", "0", "1.000"),
        ("exact", "zone counting", "0", "0", "0.000"),
    )
    lines = {line[0]: line[1:] for line in questions.world_lines([Kept("seed", "", "", rows)])}
    assert lines["zone counting"] == ("1", "50 %", "–", "100 %")
    assert lines["no answer where there is none: recall"] == ("1", "100 %", "–", "0 %")
