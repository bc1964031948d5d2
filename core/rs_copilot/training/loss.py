"""What the network is asked for: its own tile among all others, and its own place within the tile."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive_loss(views: Tensor, tiles: Tensor, overlaps: Tensor, temperature: Tensor) -> Tensor:
    """Symmetric InfoNCE (van den Oord et al., 2018; Radford et al., CLIP, ICML 2021).

    Args:
        views: ``(B, D)`` unit embeddings.
        tiles: ``(B, D)`` unit embeddings; the tile of view i is tile i.
        overlaps: ``(B, B)`` bool, pairs of tiles that share ground; they are no negatives.
        temperature: a positive number.
    """
    scores = views @ tiles.t() / temperature
    same = torch.eye(len(views), dtype=torch.bool, device=views.device)
    scores = scores.masked_fill(overlaps & ~same, -1e4)
    target = torch.arange(len(views), device=views.device)
    return 0.5 * (F.cross_entropy(scores, target) + F.cross_entropy(scores.t(), target))


def correlation_loss(views: Tensor, tiles: Tensor, offset: Tensor, sharpness: Tensor) -> Tensor:
    """Cross-entropy over the correlation surface of the views' middle halves within their tiles.

    Args:
        views: ``(B, C, n, n)`` dense fields, n a multiple of 4.
        tiles: likewise.
        offset: ``(B, 2)`` the view's centre in its tile, in sides from the middle, x then y, within 1/4.
        sharpness: factor from correlation to logits.
    """
    n = views.shape[-1]
    quarter = n // 4
    kernel = views[:, :, quarter : n - quarter, quarter : n - quarter]
    padded = F.pad(kernel, (0, n // 2, 0, n // 2))
    product = torch.fft.rfft2(tiles) * torch.fft.rfft2(padded).conj()
    # Shifts of 0 to n/2 stay inside the tile, so nothing wraps around.
    surface = torch.fft.irfft2(product.sum(dim=1), s=(n, n))[:, : n // 2 + 1, : n // 2 + 1]
    energy = kernel.square().sum(dim=(1, 2, 3)) * tiles.square().sum(dim=(1, 2, 3)) / 4.0
    logits = sharpness * surface / torch.sqrt(energy + 1e-3).view(-1, 1, 1)
    cells = torch.round(offset * n + quarter).long().clamp(0, n // 2)
    target = cells[:, 1] * (n // 2 + 1) + cells[:, 0]
    return F.cross_entropy(logits.flatten(1), target)
