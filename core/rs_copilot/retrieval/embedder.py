"""The door to the retrieval network: an ONNX file with its card, run by onnxruntime on CPU or CUDA.

The network's contract: ``image`` uint8 ``(N, S, S, 4)`` RGBA, north-up, alpha 0 without data; ``branch``
float32 ``(N,)``, 0 for UAV views and 1 for satellite tiles; ``embedding`` float32 ``(N, D)`` of length 1.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.types import ByteImage, Float32Array

DEFAULT_WEIGHTS = Path(__file__).with_name("weights") / "cvaa-s.onnx"
BATCH = 32
HINT_CARD = (
    "Weights come with a card: NAME.onnx and NAME.json in one folder, as `train retriever` writes them."
)


class Branch(IntEnum):
    """Which side a picture comes from."""

    UAV = 0
    SATELLITE = 1


class ModelCard(BaseModel):
    """What a retrieval network is; cards say more (data, licences, scores), this is what running it needs."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    input_px: int = Field(gt=0, multiple_of=2)
    dimensions: int | None = Field(default=None, gt=0)


@dataclass(frozen=True)
class Embedder:
    """A loaded network. ``device`` is what it runs on in the end: ``cpu`` or ``cuda:N``."""

    card: ModelCard
    dimensions: int
    device: str
    session: Any

    @property
    def input_px(self) -> int:
        """Side of the pictures that the network was trained with."""
        return self.card.input_px

    @property
    def sha256(self) -> str:
        """Hash of the weights: embeddings of different weights cannot be compared."""
        return self.card.sha256

    def embed(
        self, images: ByteImage, branch: Branch, check: Callable[[], None] = lambda: None
    ) -> Float32Array:
        """Embeddings of pictures, in batches.

        Args:
            images: ``(N, S, S, 4)`` uint8 RGBA, north-up, alpha 0 where there is no data.
            branch: which side they come from.
            check: called before each batch; may raise to stop.

        Returns:
            ``(N, D)`` float32, rows of length 1.

        Raises:
            ValueError: the pictures have another shape or type.
        """
        if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 4:
            raise ValueError(f"expected images of shape (N, S, S, 4), found {images.shape}")
        if images.dtype != np.uint8:
            raise ValueError(f"expected uint8 images, found {images.dtype}")
        found = [np.zeros((0, self.dimensions), dtype=np.float32)]
        for start in range(0, len(images), BATCH):
            check()
            found.append(self._run(images[start : start + BATCH], branch))
        return np.concatenate(found)

    def _run(self, images: ByteImage, branch: Branch) -> Float32Array:
        inputs = {
            "image": np.ascontiguousarray(images),
            "branch": np.full(len(images), float(branch), dtype=np.float32),
        }
        (embedding,) = self.session.run(["embedding"], inputs)
        return np.asarray(embedding, dtype=np.float32)


def open_embedder(path: Path | None = None, device: str = "auto") -> Embedder:
    """Load a network with its card, checked against its hash.

    Args:
        path: the ONNX file; without it the weights that come with RS Copilot.
        device: ``auto`` (a graphics card where onnxruntime can use one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        MissingDependencyError: no onnxruntime, no weights in this installation, or no such device.
        BadInputError: the file or its card is missing, broken, or they do not belong together.
    """
    weights = DEFAULT_WEIGHTS if path is None else path
    if not weights.is_file():
        raise _missing(weights, packaged=path is None)
    card = read_card(weights)
    check_hash(weights, card)
    session = open_session(weights, device)
    names = {item.name for item in session.get_inputs()} | {item.name for item in session.get_outputs()}
    if not {"image", "branch", "embedding"} <= names:
        raise BadInputError(
            f"{weights} is no retrieval network: it has {', '.join(sorted(names))}, "
            "expected image, branch and embedding",
            hint=HINT_CARD,
        )
    used = session.get_providers()[0]
    chosen = "cpu" if used != "CUDAExecutionProvider" else (device if ":" in device else "cuda:0")
    return Embedder(card, _dimensions(session, card), chosen, session)


