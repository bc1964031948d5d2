"""What a prior is worth: perfect ones help whoever follows them, ones drawn by lot do not."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from rs_copilot.errors import BadInputError
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.jobs import eval_links2bench, index, shelf
from rs_copilot.jobs.ask import AskParams, AskResult
from rs_copilot.jobs.ask import run as ask
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_priors import PriorKind
from rs_copilot.reasoning.question import Mark
from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS
from rs_copilot.types import FrameStatus, Placement
from rs_copilot.vector.build import Grid, Provenance, frames_table, runs_table
from rs_copilot.vector.store import append_layer, create_scene, write_layers
from rs_copilot.vlm.backend import Conversation
from rs_copilot.vlm.scripted import ScriptedBackend

MOMENTS_S = (0.2, 1.6, 3.0)
LETTERS = "ABCD"
SIDE_M = 70.0
TOLD = re.compile(r"P1: rank 1, .*longitude ([\d.-]+) to ([\d.-]+), latitude ([\d.-]+) to ([\d.-]+)")
KINDS = [PriorKind.NONE, PriorKind.CVAA, PriorKind.ORACLE, PriorKind.RANDOM]


@pytest.fixture(scope="module")
def world(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose clip could not be placed, with an index and questions about where it is."""
    pytest.importorskip("onnxruntime", reason="networks run on onnxruntime")
    pytest.importorskip("faiss", reason="galleries are searched with faiss")
    if not DEFAULT_WEIGHTS.is_file():
        pytest.skip("this checkout has no trained weights")
    folder = tmp_path_factory.mktemp("priors")
    for name in ("satellite.tif", "clip.mp4", "clip.srt", "truth.gpkg"):
        shutil.copy(small_world / name, folder / name)
    raster = [str(folder / "satellite.tif")]
    index.run(
        index.IndexParams(rasters=raster, out=folder / "index", scales_m=[60]), JobContext(device="cpu")
    )
    truth = pyogrio.read_dataframe(folder / "truth.gpkg", layer="frames")
    _write_scene(folder, truth)
    questions = [_question(truth, number, time_s) for number, time_s in enumerate(MOMENTS_S)]
    document = {"clip": "clip.mp4", "satellite": "satellite.tif", "questions": questions}
    (folder / "questions.json").write_text(json.dumps(document))
    return folder


def _write_scene(folder: Path, truth: gpd.GeoDataFrame) -> None:
    """A scene that says of every frame that it was not located, and what it was tried with."""
    crs = truth.crs
    grid, provenance = Grid(crs, crs), Provenance("clip.mp4", "by hand")
    times = truth["time_s"]
    placements = [
        Placement(number, float(time_s), FrameStatus.UNLOCATED, 0.0, reason="nothing fits")
        for number, time_s in enumerate(times)
    ]
    clip = folder / "clip.mp4"
    create_scene(folder / "scene.gpkg", crs)
    table = frames_table(placements, grid, provenance, clip_path=str(clip))
    write_layers(folder / "scene.gpkg", {"frames": table})
    tried = {
        "clip": str(clip), "satellite": str(folder / "satellite.tif"), "index": str(folder / "index"),
        "telemetry": None, "use_telemetry": "all",
    }  # fmt: skip
    row = runs_table("localize", tried, grid, provenance, version="0", seconds=1.0, device="cpu")
    append_layer(folder / "scene.gpkg", "runs", row)


def _question(truth: gpd.GeoDataFrame, number: int, time_s: float) -> dict[str, object]:
    """Four squares, of which one has the middle of the picture; the others lie far from it."""
    times = truth["time_s"]
    row = truth.iloc[int((times - time_s).abs().argmin())]
    right = np.array([row.geometry.x, row.geometry.y])
    bounds = np.array(truth.total_bounds)
    middle = (bounds[:2] + bounds[2:]) / 2
    around = [middle + 100.0 * np.array([np.cos(turn), np.sin(turn)]) for turn in np.arange(6) * np.pi / 3]
    wrong = sorted(around, key=lambda place: -float(np.linalg.norm(place - right)))[:3]
    places = [*wrong[:number], right, *wrong[number:]]
    marks = []
    for letter, (x, y) in zip(LETTERS, places, strict=True):
        half = SIDE_M / 2
        box = shapely.box(x - half, y - half, x + half, y + half)
        degrees = shapely.transform(box, lambda xy: to_lonlat(xy, truth.crs))
        marks.append({"name": letter, "geometry": shapely.geometry.mapping(degrees)})
    return {
        "id": f"q{number}", "text": f"Which of the marked squares does the video show at {time_s} seconds?",
        "choices": {letter: f"square {letter}" for letter in LETTERS}, "marks": marks,
        "task": "scene association", "kind": "choice", "answer": LETTERS[number],
    }  # fmt: skip


def follower(folder: Path) -> ScriptedBackend:
    """Answers with the mark that the first square lies on which it is told of; without one it cannot tell."""
    questions = eval_links2bench.read_question_set(folder / "questions.json").questions

    def answer(conversation: Conversation) -> str:
        said = conversation[-1].text
        told = TOLD.search(said)
        if told is None:
            return json.dumps({"understood": "", "cannot": "nobody says where the video lies"})
        west, east, south, north = map(float, told.groups())
        place = shapely.box(west, south, east, north).centroid
        asked = next(item for item in questions if item.text in said)
        nearest = min(asked.marks, key=lambda mark: mark.shape_lonlat.distance(place))
        steps = {"a": {"op": "named", "name": f"mark {nearest.name}"}}
        program = {"steps": steps, "answer": "a"}
        return json.dumps({"understood": "", "task": "scene association", "program": program})

    return ScriptedBackend(answer)


