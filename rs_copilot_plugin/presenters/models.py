"""Which models there are, what they need, and whether pixels leave this machine to reach one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from .conversation import plain

AUTO = "auto"
KEPT_MODELS = 8
_THIS_MACHINE = re.compile(r"^(localhost|127(\.\d{1,3}){3}|::1)$", re.IGNORECASE)


class ModelState(Enum):
    """What of a model is on this machine."""

    PRESENT = "present"
    PARTIAL = "partial"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True)
class Precision:
    """How exactly weights are held, and whether the model fits this machine so."""

    name: str
    needs_bytes: int = 0
    fits: bool = True
    note: str = ""


@dataclass(frozen=True)
class Model:
    """A model of the engine's list."""

    id: str
    title: str
    state: ModelState
    size_bytes: int = 0
    licence: str = ""
    licence_url: str = ""
    terms: str = ""
    purpose: str = ""
    repository: str = ""
    revision: str = ""
    path: str = ""
    precisions: tuple[Precision, ...] = ()
    adapters: tuple[str, ...] = ()
    is_own: bool = False

    @property
    def fits(self) -> bool:
        """Whether it fits this machine in some precision; unknown counts as yes."""
        return not self.precisions or any(item.fits for item in self.precisions)

    @property
    def best(self) -> Precision | None:
        """The first precision that fits: the engine lists the better ones first."""
        return next((item for item in self.precisions if item.fits), None)


@dataclass(frozen=True)
class Advice:
    """The model that suits this machine, and why."""

    model: Model
    precision: str = AUTO
    why: str = ""


@dataclass(frozen=True)
class ModelList:
    """What the engine said; ``is_known`` is false before it has."""

    folder: str = ""
    models: tuple[Model, ...] = ()
    advice: Advice | None = None
    device: str = ""
    memory_free_bytes: int | None = None
    disk_free_bytes: int | None = None
    notes: tuple[str, ...] = ()
    is_known: bool = False

    @property
    def present(self) -> list[Model]:
        """The models that can be asked now."""
        return [model for model in self.models if model.state is ModelState.PRESENT]

    def find(self, model_id: str) -> Model | None:
        """The model of that name."""
        return next((model for model in self.models if model.id == model_id), None)


class Reach(Enum):
    """How far pixels and words go."""

    NOWHERE = "nowhere"
    THIS_MACHINE = "this-machine"
    AWAY = "away"


@dataclass(frozen=True)
class Destination:
    """Where what is asked goes; ``host`` is empty where it stays in the engine."""

    reach: Reach
    host: str = ""
    is_encrypted: bool = True


@dataclass(frozen=True)
class Choice:
    """An entry of the list of models: the engine's name for it, and what people read."""

    name: str
    title: str


@dataclass
class ModelPicker:
    """Which model is asked: one of the list, or a server or folder that the user has named.

    ``keys`` of servers are known as long as QGIS runs; nothing writes them down. Where a model is
    ``is_optional`` none is asked unless the user chooses one. Pickers may share ``own`` and ``keys``.
    """

    name: str = ""
    precision: str = AUTO
    own: list[str] = field(default_factory=list)
    listed: ModelList = field(default_factory=ModelList)
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    is_optional: bool = False

    @property
    def key(self) -> str | None:
        """The key of the chosen server, where it needs one."""
        return self.keys.get(self.name)

    def choices(self) -> list[Choice]:
        """Everything that can be asked."""
        found = [Choice(model.id, model.title) for model in self.listed.present]
        known = {choice.name for choice in found} | {model.path for model in self.listed.present}
        return found + [Choice(name, title_of(name)) for name in self.own if name not in known]

    def precisions(self) -> list[Precision]:
        """What can be chosen for the model; a server decides for itself."""
        model = self.listed.find(self.name)
        automatic = [Precision(AUTO)]
        return automatic + list(model.precisions) if model is not None else automatic

    def update(self, listed: ModelList) -> None:
        """Take a new list; the choice holds as long as it can be had."""
        self.listed = listed
        names = [choice.name for choice in self.choices()]
        if self.name not in names:
            self.name = self._first(names)
        self.choose(self.name, self.precision)

    def _first(self, names: list[str]) -> str:
        if self.is_optional:
            return ""
        advised = self.listed.advice.model.id if self.listed.advice is not None else ""
        # Nothing is sent away because it happens to be first in a list.
        local = [name for name in names if destination(name).reach is Reach.NOWHERE]
        return advised if advised in names else next(iter(local), "")

    def choose(self, name: str, precision: str = AUTO) -> None:
        """Ask this model from now on."""
        self.name = name
        names = [item.name for item in self.precisions()]
        self.precision = precision if precision in names else AUTO

    def add(self, name: str) -> None:
        """A server, or a folder, of the user's own; the latest is the first."""
        self.own[:] = [name, *(other for other in self.own if other and other != name)][:KEPT_MODELS]
        self.choose(name)

    def forget(self, name: str) -> None:
        """Take a server or folder off the list."""
        self.own[:] = [other for other in self.own if other != name]
        if self.name == name:
            self.choose("")


