"""Tiny detectors in ONNX files whose answers are known: they find bright squares, to the pixel.

A square of `SIDE_PX` is found by a template: its mean less the mean of the ring around it, 1 for a square of
full brightness on black, at most 0.71 one pixel beside it. Red, green and blue squares are classes 0 to 2.
Each cell of `CELL_PX` reports its best place, so squares must be a cell apart. A square that a border cuts is
not found above 0.8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rs_copilot.types import ByteImage

SIDE_PX, CELL_PX, MASK_PX = 16, 16, 4
CLASSES = ("red", "green", "blue")
PROTOTYPES = 32
ANGLE_RAD = 0.25
FEW = 40

Square = tuple[int, int, int]
"""Left, top, class."""


def picture(width: int, height: int, squares: Sequence[Square], brightness: int = 255) -> ByteImage:
    """RGB, black but for the squares."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for left, top, label in squares:
        image[top : top + SIDE_PX, left : left + SIDE_PX, label] = brightness
    return image


def places(width: int, height: int, count: int, seed: int = 0) -> list[Square]:
    """Squares at random, each whole inside the picture and a cell away from others."""
    rng = np.random.default_rng(seed)
    step = SIDE_PX + 2 * CELL_PX
    cells = [(x, y) for y in range(0, height - step, step) for x in range(0, width - step, step)]
    chosen = rng.permutation(len(cells))[:count]
    return [
        (cells[i][0] + int(rng.integers(1, 16)), cells[i][1] + int(rng.integers(1, 16)), int(rng.integers(3)))
        for i in chosen
    ]


