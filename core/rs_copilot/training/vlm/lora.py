"""Small matrices beside the weights of the language layers (LoRA, Hu et al. 2021), and their files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import MissingDependencyError, StorageError
from rs_copilot.models.cards import sha256_of
from rs_copilot.models.vlm_cards import ADAPTER_CONFIG, ADAPTER_WEIGHTS

# Every matrix of the language layers, as QLoRA does it (Dettmers et al. 2023); what sees pictures stays.
TARGETS = r".*\.language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"


class LoraNumbers(BaseModel):
    """Rank of the matrices, how much they count (``alpha / rank``), and the share that is dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(16, ge=1, le=1024)
    alpha: float = Field(32.0, gt=0)
    dropout: float = Field(0.05, ge=0, lt=1)


def add_lora(network: Any, numbers: LoraNumbers, seed: int, *, quantised: bool) -> Any:  # noqa: ANN401
    """The network of peft with fresh matrices, the only weights that learn; they change nothing yet.

    Steps keep only the input of each layer and compute the rest a second time (gradient checkpointing).

    Args:
        network: as transformers reads it; it is changed.
        numbers: of the matrices.
        seed: of their first values.
        quantised: whether the weights are in 4 bits (QLoRA).

    Raises:
        MissingDependencyError: peft is not installed.
    """
    try:
        import peft
    except ImportError as error:
        raise MissingDependencyError(
            "Tuning needs the package peft.", hint="Install the extra `vlm`: pip install 'rs-copilot[vlm]'."
        ) from error
    again = {"use_reentrant": False}
    with warnings.catch_warnings():
        # peft asks transformers for something by its old name.
        warnings.simplefilter("ignore", FutureWarning)
        if quantised:
            _keep_learnable(network)
            network = peft.prepare_model_for_kbit_training(network, gradient_checkpointing_kwargs=again)
            # It makes 32 bits of all that is not in 4. Norms want them; these are multiplied in 16 anyway,
            # and would take 7 GB of a 7B model.
            for part in (network.model.visual, network.get_input_embeddings(), network.lm_head):
                part.to(torch.bfloat16)
        else:
            network.requires_grad_(False)
            network.gradient_checkpointing_enable(gradient_checkpointing_kwargs=again)
        torch.manual_seed(seed)
        return peft.get_peft_model(
            network,
            peft.LoraConfig(
                r=numbers.rank,
                lora_alpha=numbers.alpha,
                lora_dropout=numbers.dropout,
                target_modules=TARGETS,
            ),
        )


def _keep_learnable(network: Any) -> None:  # noqa: ANN401 - transformers has no types
    """Keep weights in 4 bits as they are loaded.

    On processors with AVX512-BF16 bitsandbytes (0.50) packs them anew when they are first used without
    learning, here where the loss before tuning is measured; nothing can be learned through those.
    """
    for part in network.modules():
        if getattr(part, "support_avx512bf16_for_cpu", False):
            part.support_avx512bf16_for_cpu = False


def learning(tuned: Any) -> torch.nn.ParameterDict:  # noqa: ANN401 - peft has no types
    """The weights that learn, by name; dots are no part of the names of a state."""
    return torch.nn.ParameterDict(
        {name.replace(".", "/"): value for name, value in tuned.named_parameters() if value.requires_grad}
    )


def write_adapter(tuned: Any, folder: Path, base: str) -> str:  # noqa: ANN401
    """Write the matrices as peft does it, with the name of their model; the SHA-256 of the file.

    Raises:
        StorageError: the folder cannot be written.
    """
    import peft
    from safetensors.torch import save_file

    # Not by peft's own saving: it asks the hub for the model's vocabulary.
    found = peft.get_peft_model_state_dict(tuned, save_embedding_layers=False)
    tensors = {name: value.detach().cpu().contiguous() for name, value in found.items()}
    config = tuned.peft_config["default"].to_dict() | {
        "base_model_name_or_path": base,
        "inference_mode": True,
    }
    text = json.dumps(config, indent=2, sort_keys=True, default=_plain)
    draft = folder / f"{ADAPTER_WEIGHTS}.part"
    try:
        save_file(tensors, draft, metadata={"format": "pt"})
        draft.replace(folder / ADAPTER_WEIGHTS)
        (folder / ADAPTER_CONFIG).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write the adapter to {folder}: {error}") from error
    return sha256_of(folder / ADAPTER_WEIGHTS)


def _plain(value: object) -> object:
    """Sets and names of a configuration as JSON has them."""
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
