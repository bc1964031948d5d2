"""A compact one-stage network for oriented boxes seen from above: anchor-free, one level, decoupled head.

The parts are common knowledge: cross-stage partial blocks (Wang et al., CSPNet, CVPRW 2020), pooled context
(He et al., spatial pyramid pooling, ECCV 2014), a top-down feature pyramid (Lin et al., FPN, CVPR 2017), one
prediction per place instead of anchors and a head that decides class and box apart (Tian et al., FCOS,
ICCV 2019; Ge et al., YOLOX, 2021), the angle as sine and cosine of its double, which has no jump.

At a known ground sampling distance vehicles differ by less than a factor of four in size, so that one level
serves all; it is the one of stride 4, because parked cars stand ten pixels apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDE = 4
# Width and height of a place that knows nothing, in pixels: about a car's.
PRIOR_PX = (18.0, 8.0)
# Share of places that are taken for objects before anything was learned (Lin et al., focal loss, ICCV 2017).
PRIOR_SCORE = 0.01
# Sides beyond e^±2.5 times the prior would be no vehicle; the limit keeps early steps sane.
MAX_LOG = 2.5


@dataclass(frozen=True)
class NetworkConfig:
    """Channels: ``widths`` at strides 2, 4, 8, 16, ``neck`` of the pyramid at 8, 4, ``head`` of its ends."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 96)
    depths: tuple[int, int, int] = (1, 2, 2)
    neck: tuple[int, int] = (48, 32)
    head: int = 24
    classes: int = 1


class _Conv(nn.Sequential):
    """Convolution, normalisation, rectification."""

    def __init__(self, ins: int, outs: int, side: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(ins, outs, side, stride, side // 2, bias=False),
            nn.BatchNorm2d(outs, eps=1e-3, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_Conv(width, width, 1), _Conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Input and output ``(B, width, h, w)``."""
        return x + self.body(x)


class _Partial(nn.Module):
    """A cross-stage partial block: half of the channels pass the residual units, half go around."""

    def __init__(self, ins: int, outs: int, depth: int) -> None:
        super().__init__()
        half = outs // 2
        self.through, self.around = _Conv(ins, half, 1), _Conv(ins, half, 1)
        self.units = nn.Sequential(*(_Residual(half) for _ in range(depth)))
        self.join = _Conv(2 * half, outs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, ins, h, w)`` to ``(B, outs, h, w)``."""
        return self.join(torch.cat([self.units(self.through(x)), self.around(x)], dim=1))


class _Context(nn.Module):
    """What lies around, by pooling twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze = _Conv(width, width // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = _Conv(width // 2 * 3, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Input and output ``(B, width, h, w)``."""
        small = self.squeeze(x)
        near = self.pool(small)
        return self.join(torch.cat([small, near, self.pool(near)], dim=1))


class VehicleNetwork(nn.Module):
    """RGB in 0 to 1 to raw predictions at stride 4; sides of the picture are multiples of 16."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        w2, w4, w8, w16 = config.widths
        self.stem = _Conv(3, w2, 3, 2)
        self.at4 = nn.Sequential(_Conv(w2, w4, 3, 2), _Partial(w4, w4, config.depths[0]))
        self.at8 = nn.Sequential(_Conv(w4, w8, 3, 2), _Partial(w8, w8, config.depths[1]))
        self.at16 = nn.Sequential(_Conv(w8, w16, 3, 2), _Partial(w16, w16, config.depths[2]), _Context(w16))
        n8, n4 = config.neck
        self.lateral16, self.lateral8 = _Conv(w16, n8, 1), _Conv(n8, n4, 1)
        self.neck8 = _Partial(n8 + w8, n8, 1)
        self.neck4 = _Partial(n4 + w4, n4, 1)
        self.larger = nn.Upsample(scale_factor=2, mode="nearest")
        self.class_end = nn.Sequential(_Conv(n4, config.head), nn.Conv2d(config.head, config.classes, 1))
        self.box_end = nn.Sequential(_Conv(n4, config.head), nn.Conv2d(config.head, 6, 1))
        nn.init.constant_(self.class_end[1].bias, -math.log(1.0 / PRIOR_SCORE - 1.0))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, 3, H, W)`` to class logits ``(B, C, H/4, W/4)`` and raw boxes ``(B, 6, H/4, W/4)``: shift of
        the middle in strides, logarithms of long and short side over the prior, sine and cosine of the
        doubled angle (of any length).
        """
        four = self.at4(self.stem(image))
        eight = self.at8(four)
        deep = self.neck8(torch.cat([self.larger(self.lateral16(self.at16(eight))), eight], dim=1))
        fine = self.neck4(torch.cat([self.larger(self.lateral8(deep)), four], dim=1))
        return self.class_end(fine), self.box_end(fine)


def decoded(raw: Tensor) -> Tensor:
    """Raw boxes ``(B, 6, h, w)`` as ``(B, 6, h·w)``: middle x, y, long and short side in pixels, and sine and
    cosine of the doubled angle as they come.
    """
    rows = torch.arange(raw.shape[2], device=raw.device, dtype=raw.dtype)
    cols = torch.arange(raw.shape[3], device=raw.device, dtype=raw.dtype)
    x = STRIDE * (cols[None, None, :] + 0.5 + raw[:, 0])
    y = STRIDE * (rows[None, :, None] + 0.5 + raw[:, 1])
    sides = [PRIOR_PX[k] * torch.exp(raw[:, 2 + k].clamp(-MAX_LOG, MAX_LOG)) for k in (0, 1)]
    return torch.stack([x, y, *sides, raw[:, 4], raw[:, 5]], dim=1).flatten(2)


def angle_of(sine: Tensor, cosine: Tensor) -> Tensor:
    """The angle of the long side in (-π/2, π/2] from sine and cosine of its double."""
    return 0.5 * torch.atan2(sine, cosine)
