"""Masks by click or box: the networks of the SAM family that transformers knows, from a folder of the user's.

Only weights in safetensors are read, nothing is downloaded, and no code is run that comes with a model. The
image goes through the large half of the network once; a second click on it costs only the small half.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.learned.pretrained import available, folder_of, hash_of, read_kind, read_network
from rs_copilot.types import BoolArray, ByteImage, Float32Array, FloatArray

KEPT_IMAGES = 4
# Kirillov et al., Segment Anything, 2023: the longer side fills the network's square, the rest is padded.
# Its successors (SAM 2, EdgeTAM, SAM 3) stretch the picture to the square.
PADDED = frozenset({"sam"})
STRETCHED = frozenset({"sam2", "sam2_video", "edgetam", "edgetam_video", "sam3_tracker", "sam3_video"})
HALVES = frozenset({"sam3_tracker", "sam3_video"})
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
HINT = (
    "Give a folder with config.json and model.safetensors of SAM, SAM 2, EdgeTAM or the tracker of SAM 3, as "
    "transformers saves them."
)


@dataclass
class Sam:
    """A network that outlines what is pointed at. Several threads may use it; they take turns."""

    name: str
    sha256: str
    network: Any = field(repr=False)
    device: str = "cpu"
    side_px: int = 1024
    is_padded: bool = True
    scaling: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET
    _known: OrderedDict[bytes, Any] = field(default_factory=OrderedDict, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def masks(
        self,
        image: ByteImage,
        points_px: FloatArray | None = None,
        point_labels: FloatArray | None = None,
        box_px: FloatArray | None = None,
    ) -> tuple[BoolArray, float]:
        """The object that points and a box tell of.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            points_px: ``(N, 2)`` x, y in pixels of the image (GDAL convention).
            point_labels: ``(N,)``, 1 on the object, 0 beside it; without it all are on it.
            box_px: x1, y1, x2, y2 around the object.

        Returns:
            The mask ``(H, W)`` and how well it fits by the network's own estimate, 0 to 1.

        Raises:
            ValueError: neither points nor box, or arrays of another shape.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected an image (H, W, 3) uint8, found {image.shape} {image.dtype}")
        asked = self._asked(image, points_px, point_labels, box_px)
        with self._turn:
            embedding = self._embedding(image)
            logits, score = self._decoded(embedding, asked)
        return self._full(logits, image.shape[:2]) > 0.0, float(np.clip(score, 0.0, 1.0))

    def _scale(self, shape: tuple[int, ...]) -> FloatArray:
        """Pixels of the network's square in one pixel of the image along x and y."""
        height, width = shape[:2]
        if self.is_padded:
            return np.full(2, self.side_px / max(height, width))
        return np.array([self.side_px / width, self.side_px / height])

    def _asked(
        self,
        image: ByteImage,
        points_px: FloatArray | None,
        point_labels: FloatArray | None,
        box_px: FloatArray | None,
    ) -> dict[str, np.ndarray]:
        """Points and box in pixels of the network's square, with its batch axes."""
        scale = self._scale(image.shape)
        asked: dict[str, np.ndarray] = {}
        if points_px is not None and len(points_px):
            points = np.asarray(points_px, dtype=np.float32).reshape(-1, 2) * scale
            labels = np.ones(len(points)) if point_labels is None else np.asarray(point_labels)
            if labels.shape != (len(points),):
                raise ValueError(f"expected {len(points)} labels, found {labels.shape}")
            asked["input_points"] = points[None, None].astype(np.float32)
            asked["input_labels"] = labels[None, None].astype(np.int64)
        if box_px is not None:
            box = np.asarray(box_px, dtype=np.float32).reshape(2, 2) * scale
            asked["input_boxes"] = box.reshape(1, 1, 4).astype(np.float32)
        if not asked:
            raise ValueError("expected points or a box, found neither")
        return asked

    def _embedding(self, image: ByteImage) -> Any:  # noqa: ANN401  a tensor, or one for each scale
        import torch

        key = hashlib.sha256(image.tobytes()).digest() + repr(image.shape).encode()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        with torch.inference_mode():
            pixels = torch.from_numpy(self._prepared(image)).to(self.device)
            found = self.network.get_image_embeddings(pixels)
        self._known[key] = found
        if len(self._known) > KEPT_IMAGES:
            self._known.popitem(last=False)
        return found

    def _prepared(self, image: ByteImage) -> Float32Array:
        """``(1, 3, S, S)``: scaled, standardised, and zero where there is no image."""
        width, height = (round(float(value)) for value in self._scale(image.shape) * image.shape[1::-1])
        scaled = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
        mean, std = (np.array(value, dtype=np.float32) for value in self.scaling)
        values = np.zeros((self.side_px, self.side_px, 3), dtype=np.float32)
        values[:height, :width] = (scaled.astype(np.float32) / 255.0 - mean) / std
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None])

    def _decoded(self, embedding: Any, asked: dict[str, np.ndarray]) -> tuple[Float32Array, float]:  # noqa: ANN401
        """The best mask's logits, at the network's resolution, and its estimated fit.

        One point may mean a part or the whole: three masks are tried. More than that is clear enough.
        """
        import torch

        is_vague = "input_boxes" not in asked and asked["input_points"].shape[2] == 1
        with torch.inference_mode():
            inputs = {name: torch.from_numpy(value).to(self.device) for name, value in asked.items()}
            found = self.network(image_embeddings=embedding, multimask_output=is_vague, **inputs)
            scores = found.iou_scores.float().cpu().numpy().ravel()
            masks = found.pred_masks.float().cpu().numpy()
        best = int(np.nan_to_num(scores, nan=-1.0).argmax())
        masks = masks.reshape(-1, *masks.shape[-2:])
        return np.asarray(masks[best], dtype=np.float32), float(np.nan_to_num(scores[best]))

    def _full(self, logits: Float32Array, shape: tuple[int, ...]) -> Float32Array:
        """Logits at the image's size, without the padding."""
        if self.is_padded:
            square = cv2.resize(logits, (self.side_px, self.side_px))
            width, height = (round(float(value)) for value in self._scale(shape) * shape[1::-1])
            logits = np.ascontiguousarray(square[:height, :width])
        return np.asarray(cv2.resize(logits, (shape[1], shape[0])), dtype=np.float32)


def open_sam(place: str, device: str = "cpu") -> Sam:
    """The network in a folder, after it has answered one click on trial.

    Args:
        place: the folder, or a pinned repository in the local cache; see `pretrained.folder_of`.
        device: where it computes: auto, cpu, or cuda with or without a number.

    Raises:
        MissingDependencyError: torch or transformers is not installed, or no such device.
        BadInputError: the folder holds no such network, or not all of its weights, or it does not work.
        UsageError: neither a folder nor a pinned repository.
    """
    folder = folder_of(place)
    kind = read_kind(folder, PADDED | STRETCHED, HINT)
    digest = hash_of(folder, HINT)
    network = read_network(folder, "AutoModelForMaskGeneration", HINT)
    device = available(device)
    network.to(device)
    try:
        sam = Sam(
            name=f"{kind} ({folder.name})",
            sha256=digest,
            network=network,
            device=device,
            side_px=int(network.config.prompt_encoder_config.image_size),
            is_padded=kind in PADDED,
            scaling=HALF if kind in HALVES else IMAGENET,
        )
        noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        sam.masks(noise, np.array([[20.0, 30.0]]))
    except (ValueError, TypeError, AttributeError, LookupError, RuntimeError) as error:
        raise BadInputError(f"the network in {folder} does not work: {error}", hint=HINT) from error
    return sam
