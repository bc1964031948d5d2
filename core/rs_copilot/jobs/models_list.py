"""The models that are known, how much of each is here, what fits into this machine, and what to take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from rs_copilot.errors import BadInputError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.doctor import Device, find_devices
from rs_copilot.models.files import read_settings
from rs_copilot.models.machine import cpu_memory_bytes
from rs_copilot.models.memory_plan import GIB, FreeMemory, VlmShape, shape_of
from rs_copilot.models.needs import Need, best_need, least_need, needs
from rs_copilot.models.store import State, Store, open_store
from rs_copilot.models.vlm_cards import CONFIG, VlmCard

HEAD = f"{'id':<16} {'state':<8} {'on disk':<13} {'commit':<12} {'in memory':<13} licence"


class ModelsListParams(BaseModel):
    """``folder`` of models, if not the usual one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    folder: Path | None = None


class Precision(BaseModel):
    """What a model needs in one precision."""

    name: str
    needs_bytes: int
    fits: bool
    note: str


class ListedModel(BaseModel):
    """A model, known or here. ``size_bytes`` is a guess as long as no ``revision`` is pinned."""

    id: str
    title: str
    family: str
    purpose: str
    repository: str | None
    revision: str | None
    licence: str
    licence_url: str | None
    terms: str
    parameters: int
    min_px: int
    max_px: int
    size_bytes: int
    disk_bytes: int
    state: State
    path: str | None
    precisions: list[Precision]
    adapters: list[str]
    source: str


class Recommended(BaseModel):
    """What to take on this machine."""

    id: str
    precision: str
    why: str


class ModelsListResult(BaseModel):
    """All models, and this machine."""

    folder: str
    models: list[ListedModel]
    device: Device
    recommended: Recommended | None
    disk_free_bytes: int | None
    notes: list[str]

    def summary(self) -> str:
        """For people."""
        used = sum(model.disk_bytes for model in self.models) / 1e9
        left = "" if self.disk_free_bytes is None else f", {self.disk_free_bytes / 1e9:.1f} GB are free"
        lines = [f"Models in {self.folder}: {used:.1f} GB{left}", "", HEAD]
        lines += [_line(model) for model in self.models]
        free = self.device.memory_free_bytes
        memory = "memory unknown" if free is None else f"{free / GIB:.1f} GiB free"
        lines += ["", f"On {self.device.id} ({self.device.name}, {memory}):"]
        if self.recommended is None:
            lines.append("no model of the catalog fits. Another machine can serve one: see docs/models.md.")
        else:
            lines.append(f"{self.recommended.id} in {self.recommended.precision}: {self.recommended.why}")
        return "\n".join([*lines, *self.notes])


def run(params: ModelsListParams, context: JobContext) -> ModelsListResult:
    """Look at the store and at this machine. Hashes nothing, asks nobody."""
    context.check()
    store = open_store(params.folder)
    device = pick_device(find_devices(), context.device)
    free = free_memory(device)
    found = {card.id: needs_of(store, card, free) for card in store.cards.values()}
    return ModelsListResult(
        folder=str(store.folder),
        models=[listed_model(store, card, found[card.id]) for card in store.cards.values()],
        device=device,
        recommended=recommend(store.cards.values(), found, device),
        disk_free_bytes=store.free_bytes(),
        notes=store.notes,
    )


def free_memory(device: Device) -> FreeMemory:
    """What a model on a device can be planned with."""
    if device.id == "cpu":
        return FreeMemory(None, device.memory_free_bytes)
    return FreeMemory(device.memory_free_bytes, cpu_memory_bytes()[0])


def pick_device(devices: Iterable[Device], wanted: str) -> Device:
    """The device that a model would go to: as told, else the card with most free memory, else the CPU."""
    found = list(devices)
    cards = [device for device in found if device.id != "cpu"]
    if wanted == "cpu" or not cards:
        return found[0]
    named = [device for device in cards if device.id == (wanted if ":" in wanted else "cuda:0")]
    if wanted.startswith("cuda") and named:
        return named[0]
    return max(cards, key=lambda device: device.memory_free_bytes or 0)


def listed_model(store: Store, card: VlmCard, found: Sequence[Need]) -> ListedModel:
    """A model as people see it."""
    state = store.state(card)
    about: dict[str, Any] = card.model_dump(
        exclude={"files", "licence", "rank", "place", "sizes", "architecture"}
    )
    return ListedModel(
        **about,
        licence=card.licence.name,
        licence_url=card.licence.url,
        terms=card.licence.terms,
        size_bytes=card.size_bytes,
        disk_bytes=store.disk_bytes(card),
        state=state,
        path=str(store.files_folder(card)) if state is State.PRESENT else None,
        precisions=[Precision.model_validate(need, from_attributes=True) for need in found],
        adapters=[adapter.name for adapter in store.adapters.values() if adapter.base == card.id],
        source="catalog" if store.is_of_catalog(card) else "own",
    )


def needs_of(store: Store, card: VlmCard, free: FreeMemory) -> list[Need]:
    """What each precision of a model needs: planned from its settings, from the catalog's, or roughly."""
    can_quantise = find_spec("bitsandbytes") is not None
    return needs(_shape_of(store, card), card.parameters, free, can_quantise=can_quantise)


def _shape_of(store: Store, card: VlmCard) -> VlmShape | None:
    try:
        if store.state(card) is State.PRESENT:
            return shape_of(read_settings(store.files_folder(card) / CONFIG))
        return None if card.sizes is None else shape_of(card.sizes)
    except BadInputError:
        return None


def recommend(
    cards: Iterable[VlmCard], found: Mapping[str, Sequence[Need]], device: Device
) -> Recommended | None:
    """The best model that fits a graphics card whole; without one, the smallest that fits."""
    ranked = sorted((card for card in cards if card.rank is not None), key=lambda card: card.rank or 0)
    # Without a card every token takes a pass over all weights at the speed of main memory.
    for card in ranked if device.id != "cpu" else reversed(ranked):
        need = best_need(found[card.id])
        if need is not None:
            return Recommended(id=card.id, precision=need.name, why=_why(card, need, device))
    for card in reversed(ranked):
        need = least_need(found[card.id])
        if need is not None:
            return Recommended(id=card.id, precision=need.name, why=_why(card, need, device))
    return None


def _why(card: VlmCard, need: Need, device: Device) -> str:
    free = device.memory_free_bytes
    room = f"needs about {need.needs_bytes / GIB:.1f} GiB"
    room += "" if free is None else f" of {free / GIB:.1f} GiB free"
    slow = " Slow without a graphics card." if device.id == "cpu" else ""
    terms = "" if card.licence.is_open else f" Licence: {card.licence.terms}"
    waits = f", {need.note}" if need.note else ""
    return f"{room}{waits}. {card.purpose}{slow}{terms}"


def _line(model: ListedModel) -> str:
    pin = model.revision[:12] if model.revision else "not pinned"
    size = f"{'' if model.revision else 'about '}{model.size_bytes / 1e9:.1f} GB"
    best = next((item for item in model.precisions if item.fits), None)
    fits = "does not fit" if best is None else f"{best.name} {best.needs_bytes / GIB:.1f} GiB"
    more = f", adapters: {', '.join(model.adapters)}" if model.adapters else ""
    return f"{model.id:<16} {model.state.value:<8} {size:<13} {pin:<12} {fits:<13} {model.licence}{more}"
