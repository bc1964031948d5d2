"""Every suite for vision-language models on a small sample in its public form, against values by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_copilot import cli
from rs_copilot.errors import BadInputError, CancelledError, UsageError
from rs_copilot.evaluation.records import read_records
from rs_copilot.jobs import eval_lrs_vqa
from rs_copilot.jobs.answering import AnswerFile, read_answers
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.eval_geoxbench import EvalGeoxbenchParams, balanced, read_cases
from rs_copilot.jobs.eval_grounding import EvalGroundingParams
from rs_copilot.jobs.eval_grounding import run as run_grounding
from rs_copilot.jobs.eval_scene import EvalSceneParams
from rs_copilot.jobs.eval_scene import run as run_scene

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def evaluate(capfd: pytest.CaptureFixture[str]) -> Run:
    """``rs-copilot eval … --json`` as it prints."""

    def run(*arguments: object) -> dict[str, Any]:
        code = cli.run(["eval", *map(str, arguments), "--json"])
        out, err = capfd.readouterr()
        assert code == 0, (out, err)
        found: dict[str, Any] = json.loads(out)
        return found

    return run


def picture(path: Path, width: int = 64, height: int = 64, value: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(path)
    return path


def script(path: Path, *answers: str, **more: object) -> str:
    path.write_text(json.dumps({"answers": answers, **more}), encoding="utf-8")
    return f"scripted:{path}"


def lines(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def answers_in(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "answers.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


# ---- detection


SQUARE = "28,28,84,28,84,84,28,84 small vehicle"  # in a tile of 200 that is seen with 224: 25 to 75


@pytest.fixture
def dota(tmp_path: Path) -> Path:
    """A picture of two tiles with two small vehicles, a plane and a difficult ship, and an empty picture."""
    picture(tmp_path / "images" / "P0001.png", 350, 200)
    picture(tmp_path / "images" / "P0002.png")
    labels = tmp_path / "labels"
    labels.mkdir()
    quads = ("25 25 75 25 75 75 25 75", "175 25 225 25 225 75 175 75", "300 150 330 150 330 180 300 180")
    rows = [f"{quads[0]} small-vehicle 0", f"{quads[1]} small-vehicle 0", f"{quads[2]} plane 0"]
    rows.append("10 150 30 150 30 170 10 170 ship 1")
    (labels / "P0001.txt").write_text("gsd:0.1\n" + "\n".join(rows) + "\n")
    (labels / "P0002.txt").write_text("")
    return tmp_path


def test_detection_tile_by_tile(dota: Path, evaluate: Run):
    wrong = "28,140,56,140,56,168,28,168 small vehicle"
    model = script(
        dota / "said.json",
        f"{SQUARE}\n{wrong}\n1,2,3 ship\n5,5,9,5,9,9,5,9 spaceship",
        SQUARE,
        "There is none.",
    )
    arguments = ("rscovlm-detection", "--truth", dota / "labels", "--images", dota / "images")
    found = evaluate(*arguments, "--model", model, "--out", dota / "out", "--tile", 200, "--overlap", 50)
    scores, counts = found["scores"], found["counts"]
    # Small vehicles: right, wrong, right as they came; the plane is missed; of ships nothing is asked for.
    assert scores["ap_nc_50_constant"] == pytest.approx(((6 + 5 * 2 / 3) / 11 + 0.0) / 2)
    assert scores["mf1"] == pytest.approx((4 / 5 + 0.0) / 2)
    assert scores["micro_f1"] == pytest.approx(4 / 6)
    assert scores["ap_nc_75_constant"] == scores["ap_nc_50_constant"]
    assert 0.3 < scores["ap_nc_50"] < 0.5 < 1.0
    assert scores["ap_nc_50_std"] > 0
    assert found["groups"]["class"]["small vehicle"]["false"] == 1
    assert found["groups"]["class"]["plane"]["missed"] == 1
    assert counts["asked"] == counts["answered"] == 3
    assert (counts["empty"], counts["unreadable"], counts["skipped"], counts["unknown"]) == (1, 0, 2, 1)
    assert [item["key"] for item in answers_in(dota / "out")] == [
        "P0001__200__0___0",
        "P0001__200__150___0",
        "P0002__200__0___0",
    ]
    result = (dota / "out" / "dota" / "Task1_small-vehicle.txt").read_text().splitlines()
    assert result[0] == "P0001 1.00 25.00 25.00 75.00 25.00 75.00 75.00 25.00 75.00"
    assert (dota / "out" / "dota" / "Task1_plane.txt").read_text() == ""
    report = json.loads((dota / "out" / "report.json").read_text())
    assert report["scores"] == scores
    assert report["parameters"]["tile_px"] == 200
    # The answers as given predictions, and the results in DOTA's form, give the same again.
    given = ("--predictions", dota / "out" / "answers.jsonl")
    assert evaluate(*arguments, *given, "--out", dota / "again")["scores"] == scores
    boxes = evaluate(*arguments, "--predictions", dota / "out" / "dota", "--out", dota / "boxes")["scores"]
    assert boxes == pytest.approx(scores)


def test_max_mode_shows_tiles_as_large_as_a_model_was_trained_with(dota: Path, evaluate: Run):
    model = script(dota / "said.json", "126,126,378,126,378,378,126,378 small vehicle", "none")
    found = evaluate(
        *("rscovlm-detection", "--truth", dota / "labels", "--images", dota / "images", "--model", model),
        *("--out", dota / "out", "--tile", 200, "--overlap", 50, "--max-mode", "--classes", "small vehicle"),
    )
    assert set(found["groups"]["class"]) == {"small vehicle"}
    record = answers_in(dota / "out")[0]
    assert (record["resized_width"], record["resized_height"]) == (1008, 1008)
    assert (record["original_width"], record["original_height"]) == (200, 200)
    assert found["groups"]["class"]["small vehicle"]["found"] == 1


def test_without_labels_only_results_are_written(dota: Path, evaluate: Run):
    model = script(dota / "said.json", "56,28,112,28,112,84,56,84 plane")
    found = evaluate(
        *("rscovlm-detection", "--classes", "plane,small-vehicle", "--images", dota / "images"),
        *("--model", model, "--out", dota / "out", "--tile", 0),
    )
    assert found["scores"] == {}
    assert [item["key"] for item in answers_in(dota / "out")] == ["P0001", "P0002"]
    assert len((dota / "out" / "dota" / "Task1_plane.txt").read_text().splitlines()) == 2
    assert (dota / "out" / "dota" / "Task1_small-vehicle.txt").exists()


def test_detectors_with_scores_are_cut_where_it_suits_them_best(dota: Path, evaluate: Run):
    rows = ["P0001,small vehicle,25,25,75,75,0.9", "P0001,small vehicle,175,25,225,75,0.7"]
    rows += [f"P0001,small vehicle,{x},100,{x + 20},120,0.4" for x in range(0, 300, 30)]
    table = dota / "found.csv"
    table.write_text("\n".join(["file,class,xmin,ymin,xmax,ymax,score", *rows]) + "\n")
    arguments = ("rscovlm-detection", "--truth", dota / "labels", "--predictions", table)
    found = evaluate(*arguments, "--out", dota / "out")
    assert found["scores"]["best_min_score"] == pytest.approx(0.45)
    assert found["scores"]["mf1"] < 0.25
    cut = evaluate(*arguments, "--out", dota / "cut", "--min-score", 0.45)
    assert cut["scores"]["mf1"] == pytest.approx(0.5)


# ---- grounding


def test_grounding_one_and_several_things(tmp_path: Path, evaluate: Run):
    picture(tmp_path / "images" / "a.png", 448, 448)  # seen as it is: 16 x 28
    # Overlaps of exactly one half and just above it: only the second is right.
    single = [
        {"image_id": "a.png", "question": "the ship", "bbox": [0, 0, 100, 200], "question_id": 1},
        {"image_id": "a.jpg", "question": "the plane", "bbox": [0, 0, 100, 200], "question_id": 2},
        {"image_id": "a.png", "question": "the car", "bbox": [10, 10, 20, 20], "question_id": 3},
    ]
    square = [[10, 10], [60, 10], [60, 60], [10, 60]]
    other = [[110, 10], [160, 10], [160, 60], [110, 60]]
    common = {"image_id": "a.png", "ground_truth": [square, other]}
    several = [
        {**common, "question": "two ships", "size": "small", "question_id": 1},
        {**common, "question": "two cars", "size": "large", "question_id": 2},
    ]
    first, second = lines(tmp_path / "rsvg.jsonl", single), lines(tmp_path / "geochat.jsonl", several)
    quads = ["10,10,60,10,60,60,10,60", "110,10,160,10,160,60,110,60"]
    model = script(
        tmp_path / "said.json",
        *("0,0,100,100 ship", "0,0,100,101 plane", "no car there"),
        *(f"{quads[0]} ships\n{quads[1]} ships", f"{quads[0]} cars"),
    )
    found = evaluate(
        *("grounding", "--data", first, "--data", second, "--images", tmp_path / "images", "--model", model),
        *("--out", tmp_path / "out"),
    )
    assert found["scores"]["acc_50"] == pytest.approx(2 / 5)
    assert found["scores"]["acc_50_mean_of_benchmarks"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert found["scores"]["acc_50_repository"] == found["scores"]["acc_50"]
    assert found["groups"]["benchmark"] == pytest.approx({"rsvg": 1 / 3, "geochat": 1 / 2})
    assert found["groups"]["objects"] == {"single": pytest.approx(1 / 3), "several": 0.5}
    assert found["groups"]["size"] == {"small": 1.0, "large": 0.0}
    assert (found["counts"]["unreadable"], found["counts"]["answered"]) == (1, 5)


def test_given_answers_in_json_of_another_family(tmp_path: Path, evaluate: Run):
    """A record of RSCoVLM's evaluation: sizes beside the output, places in the resized picture."""
    sizes = {"original_width": 800, "original_height": 400, "resized_width": 400, "resized_height": 200}
    record = {"image_id": "a.png", "question": "the ship", "bbox": [100, 100, 300, 200], **sizes}
    records = [
        record
        | {"output": '<think>hm</think>```json\n[{"bbox_2d": [50, 50, 150, 100], "label": "ship"}]\n```'},
        record | {"output": "I do not know."},
    ]
    path = lines(tmp_path / "given.jsonl", records)
    arguments = ("grounding", "--predictions", path, "--family", "qwen2.5-vl", "--out", tmp_path / "out")
    found = evaluate(*arguments)
    assert found["scores"]["acc_50"] == 0.5
    assert (found["counts"]["unreadable"], found["counts"]["abstained"]) == (1, 1)
    assert found["answers"] is None
    # In thousandths the same numbers are another place.
    assert evaluate(*arguments[:4], "qwen3-vl", *arguments[5:])["scores"]["acc_50"] == 0.0


