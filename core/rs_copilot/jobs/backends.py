"""Models by the names that people give them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from rs_copilot.errors import BadInputError, MissingDependencyError, UsageError
from rs_copilot.jobs.local_models import LocalModel, find_local
from rs_copilot.models.store import State, open_store
from rs_copilot.vlm.backend import Backend
from rs_copilot.vlm.families import FAMILIES, RSCOVLM
from rs_copilot.vlm.scripted import ScriptedBackend

HINT = "Give a model of `rs-copilot models list`, a folder with a model, or the address of a server."


@dataclass(frozen=True)
class BackendSpec:
    """Which model, and how: all that another process needs to open the same one.

    ``name`` is a model's id, a folder, ``repo@revision`` in the local cache of Hugging Face, a server's
    ``http(s)://HOST/v1#MODEL``, or ``scripted:FILE`` with answers as JSON. ``precision`` is ``auto``,
    ``nf4``, ``int8``, ``bf16`` or ``fp32``. ``family`` is for models whose name does not tell it, ``key``
    for servers that want one and is never shown.
    """

    name: str
    precision: str = "auto"
    adapter: str | None = None
    family: str | None = None
    key: str | None = field(default=None, repr=False)


def backend_of(
    model: str | None, precision: str, adapter: str | None, family: str | None, key: SecretStr | None
) -> BackendSpec:
    """The model that parameters name; without a name the best one that is here.

    Raises:
        MissingDependencyError: none was named, and none is here.
    """
    name = (model or "").strip() or _best_here()
    return BackendSpec(name, precision, adapter, family, None if key is None else key.get_secret_value())


def _best_here() -> str:
    store = open_store()
    here = [card for card in store.cards.values() if store.state(card) is State.PRESENT]
    if not here:
        raise MissingDependencyError(
            "No vision-language model was named, and none is here.",
            hint="`rs-copilot models list` tells which fit this machine, and how to get one. " + HINT,
        )
    # Own models have no rank: they come after those of the catalog.
    return min(here, key=lambda card: (card.rank is None, card.rank or 0, card.id)).id


def open_backend(spec: BackendSpec, device: str = "auto") -> Backend:
    """Load a model.

    Raises:
        UsageError: no such model.
        BadInputError: the files are no such model.
        MissingDependencyError: packages, weights, the server or the device are missing.
        OutOfMemoryError: it does not fit.
    """
    kind, _, place = spec.name.partition(":")
    if kind == "scripted" and place:
        return _read_script(Path(place), device)
    if kind in ("http", "https"):
        return _on_server(spec)
    local = find_local(open_store(), spec.name, spec.adapter)
    if local is not None:
        return _open_local(local, spec, device)
    raise UsageError(f"No model is called {spec.name!r}.", hint=HINT)


def _on_server(spec: BackendSpec) -> Backend:
    from rs_copilot.vlm.openai_backend import open_server

    if spec.family is not None and spec.family not in FAMILIES:
        raise UsageError(f"No family of models is called {spec.family!r}.", hint=", ".join(FAMILIES))
    family = None if spec.family is None else FAMILIES[spec.family]
    return open_server(spec.name, family=family, key=spec.key)


def _open_local(local: LocalModel, spec: BackendSpec, device: str) -> Backend:
    # Torch, only where a model is really loaded.
    from rs_copilot.learned.vlm import open_local

    return open_local(
        local.folder,
        precision=spec.precision,
        adapter=local.adapter,
        device=device,
        family=spec.family or local.family,
        # An adapter of the store lies in a folder whose name says nothing.
        name=local.name + (f" + {Path(spec.adapter).name}" if spec.adapter else ""),
        sha256=local.sha256,
    )


def _read_script(path: Path, device: str) -> ScriptedBackend:
    """Answers from a file: a list of texts, or an object with ``answers``, ``family`` and ``pause_s``."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} holds no answers: {error}", hint="Give a JSON list of texts.") from error
    said = found if isinstance(found, dict) else {"answers": found}
    answers = said.get("answers")
    if not isinstance(answers, list) or not all(isinstance(text, str) for text in answers):
        raise BadInputError(f"{path} holds no answers", hint="Give a JSON list of texts.")
    family = FAMILIES.get(str(said.get("family")), RSCOVLM)
    pause_s = float(said.get("pause_s", 0.0))
    # The last answer is given again and again: a script need not know how often it will be asked.
    asked = itertools.count()

    def answer(_: object) -> str:
        return str(answers[min(next(asked), len(answers) - 1)]) if answers else ""

    named = "cpu" if device == "auto" else device
    return ScriptedBackend(answer, family, pause_s, device=named, remembers=False)
