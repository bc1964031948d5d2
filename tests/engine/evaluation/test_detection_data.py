"""Tables and text files of boxes, and the job that scores them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.detection_data import quads_of, read_boxes
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_detection import EvalDetectionParams, run

QUAD = "10,10,30,10,30,20,10,20"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_corners_bounds_and_sides_say_the_same(tmp_path: Path):
    head = "x1,y1,x2,y2,x3,y3,x4,y4"
    corners = read_boxes(write(tmp_path / "a.csv", f"file,class,{head}", f"p.jpg,car,{QUAD}"))
    bounds = read_boxes(write(tmp_path / "b.csv", "file,class,xmin,ymin,xmax,ymax", "p.jpg,car,10,10,30,20"))
    sides = read_boxes(write(tmp_path / "c.csv", "frame,track_id,x,y,w,h", "7,1,10,10,20,10"))
    assert list(corners) == list(bounds) == ["p.jpg"]
    assert list(sides) == ["7"]
    for boxes in (corners["p.jpg"], bounds["p.jpg"], sides["7"]):
        assert boxes.quads_px.tolist() == quads_of(np.array([[10, 10, 30, 20]])).tolist()
    assert sides["7"].names.tolist() == ["vehicle"]


def test_hidden_objects_are_difficult(tmp_path: Path):
    head = "file,class,xmin,ymin,xmax,ymax,occluded,score"
    rows = ("p.jpg,car,0,0,5,5,0,0.5", "p.jpg,car,9,9,15,15,1,0.25")
    boxes = read_boxes(write(tmp_path / "a.csv", head, *rows))["p.jpg"]
    assert boxes.difficult.tolist() == [False, True]
    assert boxes.scores.tolist() == [0.5, 0.25]


def test_dota_labels_and_results(tmp_path: Path):
    labels, results = tmp_path / "labels", tmp_path / "results"
    labels.mkdir()
    results.mkdir()
    spaced = QUAD.replace(",", " ")
    write(labels / "P0001.txt", "imagesource:GoogleEarth", "gsd:0.15", f"{spaced} small-vehicle 1")
    write(results / "Task1_small-vehicle.txt", f"P0001 0.75 {spaced}", f"P0002 0.5 {spaced}")
    truth, found = read_boxes(labels), read_boxes(results)
    assert truth["P0001"].difficult.tolist() == [True]
    assert truth["P0001"].names.tolist() == found["P0002"].names.tolist() == ["small-vehicle"]
    assert found["P0001"].scores.tolist() == [0.75]
    assert read_boxes(labels / "P0001.txt")["P0001"].quads_px.tolist() == truth["P0001"].quads_px.tolist()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "file,left\np,1", "expected file or frame"),
        ("a.txt", "1 2 3 car 0", "expected 8 numbers"),
        ("a.txt", "1 2 3 4 5 6 7 8", "no class"),
        ("a.txt", "1 2 3", "found 3"),
    ],
)
def test_what_is_no_table_of_boxes_is_refused(tmp_path: Path, name: str, text: str, said: str):
    with pytest.raises(BadInputError, match=said):
        read_boxes(write(tmp_path / name, text))


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    for path in (tmp_path, tmp_path / "no.csv", tmp_path / "no.txt"):
        with pytest.raises(BadInputError):
            read_boxes(path)


def test_the_job_scores_what_both_have(tmp_path: Path):
    head = "file,class,x1,y1,x2,y2,x3,y3,x4,y4"
    truth = write(tmp_path / "truth.csv", head, f"p.jpg,car,{QUAD}", f"q.jpg,bus,{QUAD}")
    rows = (f"p.jpg,vehicle,{QUAD},0.9", f"q.jpg,vehicle,{QUAD},0.8", f"r.jpg,vehicle,{QUAD},0.9")
    found = write(tmp_path / "found.csv", f"{head},score", *rows)
    params = EvalDetectionParams(predictions=found, truth=truth)
    named = run(params, JobContext())
    as_one = run(params.model_copy(update={"as_one": True}), JobContext())
    assert named.map_50 == 0.0
    assert (as_one.map_50, as_one.map_75, as_one.mf1) == (1.0, 1.0, 1.0)
    assert as_one.coco_map == pytest.approx(1.0)
    assert "1 pictures with detections have no truth" in as_one.warnings[0]
    assert "mAP50 1.000" in as_one.summary()
    assert run(params.model_copy(update={"as_one": True, "min_score": 0.85}), JobContext()).map_50 == 0.5
    other = write(tmp_path / "other.csv", f"{head},score", f"z.jpg,car,{QUAD},1")
    with pytest.raises(BadInputError, match="no picture"):
        run(EvalDetectionParams(predictions=other, truth=truth), JobContext())
