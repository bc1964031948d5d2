"""Detectors that are told in words what to look for: Grounding DINO and OWL-ViT from a folder or the cache.

Both give each of many boxes a logit for every phrase. OWL (Minderer et al. 2022, 2023) compares boxes with
whole phrases; Grounding DINO (Liu et al. 2023) with words, so that a phrase counts as much as its best word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rs_copilot.detection import boxes
from rs_copilot.detection.decode import Limits, decode
from rs_copilot.detection.found import Found
from rs_copilot.detection.layouts import Layout, Plan
from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.learned import pretrained
from rs_copilot.types import ByteImage, FloatArray, SizeWH

LOADER = "AutoModelForZeroShotObjectDetection"
# The image processor of each kind, which AutoProcessor would only choose where torchvision is installed.
KINDS = {
    "grounding-dino": "GroundingDinoImageProcessor",
    "mm-grounding-dino": "GroundingDinoImageProcessor",
    "owlv2": "Owlv2ImageProcessor",
    "owlvit": "OwlViTImageProcessor",
}
# What their authors use; users look at single boxes, so rather too few than too many.
MIN_SCORES = {"grounding-dino": 0.3, "mm-grounding-dino": 0.3, "owlv2": 0.2, "owlvit": 0.1}
MAX_IOU = 0.5
OVERLAP_SHARE = 0.2
DINO_TILE_PX = 800
BATCH_CPU, BATCH_GPU = 1, 4
PLAN_OUTPUTS = ("logits", "boxes")
HINT = (
    "Give a folder with config.json, model.safetensors, tokenizer and preprocessor_config.json of Grounding "
    "DINO, OWL-ViT or OWLv2, as transformers saves them."
)


@dataclass(frozen=True)
class Words:
    """Phrases as a network reads them.

    ``tokens`` are its inputs, a row for each text; ``spans`` the tokens of each phrase in the one text of
    Grounding DINO, ``None`` where every phrase is a text of its own.
    """

    tokens: Mapping[str, Any]
    spans: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True)
class ZeroShotDetector:
    """A detector for phrases; see `found.Detector`."""

    class_names: tuple[str, ...]
    tile: SizeWH
    overlap_px: int
    gsd_m: float | None
    batch: int
    device: str
    model: str
    sha256: str | None
    kind: str
    network: Any = field(repr=False)
    processor: Any = field(repr=False)
    words: Words = field(repr=False)
    limits: Limits = field(repr=False)

    def detect(self, images: ByteImage) -> list[Found]:
        """What fits the phrases in each of ``(B, H, W, 3)`` uint8 pictures, each object once.

        Raises:
            ValueError: the array is something else.
        """
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] != 3:
            raise ValueError(f"expected uint8 pictures (B, H, W, 3), found {images.dtype} {images.shape}")
        if 0 in images.shape:
            return [Found.nothing() for _ in images]
        logits, shares = self._run(images)
        size = SizeWH(images.shape[2], images.shape[1])
        return [self._found(*outputs, size) for outputs in zip(logits, shares, strict=True)]

    def _run(self, images: ByteImage) -> tuple[FloatArray, FloatArray]:
        """Logits ``(B, N, C)`` and boxes ``(B, N, 4)`` in shares of the picture, padding included."""
        import torch

        pixels = self.processor(images=list(images), input_data_format="channels_last", return_tensors="pt")
        count = len(images)
        words = {name: values.repeat(count, 1) for name, values in self.words.tokens.items()}
        inputs = {name: values.to(self.device) for name, values in {**pixels, **words}.items()}
        with torch.inference_mode():
            output = self.network(**inputs)
        logits = np.asarray(output.logits.float().cpu().numpy())
        if self.words.spans is not None:
            logits = np.stack([logits[..., list(span)].max(axis=2) for span in self.words.spans], axis=2)
        return logits, np.asarray(output.pred_boxes.float().cpu().numpy())

    def _found(self, logits: FloatArray, shares: FloatArray, size: SizeWH) -> Found:
        # OWLv2 pads pictures to squares, on the right and below.
        side = max(size.width_px, size.height_px)
        canvas = SizeWH(side, side) if self.kind == "owlv2" else size
        plan = Plan(Layout.LOGITS, PLAN_OUTPUTS, len(self.class_names))
        rows = decode(plan, dict(zip(PLAN_OUTPUTS, (logits, shares), strict=True)), canvas, self.limits)
        rows = rows.take((rows.quads_px.mean(axis=1) < (size.width_px, size.height_px)).all(axis=1))
        quads = np.clip(rows.quads_px, 0.0, (size.width_px, size.height_px))
        best = boxes.nms(quads, rows.scores, rows.labels, max_iou=self.limits.max_iou)
        return Found(
            quads[best].astype(np.float32),
            rows.scores[best].astype(np.float32),
            rows.labels[best].astype(np.int32),
        )


def open_zero_shot(
    folder_or_id: str,
    classes: Sequence[str],
    *,
    min_score: float | None = None,
    per_class: Mapping[str, float] | None = None,
    device: str = "auto",
) -> ZeroShotDetector:
    """The detector in a folder, after it has looked at one blank picture.

    Args:
        folder_or_id: a folder, or ``repo@revision`` in the local cache; nothing is downloaded.
        classes: phrases, for example ``white car``.
        min_score: the lowest score that counts; without it what suits the kind of network.
        per_class: the same for single phrases.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UsageError: no phrases, unusable ones, or scores outside 0 to 1.
        MissingDependencyError: torch, transformers, the network or the device is not here.
        BadInputError: the folder holds no such network, or it does not work.
    """
    phrases = _phrases(classes)
    folder = pretrained.folder_of(folder_or_id)
    kind = pretrained.read_kind(folder, KINDS, HINT)
    digest = pretrained.hash_of(folder, HINT)
    network = pretrained.read_network(folder, LOADER, HINT)
    used = pretrained.available(device)
    network.to(used)
    processor, tokenizer = _read_processors(folder_or_id, folder, kind)
    scores = _min_scores(phrases, MIN_SCORES[kind] if min_score is None else min_score, per_class or {})
    side = _side(network.config, kind)
    detector = ZeroShotDetector(
        class_names=phrases,
        tile=SizeWH(side, side),
        overlap_px=round(OVERLAP_SHARE * side),
        gsd_m=None,
        batch=BATCH_CPU if used == "cpu" else BATCH_GPU,
        device=used,
        model=f"{kind} ({folder_or_id if '@' in folder_or_id else folder.name})",
        sha256=digest,
        kind=kind,
        network=network,
        processor=processor,
        words=_read_words(tokenizer, phrases, network.config, kind),
        limits=Limits(scores, MAX_IOU),
    )
    try:
        detector.detect(np.full((1, side, side, 3), 128, dtype=np.uint8))
    except pretrained.UNREADABLE as error:
        raise BadInputError(f"the detector in {folder} does not work: {error}", hint=HINT) from error
    return detector


def _phrases(classes: Sequence[str]) -> tuple[str, ...]:
    """Phrases in small letters, without the full stops that separate them for Grounding DINO."""
    phrases = tuple(" ".join(phrase.lower().replace(".", " ").split()) for phrase in classes)
    if not phrases or not all(phrases) or len(set(phrases)) != len(phrases):
        raise UsageError(
            f"expected one phrase or more, all of them different, found {list(classes)}",
            hint="Say what to look for, for example --classes 'white car,bus'.",
        )
    return phrases


def _min_scores(phrases: tuple[str, ...], default: float, per_class: Mapping[str, float]) -> FloatArray:
    scores = np.full(len(phrases), default)
    for phrase, score in per_class.items():
        if phrase.lower() not in phrases:
            raise UsageError(f"{phrase!r} is none of the phrases {', '.join(phrases)}")
        scores[phrases.index(phrase.lower())] = score
    if not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise UsageError(f"expected scores from 0 to 1, found {scores.min():g} to {scores.max():g}")
    return scores


def _side(config: Any, kind: str) -> int:  # noqa: ANN401 - transformers has no types
    """Side of the pictures that a network was made for."""
    side = getattr(getattr(config, "vision_config", None), "image_size", None) if "owl" in kind else None
    return side if isinstance(side, int) and side > 0 else DINO_TILE_PX


def _read_processors(place: str, folder: Any, kind: str) -> tuple[Any, Any]:  # noqa: ANN401 - no types
    """What prepares pictures, without torchvision, and what prepares words."""
    import transformers

    name = KINDS[kind]
    pictures = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    words = transformers.AutoTokenizer
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        return pictures.from_pretrained(folder, local_files_only=True), words.from_pretrained(
            folder, **options
        )
    except (ImportError, *pretrained.UNREADABLE) as error:
        raise BadInputError(
            f"cannot read what {place} prepares its inputs with: {error}", hint=HINT
        ) from error


def _read_words(tokenizer: Any, phrases: tuple[str, ...], config: Any, kind: str) -> Words:  # noqa: ANN401
    """Phrases as tokens.

    Raises:
        UsageError: they are too long for the network.
    """
    if "owl" in kind:
        room = int(config.text_config.max_position_embeddings)
        tokens = tokenizer(list(phrases), padding="max_length", max_length=room, return_tensors="pt")
        _check_room(int(tokens["input_ids"].shape[1]), room, phrases)
        return Words({name: tokens[name] for name in ("input_ids", "attention_mask")})
    tokens = tokenizer(" . ".join(phrases) + " .", return_tensors="pt")
    numbers = tokens["input_ids"][0].tolist()
    _check_room(len(numbers), int(config.max_text_len), phrases)
    stop, special = tokenizer.convert_tokens_to_ids("."), set(tokenizer.all_special_ids)
    spans: list[list[int]] = [[]]
    for place, number in enumerate(numbers):
        if number == stop:
            spans.append([])
        elif number not in special - {tokenizer.unk_token_id}:
            spans[-1].append(place)
    full = tuple(tuple(span) for span in spans if span)
    if len(full) != len(phrases):
        raise UsageError(f"the network reads {len(full)} phrases in {list(phrases)}, expected {len(phrases)}")
    return Words(dict(tokens), full)


def _check_room(length: int, room: int, phrases: tuple[str, ...]) -> None:
    if length > room:
        raise UsageError(
            f"the phrases {', '.join(phrases)} have {length} tokens, expected {room} at most",
            hint="Use shorter or fewer phrases.",
        )
