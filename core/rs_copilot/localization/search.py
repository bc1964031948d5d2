"""Coarse search: the best places of a frame on the map, over all assumed headings and scales.

First every place is looked at with little detail (`sweep`). The few hundred best hits are looked at by the
learned field where there is one (`field_look`); those that are left again with more detail and with heading
and scale varied around what was assumed: chance matches lose, the true place gains. At the end both fields
rank the places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.localization.field_look import FieldFrame, FieldMap, Sight
from rs_copilot.localization.field_sweep import field_sweep, swept_px
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
# What the learned field looks at: so many hits of the first look, with so many pixels across the frame; then
# what is left after the closer looks, with more.
SIGHTED_HITS = 250
# The best by edges alone go on in any case: some frames show little that was learned.
KEPT_HITS = 12
SIGHT_WIDTH_PX, LAST_SIGHT_WIDTH_PX = 64.0, 150.0
SIGHT_REACH_SHARE = 0.06
# Its correlations say more than those of edges: over furrows and rows of trees edges agree in many places.
SIGHT_WEIGHT = 2.0
# Where the best place is not this much better than any other, the learned field looks everywhere, if that
# costs no more than so many pixels times views: about 0.8 s.
CLEARLY_BEST = 1.25
SWEPT_WIDTH_PX, SWEPT_HITS = 100.0, 32
MAX_SWEPT_PX, MAX_SWEPT_VIEW_PX = 4e7, 2e6


@dataclass(frozen=True)
class Candidate:
    """One place where a frame may lie.

    ``peak`` is the normalised correlation, ``z`` its height over what chance gives in standard deviations,
    ``learned_z`` likewise by the learned field, if that was asked, and ``margin`` the ratio of both together
    to those of the best place elsewhere.
    """

    view: View
    center_xy_m: FloatArray
    peak: float
    z: float
    margin: float = 1.0
    learned_z: float | None = None

    @property
    def height(self) -> float:
        """How far it stands out by all fields, in standard deviations; what places are ranked by."""
        return _height(self.z, self.learned_z)

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
# Of what the learned field lets pass.
SIGHTED_LOOKS = (
    Look(24, 72.0, (0.0, -3.0, 3.0), (1.0, 0.94, 1.065), 0.06),
    Look(12, 100.0, (0.0, -1.5, 1.5), (1.0, 0.97, 1.03), 0.04),
)
SIGHTED_BLIND_LOOKS = (
    Look(32, 72.0, (0.0, -4.0, 4.0), (1.0, 0.93, 1.075), 0.06),
    Look(12, 100.0, (0.0, -2.0, 2.0), (1.0, 0.965, 1.036), 0.04),
)


@dataclass(frozen=True)
class _Found:
    """A hit after the last look, and what the learned field shows there."""

    hit: Hit
    sight: Sight | None = None

    @property
    def height(self) -> float:
        """How far it stands out by all fields, in standard deviations."""
        return _height(self.hit.z, None if self.sight is None else self.sight.z)


def _height(z: float, learned_z: float | None) -> float:
    return z + (0.0 if learned_z is None else SIGHT_WEIGHT * learned_z)


def coarse_gsd_m(view: View, reference: Reference, view_count: int) -> float:
    """Resolution at which the first look sees one of ``view_count`` views."""
    return ladder_gsd_m(view.width_m / _sweep_width_px(view_count), reference.gsd_m)


def _sweep_width_px(view_count: int) -> float:
    return SWEEP_WIDTH_PX if view_count <= MANY_VIEWS else BLIND_WIDTH_PX


def search(
    image: ByteImage,
    views: Sequence[View],
    coarse: CoarseMap,
    bounds_m: Bounds,
    *,
    count: int = 5,
    fields: FieldMap | None = None,
) -> list[Candidate]:
    """The best places of a frame over all assumed views, best first, all of them apart.

    Args:
        image: the frame's picture at any scale.
        views: shapes and headings to try; those nearby are tried as well.
        coarse: the map.
        bounds_m: where the image centre may lie.
        count: how many places are wanted.
        fields: learned fields of the same map, where there is a network.
    """
    return search_regions(image, [Region(bounds_m, tuple(views))], coarse, count=count, fields=fields)


def search_regions(
    image: ByteImage,
    regions: Sequence[Region],
    coarse: CoarseMap,
    *,
    count: int = 5,
    fields: FieldMap | None = None,
) -> list[Candidate]:
    """The best places of a frame over several regions, each with views of its own; see `search`."""
    most_views = max((len(region.views) for region in regions), default=0)
    if not most_views:
        return []
    detail = _sweep_width_px(most_views)
    looks = _looks(most_views, sighted=fields is not None)
    pyramid = Pyramid.of(image)
    keep = looks[0].hits if fields is None else SIGHTED_HITS
    found = (
        sweep(pyramid, region.views, coarse, region.bounds_m, detail_px=detail, keep=keep)
        for region in regions
        if region.views
    )
    hits = sorted((hit for some in found for hit in some), key=lambda hit: -hit.score)
    frame = None if fields is None else FieldFrame(pyramid, fields)
    if frame is not None:
        hits = _sighted(frame, _worth_a_look(hits, SIGHTED_HITS))
    last = _closest(pyramid, hits, coarse.reference, looks, detail)
    ranked = _ranked(frame, last)
    if frame is not None and hits and not _is_clear(ranked):
        more = _by_field_alone(frame, regions, hits[0].null)
        last = _closest(pyramid, more, coarse.reference, looks, detail)
        ranked = sorted([*ranked, *_ranked(frame, last)], key=lambda one: -one.height)
    return _candidates(ranked, count)


def _closest(
    pyramid: Pyramid, hits: Sequence[Hit], reference: Reference, looks: Sequence[Look], detail_px: float
) -> list[Hit]:
    """What is left of hits after all closer looks."""
    for look in looks:
        hits = closer(pyramid, _worth_a_look(hits, look.hits), reference, look, detail_px)
        detail_px = look.detail_px
    return list(hits)


def _is_clear(ranked: Sequence[_Found]) -> bool:
    best = _candidates(ranked, 1)
    return bool(best) and best[0].margin >= CLEARLY_BEST


def _by_field_alone(frame: FieldFrame, regions: Sequence[Region], null: Null) -> list[Hit]:
    """Hits of the learned field in regions where looking everywhere costs little."""
    found: list[Hit] = []
    for region in regions:
        cost = swept_px(frame, region.views, region.bounds_m, SWEPT_WIDTH_PX)
        if cost <= min(MAX_SWEPT_PX, MAX_SWEPT_VIEW_PX * len(region.views)):
            found += field_sweep(frame, region.views, region.bounds_m, SWEPT_WIDTH_PX, SWEPT_HITS, null)
    return found


def _looks(view_count: int, *, sighted: bool) -> tuple[Look, ...]:
    """The closer looks that follow a first look with so many views."""
    if view_count <= MANY_VIEWS:
        return SIGHTED_LOOKS if sighted else LOOKS
    return SIGHTED_BLIND_LOOKS if sighted else BLIND_LOOKS


def _sighted(frame: FieldFrame, hits: Sequence[Hit]) -> list[Hit]:
    """The few best hits of the first look, then the others in the order that both fields give them."""
    gsd_m = frame.fields.reference.gsd_m

    def standing(hit: Hit) -> float:
        sight = frame.look(hit, SIGHT_WIDTH_PX, SIGHT_REACH_SHARE)
        # Where the map shows fewer pixels than wanted, chance agrees more.
        detail = min(1.0, hit.view.width_m / gsd_m / SIGHT_WIDTH_PX)
        return (hit.value + SIGHT_WEIGHT * sight.value) * detail

    return [*hits[:KEPT_HITS], *sorted(hits[KEPT_HITS:], key=standing, reverse=True)]


def _ranked(frame: FieldFrame | None, hits: Sequence[Hit]) -> list[_Found]:
    """Hits of the last look with what the learned field says, best first."""
    if frame is None:
        return [_Found(hit) for hit in hits]
    found = [_Found(hit, frame.look(hit, LAST_SIGHT_WIDTH_PX, SIGHT_REACH_SHARE)) for hit in hits]
    return sorted(found, key=lambda one: -one.height)


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


def _candidates(found: Sequence[_Found], count: int) -> list[Candidate]:
    """The best places that lie apart, with their margins."""
    kept: list[_Found] = []
    for one in found:
        if all(_apart(one.hit, other.hit) for other in kept):
            kept.append(one)
        if len(kept) == count + 1:
            break
    heights = [one.height for one in kept]
    return [
        _candidate(one, max((*heights[:number], *heights[number + 1 :]), default=0.0))
        for number, one in enumerate(kept[:count])
    ]


def _candidate(found: _Found, rival: float) -> Candidate:
    """A place whose best rival stands out by ``rival``."""
    hit, sight = found.hit, found.sight
    margin = min(found.height / rival, 2.0) if rival > 0 else 2.0
    learned_z = None if sight is None else sight.z
    return Candidate(hit.view, hit.center_xy_m, hit.value, hit.z, margin, learned_z)


def _apart(one: Hit, other: Hit) -> bool:
    distance = float(np.linalg.norm(one.center_xy_m - other.center_xy_m))
    return distance > SEPARATION * max(one.view.width_m, other.view.width_m)
