"""Evidence made from things and moments."""

from __future__ import annotations

import shapely

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import Things
from rs_copilot.types import FloatArray

# More evidence than this is not read by anyone.
MAX_SHOWN = 40


def thing(item: Thing, says: str | None = None, time_s: float | None = None) -> Evidence:
    """A thing, at a moment where one is given."""
    moment = time_s if time_s is not None else item.time_s
    return Evidence(
        says or describe(item),
        layer=item.layer,
        fid=item.fid,
        things=keys_of(item),
        clip=item.clip,
        time_s=moment,
        shape=item.shape,
    )


def keys_of(item: Thing) -> tuple[str, ...]:
    """The tracks or objects of the scene that a thing is made of."""
    if item.kind is Kind.TRACK:
        return tuple(item.properties.get("pieces", (item.key,)))
    if item.kind is Kind.EVENT:
        return () if item.of is None else (item.of,)
    return (item.key,) if item.kind is Kind.OBJECT else ()


def all_of(items: Things) -> tuple[Evidence, ...]:
    """Several things, the first of many."""
    return tuple(thing(item) for item in items[:MAX_SHOWN])


def moment(memory: Memory, index: int, says: str) -> Evidence:
    """A frame and the ground that it shows."""
    views = memory.views
    return Evidence(
        says,
        layer="frames",
        fid=int(views.fids[index]),
        clip=views.clip,
        frame=int(views.frames[index]),
        time_s=float(views.times_s[index]),
        shape=views.footprint(index),
    )


def line(start_xy: FloatArray, end_xy: FloatArray, says: str) -> Evidence:
    """A line that was measured."""
    return Evidence(says, shape=shapely.LineString([start_xy, end_xy]))


def describe(item: Thing) -> str:
    """A thing as words name it."""
    if item.kind is Kind.TRACK and item.name == item.key:
        return f"{item.label} {item.key.split()[-1]}"
    return item.name
