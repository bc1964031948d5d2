"""Vision-language models of the true classes, tiny and with random weights, in folders as users have them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

QWEN25, QWEN3 = "qwen2_5_vl", "qwen3_vl"
KINDS = (QWEN25, QWEN3)
# The added tokens of Qwen's tokenizers, in their order; only the first ones are special, so that calls of
# tools stay in the text of an answer.
SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
ADDED = ("<tool_call>", "</tool_call>", "<think>", "</think>")
# How Qwen's tokenizers cut text before bytes are joined: digits stand alone.
CUTS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = (
    "find the plane, ship, small vehicle, large vehicle, storage tank, tennis court, bridge and harbor.",
    "There is none. There are none. You are a helpful assistant.\nsystem\nuser\nassistant\n",
    "what is in the picture? how many cars are there? answer with a single word.",
    '```json\n[\n\t{"bbox_2d": [12, 34, 56, 78], "label": "plane"},\n]\n```',
    "120,34,156,78 small vehicle\n10,20,30,20,30,40,10,40 ship\n",
    "straße, größe, 北京, 東京, Владивосток, 🚢",
)
# ChatML as Qwen's templates write it; they differ in the default system message and the marks around a clip.
TEMPLATE = (
    "{%- for message in messages -%}{%- if loop.first and message.role != 'system' -%}DEFAULT{%- endif -%}"
    "{{- '<|im_start|>' + message.role + '\n' -}}"
    "{%- if message.content is string -%}{{- message.content -}}"
    "{%- else -%}{%- for part in message.content -%}{%- if part.type == 'image' -%}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}{%- elif part.type == 'video' -%}{{- 'VIDEO' -}}"
    "{%- else -%}{{- part.text -}}{%- endif -%}{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)
DEFAULTS = {
    QWEN25: "{{- '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' -}}",
    QWEN3: "",
}
VIDEOS = {QWEN25: "<|vision_start|><|video_pad|><|vision_end|>", QWEN3: "<|video_pad|>"}
# Limits of pictures as the released models have them (their preprocessor_config.json), in pixels.
LIMITS = {QWEN25: (4 * 28**2, 16384 * 28**2), QWEN3: (64 * 32**2, 16384 * 32**2)}
MEAN_STD = {
    QWEN25: ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    QWEN3: ([0.5] * 3, [0.5] * 3),
}
# What makes a model small. Sums of `mrope_section` are half a head; sizes suit blocks of 64 for 4 bits.
TINY_TEXT = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 32768,
    "initializer_range": 0.1,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
}
TINY_VISION = {
    "depth": 3,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_heads": 4,
    "out_hidden_size": 128,
    "initializer_range": 0.1,
}


def save_vlm(
    folder: Path,
    kind: str = QWEN25,
    *,
    seed: int = 0,
    limits: tuple[int, int] | None = None,
    text: dict[str, Any] | None = None,
    vision: dict[str, Any] | None = None,
    tied: bool = True,
) -> Path:
    """Write everything that a user's folder has, in bfloat16 as released models are.

    Args:
        folder: made where it is missing.
        kind: ``qwen2_5_vl`` or ``qwen3_vl``.
        seed: of the weights.
        limits: fewest and most pixels of a picture; the released models' without.
        text: what differs from `TINY_TEXT`.
        vision: what differs from `TINY_VISION`.
        tied: whether words go in and out by the same matrix, as in models up to 4B.
    """
    import torch
    import transformers

    transformers.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(kind)
    torch.manual_seed(seed)
    network = make_network(kind, tokenizer, text=text, vision=vision, tied=tied)
    network.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save_processor(folder, kind, limits)
    return folder


def save_processor(folder: Path, kind: str, limits: tuple[int, int] | None = None) -> None:
    """Write how pictures and clips are prepared, under the names that users' folders have."""
    least, most = limits or LIMITS[kind]
    mean, std = MEAN_STD[kind]
    pictures = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "size": {"shortest_edge": least, "longest_edge": most},
        "patch_size": 14 if kind == QWEN25 else 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": mean,
        "image_std": std,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures), encoding="utf-8")
    clips = {
        **pictures,
        "video_processor_type": "Qwen2VLVideoProcessor" if kind == QWEN25 else "Qwen3VLVideoProcessor",
    }
    (folder / "video_preprocessor_config.json").write_text(json.dumps(clips), encoding="utf-8")


def make_network(
    kind: str,
    tokenizer: Any,
    *,
    text: dict[str, Any] | None = None,
    vision: dict[str, Any] | None = None,
    tied: bool = True,
) -> Any:
    """A network with random weights, on the processor."""
    import transformers as t

    ids = {
        name: tokenizer.convert_tokens_to_ids(token)
        for name, token in (
            ("image_token_id", "<|image_pad|>"),
            ("video_token_id", "<|video_pad|>"),
            ("vision_start_token_id", "<|vision_start|>"),
            ("vision_end_token_id", "<|vision_end|>"),
        )
    }
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    words = {**TINY_TEXT, "vocab_size": -(-len(tokenizer) // 64) * 64, **(text or {})}
    words = {"eos_token_id": end, "bos_token_id": None, **words}
    sight = {**TINY_VISION, **(vision or {})}
    if kind == QWEN25:
        words.pop("head_dim")
        sight = {"fullatt_block_indexes": [1], "window_size": 56, "tokens_per_second": 2, **sight}
        config = t.Qwen2_5_VLConfig(text_config=words, vision_config=sight, tie_word_embeddings=tied, **ids)
        network: Any = t.Qwen2_5_VLForConditionalGeneration(config)
    else:
        sight = {"deepstack_visual_indexes": [0, 1], "num_position_embeddings": 256, **sight}
        config = t.Qwen3VLConfig(text_config=words, vision_config=sight, tie_word_embeddings=tied, **ids)
        network = t.Qwen3VLForConditionalGeneration(config)
    network.generation_config.eos_token_id = [end, tokenizer.convert_tokens_to_ids("<|endoftext|>")]
    network.generation_config.pad_token_id = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    return network.eval()


@lru_cache(maxsize=1)
def _trained() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of byte-level pairs, trained on a few sentences."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CUTS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    pairs.train_from_iterator(CORPUS * 4, trainer)
    model = json.loads(pairs.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def make_tokenizer(kind: str = QWEN25) -> Any:
    """Qwen's kind of tokenizer with a small vocabulary, and the template of conversations."""
    import transformers as t

    vocabulary, merges = _trained()
    ends = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    tokenizer = t.Qwen2Tokenizer(vocab=dict(vocabulary), merges=list(merges), **ends)
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL)})
    tokenizer.add_tokens([t.AddedToken(word, special=False, normalized=False) for word in ADDED])
    tokenizer.chat_template = TEMPLATE.replace("DEFAULT", DEFAULTS[kind]).replace("VIDEO", VIDEOS[kind])
    return tokenizer
