"""Which place answers for which vehicle, and how wrong its answer is.

A place is asked for the vehicle whose inner part it lies in. Scores are compared to how well the box fits
(Li et al., generalized focal loss, NeurIPS 2020), places between inner part and surroundings count little
(the Gaussian of Zhou et al., Objects as points, 2019). Boxes are compared as Gaussians by their Hellinger
distance (Murrugarra-Llerena et al., ProbIoU, 2021), which sees position, size and angle at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_copilot.training.detector.network import STRIDE, angle_of, decoded

# The inner part is this share of a box's sides, but at least a disc that surely holds a place.
INNER_SHARE = 0.45
INNER_PX = 0.72 * STRIDE
# A Gaussian with this share of the sides as deviation excuses the places around the inner part.
HALO_SHARE = 0.3
EPSILON = 1e-6


@dataclass(frozen=True)
class Losses:
    """Sums per asked vehicle place: of scores, of boxes, of angles; ``total`` is what is learned from."""

    score: Tensor
    box: Tensor
    angle: Tensor

    @property
    def total(self) -> Tensor:
        """Boxes weigh most, the angle helps them at the start."""
        return self.score + 2.0 * self.box + 0.5 * self.angle


@dataclass(frozen=True)
class Targets:
    """Per place of one picture ``(P,)``: ``owner``, the number of its box or -1; ``weight`` of its score."""

    owner: Tensor
    weight: Tensor


def assign(boxes: Tensor, asked: Tensor, rows: int, cols: int) -> Targets:
    """Give ``rows·cols`` places to boxes ``(M, 5)``; the nearest middle wins, unasked ones only silence."""
    device = boxes.device
    owner = torch.full((rows * cols,), -1, dtype=torch.long, device=device)
    weight = torch.ones(rows * cols, device=device)
    if not len(boxes):
        return Targets(owner, weight)
    y, x = torch.meshgrid(torch.arange(rows, device=device), torch.arange(cols, device=device), indexing="ij")
    places = STRIDE * (torch.stack([x, y], dim=-1).reshape(-1, 1, 2) + 0.5)
    shift = places - boxes[None, :, :2]
    cosine, sine = torch.cos(boxes[:, 4]), torch.sin(boxes[:, 4])
    along = shift[..., 0] * cosine + shift[..., 1] * sine
    across = shift[..., 1] * cosine - shift[..., 0] * sine
    # Half of the inner part, never thinner than the disc.
    reach = (0.5 * INNER_SHARE * boxes[:, 2:4]).clamp(min=INNER_PX)
    inner = (along / reach[:, 0]) ** 2 + (across / reach[:, 1]) ** 2
    halo = torch.exp(
        -0.5 * ((along / (HALO_SHARE * boxes[:, 2])) ** 2 + (across / (HALO_SHARE * boxes[:, 3])) ** 2)
    )
    weight = ((1.0 - halo.amax(dim=1)) ** 2).clamp(min=0.0)
    nearest, number = inner.masked_fill(~asked[None], float("inf")).min(dim=1)
    owner = torch.where(nearest <= 1.0, number, owner)
    weight = torch.where(owner >= 0, torch.ones_like(weight), weight)
    inside = (along.abs() <= 0.6 * boxes[:, 2]) & (across.abs() <= 0.6 * boxes[:, 3]) & ~asked
    return Targets(owner, torch.where(inside.any(dim=1) & (owner < 0), torch.zeros_like(weight), weight))


def detection_loss(logits: Tensor, raw: Tensor, boxes: list[Tensor], asked: list[Tensor]) -> Losses:
    """Losses of one batch of a network of one class.

    Args:
        logits: ``(B, 1, h, w)``.
        raw: ``(B, 6, h, w)``, see `network.VehicleNetwork`.
        boxes: per picture ``(M, 5)``: middle, long and short side, angle.
        asked: per picture ``(M,)``.
    """
    rows, cols = int(logits.shape[2]), int(logits.shape[3])
    targets = [assign(box, ask, rows, cols) for box, ask in zip(boxes, asked, strict=True)]
    owner = torch.stack([item.owner for item in targets])
    weight = torch.stack([item.weight for item in targets])
    picture, place = torch.nonzero(owner >= 0, as_tuple=True)
    wanted = torch.cat([box[item.owner[item.owner >= 0]] for box, item in zip(boxes, targets, strict=True)])
    made = decoded(raw).transpose(1, 2)[picture, place]
    count = max(1, len(made))
    distance = hellinger(_gaussian(_with_angle(made)), _gaussian(wanted))
    double = torch.stack([torch.sin(2.0 * wanted[:, 4]), torch.cos(2.0 * wanted[:, 4])], dim=1)
    angle = (made[:, 4:] - double).abs().sum(dim=1)
    fit = torch.zeros_like(weight)
    fit[picture, place] = (0.4 + 0.6 * (1.0 - distance.detach())).clamp(0.0, 1.0)
    score = score_loss(logits.flatten(1), fit, weight) / count
    return Losses(score, distance.sum() / count, angle.sum() / count)


def score_loss(logits: Tensor, fit: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy against soft targets, more for what is far off (quality focal loss with exponent 2)."""
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, fit, reduction="none")
    far = (torch.sigmoid(logits) - fit).abs().detach() ** 2
    return (weight * far * loss).sum() * 4.0


def _with_angle(made: Tensor) -> Tensor:
    return torch.cat([made[:, :4], angle_of(made[:, 4], made[:, 5])[:, None]], dim=1)


def _gaussian(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means ``(N, 2)`` and covariances a, b, c ``(N,)`` of [[a, c], [c, b]]: a box's own second moments."""
    cosine, sine = torch.cos(boxes[:, 4]), torch.sin(boxes[:, 4])
    long, short = boxes[:, 2] ** 2 / 12.0, boxes[:, 3] ** 2 / 12.0
    a = long * cosine**2 + short * sine**2
    b = long * sine**2 + short * cosine**2
    return boxes[:, :2], a, b, (long - short) * cosine * sine


def hellinger(
    first: tuple[Tensor, Tensor, Tensor, Tensor], second: tuple[Tensor, Tensor, Tensor, Tensor]
) -> Tensor:
    """Hellinger distance of pairs of Gaussians, 0 the same and 1 far apart. Shape (N,)."""
    (m1, a1, b1, c1), (m2, a2, b2, c2) = first, second
    a, b, c = a1 + a2, b1 + b2, c1 + c2
    dx, dy = (m1 - m2).unbind(dim=1)
    determinant = (a * b - c**2).clamp(min=EPSILON)
    near = 0.25 * (a * dy**2 + b * dx**2 - 2.0 * c * dx * dy) / determinant
    own = ((a1 * b1 - c1**2).clamp(min=EPSILON) * (a2 * b2 - c2**2).clamp(min=EPSILON)).sqrt()
    spread = 0.5 * torch.log((determinant / (4.0 * own)).clamp(min=1.0))
    coefficient = torch.exp(-(near + spread).clamp(max=80.0))
    return (1.0 - coefficient).clamp(min=EPSILON).sqrt()