def read_card(weights: Path) -> ModelCard:
    """The card beside an ONNX file.

    Raises:
        BadInputError: there is none, or it does not say what running the network needs.
    """
    path = weights.with_suffix(".json")
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInputError(f"{weights.name} has no card: expected {path}", hint=HINT_CARD) from error
    except ValidationError as error:
        lacks = ", ".join(".".join(map(str, item["loc"])) or item["msg"] for item in error.errors())
        raise BadInputError(f"the card {path} cannot be used: {lacks}", hint=HINT_CARD) from error


def _missing(weights: Path, *, packaged: bool) -> Exception:
    if packaged:
        return MissingDependencyError(
            "The weights of the retriever are not part of this installation.",
            hint="Install RS Copilot from its wheel or zip, or give a network with --weights.",
        )
    return BadInputError(f"expected an ONNX file, found nothing at {weights}", hint=HINT_CARD)


def check_hash(weights: Path, card: ModelCard) -> None:
    """Make sure that a file is the one that its card describes.

    Raises:
        BadInputError: it is not.
    """
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else _digest(file)
    if digest.hexdigest() != card.sha256:
        raise BadInputError(
            f"{weights} is not the file of its card: SHA-256 {digest.hexdigest()[:12]}…, "
            f"expected {card.sha256[:12]}…",
            hint="Copy the network and its card again, together.",
        )


def _digest(file: Any) -> Any:  # noqa: ANN401  hashlib's type has no public name
    """What ``hashlib.file_digest`` of Python 3.11 does."""
    digest = hashlib.sha256()
    chunks: Iterator[bytes] = iter(lambda: file.read(1 << 20), b"")
    for chunk in chunks:
        digest.update(chunk)
    return digest


def open_session(weights: Path, device: str, threads: int | None = None) -> Any:  # noqa: ANN401  no types
    """An ONNX network, ready to run.

    Args:
        weights: the ONNX file.
        device: as `open_embedder` takes it.
        threads: of one inference; without it what OMP_NUM_THREADS allows, else every usable core.

    Raises:
        MissingDependencyError: no onnxruntime, or no such device.
        BadInputError: the file is no network.
    """
    try:
        import onnxruntime as ort
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "The package 'onnxruntime' is needed for retrieval and not installed.",
            hint="Install it with `pip install onnxruntime` (or onnxruntime-gpu, never both).",
        ) from error
    providers = _providers(device, ort.get_available_providers())
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or _threads()
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(weights), sess_options=options, providers=providers)
    except (
        ort.capi.onnxruntime_pybind11_state.InvalidProtobuf,
        ort.capi.onnxruntime_pybind11_state.Fail,
    ) as error:
        raise BadInputError(f"{weights} is no ONNX network that can be run: {error}") from error
    if device.startswith("cuda") and session.get_providers()[0] != "CUDAExecutionProvider":
        raise _no_cuda("onnxruntime could not start CUDA and fell back to the processor")
    return session


def _providers(device: str, available: list[str]) -> list[Any]:
    """What onnxruntime shall try, in order."""
    cpu: list[Any] = ["CPUExecutionProvider"]
    if device == "cpu":
        return cpu
    if "CUDAExecutionProvider" not in available:
        if device == "auto":
            return cpu
        raise _no_cuda(f"onnxruntime offers {', '.join(available)}")
    number = int(device.partition(":")[2] or 0)
    return [("CUDAExecutionProvider", {"device_id": number}), *cpu]


def _no_cuda(found: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"The retriever cannot run on CUDA here: {found}.",
        hint="Replace onnxruntime by onnxruntime-gpu (`pip install rs-copilot[gpu]`), or use --device cpu.",
    )


def _threads() -> int:
    """Threads of one inference: what OMP_NUM_THREADS allows, else every usable core."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _dimensions(session: Any, card: ModelCard) -> int:  # noqa: ANN401  onnxruntime has no types
    """Width of the embedding: by the card, else by the graph, else by trying."""
    if card.dimensions is not None:
        return card.dimensions
    (output,) = (item for item in session.get_outputs() if item.name == "embedding")
    if isinstance(output.shape[-1], int):
        return int(output.shape[-1])
    blank = np.zeros((1, card.input_px, card.input_px, 4), dtype=np.uint8)
    (found,) = session.run(["embedding"], {"image": blank, "branch": np.zeros(1, dtype=np.float32)})
    return int(found.shape[-1])
