"""The models' window with the real engine, and a hub on this machine to fetch from."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QMessageBox
from qgis_helpers import messages_in, wait_until

from rs_copilot_plugin.presenters.models import ModelState

HUB = ROOT / "tests" / "engine" / "models" / "hub_server.py"
JOB_LIMIT_S = 120
CARD = {
    "id": "tiny",
    "title": "Tiny <b>model</b>",
    "repository": "someone/tiny",
    "licence": {"name": "Tiny Licence", "is_open": True, "terms": "Do what is right."},
    "family": "qwen3-vl",
    "architecture": "qwen3_vl",
    "parameters": 1000,
    "min_px": 4096,
    "max_px": 1 << 20,
}


SETTINGS = {
    "model_type": "qwen3_vl",
    "tie_word_embeddings": True,
    "text_config": {
        **{"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
        **{"num_key_value_heads": 2, "vocab_size": 512},
    },
    "vision_config": {
        **{"depth": 2, "hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 64, "patch_size": 16},
    },
}


def save_model(folder: Path) -> Path:
    """The files of a model, with weights of a few numbers."""
    folder.mkdir(parents=True)
    head = json.dumps({"w": {"dtype": "F32", "shape": [8], "data_offsets": [0, 32]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(32))
    (folder / "config.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Serves the tiny model; the engine's folder of models knows its card."""
    if not HUB.is_file():
        pytest.skip("the engine's tests of models are not there")
    monkeypatch.syspath_prepend(str(HUB.parent))
    import hub_server

    cards = tmp_path / "models" / "cards"
    cards.mkdir(parents=True)
    (cards / "tiny.json").write_text(json.dumps(CARD), encoding="utf-8")
    monkeypatch.setenv("RS_COPILOT_MODELS", str(tmp_path / "models"))
    with hub_server.running_hub() as server:
        server.repositories["someone/tiny"] = (
            "0123456789abcdef0123456789abcdef01234567",
            save_model(tmp_path / "hub"),
        )
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server
    sys.modules.pop("hub_server", None)


@pytest.fixture
def desk(hub, workbench):
    """The panel is in sight and knows the models."""
    desk = workbench.look
    desk.models.choose("", "auto")
    desk.dock.setUserVisible(True)
    wait_until(lambda: desk.models.listed.is_known, JOB_LIMIT_S, "the list")
    if desk.models.problem:
        pytest.skip(f"this engine has no list of models: {desk.models.problem}")
    desk.workbench = workbench
    yield desk
    workbench.settings.look_model = ""


def answer_next(button: str) -> list[str]:
    """Press a button of the next message box as soon as it is up; its text comes into the list."""
    texts: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            texts.append(box.text())
            next(item for item in box.buttons() if item.text().replace("&", "") == button).click()
        else:
            QTimer.singleShot(20, press)

    QTimer.singleShot(20, press)
    return texts


def row_of(dialog, name: str):
    rows = [dialog.table.topLevelItem(index) for index in range(dialog.table.topLevelItemCount())]
    return next(row for row in rows if row.data(0, 256) == name)


def state_of(desk, name: str) -> ModelState | None:
    model = desk.models.listed.find(name)
    return model.state if model is not None else None


def wait_for(desk, name: str, state: ModelState | None) -> None:
    wait_until(
        lambda: not desk.models.busy_with and state_of(desk, name) is state,
        JOB_LIMIT_S,
        f"{name} to be {state}",
    )


def test_a_model_is_fetched_checked_and_removed(desk, hub, tmp_path):
    assert desk.dock.offer.isVisible() and "Locating clips" in desk.dock.offer.without_label.text()
    advice = desk.models.listed.advice
    if advice is not None:
        assert advice.model.title in desk.dock.offer.advice_label.text()
        assert "licence" in desk.dock.offer.advice_label.text() and desk.dock.offer.fetch_button.isVisible()
    desk.dock.offer.models_button.click()
    dialog = desk.workbench._dialogs[-1]
    assert str(tmp_path / "models") in dialog.folder_label.text()
    wait_until(lambda: state_of(desk, "tiny") is ModelState.ABSENT, what="the list")
    dialog.table.setCurrentItem(row_of(dialog, "tiny"))
    assert dialog.fetch_button.isEnabled() and not dialog.verify_button.isEnabled()
    refused = answer_next("No")
    dialog.fetch_button.click()
    assert "Tiny Licence" in refused[0] and "Do what is right." in refused[0] and not hub.asked

    shares = []
    desk.models.progressed.connect(lambda share, _text: shares.append(share))
    answer_next("Yes")
    dialog.fetch_button.click()
    assert dialog.cancel_button.isVisible() and not dialog.fetch_button.isEnabled()
    wait_for(desk, "tiny", ModelState.PRESENT)
    assert max(shares) > 0 and not dialog.cancel_button.isVisible()
    assert any("Fetch Model finished" in text for text in messages_in(desk.workbench.iface.bar))
    assert desk.models.picker.name == "tiny" and not desk.dock.offer.isVisible()

    dialog.table.setCurrentItem(row_of(dialog, "tiny"))
    dialog.verify_button.click()
    wait_for(desk, "tiny", ModelState.PRESENT)
    assert any("Verify Model finished" in text for text in messages_in(desk.workbench.iface.bar))

    answer_next("Yes")
    dialog.remove_button.click()
    wait_for(desk, "tiny", ModelState.ABSENT)
    assert desk.models.picker.name == "" and desk.dock.offer.isVisible()


def test_a_folder_of_ones_own_is_used_where_it_lies(desk, tmp_path):
    own = save_model(tmp_path / "my own")
    dialog = desk.open_models()
    answer_next("Use Where It Lies")
    dialog.add_folder(str(own))
    wait_until(
        lambda: not desk.models.busy_with and bool(desk.models.listed.present), JOB_LIMIT_S, "the model"
    )
    (model,) = desk.models.listed.present
    assert model.is_own and model.path == str(own)
    dialog.table.setCurrentItem(row_of(dialog, model.id))
    answer_next("Yes")
    dialog.remove_button.click()
    wait_for(desk, model.id, None)
    assert (own / "model.safetensors").is_file(), "it was not ours to delete"


def test_a_fetch_that_fails_says_why(desk, hub):
    hub.repositories.clear()
    dialog = desk.open_models()
    answer_next("Yes")
    dialog.ask_to_fetch("tiny")
    wait_until(lambda: not desk.models.busy_with, JOB_LIMIT_S, "the end")
    assert messages_in(desk.workbench.iface.bar) and desk.workbench.last_notice.details
    assert state_of(desk, "tiny") in (ModelState.ABSENT, ModelState.PARTIAL)