def test_answers_without_sizes_say_what_is_missing(tmp_path: Path):
    record = {"image_id": "a.png", "question": "the ship", "bbox": [1, 1, 9, 9], "output": "1,1,9,9 ship"}
    path = lines(tmp_path / "given.jsonl", [record])
    with pytest.raises(BadInputError, match="lacks the sizes"):
        run_grounding(EvalGroundingParams(out=tmp_path / "out", predictions=path), JobContext())


# ---- scenes and questions


def test_scenes_from_folders_of_classes(tmp_path: Path, evaluate: Run):
    for name in ("Airport", "DenseResidential"):
        for number in range(2):
            picture(tmp_path / "AID" / name / f"{number}.png")
    model = script(tmp_path / "said.json", "airport.", "port", "an airport", "DenseResidential")
    found = evaluate("scene", "--data", tmp_path / "AID", "--model", model, "--out", tmp_path / "out")
    assert found["scores"]["accuracy"] == 0.5
    assert found["scores"]["contains_truth"] == 0.5
    # "port" is part of "airport": the lenient rule takes it for right.
    assert found["scores"]["contains_either_way"] == 0.75
    assert found["groups"]["class"] == {"Airport": 0.5, "DenseResidential": 0.5}
    heard = answers_in(tmp_path / "out")[0]
    assert heard["ground_truth"] == "Airport"


