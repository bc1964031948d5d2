"""Fetching a model: pinned first, then file by file, checked, and put in place in one step."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rs_copilot.errors import BadInputError, StorageError, UsageError
from rs_copilot.models.cards import sha256_of
from rs_copilot.models.files import Marker, git_sha1_of, hashed, require_whole, seen, write_json
from rs_copilot.models.hub import Hub
from rs_copilot.models.store import CARD, CARDS, FETCHING, FILES, MARKER, State, Store
from rs_copilot.models.vlm_cards import COMMIT, ModelFile, VlmCard, read_vlm_card

PART = ".part"
SPARE_BYTES = 64 << 20
LOCKS, LOCK_S = ".locks", 1.0

Report = Callable[[int, int, str], None]
"""Hears bytes done, bytes in all, and what happens; raises to stop."""


@dataclass(frozen=True)
class Fetched:
    """A model that is here now; ``new_bytes`` of it came through the network."""

    card: VlmCard
    folder: Path
    new_bytes: int


def find_wanted(store: Store, name: str) -> tuple[VlmCard, str | None]:
    """What ``ID``, ``ID@COMMIT`` or the path of a card means: the card, and the commit that was asked for.

    Raises:
        UsageError: no model has this name, or the commit is not written in full.
        BadInputError: the file is no card.
    """
    if name.endswith(".json"):
        return store.read_own(Path(name)), None
    model, _, revision = name.partition("@")
    if "@" in name and not re.fullmatch(COMMIT, revision):
        raise UsageError(f"Expected a commit with all its 40 digits, found {revision!r}.")
    return store.card(model), revision or None


def fetch(
    store: Store, name: str, hub: Callable[[], Hub], report: Report, on_terms: Callable[[VlmCard], None]
) -> Fetched:
    """Bring a model to this machine. What an earlier try left is used; what is here already is not asked for.

    ``on_terms`` hears the pinned card, with the licence that the hub names, before any file is asked for.

    Raises:
        UsageError: no such model, or one that has no repository.
        MissingDependencyError: the hub cannot be reached or does not let this user in.
        BadInputError: what came is not what was announced, or no model.
        StorageError: not enough space.
        CancelledError: ``report`` stopped it; what came is kept.
    """
    card, revision = find_wanted(store, name)
    if card.repository is None or card.place is not None:
        raise UsageError(f"{card.id} comes from a folder, not from a hub.", hint="Use `models add FOLDER`.")
    if name.endswith(".json"):
        (store.folder / CARDS).mkdir(parents=True, exist_ok=True)
        write_json(store.folder / CARDS / f"{card.id}.json", card)
    with _alone(store, card.id):
        is_asked = revision in (None, card.revision)
        if is_asked and store.state(card) is State.PRESENT and not store.verify(card):
            return Fetched(card, store.files_folder(card), 0)
        pinned = _pinned(store, card, revision, hub, report)
        on_terms(pinned)
        return _fetch_pinned(store, pinned, hub, report)


def _pinned(
    store: Store, card: VlmCard, revision: str | None, hub: Callable[[], Hub], report: Report
) -> VlmCard:
    """The card that this fetch holds to: that of a broken download, that of what is here, or a new one."""
    begun = store.home(card.id) / FETCHING / CARD
    found = _read_begun(begun)
    wanted = revision or card.revision
    if found is not None and found.id == card.id and wanted in (None, found.revision):
        return found
    if card.is_pinned and revision in (None, card.revision):
        return card
    report(0, 0, f"Asking the hub for {card.repository}")
    pinned = hub().pin(card, wanted)
    shutil.rmtree(begun.parent, ignore_errors=True)
    begun.parent.mkdir(parents=True)
    write_json(begun, pinned)
    return pinned


def _read_begun(path: Path) -> VlmCard | None:
    try:
        return read_vlm_card(path)
    except BadInputError:
        return None


def _fetch_pinned(store: Store, card: VlmCard, hub: Callable[[], Hub], report: Report) -> Fetched:
    staging = store.home(card.id) / FETCHING / FILES
    total = card.size_bytes
    _adopt(store, card, staging, lambda _: report(0, total, f"Checking what is here of {card.id}"))
    staging.mkdir(parents=True, exist_ok=True)
    write_json(staging.parent / CARD, card)
    have = sum(_have(staging, file) for file in card.files)
    require_space(store.folder, total - have)
    counter = _Counter(have, total, report)
    missing = [file for file in card.files if not (staging / file.path).exists()]
    if missing:
        _fetch_files(hub(), card, missing, staging, counter)
    require_whole(staging, (file.path for file in card.files), card.architecture)
    done = hashed(card, staging)
    return Fetched(done, put_in_place(store, done, staging), counter.new)


def _fetch_files(
    hub: Hub, card: VlmCard, missing: Sequence[ModelFile], staging: Path, counter: _Counter
) -> None:
    for file in missing:
        part = staging / f"{file.path}{PART}"
        counter.message = f"Fetching {file.path}"
        with _disk_errors():
            hub.read_file(card, file, part, counter.add)
        counter.message = f"Checking {file.path}"
        require_hash(part, file, counter)
        part.replace(staging / file.path)


class _Counter:
    """Bytes as they come, told to whoever listens."""

    def __init__(self, done: int, total: int, report: Report) -> None:
        self._done, self._total, self._report = done, total, report
        self.new = 0
        self.message = ""

    def add(self, count: int) -> None:
        """Some more bytes are here; negative where some had to be thrown away."""
        self._done += count
        self.new += count
        self.check()

    def check(self, _: int = 0) -> None:
        """Tell the same again, and stop here if that is wanted."""
        gigabytes = f"{self._done / 1e9:.2f} of {self._total / 1e9:.2f} GB"
        self._report(self._done, self._total, f"{self.message}, {gigabytes}")


def require_hash(part: Path, file: ModelFile, counter: _Counter) -> None:
    """Delete a file that is not the one that was announced.

    Raises:
        BadInputError: it is not.
    """
    if not is_right(part, file, counter.check):
        part.unlink()
        raise BadInputError(
            f"{file.path} came with another hash than the card or the hub says; it was deleted.",
            hint="Fetch again; if that does not help, the hub or a proxy on the way changes files.",
        )


def _have(staging: Path, file: ModelFile) -> int:
    """Bytes of a file that are here; a part that is too long is none."""
    whole, part = staging / file.path, staging / f"{file.path}{PART}"
    if whole.exists():
        return file.size_bytes
    if part.exists() and part.stat().st_size > file.size_bytes:
        part.unlink()
    return part.stat().st_size if part.exists() else 0


def _adopt(store: Store, card: VlmCard, staging: Path, check: Callable[[int], None]) -> None:
    """Take files that lie in the place of the finished model back, as far as they are right."""
    target = store.files_folder(card)
    if target.is_dir() and not staging.exists():
        staging.parent.mkdir(parents=True, exist_ok=True)
        target.replace(staging)
    for file in card.files if staging.is_dir() else ():
        path = staging / file.path
        if path.exists() and (path.is_symlink() or not is_right(path, file, check)):
            path.unlink()


def is_right(path: Path, file: ModelFile, on_bytes: Callable[[int], None]) -> bool:
    """Whether a file is the one that is meant: by its SHA-256, or by git's hash where only that is known."""
    if path.stat().st_size != file.size_bytes:
        return False
    if file.sha256:
        return sha256_of(path, on_bytes) == file.sha256
    return file.git_sha1 is not None and git_sha1_of(path) == file.git_sha1


