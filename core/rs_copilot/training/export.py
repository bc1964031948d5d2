"""The trained network as ONNX with its card: what ships, and what runs without torch."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import onnx
import onnx.compose
import torch
from torch import Tensor, nn

from rs_copilot.errors import StorageError
from rs_copilot.training.model import Cvaa

# Old enough for every onnxruntime that is supported.
OPSET = 17
HEAD_PREFIX = "head/"


class _Trunk(nn.Module):
    """``image`` uint8 ``(N, S, S, 4)`` to the shared features."""

    def __init__(self, model: Cvaa) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return self.model.features(image.permute(0, 3, 1, 2).float())


class _Head(nn.Module):
    """Shared features and ``branch`` ``(N,)`` to unit embeddings."""

    def __init__(self, model: Cvaa) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, branch: Tensor) -> Tensor:
        return self.model.head(features, branch)


class _Field(nn.Module):
    """``image`` uint8 ``(N, S, S, 4)`` to dense fields ``(N, C, S/2, S/2)``."""

    def __init__(self, model: Cvaa) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return self.model.field(image.permute(0, 3, 1, 2).float())


def write_onnx(model: Cvaa, path: Path, input_px: int | None = None) -> str:
    """Write the retriever; its SHA-256. The number of pictures is free, their side is not.

    The shared features are an output too: adapting to a layer computes them once.

    Raises:
        StorageError: the file cannot be written.
    """
    side = input_px or model.config.input_px
    image = torch.zeros(2, side, side, 4, dtype=torch.uint8)
    trunk = graph_of(_Trunk(model), (image,), ["image"], "features", {0: "count"})
    return write_joined(path, trunk, head_graph(model, side))


def head_graph(model: Cvaa, input_px: int) -> onnx.ModelProto:
    """Adapters, projection and whitening as a graph of their own; its weights keep the names of the state."""
    with torch.no_grad():
        features = model.features(torch.zeros(2, 4, input_px, input_px))
    given = (features, torch.zeros(2))
    return graph_of(_Head(model), given, ["features", "branch"], "embedding", {0: "count"}, fold=False)


def write_joined(path: Path, trunk: onnx.ModelProto, head: onnx.ModelProto) -> str:
    """Join trunk and head into one file; its SHA-256.

    Raises:
        StorageError: the file cannot be written.
    """
    named = onnx.compose.add_prefix(head, HEAD_PREFIX, rename_inputs=False, rename_outputs=False)
    joined = onnx.compose.merge_models(
        trunk, named, io_map=[("features", "features")], outputs=["embedding", "features"]
    )
    return write_graph(joined, path)


def write_dense_onnx(model: Cvaa, path: Path) -> str:
    """Write the dense field, for pictures of any size that is a multiple of 4; its SHA-256.

    Raises:
        StorageError: the file cannot be written.
    """
    side = model.config.input_px
    image = torch.zeros(2, side, side, 4, dtype=torch.uint8)
    free = {0: "count", 2: "rows", 3: "cols"}
    given = {0: "count", 1: "height", 2: "width"}
    return write_graph(graph_of(_Field(model), (image,), ["image"], "field", free, image_axes=given), path)


def graph_of(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: list[str],
    output: str,
    free: dict[int, str],
    *,
    image_axes: dict[int, str] | None = None,
    fold: bool = True,
) -> onnx.ModelProto:
    """Trace a module; the number of pictures is free, and so are the axes that are named."""
    axes: dict[str, dict[int, str]] = {name: {0: "count"} for name in inputs} | {output: free}
    if image_axes:
        axes["image"] = image_axes
    draft = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no further package warns that there is a newer one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.cpu().eval(),
            example,
            draft,
            input_names=inputs,
            output_names=[output],
            dynamic_axes=axes,
            opset_version=OPSET,
            do_constant_folding=fold,
            dynamo=False,
        )
    return onnx.load_from_string(draft.getvalue())


def write_graph(graph: onnx.ModelProto, path: Path) -> str:
    """Write a graph, the same one always as the same bytes; its SHA-256.

    Raises:
        StorageError: the file cannot be written.
    """
    content = graph.SerializeToString(deterministic=True)
    draft = path.with_suffix(".part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write the network to {path}: {error}") from error
    return hashlib.sha256(content).hexdigest()
