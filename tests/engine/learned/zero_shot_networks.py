"""Detectors for phrases of the true classes, tiny and with random weights, in folders as users have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

KINDS = ("grounding-dino", "owlv2", "owlvit")
WORDS = ("white", "car", "truck", "red", "bus", "ship", "a")


def save_detector(folder: Path, kind: str) -> Path:
    """Write everything that a user's folder has; image processors under the names that users' have."""
    import torch

    torch.manual_seed(0)
    network, processor, tokenizer = _dino() if kind == "grounding-dino" else _owl(kind)
    for part in (network, processor, tokenizer):
        part.save_pretrained(folder)
    return folder


def _dino() -> tuple[Any, Any, Any]:
    import transformers as t

    backbone = t.SwinConfig(
        image_size=64,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *WORDS, "##s"]
    text = t.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    config = t.GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        d_model=32,
        num_queries=20,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_text_len=32,
    )
    tokenizer = t.BertTokenizer(vocab={word: number for number, word in enumerate(vocabulary)})
    processor = t.GroundingDinoImageProcessorPil(size={"shortest_edge": 192, "longest_edge": 256})
    return t.GroundingDinoForObjectDetection(config), processor, tokenizer


def _owl(kind: str) -> tuple[Any, Any, Any]:
    import transformers as t

    name = {"owlv2": "Owlv2", "owlvit": "OwlViT"}[kind]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    signs = ["!", *letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    layers = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    text = {
        **layers,
        "vocab_size": len(signs),
        "bos_token_id": len(signs) - 2,
        "eos_token_id": len(signs) - 1,
    }
    vision = {**layers, "image_size": 64, "patch_size": 16}
    config = getattr(t, f"{name}Config")(text_config=text, vision_config=vision, projection_dim=16)
    vocabulary = {sign: number for number, sign in enumerate(signs)}
    tokenizer = t.CLIPTokenizer(vocab=vocabulary, merges=[], pad_token="!")  # noqa: S106 - no password
    processor = getattr(t, f"{name}ImageProcessorPil")(size={"height": 64, "width": 64})
    return getattr(t, f"{name}ForObjectDetection")(config), processor, tokenizer
