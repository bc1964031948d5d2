"""From the hub to an answer: a tiny model of the true class, by its id."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rs_copilot.errors import BadInputError, MissingDependencyError, UsageError
from rs_copilot.jobs.backends import BackendSpec, open_backend
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.learned import pretrained
from rs_copilot.models.memory_plan import shape_of
from rs_copilot.models.store import Store
from rs_copilot.vlm.backend import Decoding
from rs_copilot.vlm.messages import ImagePart, TextPart, user

from .conftest import COMMIT
from .hub_server import HubServer
from .small import write_card


@pytest.fixture
def true_model(hub: HubServer, store: Store, tmp_path):
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from tests.engine.learned.tiny_vlm import QWEN3, save_vlm

    folder = save_vlm(tmp_path / "true", QWEN3)
    hub.repositories["someone/tiny"] = (COMMIT, folder)
    config = json.loads((folder / "config.json").read_text())
    write_card(store.folder, parameters=shape_of(config).parameters)
    return folder


def test_a_model_that_was_fetched_answers(true_model, store: Store):
    spec = BackendSpec("tiny", precision="fp32")
    with pytest.raises(MissingDependencyError, match="not on this machine"):
        open_backend(spec, "cpu")
    run_job("models.fetch", {"model": "tiny"}, JobContext())
    backend = open_backend(spec, "cpu")
    try:
        picture = np.full((64, 96, 3), 90, np.uint8)
        reply = backend.reply([user(ImagePart(picture), TextPart("find the ship"))], Decoding(max_tokens=4))
        assert reply.usage.new_tokens > 0
        assert (backend.model, backend.family.name) == ("tiny", "qwen3-vl")
        assert backend.sha256 == pretrained.hash_of(Store(store.folder).open_model("tiny").folder, "")
    finally:
        backend.close()


def test_what_was_changed_is_not_loaded(true_model, store: Store):
    run_job("models.fetch", {"model": "tiny"}, JobContext())
    folder = Store(store.folder).open_model("tiny").folder
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(BadInputError, match="broken"):
        open_backend(BackendSpec("tiny"), "cpu")


def test_a_name_that_is_nothing(store: Store):
    with pytest.raises(UsageError, match="No model is called 'gpt'"):
        open_backend(BackendSpec("gpt"))
