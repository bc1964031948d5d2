"""The door to semantic segmentation networks in ONNX: whatever their layout, classes for every pixel.

Preparing a picture and deciding classes take a few milliseconds beside a network's tens: no copy is made that
the network does not need, and classes are compared in turn (numpy's argmax over the first axis is three
times as slow).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import BadInputError
from rs_copilot.models import cards
from rs_copilot.models.runtime import network_errors, open_session, used_device
from rs_copilot.segmentation.metadata import (
    HINT_METADATA,
    MAX_CLASSES,
    About,
    SegmenterCard,
    about_from_metadata,
    is_background,
)
from rs_copilot.segmentation.segmenter import Segmenter
from rs_copilot.types import ByteImage, Float32Array, SizeWH

DEFAULT_TILE_PX = 512
DEFAULT_OVERLAP = 0.15
DEFAULT_THRESHOLD = 0.5
BATCH_ON_CUDA = 8
_TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
HINT = "Give an ONNX network that takes one picture and gives every pixel a value per class, or its class."


@dataclass(frozen=True)
class _Input:
    """How the network wants its pictures: value * ``scale`` - ``offset``, both ``(C,)`` float32."""

    name: str
    dtype: type[np.generic]
    channels: int
    is_last: bool
    batch: int | None
    size: SizeWH | None
    scale: Float32Array = field(repr=False)
    offset: Float32Array = field(repr=False)

    def blob(self, images: ByteImage, into: Float32Array | None = None) -> NDArray[np.generic]:
        """What the network reads, of ``(B, H, W, 3)`` uint8 RGB.

        Floats are written ``into`` an array of the right shape where one is given.
        """
        bands = self._bands(images)
        planes = bands if self.is_last else bands.transpose(0, 3, 1, 2)
        if self.dtype is np.uint8:
            return np.ascontiguousarray(planes)
        values = into
        if values is None or values.shape != planes.shape:
            values = np.empty(planes.shape, dtype=np.float32)
        if self.is_last:
            np.multiply(planes, self.scale, out=values)
            np.subtract(values, self.offset, out=values)
        else:
            # Half of numpy's time, which converts in small pieces.
            from rs_copilot.segmentation import kernels

            rows = planes.shape[0] * planes.shape[1]
            flat = np.ascontiguousarray(planes).reshape(rows, -1)
            kernels.scale(flat, self.scale, self.offset, values.reshape(rows, -1))
        return values.astype(self.dtype, copy=False)

    def _bands(self, images: ByteImage) -> ByteImage:
        """As many bands as wanted: grey, RGB, or RGB with full opacity."""
        if self.channels == 3:
            return images
        if self.channels == 1:
            # Most networks never need it, and it takes 25 MB.
            import cv2

            return np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])[..., None]
        return np.pad(images, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)


@dataclass(frozen=True)
class _Output:
    """What the network's numbers mean. ``shift`` is added where class 0 is something."""

    name: str
    is_last: bool = False
    is_classes: bool = False
    is_probability: bool = False
    threshold: float = 0.0
    shift: int = 0

    def decide(self, values: NDArray[Any], size: SizeWH) -> ByteImage:
        """Classes ``(H, W)`` uint8 of one picture."""
        if values.ndim == 2:
            values = values[None]
        elif self.is_last:
            values = values.transpose(2, 0, 1)
        values = _resized(values, size, smooth=not self.is_classes)
        if self.is_classes:
            return _as_classes(values[0], self.shift)
        if len(values) == 1:
            return np.asarray(values[0] > self._level()).view(np.uint8)
        return self._best(values)

    def _level(self) -> float:
        """The threshold for one number per pixel: logits are compared with the threshold's logit."""
        share = min(max(self.threshold, 1e-6), 1.0 - 1e-6)
        return self.threshold if self.is_probability else float(np.log(share / (1.0 - share)))

    def _best(self, values: NDArray[Any]) -> ByteImage:
        """The class of the highest value; 0 where even that is too improbable. ``values``: (C, H, W)."""
        # The best of C probabilities is never below 1 / C.
        asks = self.threshold * len(values) > 1.0 or (self.is_probability and self.threshold > 0.0)
        found: ByteImage = np.asarray(values[1] > values[0]).view(np.uint8)
        best = np.maximum(values[0], values[1]) if asks or len(values) > 2 else values[0]
        for number in range(2, len(values)):
            np.putmask(found, values[number] > best, number)
            np.maximum(best, values[number], out=best)
        if self.shift:
            found += np.uint8(self.shift)
        if asks:
            found[self._improbable(values, best)] = 0
        return found

    def _improbable(self, values: NDArray[Any], best: NDArray[Any]) -> NDArray[np.bool_]:
        if self.is_probability:
            return np.asarray(best < self.threshold)
        total = np.zeros_like(best, dtype=np.float32)
        for plane in values:
            total += np.exp(plane - best)
        return np.asarray(total * self.threshold > 1.0)


