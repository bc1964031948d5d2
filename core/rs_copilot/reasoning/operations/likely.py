"""An operation on frames that have no place: where a search by likeness believes that they lie."""

from __future__ import annotations

import numpy as np

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.sight import MIN_SHOWN, share_in_common
from rs_copilot.reasoning.operations.table import Needs, Takes, operation
from rs_copilot.reasoning.prior import Prior, PriorAt, PriorTile
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Sort, Things

GIVE_INDEX = (
    "Index the map (rs-copilot index) and locate the clip with --index, or name the index with --index."
)
UNSURE = "Locate the clip with telemetry or control points, or ask about another moment."


@operation(
    gives=Sort.THINGS,
    cost=500,
    needs=Needs.PRIORS,
    at=Sort.SECONDS,
    of=Takes(Sort.THINGS, optional=True),
)
def likely_place(
    memory: Memory, at: float, of: Things | None = None, priors: PriorAt | None = None
) -> Finding:
    """The square of the map that looks most like the frame of a moment, or which of several areas has it.

    Raises:
        CannotTell: no map is indexed, there is no such frame, or the search is not sure.
    """
    if priors is None:
        raise CannotTell("no search by likeness is at hand", GIVE_INDEX)
    prior = priors(at)
    if prior is None:
        raise CannotTell(f"the clip has no frame at {at:g} s", "Ask about a moment that the clip has.")
    if not prior.told:
        raise CannotTell(f"several places of the map look like the frame at {at:g} s", UNSURE)
    best = _square(memory, prior, prior.told[0])
    seen = Evidence(
        f"the frame at {at:g} s looks most like this", clip=memory.views.clip, time_s=at, shape=best.shape
    )
    notes = (
        f"The frame at {at:g} s has no place: a search by likeness found the square; it was not located.",
    )
    if of is None:
        return Finding((best,), prior.chance, (seen,), notes, is_measured=True)
    shares = np.array([share_in_common(item, best.shape) for item in of])
    if not len(of) or shares.max() < MIN_SHOWN:
        raise CannotTell(
            "the square that looks most like the frame lies in none of these", "Mark other places.",
            (seen, *showing.all_of(of)), is_none=True,
        )  # fmt: skip
    chosen = of[int(np.argmax(shares))]
    return Finding((chosen,), prior.chance, (showing.thing(chosen), seen), notes, is_measured=True)


def _square(memory: Memory, prior: Prior, tile: PriorTile) -> Thing:
    shape = memory.to_metric(tile.shape_lonlat)
    lon, lat = tile.shape_lonlat.centroid.coords[0]
    side_m = float(np.sqrt(shape.area))
    name = f"square of {side_m:.0f} m around {lat:.5f}, {lon:.5f}"
    return Thing(
        f"square {prior.source.value} {tile.rank}", Kind.VIEW, name, "square", shape, side_m / 2,
        time_s=tile.time_s, clip=memory.views.clip,
    )  # fmt: skip
