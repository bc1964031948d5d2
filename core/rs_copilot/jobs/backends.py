"""Models by the names that people give them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.jobs.local_models import LocalModel, find_local
from rs_copilot.models.store import open_store
from rs_copilot.vlm.backend import Backend
from rs_copilot.vlm.families import FAMILIES, RSCOVLM
from rs_copilot.vlm.scripted import ScriptedBackend

HINT = "Give a model of `rs-copilot models list`, a folder with a model, or the address of a server."


@dataclass(frozen=True)
class BackendSpec:
    """Which model, and how: all that another process needs to open the same one.

    ``name`` is a model's id, a folder, ``repo@revision`` in the local cache of Hugging Face, a server's
    ``http(s)://HOST/v1#MODEL``, or ``scripted:FILE`` with answers as JSON. ``precision`` is ``auto``,
    ``nf4``, ``int8``, ``bf16`` or ``fp32``.
    """

    name: str
    precision: str = "auto"
    adapter: str | None = None


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
    local = find_local(open_store(), spec.name, spec.adapter)
    if local is not None:
        return _open_local(local, spec, device)
    raise UsageError(f"No model is called {spec.name!r}.", hint=HINT)


def _open_local(local: LocalModel, spec: BackendSpec, device: str) -> Backend:
    # Torch, only where a model is really loaded.
    from rs_copilot.learned.vlm import open_local

    return open_local(
        local.folder,
        precision=spec.precision,
        adapter=local.adapter,
        device=device,
        family=local.family,
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
    asked = iter(range(10**9))

    def answer(_: object) -> str:
        return str(answers[min(next(asked), len(answers) - 1)]) if answers else ""

    return ScriptedBackend(answer, family, pause_s, device="cpu" if device == "auto" else device)
