"""Delete a model or an adapter from this machine."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.jobs.context import JobContext
from rs_copilot.models.store import open_store


class ModelsRemoveParams(BaseModel):
    """``model``: id of a model, or name of an adapter; ``folder`` of models, if not the usual one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(min_length=1)
    folder: Path | None = None


class ModelsRemoveResult(BaseModel):
    """What became free. ``kept`` is a folder that was used in place, and is as it was."""

    id: str
    freed_bytes: int
    kept: str | None

    def summary(self) -> str:
        """For people."""
        kept = f"; {self.kept} was left as it is" if self.kept else ""
        return f"Removed {self.id}: {self.freed_bytes / 1e9:.2f} GB are free again{kept}."


def run(params: ModelsRemoveParams, context: JobContext) -> ModelsRemoveResult:
    """Delete files, and forget which commit was pinned."""
    context.check()
    store = open_store(params.folder)
    card = store.cards.get(params.model)
    freed = store.remove(params.model)
    return ModelsRemoveResult(
        id=params.model, freed_bytes=freed, kept=card.place if card is not None else None
    )
