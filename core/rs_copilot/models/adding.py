"""A folder as a model of the store: for machines without a network, and for models of one's own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.models.adapters import AdapterCard, read_tuning
from rs_copilot.models.cards import sha256_of
from rs_copilot.models.fetch import put_in_place, require_space
from rs_copilot.models.files import (
    Marker,
    count_parameters,
    leaves,
    read_settings,
    require_whole,
    seen,
    wanted_weights,
    write_json,
)
from rs_copilot.models.memory_plan import shape_of
from rs_copilot.models.store import CARD, FETCHING, FILES, MARKER, State, Store
from rs_copilot.models.vlm_cards import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    COMMIT,
    CONFIG,
    ID,
    Architecture,
    FamilyName,
    Licence,
    ModelFile,
    VlmCard,
    is_adapter,
    is_data,
    read_catalog,
    read_vlm_card,
)

FAMILY_OF: dict[Architecture, FamilyName] = {"qwen2_5_vl": "qwen2.5-vl", "qwen3_vl": "qwen3-vl"}
OWN_LICENCE = Licence(
    name="not known", terms="Added from a folder: its terms are those of where it came from."
)
COPY_BYTES = 1 << 22
# Tuned models may have some more words.
SAME_SIZE = 0.05

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Wish:
    """What to add: a folder, and what it cannot say of itself.

    ``name`` is the id that it gets (of the catalog, or new); ``family`` how to speak to it; ``base`` the
    model that an adapter belongs to.
    """

    folder: Path
    name: str | None = None
    family: FamilyName | None = None
    base: str | None = None
    in_place: bool = False


def add(store: Store, wish: Wish, report: Report) -> VlmCard | AdapterCard:
    """Add a folder with a model or an adapter: copied in, or used where it is.

    A folder that another machine's store wrote is held to the card beside it; anything else is hashed as it
    is, so that later changes are noticed.

    Raises:
        UsageError: names or combinations that cannot be.
        BadInputError: no model in safetensors of a known architecture, or links that leave the folder.
        StorageError: not enough space.
        CancelledError: ``report`` stopped it; nothing was added.
    """
    folder = wish.folder.expanduser().absolute()
    if not folder.is_dir():
        raise BadInputError(f"{folder} is no folder")
    if (folder / ADAPTER_CONFIG).is_file():
        return _add_adapter(store, wish, folder, report)
    card, files_folder = _card_of(store, wish, folder)
    if store.state(card) is not State.ABSENT:
        raise UsageError(
            f"There is a model {card.id} already.",
            hint=f"`rs-copilot models remove {card.id}`, or another --id.",
        )
    names = _data_names(files_folder, is_data)
    require_whole(files_folder, names, card.architecture)
    count_parameters(files_folder, sorted(wanted_weights(files_folder)))
    _require_size(card, files_folder)
    if wish.in_place:
        return _use_in_place(store, card, files_folder, names, report)
    return _copy_in(store, card, files_folder, names, report)


def _card_of(store: Store, wish: Wish, folder: Path) -> tuple[VlmCard, Path]:
    """The card for a folder, and where its files lie: with a card of another store beside them, or bare."""
    if (folder / CARD).is_file():
        card = read_vlm_card(folder / CARD).model_copy(update={"place": None})
        if not card.is_hashed or (wish.name not in (None, card.id)):
            raise BadInputError(f"{folder / CARD} is no card of a fetched {wish.name or 'model'}")
        return card, Store(folder.parent).files_folder(card.model_copy(update={"id": folder.name}))
    name = wish.name or _as_id(folder.name)
    if name in read_catalog() and wish.family is None:
        return store.card(name).model_copy(
            update={"revision": None, "files": (), **_cached_commit(folder)}
        ), folder
    return _new_card(name, wish, folder), folder


def _new_card(name: str, wish: Wish, folder: Path) -> VlmCard:
    """A card for a model that no catalog knows, from its own settings."""
    if not re.fullmatch(ID, name) or name in read_catalog():
        raise UsageError(f"{name!r} cannot be the id of a new model.", hint="Give one: --id my-model.")
    kind = read_settings(folder / CONFIG).get("model_type")
    if kind not in FAMILY_OF:
        raise BadInputError(
            f"{folder} holds a network of the kind {kind!r}, expected {', '.join(FAMILY_OF)}",
            hint="Models of other architectures can be used through a server.",
        )
    family = wish.family or FAMILY_OF[kind]
    like = next(card for card in read_catalog().values() if card.family == family)
    return VlmCard(
        id=name,
        title=folder.name,
        licence=OWN_LICENCE,
        family=family,
        architecture=kind,
        parameters=shape_of(read_settings(folder / CONFIG)).parameters,
        min_px=like.min_px,
        max_px=like.max_px,
    )


def _require_size(card: VlmCard, folder: Path) -> None:
    """Notice the files of a smaller or larger sister.

    Raises:
        BadInputError: the files are those of another model.
    """
    found = shape_of(read_settings(folder / CONFIG)).parameters
    if abs(found / card.parameters - 1.0) > SAME_SIZE:
        raise BadInputError(
            f"{folder} holds a model of {found / 1e9:.2f} thousand million parameters, "
            f"{card.title} has {card.parameters / 1e9:.2f}",
            hint="Give the id of the right model with --id.",
        )


def _cached_commit(folder: Path) -> dict[str, str]:
    """The commit that the cache of Hugging Face names its folder after."""
    is_commit = folder.parent.name == "snapshots" and re.fullmatch(COMMIT, folder.name)
    return {"revision": folder.name} if is_commit else {}


def _as_id(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64]


def _data_names(folder: Path, is_wanted: Callable[[str], bool]) -> list[str]:
    """The files of a folder that belong to a model, hidden ones apart.

    Raises:
        BadInputError: one of them is a link that leads elsewhere.
    """
    paths = folder.iterdir() if folder.is_dir() else ()
    names = sorted(path.name for path in paths if is_wanted(path.name) and not path.name.startswith("."))
    for name in names:
        if leaves(folder, folder / name) or not (folder / name).is_file():
            raise BadInputError(
                f"{folder / name} is no file of this folder, or a link that leaves it",
                hint="Copy the files themselves there: cp -rL FOLDER COPY",
            )
    return names


def _use_in_place(store: Store, card: VlmCard, folder: Path, names: list[str], report: Report) -> VlmCard:
    counter = _Progress(sum((folder / name).stat().st_size for name in names), report)
    files = [_hashed_file(folder / name, counter) for name in names]
    _require_listed(card, files)
    done = card.model_copy(update={"files": tuple(files), "place": str(folder)})
    home = store.home(card.id)
    home.mkdir(parents=True, exist_ok=True)
    write_json(home / MARKER, _marker(folder, files))
    write_json(home / CARD, done)
    return done


def _copy_in(store: Store, card: VlmCard, folder: Path, names: list[str], report: Report) -> VlmCard:
    sizes = sum((folder / name).stat().st_size for name in names)
    require_space(store.folder, sizes)
    staging = store.home(card.id) / FETCHING / FILES
    shutil.rmtree(staging.parent, ignore_errors=True)
    staging.mkdir(parents=True)
    counter = _Progress(2 * sizes, report)
    try:
        for name in names:
            _copy(folder / name, staging / name, counter)
        files = [_hashed_file(staging / name, counter) for name in names]
        _require_listed(card, files)
        done = card.model_copy(update={"files": tuple(files)})
        put_in_place(store, done, staging)
    finally:
        shutil.rmtree(staging.parent, ignore_errors=True)
        if not (store.home(card.id) / CARD).exists():
            shutil.rmtree(store.home(card.id), ignore_errors=True)
    return done


def _add_adapter(store: Store, wish: Wish, folder: Path, report: Report) -> AdapterCard:
    names = _data_names(folder, is_adapter)
    if ADAPTER_WEIGHTS not in names:
        raise BadInputError(
            f"{folder} has no {ADAPTER_WEIGHTS}",
            hint="Save it as safetensors; pickles are never loaded.",
        )
    count_parameters(folder, [ADAPTER_WEIGHTS])
    name = wish.name or _as_id(folder.name)
    if not re.fullmatch(ID, name) or name in store.cards or name in store.adapters:
        raise UsageError(f"{name!r} cannot be the name of a new adapter.", hint="Give one: --id my-adapter.")
    base = _base_of(store, wish, folder)
    home = store.adapter_folder(name).parent
    sizes = sum((folder / part).stat().st_size for part in names)
    require_space(store.folder, sizes)
    shutil.rmtree(home, ignore_errors=True)
    target = store.adapter_folder(name)
    target.mkdir(parents=True)
    counter = _Progress(2 * sizes, report)
    try:
        for part in names:
            _copy(folder / part, target / part, counter)
        files = tuple(_hashed_file(target / part, counter) for part in names)
        card = AdapterCard(name=name, base=base, files=files, tuning=read_tuning(folder))
        write_json(home / CARD, card)
    finally:
        if not (home / CARD).exists():
            shutil.rmtree(home)
    return card


def _base_of(store: Store, wish: Wish, folder: Path) -> str:
    """The id of the model that an adapter belongs to: as told, or by what it names."""
    if wish.base is not None:
        return store.card(wish.base).id
    named = str(read_settings(folder / ADAPTER_CONFIG).get("base_model_name_or_path", ""))
    for card in store.cards.values():
        if named in (card.repository, card.id, str(store.files_folder(card))):
            return card.id
    raise UsageError(
        f"The adapter in {folder} was tuned for {named!r}, which is no model of this machine.",
        hint="Say for which one: --base ID.",
    )


class _Progress:
    """Bytes read or written, told to whoever listens."""

    def __init__(self, total: int, report: Report) -> None:
        self._done, self._total, self._report = 0, total, report

    def add(self, count: int, message: str) -> None:
        self._done += count
        self._report(self._done, self._total, message)


def _copy(source: Path, target: Path, progress: _Progress) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        while piece := reader.read(COPY_BYTES):
            writer.write(piece)
            progress.add(len(piece), f"Copying {source.name}")


def _hashed_file(path: Path, progress: _Progress) -> ModelFile:
    digest = sha256_of(path, lambda count: progress.add(count, f"Checking {path.name}"))
    return ModelFile(path=path.name, size_bytes=path.stat().st_size, sha256=digest)


def _marker(folder: Path, files: list[ModelFile]) -> Marker:
    return Marker(files={file.path: seen(folder / file.path, file.sha256 or "") for file in files})


def _require_listed(card: VlmCard, files: list[ModelFile]) -> None:
    """Hold what was found to the card that came with it.

    Raises:
        BadInputError: they differ.
    """
    if not card.files:
        return
    told = {file.path: file.sha256 for file in card.files}
    found = {file.path: file.sha256 for file in files}
    wrong = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    if wrong:
        raise BadInputError(
            f"{', '.join(wrong[:3])}: not the file that the card beside it speaks of",
            hint="Copy the model again from the machine where it was fetched.",
        )
