"""Whitening: what views and tiles of one place differ by, weighs less in the comparison.

Few directions of a trained embedding hold most of its variance, the harmless difference between two dates as
well as what tells places apart. Dividing by the scatter of matching pairs (Mikolajczyk and Matas, Improving
descriptors for fast tree matching by optimal linear projection, ICCV 2007; Radenović et al., Fine-tuning CNN
image retrieval, TPAMI 2019, section 3.3) takes the first away.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Directions that hardly vary are noise: they get this share of the mean variance on top.
FLOOR_SHARE = 0.04


def pair_whitening(views: Tensor, tiles: Tensor) -> tuple[Tensor, Tensor]:
    """Means and projection that whiten the differences of matching pairs.

    Args:
        views: ``(B, D)`` embeddings of UAV views, unwhitened.
        tiles: ``(B, D)`` of the tiles that show the same places.

    Returns:
        Means ``(2, D)`` of views and tiles, and the symmetric ``(D, D)`` matrix to multiply with.
    """
    means, scatter = _scatter(views, tiles)
    return means.float(), _inverse_root(scatter).float()


def adapted_whitening(
    means: Tensor, matrix: Tensor, views: Tensor, tiles: Tensor, share: float
) -> tuple[Tensor, Tensor]:
    """A whitening moved towards the pairs of one ground by ``share``; shapes as in `pair_whitening`."""
    own_means, own = _scatter(views, tiles)
    general = torch.linalg.inv(matrix.double() @ matrix.double())
    mixed = (1.0 - share) * means.double() + share * own_means
    return mixed.float(), _inverse_root((1.0 - share) * general + share * own).float()


def _scatter(views: Tensor, tiles: Tensor) -> tuple[Tensor, Tensor]:
    """Means ``(2, D)``, and the scatter ``(D, D)`` of pairs around them with its floor."""
    views, tiles = views.double(), tiles.double()
    means = torch.stack([views.mean(dim=0), tiles.mean(dim=0)])
    off = (views - means[0]) - (tiles - means[1])
    scatter = off.t() @ off / len(off)
    floor = FLOOR_SHARE * scatter.diagonal().mean()
    return means, scatter + floor * torch.eye(len(scatter), dtype=scatter.dtype)


def _inverse_root(scatter: Tensor) -> Tensor:
    variances, directions = torch.linalg.eigh(scatter)
    return directions * variances.rsqrt() @ directions.t()
