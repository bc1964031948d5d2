"""The whole training from one command, at reduced size: it learns, resumes, adapts, and goes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rs_copilot.errors import BadInputError, CancelledError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.train import TrainParams, run
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.training.loss import contrastive_loss, correlation_loss
from rs_copilot.training.recipe import RECIPES, read_recipe

TownRaster = Callable[[int, int], Path]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, town_raster: TownRaster) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.json"
    sources = [
        {"kind": "raster", "paths": [str(town_raster(500, seed))], "licence": "made here"} for seed in (1, 2)
    ]
    model = {"widths": [8, 16, 16, 24], "depths": [1, 1, 1, 1], "grid_channels": 8, "embedding": 64}
    training = {
        "steps": 30,
        "batch_size": 24,
        "log_every": 5,
        "check_every": 15,
        "held_out_pairs": 32,
        "learning_rate": 0.004,
    }
    path.write_text(
        json.dumps(
            {
                "name": "tiny",
                "model": model,
                "training": training,
                "sources": sources,
                "held_out": [str(town_raster(500, 3))],
            }
        )
    )
    return path


def train(recipe: Path, out: Path, context: JobContext | None = None) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    run(TrainParams(out=out, recipe=str(recipe), workers=0), context or JobContext())
    return load_file(out / "state.safetensors")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, recipe: Path) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train(recipe, out)
    return out


def test_training_writes_a_network_with_its_card(trained: Path) -> None:
    embedder = open_embedder(trained / "cvaa-s.onnx")
    card = json.loads((trained / "cvaa-s.json").read_text())
    assert embedder.dimensions == 64
    assert card["recipe"]["sources"][0]["licence"] == "made here"
    assert 0.0 <= card["held_out"]["recall_1"] <= card["held_out"]["recall_10"] <= 1.0
    log = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [5, 10, 15, 20, 25, 30]
    assert log[-1]["loss"] < log[0]["loss"]


def test_a_broken_training_goes_on_to_the_same_network(trained: Path, recipe: Path, tmp_path: Path) -> None:
    def stop_halfway(progress: object) -> None:
        if "step 15" in str(getattr(progress, "message", "")):
            context.cancelled.set()

    context = JobContext(on_progress=stop_halfway)
    with pytest.raises(CancelledError):
        train(recipe, tmp_path, context)
    again = train(recipe, tmp_path)
    from safetensors.torch import load_file

    for name, value in load_file(trained / "state.safetensors").items():
        assert torch.allclose(again[name].float(), value.float(), atol=1e-4), name


def test_adapting_reports_before_and_after_and_can_be_undone(
    trained: Path, town_raster: TownRaster, tmp_path: Path
) -> None:
    layer = town_raster(900, 9)
    params = TrainParams(
        rasters=[layer], out=tmp_path, weights=trained / "cvaa-s.onnx", steps=60, pairs=256, seed=2
    )
    before = (trained / "cvaa-s.onnx").read_bytes()
    result = run(params, JobContext())
    assert result.before_recall_1 is not None and result.recall_1 is not None
    embedder = open_embedder(tmp_path / "cvaa-s.onnx")
    assert embedder.sha256 == result.sha256
    assert (trained / "cvaa-s.onnx").read_bytes() == before
    if result.kept:
        run(params.model_copy(update={"undo": True}), JobContext())
    assert open_embedder(tmp_path / "cvaa-s.onnx").sha256 == open_embedder(trained / "cvaa-s.onnx").sha256


def test_nothing_to_undo_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no earlier network"):
        run(TrainParams(out=tmp_path, undo=True), JobContext())


def test_a_layer_too_small_to_measure_on_is_refused(
    trained: Path, town_raster: TownRaster, tmp_path: Path
) -> None:
    params = TrainParams(rasters=[town_raster(400, 4)], out=tmp_path, weights=trained / "cvaa-s.onnx")
    with pytest.raises(BadInputError, match="at least"):
        run(params, JobContext())


def test_a_foreign_network_is_refused(town_raster: TownRaster, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no network")
    (tmp_path / "x.json").write_bytes((trained / "cvaa-s.json").read_bytes())
    params = TrainParams(rasters=[town_raster(900, 9)], out=tmp_path, weights=tmp_path / "x.onnx")
    with pytest.raises(BadInputError):
        run(params, JobContext())


def test_worlds_that_are_measured_on_are_never_trained_on(tmp_path: Path) -> None:
    shipped = json.loads((RECIPES / "cvaa-s.json").read_text())
    assert min(shipped["worlds"]["seeds"] + shipped["worlds"]["held_out"]) >= 1000
    shipped["worlds"]["seeds"] = [7]
    (tmp_path / "bad.json").write_text(json.dumps(shipped))
    with pytest.raises(BadInputError, match="refused"):
        run(TrainParams(out=tmp_path / "out", recipe=str(tmp_path / "bad.json")), JobContext())


def test_a_recipe_with_a_wrong_field_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"name": "x", "model": {}, "training": {}, "colour": 1}')
    with pytest.raises(BadInputError, match="recipe"):
        read_recipe(tmp_path / "bad.json")


def test_contrast_rewards_the_own_tile_and_spares_shared_ground() -> None:
    good = torch.eye(4)
    none = torch.zeros(4, 4, dtype=torch.bool)
    temperature = torch.tensor(0.1)
    shuffled = contrastive_loss(good, good[[1, 0, 2, 3]], none, temperature)
    assert float(contrastive_loss(good, good, none, temperature)) < 0.01 < float(shuffled)
    shared = none.clone()
    shared[0, 1] = shared[1, 0] = True
    same = torch.stack([good[0], good[0], good[2], good[3]])
    assert float(contrastive_loss(same, same, shared, temperature)) < 0.01


def test_correlation_knows_where_the_view_lies() -> None:
    torch.manual_seed(0)
    tile = torch.randn(1, 3, 16, 16)
    offset = torch.tensor([[3 / 16, -2 / 16]])
    view = torch.zeros_like(tile)
    view[:, :, 4:12, 4:12] = tile[:, :, 2:10, 7:15]
    right = correlation_loss(view, tile, offset, torch.tensor(50.0))
    wrong = correlation_loss(view, tile, -offset, torch.tensor(50.0))
    assert float(right) < 0.1 < float(wrong)
