"""Bring a model to this machine: pinned, checked, going on where a broken download stood."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.jobs.context import JobContext
from rs_copilot.models.fetch import fetch, find_wanted
from rs_copilot.models.hub import open_hub
from rs_copilot.models.store import open_store
from rs_copilot.models.vlm_cards import VlmCard


class ModelsFetchParams(BaseModel):
    """``model``: an id, ``ID@COMMIT``, or the path of a card; ``folder`` of models, if not the usual one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(min_length=1)
    folder: Path | None = None


class ModelsFetchResult(BaseModel):
    """A model that is here now. ``was_pinned``: whether commit and hashes were known before this fetch."""

    id: str
    repository: str | None
    revision: str | None
    was_pinned: bool
    path: str
    size_bytes: int
    fetched_bytes: int
    licence: str
    terms: str

    def summary(self) -> str:
        """For people."""
        if not self.fetched_bytes:
            said = f"{self.id} was here already"
        else:
            said = f"Fetched {self.fetched_bytes / 1e9:.2f} GB of {self.id}"
        lines = [
            f"{said}: commit {self.revision or 'not known'}, {self.size_bytes / 1e9:.2f} GB in {self.path}"
        ]
        if not self.was_pinned and self.revision:
            lines.append(
                "No commit had been pinned before: the hub's newest was taken, and its hashes. "
                "From now on this machine holds to it."
            )
        return "\n".join([*lines, f"Licence: {self.licence}. {self.terms}".strip()])


def run(params: ModelsFetchParams, context: JobContext) -> ModelsFetchResult:
    """Fetch, and say under which terms before."""
    store = open_store(params.folder)
    card, revision = find_wanted(store, params.model)
    found = fetch(
        store, params.model, open_hub, context.progress, lambda pinned: _show_terms(pinned, context)
    )
    return ModelsFetchResult(
        id=found.card.id,
        repository=found.card.repository,
        revision=found.card.revision,
        was_pinned=card.is_pinned or revision is not None,
        path=str(found.folder),
        size_bytes=found.card.size_bytes,
        fetched_bytes=found.new_bytes,
        licence=found.card.licence.name,
        terms=found.card.licence.terms,
    )


def _show_terms(card: VlmCard, context: JobContext) -> None:
    licence = card.licence
    terms = " ".join(part for part in (f"{card.title}, {licence.name}.", licence.terms, licence.url) if part)
    if licence.is_open:
        context.progress(0, card.size_bytes, terms)
    else:
        context.warn(terms)
