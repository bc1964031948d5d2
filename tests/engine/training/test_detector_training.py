"""The small detector from one command, at reduced size: it learns, resumes, and its file says the same."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from rs_copilot.errors import BadInputError, CancelledError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.train_detector import TrainDetectorParams, run
from rs_copilot.models.cards import WeightsCard, check_hash, read_card
from rs_copilot.models.runtime import open_session
from rs_copilot.training.detector.export import write_detector
from rs_copilot.training.detector.loop import as_input
from rs_copilot.training.detector.loss import detection_loss
from rs_copilot.training.detector.network import NetworkConfig, VehicleNetwork, decoded
from rs_copilot.training.detector.recipe import open_recipe
from rs_copilot.training.detector.sampler import Ground, Sampler
from rs_copilot.training.state import read_state

NONE = np.zeros(0, dtype=bool)
TownRaster = Callable[[int, int], Path]
NETWORK = {"widths": [8, 8, 16, 16], "depths": [1, 1, 1], "neck": [16, 8], "head": 8}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, town_raster: TownRaster) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.json"
    town = town_raster(260, 5)
    training = {"steps": 12, "batch_size": 4, "side_px": 64, "log_every": 2, "check_every": 6}
    source = {
        "paths": [str(town)],
        "licence": "made here",
        "vehicles": {town.name: [[10, 10, 22, 10, 22, 16, 10, 16]]},
        "unsure": {town.name: [[40, 40, 52, 40, 52, 46, 40, 46]]},
    }
    text = {
        "name": "tiny",
        "network": NETWORK,
        "training": training | {"held_out_pictures": 4, "learning_rate": 0.01},
        "sources": [source],
        "must_not": ["anything"],
    }
    path.write_text(json.dumps(text))
    return path


def train(recipe: Path, out: Path, context: JobContext | None = None, **changes: int) -> Path:
    params = TrainDetectorParams(out=out, recipe=str(recipe), cache=out / "cache", **changes)
    return run(params, context or JobContext()).weights


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, recipe: Path) -> Path:
    return train(recipe, tmp_path_factory.mktemp("trained"))


def test_it_leaves_network_card_and_plot(trained: Path) -> None:
    log = [json.loads(line) for line in (trained.parent / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [2, 4, 6, 8, 10, 12]
    assert [line["held_out"] is not None for line in log] == [False, False, True, False, False, True]
    assert (trained.parent / "losses.png").read_bytes().startswith(b"\x89PNG")
    card = read_card(trained, WeightsCard)
    check_hash(trained, card)
    extra = card.model_extra or {}
    assert (extra["class_names"], extra["gsd_m"], extra["steps"]) == (["vehicle"], 0.25, 12)
    assert extra["must_not"] == ["anything"]
    assert extra["command"].endswith("--recipe tiny")
    assert 0.0 <= extra["min_score"] <= 1.0
    assert 0.0 <= extra["held_out"]["ap_50"] <= 1.0
    assert extra["recipe"]["sources"][0]["licence"] == "made here"


def test_it_learns_what_one_batch_shows() -> None:
    rng = np.random.default_rng(7)
    ground = Ground("plain", np.full((300, 300, 3), 110, np.uint8), 0.2, np.zeros((0, 4, 2)), NONE, 1.0)
    batch = Sampler([ground], np.ones(1), 64, 0.25, varied=False).batch(6, rng)
    torch.manual_seed(1)
    model = VehicleNetwork(config())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    boxes, asked = ([torch.from_numpy(item) for item in part] for part in (batch.boxes, batch.asked))
    losses = []
    for _ in range(40):
        loss = detection_loss(*model(as_input(batch.pictures)), boxes, asked).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(map(len, boxes)) >= 3
    assert losses[-1] < 0.5 * losses[0]


def test_a_broken_training_goes_on_to_the_same_network(trained: Path, recipe: Path, tmp_path: Path) -> None:
    def stop_halfway(progress: object) -> None:
        if "step 6" in str(getattr(progress, "message", "")):
            context.cancelled.set()

    context = JobContext(on_progress=stop_halfway)
    with pytest.raises(CancelledError):
        train(recipe, tmp_path, context)
    train(recipe, tmp_path)
    from safetensors.torch import load_file

    again = load_file(tmp_path / "state.safetensors")
    for name, value in load_file(trained.parent / "state.safetensors").items():
        assert torch.allclose(again[name].float(), value.float(), atol=1e-4), name


def test_the_file_says_what_the_network_says(trained: Path) -> None:
    model = _network(trained)
    session = open_session(trained, "cpu", 1)
    picture = np.random.default_rng(3).random((2, 3, 96, 128), dtype=np.float32)
    (found,) = session.run(None, {"image": picture})
    assert found.shape == (2, 4 + 1 + 1, 24 * 32)
    with torch.no_grad():
        logits, raw = model(torch.from_numpy(picture))
        boxes = decoded(raw)
    assert np.allclose(found[:, :4], boxes[:, :4].numpy(), atol=1e-2)
    assert np.allclose(found[:, 4], torch.sigmoid(logits).flatten(1).numpy(), atol=1e-4)
    angle = found[:, 5]
    assert (angle >= -math.pi / 4 - 1e-5).all()
    assert (angle < 3 * math.pi / 4 + 1e-5).all()
    length = np.hypot(boxes[:, 4].numpy(), boxes[:, 5].numpy())
    assert np.allclose(np.sin(2 * angle) * length, boxes[:, 4].numpy(), atol=1e-3)


def config() -> NetworkConfig:
    numbers = {name: tuple(value) if isinstance(value, list) else value for name, value in NETWORK.items()}
    return NetworkConfig(**numbers)  # type: ignore[arg-type]  # checked by the network


def _network(weights: Path) -> VehicleNetwork:
    model = VehicleNetwork(config())
    read_state(weights.parent / "state.safetensors", model, None)
    return model.eval()


def test_the_file_tells_other_programs_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    model = VehicleNetwork(NetworkConfig(classes=2))
    write_detector(model, path, class_names=("vehicle", "boat"), tile_px=640, gsd_m=0.25)
    said = {item.key: item.value for item in onnx.load(path).metadata_props}
    assert said["task"] == "obb"
    assert said["names"] == "{0: 'vehicle', 1: 'boat'}"
    assert (said["imgsz"], said["stride"], said["gsd_m"]) == ("[640, 640]", "32", "0.25")
    assert path.stat().st_size < 2_000_000


def test_the_shipped_recipe_learns_only_from_what_may_be_passed_on() -> None:
    recipe = open_recipe("vehicles-s")
    assert min(recipe.worlds.seeds + recipe.worlds.held_out) >= 1000
    assert not set(recipe.worlds.seeds) & set(recipe.worlds.held_out)
    kept_back = ("09_drift", "10_sdd", "08_kharkiv")
    assert [path for source in recipe.sources for path in source.paths if path.startswith(kept_back)] == []
    assert recipe.must_not


def test_a_recipe_that_cannot_be_used_is_refused(tmp_path: Path, recipe: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        open_recipe(str(tmp_path / "none.json"))
    text = json.loads(recipe.read_text())
    bad = tmp_path / "bad.json"
    for change, said in (
        ({"sources": []}, "neither worlds"),
        ({"worlds": {"seeds": [7]}}, "refused"),
        ({"sources": [{"paths": ["nowhere.tif"], "licence": "none"}]}, "not in the data folder"),
    ):
        bad.write_text(json.dumps(text | change))
        with pytest.raises(BadInputError, match=said):
            train(bad, tmp_path / "out")