def put_in_place(store: Store, card: VlmCard, staging: Path) -> Path:
    """Make checked files the model. The card is written last: without it nothing counts as here."""
    home, target = store.home(card.id), store.files_folder(card)
    marker = Marker(files={file.path: seen(staging / file.path, file.sha256 or "") for file in card.files})
    if target.exists():
        shutil.rmtree(target)
    staging.replace(target)
    write_json(home / MARKER, marker)
    write_json(home / CARD, card)
    for old in home.iterdir():
        if old.is_dir() and old != target:
            shutil.rmtree(old)
    return target


def require_space(folder: Path, needed_bytes: int) -> None:
    """Check that a disk has room.

    Raises:
        StorageError: it has not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed_bytes > 0 and needed_bytes + SPARE_BYTES > free:
        raise StorageError(
            f"{needed_bytes / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free in {folder}",
            hint="Free some space, or set RS_COPILOT_MODELS to a folder on another disk.",
        )


@contextmanager
def _disk_errors() -> Iterator[None]:
    """A disk that fills up while files come in."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise StorageError(
            f"A file of the model could not be written: {error}",
            hint="Free some space and fetch again: it goes on where it stopped.",
        ) from error


@contextmanager
def _alone(store: Store, name: str) -> Iterator[None]:
    """Only one process fetches a model at a time.

    Raises:
        StorageError: another one does.
    """
    from huggingface_hub.utils import WeakFileLock

    locks = store.folder / LOCKS
    locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(WeakFileLock(locks / f"{name}.lock", timeout=LOCK_S))
        except TimeoutError as error:
            raise StorageError(
                f"Another process is fetching {name} right now.", hint="Wait for it, or end it."
            ) from error
        yield
