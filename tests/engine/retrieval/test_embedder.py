"""Networks are loaded with their card, and whatever does not fit is refused with the remedy."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from rs_copilot.errors import BadInputError, CancelledError, MissingDependencyError
from rs_copilot.retrieval import embedder as module
from rs_copilot.retrieval.embedder import BATCH, Branch, Embedder, open_embedder

from .standin import DIMENSIONS


@pytest.fixture
def copied(weights: Path, tmp_path: Path) -> Path:
    for suffix in (".onnx", ".json"):
        shutil.copy(weights.with_suffix(suffix), tmp_path)
    return tmp_path / weights.name


def pictures(count: int, side_px: int = 48) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, side_px, side_px, 4), dtype=np.uint8)


def test_embeddings_have_length_one_whatever_the_batch(embedder: Embedder):
    images = pictures(BATCH + 3)
    found = embedder.embed(images, Branch.UAV)
    assert found.shape == (BATCH + 3, DIMENSIONS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(found[-1:], embedder.embed(images[-1:], Branch.UAV), atol=1e-5)


def test_none_and_other_sizes(embedder: Embedder):
    assert embedder.embed(pictures(0), Branch.SATELLITE).shape == (0, DIMENSIONS)
    assert embedder.embed(pictures(2, 96), Branch.SATELLITE).shape == (2, DIMENSIONS)
    assert embedder.device == "cpu"
    assert embedder.input_px == 48


@pytest.mark.parametrize(
    "images", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 9, 4), np.uint8), np.zeros((2, 8, 8, 4))]
)
def test_pictures_of_another_shape_are_refused(embedder: Embedder, images):
    with pytest.raises(ValueError, match="expected"):
        embedder.embed(images, Branch.UAV)


def test_it_stops_between_batches(embedder: Embedder):
    def stop() -> None:
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        embedder.embed(pictures(1), Branch.UAV, stop)


def test_a_changed_file_is_refused(copied: Path):
    copied.write_bytes(copied.read_bytes() + b"\0")
    with pytest.raises(BadInputError, match="SHA-256"):
        open_embedder(copied, "cpu")


def test_a_file_without_card_is_refused(copied: Path):
    copied.with_suffix(".json").unlink()
    with pytest.raises(BadInputError, match="no card"):
        open_embedder(copied, "cpu")


def test_a_card_that_says_too_little_is_refused(copied: Path):
    copied.with_suffix(".json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(BadInputError, match="sha256, input_px"):
        open_embedder(copied, "cpu")


def test_what_is_no_network_is_refused(copied: Path):
    copied.write_bytes(b"not a network")
    card = json.loads(copied.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(b"not a network").hexdigest()
    copied.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(BadInputError, match="no ONNX network"):
        open_embedder(copied, "cpu")


def test_no_file_at_all(tmp_path: Path):
    with pytest.raises(BadInputError, match="found nothing"):
        open_embedder(tmp_path / "no.onnx")


def test_an_installation_without_weights(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(module, "DEFAULT_WEIGHTS", tmp_path / "cvaa-s.onnx")
    with pytest.raises(MissingDependencyError, match="weights"):
        open_embedder()


def test_without_onnxruntime(monkeypatch, weights: Path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match="onnxruntime"):
        open_embedder(weights)


def test_cuda_where_there_is_none(weights: Path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime knows CUDA")
    with pytest.raises(MissingDependencyError, match="CUDA"):
        open_embedder(weights, "cuda:0")