def _resized(values: NDArray[Any], size: SizeWH, *, smooth: bool) -> NDArray[Any]:
    """``(C, H, W)`` at the picture's size: many networks answer at a quarter of it."""
    wanted = (size.width_px, size.height_px)
    if values.shape[1:] == wanted[::-1]:
        return values
    if not smooth:
        rows = np.arange(size.height_px) * values.shape[1] // size.height_px
        cols = np.arange(size.width_px) * values.shape[2] // size.width_px
        return values[:, rows[:, None], cols]
    import cv2

    return np.stack([cv2.resize(plane, wanted) for plane in values.astype(np.float32, copy=False)])


def _as_classes(numbers: NDArray[Any], shift: int) -> ByteImage:
    """Class numbers as bytes; what is no class (255 and beyond often means: ignore) is 0."""
    strange = (numbers < 0) | (numbers > MAX_CLASSES - 1 - shift)
    found = numbers.astype(np.uint8) + np.uint8(shift)
    found[strange] = 0
    return np.asarray(found, dtype=np.uint8)


@dataclass
class OnnxSegmenter:
    """See `Segmenter`."""

    class_names: tuple[str, ...]
    tile: SizeWH
    overlap_px: int
    gsd_m: float | None
    batch: int
    small_segment_px: int
    device: str
    model: str
    sha256: str | None
    session: Any = field(repr=False)
    source: _Input = field(repr=False)
    target: _Output = field(repr=False)
    # What each thread's last picture was written into: fresh megabytes for every tile cost more than the
    # conversion itself.
    _own: threading.local = field(default_factory=threading.local, repr=False)

    def segment(self, images: ByteImage) -> ByteImage:
        """See `Segmenter`.

        Raises:
            ValueError: the pictures are no ``(B, H, W, 3)`` uint8, or not of the size that the network takes.
        """
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(f"expected images (B, H, W, 3) uint8, found {images.shape} {images.dtype}")
        size = SizeWH(images.shape[2], images.shape[1])
        if self.source.size not in (None, size):
            raise ValueError(f"expected pictures of {self.source.size}, found {size}")
        found: list[ByteImage] = []
        step = self.source.batch or max(len(images), 1)
        for start in range(0, len(images), step):
            values = self._run(images[start : start + step])
            found += [self.target.decide(item, size) for item in values[: len(images) - start]]
        if len(found) == 1:
            return found[0][None]
        return np.array(found, dtype=np.uint8).reshape(images.shape[:3])

    def _run(self, images: ByteImage) -> NDArray[Any]:
        lacking = (self.source.batch or 0) - len(images)
        if lacking > 0:
            images = np.concatenate([images, np.zeros((lacking, *images.shape[1:]), dtype=np.uint8)])
        blob = self.source.blob(images, getattr(self._own, "blob", None))
        if blob.dtype == np.float32:
            self._own.blob = blob
        (values,) = self.session.run([self.target.name], {self.source.name: blob})
        return np.asarray(values)


