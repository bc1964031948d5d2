"""A hub of our own, and a store that knows one model of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rs_copilot.models import hub as hub_module
from rs_copilot.models.store import Store

from .hub_server import HubServer, running_hub
from .small import save_model, write_card

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """Serves ``someone/tiny``; pieces are small and waits short."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub_module, "PIECE_BYTES", 4096)
    monkeypatch.setattr(hub_module, "PAUSES_S", (0.0, 0.01, 0.01))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as server:
        server.repositories["someone/tiny"] = (COMMIT, save_model(tmp_path / "hub"))
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server
        huggingface_hub.close_session()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store that knows the card of ``tiny``; also the one of the environment."""
    folder = tmp_path / "models"
    write_card(folder)
    monkeypatch.setenv("RS_COPILOT_MODELS", str(folder))
    return Store(folder)
