"""The door to the dense head of the retrieval network: learned fields of pictures of any size, on the CPU.

The network's contract: ``image`` uint8 ``(N, H, W, 4)`` RGBA, north-up, alpha 0 without data, both sides
multiples of 4; ``field`` float32 ``(N, C, H / 2, W / 2)``, each pixel's channels of length at most 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.models.cards import HINT_CARD, check_hash
from rs_copilot.models.runtime import open_session
from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS, read_card
from rs_copilot.types import BoolArray, ByteImage, Float32Array

DENSE_WEIGHTS = DEFAULT_WEIGHTS.with_name("cvaa-s-dense.onnx")
# Pixels of a picture per cell of its field, and what sides must be multiples of.
STRIDE, MULTIPLE_PX = 2, 4


@dataclass(frozen=True)
class DenseNetwork:
    """A loaded network; serves any number of threads."""

    session: Any

    def field(self, image: ByteImage, valid: BoolArray) -> Float32Array:
        """The field of one picture, zero where there is no data.

        Args:
            image: ``(H, W, 3)`` RGB; sides are multiples of `MULTIPLE_PX`.
            valid: ``(H, W)``.

        Returns:
            ``(C, H / 2, W / 2)``.

        Raises:
            ValueError: the sides are no such multiples.
        """
        if image.shape[0] % MULTIPLE_PX or image.shape[1] % MULTIPLE_PX:
            raise ValueError(f"expected sides that are multiples of {MULTIPLE_PX}, found {image.shape[:2]}")
        rgba = np.dstack([image, np.where(valid, 255, 0).astype(np.uint8)])
        (made,) = self.session.run(["field"], {"image": rgba[None]})
        return np.asarray(made[0], dtype=np.float32)


def open_dense(path: Path = DENSE_WEIGHTS) -> DenseNetwork | None:
    """The network for dense fields, or ``None`` where this installation has none: others go on without it.

    Raises:
        BadInputError: the file and its card do not belong together, or it is another network.
    """
    if not path.is_file():
        return None
    check_hash(path, read_card(path))
    try:
        # Pictures are small: more threads would spend their time waiting for each other.
        session = open_session(path, "cpu", threads=1)
    except MissingDependencyError:
        return None
    names = {item.name for item in session.get_inputs()} | {item.name for item in session.get_outputs()}
    if not {"image", "field"} <= names:
        raise BadInputError(
            f"{path} makes no dense fields: it has {', '.join(sorted(names))}, expected image and field",
            hint=HINT_CARD,
        )
    return DenseNetwork(session)
