"""Operations about getting from one place to another."""

from __future__ import annotations

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import one
from rs_copilot.reasoning.operations.table import Takes, operation
from rs_copilot.reasoning.roads import REACH_M, Way
from rs_copilot.reasoning.things import Kind
from rs_copilot.reasoning.values import CannotTell, Finding, Number, Sort, Things, Verdict

AVOID = Takes(Sort.THINGS, optional=True)


@operation(gives=Sort.VERDICT, cost=60, start=Sort.THINGS, end=Sort.THINGS, avoid=AVOID)
def path_exists(memory: Memory, start: Things, end: Things, avoid: Things | None = None) -> Finding:
    """Whether one place can be reached from another along the roads, keeping off some things."""
    way, evidence = _way(memory, start, end, avoid)
    return Finding(Verdict(way.length_m is not None), 0.95, evidence)


@operation(gives=Sort.NUMBER, cost=60, start=Sort.THINGS, end=Sort.THINGS, avoid=AVOID)
def way_length(memory: Memory, start: Things, end: Things, avoid: Things | None = None) -> Finding:
    """Metres of the shortest way along the roads from one place to another."""
    way, evidence = _way(memory, start, end, avoid)
    if way.length_m is None:
        raise CannotTell("no road leads from one to the other", None, evidence)
    return Finding(Number(way.length_m, "m", 5.0), 0.9, evidence)


def _way(
    memory: Memory, start: Things, end: Things, avoid: Things | None
) -> tuple[Way, tuple[Evidence, ...]]:
    if not memory.by_kind[Kind.ROAD]:
        raise CannotTell("no layer of roads is given", "Give a layer with the middle lines of roads.")
    first, last = one(start, "start"), one(end, "goal")
    way = memory.roads.way(first.shape, last.shape, [item.shape for item in avoid or ()])
    far = [item for item, near in ((first, way.near_start), (last, way.near_goal)) if not near]
    if far and not avoid:
        raise CannotTell(
            f"{showing.describe(far[0])} lies more than {REACH_M:.0f} m from every road of the layer",
            "Give a layer that has the roads there.", showing.all_of((first, last)),
        )  # fmt: skip
    line = () if way.line is None else (Evidence(f"way of {way.length_m:.0f} m", shape=way.line),)
    return way, (*showing.all_of((first, last, *(avoid or ()))), *line)
