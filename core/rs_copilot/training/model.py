"""The cross-view alignment adapter (CVAA): one trunk, two branches, an embedding and a dense field.

A picture first loses what differs between two dates (a fixed structure stem), then passes a shared trunk;
each branch adds its own residual bottleneck adapter (Houlsby et al., Parameter-efficient transfer learning,
ICML 2019), whose last layer starts at zero: untrained adapters change nothing. The embedding keeps a coarse
layout of the view, since tiles and queries are both north-up; the field is for correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rs_copilot.training.backbone import open_backbone

UAV, SATELLITE = 0.0, 1.0
# Weights of red, green and blue in luminance (ITU-R BT.601).
LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class ModelConfig:
    """Widths of the stages, the layout grid and the embedding.

    With a ``backbone`` (see `training.backbone.open_backbone`) its frozen tokens take the stages' place;
    there is no dense field then.
    """

    widths: tuple[int, ...] = (32, 64, 128, 192)
    depths: tuple[int, ...] = (1, 2, 3, 2)
    grid: int = 4
    grid_channels: int = 64
    embedding: int = 256
    field_channels: int = 8
    input_px: int = 96
    backbone: str | None = None


def gaussian_kernel(sigma_px: float, radius_px: int) -> Tensor:
    """Two-dimensional weights ``(1, 1, k, k)``."""
    x = torch.arange(-radius_px, radius_px + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (x / sigma_px) ** 2)
    weights = weights / weights.sum()
    return (weights[:, None] * weights[None, :]).view(1, 1, len(x), len(x))


def gradient_kernels() -> Tensor:
    """Scharr's derivatives of a slightly blurred picture as one filter, ``(2, 1, 5, 5)``: x, then y."""
    x = torch.tensor([[-3.0, 0.0, 3.0], [-10.0, 0.0, 10.0], [-3.0, 0.0, 3.0]]) / 32.0
    sharp = torch.stack([x, x.t()]).unsqueeze(1)
    return F.conv2d(sharp, gaussian_kernel(0.7, 1), padding=2)


