"""A frozen transformer in the place of the own trunk: DINOv2-class, downloaded by who wants it (`cvaa-l`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from rs_copilot.errors import BadInputError, MissingDependencyError

# Statistics of the pictures that these networks were trained on, in [0, 1].
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FrozenBackbone(nn.Module):
    """RGBA bytes to the patch tokens of a vision transformer, as a picture; nothing of it is learned."""

    mean: Tensor
    spread: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.register_buffer("mean", 255.0 * torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", 255.0 * torch.tensor(SPREAD).view(1, 3, 1, 1), persistent=False)

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self._number("hidden_size")

    @property
    def patch_px(self) -> int:
        """Side of a token's patch."""
        return self._number("patch_size")

    def _number(self, name: str) -> int:
        return int(getattr(self.network.config, name))

    def train(self, mode: bool = True) -> FrozenBackbone:
        """Stay in the state of evaluation, whatever the rest does."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 4, H, W)`` in [0, 255] to ``(N, C, H / patch, W / patch)``; grey where there is no data."""
        valid = (image[:, 3:4] > 127.0).to(image.dtype)
        pictures = (image[:, :3] - self.mean) / self.spread * valid
        tokens: Tensor = self.network(pixel_values=pictures).last_hidden_state[:, 1:]
        rows, cols = image.shape[2] // self.patch_px, image.shape[3] // self.patch_px
        # Contiguous: the gradient of group normalisation over a transposed view crashed torch 2.13.
        return tokens.transpose(1, 2).contiguous().view(len(tokens), self.width, rows, cols)


def open_backbone(name: str) -> FrozenBackbone:
    """A backbone from a folder of safetensors weights, or ``random:small|base`` for trying things out.

    Raises:
        MissingDependencyError: transformers is not installed.
        BadInputError: the folder holds no such network.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingDependencyError(
            "The large retriever needs the package transformers.",
            hint="Install the extra `vlm`: pip install 'rs-copilot[vlm]'.",
        ) from error
    if name.startswith("random:"):
        heads = {"small": 6, "base": 12}[name.removeprefix("random:")]
        config = transformers.Dinov2Config(hidden_size=64 * heads, num_attention_heads=heads)
        return FrozenBackbone(transformers.Dinov2Model(config))
    return _read_backbone(Path(name))


def _read_backbone(folder: Path) -> FrozenBackbone:
    """Configuration and weights from files: nothing is downloaded, and no code comes with them."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    files = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file() or not files:
        raise BadInputError(
            f"{folder} is no folder with a backbone (expected config.json and *.safetensors).",
            hint="Download facebook/dinov2-small (Apache-2.0) or a network of its kind into a folder.",
        )
    try:
        # Through a variable: the method comes without types.
        build: Callable[..., nn.Module] = AutoModel.from_config
        numbers = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        network: nn.Module = build(AutoConfig.for_model(**numbers))
        weights = {name: value for file in files for name, value in load_file(file).items()}
        network.load_state_dict(weights)
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise BadInputError(f"cannot read the backbone in {folder}: {error}") from error
    return FrozenBackbone(network)
