"""The door to the retrieval network: an ONNX file with its card, run by onnxruntime on CPU or CUDA.

The network's contract: ``image`` uint8 ``(N, S, S, 4)`` RGBA, north-up, alpha 0 without data; ``branch``
float32 ``(N,)``, 0 for UAV views and 1 for satellite tiles; ``embedding`` float32 ``(N, D)`` of length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.models import cards
from rs_copilot.models.cards import HINT_CARD
from rs_copilot.models.runtime import open_session, used_device
from rs_copilot.types import ByteImage, Float32Array

DEFAULT_WEIGHTS = Path(__file__).with_name("weights") / "cvaa-s.onnx"
BATCH = 32


class Branch(IntEnum):
    """Which side a picture comes from."""

    UAV = 0
    SATELLITE = 1


class ModelCard(cards.WeightsCard):
    """What a retrieval network is."""

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
    cards.check_hash(weights, card)
    session = open_session(weights, device)
    names = {item.name for item in session.get_inputs()} | {item.name for item in session.get_outputs()}
    if not {"image", "branch", "embedding"} <= names:
        raise BadInputError(
            f"{weights} is no retrieval network: it has {', '.join(sorted(names))}, "
            "expected image, branch and embedding",
            hint=HINT_CARD,
        )
    return Embedder(card, _dimensions(session, card), used_device(session, device), session)


def read_card(weights: Path) -> ModelCard:
    """The card beside an ONNX file.

    Raises:
        BadInputError: there is none, or it does not say what running the network needs.
    """
    return cards.read_card(weights, ModelCard)


def _missing(weights: Path, *, packaged: bool) -> Exception:
    if packaged:
        return MissingDependencyError(
            "The weights of the retriever are not part of this installation.",
            hint="Install RS Copilot from its wheel or zip, or give a network with --weights.",
        )
    return BadInputError(f"expected an ONNX file, found nothing at {weights}", hint=HINT_CARD)


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
