"""Cards of vision-language models: where one comes from, its files, and under which terms it may be used.

A card without ``revision`` is not pinned: nobody has said yet which commit and which bytes are meant.
Fetching it pins it, and the pinned card stays beside the files.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from rs_copilot.errors import BadInputError

CATALOG = "vlm_catalog.json"
ID = r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$"
# Folders of the store that are no models.
RESERVED = frozenset({"cards", "adapters"})
COMMIT = r"^[0-9a-f]{40}$"
CONFIG, WEIGHTS_INDEX = "config.json", "model.safetensors.index.json"
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# Settings and words, beside the weights in safetensors. Everything else (pickles, code, archives) stays away.
DATA_SUFFIXES = frozenset({".json", ".txt", ".jinja"})
DATA_NAMES = frozenset({"LICENSE", "LICENCE", "NOTICE"})
PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl"})
MAX_CARD_BYTES = 1 << 20
HINT_CARD = "docs/models.md shows what a card must say."

FamilyName = Literal["qwen2.5-vl", "qwen3-vl", "rscovlm"]
Architecture = Literal["qwen2_5_vl", "qwen3_vl"]


def is_data(name: str) -> bool:
    """Whether a file of this name belongs to a model: weights in safetensors, settings, words.

    Settings of an adapter do not: transformers would load one without being asked.
    """
    suffix = PurePosixPath(name).suffix
    return is_weights(name) or name in DATA_NAMES or (suffix in DATA_SUFFIXES and not is_adapter(name))


def is_weights(name: str) -> bool:
    """Whether a file holds weights of a whole model."""
    return name.startswith("model") and name.endswith(".safetensors")


def is_adapter(name: str) -> bool:
    """Whether a file belongs to an adapter."""
    return name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)


class ModelFile(BaseModel):
    """One file of a model. ``git_sha1`` is the hub's hash of a small file, until its SHA-256 was taken."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    size_bytes: int = Field(ge=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    git_sha1: str | None = Field(default=None, pattern=COMMIT)

    @field_validator("path")
    @classmethod
    def _is_plain_name(cls, path: str) -> str:
        """Cards come from anywhere: a name must not lead out of the model's folder, nor hide in it."""
        if "/" in path or "\\" in path or ":" in path or path.startswith(".") or not path.isprintable():
            raise ValueError(f"expected the name of a file in the model's own folder, found {path!r}")
        if not (is_data(path) or is_adapter(path)):
            raise ValueError(f"only safetensors, settings and texts are allowed, found {path!r}")
        return path


class Licence(BaseModel):
    """Under which terms a model may be used. ``terms`` is what its user must know before fetching it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1)
    url: str | None = None
    terms: str = ""
    is_open: bool = False
    """Whether it lets everyone use the model for everything."""


class VlmCard(BaseModel):
    """A vision-language model.

    ``min_px`` and ``max_px`` limit the area of every picture in pixels; ``rank`` orders what is proposed,
    lowest first, and models without one are never proposed; ``sizes`` is what ``config.json`` says of
    them, as far as the memory plan needs it; ``place`` is a folder that is used where it is.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=ID)
    title: str = Field(min_length=1)
    repository: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*$")
    revision: str | None = Field(default=None, pattern=COMMIT)
    files: tuple[ModelFile, ...] = ()
    licence: Licence
    family: FamilyName
    architecture: Architecture
    parameters: int = Field(gt=0)
    min_px: int = Field(gt=0)
    max_px: int = Field(gt=0)
    purpose: str = ""
    sizes: dict[str, Any] | None = None
    rank: int | None = None
    place: str | None = None

    @field_validator("id")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"{name!r} is the name of a folder of the store")
        return name

    @field_validator("files")
    @classmethod
    def _has_each_name_once(cls, files: tuple[ModelFile, ...]) -> tuple[ModelFile, ...]:
        # Some file systems take A.json and a.json as one.
        if len({file.path.lower() for file in files}) != len(files):
            raise ValueError("a file is named twice")
        return files

    @property
    def size_bytes(self) -> int:
        """What the files need on the disk; two bytes for each parameter as long as nobody has asked."""
        return sum(file.size_bytes for file in self.files) or 2 * self.parameters

    @property
    def is_pinned(self) -> bool:
        """Whether commit and files are known, every one with its hash."""
        return self.revision is not None and self.is_hashed

    @property
    def is_hashed(self) -> bool:
        """Whether every file is known with its hash."""
        return bool(self.files) and all(file.sha256 for file in self.files)

    @property
    def sha256(self) -> str | None:
        """The hash of the weights, as rows of results carry it: of several files that of their hashes."""
        parts = sorted((file.path, file.sha256 or "") for file in self.files if is_weights(file.path))
        if not parts or not self.is_hashed:
            return None
        if len(parts) == 1:
            return parts[0][1]
        return hashlib.sha256("".join(digest for _, digest in parts).encode()).hexdigest()


@cache
def read_catalog() -> dict[str, VlmCard]:
    """The models that RS Copilot knows by itself, by id, best known first. None of them is pinned."""
    text = resources.files(__package__).joinpath(CATALOG).read_bytes()
    cards = TypeAdapter(list[VlmCard]).validate_json(text)
    return {card.id: card for card in cards}


def read_vlm_card(path: Path) -> VlmCard:
    """A card from a file.

    Raises:
        BadInputError: there is none, or it is no card.
    """
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise BadInputError(f"{path} is too large for a card", hint=HINT_CARD)
        return VlmCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"the card {path} cannot be read: {error}", hint=HINT_CARD) from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'card'}: {item['msg']}" for item in error.errors()
        )
        raise BadInputError(f"the card {path} cannot be used: {wrong}", hint=HINT_CARD) from error
