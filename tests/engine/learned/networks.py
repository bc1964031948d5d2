"""Matching networks of the true classes, tiny and with random weights, in folders as users have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

KINDS = ("efficientloftr", "lightglue", "superglue")


def save_network(folder: Path, kind: str) -> Path:
    """Write config.json and model.safetensors; thresholds are off, so that even chance matches."""
    import torch

    torch.manual_seed(0)
    _network(kind).save_pretrained(folder)
    return folder


def _network(kind: str) -> Any:
    import transformers as t

    if kind == "efficientloftr":
        config = t.EfficientLoFTRConfig(
            stage_num_blocks=[1, 1, 1, 1],
            out_features=[16, 16, 32, 64],
            hidden_size=64,
            num_attention_layers=1,
            coarse_matching_threshold=0.0,
        )
        return t.EfficientLoFTRForKeypointMatching(config)
    points = t.SuperPointConfig(
        encoder_hidden_sizes=[8, 8, 16, 16],
        decoder_hidden_size=16,
        descriptor_decoder_dim=32,
        keypoint_threshold=0.0,
        max_keypoints=64,
    )
    if kind == "lightglue":
        glue = t.LightGlueConfig(
            keypoint_detector_config=points,
            descriptor_dim=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            filter_threshold=0.0,
        )
        return t.LightGlueForKeypointMatching(glue)
    super_glue = t.SuperGlueConfig(
        keypoint_detector_config=points,
        hidden_size=32,
        keypoint_encoder_sizes=[8, 16],
        gnn_layers_types=["self", "cross"],
        num_attention_heads=2,
        sinkhorn_iterations=5,
        matching_threshold=0.0,
    )
    return t.SuperGlueForKeypointMatching(super_glue)
