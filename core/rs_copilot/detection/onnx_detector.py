"""The door to detectors in ONNX files. Which kind a file is, a blank picture tells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs_copilot.detection import masks
from rs_copilot.detection.decode import Limits, Rows, decode
from rs_copilot.detection.description import (
    MAX_TEXT,
    NEIGHBOURS,
    Description,
    DetectorCard,
    clean_name,
    describe,
    with_neighbours,
)
from rs_copilot.detection.found import Found
from rs_copilot.detection.layouts import Hints, Layout, Plan, recognise
from rs_copilot.detection.pictures import Input, fitted
from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.models import cards
from rs_copilot.models.runtime import network_errors, open_session, used_device
from rs_copilot.types import ByteImage, FloatArray, SizeWH

MIN_SCORE = 0.25
MAX_IOU = 0.5
TILE_PX = 640
OVERLAP_SHARE = 0.15
BATCH_CPU, BATCH_GPU = 4, 16
BANDS = (1, 3, 4)
DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
# Boxes may reach a little beyond the picture.
MAX_SHARE = 2.0
# A score that nothing reaches: the class is not wanted.
UNWANTED = 2.0
HINT_INPUT = "Export the network with one input of pictures; see docs/detectors.md."


@dataclass(frozen=True)
class OnnxDetector:
    """A detector that onnxruntime runs; see `found.Detector`. ``layout`` is how its outputs were read."""

    class_names: tuple[str, ...]
    tile: SizeWH
    overlap_px: int
    gsd_m: float | None
    batch: int
    device: str
    model: str
    sha256: str | None
    layout: Layout
    session: Any = field(repr=False)
    input: Input = field(repr=False)
    size_input: str | None = field(repr=False)
    fixed_batch: int | None = field(repr=False)
    plan: Plan = field(repr=False)
    limits: Limits = field(repr=False)

    def detect(self, images: ByteImage) -> list[Found]:
        """What is in each picture.

        Args:
            images: ``(B, H, W, 3)`` uint8 RGB; one band is taken as grey, a fourth is left out unless the
                network takes it. Larger than a fixed input, they are made smaller.

        Raises:
            ValueError: the array is something else.
            BadInputError: the network fails on these pictures.
        """
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in BANDS:
            raise ValueError(f"expected uint8 pictures (B, H, W, 3), found {images.dtype} {images.shape}")
        if 0 in images.shape:
            return [self._nothing() for _ in images]
        values, scale = fitted(images, self.input)
        size = SizeWH(images.shape[2], images.shape[1])
        step = self.fixed_batch or len(values)
        return [
            self._found(outputs, size, scale)
            for start in range(0, len(values), step)
            for outputs in self._run(values[start : start + step])
        ]

    def _run(self, values: NDArray[np.generic]) -> list[dict[str, FloatArray]]:
        """Outputs for each picture of one batch; a batch that must be larger is filled up."""
        count = len(values)
        if self.fixed_batch is not None and count < self.fixed_batch:
            filler = np.zeros((self.fixed_batch - count, *values.shape[1:]), dtype=values.dtype)
            values = np.concatenate([values, filler])
        inputs: dict[str, NDArray[Any]] = {self.input.name: values}
        if self.size_input is not None:
            inputs[self.size_input] = np.tile(np.array(_size(values, self.input)), (len(values), 1))
        names = _wanted(self.plan)
        found = _ran(self.session, names, inputs, self.model)
        return [{name: found[name][i] for name in names} for i in range(count)]

    def _found(self, outputs: Mapping[str, FloatArray], size: SizeWH, scale: FloatArray) -> Found:
        canvas = self.input.canvas(size)
        rows = decode(self.plan, outputs, canvas, self.limits)
        width, height = size.width_px / scale[0], size.height_px / scale[1]
        # What lies on the black part of the input is nothing.
        rows = rows.take((rows.quads_px.mean(axis=1) <= (width, height)).all(axis=1))
        outlines = self._outlines(rows, outputs, canvas)
        quads = _bounded(rows.quads_px * scale, size, is_turned=self.layout in TURNED)
        return Found(
            quads.astype(np.float32),
            rows.scores.astype(np.float32),
            rows.labels.astype(np.int32),
            None if outlines is None else tuple((ring * scale).astype(np.float32) for ring in outlines),
        )

    def _outlines(
        self, rows: Rows, outputs: Mapping[str, FloatArray], canvas: SizeWH
    ) -> tuple[FloatArray, ...] | None:
        if self.plan.prototypes is None or rows.mixtures is None:
            return None
        prototypes = outputs[self.plan.prototypes].astype(np.float32)
        return masks.outlines(rows.mixtures, prototypes, rows.quads_px, canvas)

    def _nothing(self) -> Found:
        return Found.nothing(with_outlines=self.plan.prototypes is not None)


TURNED = {Layout.TURNED, Layout.TURNED_END_TO_END}


def _bounded(quads: FloatArray, size: SizeWH, *, is_turned: bool) -> FloatArray:
    """Horizontal boxes cut at the picture's border; a turned one would be no rectangle any more."""
    return quads if is_turned else np.clip(quads, 0.0, (size.width_px, size.height_px))