def test_an_empty_answer_is_wrong_though_published_code_lets_it_pass(tmp_path: Path, evaluate: Run):
    """Records in the form of VHM's suites."""
    picture(tmp_path / "datasets" / "AID" / "a.png")
    turns = [{"from": "human", "value": "Which class? airport, port."}, {"from": "gpt", "value": "airport"}]
    data = tmp_path / "datasets" / "cls_AID.json"
    data.write_text(json.dumps([{"image": "a.png", "image_path": "AID", "conversations": turns}]))
    model = script(tmp_path / "said.json", "")
    found = evaluate("scene", "--data", data, "--model", model, "--out", tmp_path / "out")
    assert found["scores"]["accuracy"] == 0.0
    assert found["scores"]["contains_either_way"] == 1.0
    assert found["counts"]["empty"] == found["counts"]["unreadable"] == 1


def test_questions_of_every_kind(tmp_path: Path, evaluate: Run):
    picture(tmp_path / "a.png")
    data = [
        {"question": "Is there water?", "ground_truth": "yes", "type": "presence"},
        {"question": "Is there a road?", "ground_truth": "no", "type": "presence"},
        {"question": "How many cars?", "ground_truth": "10", "type": "count"},
        {"question": "How many ships?", "ground_truth": "four", "type": "count"},
        {
            "Text": "Which colour?",
            "Ground truth": "B",
            "Answer choices": ["(A) red", "(B) blue"],
            "Category": "color",
        },
        {"question": "What is it?", "ground_truth": "Rural", "type": "scene"},
        {"question": "Which one?", "ground_truth": "blue", "choices": ["red", "Blue"]},
    ]
    path = lines(tmp_path / "lrben.jsonl", [{"image_id": "a.png", **record} for record in data])
    model = script(
        tmp_path / "said.json",
        *(
            "Yes",
            "yes or no",
            "There are 8.",
            "4",
            "Blue, so the answer is B",
            "It cannot be determined",
            "(B)",
        ),
    )
    found = evaluate("vqa", "--data", path, "--model", model, "--out", tmp_path / "out")
    assert found["scores"]["accuracy"] == pytest.approx(4 / 7)
    assert found["groups"]["kind"] == {"yes-no": 0.5, "count": 0.5, "letter": 1.0, "text": 0.0}
    assert found["groups"]["category"]["color"] == 1.0
    # Off by 2 of 10 and by nothing.
    assert found["scores"]["count_mae"] == 1.0
    assert found["scores"]["count_mape_percent"] == pytest.approx(10.0)
    # The first capital of A to E is the B of "Blue".
    assert found["scores"]["letter_repository"] == found["scores"]["letter_contained_repository"] == 1.0
    assert (found["counts"]["unreadable"], found["counts"]["abstained"]) == (1, 1)


