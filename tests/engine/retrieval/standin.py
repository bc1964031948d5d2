"""A retrieval network without training: the picture at 8 x 8 pixels, turned by a fixed random projection.

It keeps the contract of the real one and is good enough to find a picture that it has seen.
``python standin.py FOLDER`` writes it for tests that run in another Python.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

GRID_PX, DIMENSIONS = 8, 64


def write_standin(folder: Path, *, seed: int = 0, name: str = "stand-in", input_px: int = 48) -> Path:
    """Write ``NAME.onnx`` and its card; returns the former."""
    import onnx

    path = folder / f"{name}.onnx"
    path.write_bytes(_model(onnx, seed).SerializeToString())
    card = {"name": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "input_px": input_px}
    path.with_suffix(".json").write_text(json.dumps({**card, "dimensions": DIMENSIONS, "licence": "none"}))
    return path


def _model(onnx, seed: int):
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    weights = np.random.default_rng(seed).normal(size=(3 * GRID_PX * GRID_PX, DIMENSIONS)).astype(np.float32)
    constants = {
        "weights": weights,
        "size": np.array([GRID_PX, GRID_PX], dtype=np.int64),
        "flat": np.array([0, weights.shape[0]], dtype=np.int64),
        "parts": np.array([3, 1], dtype=np.int64),
        "half": np.array(127.5, dtype=np.float32),
        "nothing": np.array(0.0, dtype=np.float32),
        "column": np.array([-1, 1], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Split", ["real", "parts"], ["rgb", "alpha"], axis=3),
        helper.make_node("Sub", ["rgb", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "alpha"], ["masked"]),
        helper.make_node("Transpose", ["masked"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "Resize", ["planes", "", "", "size"], ["small"], axes=[2, 3], mode="linear", antialias=1
        ),
        helper.make_node("Reshape", ["small", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["projected"]),
        # The branch changes nothing here, but is part of the contract.
        helper.make_node("Reshape", ["branch", "column"], ["branches"]),
        helper.make_node("Mul", ["branches", "nothing"], ["zero"]),
        helper.make_node("Add", ["projected", "zero"], ["sum"]),
        helper.make_node("LpNormalization", ["sum"], ["embedding"], axis=1, p=2),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "standin",
        [
            tensor("image", onnx.TensorProto.UINT8, ["n", "s", "s", 4]),
            tensor("branch", onnx.TensorProto.FLOAT, ["n"]),
        ],
        [tensor("embedding", onnx.TensorProto.FLOAT, ["n", DIMENSIONS])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


if __name__ == "__main__":
    write_standin(Path(sys.argv[1]))
