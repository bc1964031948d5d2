"""Make a folder of the user's own a model or an adapter of the store, without any network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rs_copilot.jobs.context import JobContext
from rs_copilot.models.adapters import AdapterCard
from rs_copilot.models.adding import Wish, add
from rs_copilot.models.store import open_store
from rs_copilot.models.vlm_cards import FamilyName


class ModelsAddParams(BaseModel):
    """What to add; ``path`` is its folder, the rest as in `rs_copilot.models.adding.Wish`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: Path
    id: str | None = None
    family: FamilyName | None = None
    base: str | None = None
    in_place: bool = False
    folder: Path | None = None


class ModelsAddResult(BaseModel):
    """What was added."""

    id: str
    kind: Literal["model", "adapter"]
    base: str | None
    revision: str | None
    path: str
    size_bytes: int

    def summary(self) -> str:
        """For people."""
        what = f"adapter {self.id} of {self.base}" if self.kind == "adapter" else f"model {self.id}"
        commit = f", commit {self.revision}" if self.revision else ""
        return f"Added the {what}: {self.size_bytes / 1e9:.2f} GB in {self.path}{commit}"


def run(params: ModelsAddParams, context: JobContext) -> ModelsAddResult:
    """Check, copy in (or use in place), hash."""
    store = open_store(params.folder)
    wish = Wish(params.path, params.id, params.family, params.base, params.in_place)
    card = add(store, wish, context.progress)
    size_bytes = sum(file.size_bytes for file in card.files)
    about: dict[str, Any]
    if isinstance(card, AdapterCard):
        about = {"id": card.name, "kind": "adapter", "base": card.base, "revision": None}
        return ModelsAddResult(**about, path=str(store.adapter_folder(card.name)), size_bytes=size_bytes)
    about = {"id": card.id, "kind": "model", "base": None, "revision": card.revision}
    return ModelsAddResult(**about, path=str(store.files_folder(card)), size_bytes=size_bytes)