def is_server(name: str) -> bool:
    """Whether a model is an address."""
    return name.lower().startswith(("http://", "https://"))


def destination(name: str) -> Destination:
    """Where pixels go when this model is asked."""
    if not is_server(name):
        return Destination(Reach.NOWHERE)
    try:
        parts = urlsplit(name)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return Destination(Reach.AWAY, name, is_encrypted=False)
    shown = f"{host}:{port}" if port else host
    if _THIS_MACHINE.match(host):
        return Destination(Reach.THIS_MACHINE, shown)
    return Destination(Reach.AWAY, shown, is_encrypted=parts.scheme.lower() == "https")


def title_of(name: str) -> str:
    """What people read for a model that is not in the engine's list."""
    if is_server(name):
        model = name.partition("#")[2]
        host = destination(name).host
        return f"{model} · {host}" if model else host
    return PurePath(name.partition(":")[2] if name.startswith("scripted:") else name).name or name


class AddressError(ValueError):
    """Not the address of a server."""


def server_name(address: str, model: str) -> str:
    """The engine's name for a model on a server.

    Raises:
        AddressError: the address is none, or carries a password.
    """
    address, model = address.strip(), model.strip()
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        is_whole = is_whole and (parts.port or 1) > 0
    except ValueError as error:
        raise AddressError(str(error)) from error
    if not is_whole or "@" in parts.netloc or any(letter.isspace() for letter in address):
        raise AddressError(address)
    bare = address.partition("#")[0].rstrip("/")
    named = model or parts.fragment
    return f"{bare}#{named}" if named else bare


def parse_models(result: Mapping[str, Any]) -> ModelList:
    """The engine's answer to ``models.list``."""
    models = tuple(_model(item) for item in result.get("models") or () if isinstance(item, dict))
    listed = ModelList(str(result.get("folder") or ""), models, is_known=True)
    device = result.get("device")
    device = device if isinstance(device, dict) else {}
    return replace(
        listed,
        advice=_advice(result.get("recommended"), listed),
        device=plain(str(device.get("name") or device.get("id") or "")),
        memory_free_bytes=_known(device.get("memory_free_bytes")),
        disk_free_bytes=_known(result.get("disk_free_bytes")),
        notes=tuple(plain(str(note)) for note in result.get("notes") or ()),
    )


def _model(told: Mapping[str, Any]) -> Model:
    state = str(told.get("state") or "")
    known = {item.value: item for item in ModelState}
    precisions = [item for item in told.get("precisions") or () if isinstance(item, dict)]
    return Model(
        str(told.get("id") or ""),
        plain(str(told.get("title") or told.get("id") or "")),
        known.get(state, ModelState.ABSENT),
        _whole(told.get("size_bytes")),
        plain(str(told.get("licence") or "")),
        plain(str(told.get("licence_url") or "")),
        plain(str(told.get("terms") or "")),
        plain(str(told.get("purpose") or "")),
        plain(str(told.get("repository") or "")),
        plain(str(told.get("revision") or "")),
        str(told.get("path") or ""),
        tuple(_precision(item) for item in precisions),
        tuple(str(item) for item in told.get("adapters") or ()),
        told.get("source") == "own",
    )


def _precision(told: Mapping[str, Any]) -> Precision:
    return Precision(
        str(told.get("name") or ""),
        _whole(told.get("needs_bytes")),
        bool(told.get("fits", True)),
        plain(str(told.get("note") or "")),
    )


def _advice(told: object, listed: ModelList) -> Advice | None:
    if not isinstance(told, dict):
        return None
    model = listed.find(str(told.get("id") or ""))
    if model is None:
        return None
    return Advice(model, str(told.get("precision") or AUTO), plain(str(told.get("why") or "")))


def _known(value: object) -> int | None:
    return None if value is None else _whole(value)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) and value == value else 0  # noqa: PLR0124 - NaN


def gibibytes(size_bytes: float) -> str:
    """Memory for people: the unit that graphics cards and model cards are measured in."""
    return f"{size_bytes / 2**30:.1f} GiB"
