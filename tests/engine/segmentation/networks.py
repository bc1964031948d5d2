"""Tiny segmentation networks in ONNX whose answers are known: classes by brightness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# Brightness from 0 to 1 at which class 1 and class 2 begin.
LEVELS = (1 / 3, 2 / 3)
ZOO = {
    "model_type": "Segmentor",
    "class_names": {"0": "_background", "1": "grey", "2": "bright"},
    "resolution": 50,
    "tiles_size": 64,
    "tiles_overlap": 25,
    "seg_thresh": 0.0,
    "seg_small_segment": 3,
}


def save(
    path: Path,
    *,
    output: str = "logits",
    dtype: str = "float",
    layout: str = "nchw",
    channels: int = 3,
    batch: int | str = "batch",
    side: int | str = "side",
    sharpness: float = 300.0,
    shrink: int = 1,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a network that names pixels by their mean brightness.

    ``output``: logits, softmax, sigmoid or logit (one channel: brighter than the first level), ids, mask.
    Its own scale is 0 to 1; for bytes it divides. ``shrink`` makes it answer at a part of the size.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kinds = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}
    value = "image"
    nodes, weights = [], []

    def constant(name: str, array: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(array, name))
        return name

    def node(kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    if dtype != "float":
        value = node("Cast", [value], to=TensorProto.FLOAT)
    if dtype == "uint8":
        value = node("Div", [value, constant("full", np.float32(255.0))])
    if layout == "nhwc":
        value = node("Transpose", [value], perm=[0, 3, 1, 2])
    if shrink > 1:
        value = node("AveragePool", [value], kernel_shape=[shrink] * 2, strides=[shrink] * 2)
    many = output in {"logits", "softmax", "ids"}
    slope, start = (np.array([0.0, 1.0, 2.0]), np.array([0.0, -1 / 3, -1.0])) if many else ([1.0], [-1 / 3])
    kernel = np.repeat(np.array(slope)[:, None] * sharpness / channels, channels, axis=1)
    value = node(
        "Conv",
        [
            value,
            constant("kernel", kernel[:, :, None, None].astype(np.float32)),
            constant("bias", (np.array(start) * sharpness).astype(np.float32)),
        ],
    )
    if output == "softmax":
        value = node("Softmax", [value], axis=1)
    if output in {"sigmoid", "mask"}:
        value = node("Sigmoid", [value])
    if output == "ids":
        value = node("ArgMax", [value], axis=1, keepdims=0)
    if output == "broken":
        value = node("Reshape", [value, constant("seven", np.array([7]))])
    if output == "mask":
        value = node("Squeeze", [value, constant("axes", np.array([1]))])
    if layout == "nhwc" and output not in {"ids", "mask"}:
        value = node("Transpose", [value], perm=[0, 2, 3, 1])
    shape = [batch, channels, side, side] if layout == "nchw" else [batch, side, side, channels]
    kind = TensorProto.INT64 if output == "ids" else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("image", kinds[dtype], shape)],
        [helper.make_tensor_value_info(value, kind, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(
        model,
        {key: item if isinstance(item, str) else json.dumps(item) for key, item in (metadata or {}).items()},
    )
    onnx.save(model, str(path))
    return path


def expected(images: np.ndarray, levels: tuple[float, ...] = LEVELS) -> np.ndarray:
    """Classes of pictures ``(B, H, W, 3)``."""
    mean = images.astype(np.float64).mean(axis=-1) / 255.0
    return np.digitize(mean, levels).astype(np.uint8)
