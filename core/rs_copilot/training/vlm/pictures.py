"""The door to the pictures of conversations."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from rs_copilot.errors import BadInputError
from rs_copilot.training.vlm.conversations import Example, Stored
from rs_copilot.types import ByteImage
from rs_copilot.video.stills import read_image

# Formats whose pictures may be transparent.
TRANSPARENT = frozenset({".png", ".webp", ".gif"})


def read_pictures(example: Example) -> list[ByteImage]:
    """Every picture of a conversation, in the order of `Example.pictures`.

    Raises:
        BadInputError: one cannot be read.
    """
    return [read_picture(stored) for stored in example.pictures]


def read_picture(stored: Stored) -> ByteImage:
    """A picture ``(H, W, 3)``; what is transparent becomes white, as the models' own processor does it.

    Raises:
        BadInputError: it cannot be read.
    """
    source = stored.source
    try:
        if isinstance(source, str):
            return _on_white(io.BytesIO(base64.b64decode(source.partition(",")[2], validate=True)))
        return _on_white(source) if source.suffix.lower() in TRANSPARENT else read_image(source)
    except (OSError, ValueError) as error:
        raise BadInputError(f"cannot read the picture {str(source)[:100]}: {error}") from error


def _on_white(file: Path | io.BytesIO) -> ByteImage:
    with Image.open(file) as found:
        layered = found.convert("RGBA")
    ground = Image.new("RGBA", layered.size, "white")
    return np.array(Image.alpha_composite(ground, layered).convert("RGB"))
