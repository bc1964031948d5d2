"""Files of a model on this machine: are they those of its card?

Reading 16 GB for every start would take longer than loading them. What was hashed once is noted with size and
time of change (the marker), and hashed again only where one of the two has changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from rs_copilot.errors import BadInputError
from rs_copilot.models.cards import sha256_of
from rs_copilot.models.vlm_cards import CONFIG, WEIGHTS_INDEX, ModelFile, VlmCard, is_adapter, is_data
from rs_copilot.writing import write_whole

MAX_TEXT_BYTES = 64 << 20


def unheard(_: int) -> None:
    """Nobody counts the bytes."""


class SeenFile(BaseModel):
    """A file as it was when its hash was taken."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    size_bytes: int
    mtime_ns: int
    sha256: str


class Marker(BaseModel):
    """What was hashed, by name of file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    files: dict[str, SeenFile] = {}


def read_marker(path: Path) -> Marker:
    """The marker, empty where there is none that can be read."""
    try:
        return Marker.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Marker()


def write_json(path: Path, value: BaseModel) -> None:
    """Write a value whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, value.model_dump_json(indent=2))


def seen(path: Path, sha256: str) -> SeenFile:
    """A file as it is now, with its hash."""
    about = path.stat()
    return SeenFile(size_bytes=about.st_size, mtime_ns=about.st_mtime_ns, sha256=sha256)


def problems(folder: Path, files: Iterable[ModelFile]) -> list[str]:
    """What is wrong with the files of a folder as far as names and sizes tell, in words; empty if nothing."""
    listed = {file.path: file for file in files}
    found = []
    for name, file in listed.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif leaves(folder, path):
            found.append(f"{name} is a link that leaves the folder")
        elif path.stat().st_size != file.size_bytes:
            found.append(f"{name} has {path.stat().st_size} bytes, expected {file.size_bytes}")
    present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    strange = [name for name in present if (is_data(name) or is_adapter(name)) and name not in listed]
    return found + [f"{name} is not in the card" for name in strange]


def check_hashes(
    folder: Path, files: Iterable[ModelFile], marker: Marker, on_bytes: Callable[[int], None] = unheard
) -> tuple[list[str], Marker]:
    """Hash what the marker does not vouch for.

    Returns:
        What is wrong, in words; and the marker of what is right.
    """
    wrong, right = [], {}
    for file in files:
        now = marker.files.get(file.path)
        if now is None or now != seen(folder / file.path, now.sha256):
            now = seen(folder / file.path, sha256_of(folder / file.path, on_bytes))
        if now.sha256 == file.sha256:
            right[file.path] = now
        else:
            wrong.append(f"{file.path} has SHA-256 {now.sha256[:12]}…, expected {(file.sha256 or '')[:12]}…")
    return wrong, Marker(files=right)


def leaves(folder: Path, path: Path) -> bool:
    """Whether a path leads out of its folder through a link.

    The cache of Hugging Face keeps files beside the folder of a commit, under ``blobs``, and links to them.
    """
    if not path.is_symlink():
        return False
    target = path.resolve()
    allowed = [folder.resolve()]
    if folder.parent.name == "snapshots":
        allowed.append(folder.resolve().parent.parent / "blobs")
    return not any(target.is_relative_to(place) for place in allowed)


def git_sha1_of(path: Path) -> str:
    """The name that git gives to a small file's content."""
    content = path.read_bytes()
    head = f"blob {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def read_settings(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        BadInputError: there is none.
    """
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise BadInputError(f"{path} is too large for settings")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise BadInputError(f"{path} holds no settings, expected a JSON object")
    return found


def require_whole(folder: Path, names: Iterable[str], architecture: str) -> None:
    """Check that files are together a model of an architecture.

    Raises:
        BadInputError: another architecture, or parts of the weights are missing.
    """
    kind = read_settings(folder / CONFIG).get("model_type")
    if kind != architecture:
        raise BadInputError(f"{folder} holds a network of the kind {kind!r}, expected {architecture!r}")
    wanted = wanted_weights(folder)
    lacking = sorted(wanted - set(names))
    if lacking:
        raise BadInputError(
            f"{folder} lacks {len(lacking)} of {len(wanted)} files of weights, {lacking[0]} first"
        )


def wanted_weights(folder: Path) -> set[str]:
    """The names of the files of weights that a folder's index speaks of, or of the only one."""
    if not (folder / WEIGHTS_INDEX).is_file():
        return {"model.safetensors"}
    places = read_settings(folder / WEIGHTS_INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise BadInputError(f"{folder / WEIGHTS_INDEX} does not say where weights are")
    return set(places.values())


def count_parameters(folder: Path, names: Iterable[str]) -> int:
    """How many numbers some files in safetensors hold. Reads their heads, which a broken copy contradicts.

    Raises:
        BadInputError: a file is not safetensors.
        ModuleNotFoundError: safetensors is not installed.
    """
    from safetensors import SafetensorError, safe_open

    total = 0
    for name in names:
        try:
            with safe_open(folder / name, framework="numpy") as weights:
                shapes = [weights.get_slice(key).get_shape() for key in weights.keys()]  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise BadInputError(f"{folder / name} is not safetensors: {error}") from error
        total += sum(_product(shape) for shape in shapes)
    return total


def _product(shape: list[int]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def hashed(card: VlmCard, folder: Path) -> VlmCard:
    """The card with the SHA-256 of every file, where the hub knew small ones by another hash."""
    files = tuple(
        file if file.sha256 else file.model_copy(update={"sha256": sha256_of(folder / file.path)})
        for file in card.files
    )
    return card.model_copy(update={"files": files})
