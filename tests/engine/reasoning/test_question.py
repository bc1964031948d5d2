"""Questions as they are read from files."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rs_copilot.reasoning.question import Mark, QuestionSet
from rs_copilot.reasoning.tasks import Dimension, SpatialTask

POINT = {"type": "Point", "coordinates": [10.0, 50.0]}


def test_tasks_come_in_four_groups_of_three() -> None:
    groups = [task.dimension for task in SpatialTask]
    assert [groups.count(dimension) for dimension in Dimension] == [3, 3, 3, 3]
    assert SpatialTask.WHEN.dimension is Dimension.LOCALIZATION


@pytest.mark.parametrize("geometry", [{}, {"type": "Point"}, {"type": "Polygon", "coordinates": []}])
def test_a_mark_needs_a_geometry(geometry: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mark(name="A", geometry=geometry)


def test_a_set_survives_json() -> None:
    item = {
        "id": "q1", "task": "temporal grounding", "kind": "timestamp", "answer": [3.0, 5.5], "unit": "s",
        "text": "When is A seen first?", "marks": [{"name": "A", "geometry": POINT}],
    }  # fmt: skip
    found = QuestionSet(clip="clip.mp4", satellite="satellite.tif", questions=(item,))  # type: ignore[arg-type]
    assert QuestionSet.model_validate_json(found.model_dump_json()) == found
    assert found.questions[0].answer == (3.0, 5.5)
    assert found.questions[0].marks[0].shape_lonlat.x == 10.0
