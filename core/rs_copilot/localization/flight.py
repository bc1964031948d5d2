"""What separate photos of one flight say about each other: one height, few headings, short ways between."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization.view import View, nadir_view, view_of_placement
from rs_copilot.types import FloatArray, SizeWH

# So many photos must agree on a ground width before they say anything about the others.
MIN_MEMBERS = 3
WIDTH_AGREEMENT = 0.08
# Ground heights vary under a flight: a width is never known more closely than this share.
WIDTH_SIGMA_FLOOR = 0.03
# Steps of the search among photos of one flight: finer than a blind one, since the width is known.
YAW_STEP_DEG = 7.5
WIDER = (1.1, 1 / 1.1)
HEADING_SIGMA_DEG = 10.0
# Shares of photos that follow no rule of the flight: another height, a turn, a jump to another line.
STRAY_WIDTH = 0.1
STRAY_HEADING = 0.4
STRAY_PLACE = 0.25
# Neighbours alone shall not carry a photo that shows nothing of its own.
MAX_SUPPORT = 4.0


@dataclass(frozen=True)
class Seen:
    """Where one photo was found to lie: its number, ground point at the centre, ground width and heading."""

    key: int
    center_m: FloatArray
    width_m: float
    azimuth_deg: float

    @classmethod
    def of(cls, key: int, map_from_px: FloatArray, size: SizeWH) -> Seen:
        """Read from a homography to the map."""
        view = view_of_placement(map_from_px, size)
        azimuth = hg.grid_azimuth_deg(view.local_from_px, size.center_px)
        return cls(key, hg.apply(hg.orient(map_from_px, size), size.center_px)[0], view.width_m, azimuth)


@dataclass(frozen=True)
class Flight:
    """What the trusted photos of one flight have in common.

    ``members`` are in the order of their numbers, ``step_m`` is the usual way between neighbours.
    """

    members: tuple[Seen, ...]
    width_m: float
    width_sigma: float
    step_m: float

    @classmethod
    def learn(cls, trusted: Sequence[Seen]) -> Flight | None:
        """The largest group of photos that agree on their ground width; ``None`` if it is too small."""
        if len(trusted) < MIN_MEMBERS:
            return None
        logs = np.log([seen.width_m for seen in trusted])
        near = np.abs(logs[:, None] - logs[None, :]) < WIDTH_AGREEMENT
        group = np.flatnonzero(near[int(np.argmax(near.sum(axis=1)))])
        if len(group) < MIN_MEMBERS:
            return None
        members = tuple(sorted((trusted[int(i)] for i in group), key=lambda seen: seen.key))
        sigma = max(WIDTH_SIGMA_FLOOR, float(np.std(logs[group])))
        return cls(members, float(np.exp(np.median(logs[group]))), sigma, _usual_step_m(members))

    def views(self, size: SizeWH, yaws_deg: FloatArray | None = None) -> list[View]:
        """Views of another photo of the flight: the known width at the given headings, or at any."""
        level = nadir_view(size, self.width_m, 0.0)
        yaws = np.arange(0.0, 360.0, YAW_STEP_DEG) if yaws_deg is None else yaws_deg
        return [level.turned(float(yaw), 1.0) for yaw in yaws]

    def wider_views(self, size: SizeWH, yaws_deg: FloatArray | None = None) -> list[View]:
        """Views a little above and below the known width."""
        return [view.turned(0.0, scale) for scale in WIDER for view in self.views(size, yaws_deg)]

    def support(self, seen: Seen, searched_m2: float) -> float:
        """Log-odds that the others add to a place, or take from it.

        Each term is the density of what was found among the other photos over that among chance matches,
        which have any heading and lie anywhere in the searched area.

        Args:
            seen: the place in question; if it is a member, it has no say in its own support.
            searched_m2: area of the map that was searched for it.
        """
        others = [member for member in self.members if member.key != seen.key]
        if len(others) < MIN_MEMBERS - 1:
            return 0.0
        total = self._width_term(seen) + _heading_term(seen, others)
        return float(min(total + self._place_term(seen, others, searched_m2), MAX_SUPPORT))

    def _width_term(self, seen: Seen) -> float:
        """Never positive: only widths around the flight's were searched."""
        squared = (np.log(seen.width_m / self.width_m) / self.width_sigma) ** 2
        return float(np.log(STRAY_WIDTH + (1 - STRAY_WIDTH) * np.exp(-0.5 * squared)))

    def _place_term(self, seen: Seen, others: Sequence[Seen], searched_m2: float) -> float:
        position = bisect_left(others, seen.key, key=lambda other: other.key)
        near = others[max(position - 1, 0) : position + 1]
        density = 0.0
        for other in near:
            sigma = max(self.step_m * abs(other.key - seen.key), seen.width_m / 4)
            squared = float(np.sum((seen.center_m - other.center_m) ** 2)) / sigma**2
            density += float(np.exp(-0.5 * squared)) / (2 * np.pi * sigma**2 * len(near))
        return float(np.log(STRAY_PLACE + (1 - STRAY_PLACE) * density * searched_m2))


def _heading_term(seen: Seen, others: Sequence[Seen]) -> float:
    turns = np.array([(seen.azimuth_deg - other.azimuth_deg + 180.0) % 360.0 - 180.0 for other in others])
    kernel = np.exp(-0.5 * (turns / HEADING_SIGMA_DEG) ** 2) / (np.sqrt(2 * np.pi) * HEADING_SIGMA_DEG)
    return float(np.log(STRAY_HEADING + (1 - STRAY_HEADING) * 360.0 * kernel.mean()))


def _usual_step_m(members: Sequence[Seen]) -> float:
    """Median way from one numbered photo to the next."""
    steps = [
        float(np.linalg.norm(after.center_m - before.center_m)) / (after.key - before.key)
        for before, after in itertools.pairwise(members)
    ]
    return float(np.median(steps))