def scores(folder: Path, **more: object) -> dict[PriorKind, eval_links2bench.ConditionResult]:
    params = eval_links2bench.EvalLinks2BenchParams(
        questions=[folder / "questions.json"], prior=KINDS, out=folder / "given.jsonl", **more
    )
    result = eval_links2bench.run(params, JobContext(device="cpu"))
    assert (result.micro, result.questions) == (result.conditions[0].micro, len(MOMENTS_S))
    assert len(re.findall(r"(?:none|cvaa|oracle|random)\b", result.summary())) == len(KINDS)
    rows = [json.loads(line) for line in (folder / "given.jsonl").read_text().splitlines()]
    assert [row["prior"] for row in rows] == [kind.value for kind in KINDS for _ in MOMENTS_S]
    return {item.prior: item for item in result.conditions}


def test_who_follows_a_prior_is_as_right_as_it_is(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "open_backend", lambda *_: follower(world))
    found = scores(world, vlm="scripted:x")
    assert found[PriorKind.NONE].micro == 0.0 and found[PriorKind.NONE].abstained == len(MOMENTS_S)
    assert found[PriorKind.ORACLE].micro == 1.0
    assert found[PriorKind.RANDOM].micro < 1.0 and found[PriorKind.RANDOM].abstained == 0
    assert found[PriorKind.CVAA].micro > found[PriorKind.RANDOM].micro


def test_frames_without_a_place_are_answered_from_the_index(world: Path) -> None:
    """No model: the built-in planner looks them up itself."""
    found = scores(world)
    assert found[PriorKind.NONE].abstained == len(MOMENTS_S)
    assert found[PriorKind.ORACLE].micro == 1.0
    assert found[PriorKind.RANDOM].micro < found[PriorKind.ORACLE].micro


def test_ask_answers_with_the_chance_that_was_measured(world: Path) -> None:
    item = eval_links2bench.read_question_set(world / "questions.json").questions[0]
    marks = [Mark(name=mark.name, geometry=mark.geometry) for mark in item.marks]

    def asked(**more: object) -> AskResult:
        params = AskParams(
            scene=str(world / "scene.gpkg"), question=item.text, choices=item.choices, marks=marks,
            keep=False, **more,
        )  # fmt: skip
        return ask(params, JobContext(device="cpu"))

    without = asked(prior="none")
    assert without.abstained and "no frame" in str(without.reason)
    found = asked()
    assert found.value == item.answer and 0.5 < found.confidence < 1.0
    assert "not located" in found.notes[0]
    assert any(piece.time_s == MOMENTS_S[0] for piece in found.evidence)


def test_an_index_that_cannot_be_used_spoils_no_answer(world: Path, tmp_path: Path) -> None:
    item = eval_links2bench.read_question_set(world / "questions.json").questions[0]
    shutil.copy(world / "scene.gpkg", tmp_path / "scene.gpkg")
    shutil.copy(world / "clip.mp4", tmp_path / "clip.mp4")
    broken = tmp_path / "index"
    broken.mkdir()
    wanted = {
        "scene": str(tmp_path / "scene.gpkg"), "question": item.text, "marks": list(item.marks),
        "keep": False,
    }  # fmt: skip
    with pytest.raises(BadInputError, match="no index"):
        ask(AskParams(**wanted, index=broken), JobContext(device="cpu"))
    # The same by itself: what localize had is gone, and another thing has its name.
    (world / "index").rename(world / "index.away")
    try:
        context = JobContext(device="cpu")
        found = ask(AskParams(**wanted), context)
    finally:
        (world / "index.away").rename(world / "index")
    assert found.abstained and "cannot be used" in str(found.reason)
    assert any("no index" in warning for warning in found.warnings)


def test_ask_lets_the_model_look_where_the_scene_does_not_know(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model plans nothing here; the built-in planner has it look, at a frame that has no place."""

    def answer(conversation: Conversation) -> str:
        if "yes or no" in conversation[-1].text:
            return "Yes."
        return json.dumps({"understood": "", "cannot": "no operation tells colours"})

    backend = ScriptedBackend(answer)
    monkeypatch.setattr(shelf, "open_backend", lambda *_: backend)
    params = AskParams(
        scene=str(world / "scene.gpkg"), question="Is there a red truck in the frame at 0:02?", keep=False,
        vlm="scripted:x", prior="none",
    )  # fmt: skip
    found = ask(params, JobContext(device="cpu"))
    assert found.value == "yes" and found.confidence == pytest.approx(0.511)
    assert any("not computed" in note for note in found.notes)
    (shown,) = found.evidence
    assert shown.time_s == pytest.approx(2.0) and shown.box_px == (0, 0, 640, 360)
    picture = backend.heard[-1][-1].pictures[0]
    assert (picture.size.width_px, picture.size.height_px) == (640, 360)
