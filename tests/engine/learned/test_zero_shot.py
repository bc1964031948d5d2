"""Detectors for phrases of the true classes with random weights: they answer as transformers itself does."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_copilot.detection.decode import Limits
from rs_copilot.errors import BadInputError, MissingDependencyError, UsageError
from rs_copilot.learned import pretrained
from rs_copilot.learned.zero_shot import ZeroShotDetector, open_zero_shot

from .zero_shot_networks import KINDS, save_detector

PHRASES = ["White car", "bus"]
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 96, 128, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="detectors for phrases need torch")
    pytest.importorskip("transformers", reason="detectors for phrases need transformers")
    return save_detector(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def detector(folder: Path) -> ZeroShotDetector:
    return open_zero_shot(str(folder), PHRASES, device="cpu")


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="detectors for phrases need transformers")
    return save_detector(tmp_path_factory.mktemp("owlvit"), "owlvit")


@pytest.fixture
def broken(one_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(one_folder, tmp_path / "broken"))


def test_it_says_what_it_is(folder: Path, detector: ZeroShotDetector) -> None:
    assert detector.class_names == ("white car", "bus")
    assert detector.model.startswith(detector.kind)
    assert len(detector.sha256 or "") == 64
    assert detector.tile.width_px == (800 if detector.kind == "grounding-dino" else 64)


def reference(detector: ZeroShotDetector) -> list[dict[str, Any]]:
    """What transformers makes of the same pictures, all boxes with scores."""
    import torch

    pixels = detector.processor(images=list(IMAGES), return_tensors="pt")
    words = {name: values.repeat(2, 1) for name, values in detector.words.tokens.items()}
    with torch.no_grad():
        output = detector.network(**pixels, **words)
    if detector.words.spans is not None:
        # transformers takes the best of all tokens, full stops included, which are no phrase.
        spoken = sorted(place for span in detector.words.spans for place in span)
        output.logits = output.logits[..., spoken]
    sizes = torch.tensor([[96, 128]] * 2)
    found: list[dict[str, Any]] = detector.processor.post_process_object_detection(
        output, threshold=-1.0, target_sizes=sizes
    )
    return found


def test_boxes_and_scores_are_those_of_transformers(detector: ZeroShotDetector) -> None:
    everything = replace(detector, limits=Limits(np.zeros(2), 1.0))
    for found, expected in zip(everything.detect(IMAGES), reference(detector), strict=True):
        canvas = np.array([128.0, 128.0 if detector.kind == "owlv2" else 96.0] * 2)
        seen = np.clip(expected["boxes"].numpy(), 0.0, canvas)
        # What lies mostly in the padding is nothing.
        inside = (seen[:, 1] + seen[:, 3]) / 2.0 < 96.0
        boxes = np.clip(seen, 0.0, [128.0, 96.0, 128.0, 96.0])
        scores = expected["scores"].numpy()
        near = np.abs(found.bounds_px[:, None] - boxes[None]).max(axis=2)
        near += np.abs(found.scores[:, None] - scores[None])
        assert near.min(axis=1).max(initial=0.0) < 1e-2
        large = inside & ((seen[:, 2:] - seen[:, :2]) > 0.05).all(axis=1)
        assert len(found) == large.sum()
        assert (np.diff(found.scores) <= 0).all()


def test_every_phrase_counts_with_its_own_words(detector: ZeroShotDetector) -> None:
    if detector.words.spans is None:
        assert detector.words.tokens["input_ids"].shape == (2, 16)
    else:
        assert detector.words.spans == ((1, 2), (4,))


def test_a_batch_gives_what_single_pictures_give(detector: ZeroShotDetector) -> None:
    low = replace(detector, limits=Limits(np.zeros(2), 0.5))
    for together, image in zip(low.detect(IMAGES), IMAGES, strict=True):
        (alone,) = low.detect(image[None])
        np.testing.assert_allclose(together.quads_px, alone.quads_px, atol=1e-2)
        np.testing.assert_array_equal(together.labels, alone.labels)


def test_scores_may_differ_by_phrase(one_folder: Path) -> None:
    found = open_zero_shot(str(one_folder), PHRASES, min_score=0.5, per_class={"Bus": 0.7}, device="cpu")
    assert found.limits.min_scores.tolist() == [0.5, 0.7]
    for wrong in ({"per_class": {"ship": 0.5}}, {"min_score": 1.5}):
        with pytest.raises(UsageError):
            open_zero_shot(str(one_folder), PHRASES, device="cpu", **wrong)


@pytest.mark.parametrize("classes", [[], [""], ["."], ["bus", "Bus"], ["a " * 40]])
def test_phrases_that_cannot_be_looked_for_are_refused(folder: Path, classes: list[str]) -> None:
    with pytest.raises(UsageError):
        open_zero_shot(str(folder), classes, device="cpu")


def test_no_pictures_have_no_objects_and_other_arrays_are_refused(detector: ZeroShotDetector) -> None:
    assert detector.detect(IMAGES[:0]) == []
    with pytest.raises(ValueError, match="expected uint8"):
        detector.detect(IMAGES[..., :2])


def test_a_network_that_yields_no_numbers_finds_nothing(folder: Path) -> None:
    import torch

    detector = open_zero_shot(str(folder), PHRASES, min_score=0.0, device="cpu")
    with torch.no_grad():
        for values in detector.network.parameters():
            values.fill_(float("nan"))
    assert [len(found) for found in detector.detect(IMAGES)] == [0, 0]


def test_weights_that_are_missing_or_no_numbers_are_refused(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    first = next(name for name, values in weights.items() if values.is_floating_point())
    save_file(
        {**weights, first: weights[first] * float("nan")}, broken / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(BadInputError, match="no numbers"):
        open_zero_shot(str(broken), PHRASES)
    del weights[first]
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match="lacks 1 weights"):
        open_zero_shot(str(broken), PHRASES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "cannot be read|can be read"),
        ("config.json", json.dumps({"model_type": "bert"}), "kind 'bert', expected"),
        ("model.safetensors", "junk", "cannot read the network"),
        ("tokenizer.json", "junk", "prepares its inputs"),
        ("preprocessor_config.json", "junk", "prepares its inputs"),
    ],
)
def test_files_that_are_something_else_are_refused(
    broken: Path, name: str, content: str, message: str
) -> None:
    (broken / name).write_text(content)
    with pytest.raises(BadInputError, match=message):
        open_zero_shot(str(broken), PHRASES, device="cpu")


def test_pickled_weights_are_not_read(broken: Path) -> None:
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(BadInputError, match=r"no model\.safetensors"):
        open_zero_shot(str(broken), PHRASES, device="cpu")


def test_code_that_comes_with_a_network_is_not_run(broken: Path) -> None:
    (broken / "evil.py").write_text(f"open({str(broken / 'ran')!r}, 'w')\nclass Model: pass\n")
    path = broken / "config.json"
    evil = {"auto_map": {"AutoModelForZeroShotObjectDetection": "evil.Model", "AutoConfig": "evil.Model"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | evil))
    open_zero_shot(str(broken), PHRASES, device="cpu")
    assert not (broken / "ran").exists()


def test_weights_in_several_files_have_a_hash_too(broken: Path) -> None:
    whole = pretrained.hash_of(broken, "")
    (broken / "model.safetensors").rename(broken / "model-00001-of-00001.safetensors")
    with pytest.raises(BadInputError):
        pretrained.hash_of(broken, "")
    (broken / "model.safetensors.index.json").write_text("{}")
    assert pretrained.hash_of(broken, "") not in {whole, ""}


def test_the_cache_is_looked_into_and_nothing_is_downloaded(
    one_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    revision = "a" * 40
    with pytest.raises(MissingDependencyError) as caught:
        open_zero_shot(f"owner/owl@{revision}", PHRASES, device="cpu")
    assert f"hf download owner/owl --revision {revision}" in caught.value.hint
    snapshot = tmp_path / "models--owner--owl" / "snapshots" / revision
    shutil.copytree(one_folder, snapshot)
    detector = open_zero_shot(f"owner/owl@{revision}", PHRASES, device="cpu")
    assert detector.model == f"owlvit (owner/owl@{revision})"


@pytest.mark.parametrize("place", ["owner/owl", "owner/owl@main", "nowhere", "../x@" + "a" * 40])
def test_what_is_neither_folder_nor_pinned_is_refused(place: str) -> None:
    with pytest.raises((UsageError, MissingDependencyError)):
        open_zero_shot(place, PHRASES)


def test_without_transformers_the_extra_is_named(one_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError) as caught:
        open_zero_shot(str(one_folder), PHRASES)
    assert "vlm" in caught.value.hint
