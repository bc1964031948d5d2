"""A conversation with a model on this machine: loaded once, and nothing said twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_copilot.errors import MissingDependencyError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.jobs.shelf import Shelf


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    pytest.importorskip("transformers")
    from .tiny_vlm import save_vlm

    folder = tmp_path_factory.mktemp("model")
    save_vlm(folder)
    return folder


def test_a_follow_up_encodes_no_picture_again(model, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (280, 280, 3), dtype=np.uint8)).save(path)
    context = JobContext(shelf=Shelf(), device="cpu")
    first = {"source": {"kind": "image", "path": str(path)}, "task": "ask", "text": "What is in the picture?"}
    params = {"model": str(model), "max_tokens": 6, "max_px": 224 * 224}
    begun = run_job("look", {**params, "turns": [first]}, context)
    assert begun.usage["cached_tokens"] == 0
    assert begun.usage["image_tokens"] > 0
    turns = [{**first, "answer": begun.text}, {"task": "chat", "text": "And how many?"}]
    follow = run_job("look", {**params, "turns": turns}, context)
    assert follow.usage["cached_tokens"] > begun.usage["image_tokens"]
    assert follow.device == "cpu"
    assert follow.sends_to is None
    assert context.shelf is not None
    assert context.shelf.release()


def test_without_a_model_the_way_to_one_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RS_COPILOT_MODELS", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="none is here") as caught:
        run_job("look", {"turns": [{"task": "chat", "text": "Hello"}]}, JobContext())
    assert "models list" in caught.value.hint
