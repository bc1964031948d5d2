"""Whether the files of models on this machine are those of their cards, byte for byte."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.models.store import State, Store, open_store
from rs_copilot.models.vlm_cards import VlmCard


class ModelsVerifyParams(BaseModel):
    """``model``: an id; without one all that are here. ``folder`` of models, if not the usual one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str | None = None
    folder: Path | None = None


class VerifiedModel(BaseModel):
    """A model whose files are all right."""

    id: str
    revision: str | None
    path: str
    size_bytes: int


class ModelsVerifyResult(BaseModel):
    """All that was looked at, and is right."""

    models: list[VerifiedModel]

    def summary(self) -> str:
        """For people."""
        lines = [f"{model.id}: all files are those of its card" for model in self.models]
        return "\n".join(lines) or "No model is on this machine."


def run(params: ModelsVerifyParams, context: JobContext) -> ModelsVerifyResult:
    """Take every hash again.

    Raises:
        UsageError: no such model, or it is not here.
        BadInputError: files are missing, or not those of their card.
    """
    store = open_store(params.folder)
    cards = [store.card(params.model)] if params.model else _cards_here(store)
    if params.model and not _is_here(store, cards[0]):
        raise UsageError(f"The model {params.model} is not on this machine.")
    total, done = sum(card.size_bytes for card in cards), 0

    def count(piece_bytes: int) -> None:
        nonlocal done
        done += piece_bytes
        context.progress(done, total, f"Checking, {done / 1e9:.2f} of {total / 1e9:.2f} GB")

    wrong = {card.id: store.verify(card, on_bytes=count, anew=True) for card in cards}
    broken = [f"{name}: {'; '.join(found)}" for name, found in wrong.items() if found]
    if broken:
        raise BadInputError("\n".join(broken), hint="Fetch again; only what is wrong is downloaded.")
    return ModelsVerifyResult(models=[_as_result(store, card) for card in cards])


def _as_result(store: Store, card: VlmCard) -> VerifiedModel:
    path = str(store.files_folder(card))
    return VerifiedModel(id=card.id, revision=card.revision, path=path, size_bytes=card.size_bytes)


def _cards_here(store: Store) -> list[VlmCard]:
    return [card for card in store.cards.values() if _is_here(store, card)]


def _is_here(store: Store, card: VlmCard) -> bool:
    return store.state(card) in (State.PRESENT, State.BROKEN)
