"""Networks that transformers knows, from a folder. Nothing is downloaded, no code of a network is run.

Weights are safetensors only; all of them must be there, and all of them must be numbers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rs_copilot.errors import BadInputError, MissingDependencyError, UsageError
from rs_copilot.models.cards import sha256_of

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PINNED = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")
# What transformers raises about files that are not what they should be.
UNREADABLE = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)


def folder_of(place: str) -> Path:
    """The folder that is meant by a path, or by ``repo@revision`` in the local cache of Hugging Face.

    Raises:
        UsageError: neither a folder nor a repository with the full hash of a revision.
        MissingDependencyError: the revision is not in the cache, or huggingface_hub is not installed.
    """
    if Path(place).is_dir():
        return Path(place)
    pinned = PINNED.fullmatch(place)
    if pinned is None:
        raise _unpinned(place)
    hub = _hub()
    try:
        found = hub.snapshot_download(pinned["repo"], revision=pinned["revision"], local_files_only=True)
    except hub.errors.HFValidationError as error:
        raise _unpinned(place) from error
    except hub.errors.LocalEntryNotFoundError as error:
        raise MissingDependencyError(
            f"The network {place} is not on this machine.",
            hint=f"Download it once: hf download {pinned['repo']} --revision {pinned['revision']}",
        ) from error
    return Path(found)


def _unpinned(place: str) -> UsageError:
    return UsageError(
        f"{place!r} is neither a folder nor a pinned repository",
        hint="Give a folder, or OWNER/NAME@REVISION with all 40 digits of the revision's hash.",
    )


def read_kind(folder: Path, known: Collection[str], hint: str) -> str:
    """The kind of network in a folder.

    Raises:
        BadInputError: there is none, or it is of another kind.
    """
    try:
        kind = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise BadInputError(f"{folder} has no {CONFIG} that can be read: {error}", hint=hint) from error
    if kind not in known:
        raise BadInputError(
            f"{folder} holds a network of the kind {kind!r}, expected {', '.join(sorted(known))}", hint=hint
        )
    return str(kind)


def need_transformers() -> None:
    """Make sure that networks can be read.

    Raises:
        MissingDependencyError: torch or transformers is not installed.
    """
    _transformers()


def read_network(
    folder: Path,
    loader: str,
    hint: str,
    *,
    checks_numbers: bool = True,
    **options: Any,  # noqa: ANN401 - transformers has no types
) -> Any:  # noqa: ANN401
    """A network with its weights, ready to run.

    Args:
        folder: configuration and weights.
        loader: name of the class of transformers that reads it, ``AutoModelFor...``.
        hint: what to do if it cannot be read.
        checks_numbers: whether every weight is looked at; large networks are tried out instead.
        options: for transformers, for example ``dtype``.

    Raises:
        MissingDependencyError: torch or transformers is not installed.
        BadInputError: something is missing or is not what it should be.
    """
    transformers, unreadable = _transformers()
    try:
        network, info = getattr(transformers, loader).from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except unreadable as error:
        raise BadInputError(f"cannot read the network in {folder}: {error}", hint=hint) from error
    # transformers makes up what is missing, with no more than a line in the log.
    if info["missing_keys"]:
        absent = sorted(info["missing_keys"])
        raise BadInputError(f"{folder} lacks {len(absent)} weights, {absent[0]} first", hint=hint)
    if checks_numbers and not all(bool(values.isfinite().all()) for values in network.state_dict().values()):
        raise BadInputError(f"{folder} has weights that are no numbers", hint=hint)
    return network.eval()


def hash_of(folder: Path, hint: str) -> str:
    """SHA-256 of the weights; of several files that of their hashes, in the order of their names.

    Raises:
        BadInputError: there are no weights in safetensors.
    """
    if (folder / WEIGHTS).is_file():
        return sha256_of(folder / WEIGHTS)
    parts = sorted(folder.glob("model-*-of-*.safetensors")) if (folder / INDEX).is_file() else []
    if not parts:
        raise BadInputError(f"{folder} has no {WEIGHTS}", hint=hint)
    return hashlib.sha256("".join(map(sha256_of, parts)).encode()).hexdigest()


def available(device: str) -> str:
    """The device that is meant by ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        MissingDependencyError: there is no such device.
    """
    import torch

    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    number = int(device.partition(":")[2] or 0)
    if device.startswith("cuda") and number >= torch.cuda.device_count():
        raise MissingDependencyError(
            f"There is no {device} for torch here.", hint="Use --device cpu, or install torch with CUDA."
        )
    return device


def _transformers() -> tuple[Any, tuple[type[Exception], ...]]:
    """The package, quiet, and the errors of its readers."""
    try:
        import torch  # noqa: F401 - transformers reads without it, and fails later
        import transformers
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError
    except ImportError as error:
        raise _missing() from error
    # Its progress bars and reports are of no use to anyone here: what they report is checked.
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers, (*UNREADABLE, SafetensorError, StrictDataclassError)


def _hub() -> Any:  # noqa: ANN401 - comes without types
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise _missing() from error
    return huggingface_hub


def _missing() -> MissingDependencyError:
    return MissingDependencyError(
        "Networks of Hugging Face need the packages torch and transformers.",
        hint="Install the extra `vlm`: pip install 'rs-copilot[vlm]'.",
    )
