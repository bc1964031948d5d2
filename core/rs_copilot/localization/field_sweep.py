"""Every place of a small region by the learned field: for frames whose edges alone point nowhere.

Where furrows or rows of trees fill a frame, the first look by edges does not even bring the true place among
its hits. The learned field has it first in most of such cases, but costs ten times as much a view, so it is
asked where few views are left to try and the other search was not convincing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rs_copilot.localization.field_look import FieldFrame, Patch, Spectra, spectra_of, surface_of
from rs_copilot.localization.patches import ladder_gsd_m
from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.sweep import PEAK_RADIUS, Hit, Null
from rs_copilot.localization.view import View
from rs_copilot.matching.correlate import local_maxima
from rs_copilot.retrieval.dense import STRIDE


def swept_px(frame: FieldFrame, views: Sequence[View], bounds_m: Bounds, detail_px: float) -> float:
    """Map pixels times views that `field_sweep` would compare: what it costs."""
    west, south, east, north = bounds_m
    finest = frame.fields.reference.gsd_m
    steps = (ladder_gsd_m(view.width_m / detail_px, finest) for view in views)
    return sum((east - west) * (north - south) / gsd_m**2 for gsd_m in steps)


def field_sweep(
    frame: FieldFrame, views: Sequence[View], bounds_m: Bounds, detail_px: float, count: int, null: Null
) -> list[Hit]:
    """The places where any view correlates best by the learned field, best first.

    Args:
        frame: the frame and the map.
        views: shapes and headings to try.
        bounds_m: where the image centre may lie.
        detail_px: how many pixels wide the frame is drawn.
        count: how many places to return at most.
        null: what chance does in the search by edges; hits say nothing about edges yet.
    """
    spectra: dict[tuple[float, int], Spectra] = {}
    found: list[tuple[float, Hit]] = []
    for view in views:
        gsd_m = ladder_gsd_m(view.width_m / detail_px, frame.fields.reference.gsd_m)
        patch = frame.patch(view, gsd_m)
        key = gsd_m, len(patch.mask)
        first, extent = _extent(frame, patch, gsd_m, bounds_m)
        if key not in spectra:
            window = frame.fields.window(gsd_m, *first, int(max(extent)) + len(patch.mask))
            spectra[key] = spectra_of(window)
        surface = surface_of(patch, *spectra[key])[: extent[0], : extent[1]]
        radius = max(2, round(PEAK_RADIUS * view.width_m / gsd_m / STRIDE))
        for row, col in local_maxima(surface, radius, float(surface.max()) / 2):
            place = (np.array([first[1] + col, first[0] + row])) * STRIDE + patch.radius_px
            center = frame.fields.reference.xy(place.astype(np.float64), gsd_m)
            found.append((float(surface[row, col]), Hit(view, center, 0.0, null)))
    best = sorted(found, key=lambda one: -one[0])[:count]
    return [hit for _, hit in best]


def _extent(
    frame: FieldFrame, patch: Patch, gsd_m: float, bounds_m: Bounds
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Row and column of the first cell that the patch's corner may lie on, and how many there are of each."""
    west, south, east, north = bounds_m
    corners = frame.fields.reference.col_row(np.array([[west, north], [east, south]]), gsd_m)
    left, top = np.floor((corners[0] - patch.radius_px) / STRIDE).astype(int)
    right, bottom = np.ceil((corners[1] - patch.radius_px) / STRIDE).astype(int)
    return (int(top), int(left)), (int(bottom - top), int(right - left))