def test_lrs_vqa_means_over_categories_and_sources(
    tmp_path: Path, evaluate: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(eval_lrs_vqa, "open_synonyms", lambda: None)
    picture(tmp_path / "a.png")
    said = [
        ("FAIR_1", "count", "3", "3"),
        ("FAIR_2", "count", "3", "three"),
        ("FAIR_3", "object color", "white", "White."),
        ("STAR_1", "reasoning", "north", "south"),
        ("GLH_1", "rural or urban", "rural", "It is rural"),
        ("GLH_2", "object shape", "round", "round"),
    ]
    records = [
        {"question_id": key, "image": "a.png", "text": "What?", "category": category, "ground_truth": truth}
        for key, category, truth, _ in said
    ]
    model = script(tmp_path / "said.json", *(answer for *_, answer in said))
    data = lines(tmp_path / "LRS_VQA.jsonl", records)
    found = evaluate("lrs-vqa", "--data", data, "--model", model, "--out", tmp_path / "out")
    scores = found["scores"]
    # Numbers must match as text. FAIR: (1/2 + 1) / 2; STAR: 0; GLH: (0 + 1) / 2.
    assert (scores["aa_FAIR"], scores["aa_STAR"], scores["aa_GLH"]) == (0.75, 0.0, 0.5)
    assert scores["aa"] == pytest.approx((0.75 + 0.0 + 0.5) / 3)
    assert scores["accuracy"] == 0.5
    assert found["groups"]["source/category"]["FAIR/count"] == 0.5
    # The results of the benchmark's own code: the answer stands in text.
    own = [
        {"id": key, "category": category, "ground_truth": truth, "text": answer}
        for key, category, truth, answer in said
    ]
    given = ("--predictions", lines(tmp_path / "theirs.jsonl", own))
    again = evaluate("lrs-vqa", "--data", data, *given, "--out", tmp_path / "again")
    assert again["scores"] == scores
    assert "WordNet is not on this machine" in again["warnings"][0]
    # With synonyms more is right.
    monkeypatch.setattr(eval_lrs_vqa, "open_synonyms", lambda: lambda said, truth: said == "three")
    known = evaluate("lrs-vqa", "--data", data, *given, "--out", tmp_path / "known")
    assert known["scores"]["aa_FAIR"] == 1.0
    assert known["warnings"] == []


def test_a_model_looks_closer_at_the_file_itself(tmp_path: Path, evaluate: Run):
    """The overview is shrunk; what the model calls for is cut from the picture in full detail."""
    picture(tmp_path / "a.png", 1400, 700)
    call = '<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [300, 100, 500, 250]}}\n</tool_call>'
    model = script(tmp_path / "said.json", call, "round", "5")
    record = {"image": "a.png", "text": "Which shape?", "ground_truth": "round"}
    records = [
        {**record, "question_id": "FAIR_1", "category": "object shape"},
        {**record, "question_id": "FAIR_2", "category": "count", "ground_truth": "5"},
    ]
    data = lines(tmp_path / "LRS_VQA.jsonl", records)
    found = evaluate(
        *("vqa", "--data", data, "--model", model, "--out", tmp_path / "out"),
        *("--zooms", 1, "--max-px", 245_000),
    )
    assert found["scores"]["accuracy"] == 1.0
    assert found["counts"]["zoomed"] == 1
    first, second = answers_in(tmp_path / "out")
    # The part is 600 to 1,000 in x and 208 to 521 in y, and is shown with 15 % on every side.
    assert (first["resized_width"], first["resized_height"]) == (700, 336)
    x1, y1, x2, y2 = first["zooms"][0]
    assert (x1, x2, y1, y2) == pytest.approx((540, 1060, 161, 568), abs=2)
    assert "zooms" not in second


# ---- GeoX-Bench


def geox_record(number: int, heading: str, *, inside: bool) -> dict[str, Any]:
    ground = {"file_path": "street.png", "fov": 90, "orientation": heading, "degree": 0.0, "in_range": inside}
    aerial = {"AerialImage": {"file_path": "map.png", "zoom_level": 18, "centered": True}}
    candidates = [{**aerial, "is_original": k == number % 4} for k in range(4)]
    return {"image_id": str(number), "GroundImage": ground, **aerial, "AerialCandidates": candidates}


@pytest.fixture
def geox(tmp_path: Path) -> Path:
    picture(tmp_path / "map.png", 60, 60)
    picture(tmp_path / "street.png", 40, 30)
    records = [geox_record(k, "NESW"[k % 4], inside=k % 2 == 0) for k in range(8)]
    (tmp_path / "CVUSA.json").write_text(json.dumps(records))
    return tmp_path


def test_geoxbench_with_a_model_that_always_says_the_same(geox: Path, evaluate: Run):
    model = script(geox / "said.json", '{"explanation": "", "direction": "N", "is_in_range": true}')
    indices = ("--index", f"pose={geox / 'CVUSA.json'}", "--index", f"location_task={geox / 'CVUSA.json'}")
    found = evaluate("geoxbench", *indices, "--images", geox, "--model", model, "--out", geox / "out")
    pose, membership = found["groups"]["pose"], found["groups"]["membership"]
    assert (pose["accuracy"], pose["h_norm"], pose["p_mode"], pose["mode"]) == (0.25, 0.0, 1.0, "N")
    assert pose["d_kl"] == pytest.approx(np.log(4))
    assert pose["mode_baseline_acc"] == pose["acc_given_mode"] == pose["chance"] == 0.25
    assert (membership["accuracy"], membership["tpr"], membership["tnr"]) == (0.5, 1.0, 0.0)
    result = json.loads((geox / "out/results/orin_task/scripted-CVUSA.json").read_text())
    assert result[0]["prediction"]["prediction_element"] == "N"
    # Files of results are read back and score the same.
    path = geox / "out/results/orin_task/scripted-CVUSA.json"
    again = evaluate("geoxbench", "--results", f"pose={path}", "--out", geox / "again")
    assert again["groups"]["pose"]["accuracy"] == 0.25


def test_nine_crops_and_their_agreement(geox: Path, evaluate: Run):
    records = json.loads((geox / "CVUSA.json").read_text())[:1]
    (geox / "one.json").write_text(json.dumps(records))
    answers = [f'{{"location": "{place}"}}' for place in ("center", "left", "left", "top", "bottom")]
    answers += ['{"location": "Top Left"}', '{"location": "top_right"}', '{"location": "nowhere"}', "?"]
    model = script(geox / "said.json", *answers)
    index = f"intra-map={geox / 'one.json'}"
    found = evaluate("geoxbench", "--index", index, "--model", model, "--out", geox / "out")
    report = found["groups"]["intra-map"]
    assert report["accuracy"] == report["agreement"]["share"] == pytest.approx(6 / 9)
    # As the repository reads them, corners never match their names.
    assert report["accuracy_repository"] == pytest.approx(5 / 9)
    assert report["unread"] == found["counts"]["unreadable"] == 2
    assert [item["placement"] for item in answers_in(geox / "out")][:2] == ["center", "left"]


def test_headings_must_not_change_with_the_crop(geox: Path, evaluate: Run):
    records = json.loads((geox / "CVUSA.json").read_text())[:1]
    (geox / "one.json").write_text(json.dumps(records))
    answers = [f'{{"direction": "{heading}"}}' for heading in "NNNNNNEES"]
    model = script(geox / "said.json", *answers)
    index = f"orin_task_random={geox / 'one.json'}"
    found = evaluate("geoxbench", "--index", index, "--images", geox, "--model", model, "--out", geox / "out")
    assert found["groups"]["pose-random"]["agreement"] == {
        "records": 1,
        "share": pytest.approx(6 / 9),
        "whole": 0.0,
    }


def test_samples_are_balanced_and_always_the_same(geox: Path):
    entry = f"pose={geox / 'CVUSA.json'}"
    cases = read_cases(entry, 4)
    assert sorted(case.truth for case in cases) == ["E", "N", "S", "W"]
    assert [case.key for case in read_cases(entry, 4)] == [case.key for case in cases]
    assert len(read_cases(f"cross-map-random={geox / 'CVUSA.json'}", 2)) == 18
    assert len(balanced([[case] for case in read_cases(entry, None)], 6)) == 6


# ---- the command, going on, stopping, and what cannot work


@pytest.mark.parametrize("suite", ["rscovlm-detection", "grounding", "scene", "vqa", "lrs-vqa", "geoxbench"])
def test_every_suite_explains_itself_with_an_example(suite: str, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["eval", suite, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: rs-copilot eval {suite}" in text
    assert all(option in text for option in ("--out", "--model", "--json", "--device"))


def test_a_killed_run_goes_on(tmp_path: Path):
    """Killed with SIGKILL after the first answers; what was cut off of the last line does no harm."""
    for number in range(6):
        picture(tmp_path / "scenes" / "Airport" / f"{number}.png")
    slow = script(tmp_path / "said.json", "airport", pause_s=0.25)
    out = tmp_path / "out"
    arguments = ["eval", "scene", "--data", tmp_path / "scenes", "--model", slow, "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-m", "rs_copilot.cli", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (out / "answers.jsonl").exists() and (out / "answers.jsonl").read_bytes().count(b"\n") >= 2:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = (out / "answers.jsonl").read_bytes()
    done = kept.count(b"\n")
    assert 2 <= done < 6
    (out / "answers.jsonl").write_bytes(kept + b'{"key": "scenes/Airport/5.p')
    steps: list[Progress] = []
    params = EvalSceneParams(data=(tmp_path / "scenes",), model=slow, out=out)
    result = run_scene(params, JobContext(on_progress=steps.append))
    assert result.scores["accuracy"] == 1.0
    assert sum(step.message.startswith("Asking") for step in steps) == 6 - done
    assert (out / "answers.jsonl").read_bytes().startswith(kept)
    # Nothing is asked a third time, and everything for another model.
    steps.clear()
    run_scene(params, JobContext(on_progress=steps.append))
    assert not any(step.message.startswith("Asking") for step in steps)
    other = script(tmp_path / "other.json", "harbor")
    assert run_scene(params.model_copy(update={"model": other}), JobContext()).scores["accuracy"] == 0.0


def test_a_stopped_run_keeps_its_answers(tmp_path: Path):
    for number in range(4):
        picture(tmp_path / "scenes" / "Airport" / f"{number}.png")
    model = script(tmp_path / "said.json", "airport")
    context = JobContext()

    def stop_after_two(step: Progress) -> None:
        if step.done == 2:
            context.cancelled.set()

    context.on_progress = stop_after_two
    params = EvalSceneParams(data=(tmp_path / "scenes",), model=model, out=tmp_path / "out", batch=3)
    with pytest.raises(CancelledError):
        run_scene(params, context)
    assert len(answers_in(tmp_path / "out")) == 2
    assert run_scene(params, JobContext()).counts.answered == 4


def test_missing_answers_count_as_wrong(tmp_path: Path):
    data = [
        {"question_id": k, "image_id": "a.png", "ground_truth": "port", "classes": "port, field."}
        for k in (1, 2)
    ]
    given = lines(tmp_path / "given.jsonl", [{"question_id": 1, "output": "Port"}])
    params = EvalSceneParams(
        data=(lines(tmp_path / "scene.jsonl", data),), predictions=given, out=tmp_path / "out"
    )
    result = run_scene(params, JobContext())
    assert (result.counts.asked, result.counts.answered, result.scores["accuracy"]) == (2, 1, 0.5)


@given(st.lists(st.text(st.characters()), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_any_answer_is_kept_as_it_was_said(said: list[str]):
    """Whatever counts as the end of a line somewhere, and halves of signs that no encoding has."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        with closing(AnswerFile(path)) as file:
            for number, text in enumerate(said):
                file.add({"key": str(number), "output": text, "stamp": "s"})
        found = read_answers(path, {str(number): "s" for number in range(len(said))})
        assert [found[str(number)]["output"] for number in range(len(said))] == said
        assert [item["output"] for item in read_records(path)] == said


def test_an_answer_counts_only_for_the_words_it_was_given_to(tmp_path: Path):
    picture(tmp_path / "scenes" / "Airport" / "a.png")
    model = script(tmp_path / "said.json", "airport")
    params = EvalSceneParams(data=(tmp_path / "scenes",), model=model, out=tmp_path / "out")
    for changes in (
        {},
        {"classes": ("airport", "port")},
        {"max_tokens": 9},
        {"precision": "fp32"},
        {"max_px": 99999},
    ):
        run_scene(params.model_copy(update=changes), JobContext())
    stamps = [item["stamp"] for item in answers_in(tmp_path / "out")]
    assert len(set(stamps)) == len(stamps) == 5


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({}, BadInputError, "nothing to ask"),
        ({"model": "scripted:a.json"}, BadInputError, "nothing to ask"),
        ({"data": ("scene.jsonl",)}, UsageError, "either a model"),
        ({"predictions": "given.jsonl", "model": "scripted:a.json"}, UsageError, "either a model"),
        ({"predictions": "given.jsonl", "family": "parrot"}, UsageError, "No family"),
        ({"predictions": "none.jsonl"}, BadInputError, "no record"),
        ({"predictions": "broken.jsonl"}, BadInputError, "neither a JSON list"),
        ({"predictions": "no-such.jsonl"}, BadInputError, "cannot read"),
        ({"data": ("scene.jsonl",), "predictions": "others.jsonl"}, BadInputError, "belong to none"),
        (
            {"data": ("scene.jsonl",), "model": "scripted:a.json"},
            BadInputError,
            r"the picture \.\./a.png is not",
        ),
        ({"data": ("empty",), "model": "scripted:a.json"}, BadInputError, "folders of pictures"),
    ],
)
def test_what_cannot_work_says_why(
    tmp_path: Path,
    changes: dict[str, Any],
    error: type[Exception],
    match: str,
    monkeypatch: pytest.MonkeyPatch,
):
    folder = tmp_path / "in"
    (folder / "empty").mkdir(parents=True)
    monkeypatch.chdir(folder)
    picture(tmp_path / "a.png")
    picture(folder / "a.png")
    script(folder / "a.json", "port")
    record = {"question_id": 1, "image_id": "a.png", "ground_truth": "port"}
    lines(folder / "scene.jsonl", [{**record, "image_id": "../a.png"}])
    lines(folder / "given.jsonl", [{**record, "output": "port"}])
    lines(folder / "others.jsonl", [{"question_id": 77, "output": "port"}])
    lines(folder / "none.jsonl", [{"question_id": 1}])
    (folder / "broken.jsonl").write_text("{")
    with pytest.raises(error, match=match):
        run_scene(EvalSceneParams.model_validate({"out": tmp_path / "out", **changes}), JobContext())


def test_nothing_to_ask(tmp_path: Path):
    from rs_copilot.jobs.eval_geoxbench import run

    with pytest.raises(BadInputError, match="nothing to ask"):
        run(EvalGeoxbenchParams(out=tmp_path, model="scripted:a.json"), JobContext())
    with pytest.raises(BadInputError, match="TASK=FILE"):
        read_cases("pose", None)