@dataclass
class Graph:
    """Nodes and constants under construction."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def __call__(
        self, kind: str, *inputs: str | np.ndarray | np.generic, count: int = 1, **attributes: Any
    ) -> Any:
        from onnx import helper

        names = [item if isinstance(item, str) else self.constant(np.asarray(item)) for item in inputs]
        made = [f"t{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node(kind, names, made, **attributes))
        return made[0] if count == 1 else made

    def constant(self, values: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def rename(self, name: str, to: str) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [name], [to]))


def save_detector(
    path: Path,
    layout: str = "yolo-v8",
    *,
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    dtype: str = "float32",
    bands: int = 3,
    channels_last: bool = False,
    masks: bool = False,
    logits: bool = False,
    mean_std: tuple[float, float] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a detector.

    Args:
        path: where.
        layout: a value of `layouts.Layout`.
        size: width and height of its input; without it any multiples of a cell.
        batch: how many pictures it takes; without it any number.
        dtype: of its input.
        bands: of its input.
        channels_last: the order of its input's axes.
        masks: also mixtures and prototypes of masks.
        logits: scores as logits instead of probabilities (YOLO layouts).
        mean_std: what the input has been standardised with.
        metadata: of the file, as text.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = Graph()
    kind = getattr(TensorProto, {"float32": "FLOAT", "float16": "FLOAT16", "uint8": "UINT8"}[dtype])
    width, height = size or ("width", "height")
    shape = ["batch" if batch is None else batch, bands, height, width]
    if channels_last:
        shape = [shape[0], shape[2], shape[3], bands]
    inputs = [helper.make_tensor_value_info("images", kind, shape)]
    if layout == "detr-lists":
        inputs.append(helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [shape[0], 2]))
    bright = _bright(graph, dtype, bands, channels_last, mean_std)
    outputs = _outputs(graph, layout, bright, masks, logits)
    for name, (value, integer) in outputs.items():
        low = dtype == "float16" and not integer
        graph.rename(graph("Cast", value, to=TensorProto.FLOAT16) if low else value, name)
    made = [
        helper.make_tensor_value_info(
            name,
            TensorProto.INT64
            if integer
            else (TensorProto.FLOAT16 if dtype == "float16" else TensorProto.FLOAT),
            None,
        )
        for name, (_, integer) in outputs.items()
    ]
    body = helper.make_graph(graph.nodes, "squares", inputs, made, graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, path)
    return path


def zoo(detector_type: str, **more: Any) -> dict[str, str]:
    """Metadata as model zoos of QGIS plugins have them: each value as JSON."""
    values = {
        "model_type": "Detector",
        "class_names": dict(enumerate(CLASSES)),
        "resolution": 30,
        "tiles_size": 256,
        "tiles_overlap": 25,
        "det_type": detector_type,
        "det_conf": 0.8,
        "det_iou_thresh": 0.4,
    }
    return {key: json.dumps(value) for key, value in {**values, **more}.items()}


def ultralytics(task: str = "detect", **more: Any) -> dict[str, str]:
    """Metadata as Ultralytics writes them: each value as Python prints it."""
    values = {"names": dict(enumerate(CLASSES)), "task": task, "stride": 16, "imgsz": [256, 256], "batch": 1}
    return {key: str(value) for key, value in {**values, **more}.items()}


def _bright(
    graph: Graph, dtype: str, bands: int, channels_last: bool, mean_std: tuple[float, float] | None
) -> str:
    """Brightness of red, green and blue in 0 to 1, whatever the input is like. ``(B, 3, H, W)``."""
    from onnx import TensorProto

    values = graph("Cast", "images", to=TensorProto.FLOAT)
    if channels_last:
        values = graph("Transpose", values, perm=[0, 3, 1, 2])
    if dtype == "uint8":
        values = graph("Mul", values, np.float32([1 / 255]))
    if mean_std is not None:
        values = graph("Mul", values, np.float32([mean_std[1]]))
        values = graph("Add", values, np.float32([mean_std[0]]))
    if bands == 1:
        return graph("Concat", values, values, values, axis=1)
    return graph("Slice", values, np.int64([0]), np.int64([3]), np.int64([1]))


def _outputs(
    graph: Graph, layout: str, bright: str, masks: bool, logits: bool
) -> dict[str, tuple[str, bool]]:
    """Outputs by name, and whether each is of integers."""
    corner, scores = _peaks(graph, bright)
    best = graph("ReduceMax", scores, axes=[2], keepdims=1)
    label = graph("ArgMax", scores, axis=2, keepdims=1)
    low, high = corner, graph("Add", corner, np.float32([SIDE_PX]))
    middle = graph("Add", corner, np.float32([SIDE_PX / 2]))
    side = graph("Add", graph("Mul", corner, np.float32([0])), np.float32([SIDE_PX]))
    one = graph("Add", graph("Mul", best, np.float32([0])), np.float32([1]))
    zero = graph("Mul", best, np.float32([0]))
    angle = graph("Add", zero, np.float32([ANGLE_RAD]))
    number = graph("Cast", label, to=1)
    steep = graph("Mul", graph("Sub", scores, np.float32([0.85])), np.float32([40]))
    found = steep if logits else scores
    sure = graph("Mul", one, np.float32([20])) if logits else one
    extra = [_mixture(graph, zero, one)] if masks else []
    shape = graph("Slice", graph("Shape", bright), np.int64([2]), np.int64([4]))
    size = graph("Gather", graph("Cast", shape, to=1), np.int64([1, 0]))

    def rows(*columns: str) -> str:
        return graph("Concat", *columns, *extra, axis=2)

    def few(values: str) -> str:
        _, top = graph("TopK", graph("Squeeze", best, np.int64([2])), np.int64([FEW]), count=2, axis=1)
        return graph("GatherND", values, graph("Unsqueeze", top, np.int64([2])), batch_dims=1)

    def shares(values: str) -> str:
        return graph("Div", values, size)

    def columns(values: str) -> str:
        return graph("Transpose", values, perm=[0, 2, 1])

    single = {
        "yolo-v5": lambda: rows(middle, side, sure, found),
        "yolo-v8": lambda: columns(rows(middle, side, found)),
        "yolo-v8-rows": lambda: rows(middle, side, found),
        "yolo-obb": lambda: columns(rows(middle, side, found, angle)),
        "yolo-v10": lambda: few(rows(low, high, best, number)),
        "yolo-obb-end-to-end": lambda: few(rows(middle, side, best, number, angle)),
        "rt-detr": lambda: few(rows(shares(middle), shares(side), scores)),
        "rt-detr-end-to-end": lambda: few(rows(shares(middle), shares(side), best, number)),
    }
    if layout in single:
        made = {"output0": (single[layout](), False)}
        return {**made, "output1": (_prototypes(graph, bright), False)} if masks else made
    boxes = few(graph("Concat", shares(middle), shares(side), axis=2))
    if layout == "detr-lists":
        wanted = graph("Unsqueeze", graph("Cast", "orig_target_sizes", to=1), np.int64([1]))
        corners = graph(
            "Concat", graph("Mul", shares(low), wanted), graph("Mul", shares(high), wanted), axis=2
        )
        flat = [graph("Squeeze", few(value), np.int64([2])) for value in (label, best)]
        return {"labels": (flat[0], True), "boxes": (few(corners), False), "scores": (flat[1], False)}
    values = graph("Concat", steep, zero, axis=2) if layout == "detr-softmax" else steep
    return {"logits": (few(values), False), "pred_boxes": (boxes, False)}


def _peaks(graph: Graph, bright: str) -> tuple[str, str]:
    """Top-left corner ``(B, N, 2)`` and scores of the classes ``(B, N, 3)`` of each cell's best place."""
    side = SIDE_PX + 2
    kernel = np.full((side, side), -1.0 / (4 * SIDE_PX + 4), dtype=np.float32)
    kernel[1:-1, 1:-1] = 1.0 / SIDE_PX**2
    weights = np.repeat(kernel[None, None], 3, axis=0)
    response = graph("Conv", bright, weights, group=3, pads=[1, 1, SIDE_PX, SIDE_PX])
    pool = {"kernel_shape": [CELL_PX, CELL_PX], "strides": [CELL_PX, CELL_PX]}
    scores = graph("Clip", graph("MaxPool", response, **pool), np.float32(0), np.float32(1))
    _, place = graph("MaxPool", graph("ReduceMax", response, axes=[1], keepdims=1), count=2, **pool)
    shape = graph("Shape", bright)
    width = graph("Slice", shape, np.int64([3]), np.int64([4]))
    area = graph("Mul", width, graph("Slice", shape, np.int64([2]), np.int64([3])))
    place = graph("Mod", place, area)
    corner = graph("Concat", graph("Mod", place, width), graph("Div", place, width), axis=1)
    return _flat(graph, graph("Cast", corner, to=1)), _flat(graph, scores)


def _flat(graph: Graph, values: str) -> str:
    """``(B, K, h, w)`` as ``(B, h * w, K)``."""
    first = graph("Slice", graph("Shape", values), np.int64([0]), np.int64([2]))
    shape = graph("Concat", first, np.int64([-1]), axis=0)
    return graph("Transpose", graph("Reshape", values, shape), perm=[0, 2, 1])


def _mixture(graph: Graph, zero: str, one: str) -> str:
    """All of the first prototype and nothing of the others."""
    return graph("Concat", one, *[zero] * (PROTOTYPES - 1), axis=2)


def _prototypes(graph: Graph, bright: str) -> str:
    """A first prototype that is positive on squares, at a quarter of the size; the others are of no use."""
    pool = {"kernel_shape": [MASK_PX, MASK_PX], "strides": [MASK_PX, MASK_PX]}
    small = graph("AveragePool", graph("ReduceMax", bright, axes=[1], keepdims=1), **pool)
    first = graph("Mul", graph("Sub", small, np.float32([0.5])), np.float32([20]))
    return graph("Concat", first, *[small] * (PROTOTYPES - 1), axis=1)
