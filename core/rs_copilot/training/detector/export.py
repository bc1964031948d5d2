"""The trained detector as ONNX with metadata that other programs understand, and its card."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from rs_copilot.training.detector.network import STRIDE, VehicleNetwork, angle_of, decoded
from rs_copilot.training.export import graph_of, write_graph

# Sides of the picture must be multiples of this, as with other detectors of that family.
MULTIPLE_PX = 32
EXAMPLE_PX = 64


class _Exported(nn.Module):
    """``image`` ``(B, 3, H, W)`` RGB in 0 to 1 to ``(B, 4 + C + 1, N)``: middle, sides, scores, angle."""

    def __init__(self, model: VehicleNetwork) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        logits, raw = self.model(image)
        boxes = decoded(raw)
        # From [-π/2, π/2] to [-π/4, 3π/4), the range of the layout that is followed.
        angle = angle_of(boxes[:, 4:5], boxes[:, 5:6])
        angle = torch.where(angle < -0.25 * math.pi, angle + math.pi, angle)
        return torch.cat([boxes[:, :4], torch.sigmoid(logits).flatten(2), angle], dim=1)


def write_detector(
    model: VehicleNetwork, path: Path, *, class_names: tuple[str, ...], tile_px: int, gsd_m: float
) -> str:
    """Write the network; its SHA-256. Batch, height and width are free.

    The output has the layout of oriented boxes that ultralytics' exporter made common: per place middle x, y,
    width, height in pixels, a score per class, the angle of the width in radians, clockwise on the screen.
    Places are not thinned out: overlapping boxes are for the reader to suppress.

    Raises:
        StorageError: the file cannot be written.
    """
    image = torch.zeros(1, 3, EXAMPLE_PX, EXAMPLE_PX)
    free = {0: "count", 2: "places"}
    given = {0: "count", 2: "height", 3: "width"}
    graph = graph_of(_Exported(model), (image,), ["image"], "output0", free, image_axes=given)
    said = {
        "task": "obb",
        "names": repr(dict(enumerate(class_names))),
        "imgsz": repr([tile_px, tile_px]),
        "stride": str(MULTIPLE_PX),
        "batch": "1",
        "channels": "3",
        "gsd_m": f"{gsd_m:g}",
        "places": f"every {STRIDE} px",
    }
    for key, value in said.items():
        graph.metadata_props.add(key=key, value=value)
    return write_graph(graph, path)