def open_onnx_detector(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    min_score: float | None = None,
    per_class: Mapping[str, float] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> OnnxDetector:
    """The detector in an ONNX file, after it has run on a blank picture.

    A card beside the file, NAME.json, is believed before the file's metadata; its hash must be right.

    Args:
        path: the file.
        classes: names of those that are wanted; without it all.
        min_score: the lowest score that counts; without it the card's, the metadata's, or 0.25.
        per_class: the same for single classes, by name.
        device: ``auto`` (a graphics card where onnxruntime can use one), ``cpu``, ``cuda`` or ``cuda:N``.
        threads: of one inference.

    Raises:
        UsageError: a class that the network does not know, or a score outside 0 to 1.
        MissingDependencyError: no onnxruntime, or no such device.
        BadInputError: the file is missing, no detector that can be read, or not the one of its card.
    """
    if not path.is_file():
        raise BadInputError(f"expected an ONNX file, found nothing at {path}")
    card = _card(path)
    session = open_session(path, device, threads)
    metadata = with_neighbours(session.get_modelmeta().custom_metadata_map, _neighbours(path.parent))
    said = describe(metadata, card)
    wanted, size_input, fixed_batch = _inputs(session, said)
    side = said.tile_px or TILE_PX
    tile = wanted.canvas(SizeWH(side, side))
    plan, classes_seen = _trial(session, wanted, size_input, fixed_batch or 1, tile, said, path)
    names = _names(said, plan, classes_seen)
    scores = _min_scores(names, classes, min_score, per_class, said, card)
    used = used_device(session, device)
    return OnnxDetector(
        class_names=names,
        tile=tile,
        overlap_px=round(
            (OVERLAP_SHARE if said.overlap_share is None else said.overlap_share) * tile.width_px
        ),
        gsd_m=said.gsd_m,
        batch=fixed_batch or (BATCH_CPU if used == "cpu" else BATCH_GPU),
        device=used,
        model=card.name if card else path.stem,
        sha256=card.sha256 if card else cards.sha256_of(path),
        layout=plan.layout,
        session=session,
        input=wanted,
        size_input=size_input,
        fixed_batch=fixed_batch,
        plan=plan,
        limits=Limits(scores, MAX_IOU if said.max_iou is None else said.max_iou),
    )


def _card(path: Path) -> DetectorCard | None:
    """The card beside a network; JSON of that name that names no hash is somebody else's."""
    if not cards.has_card(path):
        return None
    card = cards.read_card(path, DetectorCard)
    cards.check_hash(path, card)
    return card


def _neighbours(folder: Path) -> dict[str, Any]:
    """What the JSON files hold that transformers saves beside a network.

    Raises:
        BadInputError: one of them is there and cannot be read.
    """
    found = {}
    for path in (folder / name for name in NEIGHBOURS):
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_TEXT:
            raise BadInputError(f"{path} has {path.stat().st_size} bytes, expected {MAX_TEXT} at most")
        found[path.name] = _json(path)
    return found


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever stands there
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{path}, beside the network, is no JSON: {error}") from error


def _inputs(session: Any, said: Description) -> tuple[Input, str | None, int | None]:  # noqa: ANN401
    """The input of pictures, the name of one for their size, and the size of a batch where it is fixed."""
    given = session.get_inputs()
    pictures = [item for item in given if len(item.shape) == 4 and item.type in DTYPES]
    others = [item for item in given if item not in pictures]
    described = ", ".join(f"{item.name} {item.type} {item.shape}" for item in given)
    fits = len(pictures) == 1 and all(_is_size(item) for item in others) and len(others) <= 1
    bands = _bands(pictures[0].shape) if fits else None
    if bands is None:
        raise BadInputError(
            f"the network takes {described}, expected one input of pictures, (B, bands, H, W) or "
            "(B, H, W, bands) with 1, 3 or 4 bands as float, float16 or uint8, and beside it at most "
            "orig_target_sizes (B, 2)",
            hint=HINT_INPUT,
        )
    item, last = pictures[0], bands[1]
    height, width = (_fixed(side) for side in (item.shape[1:3] if last else item.shape[2:4]))
    dtype = np.dtype(DTYPES[item.type])
    mean, std = said.mean, said.std
    wanted = Input(item.name, width, height, bands[0], dtype, last, said.multiple_px, mean, std)
    return wanted, others[0].name if others else None, _fixed(item.shape[0])


def _is_size(item: Any) -> bool:  # noqa: ANN401 - onnxruntime has no types
    return item.type == "tensor(int64)" and len(item.shape) == 2 and item.shape[1] in {2, None}


def _fixed(side: object) -> int | None:
    """A side that the network prescribes; a name, nothing or -1 leaves it open."""
    return side if isinstance(side, int) and side > 0 else None


def _bands(shape: Sequence[object]) -> tuple[int, bool] | None:
    """How many bands, and whether they are the last axis."""
    for axis, last in ((1, False), (3, True)):
        bands = shape[axis]
        if isinstance(bands, int) and bands in BANDS:
            return bands, last
    return (3, False) if not isinstance(shape[1], int) and not isinstance(shape[3], int) else None


def _trial(
    session: Any,  # noqa: ANN401 - onnxruntime has no types
    wanted: Input,
    size_input: str | None,
    batch: int,
    tile: SizeWH,
    said: Description,
    path: Path,
) -> tuple[Plan, int]:
    """How to read the outputs, from those of a blank picture, and the number of classes."""
    blank = np.zeros((batch, tile.height_px, tile.width_px, wanted.bands), dtype=np.uint8)
    values, _ = fitted(blank, wanted)
    inputs: dict[str, NDArray[Any]] = {wanted.name: values}
    if size_input is not None:
        inputs[size_input] = np.tile(np.array(_size(values, wanted)), (batch, 1))
    names = [item.name for item in session.get_outputs()]
    found = _ran(session, names, inputs, path.stem)
    hints = Hints(
        detector_type=said.detector_type,
        class_count=len(said.class_names) if said.class_names else None,
        is_turned=said.task == "obb",
        is_end_to_end=said.is_end_to_end,
        is_in_shares=_in_shares(found),
    )
    shapes = {name: tuple(np.shape(values)) for name, values in found.items()}
    plan = recognise(shapes, (tile.width_px, tile.height_px), hints)
    return plan, plan.class_count or hints.class_count or 0


def _in_shares(outputs: Mapping[str, FloatArray]) -> bool | None:
    """Whether the numbers at the place of boxes are shares of a picture; pixels would be larger."""
    rows = next((values for values in outputs.values() if np.ndim(values) == 3), None)
    if rows is None or not (np.isfinite(rows[..., :4]) & (rows[..., :4] != 0.0)).any():
        return None
    return bool(np.nanmax(np.abs(rows[..., :4])) <= MAX_SHARE)


def _ran(
    session: Any,  # noqa: ANN401 - onnxruntime has no types
    names: Sequence[str],
    inputs: Mapping[str, NDArray[Any]],
    model: str,
) -> dict[str, FloatArray]:
    try:
        return dict(zip(names, session.run(list(names), dict(inputs)), strict=True))
    except network_errors() as error:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in inputs.items())
        raise BadInputError(f"the network {model} fails on {shapes}: {error}") from error


