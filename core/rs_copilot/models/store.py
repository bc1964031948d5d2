"""The store: models on this machine, one folder each, and whether they are whole.

::

    models/
      cards/NAME.json                a card of the user's own
      rscovlm-7b/card.json           what is here: commit, files, hashes
                 verified.json       what was hashed when (see `rs_copilot.models.files`)
                 0123456789ab/       the files of that commit
                 fetching/           a download that is not finished, with its own card
      adapters/NAME/card.json        what was tuned, and for which model
                    files/
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

import platformdirs

from rs_copilot.errors import BadInputError, MissingDependencyError, UsageError
from rs_copilot.models.adapters import AdapterCard, Tuning, read_adapter_card
from rs_copilot.models.files import Marker, check_hashes, problems, read_marker, unheard, write_json
from rs_copilot.models.vlm_cards import RESERVED, VlmCard, read_catalog, read_vlm_card

ENVIRONMENT = "RS_COPILOT_MODELS"
CARD, MARKER, FETCHING, CARDS, ADAPTERS = "card.json", "verified.json", "fetching", "cards", "adapters"
FILES = "files"
GIGABYTE = 1e9


class State(str, Enum):
    """How much of a model is here."""

    PRESENT = "present"
    PARTIAL = "partial"
    """A download was begun."""
    ABSENT = "absent"
    BROKEN = "broken"
    """Files are missing or not what they were."""


@dataclass(frozen=True)
class StoredModel:
    """A model that is whole: its card, and the folder to load it from."""

    card: VlmCard
    folder: Path


@dataclass(frozen=True)
class Store:
    """All models of this machine."""

    folder: Path

    @cached_property
    def _known(self) -> tuple[dict[str, VlmCard], list[str]]:
        """Cards by id and notes. What is here comes before the user's own cards, those before the catalog."""
        cards, notes = dict(read_catalog()), []
        for path in sorted((self.folder / CARDS).glob("*.json")):
            try:
                card = self.read_own(path)
            except (BadInputError, UsageError) as error:
                notes.append(f"{path.name} is left out: {error.message}")
                continue
            cards[card.id] = card
        for path in sorted(self.folder.glob(f"*/{CARD}")):
            try:
                card = read_vlm_card(path)
            except BadInputError as error:
                notes.append(error.message)
                continue
            if path.parent.name == card.id:
                cards[card.id] = card
            elif path.parent.name not in RESERVED:
                notes.append(f"{path} is left out: it says that it is {card.id!r}")
        return cards, notes

    def read_own(self, path: Path) -> VlmCard:
        """A card of the user's own.

        Raises:
            BadInputError: it cannot be read.
            UsageError: it takes the name of a model of the catalog.
        """
        card = read_vlm_card(path)
        if card.id in read_catalog():
            raise UsageError(f"The catalog has a model {card.id} already.", hint="Give the card another id.")
        return card.model_copy(update={"place": None})

    @property
    def cards(self) -> dict[str, VlmCard]:
        """Every model that is known here, by id."""
        return self._known[0]

    @property
    def notes(self) -> list[str]:
        """What was left out, and why."""
        return self._known[1]

    def card(self, name: str) -> VlmCard:
        """The card of that id.

        Raises:
            UsageError: there is none.
        """
        if name not in self.cards:
            raise UsageError(
                f"No model is called {name!r}; there are {', '.join(sorted(self.cards))}.",
                hint="See `rs-copilot models list`.",
            )
        return self.cards[name]

    def home(self, name: str) -> Path:
        """Where all about a model lies."""
        return self.folder / name

    def files_folder(self, card: VlmCard) -> Path:
        """Where the files of a card lie, or will."""
        if card.place is not None:
            return Path(card.place)
        return self.home(card.id) / (card.revision or card.sha256 or FILES)[:12]

    def adapter_folder(self, name: str) -> Path:
        """Where the files of an adapter lie."""
        return self.folder / ADAPTERS / name / FILES

    def is_of_catalog(self, card: VlmCard) -> bool:
        """Whether a card is one that RS Copilot brings along, pinned meanwhile or not."""
        known = read_catalog().get(card.id)
        return known is not None and known.repository == card.repository

    def free_bytes(self) -> int | None:
        """What is free on the store's disk; ``None`` where no disk of that path is there."""
        for folder in (self.folder, *self.folder.parents):
            if folder.is_dir():
                return shutil.disk_usage(folder).free
        return None

    def state(self, card: VlmCard) -> State:
        """How much of a model is here, as far as names and sizes tell."""
        home = self.home(card.id)
        if (home / CARD).is_file():
            is_wrong = problems(self.files_folder(card), card.files) or self._was_wrong(card)
            return State.BROKEN if is_wrong else State.PRESENT
        return State.PARTIAL if (home / FETCHING / CARD).is_file() else State.ABSENT

    def _was_wrong(self, card: VlmCard) -> bool:
        """Whether a file had another hash when it was last taken: then the marker leaves it out."""
        place = self.home(card.id) / MARKER
        return place.is_file() and not {file.path for file in card.files} <= read_marker(place).files.keys()

    def disk_bytes(self, card: VlmCard) -> int:
        """What a model takes of this disk, parts of a download included."""
        return bytes_of(self.home(card.id))

    def open_model(self, name: str) -> StoredModel:
        """A model that is whole and is that of its card. Hashes only what has changed since the last time.

        Raises:
            UsageError: no model has this name.
            MissingDependencyError: it is not here, or not all of it.
            BadInputError: its files are not those of its card.
        """
        card = self.card(name)
        state = self.state(card)
        if state in (State.ABSENT, State.PARTIAL):
            raise self._not_here(card, state)
        wrong = self.verify(card)
        if wrong:
            raise BadInputError(
                f"The model {card.id} is broken: {'; '.join(wrong[:3])}", hint=self._how_to_mend(card)
            )
        return StoredModel(card, self.files_folder(card))

    def verify(
        self, card: VlmCard, *, on_bytes: Callable[[int], None] = unheard, anew: bool = False
    ) -> list[str]:
        """What is wrong with a model that is here, in words; hashes are taken where needed, or all anew."""
        folder, place = self.files_folder(card), self.home(card.id) / MARKER
        wrong = problems(folder, card.files)
        if wrong:
            return wrong
        before = Marker() if anew else read_marker(place)
        wrong, marker = check_hashes(folder, card.files, before, on_bytes)
        if marker != before or anew:
            write_json(place, marker)
        return wrong

    def remove(self, name: str) -> int:
        """Delete a model, or what there is of it, and give the freed bytes; a folder used in place stays.

        Raises:
            UsageError: no model has this name, or nothing of it is here.
        """
        home = self.folder / ADAPTERS / name if name in self.adapters else self.home(self.card(name).id)
        if not home.is_dir():
            raise UsageError(f"Nothing of {name} is on this machine.")
        freed = bytes_of(home)
        shutil.rmtree(home)
        return freed

    @cached_property
    def adapters(self) -> dict[str, AdapterCard]:
        """What was tuned and added, by name; what cannot be read is left out."""
        cards = {}
        for folder in sorted((self.folder / ADAPTERS).glob("*")):
            card = read_adapter_card(folder / CARD)
            if card is not None and card.name == folder.name:
                cards[card.name] = card
        return cards

    def open_adapter(self, name: str, base: str) -> Path:
        """The folder of an adapter for a model.

        Raises:
            UsageError: no such adapter, or it belongs to another model.
            BadInputError: its files are not those that were added.
        """
        if name not in self.adapters:
            raise UsageError(
                f"No adapter is called {name!r}; there are {', '.join(self.adapters) or 'none'}."
            )
        card, folder = self.adapters[name], self.adapter_folder(name)
        if card.base != base:
            raise UsageError(f"The adapter {name} was tuned for {card.base}, not for {base}.")
        self.require_same_base(card.tuning, base)
        wrong = problems(folder, card.files) or check_hashes(folder, card.files, Marker())[0]
        if wrong:
            raise BadInputError(f"The adapter {name} is broken: {'; '.join(wrong)}", hint="Add it again.")
        return folder

    def require_same_base(self, tuning: Tuning | None, base: str) -> None:
        """Hold an adapter to the weights that it was tuned on, as far as both are known.

        Raises:
            UsageError: they are others.
        """
        here = self.card(base).sha256
        if tuning is not None and here not in (None, tuning.base_sha256):
            raise UsageError(
                f"The adapter was tuned on weights of {tuning.base} with SHA-256 "
                f"{tuning.base_sha256[:12]}…, those of {base} here have {str(here)[:12]}….",
                hint="Take the commit of the model that it was tuned on, or tune again.",
            )

    def _not_here(self, card: VlmCard, state: State) -> MissingDependencyError:
        size = f"{card.size_bytes / GIGABYTE:.1f} GB"
        if state is State.PARTIAL:
            have = self.disk_bytes(card) / GIGABYTE
            return MissingDependencyError(
                f"Only {have:.1f} GB of the model {card.id} are on this machine.",
                hint=f"Go on with `rs-copilot models fetch {card.id}`.",
            )
        return MissingDependencyError(
            f"The model {card.id} ({size}) is not on this machine.",
            hint=f"Fetch it once: `rs-copilot models fetch {card.id}`. "
            "Without a network: `rs-copilot models add FOLDER`.",
        )

    def _how_to_mend(self, card: VlmCard) -> str:
        if card.place is not None:
            return f"Put the files in {card.place} right, or add the folder again."
        return f"Fetch what is wrong again: `rs-copilot models fetch {card.id}`."


def open_store(folder: Path | None = None) -> Store:
    """The store in the folder given, in that of RS_COPILOT_MODELS, or where this system keeps such data."""
    told = os.environ.get(ENVIRONMENT)
    usual = Path(told) if told else Path(platformdirs.user_data_dir("rs-copilot", appauthor=False)) / "models"
    return Store((folder or usual).expanduser().absolute())


def bytes_of(folder: Path) -> int:
    """Bytes of all files below a folder, links apart."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