class StructureStem(nn.Module):
    """RGBA bytes to five channels of structure, ``(N, 4, H, W)`` to ``(N, 5, H, W)``; nothing is learned.

    Locally normalised luminance, the doubled gradient angle weighted by relative strength (as in
    `matching.orientation`), that strength, and where there is data. H and W are multiples of 4.
    """

    wide: Tensor
    luminance: Tensor
    gradient: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("wide", gaussian_kernel(1.25, 3).repeat(2, 1, 1, 1), persistent=False)
        self.register_buffer("luminance", torch.tensor(LUMINANCE).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("gradient", gradient_kernels(), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Structure of pictures in [0, 255]."""
        valid = (image[:, 3:4] > 127.0).to(image.dtype)
        inside = -F.max_pool2d(-valid, 5, stride=1, padding=2)
        gray = F.conv2d(image[:, :3], self.luminance) * valid
        share, mean = self._surroundings(valid, gray)
        share = share.clamp(min=1e-3)
        flat = (gray - mean / share) * valid
        gx, gy = F.conv2d(F.pad(gray, (2, 2, 2, 2), mode="replicate"), self.gradient).chunk(2, dim=1)
        strength = torch.sqrt(gx * gx + gy * gy + 1e-6) * inside
        variance, level = self._surroundings(flat * flat, strength)
        level = level / share + 0.5
        scale = inside / (strength * level + 1e-3)
        planes = [
            flat * inside / torch.sqrt(variance / share + 4.0),
            (gx * gx - gy * gy) * scale,
            2.0 * gx * gy * scale,
            strength / level,
        ]
        return torch.cat([p.clamp(-4.0, 4.0) for p in planes] + [inside], dim=1)

    def _surroundings(self, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Averages over some 5 px around, made at a quarter of the resolution: nobody sees the difference."""
        small = F.avg_pool2d(torch.cat([one, other], dim=1), 4)
        padded = F.pad(small, (3, 3, 3, 3), mode="replicate")
        wide = F.conv2d(padded, self.wide, groups=2)
        large = F.interpolate(wide, scale_factor=4.0, mode="bilinear", align_corners=False)
        first, second = large.chunk(2, dim=1)
        return first, second


class Conv(nn.Sequential):
    """Convolution, batch normalisation, rectification."""

    def __init__(self, given: int, made: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv2d(given, made, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(made),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two convolutions around a shortcut (He et al., CVPR 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = Conv(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as given."""
        return F.relu(x + self.second(self.first(x)))


class Trunk(nn.Module):
    """Stages that each halve the picture; the first stage's output also feeds the dense field."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.stem = StructureStem()
        given = [5, *config.widths[:-1]]
        self.stages = nn.ModuleList(
            nn.Sequential(
                Conv(before, width, 2, 5 if number == 0 else 3),
                *(Residual(width) for _ in range(depth // 2)),
                *(Conv(width, width) for _ in range(depth % 2 and depth > 1)),
            )
            for number, (before, width, depth) in enumerate(
                zip(given, config.widths, config.depths, strict=True)
            )
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """First and last stage of pictures ``(N, 4, H, W)``."""
        first: Tensor = self.stages[0](self.stem(image))
        x = first
        for stage in self.stages[1:]:
            x = stage(x)
        return first, x


class Adapter(nn.Module):
    """Residual bottleneck over channels: ``x + up(gelu(down(norm(x))))``, zero at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.down = nn.Conv2d(width, max(8, width // 4), 1)
        self.up = nn.Conv2d(max(8, width // 4), width, 1)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The correction alone."""
        made: Tensor = self.up(F.gelu(self.down(self.norm(x))))
        return made


def pool_layout(x: Tensor, cells: int) -> Tensor:
    """Adaptive average pooling to ``(N, C, cells, cells)`` as two matrix products, which ONNX can say."""
    rows, cols = (pooling_matrix(int(side), cells).to(x) for side in x.shape[2:])
    return rows @ x @ cols.t()


def pooling_matrix(given: int, made: int) -> Tensor:
    """Averages of ``made`` spans that cover ``given`` cells, ``(made, given)``."""
    spans = [(cell * given // made, -(-(cell + 1) * given // made)) for cell in range(made)]
    # Plain numbers become a constant of the exported graph; filling a tensor would become a hundred nodes.
    return torch.tensor(
        [[float(first <= i < end) / (end - first) for i in range(given)] for first, end in spans]
    )


class Branches(nn.Module):
    """One adapter a branch; a picture's branch number blends between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.uav, self.satellite = Adapter(width), Adapter(width)

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        """Adapted features; ``branch`` ``(N,)`` is 0 for UAV views and 1 for satellite tiles."""
        share = branch.view(-1, 1, 1, 1).to(x.dtype)
        return x + (1.0 - share) * self.uav(x) + share * self.satellite(x)


class Cvaa(nn.Module):
    """The retriever: pictures and branch numbers to unit embeddings, and to dense fields.

    Training ends with a whitening of the embeddings (see `training.whitening`); before, it changes nothing.
    """

    whitening_means: Tensor
    whitening: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config) if config.backbone is None else open_backbone(config.backbone)
        last = config.widths[-1] if isinstance(self.trunk, Trunk) else self.trunk.width
        self.branches = Branches(last)
        self.squeeze = nn.Conv2d(last, config.grid_channels, 1)
        self.project = nn.Linear(config.grid_channels * config.grid**2 + last, config.embedding)
        if isinstance(self.trunk, Trunk):
            self.dense = nn.Conv2d(config.widths[0], config.field_channels, 3, 1, 1)
        self.register_buffer("whitening_means", torch.zeros(2, config.embedding))
        self.register_buffer("whitening", torch.eye(config.embedding))
        self.log_temperature = nn.Parameter(torch.tensor(0.07).log())
        self.log_sharpness = nn.Parameter(torch.tensor(20.0).log())

    def forward(self, image: Tensor, branch: Tensor) -> Tensor:
        """Unit embeddings ``(N, D)`` of ``(N, 4, H, W)`` pictures."""
        return self.head(self.features(image), branch)

    def features(self, image: Tensor) -> Tensor:
        """What both branches share, ``(N, C, h, w)``."""
        made: Tensor = self.trunk(image)[1] if isinstance(self.trunk, Trunk) else self.trunk(image)
        return made

    def learn(self, image: Tensor, branch: Tensor) -> tuple[Tensor, Tensor | None]:
        """Unwhitened embeddings and, where the trunk is our own, dense fields from one pass."""
        if not isinstance(self.trunk, Trunk):
            return self.plain(self.trunk(image), branch), None
        first, last = self.trunk(image)
        return self.plain(last, branch), self.field_of(first, image[:, 3:4])

    def head(self, features: Tensor, branch: Tensor) -> Tensor:
        """Whitened unit embeddings from the shared features."""
        share = branch.view(-1, 1).to(features.dtype)
        means = (1.0 - share) * self.whitening_means[0] + share * self.whitening_means[1]
        return F.normalize((self.plain(features, branch) - means) @ self.whitening, dim=1)

    def plain(self, features: Tensor, branch: Tensor) -> Tensor:
        """Adapt, pool the layout and the whole, project, normalise."""
        x = self.branches(features, branch)
        # Averages over a frozen backbone's tokens may be negative, which the generalised mean cannot take.
        layout = pool_layout(self.squeeze(x), self.config.grid).flatten(1)
        whole = x.clamp(min=1e-4).pow(3.0).mean(dim=(2, 3)).pow(1.0 / 3.0)
        return F.normalize(self.project(torch.cat([layout, whole], dim=1)), dim=1)

    def field(self, image: Tensor) -> Tensor:
        """Dense field ``(N, C, H/2, W/2)``, zero where there is no data.

        Raises:
            TypeError: a network on a frozen backbone has none.
        """
        if not isinstance(self.trunk, Trunk):
            raise TypeError("a network on a frozen backbone has no dense field")
        return self.field_of(self.trunk.stages[0](self.trunk.stem(image)), image[:, 3:4])

    def field_of(self, first: Tensor, alpha: Tensor) -> Tensor:
        """The field from the first stage's output and the pictures' alpha."""
        inside = -F.max_pool2d(-(alpha > 127.0).to(first.dtype), 2)
        made = self.dense(first)
        return made * inside / torch.sqrt((made * made).sum(dim=1, keepdim=True) + 1.0)

    @property
    def temperature(self) -> Tensor:
        """Of the contrastive loss, at least 0.01."""
        return self.log_temperature.exp().clamp(min=0.01)
