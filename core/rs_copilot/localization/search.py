"""Coarse search: the best places of a frame on the map, over all assumed headings and scales.

First every place is looked at with little detail (`sweep`). The few hundred best hits are then looked at
again with more detail and with heading and scale varied around what was assumed: chance matches lose, the
true place gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.localization.patches import Drawing, Pyramid, ladder_gsd_m
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.sweep import MIN_ENERGY, CoarseMap, Hit, Null, sweep
from rs_copilot.localization.view import View
from rs_copilot.matching.correlate import Block, Templates, best_peak, block_side_px, correlate
from rs_copilot.types import ByteImage, FloatArray

# Width of the frame in the first look. With hundreds of views little detail ranks the true place among the
# best hundred; with few views, more detail costs nothing.
SWEEP_WIDTH_PX = 64
BLIND_WIDTH_PX = 40
MANY_VIEWS = 60
# Hits that stand out less than this share of the best one are not looked at again, beyond the first few.
WORTH = 0.55
LEAST_HITS = 6
# Candidates nearer than this share of the frame's width are one place.
SEPARATION = 0.15


@dataclass(frozen=True)
class Candidate:
    """One place where a frame may lie.

    ``peak`` is the normalised correlation, ``z`` its height over what chance gives in standard deviations,
    ``margin`` the ratio of z to that of the best peak elsewhere.
    """

    view: View
    center_xy_m: FloatArray
    peak: float
    z: float
    margin: float = 1.0

    @property
    def map_from_px(self) -> FloatArray:
        """Homography from frame pixels to map metres."""
        return self.view.at(self.center_xy_m)


@dataclass(frozen=True)
class Region:
    """A part of the map where the image centre may lie, and the views to try there."""

    bounds_m: Bounds
    views: tuple[View, ...]


@dataclass(frozen=True)
class Look:
    """One closer look: at how many hits, how wide the frame is drawn, what is varied, how far it may move."""

    hits: int
    detail_px: float
    turns_deg: tuple[float, ...]
    scales: tuple[float, ...]
    reach_m_share: float


BLIND_LOOKS = (
    Look(250, 64.0, (0.0,), (1.0,), 0.06),
    Look(64, 72.0, (0.0, -4.0, 4.0), (1.0, 0.93, 1.075), 0.06),
    Look(16, 100.0, (0.0, -2.0, 2.0), (1.0, 0.965, 1.036), 0.04),
)
# Few views see few chance matches, and lie close together already.
LOOKS = (
    Look(24, 72.0, (0.0, -3.0, 3.0), (1.0, 0.94, 1.065), 0.06),
    Look(8, 100.0, (0.0, -1.5, 1.5), (1.0, 0.97, 1.03), 0.04),
)


def coarse_gsd_m(view: View, reference: Reference, view_count: int) -> float:
    """Resolution at which the first look sees one of ``view_count`` views."""
    return ladder_gsd_m(view.width_m / _sweep_width_px(view_count), reference.gsd_m)


def _sweep_width_px(view_count: int) -> float:
    return SWEEP_WIDTH_PX if view_count <= MANY_VIEWS else BLIND_WIDTH_PX


def search(
    image: ByteImage, views: Sequence[View], coarse: CoarseMap, bounds_m: Bounds, *, count: int = 5
) -> list[Candidate]:
    """The best places of a frame over all assumed views, best first, all of them apart.

    Args:
        image: the frame's picture at any scale.
        views: shapes and headings to try; those nearby are tried as well.
        coarse: the map.
        bounds_m: where the image centre may lie.
        count: how many places are wanted.
    """
    return search_regions(image, [Region(bounds_m, tuple(views))], coarse, count=count)


def search_regions(
    image: ByteImage, regions: Sequence[Region], coarse: CoarseMap, *, count: int = 5
) -> list[Candidate]:
    """The best places of a frame over several regions, each with views of its own; see `search`."""
    most_views = max((len(region.views) for region in regions), default=0)
    if not most_views:
        return []
    detail = _sweep_width_px(most_views)
    looks = LOOKS if most_views <= MANY_VIEWS else BLIND_LOOKS
    pyramid = Pyramid.of(image)
    found = (
        sweep(pyramid, region.views, coarse, region.bounds_m, detail_px=detail, keep=looks[0].hits)
        for region in regions
        if region.views
    )
    hits = sorted((hit for some in found for hit in some), key=lambda hit: -hit.score)
    for look in looks:
        hits = closer(pyramid, _worth_a_look(hits, look.hits), coarse.reference, look, detail)
        detail = look.detail_px
    return _candidates(hits, count)


def _worth_a_look(hits: Sequence[Hit], count: int) -> list[Hit]:
    """The best hits that a closer look may still bring to the front."""
    least = WORTH * max((hit.z for hit in hits), default=0.0)
    return [hit for number, hit in enumerate(hits[:count]) if number < LEAST_HITS or hit.z >= least]


def closer(
    pyramid: Pyramid, hits: Sequence[Hit], reference: Reference, look: Look, detail_px: float
) -> list[Hit]:
    """Look at hits again, each where it was found, and rank them by what is seen now.

    Args:
        pyramid: the frame's picture.
        hits: what was found at ``detail_px``.
        reference: the map.
        look: how to look.
        detail_px: how wide the frame was drawn before.
    """
    drawings: dict[float, Drawing] = {}
    seen = []
    for hit in hits:
        gsd_m = ladder_gsd_m(hit.view.width_m / look.detail_px, reference.gsd_m)
        drawing = drawings.setdefault(gsd_m, Drawing(pyramid, gsd_m))
        # Correlations of fields scatter as one over the root of the number of pixels.
        sigma = hit.null.sigma * min(1.0, detail_px / (hit.view.width_m / gsd_m))
        seen.append(replace(_look(drawing, hit, reference, look), null=Null(sigma, hit.null.log_trials)))
    return sorted(seen, key=lambda hit: -hit.score)


def _look(drawing: Drawing, hit: Hit, reference: Reference, look: Look) -> Hit:
    """The best variation of one hit's view, and its place within reach."""
    gsd_m = drawing.gsd_m
    views = [hit.view.turned(turn, scale) for turn in look.turns_deg for scale in look.scales]
    patches, masks = drawing.patches(views)
    reach = max(2, round(look.reach_m_share * hit.view.width_m / gsd_m))
    half = len(masks[0]) // 2
    side = block_side_px(2 * half, 2 * reach + 1, 2 * reach + 1)
    col, row = np.round(reference.col_row(hit.center_xy_m, gsd_m)).astype(int).ravel()
    block = Block.of(reference.window(gsd_m, row - half - reach, col - half - reach, side, side))
    templates = Templates.of(patches, masks, side, min_energy=MIN_ENERGY)
    extent = 2 * reach + 1
    surfaces = correlate(block, templates)[:, :extent, :extent]
    best = int(surfaces.reshape(len(views), -1).max(axis=1).argmax())
    peak = best_peak(surfaces[best])
    place = np.array([col - reach + peak.col, row - reach + peak.row])
    return Hit(views[best], reference.xy(place, gsd_m), peak.value, hit.null)


def _candidates(hits: Sequence[Hit], count: int) -> list[Candidate]:
    """The best hits that lie apart, with their margins."""
    kept: list[Hit] = []
    for hit in hits:
        if all(_apart(hit, other) for other in kept):
            kept.append(hit)
        if len(kept) == count + 1:
            break
    heights = [hit.z for hit in kept]
    found = []
    for number, hit in enumerate(kept[:count]):
        rival = max((z for other, z in enumerate(heights) if other != number), default=0.0)
        margin = min(heights[number] / rival, 2.0) if rival > 0 else 2.0
        found.append(Candidate(hit.view, hit.center_xy_m, hit.value, heights[number], margin))
    return found


def _apart(one: Hit, other: Hit) -> bool:
    distance = float(np.linalg.norm(one.center_xy_m - other.center_xy_m))
    return distance > SEPARATION * max(one.view.width_m, other.view.width_m)
