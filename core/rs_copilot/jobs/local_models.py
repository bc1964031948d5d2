"""Models on this machine by the names that people give them: ids of the store, folders, cached commits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rs_copilot.learned.pretrained import PINNED, folder_of
from rs_copilot.models.adapters import read_tuning
from rs_copilot.models.store import Store
from rs_copilot.models.vlm_cards import ADAPTER_CONFIG


@dataclass(frozen=True)
class LocalModel:
    """What loading needs to know.

    ``sha256`` of the weights is ``None`` where nobody has vouched for them: a folder that is in no store.
    """

    folder: Path
    name: str
    family: str | None
    sha256: str | None
    adapter: Path | None


def find_local(store: Store, name: str, adapter: str | None = None) -> LocalModel | None:
    """The model of that id, whole and with the hashes of its card, or the one in that folder or cache.

    Args:
        store: of this machine.
        name: an id, a folder, or ``repo@revision`` in the local cache of Hugging Face.
        adapter: name of one in the store, or a folder.

    Returns:
        ``None`` where the name is neither.

    Raises:
        UsageError: no such adapter, or one of another model.
        MissingDependencyError: the model is not here, or not all of it.
        BadInputError: its files, or those of the adapter, are not those of the card.
    """
    if name in store.cards:
        found = store.open_model(name)
        card = found.card
        beside = _find_adapter(store, adapter, card.id)
        return LocalModel(found.folder, card.id, card.family, card.sha256, beside)
    folder = Path(name).expanduser()
    shown = folder.resolve().name
    if not folder.is_dir():
        if not PINNED.fullmatch(name):
            return None
        folder, shown = folder_of(name), name
    return LocalModel(folder, shown, None, None, _find_adapter(store, adapter, name))


def _find_adapter(store: Store, adapter: str | None, base: str) -> Path | None:
    if adapter is None:
        return None
    folder = Path(adapter).expanduser()
    if adapter not in store.adapters and (folder / ADAPTER_CONFIG).is_file():
        if base in store.cards:
            store.require_same_base(read_tuning(folder), base)
        return folder
    return store.open_adapter(adapter, base)