def _size(values: NDArray[Any], wanted: Input) -> tuple[int, int]:
    """Width and height of an input: boxes are asked for in its own pixels."""
    height, width = values.shape[1:3] if wanted.is_channels_last else values.shape[2:4]
    return width, height


def _wanted(plan: Plan) -> list[str]:
    return [*plan.outputs, *([plan.prototypes] if plan.prototypes else [])]


def _names(said: Description, plan: Plan, count: int) -> tuple[str, ...]:
    """Names for as many classes as there are; a network that lists numbers without names may use any."""
    known = said.class_names or ()
    open_ended = plan.class_count is None and not known
    return known + tuple(clean_name(None, i) for i in range(len(known), 1000 if open_ended else count))


def _min_scores(
    names: tuple[str, ...],
    classes: Sequence[str] | None,
    min_score: float | None,
    per_class: Mapping[str, float] | None,
    said: Description,
    card: DetectorCard | None,
) -> FloatArray:
    """The score that each class must reach."""
    default = said.min_score if said.min_score is not None else MIN_SCORE
    scores = np.full(len(names), default if min_score is None else min_score)
    own = card.min_scores if card is not None and min_score is None else {}
    for name, score in {**{name: own[name] for name in own if name in names}, **(per_class or {})}.items():
        scores[_rows(names, name)] = score
    if not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise UsageError(f"expected scores from 0 to 1, found {scores.min():g} to {scores.max():g}")
    if classes is not None:
        unwanted = np.ones(len(names), dtype=bool)
        for name in classes:
            unwanted[_rows(names, name)] = False
        scores[unwanted] = UNWANTED
    return scores


def _rows(names: tuple[str, ...], name: str) -> list[int]:
    """Numbers of the classes of a name, in any case of letters.

    Raises:
        UsageError: there is none.
    """
    rows = [i for i, known in enumerate(names) if known.casefold() == name.strip().casefold()]
    if not rows:
        shown = ", ".join(names[:50]) + (", …" if len(names) > 50 else "")
        raise UsageError(f"the detector knows no class {name!r}", hint=f"It knows: {shown}.")
    return rows
