"""An operation on frames that have no place: where a search by likeness believes that they lie."""

from __future__ import annotations

import numpy as np

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.sight import MIN_SHOWN, share_in_common
from rs_copilot.reasoning.operations.table import Needs, Takes, operation
from rs_copilot.reasoning.prior import Prior, PriorAt, PriorTile, chance_of, is_told
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
    best = None if not prior.tiles else _square(memory, prior, prior.tiles[0])
    if best is None or (of is None and prior.is_withheld):
        raise CannotTell(f"several places of the map look like the frame at {at:g} s", UNSURE)
    says = f"the frame at {at:g} s looks most like this"
    seen = Evidence(says, clip=memory.views.clip, time_s=at, shape=best.shape)
    notes = (f"The frame at {at:g} s has no place: it was looked up by likeness, not located.",)
    if of is None:
        return Finding((best,), prior.chance, (seen,), notes, is_measured=True)
    chosen = _chosen(of, best)
    if chosen is None:
        raise CannotTell(
            "the square that looks most like the frame lies in none of these", "Mark other places.",
            (seen, *showing.all_of(of)), is_none=not prior.is_withheld,
        )  # fmt: skip
    chance = _chance_among(memory, prior, of, chosen)
    if chance is None:
        raise CannotTell(f"several of these look like the frame at {at:g} s", UNSURE)
    return Finding((chosen,), chance, (showing.thing(chosen), seen), notes, is_measured=True)


def _chosen(of: Things, square: Thing) -> Thing | None:
    """The area that has most of a square; ``None`` where none has much of it."""
    shares = np.array([share_in_common(item, square.shape) for item in of])
    return None if not len(of) or shares.max() < MIN_SHOWN else of[int(np.argmax(shares))]


def _chance_among(memory: Memory, prior: Prior, of: Things, chosen: Thing) -> float | None:
    """How probably the best square lies in the right one of several areas; ``None`` where that is not sure.

    What counts is how far it is ahead of the best square in any other area. Among a few areas one is found
    more easily than on all of the map, for which the probabilities of margins were measured.
    """
    if not prior.considered:
        return None if prior.is_withheld else prior.chance
    others = [
        tile.score
        for tile in prior.considered
        if (area := _chosen(of, _square(memory, prior, tile))) is not None and area is not chosen
    ]
    worst = min(tile.score for tile in prior.considered)
    margin = prior.tiles[0].score - max(others, default=worst)
    return chance_of(margin) if is_told(margin) else None


def _square(memory: Memory, prior: Prior, tile: PriorTile) -> Thing:
    shape = memory.to_metric(tile.shape_lonlat)
    lon, lat = tile.shape_lonlat.centroid.coords[0]
    side_m = float(np.sqrt(shape.area))
    name = f"square of {side_m:.0f} m around {lat:.5f}, {lon:.5f}"
    return Thing(
        f"square {prior.source.value} {tile.rank}", Kind.VIEW, name, "square", shape, side_m / 2,
        time_s=tile.time_s, clip=memory.views.clip,
    )  # fmt: skip