def open_segmenter(path: Path, *, device: str = "auto", threads: int | None = None) -> Segmenter:
    """A semantic segmentation network, after it has worked on one picture on trial, once in a process.

    It may give ``(B, C, H, W)`` logits or probabilities, ``(B, 1, H, W)`` or ``(B, H, W)`` of one class, or
    whole numbers ``(B, H, W)``; also with channels last, and at a part of the picture's size. Its settings
    come from the card ``NAME.json`` beside it, or else from its metadata.

    Args:
        path: the ONNX file.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: of one inference; 1 where several threads call it at once.

    Raises:
        BadInputError: no such file, not a network of this kind, or metadata or card that cannot be used.
        MissingDependencyError: no onnxruntime, or no such device.
    """
    if not path.is_file():
        raise BadInputError(f"expected an ONNX file, found nothing at {path}", hint=HINT)
    card = _card_of(path)
    sha256 = card.sha256 if card else cards.sha256_of(path)
    session = open_session(path, device, threads)
    about = card or about_from_metadata(session.get_modelmeta().custom_metadata_map, path)
    source = _input_of(session, about, path)
    side = about.tile_px or DEFAULT_TILE_PX
    tile = source.size or SizeWH(side, side)
    where = used_device(session, device)
    trial = _TRIALS.get((sha256, about, where)) or _tried(session, source, tile, path)
    target, names = _output_of(session, about, source, trial, tile, path)
    _TRIALS[sha256, about, where] = trial
    return OnnxSegmenter(
        class_names=names,
        tile=tile,
        overlap_px=round((DEFAULT_OVERLAP if about.overlap is None else about.overlap) * tile.width_px),
        gsd_m=about.gsd_m,
        batch=source.batch or (1 if where == "cpu" else BATCH_ON_CUDA),
        small_segment_px=about.small_segment_px,
        device=where,
        model=card.name if card else path.stem,
        sha256=sha256,
        session=session,
        source=source,
        target=target,
    )


def _card_of(path: Path) -> SegmenterCard | None:
    if not cards.has_card(path):
        return None
    card = cards.read_card(path, SegmenterCard)
    cards.check_hash(path, card)
    return card


def _input_of(session: Any, about: About, path: Path) -> _Input:  # noqa: ANN401  onnxruntime has no types
    """How the one input wants to be filled."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _TYPES:
        found = ", ".join(f"{item.name} {item.type} {item.shape}" for item in inputs)
        raise BadInputError(
            f"{path.name} is no network for pictures: expected one input with four axes, found {found}",
            hint=HINT,
        )
    shape = [side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape]
    is_last = shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4)
    channels = shape[3] if is_last else shape[1]
    if channels not in (1, 3, 4, None):
        raise BadInputError(
            f"{path.name} takes pictures of {channels} bands, expected 1, 3 or 4 (red, green, blue, opacity)",
            hint=HINT,
        )
    height, width = shape[1:3] if is_last else shape[2:4]
    size = SizeWH(width, height) if width and height else None
    scale, offset = _scaling(about, channels or 3, path)
    return _Input(
        inputs[0].name, _TYPES[inputs[0].type], channels or 3, is_last, shape[0], size, scale, offset
    )


def _scaling(about: About, channels: int, path: Path) -> tuple[Float32Array, Float32Array]:
    mean, std = np.array(about.mean or (0.0,)), np.array(about.std or (1.0,))
    if len(mean) not in (1, channels) or len(std) not in (1, channels):
        raise BadInputError(
            f"{path.name} has {channels} bands, but {len(mean)} means and {len(std)} deviations",
            hint=HINT_METADATA,
        )
    scale = np.broadcast_to(about.scale / std, channels)
    return scale.astype(np.float32), np.broadcast_to(mean / std, channels).astype(np.float32)


@dataclass(frozen=True)
class _Trial:
    """What the first output for one picture was like; ``is_share``: all its values lay between 0 and 1."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_share: bool


# A large network takes seconds for a picture: whoever comes back with it does not wait for that again.
_TRIALS: dict[tuple[str, About, str], _Trial] = {}


