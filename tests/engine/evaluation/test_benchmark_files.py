"""Files and pictures of benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation import pictures
from rs_copilot.evaluation.records import (
    answer_of,
    class_names,
    key_of,
    lettered,
    question_of,
    read_records,
    size_of,
    true_quads,
    write_json,
)
from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import RSCOVLM
from rs_copilot.vlm.resize import PixelBudget

SQUARE = [[0, 0], [9, 0], [9, 9], [0, 9]]


def test_lists_and_lines_are_the_same_records(tmp_path: Path):
    records = [{"id": 1}, {"id": 2}]
    whole, by_line = tmp_path / "a.json", tmp_path / "a.jsonl"
    whole.write_text(json.dumps(records, indent=1))
    by_line.write_text("\n\n".join(map(json.dumps, records)))
    assert read_records(whole) == read_records(by_line) == records


@pytest.mark.parametrize("text", ["", "[]", "[1]", "3", "{", "[" * 100_000, "\ufeff"])
def test_what_holds_no_records_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError):
        read_records(path)


@pytest.mark.parametrize(
    ("record", "count", "is_single"),
    [
        ({"bbox": [0, 0, 9, 9]}, 1, True),
        ({"ground_truth": [[0, 0, 9, 9], [1, 1, 5, 5]]}, 2, False),
        ({"ground_truth": [[0, 0, 9, 9]] * 4}, 4, False),
        ({"ground_truth": [SQUARE]}, 1, False),
        ({"ground_truth": SQUARE}, 1, False),
        ({"ground_truth": [SQUARE, SQUARE, SQUARE]}, 3, False),
        ({"ground_truth": [[0, 0, 9, 0, 9, 9, 0, 9]] * 2}, 2, False),
        ({"bbox": [0, 0, 9, 0, 9, 9, 0, 9]}, 1, False),
    ],
)
def test_boxes_in_every_form(record: dict[str, Any], count: int, is_single: bool):
    quads, single = true_quads(record)
    assert (quads.shape, single) == ((count, 4, 2), is_single)
    assert quads[0].tolist() == [[0, 0], [9, 0], [9, 9], [0, 9]]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [1, 2, 3],
        "here",
        [[1, 2], [3]],
        {"x": 1},
        [1, 2, 3, float("nan")],
        [10**400, 1, 2, 3],
        [[[[1] * 4] * 2] * 2],
    ],
)
def test_what_is_no_box_is_refused(value: object):
    with pytest.raises(BadInputError):
        true_quads({"bbox": value})


def test_answers_wherever_they_stand():
    assert answer_of({"output": "a"}) == "a"
    assert answer_of({"prediction": {"message": "b", "prediction_element": None}}) == "b"
    assert answer_of({"id": "FAIR_1", "text": "c"}) == "c"
    # A question of LRS-VQA is no answer to itself.
    assert answer_of({"question_id": "FAIR_1", "text": "What is it?"}) is None
    assert answer_of({"prediction": {"message": None}}) is None


def test_questions_and_choices():
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A ship"}]
    assert question_of({"conversations": turns}) == ("What?", "A ship")
    assert question_of({"question": "How many?", "ground_truth": 3}) == ("How many?", "3")
    assert lettered(["(A) red", "B. blue", "C) Cyan", "Dark"]) == ["red", "blue", "Cyan", "Dark"]
    assert class_names(" airport, port ,field.") == ["airport", "port", "field"]
    for broken in ({}, {"question": "How many?"}, {"ground_truth": "3"}, {"conversations": [1, 2]}):
        with pytest.raises(BadInputError):
            question_of(broken)


def test_keys_and_sizes():
    assert key_of({"question_id": 7}, 3) == "7"
    assert key_of({"image_id": "a"}, 3) == "3"
    assert size_of({"resized_width": 28, "resized_height": 56}, "resized") == SizeWH(28, 56)
    for wrong in (
        {},
        {"original_width": 0, "original_height": 5},
        {"original_width": "8", "original_height": 5},
    ):
        assert size_of(wrong, "original") is None


def test_what_json_does_not_have_becomes_null(tmp_path: Path):
    write_json(tmp_path / "new" / "a.json", {"a": (float("nan"), 1.0), 2: [float("inf")]})
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"a": [None, 1.0], "2": [None]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.json"]


def test_very_large_pictures_are_read_with_fewer_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "LARGE_PX", 10_000)
    rows, cols = np.mgrid[0:200, 0:400]
    stored = np.stack([rows, cols // 2, 0 * rows], axis=-1).astype(np.uint8)
    path = tmp_path / "large.png"
    Image.fromarray(stored).save(path)
    pixels, size = pictures.read_picture(path, seen_px=2_500)
    assert size == SizeWH(400, 200)
    # Four times 2,500 pixels, in the shape of the picture.
    assert pixels.shape == (71, 141, 3)
    assert pixels[35, 70].tolist() == pytest.approx([100, 100, 0], abs=3)
    whole, _ = pictures.read_picture(path)
    assert (whole == stored).all()
    Image.fromarray(stored[..., 0]).save(path)
    assert pictures.read_picture(path, seen_px=2_500)[0].shape == (71, 141, 3)


def test_windows_of_a_file_have_its_own_pixels_where_they_fit(tmp_path: Path):
    stored = np.random.default_rng(0).integers(0, 255, (600, 900, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(stored).save(path)
    source = pictures.FileWindows(path, pictures.read_size(path))
    budget = PixelBudget(1, 448 * 448)
    part = source.read((100, 50, 400, 350), RSCOVLM, budget)
    assert (part.pixels == stored[50:350, 100:400]).all()
    assert part.shrink == 1.0
    whole = source.read((0, 0, 900, 600), RSCOVLM, budget)
    # 448 x 448 pixels in the shape of the picture, in squares of 28.
    assert whole.pixels.shape == (364, 532, 3)
    assert source.map_points(np.zeros((1, 2))) is None


def test_sizes_of_pictures_that_pillow_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert pictures.read_size(path) == SizeWH(30, 20)
    with pytest.raises(BadInputError, match="cannot read"):
        pictures.read_picture(path)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(BadInputError, match="cannot read"):
        pictures.read_size(tmp_path / "text.png")


def test_pictures_are_found_by_name_whatever_their_suffix(tmp_path: Path):
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "a.png")
    assert pictures.find_picture([tmp_path / "none", tmp_path], "a.jpg") == (tmp_path / "a.png").resolve()
    assert set(pictures.find_pictures(tmp_path)) == {"a"}
    with pytest.raises(BadInputError, match="found none"):
        pictures.find_pictures(tmp_path / "none")