def _tried(session: Any, source: _Input, tile: SizeWH, path: Path) -> _Trial:  # noqa: ANN401  as above
    """What comes of one picture of noise, black and white."""
    shape = (source.batch or 1, tile.height_px, tile.width_px, 3)
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    picture[:, : tile.height_px // 4] = 0
    picture[:, -(tile.height_px // 4) :] = 255
    try:
        values = np.asarray(session.run(None, {source.name: source.blob(picture)})[0])
    except network_errors() as error:
        raise BadInputError(f"{path.name} fails on a picture of {tile}: {error}", hint=HINT) from error
    if values.ndim not in (3, 4) or values.dtype.kind not in "iufb":
        raise BadInputError(
            f"{path.name} gives {values.dtype} {values.shape}, expected a value for every pixel", hint=HINT
        )
    is_share = bool(np.isfinite(values).all() and values.min() >= 0.0 and values.max() <= 1.0)
    return _Trial(values.shape, values.dtype, is_share)


def _output_of(
    session: Any,  # noqa: ANN401  as above
    about: About,
    source: _Input,
    trial: _Trial,
    tile: SizeWH,
    path: Path,
) -> tuple[_Output, tuple[str, ...]]:
    """What the numbers of the trial say, and the names of the classes."""
    has_bands = len(trial.shape) == 4
    is_last = has_bands and _is_last(trial.shape, source.is_last, tile)
    count = trial.shape[3 if is_last else 1] if has_bands else 1
    is_whole = trial.dtype.kind in "iu" and count == 1
    is_classes = about.output == "classes" or (about.output is None and is_whole)
    output = _Output(
        session.get_outputs()[0].name,
        is_last=is_last,
        is_classes=is_classes,
        is_probability=trial.is_share if about.output is None else about.output == "probabilities",
        threshold=_threshold(about, count),
    )
    if is_classes:
        names, shift = _names_of_numbers(about.class_names)
    elif count == 1:
        names, shift = _names_of_one(about.class_names, path), 0
    else:
        names, shift = _names_of_many(about.class_names, count, path)
    return replace(output, shift=shift), names


def _threshold(about: About, count: int) -> float:
    if about.threshold is not None:
        return about.threshold
    return DEFAULT_THRESHOLD if count == 1 else 0.0


def _is_last(shape: tuple[int, ...], source_is_last: bool, tile: SizeWH) -> bool:
    """Whether classes are the last axis: the picture's size tells, else the input does."""
    size = (tile.height_px, tile.width_px)
    first, last = shape[2:4] == size, shape[1:3] == size
    return source_is_last if first == last else last


def _names_of_one(names: tuple[str, ...] | None, path: Path) -> tuple[str, ...]:
    if names is None:
        return "background", "class 1"
    if len(names) > 2:
        raise _wrong_count(names, 2, path)
    return ("background", *names) if len(names) == 1 else names


def _names_of_many(names: tuple[str, ...] | None, count: int, path: Path) -> tuple[tuple[str, ...], int]:
    """Names, and 1 where class 0 is something, so that 0 stays nothing."""
    if names is None:
        names = ("background", *(f"class {number}" for number in range(1, count)))
    if len(names) != count or count > MAX_CLASSES - 1:
        raise _wrong_count(names, count, path)
    return (names, 0) if is_background(names[0]) else (("background", *names), 1)


def _names_of_numbers(names: tuple[str, ...] | None) -> tuple[tuple[str, ...], int]:
    known = names or ("background",)
    rest = (f"class {number}" for number in range(len(known), MAX_CLASSES - 1))
    return (
        ((*known, *rest), 0) if is_background(known[0]) else (("background", *known, *rest)[:MAX_CLASSES], 1)
    )


def _wrong_count(names: tuple[str, ...], count: int, path: Path) -> BadInputError:
    return BadInputError(
        f"{path.name} has names for {len(names)} classes, but gives {count}, of {MAX_CLASSES - 1} at most",
        hint=HINT_METADATA,
    )
